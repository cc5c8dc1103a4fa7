"""Interactions (互动) and who was in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    false,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records.base import Kind, metadata
from rtc_server.records.paging import Page, newest_first, to_page
from signaling.sessions.states import InteractionKind, InteractionPhase, Role


@dataclass(frozen=True, slots=True)
class Interaction:
    """``taxpayer_name`` is what staff may see without a reveal: already masked. ``agent_id`` is who serves or served last."""

    interaction_id: str
    revision: int
    taxpayer_id: str
    taxpayer_name: str
    authority: str | None
    centre_id: str | None
    agent_id: str | None
    phase: InteractionPhase
    opened_at: int
    closed_at: int | None = None
    closed_by: str | None = None
    close_reason: str | None = None
    context: str | None = None
    wrap_up_code: str | None = None
    wrap_up_note: str | None = None
    kind: InteractionKind = InteractionKind.SERVICE


@dataclass(frozen=True, slots=True)
class InteractionMember:
    """``left_at`` None while they are in it. ``guest_of`` of an invited agent, with the lines they may read."""

    interaction_id: str
    person_id: str
    revision: int
    role: Role
    display_name: str
    joined_at: int
    left_at: int | None = None
    guest_of: str | None = None
    history_from: int = 1
    history_to: int | None = None
    in_call: bool = False


interaction = Table(
    "interaction",
    metadata,
    Column("interaction_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("taxpayer_id", Text, nullable=False),
    Column("taxpayer_name", Text, nullable=False),
    Column("authority", Text),
    Column("centre_id", Text),
    Column("agent_id", Text),
    Column("phase", Text, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Column("closed_by", Text),
    Column("close_reason", Text),
    Column("context", Text),
    Column("wrap_up_code", Text),
    Column("wrap_up_note", Text),
    Column("kind", Text, nullable=False, server_default=InteractionKind.SERVICE.value),
    Index(None, "taxpayer_id", "opened_at"),
    Index(None, "agent_id", "opened_at"),
    Index(None, "centre_id", "opened_at"),
    Index(None, "opened_at"),
    Index(None, "phase", "opened_at"),
)

interaction_member = Table(
    "interaction_member",
    metadata,
    Column("interaction_id", ForeignKey("interaction.interaction_id", ondelete="CASCADE"), primary_key=True),
    Column("person_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("role", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("joined_at", BigInteger, nullable=False),
    Column("left_at", BigInteger),
    Column("guest_of", Text),
    Column("history_from", Integer, nullable=False, server_default="1"),
    Column("history_to", Integer),
    Column("in_call", Boolean, nullable=False, server_default=false()),
    Index(None, "person_id"),
)

INTERACTION = Kind(interaction, Interaction, revisioned=True)
INTERACTION_MEMBER = Kind(interaction_member, InteractionMember, revisioned=True)

_NEWEST = (interaction.c.opened_at, interaction.c.interaction_id)


@dataclass(frozen=True, slots=True)
class InteractionFilter:
    """What is None does not limit. ``opened_from`` is inside, ``opened_to`` outside."""

    taxpayer_id: str | None = None
    agent_id: str | None = None
    centre_ids: frozenset[str] | None = None
    phase: InteractionPhase | None = None
    opened_from: int | None = None
    opened_to: int | None = None


async def get(connection: AsyncConnection, interaction_id: str) -> Interaction | None:
    query = select(interaction).where(interaction.c.interaction_id == interaction_id)
    row = (await connection.execute(query)).one_or_none()
    return INTERACTION.of_row(row) if row is not None else None


async def search(
    connection: AsyncConnection, wanted: InteractionFilter, cursor: str | None = None, limit: int = 20
) -> Page[Interaction]:
    """Newest first. Raises CursorInvalid."""
    query = select(interaction)
    for column, value in (
        (interaction.c.taxpayer_id, wanted.taxpayer_id),
        (interaction.c.agent_id, wanted.agent_id),
        (interaction.c.phase, wanted.phase.value if wanted.phase is not None else None),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.centre_ids is not None:
        query = query.where(interaction.c.centre_id.in_(sorted(wanted.centre_ids)))
    if wanted.opened_from is not None:
        query = query.where(interaction.c.opened_at >= wanted.opened_from)
    if wanted.opened_to is not None:
        query = query.where(interaction.c.opened_at < wanted.opened_to)
    query, limit = newest_first(query, _NEWEST, cursor, limit)
    return to_page((await connection.execute(query)).all(), limit, INTERACTION.of_row, _NEWEST)


async def members(
    connection: AsyncConnection, interaction_ids: Sequence[str]
) -> dict[str, tuple[InteractionMember, ...]]:
    """Of several interactions at once, each in order of joining."""
    query = (
        select(interaction_member)
        .where(interaction_member.c.interaction_id.in_(interaction_ids))
        .order_by(interaction_member.c.joined_at, interaction_member.c.person_id)
    )
    found: dict[str, tuple[InteractionMember, ...]] = {}
    for row in await connection.execute(query):
        member = INTERACTION_MEMBER.of_row(row)
        found[member.interaction_id] = (*found.get(member.interaction_id, ()), member)
    return found


async def is_member(connection: AsyncConnection, interaction_id: str, person_id: str) -> bool:
    """Whether this person is or was in it: the question before any history or file is shown."""
    query = select(interaction_member.c.person_id).where(
        interaction_member.c.interaction_id == interaction_id, interaction_member.c.person_id == person_id
    )
    return (await connection.execute(query)).first() is not None


_LONGEST_MS = 48 * 60 * 60 * 1000


async def not_wrapped_up(connection: AsyncConnection, closed_after: int) -> tuple[Interaction, ...]:
    """Conversations of the queue, in order of their end."""
    query = (
        select(interaction)
        .where(
            interaction.c.phase == InteractionPhase.CLOSED.value,
            # Lets an index be used; no conversation lasts for days.
            interaction.c.opened_at > closed_after - _LONGEST_MS,
            interaction.c.closed_at > closed_after,
            interaction.c.wrap_up_code.is_(None),
            interaction.c.centre_id.is_not(None),
        )
        .order_by(interaction.c.closed_at, interaction.c.interaction_id)
    )
    return tuple(INTERACTION.of_row(row) for row in await connection.execute(query))


async def last_agent(connection: AsyncConnection, taxpayer_id: str) -> str | None:
    """Who served this taxpayer last."""
    query = (
        select(interaction.c.agent_id)
        .where(interaction.c.taxpayer_id == taxpayer_id, interaction.c.agent_id.is_not(None))
        .order_by(interaction.c.opened_at.desc())
        .limit(1)
    )
    return (await connection.execute(query)).scalar_one_or_none()
