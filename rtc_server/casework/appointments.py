"""Appointments (预约): which slots there are, and what may become of one that is booked. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rtc_server.casework.states import (
    AppointmentMethod,
    AppointmentOrigin,
    AppointmentProgress,
    AppointmentState,
)
from rtc_server.organisation.centres import OperatingCentre
from rtc_server.organisation.hours import shifts_on
from signaling.errors import ErrorCode, Refused

SLOT_MINUTES = 30
SLOT_MS = SLOT_MINUTES * 60_000
LEAD_MS = 30 * 60_000
"""So long before its beginning a slot can be booked last."""
HORIZON_DAYS = 14
REMIND_MS = 60 * 60_000
"""So long before its beginning the taxpayer is reminded."""
EARLY_MS = 15 * 60_000
"""So long before its beginning an agent may begin."""
SETTLE_MS = 24 * 60 * 60_000
"""So long after its end what nobody has decided is settled by itself."""
DEFAULT_CAPACITY = 3
MAX_CAPACITY = 500
_INVITATION = "invitation-"


@dataclass(frozen=True, slots=True)
class Slot:
    """Half an hour, in ms since the epoch."""

    starts_at: int

    @property
    def ends_at(self) -> int:
        return self.starts_at + SLOT_MS


@dataclass(frozen=True, slots=True)
class Appointment:
    """``attachments`` are ids of files. ``contact`` is the telephone number to call, for that method alone."""

    appointment_id: str
    revision: int
    number: str
    origin: AppointmentOrigin
    taxpayer_id: str
    taxpayer_name: str
    centre_id: str
    authority: str | None
    service: str
    method: AppointmentMethod
    subject: str
    starts_at: int
    ends_at: int
    state: AppointmentState
    progress: AppointmentProgress
    created_at: int
    created_by: str
    attachments: tuple[str, ...] = ()
    contact: str | None = None
    agent_id: str | None = None
    interaction_id: str | None = None
    reason: str | None = None
    decided_at: int | None = None
    reminded_at: int | None = None

    @property
    def holds_slot(self) -> bool:
        return self.state in (AppointmentState.INVITED, AppointmentState.BOOKED)


def address_of(known: Appointment) -> str:
    """Where the taxpayer finds it: what the authority invites to stands in a list of its own."""
    page = "invitations" if known.origin is AppointmentOrigin.AUTHORITY else "appointments"
    return f"/centre/{page}?number={known.number}"


def invitation_id(known: Appointment) -> str:
    """Of the notice that asks for an answer; it is done when there is one."""
    return f"{_INVITATION}{known.appointment_id}"


def is_invitation(notice_id: str) -> bool:
    return notice_id.startswith(_INVITATION)


def slots_on(centre: OperatingCentre, day: date, now_ms: int) -> Iterator[Slot]:
    """The slots of a day that can still be booked, whole ones within working hours, aligned to half hours."""
    zone = ZoneInfo(centre.time_zone)
    midnight = datetime.combine(day, time.min, zone)
    today = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone).date()
    if not today <= day <= today + timedelta(days=HORIZON_DAYS):
        return
    for shift in shifts_on(centre.hours, centre.holidays, day):
        minute = -(-shift.start // SLOT_MINUTES) * SLOT_MINUTES
        while minute + SLOT_MINUTES <= shift.end:
            slot = Slot(int((midnight + timedelta(minutes=minute)).timestamp() * 1000))
            if slot.starts_at >= now_ms + LEAD_MS:
                yield slot
            minute += SLOT_MINUTES


def is_slot(centre: OperatingCentre, starts_at: int, now_ms: int) -> bool:
    day = datetime.fromtimestamp(starts_at / 1000, UTC).astimezone(ZoneInfo(centre.time_zone)).date()
    return any(slot.starts_at == starts_at for slot in slots_on(centre, day, now_ms))


def cancel(known: Appointment, reason: str | None, now_ms: int) -> Appointment:
    """By the taxpayer or by staff, before the interaction has begun. Raises ``Refused``."""
    _check(known.holds_slot and known.progress is AppointmentProgress.NOT_STARTED)
    return replace(known, state=AppointmentState.CANCELLED, reason=reason, decided_at=now_ms)


def answer(known: Appointment, *, agreed: bool, now_ms: int) -> Appointment:
    """The taxpayer's answer to an invitation, until the slot begins. Raises ``Refused``."""
    _check(known.state is AppointmentState.INVITED and now_ms < known.starts_at)
    state = AppointmentState.BOOKED if agreed else AppointmentState.DECLINED
    return replace(known, state=state, decided_at=now_ms)


def begin(known: Appointment, agent_id: str, interaction_id: str | None, now_ms: int) -> Appointment:
    """An agent begins at its time. ``interaction_id`` for the online method. Raises ``Refused``."""
    _check(
        known.state is AppointmentState.BOOKED
        and known.progress is AppointmentProgress.NOT_STARTED
        and now_ms >= known.starts_at - EARLY_MS
    )
    return replace(
        known, progress=AppointmentProgress.STARTED, agent_id=agent_id, interaction_id=interaction_id
    )


def fulfil(known: Appointment, now_ms: int) -> Appointment:
    """It took place. Raises ``Refused`` for one that has not begun."""
    _check(known.state is AppointmentState.BOOKED and known.progress is not AppointmentProgress.NOT_STARTED)
    return replace(
        known, state=AppointmentState.FULFILLED, progress=AppointmentProgress.ENDED, decided_at=now_ms
    )


def miss(known: Appointment, now_ms: int) -> Appointment:
    """The taxpayer did not come. Raises ``Refused`` before the slot has begun."""
    _check(
        known.state is AppointmentState.BOOKED
        and known.progress is AppointmentProgress.NOT_STARTED
        and now_ms >= known.starts_at
    )
    return replace(known, state=AppointmentState.MISSED, decided_at=now_ms)


def settle(known: Appointment, now_ms: int) -> Appointment | None:
    """What becomes of one nobody has decided; None: nothing yet."""
    if not known.holds_slot:
        return None
    if known.state is AppointmentState.INVITED:
        return (
            replace(known, state=AppointmentState.DECLINED, reason="逾期未确认", decided_at=now_ms)
            if now_ms >= known.starts_at
            else None
        )
    if now_ms < known.ends_at + SETTLE_MS:
        return None
    if known.progress is AppointmentProgress.NOT_STARTED:
        return miss(known, now_ms)
    return fulfil(known, now_ms)


def is_due_for_reminder(known: Appointment, now_ms: int) -> bool:
    return (
        known.state is AppointmentState.BOOKED
        and known.reminded_at is None
        and known.starts_at - REMIND_MS <= now_ms < known.starts_at
    )


def _check(possible: bool) -> None:
    if not possible:
        raise Refused(ErrorCode.WRONG_PHASE)
