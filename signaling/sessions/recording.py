"""Recording a call: the agent asks, everyone in the call answers for themselves (``recording_rules``). Pure.

A recording ends with its call.
"""

from __future__ import annotations

from dataclasses import replace

from signaling.errors import ErrorCode, Refused
from signaling.sessions import commands
from signaling.sessions import recording_rules as rules
from signaling.sessions.model import InteractionState, Member, RecordedTrack, RecordingState
from signaling.sessions.policy import Action, SessionKind, rule, seat_of
from signaling.sessions.states import CallPhase, Presence

_DURING = (CallPhase.CONNECTING, CallPhase.ACTIVE)


def handle(state: InteractionState, command: commands.Deed, now_ms: int) -> InteractionState:
    """The policy table has allowed ``command`` in this phase."""
    match command:
        case commands.StartRecording(actor_id=actor_id, recording_id=recording_id):
            return _with(state, rules.begun(state.recording, recording_id, actor_id, now_ms))
        case commands.StopRecording():
            return end(state)
        case commands.AnswerRecording(actor_id=actor_id, given=given):
            return _with(state, rules.answered(state.recording, actor_id, given))
        case _:
            raise Refused(ErrorCode.NOT_ALLOWED)


def end(state: InteractionState) -> InteractionState:
    return _with(state, rules.ended(state.recording))


def settle(state: InteractionState) -> InteractionState:
    """Follow the call and who is in it."""
    if not state.recording.running:
        return state
    if state.call.phase not in _DURING:
        return end(state)
    known = state.recording.consents
    asked = (
        member.person_id
        for member in state.members
        if _talks(member) and (member.person_id in known or member.presence is not Presence.LEFT)
    )
    return _with(state, rules.asking(state.recording, asked))


def recorded(state: InteractionState) -> frozenset[RecordedTrack]:
    present = (member for member in state.members if member.presence is not Presence.LEFT)
    return rules.tracks_of(state.recording, present)


def _with(state: InteractionState, recording: RecordingState) -> InteractionState:
    return state if recording is state.recording else replace(state, recording=recording)


def _talks(member: Member) -> bool:
    """Whoever may be asked has a seat in the call: no supervisor who listens or whispers, no guest outside it."""
    return Action.CONSENT in rule(SessionKind.CALL, CallPhase.ACTIVE, seat_of(member)).do
