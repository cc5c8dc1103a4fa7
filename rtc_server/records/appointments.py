"""Appointments (预约), the slots they take, and how many a slot has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, Table, Text, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.casework.appointments import DEFAULT_CAPACITY, Appointment
from rtc_server.casework.states import AppointmentMethod, AppointmentState
from rtc_server.records import changes
from rtc_server.records.base import Kind, metadata
from rtc_server.records.lists import Filter, ListSpec, Match, list_index
from rtc_server.records.store import put
from signaling.errors import DomainError, ErrorCode

MAX_OPEN_OF_TAXPAYER = 5

appointment = Table(
    "appointment",
    metadata,
    Column("appointment_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("number", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("taxpayer_id", Text, nullable=False),
    Column("taxpayer_name", Text, nullable=False),
    Column("centre_id", Text, nullable=False),
    Column("authority", Text),
    Column("service", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("starts_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("progress", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("attachments", JSON, nullable=False),
    Column("contact", Text),
    Column("agent_id", Text),
    Column("interaction_id", Text),
    Column("reason", Text),
    Column("decided_at", BigInteger),
    Column("reminded_at", BigInteger),
    Index("ix_appointment_number", "number", unique=True),
    # With all its filters, as the list of a centre: else SQLite takes the index of a state for the better one.
    Index(
        "ix_appointment_own",
        "taxpayer_id",
        "starts_at",
        "appointment_id",
        "state",
        "progress",
        "method",
        "origin",
        "service",
        "number",
    ),
    list_index(
        "appointment",
        "centre_id",
        "starts_at",
        "appointment_id",
        "state",
        "method",
        "service",
        "progress",
        "origin",
        "number",
    ),
    Index(None, "state", "starts_at"),
)

appointment_slot = Table(
    "appointment_slot",
    metadata,
    Column("centre_id", Text, primary_key=True),
    Column("method", Text, primary_key=True),
    Column("starts_at", BigInteger, primary_key=True),
    Column("booked", Integer, nullable=False),
)

appointment_hold = Table(
    "appointment_hold",
    metadata,
    Column("taxpayer_id", Text, primary_key=True),
    Column("starts_at", BigInteger, primary_key=True),
)
"""A person is in one place at a time."""


@dataclass(frozen=True, slots=True)
class SlotCapacity:
    """How many appointments one slot of a centre takes by one method."""

    centre_id: str
    method: AppointmentMethod
    capacity: int


appointment_capacity = Table(
    "appointment_capacity",
    metadata,
    Column("centre_id", Text, primary_key=True),
    Column("method", Text, primary_key=True),
    Column("capacity", Integer, nullable=False),
)

APPOINTMENT = Kind(appointment, Appointment, revisioned=True)
SLOT_CAPACITY = Kind(appointment_capacity, SlotCapacity)

_c = appointment.c
APPOINTMENTS: ListSpec[Appointment] = ListSpec(
    APPOINTMENT,
    _c.appointment_id,
    {
        "number": Filter(_c.number, Match.PREFIX),
        "origin": Filter(_c.origin),
        "service": Filter(_c.service),
        "method": Filter(_c.method),
        "subject": Filter(_c.subject, Match.CONTAINS),
        "state": Filter(_c.state),
        "progress": Filter(_c.progress),
        "starts_from": Filter(_c.starts_at, Match.FROM),
        "starts_before": Filter(_c.starts_at, Match.BEFORE),
    },
    {"starts_at": _c.starts_at},
)


async def capacities(connection: AsyncConnection, centre_id: str) -> dict[AppointmentMethod, int]:
    rows = await connection.execute(
        select(appointment_capacity).where(appointment_capacity.c.centre_id == centre_id)
    )
    found = {one.method: one.capacity for one in map(SLOT_CAPACITY.of_row, rows)}
    return {method: found.get(method, DEFAULT_CAPACITY) for method in AppointmentMethod}


async def set_capacity(connection: AsyncConnection, wanted: SlotCapacity) -> None:
    """What is booked already stays booked."""
    await put(connection, SLOT_CAPACITY, wanted)


async def booked(
    connection: AsyncConnection, centre_id: str, method: AppointmentMethod, starts: Sequence[int]
) -> Mapping[int, int]:
    """How many of each slot are taken."""
    if not starts:
        return {}
    query = select(appointment_slot.c.starts_at, appointment_slot.c.booked).where(
        appointment_slot.c.centre_id == centre_id,
        appointment_slot.c.method == method.value,
        appointment_slot.c.starts_at >= min(starts),
        appointment_slot.c.starts_at <= max(starts),
    )
    return {row.starts_at: row.booked for row in await connection.execute(query)}


async def book(connection: AsyncConnection, wanted: Appointment) -> None:
    """Take a place in the slot and store it, or neither: the counter of the slot is raised only while it is below the
    capacity, by the statement that reads it. In a transaction that writes.

    Raises ``DomainError``: ``slot_full``, ``conflict`` for who has another at that time, ``too_many_interactions``.
    """
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    slot = {"centre_id": wanted.centre_id, "method": wanted.method.value, "starts_at": wanted.starts_at}
    await connection.execute(insert(appointment_slot).values(**slot, booked=0).on_conflict_do_nothing())
    capacity = (await capacities(connection, wanted.centre_id))[wanted.method]
    place = (
        update(appointment_slot)
        .where(*(appointment_slot.c[name] == value for name, value in slot.items()))
        .where(appointment_slot.c.booked < capacity)
        .values(booked=appointment_slot.c.booked + 1)
    )
    if (await connection.execute(place)).rowcount != 1:
        raise DomainError(ErrorCode.SLOT_FULL)
    hold = insert(appointment_hold).values(taxpayer_id=wanted.taxpayer_id, starts_at=wanted.starts_at)
    if (await connection.execute(hold.on_conflict_do_nothing())).rowcount != 1:
        raise DomainError(ErrorCode.ALREADY_BOOKED)
    if await _open_count(connection, wanted.taxpayer_id) >= MAX_OPEN_OF_TAXPAYER:
        raise DomainError(ErrorCode.TOO_MANY_APPOINTMENTS)
    await changes.add(connection, APPOINTMENT, wanted)


async def change(connection: AsyncConnection, old: Appointment, new: Appointment) -> Appointment:
    """The place is free again when it is no longer held. Raises ``DomainError`` with ``conflict``."""
    changed = await changes.change(connection, APPOINTMENT, old, new)
    if new.state in (AppointmentState.CANCELLED, AppointmentState.DECLINED) and old.holds_slot:
        await connection.execute(
            update(appointment_slot)
            .where(
                appointment_slot.c.centre_id == old.centre_id,
                appointment_slot.c.method == old.method.value,
                appointment_slot.c.starts_at == old.starts_at,
            )
            .values(booked=appointment_slot.c.booked - 1)
        )
        await connection.execute(
            delete(appointment_hold).where(
                appointment_hold.c.taxpayer_id == old.taxpayer_id,
                appointment_hold.c.starts_at == old.starts_at,
            )
        )
    return changed


async def get(connection: AsyncConnection, appointment_id: str) -> Appointment | None:
    return await changes.get(connection, APPOINTMENT, appointment_id)


async def in_hand(connection: AsyncConnection, starts_before: int, limit: int = 500) -> list[Appointment]:
    """Those that hold a slot which begins before then, the oldest first."""
    query = (
        select(appointment)
        .where(
            _c.state.in_([AppointmentState.BOOKED.value, AppointmentState.INVITED.value]),
            _c.starts_at < starts_before,
        )
        .order_by(_c.starts_at)
        .limit(limit)
    )
    return [APPOINTMENT.of_row(row) for row in await connection.execute(query)]


async def _open_count(connection: AsyncConnection, taxpayer_id: str) -> int:
    query = (
        select(func.count())
        .select_from(appointment)
        .where(
            _c.taxpayer_id == taxpayer_id,
            _c.state.in_([AppointmentState.BOOKED.value, AppointmentState.INVITED.value]),
        )
    )
    return int((await connection.execute(query)).scalar_one())
