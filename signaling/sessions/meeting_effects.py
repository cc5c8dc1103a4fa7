"""What follows from a change of a meeting beside what follows from any session (``effects``)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from media.types import Source, TransportKind, TransportState
from signaling.sessions.effects import (
    AddPeer,
    BeginRecording,
    CloseMedia,
    Dissolve,
    EndRecording,
    LeaveTrack,
    Record,
    RecordTrack,
    RemovePeer,
    SetGrant,
    SetMuted,
    TellMessage,
    TellRecording,
)
from signaling.sessions.meeting_states import MeetingLeft


class MeetingTimerKind(StrEnum):
    RECONNECT = "reconnect"
    SHARE = "share"
    HOSTLESS = "hostless"
    STREAM = "stream"
    """A link expires; ``person_id`` is that of its device."""


@dataclass(frozen=True, slots=True)
class MeetingTimer:
    """At most one of each key runs; ``person_id`` for timers of one person."""

    kind: MeetingTimerKind
    person_id: str | None = None


@dataclass(frozen=True, slots=True)
class SetMeetingTimer:
    key: MeetingTimer
    at_ms: int


@dataclass(frozen=True, slots=True)
class CancelMeetingTimer:
    key: MeetingTimer


@dataclass(frozen=True, slots=True)
class TellMeeting:
    """Everybody in it, the whole view; to the lobby only that it is there."""


@dataclass(frozen=True, slots=True)
class TellAdmitted:
    """Somebody is in the room now."""

    person_id: str


@dataclass(frozen=True, slots=True)
class TellMeetingMember:
    """To everybody in it: a member came, changed or left."""

    person_id: str


@dataclass(frozen=True, slots=True)
class TellLobby:
    """The host alone: who waits."""


@dataclass(frozen=True, slots=True)
class TellUnmuteAsked:
    person_id: str
    source: Source


@dataclass(frozen=True, slots=True)
class TellMeetingLeft:
    person_id: str
    reason: MeetingLeft


@dataclass(frozen=True, slots=True)
class TellMeetingTransport:
    """The owner alone."""

    person_id: str
    transport: TransportKind
    state: TransportState


MeetingTelling = (
    TellMeeting
    | TellAdmitted
    | TellMeetingMember
    | TellLobby
    | TellMessage
    | TellRecording
    | TellUnmuteAsked
    | TellMeetingLeft
    | TellMeetingTransport
)
MeetingEffect = (
    SetMeetingTimer
    | CancelMeetingTimer
    | AddPeer
    | RemovePeer
    | SetGrant
    | SetMuted
    | CloseMedia
    | BeginRecording
    | EndRecording
    | RecordTrack
    | LeaveTrack
    | Record
    | Dissolve
    | MeetingTelling
)
MeetingEffects = tuple[MeetingEffect, ...]
