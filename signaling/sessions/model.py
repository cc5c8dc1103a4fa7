"""The state of one interaction, whole: frozen, so that a rule makes a new one and never changes what others hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from media.types import Source, TransportKind, TransportState
from signaling.errors import ErrorCode, Refused
from signaling.sessions.settings import SessionSettings
from signaling.sessions.states import (
    AssistancePhase,
    CallPhase,
    CardKind,
    CloseReason,
    Consent,
    DeviceProblem,
    EndReason,
    InteractionKind,
    InteractionPhase,
    InvitationPhase,
    MessageKind,
    Presence,
    RecordingPhase,
    Role,
    SupervisionMode,
    TransferPhase,
)


@dataclass(frozen=True, slots=True)
class Link:
    """A transport of a member as the engine reports it. ``was_connected``: it had been up for what runs now."""

    state: TransportState
    was_connected: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """A person in the interaction, with their media."""

    person_id: str
    role: Role
    display_name: str
    presence: Presence = Presence.ONLINE
    reconnect_by: int | None = None
    """When a reconnecting member counts as left; milliseconds since the epoch like every time here."""
    left_at: int | None = None
    peer_epoch: int = 0
    """Counts pages: another number is another peer for the engine, and the media of the older page is cut."""
    offered: frozenset[Source] = frozenset()
    """What the browser last offered to send, and the engine took."""
    tracks: frozenset[Source] = frozenset()
    """What has arrived at the engine."""
    muted: frozenset[Source] = frozenset()
    links: Mapping[TransportKind, Link] = field(default_factory=dict)
    qualities: Mapping[TransportKind, int] = field(default_factory=dict)
    media_lost_by: int | None = None
    """When a member whose needed transport is down loses what runs."""
    joined_at: int = 0
    read_seq: int = 0
    """Everything up to this line was read."""
    supervision: SupervisionMode | None = None
    """Of a supervisor."""
    guest_of: str | None = None
    """Of an invited agent: the name of the authority they speak for."""
    history_from: int = 1
    """The first line of the conversation this member may read."""
    in_call: bool = False
    """Of an invited agent: has agreed to the call that runs."""

    @property
    def hidden(self) -> bool:
        """The taxpayer must not know of this member."""
        return self.supervision in (SupervisionMode.LISTEN, SupervisionMode.WHISPER)

    @property
    def is_party(self) -> bool:
        """One of the two whom the interaction is between."""
        return self.role in (Role.TAXPAYER, Role.AGENT) and self.guest_of is None

    @property
    def is_guest(self) -> bool:
        """An invited agent: a third who talks, and serves nobody here."""
        return self.guest_of is not None

    @property
    def sees_hidden(self) -> bool:
        """Is told of supervisors who listen: the staff of the centre, and nobody from outside it."""
        return self.role is not Role.TAXPAYER and not self.is_guest

    @property
    def quality(self) -> int | None:
        return min(self.qualities.values(), default=None)


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file of the file store; ``size`` in bytes."""

    file_id: str
    name: str
    media_type: str
    size: int
    width: int | None = None
    height: int | None = None

    @property
    def kind(self) -> MessageKind:
        return MessageKind.PICTURE if self.media_type.startswith("image/") else MessageKind.FILE


@dataclass(frozen=True, slots=True)
class Message:
    """A line of the conversation; ``sender_id`` None is the system itself. ``sender_name`` is what others may see."""

    seq: int
    sender_id: str | None
    client_message_id: str | None
    text: str
    sent_at: int
    kind: MessageKind = MessageKind.TEXT
    sender_role: Role | None = None
    sender_name: str | None = None
    file: FileRef | None = None
    card: CardKind | None = None


@dataclass(frozen=True, slots=True)
class InteractionContext:
    """Where the taxpayer came from: page and business of the host platform, tax authority."""

    page: str | None = None
    business: str | None = None
    authority: str | None = None


@dataclass(frozen=True, slots=True)
class AssistanceState:
    phase: AssistancePhase = AssistancePhase.IDLE
    ended_by: str | None = None
    end_reason: EndReason | None = None
    problem: DeviceProblem | None = None
    deadline: int | None = None
    started_at: int | None = None
    requested_at: int = 0
    accepted_at: int | None = None
    paused_before: bool = False
    """The share was held back when the server stopped: it begins again held back."""

    @property
    def running(self) -> bool:
        return self.phase not in (AssistancePhase.IDLE, AssistancePhase.ENDED)


@dataclass(frozen=True, slots=True)
class CallState:
    phase: CallPhase = CallPhase.IDLE
    ended_by: str | None = None
    end_reason: EndReason | None = None
    problems: Mapping[str, DeviceProblem] = field(default_factory=dict)
    deadline: int | None = None
    started_at: int | None = None
    requested_at: int = 0
    requested_by: str | None = None
    accepted_at: int | None = None

    @property
    def running(self) -> bool:
        """Takes the agent's seat. A call that was only asked for does not."""
        return self.phase in (CallPhase.RINGING, CallPhase.CONNECTING, CallPhase.ACTIVE)


