"""What the page of the personal centre and its staff side is told."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from signaling.wire.base import Notification


class CaseList(StrEnum):
    """The lists of the personal centre and of its staff side."""

    NOTICES = "notices"
    APPOINTMENTS = "appointments"
    INQUIRIES = "inquiries"
    WORK_ORDERS = "work_orders"
    MEDIATIONS = "mediations"


class CentreChanged(Notification):
    """Something of one's own changed in this list: read it again. The counts of the own inbox are for whom it concerns, null
    for the others of a centre. The window and the desk are told only what has counts."""

    EVENT: ClassVar[str] = "centre.changed"
    changed: CaseList
    unread: int | None = None
    todos: int | None = None


CENTRE_NOTIFICATIONS: tuple[type[Notification], ...] = (CentreChanged,)
