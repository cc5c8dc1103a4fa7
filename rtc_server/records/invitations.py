"""Invitations of agents of other authorities into interactions (三方互动)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records.base import Kind, chunks, metadata
from signaling.sessions.states import InvitationPhase


@dataclass(frozen=True, slots=True)
class Invitation:
    """``authority`` is the name of the one by which ``to_agent`` was chosen."""

    invitation_id: str
    revision: int
    interaction_id: str
    from_agent: str
    from_number: str
    to_agent: str
    to_number: str
    authority: str
    phase: InvitationPhase
    asked_at: int
    share_history: bool
    note: str | None = None
    decided_at: int | None = None
    ended_at: int | None = None
    ended_by: str | None = None


invitation = Table(
    "invitation",
    metadata,
    Column("invitation_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("interaction_id", ForeignKey("interaction.interaction_id", ondelete="CASCADE"), nullable=False),
    Column("from_agent", Text, nullable=False),
    Column("from_number", Text, nullable=False),
    Column("to_agent", Text, nullable=False),
    Column("to_number", Text, nullable=False),
    Column("authority", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("share_history", Boolean, nullable=False),
    Column("note", Text),
    Column("decided_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("ended_by", Text),
    Index(None, "interaction_id", "asked_at"),
)

INVITATION = Kind(invitation, Invitation, revisioned=True)

_OPEN = (InvitationPhase.RINGING.value, InvitationPhase.ACCEPTED.value)


async def not_ended(connection: AsyncConnection, interaction_ids: Sequence[str]) -> dict[str, Invitation]:
    """By interaction: what rings, or whose guest is there; one at most of each."""
    found: dict[str, Invitation] = {}
    for chunk in chunks(interaction_ids):
        query = (
            select(invitation)
            .where(invitation.c.interaction_id.in_(chunk), invitation.c.phase.in_(_OPEN))
            .order_by(invitation.c.asked_at, invitation.c.invitation_id)
        )
        found |= {row.interaction_id: INVITATION.of_row(row) for row in await connection.execute(query)}
    return found


async def of_interaction(connection: AsyncConnection, interaction_id: str) -> tuple[Invitation, ...]:
    """In order of asking."""
    query = (
        select(invitation)
        .where(invitation.c.interaction_id == interaction_id)
        .order_by(invitation.c.asked_at, invitation.c.invitation_id)
    )
    return tuple(INVITATION.of_row(row) for row in await connection.execute(query))
