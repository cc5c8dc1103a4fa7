"""What must be true of a meeting after every command: who hosts, who shares, whose media may be there. Pure."""

from __future__ import annotations

from dataclasses import replace

from media.types import Source
from signaling.sessions import mediation, meeting_recording, meeting_streams
from signaling.sessions.meeting_model import MeetingState
from signaling.sessions.meeting_rights import grant
from signaling.sessions.meeting_states import MediationPhase, MeetingPhase
from signaling.sessions.states import Presence


def settle(state: MeetingState, now_ms: int) -> MeetingState:
    state = _settle_application(state, now_ms)
    if state.phase is MeetingPhase.ENDED:
        return replace(
            meeting_recording.end(state),
            host_id=None,
            hostless_since=None,
            sharer_id=None,
            share_by=None,
            streams=(),
            waiting=(),
            members=tuple(one.gone(now_ms) if one.present else one for one in state.members),
        )
    state = _settle_share(_settle_host(state, now_ms), now_ms)
    state = meeting_streams.settle(state, now_ms)
    for member in state.members:
        granted = grant(state, member)
        if not (member.offered | member.tracks) <= granted:
            cut = replace(member, offered=member.offered & granted, tracks=member.tracks & granted)
            state = state.with_member(cut)
    return meeting_recording.settle(state)


def _settle_application(state: MeetingState, now_ms: int) -> MeetingState:
    """The application follows its meeting."""
    application = state.application
    if state.phase is MeetingPhase.RUNNING and application.phase is MediationPhase.DISPATCHED:
        return replace(state, application=mediation.begin(application))
    if state.phase is MeetingPhase.ENDED and application.phase is not MediationPhase.DONE:
        return replace(state, application=mediation.finish(application, now_ms))
    return state


def _settle_host(state: MeetingState, now_ms: int) -> MeetingState:
    """A host who is gone is followed by the member of staff who has been there longest."""
    if state.phase is not MeetingPhase.RUNNING:
        return state
    host = state.find(state.host_id)
    if host is not None and host.may_host:
        return replace(state, hostless_since=None) if state.hostless_since is not None else state
    online = [m for m in state.members if m.may_host and m.presence is Presence.ONLINE]
    following = min(online, key=lambda m: (m.joined_at, m.person_id), default=None)
    if following is not None:
        return replace(state, host_id=following.person_id, hostless_since=None)
    since = state.hostless_since if state.hostless_since is not None else now_ms
    return replace(state, host_id=None, hostless_since=since)


def _settle_share(state: MeetingState, now_ms: int) -> MeetingState:
    sharer = state.find(state.sharer_id)
    if sharer is None or Source.SCREEN not in grant(state, sharer):
        return replace(state, sharer_id=None, share_by=None) if state.share_by or state.sharer_id else state
    if Source.SCREEN in sharer.tracks:
        return replace(state, share_by=None) if state.share_by is not None else state
    if state.share_by is None:
        return replace(state, share_by=now_ms + state.settings.share_timeout_ms)
    return state
