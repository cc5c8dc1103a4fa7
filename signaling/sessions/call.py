"""Rules of the audio/video call (R4, R5): the taxpayer may ask, only the agent starts, the taxpayer agrees. Pure."""

from __future__ import annotations

from dataclasses import replace

from signaling.errors import ErrorCode, Refused
from signaling.sessions import commands, recording
from signaling.sessions.model import CallState, InteractionState, Member
from signaling.sessions.policy import VOICE_AND_FACE
from signaling.sessions.states import (
    CallPhase,
    DeviceProblem,
    EndReason,
    InteractionKind,
    Presence,
    Role,
)

_OVER = (CallPhase.IDLE, CallPhase.ENDED)


def handle(state: InteractionState, command: commands.Deed, now_ms: int) -> InteractionState:
    """The policy table has allowed ``command`` in this phase."""
    match command:
        case commands.AskCall(seat_free=seat_free):
            _check_other(state, Role.AGENT, ErrorCode.AGENT_OFFLINE)
            return _ring(state, command, CallPhase.ASKED, seat_free, now_ms)
        case commands.StartCall(seat_free=seat_free):
            if state.kind is InteractionKind.COLLABORATION:
                return _begin_collaboration(state, command, seat_free, now_ms)
            _check_other(state, Role.TAXPAYER, ErrorCode.WRONG_PHASE)
            return _ring(state, command, CallPhase.RINGING, seat_free, now_ms)
        case commands.AcceptCall():
            return _with(
                state,
                phase=CallPhase.CONNECTING,
                accepted_at=now_ms,
                deadline=now_ms + state.settings.permission_timeout_ms,
            )
        case commands.DeclineCall(actor_id=actor_id):
            return end(state, EndReason.DECLINED, actor_id)
        case commands.ReportCallProblem(actor_id=actor_id, problem=problem):
            return _report_problem(state, actor_id, problem)
        case commands.StartRecording() | commands.StopRecording() | commands.AnswerRecording():
            return recording.handle(state, command, now_ms)
        case commands.HangUpCall(actor_id=actor_id):
            return _hang_up(state, actor_id)
        case _:
            raise Refused(ErrorCode.NOT_ALLOWED)


def end(state: InteractionState, reason: EndReason, ended_by: str | None) -> InteractionState:
    """Final until it is asked for or started anew. Nothing when there is nothing to end."""
    if state.call.phase in _OVER:
        return state
    return _with(
        state,
        phase=CallPhase.ENDED,
        end_reason=reason,
        ended_by=ended_by,
        problems={},
        deadline=None,
    )


def time_out(state: InteractionState, now_ms: int) -> InteractionState:
    deadline = state.call.deadline
    if deadline is None or now_ms < deadline:
        return state
    connecting = state.call.phase is CallPhase.CONNECTING
    return end(state, EndReason.NETWORK_LOST if connecting else EndReason.RING_TIMEOUT, None)


def settle(state: InteractionState, now_ms: int) -> InteractionState:
    """Follow the media: the call is active when everyone who can send is heard or seen."""
    if state.call.phase is not CallPhase.CONNECTING:
        return state
    parties = state.parties
    flowing = [_flows(member) for member in parties]
    excused = [member.person_id in state.call.problems for member in parties]
    if any(flowing) and all(f or e for f, e in zip(flowing, excused, strict=True)):
        return _with(state, phase=CallPhase.ACTIVE, started_at=now_ms, deadline=None)
    offered = [bool(member.offered & VOICE_AND_FACE) for member in parties]
    if all(o or e for o, e in zip(offered, excused, strict=True)):
        # From here nobody waits for a person any more, only for the network.
        limit = now_ms + state.settings.connecting_timeout_ms
        return _with(state, deadline=min(limit, state.call.deadline or limit))
    return state


def _flows(member: Member) -> bool:
    return bool(member.tracks & VOICE_AND_FACE)


def _check_other(state: InteractionState, role: Role, code: ErrorCode) -> None:
    if state.of_role(role).presence is Presence.LEFT:
        raise Refused(code)


def _ring(
    state: InteractionState, by: commands.Deed, phase: CallPhase, seat_free: bool, now_ms: int
) -> InteractionState:
    if not seat_free:
        raise Refused(ErrorCode.AGENT_BUSY)
    ringing = CallState(
        phase=phase,
        deadline=now_ms + state.settings.ring_timeout_ms,
        requested_at=now_ms,
        requested_by=by.actor_id,
    )
    return replace(state, call=ringing)


def _begin_collaboration(
    state: InteractionState, by: commands.StartCall, seat_free: bool, now_ms: int
) -> InteractionState:
    """There is no taxpayer to ring: the guest is free to join what runs."""
    if state.guest is None:
        raise Refused(ErrorCode.AGENT_OFFLINE)
    begun = _ring(state, by, CallPhase.CONNECTING, seat_free, now_ms)
    return _with(begun, accepted_at=now_ms, deadline=now_ms + state.settings.permission_timeout_ms)


def _report_problem(
    state: InteractionState, actor_id: str, problem: DeviceProblem | None
) -> InteractionState:
    others = {person: known for person, known in state.call.problems.items() if person != actor_id}
    return _with(state, problems=others if problem is None else {**others, actor_id: problem})


def _hang_up(state: InteractionState, actor_id: str) -> InteractionState:
    by = state.member(actor_id).role
    match state.call.phase:
        case CallPhase.ASKED:
            reason = EndReason.CANCELLED if by is Role.TAXPAYER else EndReason.DECLINED
        case CallPhase.RINGING:
            reason = EndReason.CANCELLED if by is Role.AGENT else EndReason.DECLINED
        case _:
            reason = EndReason.HUNG_UP
    return end(state, reason, actor_id)


def _with(state: InteractionState, **changes: object) -> InteractionState:
    return replace(state, call=replace(state.call, **changes))  # type: ignore[arg-type]