@dataclass(frozen=True, slots=True)
class RecordingState:
    """The recording of the running call, or how the last one ended. ``consents``: of everybody in the call."""

    phase: RecordingPhase = RecordingPhase.IDLE
    recording_id: str | None = None
    started_by: str | None = None
    started_at: int | None = None
    consents: Mapping[str, Consent] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        return self.phase is RecordingPhase.RUNNING


@dataclass(frozen=True, slots=True, order=True)
class RecordedTrack:
    """``epoch``: of the page that sends it. Another page is another track."""

    person_id: str
    source: Source
    epoch: int


@dataclass(frozen=True, slots=True)
class TransferState:
    """A transfer (H6). ``target`` is what people are shown: a staff number, or the name of a centre."""

    transfer_id: str
    from_agent: str
    to_agent: str | None
    to_centre: str | None
    target: str
    note: str
    asked_at: int
    phase: TransferPhase = TransferPhase.OFFERED
    deadline: int | None = None
    decided_at: int | None = None
    taken_by: str | None = None


@dataclass(frozen=True, slots=True)
class InvitationState:
    """The last invitation (R7); one at a time. ``authority`` is the name of the 主管税务机关 by which the agent was
    chosen, ``to_number`` the staff number. ``note`` is for the invited one alone; ``share_history``: the whole
    conversation is shown to them, and not only what is said from then on."""

    invitation_id: str
    from_agent: str
    from_number: str
    to_agent: str
    to_number: str
    authority: str
    asked_at: int
    note: str = ""
    share_history: bool = False
    phase: InvitationPhase = InvitationPhase.RINGING
    deadline: int | None = None
    decided_at: int | None = None
    ended_at: int | None = None
    ended_by: str | None = None


@dataclass(frozen=True, slots=True)
class InteractionState:
    interaction_id: str
    opened_at: int
    members: tuple[Member, ...]
    settings: SessionSettings = field(default_factory=SessionSettings)
    kind: InteractionKind = InteractionKind.SERVICE
    phase: InteractionPhase = InteractionPhase.OPEN
    centre_id: str | None = None
    """None without a queue."""
    centre_name: str | None = None
    context: InteractionContext = field(default_factory=InteractionContext)
    closed_by: str | None = None
    closed_at: int | None = None
    close_reason: CloseReason | None = None
    vacant: bool = False
    """Its agent was lost; the queue looks for another. The lost one stays as a member who has left until then."""
    transfer: TransferState | None = None
    invitation: InvitationState | None = None
    quiet_since: int | None = None
    """Since when nobody wrote and nothing ran."""
    silence_ends_at: int | None = None
    messages: tuple[Message, ...] = ()
    next_seq: int = 1
    assistance: AssistanceState = field(default_factory=AssistanceState)
    call: CallState = field(default_factory=CallState)
    recording: RecordingState = field(default_factory=RecordingState)

    def find(self, person_id: str) -> Member | None:
        return next((m for m in self.members if m.person_id == person_id), None)

    def member(self, person_id: str) -> Member:
        """Raises ``Refused`` with ``not_found``: a stranger may not even know that the interaction exists."""
        member = self.find(person_id)
        if member is None:
            raise Refused(ErrorCode.NOT_FOUND)
        return member

    def of_role(self, role: Role) -> Member:
        """The taxpayer, or the agent who serves: each interaction has one of both, but a collaboration no taxpayer."""
        return next(m for m in self.members if m.role is role and not m.is_guest)

    @property
    def taxpayer(self) -> Member | None:
        """None in a collaboration."""
        return next((m for m in self.members if m.role is Role.TAXPAYER), None)

    @property
    def guest(self) -> Member | None:
        """The invited agent, while in it."""
        return next((m for m in self.members if m.is_guest), None)

    @property
    def inviting(self) -> bool:
        return self.invitation is not None and self.invitation.phase is InvitationPhase.RINGING

    @property
    def parties(self) -> tuple[Member, ...]:
        return tuple(m for m in self.members if m.is_party)

    @property
    def transferring(self) -> bool:
        return self.transfer is not None and self.transfer.phase is TransferPhase.OFFERED

    def without(self, person_id: str) -> InteractionState:
        return replace(self, members=tuple(m for m in self.members if m.person_id != person_id))

    def with_member(self, changed: Member) -> InteractionState:
        return replace(
            self,
            members=tuple(changed if m.person_id == changed.person_id else m for m in self.members),
        )

    def with_line(self, text: str, now_ms: int) -> InteractionState:
        """One more line of the system."""
        return self.with_message(Message(self.next_seq, None, None, text, now_ms, MessageKind.SYSTEM))

    def with_message(self, message: Message) -> InteractionState:
        kept = (*self.messages, message)[-self.settings.kept_messages :]
        return replace(self, messages=kept, next_seq=self.next_seq + 1)

    def sent_before(self, sender_id: str, client_message_id: str) -> Message | None:
        """The message this one repeats."""
        return next(
            (
                m
                for m in reversed(self.messages)
                if m.sender_id == sender_id and m.client_message_id == client_message_id
            ),
            None,
        )
