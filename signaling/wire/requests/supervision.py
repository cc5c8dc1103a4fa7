"""Supervisors (班长): all conversations of their centres, and joining one (R18)."""

from __future__ import annotations

from typing import ClassVar

from signaling.sessions.states import SupervisionMode
from signaling.wire.base import Empty, Request, WireModel
from signaling.wire.queue_views import CentreOverview
from signaling.wire.requests.base import InteractionRequest
from signaling.wire.requests.interactions import Opened


class Overview(WireModel):
    centres: list[CentreOverview]


class ListSupervised(Request):
    """Everything of one's centres now, and ``supervise.changed`` from now on until the connection ends."""

    EVENT: ClassVar[str] = "supervise.list"
    RESPONSE: ClassVar[type[WireModel]] = Overview


class JoinSupervised(InteractionRequest):
    """Begin, or change the mode. The taxpayer sees a supervisor in no mode but ``barge``. Recorded."""

    EVENT: ClassVar[str] = "supervise.join"
    RESPONSE: ClassVar[type[WireModel]] = Opened
    mode: SupervisionMode


class LeaveSupervised(InteractionRequest):
    EVENT: ClassVar[str] = "supervise.leave"
    RESPONSE: ClassVar[type[WireModel]] = Empty
