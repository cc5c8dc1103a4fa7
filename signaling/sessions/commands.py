"""What may happen to an interaction: something a member does, or something the world reports. Frozen.

``Deed.KIND`` and ``Deed.ACTION`` are looked up in the policy table before any rule runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from media.types import Source, TransportKind, TransportState
from signaling.sessions.effects import TimerKey
from signaling.sessions.model import FileRef, InvitationState, Member, TransferState
from signaling.sessions.policy import Action, SessionKind
from signaling.sessions.states import CloseCause, CloseReason, DeviceProblem, EndReason, TransferPhase


@dataclass(frozen=True, slots=True)
class Deed:
    """Something a member does."""

    KIND: ClassVar[SessionKind]
    ACTION: ClassVar[Action]
    actor_id: str


@dataclass(frozen=True, slots=True)
class PostMessage(Deed):
    KIND: ClassVar[SessionKind] = SessionKind.INTERACTION
    ACTION: ClassVar[Action] = Action.SEND_MESSAGE
    client_message_id: str
    text: str
    file: FileRef | None = None


@dataclass(frozen=True, slots=True)
class CloseInteraction(Deed):
    KIND: ClassVar[SessionKind] = SessionKind.INTERACTION
    ACTION: ClassVar[Action] = Action.CLOSE
    cause: CloseCause = CloseCause.BUTTON


@dataclass(frozen=True, slots=True)
class ReadUpTo(Deed):
    KIND: ClassVar[SessionKind] = SessionKind.INTERACTION
    ACTION: ClassVar[Action] = Action.READ
    seq: int


@dataclass(frozen=True, slots=True)
class Type(Deed):
    """Only checked: typing is no state."""

    KIND: ClassVar[SessionKind] = SessionKind.INTERACTION
    ACTION: ClassVar[Action] = Action.SEND_MESSAGE


@dataclass(frozen=True, slots=True)
class Invite(Deed):
    """The dispatcher has looked up whom, and whether they are on duty."""

    KIND: ClassVar[SessionKind] = SessionKind.INTERACTION
    ACTION: ClassVar[Action] = Action.INVITE
    invitation: InvitationState


@dataclass(frozen=True, slots=True)
class EndInvitation(Deed):
    """It stops ringing, or the guest has to go."""

    KIND: ClassVar[SessionKind] = SessionKind.INTERACTION
    ACTION: ClassVar[Action] = Action.INVITE


@dataclass(frozen=True, slots=True)
class LeaveInvited(Deed):
    """The guest goes."""

    KIND: ClassVar[SessionKind] = SessionKind.INTERACTION
    ACTION: ClassVar[Action] = Action.LEAVE


@dataclass(frozen=True, slots=True)
class UseMedia(Deed):
    """Anything about one's transports that changes no state of the session: it is only checked."""

    KIND: ClassVar[SessionKind] = SessionKind.INTERACTION
    ACTION: ClassVar[Action] = Action.USE_MEDIA


@dataclass(frozen=True, slots=True)
class OfferMedia(Deed):
    """The browser offers to send ``sources``; ``fresh`` on a new peer connection. Refused outside the grant."""

    KIND: ClassVar[SessionKind] = SessionKind.INTERACTION
    ACTION: ClassVar[Action] = Action.USE_MEDIA
    sources: frozenset[Source]
    fresh: bool


@dataclass(frozen=True, slots=True)
class MuteSource(Deed):
    KIND: ClassVar[SessionKind] = SessionKind.INTERACTION
    ACTION: ClassVar[Action] = Action.USE_MEDIA
    source: Source
    muted: bool


@dataclass(frozen=True, slots=True)
class RequestAssistance(Deed):
    """``seat_free``: whether the agent had no running assistance, and this one was given the seat."""

    KIND: ClassVar[SessionKind] = SessionKind.ASSISTANCE
    ACTION: ClassVar[Action] = Action.REQUEST
    seat_free: bool = True


@dataclass(frozen=True, slots=True)
class AcceptAssistance(Deed):
    KIND: ClassVar[SessionKind] = SessionKind.ASSISTANCE
    ACTION: ClassVar[Action] = Action.ACCEPT


@dataclass(frozen=True, slots=True)
class DeclineAssistance(Deed):
    KIND: ClassVar[SessionKind] = SessionKind.ASSISTANCE
    ACTION: ClassVar[Action] = Action.DECLINE


@dataclass(frozen=True, slots=True)
class ReportAssistanceProblem(Deed):
    KIND: ClassVar[SessionKind] = SessionKind.ASSISTANCE
    ACTION: ClassVar[Action] = Action.REPORT_PROBLEM
    problem: DeviceProblem


@dataclass(frozen=True, slots=True)
class PauseAssistance(Deed):
    KIND: ClassVar[SessionKind] = SessionKind.ASSISTANCE
    ACTION: ClassVar[Action] = Action.PAUSE


@dataclass(frozen=True, slots=True)
class ResumeAssistance(Deed):
    KIND: ClassVar[SessionKind] = SessionKind.ASSISTANCE
    ACTION: ClassVar[Action] = Action.RESUME


@dataclass(frozen=True, slots=True)
class HangUpAssistance(Deed):
    KIND: ClassVar[SessionKind] = SessionKind.ASSISTANCE
    ACTION: ClassVar[Action] = Action.HANG_UP


@dataclass(frozen=True, slots=True)
class AskCall(Deed):
    """``seat_free``: whether the agent could start one now; asking takes no seat."""

    KIND: ClassVar[SessionKind] = SessionKind.CALL
    ACTION: ClassVar[Action] = Action.ASK
    seat_free: bool = True


