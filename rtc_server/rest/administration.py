"""The organisation for its administrator: authorities, centres with hours and settings, people.

Every change is recorded with who made it. Durations in ms, times of day in minutes after midnight of the centre's zone.
"""

from __future__ import annotations

import time
from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.identity.policy import Permission
from rtc_server.organisation.authorities import Authority
from rtc_server.organisation.centres import DEFAULT_TIME_ZONE, OperatingCentre, ServiceSettings
from rtc_server.organisation.hours import Shift, SpecialDay, WorkingHours, check_shifts
from rtc_server.organisation.people import Skill, StaffMember
from rtc_server.organisation.service import Edit, OrganisationConflict, without_centre
from rtc_server.records import organisation as rows
from rtc_server.rest.audit import audit
from rtc_server.rest.resource import Body, Call, Entry, Line, View
from signaling.errors import BadInput, DomainError, ErrorCode, Refused
from signaling.sessions.queue_states import CentreSettings
from signaling.sessions.states import Role
from signaling.wire.base import Identifier

RegionCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
Ending = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,10}$")]
Ms = Annotated[int, Field(ge=0, le=24 * 3600 * 1000)]
Minute = Annotated[int, Field(ge=0, le=24 * 60)]
StaffNumber = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,16}$")]
Capacity = Annotated[int, Field(ge=1, le=50)]


class AuthorityBody(Body):
    name: Line
    short_name: Line
    parent: RegionCode | None = None


class ShiftBody(Body):
    start: Minute
    end: Minute


class DayBody(Body):
    """``weekday``: Monday is 0."""

    weekday: Annotated[int, Field(ge=0, le=6)]
    shifts: Annotated[list[ShiftBody], Field(max_length=8)]


class HolidayBody(Body):
    """Without shifts the centre is closed that day."""

    day: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    name: Line
    shifts: Annotated[list[ShiftBody], Field(max_length=8, default_factory=list)]


class SettingsBody(Body):
    """See ``signaling.sessions.queue_states.CentreSettings`` and ``rtc_server.organisation.centres.ServiceSettings``."""

    wait_timeout_ms: Annotated[Ms, Field(ge=1_000)]
    offer_ring_ms: Annotated[Ms, Field(ge=1_000)]
    grace_ms: Ms
    decline_pause_ms: Ms
    after_work_ms: Ms
    max_passed_over: Annotated[int, Field(ge=0, le=1_000)]
    greeting: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
    blocked_file_types: Annotated[list[Ending], Field(max_length=200)]
    default_capacity: Capacity


class CentreBody(Body):
    name: Line
    time_zone: Line = DEFAULT_TIME_ZONE
    authorities: Annotated[list[RegionCode], Field(max_length=4_000)]
    week: Annotated[list[DayBody], Field(max_length=7)]
    holidays: Annotated[list[HolidayBody], Field(max_length=400, default_factory=list)]
    settings: SettingsBody


class StaffBody(Body):
    """``capacity`` None: as the centre has it."""

    staff_number: StaffNumber
    role: Annotated[Role, Field(strict=False)]
    authority: RegionCode
    centres: Annotated[list[Identifier], Field(max_length=100, default_factory=list)]
    skills: Annotated[list[Identifier], Field(max_length=100, default_factory=list)]
    capacity: Capacity | None = None


class SkillBody(Body):
    name: Line


class AuthorityView(View):
    code: str
    name: str
    short_name: str
    parent: str | None


class CentreAdminView(View):
    centre_id: str
    name: str
    time_zone: str
    authorities: list[str]
    week: list[DayBody]
    holidays: list[HolidayBody]
    settings: SettingsBody
    open_now: bool


class StaffView(View):
    person_id: str
    staff_number: str
    role: Role
    authority: str
    centres: list[str]
    skills: list[str]
    capacity: int | None


class SkillView(View):
    code: str
    name: str


