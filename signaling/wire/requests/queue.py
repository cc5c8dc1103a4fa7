"""The taxpayer's place in the queue for a person (人工)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import StringConstraints

from signaling.wire.base import Empty, Identifier, Request, WireModel
from signaling.wire.queue_views import TicketView

Words = Annotated[str, StringConstraints(max_length=200)]


class Queued(WireModel):
    ticket: TicketView


class JoinQueue(Request):
    """【人工】. One place a person: who waits already gets that place back. Errors, each with its ways out:
    ``queue_closed`` and ``queue_no_agent`` (留言, 预约), ``queue_no_centre`` (我的机关)."""

    EVENT: ClassVar[str] = "queue.join"
    RESPONSE: ClassVar[type[WireModel]] = Queued
    page: Words | None = None
    """Which page of the host platform they come from."""
    business: Words | None = None
    """Which business they are about."""
    authority: Words | None = None
    """Name or region code; without it the one of the token."""
    skill: Identifier | None = None


class OwnTicket(WireModel):
    ticket: TicketView | None
    """None for who is in no queue."""


class GetTicket(Request):
    EVENT: ClassVar[str] = "queue.get"
    RESPONSE: ClassVar[type[WireModel]] = OwnTicket


class StayInQueue(Request):
    """【继续等待】 after the wait notice: it is taken back, the place is kept."""

    EVENT: ClassVar[str] = "queue.stay"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class CancelQueue(Request):
    """【取消排队】"""

    EVENT: ClassVar[str] = "queue.cancel"
    RESPONSE: ClassVar[type[WireModel]] = Empty
