"""Slots of appointments (号源) over HTTP: the half hours of a day, and how many appointments each takes."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints

from rtc_server.casework import appointments as rules
from rtc_server.casework.service import now_ms
from rtc_server.casework.states import WORDS, AppointmentMethod
from rtc_server.identity.policy import Permission
from rtc_server.records import appointments as rows
from rtc_server.records.appointments import SlotCapacity
from rtc_server.rest.audit import audit
from rtc_server.rest.centres import own_centre, taxpayer_centre
from rtc_server.rest.resource import Body, Call, Entry, Query, View, required
from signaling.errors import BadInput, ErrorCode, Refused
from signaling.sessions.states import Role
from signaling.wire.base import Identifier


class SlotsQuery(Query):
    """``day``: ISO 8601, of the centre's time zone. ``centre_id``: one's own centre when it is left away."""

    day: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    method: AppointmentMethod
    centre_id: Identifier | None = None


class CapacityBody(Body):
    """Appointments one half hour takes."""

    centre_id: Identifier | None = None
    capacity: Annotated[int, Field(ge=0, le=rules.MAX_CAPACITY)]


class CentreQuery(Query):
    centre_id: Identifier | None = None


class SlotView(View):
    starts_at: int
    ends_at: int
    free: int


class Slots(View):
    slots: list[SlotView]


class CapacityView(View):
    method: AppointmentMethod
    method_name: str
    capacity: int


class Capacities(View):
    centre_id: str
    capacities: list[CapacityView]


async def _slots(call: Call) -> Slots:
    asked = call.query(SlotsQuery)
    if call.person.role is Role.TAXPAYER:
        centre_id, _ = taxpayer_centre(call, asked.centre_id)
    else:
        centre_id = required(own_centre(call, asked.centre_id))
    centre = required(call.desk.organisation.centre(centre_id))
    try:
        day = date.fromisoformat(asked.day)
    except ValueError as error:
        raise BadInput(ErrorCode.BAD_MESSAGE) from error
    slots = list(rules.slots_on(centre, day, now_ms()))
    async with call.desk.recording.read(caught_up=False) as connection:
        capacity = (await rows.capacities(connection, centre_id))[asked.method]
        taken = await rows.booked(connection, centre_id, asked.method, [one.starts_at for one in slots])
    return Slots(
        slots=[
            SlotView(
                starts_at=one.starts_at,
                ends_at=one.ends_at,
                free=max(0, capacity - taken.get(one.starts_at, 0)),
            )
            for one in slots
        ]
    )


async def _capacities(call: Call) -> Capacities:
    return await _capacities_of(call, required(own_centre(call, call.query(CentreQuery).centre_id)))


async def _capacities_of(call: Call, centre_id: str) -> Capacities:
    async with call.desk.recording.read(caught_up=False) as connection:
        found = await rows.capacities(connection, centre_id)
    return Capacities(
        centre_id=centre_id,
        capacities=[
            CapacityView(method=method, method_name=WORDS["appointment_method"][method], capacity=capacity)
            for method, capacity in found.items()
        ],
    )


async def _set_capacity(call: Call) -> Capacities:
    body = call.body(CapacityBody)
    centre_id = required(own_centre(call, body.centre_id))
    try:
        method = AppointmentMethod(call.id("method"))
    except ValueError as error:
        raise Refused(ErrorCode.RECORD_NOT_FOUND) from error
    async with call.desk.recording.write() as connection:
        await rows.set_capacity(connection, SlotCapacity(centre_id, method, body.capacity))
    audit(call, "set_slot_capacity", centre_id, f"{method} {body.capacity}")
    return await _capacities_of(call, centre_id)


_CAPACITIES = "/api/casework/appointments/capacities"

ENTRIES = (
    Entry("GET", "/api/slots", Permission.READ_SLOTS, _slots, "Slots of a day and how many places each has",
          query=SlotsQuery, answer=Slots),
    Entry("GET", _CAPACITIES, Permission.CASEWORK, _capacities, "Places of a slot by method",
          query=CentreQuery, answer=Capacities),
    Entry("PUT", f"{_CAPACITIES}/{{method}}", Permission.RUN_SLOTS, _set_capacity, "Set them",
          body=CapacityBody, answer=Capacities),
)  # fmt: skip