class OrganisationView(View):
    authorities: list[AuthorityView]
    centres: list[CentreAdminView]
    staff: list[StaffView]
    skills: list[SkillView]


async def _read(call: Call) -> OrganisationView:
    return _whole(call)


async def _save_authority(call: Call) -> OrganisationView:
    body, code = call.body(AuthorityBody), call.id("code")
    try:
        one = Authority(code, body.name, body.short_name, body.parent)
    except ValueError as error:
        raise BadInput(ErrorCode.BAD_MESSAGE) from error
    return await _edit(call, "save_authority", code, lambda connection: rows.save_authority(connection, one))


async def _save_centre(call: Call) -> OrganisationView:
    centre = _centre(call.id("centre_id"), call.body(CentreBody))
    return await _edit(
        call, "save_centre", centre.centre_id, lambda connection: rows.save_centre(connection, centre)
    )


async def _remove_centre(call: Call) -> OrganisationView:
    centre_id = call.id("centre_id")
    if call.desk.organisation.centre(centre_id) is None:
        raise Refused(ErrorCode.NOT_FOUND)
    left = without_centre(call.desk.organisation.whole, centre_id)

    async def change(connection: AsyncConnection) -> None:
        for member in left:
            await rows.save_staff(connection, member)
        await rows.remove_centre(connection, centre_id)

    return await _edit(call, "remove_centre", centre_id, change)


async def _save_staff(call: Call) -> OrganisationView:
    body, person_id = call.body(StaffBody), call.id("person_id")
    try:
        member = StaffMember(
            person_id,
            body.staff_number,
            body.role,
            body.authority,
            frozenset(body.centres),
            frozenset(body.skills),
            body.capacity,
        )
    except ValueError as error:
        raise BadInput(ErrorCode.BAD_MESSAGE) from error
    return await _edit(call, "save_staff", person_id, lambda connection: rows.save_staff(connection, member))


async def _remove_staff(call: Call) -> OrganisationView:
    person_id = call.id("person_id")
    if person_id not in call.desk.organisation.whole.staff:
        raise Refused(ErrorCode.NOT_FOUND)
    return await _edit(
        call, "remove_staff", person_id, lambda connection: rows.remove_staff(connection, person_id)
    )


async def _save_skill(call: Call) -> OrganisationView:
    skill = Skill(call.id("code"), call.body(SkillBody).name)
    return await _edit(call, "save_skill", skill.code, lambda connection: rows.save_skill(connection, skill))


async def _edit(call: Call, action: str, subject: str, change: Edit) -> OrganisationView:
    try:
        await call.desk.organisation.edit(change)
    except OrganisationConflict as error:
        raise DomainError(ErrorCode.CONFLICT) from error
    audit(call, action, subject)
    return _whole(call)


def _centre(centre_id: str, body: CentreBody) -> OperatingCentre:
    """Raises ``BadInput`` for hours that overlap, days that do not exist, an unknown time zone."""
    asked = body.settings
    try:
        ZoneInfo(body.time_zone)
        if len({day.weekday for day in body.week}) != len(body.week):
            raise ValueError("a weekday twice")
        hours = WorkingHours({day.weekday: _shifts(day.shifts) for day in body.week})
        holidays = tuple(
            SpecialDay(date.fromisoformat(one.day), one.name, _shifts(one.shifts)) for one in body.holidays
        )
        if len({one.day for one in holidays}) != len(holidays):
            raise ValueError("a day twice")
    except (ValueError, OSError, KeyError) as error:
        raise BadInput(ErrorCode.BAD_MESSAGE) from error
    return OperatingCentre(
        centre_id=centre_id,
        name=body.name,
        hours=hours,
        authorities=frozenset(body.authorities),
        holidays=holidays,
        time_zone=body.time_zone,
        settings=ServiceSettings(
            queue=CentreSettings(
                wait_timeout_ms=asked.wait_timeout_ms,
                offer_ring_ms=asked.offer_ring_ms,
                grace_ms=asked.grace_ms,
                decline_pause_ms=asked.decline_pause_ms,
                after_work_ms=asked.after_work_ms,
                max_passed_over=asked.max_passed_over,
            ),
            greeting=asked.greeting,
            blocked_file_types=frozenset(asked.blocked_file_types),
            default_capacity=asked.default_capacity,
        ),
    )


