"""What the page that checks devices and network is told."""

from __future__ import annotations

from typing import ClassVar, Literal

from media.types import TransportKind
from signaling.wire.base import Notification


class CheckFigures(Notification):
    """How the server sees one of the two transports, about every two seconds. ``loss`` is a share, 0 to 1; bitrates are
    bit/s; ``estimate`` is what the server believes the way to the page carries (subscribe transport alone)."""

    EVENT: ClassVar[str] = "check.figures"
    check_id: str
    transport: TransportKind
    rtt_ms: float | None
    loss: float
    bitrate_in: int
    bitrate_out: int
    estimate: int | None


class CheckEnded(Notification):
    """Its time is over, or the media server failed it."""

    EVENT: ClassVar[str] = "check.ended"
    check_id: str
    reason: Literal["time_over", "failed"]


CHECK_NOTIFICATIONS: tuple[type[Notification], ...] = (CheckFigures, CheckEnded)
