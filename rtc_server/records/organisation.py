"""The organisation in the database: authorities, centres with hours and holidays, staff with skills.

It is small (thousands of rows at most) and read whole; an administrator saves one authority, centre or person at a time.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    delete,
    insert,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.organisation.authorities import Authority, AuthorityTree
from rtc_server.organisation.centres import OperatingCentre, Organisation, ServiceSettings
from rtc_server.organisation.hours import Shift, SpecialDay, WorkingHours
from rtc_server.organisation.people import Skill, StaffMember
from rtc_server.records.base import metadata
from signaling.sessions.queue_states import CentreSettings
from signaling.sessions.states import Role

authority = Table(
    "authority",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("short_name", Text, nullable=False),
    Column("parent", ForeignKey("authority.code")),
    Index(None, "parent"),
)

centre = Table(
    "centre",
    metadata,
    Column("centre_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("greeting", Text, nullable=False),
    Column("default_capacity", Integer, nullable=False),
    Column("blocked_file_types", JSON, nullable=False),
    Column("wait_timeout_ms", BigInteger, nullable=False),
    Column("offer_ring_ms", BigInteger, nullable=False),
    Column("grace_ms", BigInteger, nullable=False),
    Column("decline_pause_ms", BigInteger, nullable=False),
    Column("after_work_ms", BigInteger, nullable=False),
    Column("positions_interval_ms", BigInteger, nullable=False),
    Column("max_passed_over", Integer, nullable=False),
)

centre_authority = Table(
    "centre_authority",
    metadata,
    Column("authority", ForeignKey("authority.code", ondelete="CASCADE"), primary_key=True),
    Column("centre_id", ForeignKey("centre.centre_id", ondelete="CASCADE"), nullable=False),
    Index(None, "centre_id"),
)

working_hours = Table(
    "working_hours",
    metadata,
    Column("centre_id", ForeignKey("centre.centre_id", ondelete="CASCADE"), primary_key=True),
    Column("weekday", Integer, primary_key=True),
    Column("start_minute", Integer, primary_key=True),
    Column("end_minute", Integer, nullable=False),
)

holiday = Table(
    "holiday",
    metadata,
    Column("centre_id", ForeignKey("centre.centre_id", ondelete="CASCADE"), primary_key=True),
    Column("day", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("shifts", JSON, nullable=False),
)

skill = Table(
    "skill",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
)

staff = Table(
    "staff",
    metadata,
    Column("person_id", Text, primary_key=True),
    Column("staff_number", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("authority", ForeignKey("authority.code"), nullable=False),
    Column("capacity", Integer),
    UniqueConstraint("authority", "staff_number"),
)

staff_centre = Table(
    "staff_centre",
    metadata,
    Column("person_id", ForeignKey("staff.person_id", ondelete="CASCADE"), primary_key=True),
    Column("centre_id", ForeignKey("centre.centre_id", ondelete="CASCADE"), primary_key=True),
)

staff_skill = Table(
    "staff_skill",
    metadata,
    Column("person_id", ForeignKey("staff.person_id", ondelete="CASCADE"), primary_key=True),
    Column("skill", ForeignKey("skill.code", ondelete="CASCADE"), primary_key=True),
)


async def load(connection: AsyncConnection) -> Organisation:
    """Everything; raises ValueError if it contradicts itself."""
    tree = AuthorityTree(
        Authority(row.code, row.name, row.short_name, row.parent)
        for row in await connection.execute(select(authority).order_by(authority.c.code))
    )
    serves = await _grouped(connection, select(centre_authority.c.centre_id, centre_authority.c.authority))
    week: dict[str, dict[int, tuple[Shift, ...]]] = {}
    for row in await connection.execute(select(working_hours)):
        days = week.setdefault(row.centre_id, {})
        days[row.weekday] = (*days.get(row.weekday, ()), Shift(row.start_minute, row.end_minute))
    special: dict[str, tuple[SpecialDay, ...]] = {}
    for row in await connection.execute(select(holiday).order_by(holiday.c.day)):
        shifts = tuple(Shift(start, end) for start, end in row.shifts)
        day = SpecialDay(date.fromisoformat(row.day), row.name, shifts)
        special[row.centre_id] = (*special.get(row.centre_id, ()), day)
    centres = [
        OperatingCentre(
            centre_id=row.centre_id,
            name=row.name,
            hours=WorkingHours(week.get(row.centre_id, {})),
            authorities=serves.get(row.centre_id, frozenset()),
            holidays=special.get(row.centre_id, ()),
            settings=_settings_of(row),
            time_zone=row.time_zone,
        )
        for row in await connection.execute(select(centre).order_by(centre.c.centre_id))
    ]
    works = await _grouped(connection, select(staff_centre.c.person_id, staff_centre.c.centre_id))
    can = await _grouped(connection, select(staff_skill.c.person_id, staff_skill.c.skill))
    people = [
        StaffMember(
            person_id=row.person_id,
            staff_number=row.staff_number,
            role=Role(row.role),
            authority=row.authority,
            centres=works.get(row.person_id, frozenset()),
            skills=can.get(row.person_id, frozenset()),
            capacity=row.capacity,
        )
        for row in await connection.execute(select(staff).order_by(staff.c.person_id))
    ]
    return Organisation(tree, centres, people)


async def skills(connection: AsyncConnection) -> tuple[Skill, ...]:
    return tuple(
        Skill(row.code, row.name) for row in await connection.execute(select(skill).order_by(skill.c.code))
    )


async def save_skill(connection: AsyncConnection, one: Skill) -> None:
    await _replace(connection, skill, {"code": one.code}, {"name": one.name})


async def save_authority(connection: AsyncConnection, one: Authority) -> None:
    values = {"name": one.name, "short_name": one.short_name, "parent": one.parent}
    await _replace(connection, authority, {"code": one.code}, values)


async def save_centre(connection: AsyncConnection, one: OperatingCentre) -> None:
    """With its authorities, hours and holidays."""
    key = {"centre_id": one.centre_id}
    await _replace(
        connection, centre, key, {"name": one.name, "time_zone": one.time_zone, **_settings_row(one.settings)}
    )
    for table in (centre_authority, working_hours, holiday):
        await connection.execute(delete(table).where(table.c.centre_id == one.centre_id))
    await _insert(
        connection, centre_authority, [{**key, "authority": code} for code in sorted(one.authorities)]
    )
    hours = [
        {**key, "weekday": weekday, "start_minute": shift.start, "end_minute": shift.end}
        for weekday, shifts in one.hours.week.items()
        for shift in shifts
    ]
    await _insert(connection, working_hours, hours)
    days = [
        {
            **key,
            "day": special.day.isoformat(),
            "name": special.name,
            "shifts": [[shift.start, shift.end] for shift in special.shifts],
        }
        for special in one.holidays
    ]
    await _insert(connection, holiday, days)


async def remove_centre(connection: AsyncConnection, centre_id: str) -> None:
    await connection.execute(delete(centre).where(centre.c.centre_id == centre_id))


async def save_staff(connection: AsyncConnection, one: StaffMember) -> None:
    """With their centres and skills."""
    values = {
        "staff_number": one.staff_number,
        "role": one.role.value,
        "authority": one.authority,
        "capacity": one.capacity,
    }
    key = {"person_id": one.person_id}
    await _replace(connection, staff, key, values)
    for table in (staff_centre, staff_skill):
        await connection.execute(delete(table).where(table.c.person_id == one.person_id))
    await _insert(connection, staff_centre, [{**key, "centre_id": each} for each in sorted(one.centres)])
    await _insert(connection, staff_skill, [{**key, "skill": each} for each in sorted(one.skills)])


async def remove_staff(connection: AsyncConnection, person_id: str) -> None:
    await connection.execute(delete(staff).where(staff.c.person_id == person_id))


async def is_empty(connection: AsyncConnection) -> bool:
    return (await connection.execute(select(authority.c.code).limit(1))).first() is None


async def save_all(connection: AsyncConnection, whole: Organisation, all_skills: tuple[Skill, ...]) -> None:
    """Into a database that may have some of it already; parents before children."""
    for each in sorted(whole.authorities, key=lambda one: len(list(whole.authorities.upwards(one.code)))):
        await save_authority(connection, each)
    for known in all_skills:
        await save_skill(connection, known)
    for one in whole.centres.values():
        await save_centre(connection, one)
    for member in whole.staff.values():
        await save_staff(connection, member)


def _settings_of(row: Any) -> ServiceSettings:
    return ServiceSettings(
        queue=CentreSettings(
            wait_timeout_ms=row.wait_timeout_ms,
            offer_ring_ms=row.offer_ring_ms,
            grace_ms=row.grace_ms,
            decline_pause_ms=row.decline_pause_ms,
            after_work_ms=row.after_work_ms,
            positions_interval_ms=row.positions_interval_ms,
            max_passed_over=row.max_passed_over,
        ),
        greeting=row.greeting,
        blocked_file_types=frozenset(row.blocked_file_types),
        default_capacity=row.default_capacity,
    )


def _settings_row(settings: ServiceSettings) -> dict[str, Any]:
    queue = settings.queue
    return {
        "greeting": settings.greeting,
        "default_capacity": settings.default_capacity,
        "blocked_file_types": sorted(settings.blocked_file_types),
        "wait_timeout_ms": queue.wait_timeout_ms,
        "offer_ring_ms": queue.offer_ring_ms,
        "grace_ms": queue.grace_ms,
        "decline_pause_ms": queue.decline_pause_ms,
        "after_work_ms": queue.after_work_ms,
        "positions_interval_ms": queue.positions_interval_ms,
        "max_passed_over": queue.max_passed_over,
    }


async def _grouped(connection: AsyncConnection, query: Any) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for row in await connection.execute(query):
        found[row[0]] = found.get(row[0], frozenset()) | {row[1]}
    return found


async def _replace(
    connection: AsyncConnection, table: Table, key: dict[str, Any], values: dict[str, Any]
) -> None:
    here = [table.c[name] == value for name, value in key.items()]
    changed = await connection.execute(table.update().where(*here).values(**values))
    if changed.rowcount == 0:
        await connection.execute(insert(table).values(**key, **values))


async def _insert(connection: AsyncConnection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        await connection.execute(insert(table), rows)