@dataclass(frozen=True, slots=True)
class StartCall(Deed):
    KIND: ClassVar[SessionKind] = SessionKind.CALL
    ACTION: ClassVar[Action] = Action.START
    seat_free: bool = True


@dataclass(frozen=True, slots=True)
class StartRecording(Deed):
    """``recording_id`` is the room's choice."""

    KIND: ClassVar[SessionKind] = SessionKind.CALL
    ACTION: ClassVar[Action] = Action.RECORD
    recording_id: str = ""


@dataclass(frozen=True, slots=True)
class StopRecording(Deed):
    KIND: ClassVar[SessionKind] = SessionKind.CALL
    ACTION: ClassVar[Action] = Action.RECORD


@dataclass(frozen=True, slots=True)
class AnswerRecording(Deed):
    """Agrees to be recorded, or does not; may be changed."""

    KIND: ClassVar[SessionKind] = SessionKind.CALL
    ACTION: ClassVar[Action] = Action.CONSENT
    given: bool


@dataclass(frozen=True, slots=True)
class AcceptCall(Deed):
    KIND: ClassVar[SessionKind] = SessionKind.CALL
    ACTION: ClassVar[Action] = Action.ACCEPT


@dataclass(frozen=True, slots=True)
class DeclineCall(Deed):
    KIND: ClassVar[SessionKind] = SessionKind.CALL
    ACTION: ClassVar[Action] = Action.DECLINE


@dataclass(frozen=True, slots=True)
class ReportCallProblem(Deed):
    """``problem`` None takes an earlier report back."""

    KIND: ClassVar[SessionKind] = SessionKind.CALL
    ACTION: ClassVar[Action] = Action.REPORT_PROBLEM
    problem: DeviceProblem | None


@dataclass(frozen=True, slots=True)
class HangUpCall(Deed):
    KIND: ClassVar[SessionKind] = SessionKind.CALL
    ACTION: ClassVar[Action] = Action.HANG_UP


@dataclass(frozen=True, slots=True)
class AnswerInvitation:
    """By whom it rings at, who is no member yet. Refused when it does not ring there."""

    agent: Member
    accepted: bool


# What the world reports


@dataclass(frozen=True, slots=True)
class MemberConnected:
    """A signalling connection of the member is there; ``resumed``: by the page whose media the engine holds."""

    person_id: str
    resumed: bool


@dataclass(frozen=True, slots=True)
class MemberDisconnected:
    person_id: str


@dataclass(frozen=True, slots=True)
class TransportMoved:
    person_id: str
    transport: TransportKind
    state: TransportState


@dataclass(frozen=True, slots=True)
class TrackStarted:
    """The first packet of a track came in."""

    person_id: str
    source: Source


@dataclass(frozen=True, slots=True)
class TrackStopped:
    person_id: str
    source: Source


@dataclass(frozen=True, slots=True)
class QualityMeasured:
    person_id: str
    transport: TransportKind
    quality: int


@dataclass(frozen=True, slots=True)
class TimerFired:
    key: TimerKey


@dataclass(frozen=True, slots=True)
class Shutdown:
    """The interaction is closed from above: ``end_reason`` of what runs in it, ``reason`` of itself."""

    reason: CloseReason = CloseReason.SERVER_STOPPING
    end_reason: EndReason = EndReason.SERVER_STOPPING


# What the queue and the supervisors' desk report: both have checked the rights to it


@dataclass(frozen=True, slots=True)
class TransferOffered:
    transfer: TransferState


@dataclass(frozen=True, slots=True)
class TransferEnded:
    """It came to nothing; who serves goes on."""

    phase: TransferPhase


@dataclass(frozen=True, slots=True)
class AgentReplaced:
    """The queue gave it to this agent: a transfer was accepted, or a lost agent has a successor. ``seats``: what runs
    and goes along, since the agent has the seat for it; the rest ends."""

    agent: Member
    greeting: str | None
    seats: frozenset[SessionKind] = frozenset()


@dataclass(frozen=True, slots=True)
class AgentLost:
    """The agent signed out or did not come back: nobody serves until ``AgentReplaced``."""

    agent_id: str


@dataclass(frozen=True, slots=True)
class SupervisorJoined:
    """Or changed the mode."""

    supervisor: Member


@dataclass(frozen=True, slots=True)
class SupervisorLeft:
    person_id: str


@dataclass(frozen=True, slots=True)
class ConfirmationMoved:
    """A 业务办理服务确认单 of this conversation: its card when it is sent, a line of the system for each further step.
    The form is no state of the conversation; ``confirmations`` has checked the rights to it."""

    text: str
    sender_id: str | None = None
    confirmation_id: str | None = None
    """Of the card."""


OF_WORDS = (PostMessage, ReadUpTo, Type)
"""Move nothing but the conversation: no right, no phase and no medium follows from them."""

OF_MEMBERS = (
    MemberConnected,
    MemberDisconnected,
    TransportMoved,
    TrackStarted,
    TrackStopped,
    QualityMeasured,
)
"""Reports about one member."""

Report = (
    MemberConnected
    | MemberDisconnected
    | TransportMoved
    | TrackStarted
    | TrackStopped
    | QualityMeasured
    | TimerFired
    | Shutdown
    | TransferOffered
    | TransferEnded
    | AgentReplaced
    | AgentLost
    | SupervisorJoined
    | SupervisorLeft
    | ConfirmationMoved
)
Command = Deed | AnswerInvitation | Report