def _shifts(asked: list[ShiftBody]) -> tuple[Shift, ...]:
    shifts = tuple(Shift(one.start, one.end) for one in asked)
    check_shifts(shifts)
    return shifts


def _whole(call: Call) -> OrganisationView:
    organisation = call.desk.organisation
    whole = organisation.whole
    now_ms = time.time_ns() // 1_000_000
    return OrganisationView(
        authorities=[
            AuthorityView(code=one.code, name=one.name, short_name=one.short_name, parent=one.parent)
            for one in whole.authorities
        ],
        centres=[
            _centre_view(centre, organisation.is_open(centre.centre_id, now_ms))
            for centre in whole.centres.values()
        ],
        staff=[
            StaffView(
                person_id=one.person_id,
                staff_number=one.staff_number,
                role=one.role,
                authority=one.authority,
                centres=sorted(one.centres),
                skills=sorted(one.skills),
                capacity=one.capacity,
            )
            for one in whole.staff.values()
        ],
        skills=[SkillView(code=one.code, name=one.name) for one in organisation.skills],
    )


def _centre_view(centre: OperatingCentre, open_now: bool) -> CentreAdminView:
    queue = centre.settings.queue
    return CentreAdminView(
        centre_id=centre.centre_id,
        name=centre.name,
        time_zone=centre.time_zone,
        authorities=sorted(centre.authorities),
        week=[
            DayBody(weekday=weekday, shifts=_shift_bodies(shifts))
            for weekday, shifts in sorted(centre.hours.week.items())
        ],
        holidays=[
            HolidayBody(day=one.day.isoformat(), name=one.name, shifts=_shift_bodies(one.shifts))
            for one in centre.holidays
        ],
        settings=SettingsBody(
            wait_timeout_ms=queue.wait_timeout_ms,
            offer_ring_ms=queue.offer_ring_ms,
            grace_ms=queue.grace_ms,
            decline_pause_ms=queue.decline_pause_ms,
            after_work_ms=queue.after_work_ms,
            max_passed_over=queue.max_passed_over,
            greeting=centre.settings.greeting,
            blocked_file_types=sorted(centre.settings.blocked_file_types),
            default_capacity=centre.settings.default_capacity,
        ),
        open_now=open_now,
    )


def _shift_bodies(shifts: tuple[Shift, ...]) -> list[ShiftBody]:
    return [ShiftBody(start=shift.start, end=shift.end) for shift in shifts]


_A = Permission.ADMINISTER
_ALL = OrganisationView

ENTRIES = (
    Entry("GET", "/api/organisation", _A, _read, "Everything of the organisation", answer=_ALL),
    Entry("PUT", "/api/organisation/authorities/{code}", _A, _save_authority, "Add or change a tax authority",
          body=AuthorityBody, answer=_ALL),
    Entry("PUT", "/api/organisation/centres/{centre_id}", _A, _save_centre, "Add or change an operating centre",
          body=CentreBody, answer=_ALL),
    Entry("DELETE", "/api/organisation/centres/{centre_id}", _A, _remove_centre, "Remove a centre", answer=_ALL),
    Entry("PUT", "/api/organisation/staff/{person_id}", _A, _save_staff, "Add or change a person",
          body=StaffBody, answer=_ALL),
    Entry("DELETE", "/api/organisation/staff/{person_id}", _A, _remove_staff, "Remove a person", answer=_ALL),
    Entry("PUT", "/api/organisation/skills/{code}", _A, _save_skill, "Add or change a skill",
          body=SkillBody, answer=_ALL),
)  # fmt: skip
