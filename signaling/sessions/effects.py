"""What follows from a change of state. The room runs effects in the order they come (see CLOSURES.md)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from media.types import Source, TransportKind, TransportState
from signaling.sessions.model import Message, RecordedTrack
from signaling.sessions.policy import SessionKind
from signaling.sessions.states import LeftReason


class TimerKind(StrEnum):
    ASSISTANCE = "assistance"
    CALL = "call"
    RECONNECT = "reconnect"
    MEDIA_LOST = "media_lost"
    ABANDONED = "abandoned"
    SILENCE = "silence"
    INVITATION = "invitation"


@dataclass(frozen=True, slots=True)
class TimerKey:
    """At most one timer of each key runs in a room; ``person_id`` for timers of one member."""

    kind: TimerKind
    person_id: str | None = None


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Fire at ``at_ms``, in place of an earlier timer of the same key."""

    key: TimerKey
    at_ms: int


@dataclass(frozen=True, slots=True)
class CancelTimer:
    key: TimerKey


@dataclass(frozen=True, slots=True)
class AddPeer:
    """Let the member into the media room, with an empty grant."""

    person_id: str


@dataclass(frozen=True, slots=True)
class RemovePeer:
    person_id: str


@dataclass(frozen=True, slots=True)
class SetGrant:
    """``narrows``: something is taken away, and must be, whatever it costs."""

    person_id: str
    publish: frozenset[Source]
    narrows: bool


@dataclass(frozen=True, slots=True)
class SetAudience:
    """Who alone receives the track; None is everybody. ``narrows``: somebody receives it no longer, and must not."""

    person_id: str
    source: Source
    audience: frozenset[str] | None
    narrows: bool


@dataclass(frozen=True, slots=True)
class SetMuted:
    person_id: str
    source: Source
    muted: bool


@dataclass(frozen=True, slots=True)
class BeginRecording:
    recording_id: str


@dataclass(frozen=True, slots=True)
class EndRecording:
    recording_id: str


@dataclass(frozen=True, slots=True)
class RecordTrack:
    """From its next key frame on."""

    recording_id: str
    track: RecordedTrack


@dataclass(frozen=True, slots=True)
class LeaveTrack:
    """Record it no longer, from now on."""

    recording_id: str
    track: RecordedTrack


@dataclass(frozen=True, slots=True)
class CloseMedia:
    """Close the media room with everything in it."""


@dataclass(frozen=True, slots=True)
class TellInteraction:
    """All members, the whole view."""


@dataclass(frozen=True, slots=True)
class TellMember:
    person_id: str


@dataclass(frozen=True, slots=True)
class TellAssistance:
    pass


@dataclass(frozen=True, slots=True)
class TellCall:
    pass


@dataclass(frozen=True, slots=True)
class TellRecording:
    pass


@dataclass(frozen=True, slots=True)
class TellMessage:
    message: Message


@dataclass(frozen=True, slots=True)
class TellRead:
    """How far a party has read; to the others."""

    person_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class TellTransfer:
    pass


@dataclass(frozen=True, slots=True)
class TellInvitation:
    """The members, and whom it rings at, or rang at until now."""


@dataclass(frozen=True, slots=True)
class TellSilence:
    pass


@dataclass(frozen=True, slots=True)
class TellLeft:
    """Somebody who is no member any more."""

    person_id: str
    reason: LeftReason


@dataclass(frozen=True, slots=True)
class TellTransport:
    """The owner alone."""

    person_id: str
    transport: TransportKind
    state: TransportState


@dataclass(frozen=True, slots=True)
class ReleaseSeat:
    """The agent may have another running session of this kind."""

    kind: SessionKind
    agent_id: str


@dataclass(frozen=True, slots=True)
class Record:
    """For the record: who did what, never a name, a text or an address."""

    kind: str
    person_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Dissolve:
    """The room leaves the directory and its mailbox ends."""


Effect = (
    SetTimer
    | CancelTimer
    | AddPeer
    | RemovePeer
    | SetGrant
    | SetAudience
    | SetMuted
    | BeginRecording
    | EndRecording
    | RecordTrack
    | LeaveTrack
    | CloseMedia
    | TellInteraction
    | TellMember
    | TellAssistance
    | TellCall
    | TellRecording
    | TellMessage
    | TellRead
    | TellTransfer
    | TellInvitation
    | TellSilence
    | TellLeft
    | TellTransport
    | ReleaseSeat
    | Record
    | Dissolve
)
Effects = tuple[Effect, ...]
