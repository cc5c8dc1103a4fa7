"""What the people of a meeting are told: effects of its rules as notifications."""

from __future__ import annotations

from signaling.rooms.ports import Outbound
from signaling.sessions import meeting_effects as effects
from signaling.sessions.effects import TellMessage, TellRecording
from signaling.sessions.meeting_model import MeetingState
from signaling.wire import meeting_notifications as told
from signaling.wire import notifications
from signaling.wire.base import Notification
from signaling.wire.meeting_present import lobby_view, meeting_member_view, meeting_view, waiting_views
from signaling.wire.present import message_view, recording_view


def tell(outbound: Outbound, state: MeetingState, effect: effects.MeetingTelling) -> None:
    """One notification is made for all who may see the same, so that it is encoded once."""
    own = state.meeting_id
    match effect:
        case effects.TellMeeting():
            tell_all(outbound, state, told.MeetingChanged(meeting=meeting_view(state)))
            outside = told.MeetingChanged(meeting=lobby_view(state))
            for waits in state.waiting:
                outbound.notify(waits.person_id, outside)
        case effects.TellAdmitted(person_id=person_id):
            outbound.notify(person_id, told.MeetingChanged(meeting=meeting_view(state)))
        case effects.TellMeetingMember(person_id=person_id):
            member = state.find(person_id)
            if member is not None:
                view = meeting_member_view(state, member)
                tell_all(outbound, state, told.MeetingMemberChanged(meeting_id=own, member=view))
        case effects.TellLobby():
            if state.host_id is not None:
                lobby = told.LobbyChanged(meeting_id=own, waiting=waiting_views(state))
                outbound.notify(state.host_id, lobby)
        case TellMessage(message=message):
            posted = notifications.MessagePosted(interaction_id=own, message=message_view(message))
            tell_all(outbound, state, posted)
        case TellRecording():
            recording = notifications.RecordingChanged(
                interaction_id=own, recording=recording_view(state.recording)
            )
            tell_all(outbound, state, recording)
        case effects.TellUnmuteAsked(person_id=person_id, source=source):
            outbound.notify(person_id, told.UnmuteAsked(meeting_id=own, source=source))
        case effects.TellMeetingLeft(person_id=person_id, reason=reason):
            outbound.notify(person_id, told.MeetingLeftNotice(meeting_id=own, reason=reason))
        case effects.TellMeetingTransport(person_id=person_id, transport=transport, state=moved):
            changed = notifications.TransportChanged(interaction_id=own, transport=transport, state=moved)
            outbound.notify(person_id, changed)


def tell_all(
    outbound: Outbound, state: MeetingState, notification: Notification, *, but: str | None = None
) -> None:
    for member in state.members:
        if member.present and member.person_id != but:
            outbound.notify(member.person_id, notification)
