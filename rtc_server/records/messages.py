"""Messages of conversations. ``seq`` counts in an interaction from 1 without a gap; sender None is the system itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    func,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records.base import Kind, metadata
from rtc_server.records.interactions import interaction
from rtc_server.records.paging import MAX_LIMIT, Page, newest_first, to_page
from signaling.sessions.states import CardKind, MessageKind, Role


@dataclass(frozen=True, slots=True)
class Message:
    """``text`` is the text, of a card its sentence; pictures and files have ``file_id``. ``sender_name`` is what others see."""

    interaction_id: str
    seq: int
    sender_id: str | None
    client_message_id: str | None
    kind: MessageKind
    text: str
    sent_at: int
    file_id: str | None = None
    sender_role: Role | None = None
    sender_name: str | None = None
    card: CardKind | None = None


message = Table(
    "message",
    metadata,
    Column("interaction_id", ForeignKey("interaction.interaction_id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("sender_id", Text),
    Column("client_message_id", Text),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("sent_at", BigInteger, nullable=False),
    Column("file_id", Text),
    Column("sender_role", Text),
    Column("sender_name", Text),
    Column("card", Text),
    # Within the interaction: a client may number its messages from 1 in each.
    UniqueConstraint("interaction_id", "sender_id", "client_message_id"),
    Index(None, "sent_at"),
)

MESSAGE = Kind(message, Message)

_HISTORY = (message.c.sent_at, message.c.interaction_id, message.c.seq)


async def before(
    connection: AsyncConnection, interaction_id: str, seq: int | None = None, limit: int = 50
) -> tuple[Message, ...]:
    """The last messages before ``seq`` (None: the last of all), in order."""
    query = select(message).where(message.c.interaction_id == interaction_id)
    if seq is not None:
        query = query.where(message.c.seq < seq)
    query = query.order_by(message.c.seq.desc()).limit(max(1, min(limit, MAX_LIMIT)))
    return tuple(MESSAGE.of_row(row) for row in reversed((await connection.execute(query)).all()))


async def seq_of_file(connection: AsyncConnection, interaction_id: str, file_id: str) -> int | None:
    """The first line a file was sent with; None while it was not."""
    query = select(func.min(message.c.seq)).where(
        message.c.interaction_id == interaction_id, message.c.file_id == file_id
    )
    found: int | None = (await connection.execute(query)).scalar_one_or_none()
    return found


async def after(
    connection: AsyncConnection, interaction_id: str, seq: int, limit: int = MAX_LIMIT
) -> tuple[Message, ...]:
    """The first messages after ``seq``, in order: what a client that came back has missed."""
    query = (
        select(message)
        .where(message.c.interaction_id == interaction_id, message.c.seq > seq)
        .order_by(message.c.seq)
        .limit(max(1, min(limit, MAX_LIMIT)))
    )
    return tuple(MESSAGE.of_row(row) for row in await connection.execute(query))


async def history(
    connection: AsyncConnection, taxpayer_id: str, cursor: str | None = None, limit: int = 50
) -> Page[Message]:
    """Everything ever said with this taxpayer, newest first, across interactions (加载更多). Raises CursorInvalid."""
    query = (
        select(message)
        .join(interaction, interaction.c.interaction_id == message.c.interaction_id)
        .where(interaction.c.taxpayer_id == taxpayer_id)
    )
    query, limit = newest_first(query, _HISTORY, cursor, limit)
    return to_page((await connection.execute(query)).all(), limit, MESSAGE.of_row, _HISTORY)


async def last_seqs(connection: AsyncConnection, interaction_ids: Sequence[str]) -> dict[str, int]:
    """The highest number of each interaction that has messages."""
    query = (
        select(message.c.interaction_id, func.max(message.c.seq))
        .where(message.c.interaction_id.in_(interaction_ids))
        .group_by(message.c.interaction_id)
    )
    return {row[0]: row[1] for row in await connection.execute(query)}


async def tails(
    connection: AsyncConnection, interaction_ids: Sequence[str], limit: int
) -> dict[str, tuple[Message, ...]]:
    """The last ``limit`` messages of each of several interactions, in order."""
    numbered = (
        select(
            message,
            func.row_number()
            .over(partition_by=message.c.interaction_id, order_by=message.c.seq.desc())
            .label("back"),
        )
        .where(message.c.interaction_id.in_(interaction_ids))
        .subquery()
    )
    query = (
        select(numbered).where(numbered.c.back <= limit).order_by(numbered.c.interaction_id, numbered.c.seq)
    )
    found: dict[str, list[Message]] = {}
    for row in await connection.execute(query):
        found.setdefault(row.interaction_id, []).append(MESSAGE.of_row(row))
    return {interaction_id: tuple(each) for interaction_id, each in found.items()}
