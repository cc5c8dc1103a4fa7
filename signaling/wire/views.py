"""What a browser is told about the state of things. Every view is whole: it replaces the one before it."""

from __future__ import annotations

from media.types import Source
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
    MessageKind,
    Presence,
    RecordingPhase,
    Role,
    SupervisionMode,
    TransferPhase,
)
from signaling.wire.base import WireModel
from signaling.wire.invitation_views import InvitationView


class MediaView(WireModel):
    """One published source of a member."""

    source: Source
    muted: bool


class MemberView(WireModel):
    """A member as others may see it: ``display_name`` is a masked name for a taxpayer, a staff number for staff."""

    person_id: str
    role: Role
    display_name: str
    presence: Presence
    supervision: SupervisionMode | None = None
    """Of a supervisor. In other modes than ``barge`` the taxpayer and a guest are not told of this member at all."""
    guest_of: str | None = None
    """Of an invited agent: the name of the authority they speak for."""
    in_call: bool = False
    """Of an invited agent: has agreed to the call that runs (``call.accept``)."""
    media: list[MediaView] = []
    media_connected: bool = True
    """False while a transport that was connected is not: shown as "reconnecting"."""
    quality: int | None = None
    """0 (lost) to 4 (excellent); None before there is a figure."""


class FileView(WireModel):
    """A file of the conversation. Its bytes are fetched by a short-lived link: ``POST /api/files/{file_id}/link``."""

    file_id: str
    name: str
    media_type: str
    size: int
    """Bytes."""
    width: int | None = None
    height: int | None = None


class MessageView(WireModel):
    """A line of the conversation. ``seq`` counts from 1 without gaps within the interaction."""

    seq: int
    kind: MessageKind = MessageKind.TEXT
    client_message_id: str | None
    sender_id: str | None
    """None for the system's own lines."""
    sender_role: Role | None = None
    sender_name: str | None = None
    """Masked name of a taxpayer, staff number of staff; also when the sender is no member any more."""
    text: str
    """Of a card its sentence; of a file its name. The ``client_message_id`` of a confirmation card is the id of its form."""
    file: FileView | None = None
    card: CardKind | None = None
    sent_at: int
    """Milliseconds since the epoch."""


class AssistanceView(WireModel):
    phase: AssistancePhase = AssistancePhase.IDLE
    ended_by: str | None = None
    end_reason: EndReason | None = None
    problem: DeviceProblem | None = None
    deadline: int | None = None
    """When ringing stops, in milliseconds since the epoch."""
    started_at: int | None = None


class CallView(WireModel):
    phase: CallPhase = CallPhase.IDLE
    ended_by: str | None = None
    end_reason: EndReason | None = None
    problems: dict[str, DeviceProblem] = {}
    """By person: who cannot capture, and why. The call goes on with what there is."""
    deadline: int | None = None
    started_at: int | None = None


class RecordingView(WireModel):
    """The recording of the running call, or of the last one. Who is in the call and has not answered is asked."""

    phase: RecordingPhase = RecordingPhase.IDLE
    recording_id: str | None = None
    started_at: int | None = None
    consents: dict[str, Consent] = {}
    """By person. Only who has given consent is recorded."""


class RatingView(WireModel):
    resolved: bool
    rated_at: int


class TransferView(WireModel):
    """The running transfer, or how the last one ended. A taxpayer is told no note."""

    transfer_id: str
    phase: TransferPhase
    from_agent: str
    to_agent: str | None
    to_centre: str | None
    target: str
    """Staff number of the agent, or name of the centre."""
    note: str
    asked_at: int
    deadline: int | None


class ContextView(WireModel):
    """Where the taxpayer came from."""

    page: str | None = None
    business: str | None = None
    authority: str | None = None


class InteractionView(WireModel):
    """One human service session (互动), whole, as this person may see it."""

    interaction_id: str
    kind: InteractionKind = InteractionKind.SERVICE
    phase: InteractionPhase
    centre_id: str | None = None
    centre_name: str | None = None
    context: ContextView = ContextView()
    members: list[MemberView]
    agent_id: str | None = None
    """Who serves it; None while nobody does (the agent was lost: it waits at the head of the queue)."""
    messages: list[MessageView]
    """The last 50; earlier ones by ``message.list``."""
    last_seq: int = 0
    history_from: int = 1
    """The first line this person may read."""
    read: dict[str, int] = {}
    """By person: everything up to this ``seq`` was read."""
    assistance: AssistanceView
    call: CallView
    recording: RecordingView = RecordingView()
    transfer: TransferView | None = None
    invitation: InvitationView | None = None
    silence_ends_at: int | None = None
    """Set when nobody wrote for long: then it will be ended unless somebody does."""
    opened_at: int
    closed_by: str | None = None
    close_reason: CloseReason | None = None


class AftercareView(WireModel):
    """A conversation that is over but not done with: to be rated by the taxpayer, or wrapped up by the agent."""

    interaction_id: str
    staff_number: str | None
    taxpayer_name: str | None
    """None for the taxpayer."""
    closed_at: int
    close_reason: CloseReason | None
    rating: RatingView | None
    wrapped_up: bool


class ProfileView(WireModel):
    """A taxpayer as staff may see them: masked. A reveal is a REST request, and recorded."""

    person_id: str
    name: str
    phone: str | None = None
    company: str | None = None
    authority: str | None = None
    region: str | None = None


class AgentView(WireModel):
    """An agent one can call directly (the demo list)."""

    person_id: str
    staff_number: str
    authority: str
    online: bool
    busy: bool


class PersonView(WireModel):
    """Oneself."""

    person_id: str
    role: Role
    display_name: str
    authority: str | None
    region: str | None


class IceServerView(WireModel):
    """RTCIceServer (W3C WebRTC §4.2.4) with time-limited credentials."""

    urls: list[str]
    username: str | None = None
    credential: str | None = None
