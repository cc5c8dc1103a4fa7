"""Recording a meeting: led by whoever hosts, everyone answers for themselves (``recording_rules``). Pure.

Whoever may be heard and seen is asked; observers are neither, and devices cannot answer: they are not recorded. A recording
ends with its meeting, and when nobody hosts it: nobody could stop it then.
"""

from __future__ import annotations

from dataclasses import replace

from signaling.sessions import meeting_commands as c
from signaling.sessions import recording_rules as rules
from signaling.sessions.meeting_model import MeetingMember, MeetingState
from signaling.sessions.meeting_states import MeetingPhase
from signaling.sessions.model import RecordedTrack, RecordingState
from signaling.sessions.policy import Action, SessionKind, rule


def start(state: MeetingState, deed: c.StartMeetingRecording, now_ms: int) -> MeetingState:
    return _with(state, rules.begun(state.recording, deed.recording_id, deed.actor_id, now_ms))


def answer(state: MeetingState, deed: c.AnswerMeetingRecording) -> MeetingState:
    return _with(state, rules.answered(state.recording, deed.actor_id, deed.given))


def end(state: MeetingState) -> MeetingState:
    return _with(state, rules.ended(state.recording))


def settle(state: MeetingState) -> MeetingState:
    """Follow who is in the meeting, and as what."""
    if not state.recording.running:
        return state
    if state.phase is not MeetingPhase.RUNNING or state.host_id is None:
        return end(state)
    known = state.recording.consents
    asked = (
        member.person_id
        for member in state.members
        if _is_asked(state, member) and (member.present or member.person_id in known)
    )
    return _with(state, rules.asking(state.recording, asked))


def recorded(state: MeetingState) -> frozenset[RecordedTrack]:
    return rules.tracks_of(state.recording, state.present)


def _with(state: MeetingState, recording: RecordingState) -> MeetingState:
    return state if recording is state.recording else replace(state, recording=recording)


def _is_asked(state: MeetingState, member: MeetingMember) -> bool:
    return (
        member.stream is None
        and Action.CONSENT in rule(SessionKind.MEETING, MeetingPhase.RUNNING, state.seat(member)).do
    )
