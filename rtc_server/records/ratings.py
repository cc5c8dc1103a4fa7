"""Ratings (服务评价): one for each interaction, the first one counts."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Table, Text, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records.base import Kind, metadata
from rtc_server.records.interactions import interaction


@dataclass(frozen=True, slots=True)
class Rating:
    """``solved``: 已解决 or 未解决."""

    interaction_id: str
    taxpayer_id: str
    agent_id: str | None
    solved: bool
    comment: str | None
    rated_at: int


rating = Table(
    "rating",
    metadata,
    Column("interaction_id", ForeignKey("interaction.interaction_id", ondelete="CASCADE"), primary_key=True),
    Column("taxpayer_id", Text, nullable=False),
    Column("agent_id", Text),
    Column("solved", Boolean, nullable=False),
    Column("comment", Text),
    Column("rated_at", BigInteger, nullable=False),
    Index(None, "agent_id", "rated_at"),
)

RATING = Kind(rating, Rating)


@dataclass(frozen=True, slots=True)
class RatingSummary:
    solved: int
    unsolved: int


async def get(connection: AsyncConnection, interaction_id: str) -> Rating | None:
    row = (
        await connection.execute(select(rating).where(rating.c.interaction_id == interaction_id))
    ).one_or_none()
    return RATING.of_row(row) if row is not None else None


async def summary(
    connection: AsyncConnection, centre_id: str, rated_from: int, rated_to: int
) -> RatingSummary:
    """Of one centre, from ``rated_from`` until before ``rated_to``."""
    solved = func.sum(case((rating.c.solved, 1), else_=0))
    query = (
        select(func.count(), solved)
        .select_from(rating.join(interaction))
        .where(
            interaction.c.centre_id == centre_id,
            rating.c.rated_at >= rated_from,
            rating.c.rated_at < rated_to,
        )
    )
    total, good = (await connection.execute(query)).one()
    return RatingSummary(solved=int(good or 0), unsolved=int(total) - int(good or 0))
