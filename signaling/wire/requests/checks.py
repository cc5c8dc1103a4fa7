"""The check of devices and network before a call."""

from __future__ import annotations

from typing import ClassVar

from signaling.wire.base import Empty, Identifier, Request, WireModel
from signaling.wire.views import IceServerView


class CheckStarted(WireModel):
    check_id: str
    """Stands for ``interaction_id`` in the requests and notifications of media."""
    ends_at: int
    """The server ends it then."""
    ice_servers: list[IceServerView]


class StartCheck(Request):
    """A media room of one's own: what one publishes comes back on one's subscribe transport, by the way a call would
    take. Publisher of every track in it is ``sender``. Nothing of it is kept. One runs for a person; a second ends the
    first. Errors: ``rate_limited``, ``not_allowed``, ``media_unavailable``, ``server_stopping``."""

    EVENT: ClassVar[str] = "check.start"
    RESPONSE: ClassVar[type[WireModel]] = CheckStarted


class EndCheck(Request):
    """Ending one that is over is no error."""

    EVENT: ClassVar[str] = "check.end"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    check_id: Identifier


CHECK_REQUESTS: tuple[type[Request], ...] = (StartCheck, EndCheck)
