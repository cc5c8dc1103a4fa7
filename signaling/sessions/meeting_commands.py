"""What may happen to a meeting: something somebody does, or something the world reports. Frozen.

``MeetingDeed.ACTION`` is looked up in the policy table before any rule runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from media.types import Source
from signaling.sessions.commands import (
    MemberConnected,
    MemberDisconnected,
    QualityMeasured,
    TrackStarted,
    TrackStopped,
    TransportMoved,
)
from signaling.sessions.mediation import MediationApplication
from signaling.sessions.meeting_effects import MeetingTimer
from signaling.sessions.meeting_states import MeetingRole
from signaling.sessions.meeting_streams import Stream
from signaling.sessions.policy import Action
from signaling.sessions.states import Role


@dataclass(frozen=True, slots=True)
class Enter:
    """Somebody knocks, or comes back. Not looked up in the table: the lobby is for whoever was given the link."""

    person_id: str
    role: Role
    display_name: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Also from the lobby. Of somebody who is not there it changes nothing."""

    person_id: str


@dataclass(frozen=True, slots=True)
class MeetingDeed:
    """Something a member does."""

    ACTION: ClassVar[Action]
    actor_id: str


@dataclass(frozen=True, slots=True)
class Admit(MeetingDeed):
    """``person_id`` None: everybody in the lobby, as far as there is room."""

    ACTION: ClassVar[Action] = Action.ADMIT
    person_id: str | None
    meeting_role: MeetingRole = MeetingRole.PARTICIPANT


@dataclass(frozen=True, slots=True)
class RefuseEntry(MeetingDeed):
    ACTION: ClassVar[Action] = Action.ADMIT
    person_id: str


@dataclass(frozen=True, slots=True)
class RemoveMember(MeetingDeed):
    ACTION: ClassVar[Action] = Action.REMOVE
    person_id: str


@dataclass(frozen=True, slots=True)
class SetLock(MeetingDeed):
    ACTION: ClassVar[Action] = Action.LOCK
    locked: bool


@dataclass(frozen=True, slots=True)
class SetMeetingRole(MeetingDeed):
    """``participant`` or ``observer``."""

    ACTION: ClassVar[Action] = Action.SET_ROLE
    person_id: str
    meeting_role: MeetingRole


@dataclass(frozen=True, slots=True)
class HandOver(MeetingDeed):
    ACTION: ClassVar[Action] = Action.HAND_OVER
    person_id: str


@dataclass(frozen=True, slots=True)
class MuteMember(MeetingDeed):
    """``person_id`` None: all others. ``hold``: they stay muted until a host asks them to speak."""

    ACTION: ClassVar[Action] = Action.MUTE_OTHERS
    person_id: str | None
    source: Source
    hold: bool


@dataclass(frozen=True, slots=True)
class AskUnmute(MeetingDeed):
    """Frees what was held and asks; nobody is ever made to speak. ``person_id`` None: all others."""

    ACTION: ClassVar[Action] = Action.MUTE_OTHERS
    person_id: str | None
    source: Source


@dataclass(frozen=True, slots=True)
class StartShare(MeetingDeed):
    """``take_over``: in place of who shares now; the host alone."""

    ACTION: ClassVar[Action] = Action.SHARE
    take_over: bool


@dataclass(frozen=True, slots=True)
class StopShare(MeetingDeed):
    """One's own; the host anybody's."""

    ACTION: ClassVar[Action] = Action.SHARE


@dataclass(frozen=True, slots=True)
class RaiseHand(MeetingDeed):
    """``person_id`` None: one's own. The host lowers others'."""

    ACTION: ClassVar[Action] = Action.RAISE_HAND
    raised: bool
    person_id: str | None = None


@dataclass(frozen=True, slots=True)
class SayInMeeting(MeetingDeed):
    ACTION: ClassVar[Action] = Action.SEND_MESSAGE
    client_message_id: str
    text: str


@dataclass(frozen=True, slots=True)
class EditNotes(MeetingDeed):
    """Only checked: the notes themselves are kept by the room."""

    ACTION: ClassVar[Action] = Action.EDIT_NOTES


@dataclass(frozen=True, slots=True)
class ReadMeeting(MeetingDeed):
    """Only checked, like any reading of what members alone see: notes, chat."""

    ACTION: ClassVar[Action] = Action.READ


@dataclass(frozen=True, slots=True)
class UseMeetingMedia(MeetingDeed):
    """Only checked."""

    ACTION: ClassVar[Action] = Action.USE_MEDIA


@dataclass(frozen=True, slots=True)
class OfferMeetingMedia(MeetingDeed):
    ACTION: ClassVar[Action] = Action.USE_MEDIA
    sources: frozenset[Source]
    fresh: bool


@dataclass(frozen=True, slots=True)
class MuteSelf(MeetingDeed):
    ACTION: ClassVar[Action] = Action.USE_MEDIA
    source: Source
    muted: bool


@dataclass(frozen=True, slots=True)
class StartMeetingRecording(MeetingDeed):
    """``recording_id`` is the room's choice."""

    ACTION: ClassVar[Action] = Action.RECORD
    recording_id: str = ""


@dataclass(frozen=True, slots=True)
class StopMeetingRecording(MeetingDeed):
    ACTION: ClassVar[Action] = Action.RECORD


@dataclass(frozen=True, slots=True)
class AnswerMeetingRecording(MeetingDeed):
    """Agrees to be recorded, or does not; may be changed."""

    ACTION: ClassVar[Action] = Action.CONSENT
    given: bool


@dataclass(frozen=True, slots=True)
class EndMeeting(MeetingDeed):
    ACTION: ClassVar[Action] = Action.CLOSE


@dataclass(frozen=True, slots=True)
class AddStream(MeetingDeed):
    """A link for a device."""

    ACTION: ClassVar[Action] = Action.MANAGE_STREAMS
    stream: Stream


@dataclass(frozen=True, slots=True)
class RevokeStream(MeetingDeed):
    """Its link, and the device itself if it is there."""

    ACTION: ClassVar[Action] = Action.MANAGE_STREAMS
    stream_id: str


@dataclass(frozen=True, slots=True)
class ListStreams(MeetingDeed):
    """Only checked."""

    ACTION: ClassVar[Action] = Action.MANAGE_STREAMS


@dataclass(frozen=True, slots=True)
class EnterStream:
    """A device comes with its link. Not looked up in the table: the link is its right."""

    stream_id: str


@dataclass(frozen=True, slots=True)
class MeetingTimerFired:
    key: MeetingTimer


@dataclass(frozen=True, slots=True)
class ApplicationDispatched:
    """To this agent, perhaps another than before."""

    application: MediationApplication


MemberReport = (
    MemberConnected | MemberDisconnected | TransportMoved | TrackStarted | TrackStopped | QualityMeasured
)
MeetingReport = MemberReport | MeetingTimerFired | ApplicationDispatched
MeetingCommand = Enter | EnterStream | Leave | MeetingDeed | MeetingReport
