"""What is kept of mediation applications and meetings: see ``kept``. Times are milliseconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass

from media.types import Source
from signaling.sessions.mediation import MediationApplication
from signaling.sessions.meeting_states import MeetingEnd, MeetingPhase, MeetingRole
from signaling.sessions.meeting_streams import StreamAccess
from signaling.sessions.model import Message
from signaling.sessions.states import Consent, Role


@dataclass(frozen=True, slots=True)
class KeptApplication:
    application: MediationApplication


@dataclass(frozen=True, slots=True)
class KeptMeeting:
    meeting_id: str
    application_id: str
    phase: MeetingPhase
    host_id: str | None
    locked: bool
    started_at: int | None
    ended_at: int | None
    ended_by: str | None
    end_reason: MeetingEnd | None


@dataclass(frozen=True, slots=True)
class KeptMeetingMember:
    """``left_at`` None while they are in it. ``meeting_role`` is ``participant`` or ``observer``. ``held``: what only the host
    can free."""

    meeting_id: str
    person_id: str
    role: Role
    display_name: str
    meeting_role: MeetingRole
    joined_at: int
    left_at: int | None
    removed: bool
    held: frozenset[Source] = frozenset()
    hand_raised_at: int | None = None


@dataclass(frozen=True, slots=True)
class KeptMeetingWaiting:
    """Somebody in the lobby; ``left_at``: admitted, refused, or gone."""

    meeting_id: str
    person_id: str
    role: Role
    display_name: str
    since: int
    left_at: int | None = None


@dataclass(frozen=True, slots=True)
class KeptMeetingStream:
    """The link of a device; ``ended_at``: revoked or expired."""

    meeting_id: str
    stream_id: str
    access: StreamAccess
    name: str
    source: Source
    created_by: str
    creator_role: Role
    created_at: int
    expires_at: int
    ended_at: int | None = None


@dataclass(frozen=True, slots=True)
class KeptMeetingMessage:
    meeting_id: str
    message: Message


@dataclass(frozen=True, slots=True)
class KeptNotesUpdate:
    """One edit of the notes, as it came; ``seq`` counts from 1 in a meeting."""

    meeting_id: str
    seq: int
    author_id: str
    at: int
    update: bytes


@dataclass(frozen=True, slots=True)
class KeptNotes:
    """The notes whole, with every edit up to ``seq``; ``text`` is for the record."""

    meeting_id: str
    seq: int
    state: bytes
    text: str


@dataclass(frozen=True, slots=True)
class KeptMeetingRecording:
    """The recording of a meeting. ``ended_at`` None while it runs, or when the server stopped during it."""

    recording_id: str
    meeting_id: str
    started_by: str
    started_at: int
    ended_at: int | None = None


@dataclass(frozen=True, slots=True)
class KeptMeetingConsent:
    """What somebody answered; every answer is kept, the last one counts."""

    recording_id: str
    meeting_id: str
    person_id: str
    consent: Consent
    at: int


KeptOfMeetings = (
    KeptApplication
    | KeptMeeting
    | KeptMeetingMember
    | KeptMeetingWaiting
    | KeptMeetingStream
    | KeptMeetingMessage
    | KeptNotesUpdate
    | KeptNotes
    | KeptMeetingRecording
    | KeptMeetingConsent
)


@dataclass(frozen=True, slots=True)
class OpenMeeting:
    """A meeting that had not ended. ``messages`` are the last ones; ``updates`` are what ``notes`` lacks, in order; of
    ``waiting`` and ``streams`` what had not ended."""

    application: MediationApplication
    meeting: KeptMeeting
    members: tuple[KeptMeetingMember, ...]
    messages: tuple[Message, ...] = ()
    last_seq: int = 0
    notes: KeptNotes | None = None
    updates: tuple[KeptNotesUpdate, ...] = ()
    waiting: tuple[KeptMeetingWaiting, ...] = ()
    streams: tuple[KeptMeetingStream, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenMediations:
    """``applications`` wait for their dispatch."""

    applications: tuple[MediationApplication, ...] = ()
    meetings: tuple[OpenMeeting, ...] = ()
