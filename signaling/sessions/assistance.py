"""Rules of remote assistance (R1–R3, R5): the taxpayer shows a screen, the agent looks. Pure."""

from __future__ import annotations

from dataclasses import replace

from media.types import Source
from signaling.errors import ErrorCode, Refused
from signaling.sessions import commands
from signaling.sessions.model import AssistanceState, InteractionState
from signaling.sessions.policy import SCREEN
from signaling.sessions.states import AssistancePhase, DeviceProblem, EndReason, Presence, Role

_SHOWN = (AssistancePhase.SHARING, AssistancePhase.PAUSED)
_CAPTURE_GOES_ON = (DeviceProblem.PICKER_CANCELLED, DeviceProblem.PERMISSION_DENIED)
"""Reported while sharing, these mean that changing the source failed: what was shared still is."""


def handle(state: InteractionState, command: commands.Deed, now_ms: int) -> InteractionState:
    """The policy table has allowed ``command`` in this phase."""
    match command:
        case commands.RequestAssistance(seat_free=seat_free):
            return _request(state, seat_free, now_ms)
        case commands.AcceptAssistance():
            return _with(state, phase=AssistancePhase.ACCEPTED, accepted_at=now_ms, deadline=None)
        case commands.DeclineAssistance(actor_id=actor_id):
            return end(state, EndReason.DECLINED, actor_id)
        case commands.ReportAssistanceProblem(problem=problem):
            return _report_problem(state, problem)
        case commands.PauseAssistance():
            return _with(state, phase=AssistancePhase.PAUSED)
        case commands.ResumeAssistance():
            return _with(state, phase=AssistancePhase.SHARING)
        case commands.HangUpAssistance(actor_id=actor_id):
            return _hang_up(state, actor_id)
        case _:
            raise Refused(ErrorCode.NOT_ALLOWED)


def end(state: InteractionState, reason: EndReason, ended_by: str | None) -> InteractionState:
    """Final until a new request. Nothing when there is nothing to end."""
    if not state.assistance.running:
        return state
    return _with(
        state,
        phase=AssistancePhase.ENDED,
        end_reason=reason,
        ended_by=ended_by,
        problem=None,
        deadline=None,
        paused_before=False,
    )


def time_out(state: InteractionState, now_ms: int) -> InteractionState:
    deadline = state.assistance.deadline
    if deadline is None or now_ms < deadline:
        return state
    return end(state, EndReason.RING_TIMEOUT, None)


def settle(state: InteractionState, now_ms: int) -> InteractionState:
    """Follow the media: sharing begins with the first packets of the screen the browser offers, and is over when
    the browser no longer offers it (a reload, the browser's own stop button)."""
    taxpayer = state.taxpayer
    if taxpayer is None:
        return state
    offered = Source.SCREEN in taxpayer.offered
    if state.assistance.phase in _SHOWN and not offered:
        return _with(state, phase=AssistancePhase.ACCEPTED, problem=DeviceProblem.CAPTURE_ENDED)
    if state.assistance.phase is AssistancePhase.ACCEPTED and offered and Source.SCREEN in taxpayer.tracks:
        started_at = state.assistance.started_at
        return _with(
            state,
            phase=AssistancePhase.PAUSED if state.assistance.paused_before else AssistancePhase.SHARING,
            paused_before=False,
            problem=None,
            started_at=now_ms if started_at is None else started_at,
        )
    return state


def _request(state: InteractionState, seat_free: bool, now_ms: int) -> InteractionState:
    if state.of_role(Role.AGENT).presence is Presence.LEFT:
        raise Refused(ErrorCode.AGENT_OFFLINE)
    if not seat_free:
        raise Refused(ErrorCode.AGENT_BUSY)
    ringing = AssistanceState(
        phase=AssistancePhase.REQUESTED,
        deadline=now_ms + state.settings.ring_timeout_ms,
        requested_at=now_ms,
    )
    return replace(state, assistance=ringing)


def _report_problem(state: InteractionState, problem: DeviceProblem) -> InteractionState:
    if state.assistance.phase in _SHOWN and problem in _CAPTURE_GOES_ON:
        return state
    taxpayer = state.of_role(Role.TAXPAYER)
    state = state.with_member(replace(taxpayer, offered=taxpayer.offered - SCREEN))
    return _with(state, phase=AssistancePhase.ACCEPTED, problem=problem)


def _hang_up(state: InteractionState, actor_id: str) -> InteractionState:
    if state.assistance.phase is not AssistancePhase.REQUESTED:
        return end(state, EndReason.HUNG_UP, actor_id)
    by_caller = state.member(actor_id).role is Role.TAXPAYER
    return end(state, EndReason.CANCELLED if by_caller else EndReason.DECLINED, actor_id)


def _with(state: InteractionState, **changes: object) -> InteractionState:
    return replace(state, assistance=replace(state.assistance, **changes))  # type: ignore[arg-type]
