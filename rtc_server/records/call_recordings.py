"""Recordings of calls: when, of which interaction, and what everybody answered. The media lie in files."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records.base import Kind, metadata
from signaling.sessions.states import Consent


@dataclass(frozen=True, slots=True)
class CallRecording:
    """``ended_at`` None: it runs, or the server stopped during it."""

    recording_id: str
    revision: int
    interaction_id: str
    started_by: str
    started_at: int
    ended_at: int | None = None


@dataclass(frozen=True, slots=True)
class RecordingConsent:
    """One answer. Rows are only ever added; the last one of a person counts."""

    consent_id: str
    recording_id: str
    interaction_id: str
    person_id: str
    consent: Consent
    at: int


call_recording = Table(
    "call_recording",
    metadata,
    Column("recording_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("interaction_id", ForeignKey("interaction.interaction_id", ondelete="CASCADE"), nullable=False),
    Column("started_by", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Index(None, "interaction_id", "started_at"),
)

recording_consent = Table(
    "recording_consent",
    metadata,
    Column("consent_id", Text, primary_key=True),
    Column("recording_id", Text, nullable=False),
    Column("interaction_id", ForeignKey("interaction.interaction_id", ondelete="CASCADE"), nullable=False),
    Column("person_id", Text, nullable=False),
    Column("consent", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index(None, "recording_id", "at"),
)

CALL_RECORDING = Kind(call_recording, CallRecording, revisioned=True)
RECORDING_CONSENT = Kind(recording_consent, RecordingConsent)


async def of_interaction(connection: AsyncConnection, interaction_id: str) -> tuple[CallRecording, ...]:
    """In order."""
    query = (
        select(call_recording)
        .where(call_recording.c.interaction_id == interaction_id)
        .order_by(call_recording.c.started_at, call_recording.c.recording_id)
    )
    return tuple(CALL_RECORDING.of_row(row) for row in await connection.execute(query))


async def get(connection: AsyncConnection, recording_id: str) -> CallRecording | None:
    query = select(call_recording).where(call_recording.c.recording_id == recording_id)
    row = (await connection.execute(query)).one_or_none()
    return CALL_RECORDING.of_row(row) if row is not None else None


async def consents(connection: AsyncConnection, recording_id: str) -> dict[str, Consent]:
    """The last answer of everybody who was asked."""
    query = (
        select(recording_consent)
        .where(recording_consent.c.recording_id == recording_id)
        .order_by(recording_consent.c.at, recording_consent.c.consent_id)
    )
    return {row.person_id: Consent(row.consent) for row in await connection.execute(query)}
