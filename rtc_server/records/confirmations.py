"""Service confirmation forms (业务办理服务确认单) and every step of theirs.

What is asked for stands in columns; what people wrote is JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, Table, Text, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records.base import Kind, metadata
from signaling.sessions.confirmation import ENDED, ConfirmationAction, ConfirmationPhase


@dataclass(frozen=True, slots=True)
class ConfirmationRecord:
    """``content`` is what is in no column, as ``confirmation_recording`` writes it."""

    confirmation_id: str
    revision: int
    number: str
    interaction_id: str
    phase: ConfirmationPhase
    sender_id: str
    receiver_id: str
    taxpayer_id: str | None
    handler_id: str | None
    sent_at: int
    ended_at: int | None
    due_at: int | None
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ConfirmationStep:
    """Steps are only added. ``actor_id`` None: nobody's deed."""

    confirmation_id: str
    number: int
    action: ConfirmationAction
    actor_id: str | None
    at: int
    phase: ConfirmationPhase
    note: str | None = None


confirmation = Table(
    "confirmation",
    metadata,
    Column("confirmation_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("number", Text, nullable=False),
    Column("interaction_id", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("sender_id", Text, nullable=False),
    Column("receiver_id", Text, nullable=False),
    Column("taxpayer_id", Text),
    Column("handler_id", Text),
    Column("sent_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("due_at", BigInteger),
    Column("content", JSON, nullable=False),
    Index(None, "interaction_id"),
    Index(None, "sender_id", "sent_at"),
    Index(None, "receiver_id", "sent_at"),
    Index(None, "taxpayer_id", "sent_at"),
    Index(None, "handler_id", "sent_at"),
    Index(None, "phase", "sent_at"),
)

confirmation_step = Table(
    "confirmation_step",
    metadata,
    Column("confirmation_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("action", Text, nullable=False),
    Column("actor_id", Text),
    Column("at", BigInteger, nullable=False),
    Column("phase", Text, nullable=False),
    Column("note", Text),
)

CONFIRMATION = Kind(confirmation, ConfirmationRecord, revisioned=True)
CONFIRMATION_STEP = Kind(confirmation_step, ConfirmationStep)

_NOT_ENDED = [phase.value for phase in ConfirmationPhase if phase not in ENDED]


async def get(connection: AsyncConnection, confirmation_id: str) -> ConfirmationRecord | None:
    query = select(confirmation).where(confirmation.c.confirmation_id == confirmation_id)
    row = (await connection.execute(query)).one_or_none()
    return CONFIRMATION.of_row(row) if row is not None else None


async def not_ended(connection: AsyncConnection) -> tuple[ConfirmationRecord, ...]:
    query = select(confirmation).where(confirmation.c.phase.in_(_NOT_ENDED)).order_by(confirmation.c.sent_at)
    return tuple(CONFIRMATION.of_row(row) for row in await connection.execute(query))


async def of_person(
    connection: AsyncConnection, person_id: str, limit: int
) -> tuple[ConfirmationRecord, ...]:
    """Those that concern a person, newest first."""
    roles = (
        confirmation.c.sender_id,
        confirmation.c.receiver_id,
        confirmation.c.taxpayer_id,
        confirmation.c.handler_id,
    )
    query = (
        select(confirmation)
        .where(or_(*(role == person_id for role in roles)))
        .order_by(confirmation.c.sent_at.desc(), confirmation.c.confirmation_id)
        .limit(limit)
    )
    return tuple(CONFIRMATION.of_row(row) for row in await connection.execute(query))


async def steps(connection: AsyncConnection, confirmation_id: str) -> tuple[ConfirmationStep, ...]:
    query = (
        select(confirmation_step)
        .where(confirmation_step.c.confirmation_id == confirmation_id)
        .order_by(confirmation_step.c.number)
    )
    return tuple(CONFIRMATION_STEP.of_row(row) for row in await connection.execute(query))


async def highest_revision(connection: AsyncConnection) -> int:
    query = select(func.max(confirmation.c.revision)).where(confirmation.c.phase.in_(_NOT_ENDED))
    return int((await connection.execute(query)).scalar_one_or_none() or 0)
