"""What a browser is told about the state of things. Every view is whole: it replaces the one before it."""

from __future__ import annotations

from enum import StrEnum

from media.types import Source
from signaling.wire.base import WireModel


class Role(StrEnum):
    TAXPAYER = "taxpayer"
    AGENT = "agent"
    SUPERVISOR = "supervisor"
    EDITOR = "editor"
    ADMINISTRATOR = "administrator"


class Presence(StrEnum):
    """Whether a member's signalling connection is there. ``reconnecting`` lasts for the grace period at most."""

    ONLINE = "online"
    RECONNECTING = "reconnecting"
    LEFT = "left"


class InteractionPhase(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class AssistancePhase(StrEnum):
    """Remote assistance (R1–R3, R5)."""

    IDLE = "idle"
    REQUESTED = "requested"
    """Ringing at the agent."""
    ACCEPTED = "accepted"
    """The taxpayer reads the privacy notice and picks what to share; ``problem`` says what went wrong last."""
    SHARING = "sharing"
    PAUSED = "paused"
    ENDED = "ended"


class CallPhase(StrEnum):
    """Audio and video (R4, R5)."""

    IDLE = "idle"
    ASKED = "asked"
    """The taxpayer asked for it; only the agent can start."""
    RINGING = "ringing"
    """The agent started; the taxpayer has not answered yet."""
    CONNECTING = "connecting"
    """Accepted; media is being set up."""
    ACTIVE = "active"
    ENDED = "ended"


class EndReason(StrEnum):
    """Why an assistance or a call ended (R5). Each has its own sentence and its own way out in the interface."""

    HUNG_UP = "hung_up"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    RING_TIMEOUT = "ring_timeout"
    MEMBER_LEFT = "member_left"
    NETWORK_LOST = "network_lost"
    INTERACTION_CLOSED = "interaction_closed"
    SERVER_STOPPING = "server_stopping"


class DeviceProblem(StrEnum):
    """What a browser reports when it cannot capture (R5)."""

    PERMISSION_DENIED = "permission_denied"
    PICKER_CANCELLED = "picker_cancelled"
    DEVICE_MISSING = "device_missing"
    DEVICE_BUSY = "device_busy"
    CAPTURE_ENDED = "capture_ended"
    """The person stopped the share with the browser's own button, or the device was unplugged."""
    UNSUPPORTED = "unsupported"


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
    media: list[MediaView] = []
    media_connected: bool = True
    """False while a transport that was connected is not: shown as "reconnecting"."""
    quality: int | None = None
    """0 (lost) to 4 (excellent); None before there is a figure."""


class MessageView(WireModel):
    """A line of the conversation. ``seq`` counts from 1 without gaps within the interaction."""

    seq: int
    client_message_id: str | None
    sender_id: str | None
    """None for the system's own lines."""
    text: str
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


class InteractionView(WireModel):
    """One human service session (互动), whole."""

    interaction_id: str
    phase: InteractionPhase
    members: list[MemberView]
    messages: list[MessageView]
    """The last 200."""
    assistance: AssistanceView
    call: CallView
    opened_at: int
    closed_by: str | None = None


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
