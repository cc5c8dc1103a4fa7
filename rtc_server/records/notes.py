"""Staff's own words about a taxpayer or an interaction: notes and tags. The taxpayer never sees them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Boolean, Column, Index, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records.base import Kind, metadata
from rtc_server.records.paging import Page, newest_first, to_page


@dataclass(frozen=True, slots=True)
class Note:
    """An edit is a higher revision; ``removed`` hides it and keeps it for the audit."""

    note_id: str
    revision: int
    taxpayer_id: str
    interaction_id: str | None
    author_id: str
    text: str
    created_at: int
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Tag:
    """A word on a taxpayer."""

    taxpayer_id: str
    name: str
    revision: int
    author_id: str
    created_at: int
    removed: bool = False


note = Table(
    "note",
    metadata,
    Column("note_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("taxpayer_id", Text, nullable=False),
    Column("interaction_id", Text),
    Column("author_id", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("removed", Boolean, nullable=False),
    Index(None, "taxpayer_id", "created_at"),
)

tag = Table(
    "tag",
    metadata,
    Column("taxpayer_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("author_id", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("removed", Boolean, nullable=False),
)

NOTE = Kind(note, Note, revisioned=True)
TAG = Kind(tag, Tag, revisioned=True)

_NEWEST = (note.c.created_at, note.c.note_id)


async def get(connection: AsyncConnection, note_id: str) -> Note | None:
    row = (await connection.execute(select(note).where(note.c.note_id == note_id))).one_or_none()
    return NOTE.of_row(row) if row is not None else None


async def of_taxpayer(
    connection: AsyncConnection, taxpayer_id: str, cursor: str | None = None, limit: int = 20
) -> Page[Note]:
    """Newest first, without removed ones. Raises CursorInvalid."""
    query = select(note).where(note.c.taxpayer_id == taxpayer_id, note.c.removed.is_(False))
    query, limit = newest_first(query, _NEWEST, cursor, limit)
    return to_page((await connection.execute(query)).all(), limit, NOTE.of_row, _NEWEST)


async def tags_of(connection: AsyncConnection, taxpayer_id: str) -> tuple[Tag, ...]:
    """In order of their names, without removed ones."""
    query = select(tag).where(tag.c.taxpayer_id == taxpayer_id, tag.c.removed.is_(False)).order_by(tag.c.name)
    return tuple(TAG.of_row(row) for row in await connection.execute(query))
