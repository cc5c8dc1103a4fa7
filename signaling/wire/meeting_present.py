"""To the wire: the state of a meeting as who is in it sees it."""

from __future__ import annotations

from signaling.sessions.meeting_model import MeetingMember, MeetingState
from signaling.sessions.meeting_rights import silenced
from signaling.sessions.meeting_states import MeetingPlace
from signaling.wire.meeting_views import MeetingMemberView, MeetingView, MeetingWaitingView
from signaling.wire.present import message_view, recording_view
from signaling.wire.requests.meetings import Entered
from signaling.wire.views import MediaView

SHOWN_MESSAGES = 50


def meeting_view(state: MeetingState) -> MeetingView:
    application = state.application
    return MeetingView(
        meeting_id=state.meeting_id,
        place=MeetingPlace.ROOM,
        phase=state.phase,
        application_number=application.number,
        subject=application.subject,
        authority=application.authority,
        agent_id=application.agent_id,
        host_id=state.host_id,
        locked=state.locked,
        sharer_id=state.sharer_id,
        members=[meeting_member_view(state, member) for member in state.present],
        recording=recording_view(state.recording),
        started_at=state.started_at,
        ended_at=state.ended_at,
        end_reason=state.end_reason,
    )


def lobby_view(state: MeetingState) -> MeetingView:
    return MeetingView(meeting_id=state.meeting_id, place=MeetingPlace.LOBBY, phase=state.phase)


def meeting_member_view(state: MeetingState, member: MeetingMember) -> MeetingMemberView:
    muted = silenced(state, member)
    return MeetingMemberView(
        person_id=member.person_id,
        role=member.role,
        display_name=member.display_name,
        meeting_role=state.seat(member),
        presence=member.presence,
        media=[MediaView(source=source, muted=source in muted) for source in sorted(member.tracks)],
        muted=sorted(member.muted),
        held=sorted(member.held),
        media_connected=member.media_connected,
        quality=member.quality,
        hand_raised_at=member.hand_raised_at,
        joined_at=member.joined_at,
        stream=member.stream.access if member.stream is not None else None,
    )


def waiting_views(state: MeetingState) -> list[MeetingWaitingView]:
    return [
        MeetingWaitingView(
            person_id=waits.person_id,
            role=waits.role,
            display_name=waits.display_name,
            since=waits.since,
            presence=waits.presence,
        )
        for waits in state.waiting
    ]


def entered(state: MeetingState, person_id: str) -> Entered:
    member = state.find(person_id)
    if member is None or not member.present:
        return Entered(meeting=lobby_view(state))
    return Entered(
        meeting=meeting_view(state),
        messages=[message_view(message) for message in state.messages[-SHOWN_MESSAGES:]],
        last_seq=state.next_seq - 1,
        waiting=waiting_views(state) if state.host_id == person_id else [],
        media_epoch=member.peer_epoch,
    )
