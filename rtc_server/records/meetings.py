"""Meetings of mediations: who was in them, what was said, and their notes with every edit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
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
from rtc_server.records.mediations import MEDIATION, MediationRecord, mediation_application
from rtc_server.records.paging import MAX_LIMIT
from signaling.sessions.meeting_states import MeetingEnd, MeetingPhase, MeetingRole
from signaling.sessions.states import MessageKind, Role


@dataclass(frozen=True, slots=True)
class MeetingRecord:
    meeting_id: str
    revision: int
    application_id: str
    phase: MeetingPhase
    host_id: str | None
    locked: bool
    started_at: int | None = None
    ended_at: int | None = None
    ended_by: str | None = None
    end_reason: MeetingEnd | None = None


@dataclass(frozen=True, slots=True)
class MeetingMemberRecord:
    """``left_at`` None while they are in it; ``display_name`` is what others see. ``held``: sources only the host can free,
    with commas between."""

    meeting_id: str
    person_id: str
    revision: int
    role: Role
    display_name: str
    meeting_role: MeetingRole
    joined_at: int
    left_at: int | None = None
    removed: bool = False
    held: str | None = None
    hand_raised_at: int | None = None


@dataclass(frozen=True, slots=True)
class MeetingMessageRecord:
    """``seq`` counts in a meeting from 1 without a gap; sender None is the system itself."""

    meeting_id: str
    seq: int
    sender_id: str | None
    client_message_id: str | None
    kind: MessageKind
    text: str
    sent_at: int
    sender_role: Role | None = None
    sender_name: str | None = None


@dataclass(frozen=True, slots=True)
class NoteEditRecord:
    """``edit`` is a Yjs update in Base64, as it came."""

    meeting_id: str
    seq: int
    author_id: str
    at: int
    edit: str


@dataclass(frozen=True, slots=True)
class MeetingNotesRecord:
    """The notes with every edit up to ``seq``: ``state`` is the Yjs document in Base64, ``text`` what is read."""

    meeting_id: str
    revision: int
    seq: int
    state: str
    text: str


def meeting_key() -> Column[str]:
    return Column("meeting_id", ForeignKey("meeting.meeting_id", ondelete="CASCADE"), primary_key=True)


meeting = Table(
    "meeting",
    metadata,
    Column("meeting_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column(
        "application_id",
        ForeignKey("mediation_application.application_id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("phase", Text, nullable=False),
    Column("host_id", Text),
    Column("locked", Boolean, nullable=False),
    Column("started_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("ended_by", Text),
    Column("end_reason", Text),
    Index(None, "application_id"),
    Index(None, "phase"),
)

meeting_member = Table(
    "meeting_member",
    metadata,
    meeting_key(),
    Column("person_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("role", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("meeting_role", Text, nullable=False),
    Column("joined_at", BigInteger, nullable=False),
    Column("left_at", BigInteger),
    Column("removed", Boolean, nullable=False),
    Column("held", Text),
    Column("hand_raised_at", BigInteger),
    Index(None, "person_id"),
)

meeting_message = Table(
    "meeting_message",
    metadata,
    meeting_key(),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("sender_id", Text),
    Column("client_message_id", Text),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("sent_at", BigInteger, nullable=False),
    Column("sender_role", Text),
    Column("sender_name", Text),
    UniqueConstraint("meeting_id", "sender_id", "client_message_id"),
)

meeting_note_edit = Table(
    "meeting_note_edit",
    metadata,
    meeting_key(),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("author_id", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("edit", Text, nullable=False),
)

meeting_notes = Table(
    "meeting_notes",
    metadata,
    meeting_key(),
    Column("revision", BigInteger, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("text", Text, nullable=False),
)

MEETING = Kind(meeting, MeetingRecord, revisioned=True)
MEETING_MEMBER = Kind(meeting_member, MeetingMemberRecord, revisioned=True)
MEETING_MESSAGE = Kind(meeting_message, MeetingMessageRecord)
NOTE_EDIT = Kind(meeting_note_edit, NoteEditRecord)
MEETING_NOTES = Kind(meeting_notes, MeetingNotesRecord, revisioned=True)


async def not_ended(connection: AsyncConnection) -> tuple[MeetingRecord, ...]:
    query = select(meeting).where(meeting.c.phase != MeetingPhase.ENDED.value).order_by(meeting.c.meeting_id)
    return tuple(MEETING.of_row(row) for row in await connection.execute(query))


async def ended_since(connection: AsyncConnection, since: int) -> tuple[str, ...]:
    query = (
        select(meeting.c.meeting_id)
        .where(meeting.c.phase == MeetingPhase.ENDED.value, meeting.c.ended_at >= since)
        .order_by(meeting.c.ended_at)
    )
    return tuple(row.meeting_id for row in await connection.execute(query))


async def get(connection: AsyncConnection, meeting_id: str) -> MeetingRecord | None:
    row = (await connection.execute(select(meeting).where(meeting.c.meeting_id == meeting_id))).one_or_none()
    return MEETING.of_row(row) if row is not None else None


async def application_of(connection: AsyncConnection, meeting_id: str) -> MediationRecord | None:
    """What the meeting is about, and whose it is."""
    query = (
        select(mediation_application)
        .join(meeting, meeting.c.application_id == mediation_application.c.application_id)
        .where(meeting.c.meeting_id == meeting_id)
    )
    row = (await connection.execute(query)).one_or_none()
    return MEDIATION.of_row(row) if row is not None else None


async def highest_revision(connection: AsyncConnection) -> int:
    """Of what is not over: nothing else is written again."""
    of_meetings = select(func.max(meeting.c.revision)).where(meeting.c.phase != MeetingPhase.ENDED.value)
    return int((await connection.execute(of_meetings)).scalar_one_or_none() or 0)


async def members(connection: AsyncConnection, meeting_id: str) -> tuple[MeetingMemberRecord, ...]:
    """In order of joining."""
    query = (
        select(meeting_member)
        .where(meeting_member.c.meeting_id == meeting_id)
        .order_by(meeting_member.c.joined_at, meeting_member.c.person_id)
    )
    return tuple(MEETING_MEMBER.of_row(row) for row in await connection.execute(query))


async def messages_before(
    connection: AsyncConnection, meeting_id: str, seq: int | None, limit: int
) -> tuple[MeetingMessageRecord, ...]:
    """The last messages before ``seq`` (None: the last of all), in order."""
    query = select(meeting_message).where(meeting_message.c.meeting_id == meeting_id)
    if seq is not None:
        query = query.where(meeting_message.c.seq < seq)
    query = query.order_by(meeting_message.c.seq.desc()).limit(max(1, min(limit, MAX_LIMIT)))
    rows: Sequence[object] = (await connection.execute(query)).all()
    return tuple(MEETING_MESSAGE.of_row(row) for row in reversed(rows))  # type: ignore[arg-type]


async def messages_after(
    connection: AsyncConnection, meeting_id: str, seq: int, limit: int
) -> tuple[MeetingMessageRecord, ...]:
    """The first messages after ``seq``, in order."""
    query = (
        select(meeting_message)
        .where(meeting_message.c.meeting_id == meeting_id, meeting_message.c.seq > seq)
        .order_by(meeting_message.c.seq)
        .limit(max(1, min(limit, MAX_LIMIT)))
    )
    return tuple(MEETING_MESSAGE.of_row(row) for row in await connection.execute(query))


async def notes(connection: AsyncConnection, meeting_id: str) -> MeetingNotesRecord | None:
    query = select(meeting_notes).where(meeting_notes.c.meeting_id == meeting_id)
    row = (await connection.execute(query)).one_or_none()
    return MEETING_NOTES.of_row(row) if row is not None else None


async def edits_after(connection: AsyncConnection, meeting_id: str, seq: int) -> tuple[NoteEditRecord, ...]:
    """In order."""
    query = (
        select(meeting_note_edit)
        .where(meeting_note_edit.c.meeting_id == meeting_id, meeting_note_edit.c.seq > seq)
        .order_by(meeting_note_edit.c.seq)
    )
    return tuple(NOTE_EDIT.of_row(row) for row in await connection.execute(query))
