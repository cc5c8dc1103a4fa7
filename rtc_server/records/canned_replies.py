"""Canned replies (常用语): of a centre, of everybody, or of one agent."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, and_, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records.base import Kind, metadata
from rtc_server.records.store import put

_MAX_FOUND = 200


@dataclass(frozen=True, slots=True)
class CannedReply:
    """``centre_id`` and ``owner_id`` None: for everybody. ``text`` may hold variables such as ``{staff_number}``."""

    reply_id: str
    centre_id: str | None
    owner_id: str | None
    group: str
    title: str
    text: str
    shortcut: str | None
    sort_order: int
    updated_at: int


canned_reply = Table(
    "canned_reply",
    metadata,
    Column("reply_id", Text, primary_key=True),
    Column("centre_id", Text),
    Column("owner_id", Text),
    Column("group", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("shortcut", Text),
    Column("sort_order", Integer, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index(None, "centre_id", "owner_id"),
    Index(None, "owner_id"),
)

CANNED_REPLY = Kind(canned_reply, CannedReply)


async def save(connection: AsyncConnection, reply: CannedReply) -> None:
    await put(connection, CANNED_REPLY, reply)


async def remove(connection: AsyncConnection, reply_id: str) -> None:
    await connection.execute(delete(canned_reply).where(canned_reply.c.reply_id == reply_id))


async def get(connection: AsyncConnection, reply_id: str) -> CannedReply | None:
    row = (
        await connection.execute(select(canned_reply).where(canned_reply.c.reply_id == reply_id))
    ).one_or_none()
    return CANNED_REPLY.of_row(row) if row is not None else None


async def for_agent(
    connection: AsyncConnection, agent_id: str, centre_ids: frozenset[str], words: str = ""
) -> tuple[CannedReply, ...]:
    """What this agent may use, whose title, text or shortcut contains ``words``."""
    owner, centre = canned_reply.c.owner_id, canned_reply.c.centre_id
    # Each of the three is found by an index; what somebody has for themselves is of no centre.
    query = select(canned_reply).where(
        or_(
            owner == agent_id,
            and_(centre.is_(None), owner.is_(None)),
            and_(centre.in_(sorted(centre_ids)), owner.is_(None)),
        )
    )
    if words.strip():
        query = query.where(
            or_(
                *(
                    column.icontains(words.strip(), autoescape=True)
                    for column in (canned_reply.c.title, canned_reply.c.text, canned_reply.c.shortcut)
                )
            )
        )
    query = query.order_by(canned_reply.c.group, canned_reply.c.sort_order, canned_reply.c.reply_id).limit(
        _MAX_FOUND
    )
    return tuple(CANNED_REPLY.of_row(row) for row in await connection.execute(query))
