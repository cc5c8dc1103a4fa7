"""Rules of recording a meeting: as of a call (``recording``), but led by whoever hosts. Pure.

Whoever may be heard and seen is asked, who comes later as well; observers are neither, and devices cannot answer: they are not
recorded. A recording ends with its meeting,
and when nobody hosts it: nobody could stop it then.
"""

from __future__ import annotations

from dataclasses import replace

from signaling.errors import ErrorCode, Refused
from signaling.sessions import meeting_commands as c
from signaling.sessions.meeting_model import MeetingMember, MeetingState
from signaling.sessions.meeting_states import MeetingPhase
from signaling.sessions.model import RecordedTrack, RecordingState
from signaling.sessions.policy import Action, SessionKind, rule
from signaling.sessions.states import Consent, RecordingPhase


def start(state: MeetingState, deed: c.StartMeetingRecording, now_ms: int) -> MeetingState:
    """A second start changes nothing."""
    if state.recording.running:
        return state
    begun = RecordingState(
        phase=RecordingPhase.RUNNING,
        recording_id=deed.recording_id,
        started_by=deed.actor_id,
        started_at=now_ms,
        consents={deed.actor_id: Consent.GIVEN},
    )
    return replace(state, recording=begun)


def answer(state: MeetingState, deed: c.AnswerMeetingRecording) -> MeetingState:
    if not state.recording.running or deed.actor_id not in state.recording.consents:
        raise Refused(ErrorCode.WRONG_PHASE)
    said = Consent.GIVEN if deed.given else Consent.REFUSED
    consents = {**state.recording.consents, deed.actor_id: said}
    return replace(state, recording=replace(state.recording, consents=consents))


def end(state: MeetingState) -> MeetingState:
    """Nothing when none runs."""
    if not state.recording.running:
        return state
    return replace(state, recording=replace(state.recording, phase=RecordingPhase.ENDED))


def settle(state: MeetingState) -> MeetingState:
    """Follow who is in the meeting, and as what."""
    if not state.recording.running:
        return state
    if state.phase is not MeetingPhase.RUNNING or state.host_id is None:
        return end(state)
    known = state.recording.consents
    consents = {
        member.person_id: known.get(member.person_id, Consent.ASKED)
        for member in state.members
        if _is_asked(state, member) and (member.present or member.person_id in known)
    }
    if consents == known:
        return state
    return replace(state, recording=replace(state.recording, consents=consents))


def recorded(state: MeetingState) -> frozenset[RecordedTrack]:
    """What is to be recorded now: everything that arrives from those who agreed."""
    if not state.recording.running:
        return frozenset()
    consents = state.recording.consents
    return frozenset(
        RecordedTrack(member.person_id, source, member.peer_epoch)
        for member in state.present
        if consents.get(member.person_id) is Consent.GIVEN
        for source in member.tracks
    )


def _is_asked(state: MeetingState, member: MeetingMember) -> bool:
    return (
        member.stream is None
        and Action.CONSENT in rule(SessionKind.MEETING, MeetingPhase.RUNNING, state.seat(member)).do
    )
