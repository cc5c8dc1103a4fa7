"""Taxpayers as far as the service must know them to reach them outside a conversation: masked, never a telephone number."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Index, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.casework.states import TaxpayerKind
from rtc_server.records.base import Kind, metadata


@dataclass(frozen=True, slots=True)
class Taxpayer:
    """As the last token said. ``authority`` is the region code."""

    taxpayer_id: str
    revision: int
    name: str
    kind: TaxpayerKind
    authority: str | None
    seen_at: int


taxpayer = Table(
    "taxpayer",
    metadata,
    Column("taxpayer_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("authority", Text),
    Column("seen_at", BigInteger, nullable=False),
    Index(None, "authority"),
)


@dataclass(frozen=True, slots=True)
class TaxpayerChoice:
    """The authority a taxpayer wants to be served by (我的机关), as region code."""

    taxpayer_id: str
    authority: str
    chosen_at: int


taxpayer_choice = Table(
    "taxpayer_choice",
    metadata,
    Column("taxpayer_id", Text, primary_key=True),
    Column("authority", Text, nullable=False),
    Column("chosen_at", BigInteger, nullable=False),
    Index(None, "chosen_at"),
)

TAXPAYER_CHOICE = Kind(taxpayer_choice, TaxpayerChoice)
TAXPAYER = Kind(taxpayer, Taxpayer, revisioned=True)


async def get(connection: AsyncConnection, taxpayer_id: str) -> Taxpayer | None:
    query = select(taxpayer).where(taxpayer.c.taxpayer_id == taxpayer_id)
    row = (await connection.execute(query)).one_or_none()
    return TAXPAYER.of_row(row) if row is not None else None


async def choice(connection: AsyncConnection, taxpayer_id: str) -> str | None:
    """The authority chosen, if one was."""
    query = select(taxpayer_choice.c.authority).where(taxpayer_choice.c.taxpayer_id == taxpayer_id)
    found: str | None = (await connection.execute(query)).scalar_one_or_none()
    return found


async def chosen_since(connection: AsyncConnection, since: int) -> list[TaxpayerChoice]:
    """What was chosen at that time or later, in order."""
    query = (
        select(taxpayer_choice)
        .where(taxpayer_choice.c.chosen_at >= since)
        .order_by(taxpayer_choice.c.chosen_at)
    )
    return [TAXPAYER_CHOICE.of_row(row) for row in await connection.execute(query)]
