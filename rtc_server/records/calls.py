"""Remote assistances and audio/video calls inside interactions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records.base import Kind, metadata
from signaling.sessions.states import EndReason


class CallKind(StrEnum):
    ASSISTANCE = "assistance"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class CallRecord:
    """``connected_at`` is when media first flowed; None when it never did. ``end_reason`` None while it runs.
    ``paused``: the share was held back when this was written."""

    call_id: str
    revision: int
    interaction_id: str
    kind: CallKind
    started_by: str
    requested_at: int
    accepted_at: int | None = None
    connected_at: int | None = None
    ended_at: int | None = None
    ended_by: str | None = None
    end_reason: EndReason | None = None
    paused: bool | None = None


call_record = Table(
    "call_record",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("interaction_id", ForeignKey("interaction.interaction_id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("started_by", Text, nullable=False),
    Column("requested_at", BigInteger, nullable=False),
    Column("accepted_at", BigInteger),
    Column("connected_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("ended_by", Text),
    Column("end_reason", Text),
    Column("paused", Boolean),
    Index(None, "interaction_id", "requested_at"),
)

CALL_RECORD = Kind(call_record, CallRecord, revisioned=True)


async def of_interactions(
    connection: AsyncConnection, interaction_ids: Sequence[str], *, running: bool = False
) -> tuple[CallRecord, ...]:
    """In order of asking; ``running``: only those that have not ended."""
    query = select(call_record).where(call_record.c.interaction_id.in_(interaction_ids))
    if running:
        query = query.where(call_record.c.ended_at.is_(None))
    query = query.order_by(call_record.c.requested_at, call_record.c.call_id)
    return tuple(CALL_RECORD.of_row(row) for row in await connection.execute(query))
