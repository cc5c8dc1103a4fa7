"""The record of meetings in memory: for a service without a database, and for tests of what a restart finds."""

from __future__ import annotations

from collections.abc import Sequence

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
from signaling.sessions.meeting_states import MediationPhase, MeetingPhase
from signaling.sessions.model import Message
from signaling.sessions.states import Consent


class MemoryMeetings:
    """Implements ``ports.MeetingRecordsPort``."""

    def __init__(self) -> None:
        self.applications: dict[str, MediationApplication] = {}
        self.recordings: dict[str, KeptMeetingRecording] = {}
        self.consents: dict[tuple[str, str], Consent] = {}
        self._meetings: dict[str, KeptMeeting] = {}
        self._members: dict[str, dict[str, KeptMeetingMember]] = {}
        self._waiting: dict[str, dict[str, KeptMeetingWaiting]] = {}
        self._streams: dict[str, dict[str, KeptMeetingStream]] = {}
        self._messages: dict[str, list[Message]] = {}
        self._notes: dict[str, KeptNotes] = {}
        self._updates: dict[str, list[KeptNotesUpdate]] = {}

    def keep_meeting(self, *things: KeptOfMeetings | KeptAudit) -> None:
        for thing in things:
            match thing:
                case KeptApplication(application):
                    self.applications[application.application_id] = application
                case KeptMeeting(meeting_id=own):
                    self._meetings[own] = thing
                case KeptMeetingMember(meeting_id=own):
                    self._members.setdefault(own, {})[thing.person_id] = thing
                case KeptMeetingWaiting(meeting_id=own):
                    self._waiting.setdefault(own, {})[thing.person_id] = thing
                case KeptMeetingStream(meeting_id=own):
                    self._streams.setdefault(own, {})[thing.stream_id] = thing
                case KeptMeetingMessage(own, message):
                    self._messages.setdefault(own, []).append(message)
                case KeptNotesUpdate(meeting_id=own):
                    self._updates.setdefault(own, []).append(thing)
                case KeptNotes(meeting_id=own):
                    self._notes[own] = thing
                    self._updates[own] = [u for u in self._updates.get(own, []) if u.seq > thing.seq]
                case KeptMeetingRecording():
                    self.recordings[thing.recording_id] = thing
                case KeptMeetingConsent():
                    self.consents[(thing.recording_id, thing.person_id)] = thing.consent
                case KeptAudit():
                    pass

    async def open_meetings(self, kept_messages: int) -> OpenMediations:
        applied = (a for a in self.applications.values() if a.phase is MediationPhase.APPLIED)
        return OpenMediations(
            tuple(applied),
            tuple(
                OpenMeeting(
                    application=self.applications[meeting.application_id],
                    meeting=meeting,
                    members=tuple(self._members.get(own, {}).values()),
                    messages=tuple(self._messages.get(own, ())[-kept_messages:]),
                    last_seq=len(self._messages.get(own, ())),
                    notes=self._notes.get(own),
                    updates=tuple(self._updates.get(own, ())),
                    waiting=tuple(w for w in self._waiting.get(own, {}).values() if w.left_at is None),
                    streams=tuple(s for s in self._streams.get(own, {}).values() if s.ended_at is None),
                )
                for own, meeting in self._meetings.items()
                if meeting.phase is not MeetingPhase.ENDED
            ),
        )

    async def meeting_messages(
        self, meeting_id: str, *, before_seq: int | None, after_seq: int | None, limit: int
    ) -> Sequence[Message]:
        known = self._messages.get(meeting_id, [])
        if after_seq is not None:
            return [m for m in known if m.seq > after_seq][:limit]
        return [m for m in known if before_seq is None or m.seq < before_seq][-limit:]

    def notes(self, meeting_id: str) -> KeptNotes | None:
        return self._notes.get(meeting_id)
