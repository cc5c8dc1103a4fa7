"""The lasting record as meetings need it: implements ``signaling.rooms.ports.MeetingRecordsPort``."""

from __future__ import annotations

import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import asdict

from media.types import Source
from rtc_server.records import mediations, meeting_doors, meetings
from rtc_server.records.conversion import row_of
from rtc_server.records.mediations import MediationRecord
from rtc_server.records.meeting_doors import MeetingStreamRecord, MeetingWaitingRecord
from rtc_server.records.meeting_recordings import MeetingConsentRecord, MeetingRecordingRecord
from rtc_server.records.meetings import (
    MeetingMemberRecord,
    MeetingMessageRecord,
    MeetingNotesRecord,
    MeetingRecord,
    NoteEditRecord,
)
from rtc_server.records.recording import Recording
from signaling.rooms.kept import KeptAudit
from signaling.rooms.kept_meetings import (
    KeptApplication,
    KeptMeeting,
    KeptMeetingConsent,
    KeptMeetingMember,
    KeptMeetingMessage,
    KeptMeetingRecording,
    KeptMeetingStream,
    KeptMeetingWaiting,
    KeptNotes,
    KeptNotesUpdate,
    KeptOfMeetings,
    OpenMediations,
    OpenMeeting,
)
from signaling.sessions.mediation import MediationApplication
from signaling.sessions.meeting_states import MediationPhase
from signaling.sessions.model import Message


