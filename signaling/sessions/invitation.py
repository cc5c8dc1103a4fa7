"""Rules of inviting an agent of another authority into a conversation (R7): rung, accepted, declined, left. Pure.

The guest is a member who talks and sees, and serves nobody: when they go, the two others go on (docs/three_party.md).
"""

from __future__ import annotations

from dataclasses import replace

from signaling.errors import ErrorCode, Refused
from signaling.sessions import call, commands
from signaling.sessions.model import InteractionState, InvitationState, Member
from signaling.sessions.states import (
    CallPhase,
    EndReason,
    InteractionKind,
    InteractionPhase,
    InvitationPhase,
    Role,
)

_TALKING = (CallPhase.CONNECTING, CallPhase.ACTIVE)


def invite(state: InteractionState, command: commands.Invite, now_ms: int) -> InteractionState:
    """The policy table has allowed it. One guest at a time, and none while the conversation is being handed on."""
    asked = command.invitation
    known = state.find(asked.to_agent)
    if (
        state.inviting
        or state.guest is not None
        or state.transferring
        or (known is not None and known.is_party)
    ):
        raise Refused(ErrorCode.WRONG_PHASE)
    deadline = now_ms + state.settings.invitation_timeout_ms
    return replace(state, invitation=replace(asked, asked_at=now_ms, deadline=deadline))


def answer(state: InteractionState, command: commands.AnswerInvitation, now_ms: int) -> InteractionState:
    """By whom it rings at. Raises ``Refused``: ``invitation_ended`` when it no longer rings there."""
    asked = state.invitation
    if asked is None or not state.inviting or asked.to_agent != command.agent.person_id:
        raise Refused(ErrorCode.INVITATION_ENDED)
    if not command.accepted:
        return _decided(state, InvitationPhase.DECLINED, command.agent.person_id, now_ms)
    # Who listened as something else until now is a guest from here on.
    state = _decided(state.without(asked.to_agent), InvitationPhase.ACCEPTED, None, now_ms)
    guest = replace(
        command.agent,
        display_name=asked.to_number,
        guest_of=asked.authority,
        history_from=1 if asked.share_history else state.next_seq,
        read_seq=state.next_seq - 1,
        joined_at=now_ms,
    )
    return replace(state, members=(*state.members, guest))


def time_out(state: InteractionState, now_ms: int) -> InteractionState:
    asked = state.invitation
    if asked is None or not state.inviting or asked.deadline is None or now_ms < asked.deadline:
        return state
    return _decided(state, InvitationPhase.TIMED_OUT, None, now_ms)


def end(state: InteractionState, ended_by: str | None, now_ms: int) -> InteractionState:
    """It stops ringing, or the guest is out. Nothing when there is neither."""
    if state.inviting:
        return _decided(state, InvitationPhase.CANCELLED, ended_by, now_ms)
    guest = state.guest
    if guest is None:
        return state
    return _gone(state.without(guest.person_id), ended_by, now_ms)


def join_call(state: InteractionState, person_id: str, *, joins: bool) -> InteractionState:
    """The guest agrees to the call that runs, or goes out of it; it goes on between the others."""
    guest = replace(state.member(person_id), in_call=joins)
    if not joins:
        problems = {who: what for who, what in state.call.problems.items() if who != person_id}
        state = replace(state, call=replace(state.call, problems=problems))
    return state.with_member(guest)


def settle(state: InteractionState, now_ms: int) -> InteractionState:
    """What follows for the guest from whatever happened to the others."""
    asked, guest = state.invitation, state.guest
    if guest is not None and guest.in_call and state.call.phase not in _TALKING:
        state = state.with_member(replace(guest, in_call=False))
    if asked is None or state.phase is not InteractionPhase.OPEN:
        return state
    serving = state.of_role(Role.AGENT)
    if asked.phase is InvitationPhase.RINGING and (state.vacant or serving.person_id == asked.to_agent):
        return _decided(state, InvitationPhase.CANCELLED, None, now_ms)
    if asked.phase is InvitationPhase.ACCEPTED and guest is None:
        return _gone(state, None, now_ms)
    return state


def _gone(state: InteractionState, ended_by: str | None, now_ms: int) -> InteractionState:
    if state.kind is InteractionKind.COLLABORATION:
        state = call.end(state, EndReason.MEMBER_LEFT, ended_by)
    ended = _with(state.invitation, phase=InvitationPhase.ENDED, ended_at=now_ms, ended_by=ended_by)
    return replace(state, invitation=ended)


def _decided(
    state: InteractionState, phase: InvitationPhase, ended_by: str | None, now_ms: int
) -> InteractionState:
    decided = _with(state.invitation, phase=phase, deadline=None, decided_at=now_ms, ended_by=ended_by)
    return replace(state, invitation=decided)


def _with(known: InvitationState | None, **changes: object) -> InvitationState | None:
    return None if known is None else replace(known, **changes)  # type: ignore[arg-type]


def is_rung(state: InteractionState, person_id: str) -> bool:
    """Whether it rings at this person now."""
    return state.inviting and state.invitation is not None and state.invitation.to_agent == person_id


def guest_member(person_id: str) -> Member:
    """Who accepts; the rest of it follows from the invitation."""
    return Member(person_id, Role.AGENT, "")
