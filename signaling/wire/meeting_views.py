"""What a browser is told about a meeting. Every view is whole: it replaces the one before it."""

from __future__ import annotations

from media.types import Source
from signaling.sessions.meeting_states import MeetingEnd, MeetingPhase, MeetingPlace, MeetingRole
from signaling.sessions.meeting_streams import StreamAccess
from signaling.sessions.states import Presence, Role
from signaling.wire.base import WireModel
from signaling.wire.views import MediaView, RecordingView


class OwnMeetingView(WireModel):
    """The meeting of a mediation one applied for or holds, before or while it runs."""

    meeting_id: str
    phase: MeetingPhase
    subject: str


class MeetingMemberView(WireModel):
    """A member as all others see it: ``display_name`` is a masked name for a taxpayer, a staff number for staff."""

    person_id: str
    role: Role
    display_name: str
    meeting_role: MeetingRole
    presence: Presence
    """``left``: no member any more, unless they come back."""
    media: list[MediaView] = []
    muted: list[Source] = []
    """Sources muted by their owner or by the host, also those that send nothing now."""
    held: list[Source] = []
    """Of these, what only the host can free."""
    media_connected: bool = True
    quality: int | None = None
    """0 (lost) to 4 (excellent); None before there is a figure."""
    hand_raised_at: int | None = None
    joined_at: int
    stream: StreamAccess | None = None
    """Set for a device that takes part over HTTP: it publishes (WHIP), or watches (WHEP)."""


class MeetingWaitingView(WireModel):
    """Somebody in the lobby, as the host sees it."""

    person_id: str
    role: Role
    display_name: str
    since: int
    presence: Presence


class MeetingView(WireModel):
    """In the lobby one is told only that it is there: no subject, no members."""

    meeting_id: str
    place: MeetingPlace
    phase: MeetingPhase
    application_number: str | None = None
    subject: str | None = None
    authority: str | None = None
    agent_id: str | None = None
    """To whom the application was dispatched."""
    host_id: str | None = None
    locked: bool = False
    sharer_id: str | None = None
    """Who alone may share a screen now, or is about to."""
    members: list[MeetingMemberView] = []
    """Who is there now."""
    recording: RecordingView = RecordingView()
    started_at: int | None = None
    ended_at: int | None = None
    end_reason: MeetingEnd | None = None
