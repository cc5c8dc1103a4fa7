"""Transfers (会话转接) of interactions from one agent to another or to a centre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records.base import Kind, chunks, metadata


class TransferOutcome(StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Transfer:
    """Either ``to_agent`` or ``to_centre`` was asked; ``taken_by`` is who accepted."""

    transfer_id: str
    revision: int
    interaction_id: str
    from_agent: str
    to_agent: str | None
    to_centre: str | None
    outcome: TransferOutcome
    asked_at: int
    decided_at: int | None = None
    taken_by: str | None = None
    note: str | None = None


transfer = Table(
    "transfer",
    metadata,
    Column("transfer_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("interaction_id", ForeignKey("interaction.interaction_id", ondelete="CASCADE"), nullable=False),
    Column("from_agent", Text, nullable=False),
    Column("to_agent", Text),
    Column("to_centre", Text),
    Column("outcome", Text, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("decided_at", BigInteger),
    Column("taken_by", Text),
    Column("note", Text),
    Index(None, "interaction_id", "asked_at"),
)

TRANSFER = Kind(transfer, Transfer, revisioned=True)


async def pending(connection: AsyncConnection, interaction_ids: Sequence[str]) -> dict[str, Transfer]:
    """By interaction; one at most of each is asked for at a time."""
    found: dict[str, Transfer] = {}
    for chunk in chunks(interaction_ids):
        query = (
            select(transfer)
            .where(transfer.c.interaction_id.in_(chunk), transfer.c.outcome == TransferOutcome.PENDING.value)
            .order_by(transfer.c.asked_at, transfer.c.transfer_id)
        )
        found |= {row.interaction_id: TRANSFER.of_row(row) for row in await connection.execute(query)}
    return found


async def of_interaction(connection: AsyncConnection, interaction_id: str) -> tuple[Transfer, ...]:
    """In order of asking."""
    query = (
        select(transfer)
        .where(transfer.c.interaction_id == interaction_id)
        .order_by(transfer.c.asked_at, transfer.c.transfer_id)
    )
    return tuple(TRANSFER.of_row(row) for row in await connection.execute(query))
