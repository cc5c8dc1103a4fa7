"""Recordings of meetings: when, of which meeting, and what everybody answered. The media lie in files."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records.base import Kind, metadata
from signaling.sessions.states import Consent


@dataclass(frozen=True, slots=True)
class MeetingRecordingRecord:
    """``ended_at`` None: it runs, or the server stopped during it."""

    recording_id: str
    revision: int
    meeting_id: str
    started_by: str
    started_at: int
    ended_at: int | None = None


@dataclass(frozen=True, slots=True)
class MeetingConsentRecord:
    """One answer. Rows are only ever added; the last one of a person counts."""

    consent_id: str
    recording_id: str
    meeting_id: str
    person_id: str
    consent: Consent
    at: int


meeting_recording = Table(
    "meeting_recording",
    metadata,
    Column("recording_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("meeting_id", ForeignKey("meeting.meeting_id", ondelete="CASCADE"), nullable=False),
    Column("started_by", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Index(None, "meeting_id", "started_at"),
)

meeting_consent = Table(
    "meeting_consent",
    metadata,
    Column("consent_id", Text, primary_key=True),
    Column("recording_id", Text, nullable=False),
    Column("meeting_id", ForeignKey("meeting.meeting_id", ondelete="CASCADE"), nullable=False),
    Column("person_id", Text, nullable=False),
    Column("consent", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index(None, "recording_id", "at"),
)

MEETING_RECORDING = Kind(meeting_recording, MeetingRecordingRecord, revisioned=True)
MEETING_CONSENT = Kind(meeting_consent, MeetingConsentRecord)


async def of_meeting(connection: AsyncConnection, meeting_id: str) -> tuple[MeetingRecordingRecord, ...]:
    """In order."""
    query = (
        select(meeting_recording)
        .where(meeting_recording.c.meeting_id == meeting_id)
        .order_by(meeting_recording.c.started_at, meeting_recording.c.recording_id)
    )
    return tuple(MEETING_RECORDING.of_row(row) for row in await connection.execute(query))


async def get(connection: AsyncConnection, recording_id: str) -> MeetingRecordingRecord | None:
    query = select(meeting_recording).where(meeting_recording.c.recording_id == recording_id)
    row = (await connection.execute(query)).one_or_none()
    return MEETING_RECORDING.of_row(row) if row is not None else None


async def consents(connection: AsyncConnection, recording_id: str) -> dict[str, Consent]:
    """The last answer of everybody who was asked."""
    query = (
        select(meeting_consent)
        .where(meeting_consent.c.recording_id == recording_id)
        .order_by(meeting_consent.c.at, meeting_consent.c.consent_id)
    )
    return {row.person_id: Consent(row.consent) for row in await connection.execute(query)}
