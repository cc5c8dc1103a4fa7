"""What a browser is told about the state of things. Every view is whole: it replaces the one before it."""

from __future__ import annotations

from media.types import Source
from signaling.sessions.states import (
    AssistancePhase,
    CallPhase,
    DeviceProblem,
    EndReason,
    InteractionPhase,
    Presence,
    Role,
)
from signaling.wire.base import WireModel


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
