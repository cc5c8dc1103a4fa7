"""Rules of recording a call: the agent asks, everyone in the call answers for themselves. Pure.

Who has not agreed is not recorded, who comes later is asked as well, and an answer may be changed at any time. A recording
ends with its call.
"""

from __future__ import annotations

from dataclasses import replace

from signaling.errors import ErrorCode, Refused
from signaling.sessions import commands
from signaling.sessions.model import InteractionState, Member, RecordedTrack, RecordingState
from signaling.sessions.policy import Action, SessionKind, rule, seat_of
from signaling.sessions.states import CallPhase, Consent, Presence, RecordingPhase

_DURING = (CallPhase.CONNECTING, CallPhase.ACTIVE)


def handle(state: InteractionState, command: commands.Deed, now_ms: int) -> InteractionState:
    """The policy table has allowed ``command`` in this phase."""
    match command:
        case commands.StartRecording(actor_id=actor_id, recording_id=recording_id):
            if state.recording.running:
                return state
            begun = RecordingState(
                phase=RecordingPhase.RUNNING,
                recording_id=recording_id,
                started_by=actor_id,
                started_at=now_ms,
                consents={actor_id: Consent.GIVEN},
            )
            return replace(state, recording=begun)
        case commands.StopRecording():
            return end(state)
        case commands.AnswerRecording(actor_id=actor_id, given=given):
            if not state.recording.running or actor_id not in state.recording.consents:
                raise Refused(ErrorCode.WRONG_PHASE)
            answer = Consent.GIVEN if given else Consent.REFUSED
            consents = {**state.recording.consents, actor_id: answer}
            return replace(state, recording=replace(state.recording, consents=consents))
        case _:
            raise Refused(ErrorCode.NOT_ALLOWED)


def end(state: InteractionState) -> InteractionState:
    """Nothing when none runs."""
    if not state.recording.running:
        return state
    return replace(state, recording=replace(state.recording, phase=RecordingPhase.ENDED))


def settle(state: InteractionState) -> InteractionState:
    """Follow the call and who is in it."""
    if not state.recording.running:
        return state
    if state.call.phase not in _DURING:
        return end(state)
    known = state.recording.consents
    consents = {
        member.person_id: known.get(member.person_id, Consent.ASKED)
        for member in state.members
        if _talks(member) and (member.person_id in known or member.presence is not Presence.LEFT)
    }
    if consents == known:
        return state
    return replace(state, recording=replace(state.recording, consents=consents))


def recorded(state: InteractionState) -> frozenset[RecordedTrack]:
    """What is to be recorded now: everything that arrives from those who agreed."""
    if not state.recording.running:
        return frozenset()
    consents = state.recording.consents
    return frozenset(
        RecordedTrack(member.person_id, source, member.peer_epoch)
        for member in state.members
        if consents.get(member.person_id) is Consent.GIVEN and member.presence is not Presence.LEFT
        for source in member.tracks
    )


def _talks(member: Member) -> bool:
    """Whoever may be asked has a seat in the call: no supervisor who listens or whispers, no guest outside it."""
    return Action.CONSENT in rule(SessionKind.CALL, CallPhase.ACTIVE, seat_of(member)).do
