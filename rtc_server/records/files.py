"""Files and pictures sent in conversations or attached to cases: what they are. The bytes lie in the file store under
``file_id``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records.base import Kind, chunks, metadata


class FileState(StrEnum):
    UPLOADING = "uploading"
    STORED = "stored"
    REFUSED = "refused"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class File:
    """``size`` in bytes; ``name`` is the name as its sender had it, for those who may download it.
    ``interaction_id`` None: attached to a case, or about to be."""

    file_id: str
    revision: int
    interaction_id: str | None
    sender_id: str
    name: str
    media_type: str
    size: int
    sha256: str | None
    state: FileState
    created_at: int
    width: int | None = None
    height: int | None = None
    refusal: str | None = None


file = Table(
    "file",
    metadata,
    Column("file_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("interaction_id", ForeignKey("interaction.interaction_id", ondelete="CASCADE")),
    Column("sender_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text),
    Column("state", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("refusal", Text),
    Index(None, "interaction_id", "created_at"),
    Index(None, "state", "created_at"),
    Index(None, "sender_id", "created_at"),
)

FILE = Kind(file, File, revisioned=True)


async def get(connection: AsyncConnection, file_id: str) -> File | None:
    row = (await connection.execute(select(file).where(file.c.file_id == file_id))).one_or_none()
    return FILE.of_row(row) if row is not None else None


async def by_ids(connection: AsyncConnection, file_ids: Sequence[str]) -> dict[str, File]:
    """Those there are."""
    found: dict[str, File] = {}
    for chunk in chunks(file_ids):
        rows = await connection.execute(select(file).where(file.c.file_id.in_(chunk)))
        found |= {row.file_id: FILE.of_row(row) for row in rows}
    return found


async def of_interaction(connection: AsyncConnection, interaction_id: str) -> tuple[File, ...]:
    """In order of sending."""
    query = (
        select(file)
        .where(file.c.interaction_id == interaction_id)
        .order_by(file.c.created_at, file.c.file_id)
        .limit(1_000)
    )
    return tuple(FILE.of_row(row) for row in await connection.execute(query))


async def sent_bytes(connection: AsyncConnection, sender_id: str, created_from: int) -> int:
    """How much a person has sent since then, taken or refused."""
    query = select(func.coalesce(func.sum(file.c.size), 0)).where(
        file.c.sender_id == sender_id, file.c.created_at >= created_from
    )
    return int((await connection.execute(query)).scalar_one())


async def unfinished(connection: AsyncConnection, created_before: int) -> tuple[File, ...]:
    """Uploads nobody went on with."""
    query = (
        select(file)
        .where(file.c.state == FileState.UPLOADING.value, file.c.created_at < created_before)
        .order_by(file.c.created_at)
        .limit(1_000)
    )
    return tuple(FILE.of_row(row) for row in await connection.execute(query))
