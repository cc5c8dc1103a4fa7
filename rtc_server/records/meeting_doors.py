"""Who waits in the lobby of a meeting, and the links of devices: what a restart must find, for it opens the door."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from media.types import Source
from rtc_server.records.base import Kind, metadata
from rtc_server.records.meetings import meeting_key
from signaling.sessions.meeting_streams import StreamAccess
from signaling.sessions.states import Role


@dataclass(frozen=True, slots=True)
class MeetingWaitingRecord:
    """``left_at`` None while they wait."""

    meeting_id: str
    person_id: str
    revision: int
    role: Role
    display_name: str
    since: int
    left_at: int | None = None


@dataclass(frozen=True, slots=True)
class MeetingStreamRecord:
    """``ended_at`` None while the link holds. The token is not kept: whoever may see it has it made anew."""

    meeting_id: str
    stream_id: str
    revision: int
    access: StreamAccess
    name: str
    source: Source
    created_by: str
    creator_role: Role
    created_at: int
    expires_at: int
    ended_at: int | None = None


meeting_waiting = Table(
    "meeting_waiting",
    metadata,
    meeting_key(),
    Column("person_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("role", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("left_at", BigInteger),
)

meeting_stream = Table(
    "meeting_stream",
    metadata,
    meeting_key(),
    Column("stream_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("access", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("creator_role", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
)

MEETING_WAITING = Kind(meeting_waiting, MeetingWaitingRecord, revisioned=True)
MEETING_STREAM = Kind(meeting_stream, MeetingStreamRecord, revisioned=True)


async def waiting(connection: AsyncConnection, meeting_id: str) -> tuple[MeetingWaitingRecord, ...]:
    """Who is in the lobby, and who was: in order of coming."""
    query = (
        select(meeting_waiting)
        .where(meeting_waiting.c.meeting_id == meeting_id)
        .order_by(meeting_waiting.c.since, meeting_waiting.c.person_id)
    )
    return tuple(MEETING_WAITING.of_row(row) for row in await connection.execute(query))


async def streams(connection: AsyncConnection, meeting_id: str) -> tuple[MeetingStreamRecord, ...]:
    """Every link there was, in order of making."""
    query = (
        select(meeting_stream)
        .where(meeting_stream.c.meeting_id == meeting_id)
        .order_by(meeting_stream.c.created_at, meeting_stream.c.stream_id)
    )
    return tuple(MEETING_STREAM.of_row(row) for row in await connection.execute(query))