class MeetingRecording:
    """Through the journal of ``recording``, like everything of conversations."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    def keep_meeting(self, *things: KeptOfMeetings | KeptAudit) -> None:
        """Raises ``RecordsUnavailable``."""
        next_revision = self._recording.next_revision
        self._recording.keep_rows(*(_row(thing, next_revision()) for thing in things))

    async def open_meetings(self, kept_messages: int) -> OpenMediations:
        """Raises ``RecordsUnavailable``."""
        unfinished = (MediationPhase.APPLIED, MediationPhase.DISPATCHED, MediationPhase.IN_PROGRESS)
        async with self._recording.read() as connection:
            self._recording.revise_after(await meetings.highest_revision(connection))
            rows = await mediations.in_phases(connection, unfinished)
            for row in rows:
                self._recording.revise_after(row.revision)
            applications = {row.application_id: application_of(row) for row in rows}
            found: list[OpenMeeting] = []
            for record in await meetings.not_ended(connection):
                own = record.meeting_id
                if record.application_id not in applications:
                    continue
                tail = await meetings.messages_before(connection, own, None, kept_messages)
                notes = await meetings.notes(connection, own)
                edits = await meetings.edits_after(connection, own, notes.seq if notes is not None else 0)
                members = await meetings.members(connection, own)
                waiting = await meeting_doors.waiting(connection, own)
                streams = await meeting_doors.streams(connection, own)
                revised = (*members, *waiting, *streams, *((notes,) if notes is not None else ()))
                for each in revised:
                    self._recording.revise_after(each.revision)
                found.append(
                    OpenMeeting(
                        application=applications[record.application_id],
                        meeting=_meeting_of(record),
                        members=tuple(_member_of(row) for row in members),
                        messages=tuple(_message_of(row) for row in tail),
                        last_seq=tail[-1].seq if tail else 0,
                        notes=_notes_of(notes) if notes is not None else None,
                        updates=tuple(_edit_of(row) for row in edits),
                        waiting=tuple(_waiting_of(row) for row in waiting if row.left_at is None),
                        streams=tuple(_stream_of(row) for row in streams if row.ended_at is None),
                    )
                )
        applied = tuple(a for a in applications.values() if a.phase is MediationPhase.APPLIED)
        return OpenMediations(applied, tuple(found))

    async def meeting_messages(
        self, meeting_id: str, *, before_seq: int | None, after_seq: int | None, limit: int
    ) -> Sequence[Message]:
        """Raises ``RecordsUnavailable``."""
        async with self._recording.read() as connection:
            rows = (
                await meetings.messages_after(connection, meeting_id, after_seq, limit)
                if after_seq is not None
                else await meetings.messages_before(connection, meeting_id, before_seq, limit)
            )
        return [_message_of(row) for row in rows]


def _row(thing: KeptOfMeetings | KeptAudit, revision: int) -> object:
    match thing:
        case KeptApplication(application):
            values = asdict(application)
            values["attachments"] = list(application.attachments)
            return MediationRecord(revision=revision, **values)
        case KeptMeeting():
            return MeetingRecord(revision=revision, **asdict(thing))
        case KeptMeetingMember():
            held = ",".join(sorted(thing.held)) or None
            return MeetingMemberRecord(revision=revision, **{**asdict(thing), "held": held})
        case KeptMeetingWaiting():
            return MeetingWaitingRecord(revision=revision, **asdict(thing))
        case KeptMeetingStream():
            return MeetingStreamRecord(revision=revision, **asdict(thing))
        case KeptMeetingMessage(meeting_id, message):
            return MeetingMessageRecord(
                meeting_id=meeting_id,
                seq=message.seq,
                sender_id=message.sender_id,
                client_message_id=message.client_message_id,
                kind=message.kind,
                text=message.text,
                sent_at=message.sent_at,
                sender_role=message.sender_role,
                sender_name=message.sender_name,
            )
        case KeptNotesUpdate():
            edit = b64encode(thing.update).decode()
            return NoteEditRecord(thing.meeting_id, thing.seq, thing.author_id, thing.at, edit)
        case KeptNotes():
            state = b64encode(thing.state).decode()
            return MeetingNotesRecord(thing.meeting_id, revision, thing.seq, state, thing.text)
        case KeptMeetingRecording():
            return MeetingRecordingRecord(revision=revision, **asdict(thing))
        case KeptMeetingConsent():
            # In order also within a millisecond: the last answer counts.
            return MeetingConsentRecord(f"{revision:015x}{secrets.token_hex(12)}", **asdict(thing))
        case KeptAudit():
            return row_of(thing, revision, lambda: secrets.token_hex(12))


def _without_revision(
    row: MediationRecord | MeetingRecord | MeetingMemberRecord | MeetingWaitingRecord | MeetingStreamRecord,
) -> dict[str, object]:
    values = asdict(row)
    del values["revision"]
    return values


def application_of(row: MediationRecord) -> MediationApplication:
    values = _without_revision(row) | {"attachments": tuple(row.attachments or ())}
    return MediationApplication(**values)  # type: ignore[arg-type]


def _meeting_of(row: MeetingRecord) -> KeptMeeting:
    return KeptMeeting(**_without_revision(row))  # type: ignore[arg-type]


def _member_of(row: MeetingMemberRecord) -> KeptMeetingMember:
    held = frozenset(Source(each) for each in (row.held or "").split(",") if each)
    return KeptMeetingMember(**{**_without_revision(row), "held": held})  # type: ignore[arg-type]


def _waiting_of(row: MeetingWaitingRecord) -> KeptMeetingWaiting:
    return KeptMeetingWaiting(**_without_revision(row))  # type: ignore[arg-type]


def _stream_of(row: MeetingStreamRecord) -> KeptMeetingStream:
    return KeptMeetingStream(**_without_revision(row))  # type: ignore[arg-type]


def _message_of(row: MeetingMessageRecord) -> Message:
    return Message(
        seq=row.seq,
        sender_id=row.sender_id,
        client_message_id=row.client_message_id,
        text=row.text,
        sent_at=row.sent_at,
        kind=row.kind,
        sender_role=row.sender_role,
        sender_name=row.sender_name,
    )


def _notes_of(row: MeetingNotesRecord) -> KeptNotes:
    return KeptNotes(row.meeting_id, row.seq, b64decode(row.state), row.text)


def _edit_of(row: NoteEditRecord) -> KeptNotesUpdate:
    return KeptNotesUpdate(row.meeting_id, row.seq, row.author_id, row.at, b64decode(row.edit))
