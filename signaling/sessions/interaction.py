"""Rules of an interaction: the one entry ``handle(state, command, now_ms)``. Pure.

A command changes the state by its own rule; then the state settles (media follows grants, phases follow media), the
conversation gets its lines, and the effects are derived from the difference between before and after. So no rule can
forget to cancel a timer, to take a grant away or to tell somebody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from signaling.errors import ErrorCode, Refused
from signaling.sessions import (
    assistance,
    call,
    commands,
    derive,
    invitation,
    lines,
    members,
    recording,
    service,
)
from signaling.sessions.effects import Effects, TimerKey, TimerKind
from signaling.sessions.model import InteractionContext, InteractionState, Member, Message
from signaling.sessions.policy import SessionKind, check, grant, phase_of, seat_of
from signaling.sessions.settings import SessionSettings
from signaling.sessions.states import (
    CloseCause,
    CloseReason,
    EndReason,
    InteractionKind,
    InteractionPhase,
    MessageKind,
    Presence,
    Role,
    TransferPhase,
)


def open_interaction(
    interaction_id: str,
    people: Sequence[Member],
    settings: SessionSettings,
    now_ms: int,
    *,
    centre_id: str | None = None,
    centre_name: str | None = None,
    context: InteractionContext | None = None,
    greeting: str | None = None,
    kind: InteractionKind = InteractionKind.SERVICE,
) -> tuple[InteractionState, Effects]:
    """``people`` are the taxpayer and the agent, or the agent alone in a collaboration. ``greeting`` is the agent's
    first card."""
    state = InteractionState(
        interaction_id=interaction_id,
        opened_at=now_ms,
        members=tuple(replace(member, joined_at=now_ms) for member in people),
        settings=settings,
        kind=kind,
        centre_id=centre_id,
        centre_name=centre_name,
        context=context or InteractionContext(),
        quiet_since=None if centre_id is None else now_ms,
    )
    state = lines.narrate(None, state, now_ms)
    state = service.greet(state, state.of_role(Role.AGENT), greeting, now_ms)
    return state, derive.effects_of_opening(state)


def handle(
    state: InteractionState, command: commands.Command, now_ms: int
) -> tuple[InteractionState, Effects]:
    """Raises ``Refused``; the state is then what it was."""
    if isinstance(command, commands.OF_WORDS):
        return speak(state, command, now_ms)
    return change(state, command, now_ms)


def speak(state: InteractionState, command: commands.Deed, now_ms: int) -> tuple[InteractionState, Effects]:
    """What ``change`` does, for words alone: most of what a busy node handles, at a third of the cost."""
    told = service.settle_silence(state, _do(state, command, now_ms), now_ms)
    return told, derive.effects_of_words(state, told)


def change(
    state: InteractionState, command: commands.Command, now_ms: int
) -> tuple[InteractionState, Effects]:
    """Any command, by all steps."""
    if isinstance(command, commands.Deed):
        changed = _do(state, command, now_ms)
    elif isinstance(command, commands.AnswerInvitation):
        changed = invitation.answer(state, command, now_ms)
    elif state.phase is InteractionPhase.CLOSED or _of_a_stranger(state, command):
        return state, ()
    else:
        changed = _take(state, command, now_ms)
    settled = _settle(changed, now_ms)
    told = lines.narrate(state, settled, now_ms)
    if isinstance(command, commands.AgentReplaced):
        told = service.greet(told, told.of_role(Role.AGENT), command.greeting, now_ms)
    told = service.settle_silence(state, told, now_ms)
    return told, derive.effects(state, told)


def _of_a_stranger(state: InteractionState, command: commands.Report) -> bool:
    """A report may come late, about somebody who is no member any more, or about the agent who was lost."""
    if not isinstance(command, commands.OF_MEMBERS):
        return False
    member = state.find(command.person_id)
    return member is None or (state.vacant and member.role is Role.AGENT)


def check_offer(state: InteractionState, command: commands.OfferMedia) -> None:
    """Raises ``Refused`` when the offer is outside the grant: asked before the engine sees the SDP."""
    _check(state, command)
    if command.sources - grant(state, state.member(command.actor_id)):
        raise Refused(ErrorCode.OUTSIDE_GRANT)


def _check(state: InteractionState, command: commands.Deed) -> None:
    actor = state.member(command.actor_id)
    if state.phase is InteractionPhase.CLOSED:
        raise Refused(ErrorCode.INTERACTION_CLOSED)
    if actor.presence is Presence.LEFT:
        raise Refused(ErrorCode.NOT_A_MEMBER)
    check(command.KIND, phase_of(state, command.KIND), seat_of(actor), command.ACTION)


def _do(state: InteractionState, command: commands.Deed, now_ms: int) -> InteractionState:
    _check(state, command)
    if command.KIND is SessionKind.ASSISTANCE:
        return assistance.handle(state, command, now_ms)
    if command.KIND is SessionKind.CALL:
        if isinstance(command, commands.AcceptCall | commands.HangUpCall) and _is_guest(state, command):
            joins = isinstance(command, commands.AcceptCall)
            return invitation.join_call(state, command.actor_id, joins=joins)
        return call.handle(state, command, now_ms)
    match command:
        case commands.PostMessage():
            return _post(state, command, now_ms)
        case commands.CloseInteraction(actor_id=actor_id, cause=cause):
            by_taxpayer = state.member(actor_id).role is Role.TAXPAYER
            reason = CloseReason.TAXPAYER_ENDED if by_taxpayer else CloseReason.AGENT_ENDED
            if by_taxpayer and cause is CloseCause.WINDOW:
                reason = CloseReason.WINDOW_CLOSED
            return _close(state, EndReason.INTERACTION_CLOSED, reason, actor_id, now_ms)
        case commands.ReadUpTo(actor_id=actor_id, seq=seq):
            member = state.member(actor_id)
            read = max(member.read_seq, min(seq, state.next_seq - 1))
            return state.with_member(replace(member, read_seq=read))
        case commands.Invite():
            return invitation.invite(state, command, now_ms)
        case commands.EndInvitation(actor_id=actor_id) | commands.LeaveInvited(actor_id=actor_id):
            return invitation.end(state, actor_id, now_ms)
        case commands.OfferMedia():
            return _offer(state, command)
        case commands.MuteSource():
            return _mute(state, command)
        case _:
            return state


def _is_guest(state: InteractionState, command: commands.Deed) -> bool:
    return state.member(command.actor_id).is_guest


def _take(state: InteractionState, command: commands.Report, now_ms: int) -> InteractionState:  # noqa: PLR0912 - one arm per report
    match command:
        case commands.MemberConnected():
            return members.connect(state, command)
        case commands.MemberDisconnected(person_id=person_id):
            return members.disconnect(state, person_id, now_ms)
        case commands.TransportMoved():
            return members.move_transport(state, command)
        case commands.TrackStarted():
            return members.start_track(state, command)
        case commands.TrackStopped():
            return members.stop_track(state, command)
        case commands.QualityMeasured():
            return members.measure(state, command)
        case commands.TimerFired(key=key):
            return _fire(state, key, now_ms)
        case commands.Shutdown(reason=reason, end_reason=end_reason):
            return _close(state, end_reason, reason, None, now_ms)
        case commands.TransferOffered():
            return service.offer_transfer(state, command)
        case commands.TransferEnded(phase=phase):
            return service.end_transfer(state, phase, now_ms)
        case commands.AgentReplaced():
            return service.replace_agent(state, command, now_ms)
        case commands.AgentLost(agent_id=agent_id):
            return service.lose_agent(state, agent_id, now_ms)
        case commands.SupervisorJoined():
            return service.admit_supervisor(state, command, now_ms)
        case commands.SupervisorLeft(person_id=person_id):
            return service.dismiss_supervisor(state, person_id)
        case commands.ConfirmationMoved():
            return service.tell_of_confirmation(state, command, now_ms)


def _fire(state: InteractionState, key: TimerKey, now_ms: int) -> InteractionState:
    """A timer that fires early or late, after what it was for has passed, changes nothing."""
    person_id = key.person_id or ""
    match key.kind:
        case TimerKind.ASSISTANCE:
            return assistance.time_out(state, now_ms)
        case TimerKind.CALL:
            return call.time_out(state, now_ms)
        case TimerKind.RECONNECT:
            return members.give_up(state, person_id, now_ms)
        case TimerKind.MEDIA_LOST:
            return members.lose_media(state, person_id, now_ms)
        case TimerKind.ABANDONED:
            at_ms = derive.timers(state).get(key)
            if at_ms is None or now_ms < at_ms:
                return state
            return _close(state, EndReason.MEMBER_LEFT, CloseReason.ABANDONED, None, now_ms)
        case TimerKind.INVITATION:
            return invitation.time_out(state, now_ms)
        case TimerKind.SILENCE:
            return _pass_silence(state, key, now_ms)


def _settle(state: InteractionState, now_ms: int) -> InteractionState:
    state = invitation.settle(state, now_ms)
    state = members.settle(state, now_ms)
    state = assistance.settle(state, now_ms)
    return recording.settle(call.settle(state, now_ms))


def _pass_silence(state: InteractionState, key: TimerKey, now_ms: int) -> InteractionState:
    """First it is warned, then ended."""
    at_ms = derive.timers(state).get(key)
    if at_ms is None or now_ms < at_ms:
        return state
    if state.silence_ends_at is None:
        return replace(state, silence_ends_at=now_ms + state.settings.silence_end_ms)
    return _close(state, EndReason.INTERACTION_CLOSED, CloseReason.SILENCE, None, now_ms)


def _close(
    state: InteractionState,
    end_reason: EndReason,
    reason: CloseReason,
    closed_by: str | None,
    now_ms: int,
) -> InteractionState:
    ended = members.end_sessions(state, end_reason, closed_by)
    ended = service.end_transfer(ended, TransferPhase.CANCELLED, now_ms)
    if ended.inviting:
        ended = invitation.end(ended, closed_by, now_ms)
    return replace(
        ended,
        phase=InteractionPhase.CLOSED,
        closed_by=closed_by,
        closed_at=now_ms,
        close_reason=reason,
        silence_ends_at=None,
    )


def _post(state: InteractionState, command: commands.PostMessage, now_ms: int) -> InteractionState:
    if state.sent_before(command.actor_id, command.client_message_id) is not None:
        return state
    sender, file = state.member(command.actor_id), command.file
    message = Message(
        seq=state.next_seq,
        sender_id=sender.person_id,
        client_message_id=command.client_message_id,
        text=command.text if file is None else file.name,
        sent_at=now_ms,
        kind=MessageKind.TEXT if file is None else file.kind,
        sender_role=sender.role,
        sender_name=sender.display_name,
        file=file,
    )
    return state.with_message(message)


def _offer(state: InteractionState, command: commands.OfferMedia) -> InteractionState:
    check_offer(state, command)
    member = state.member(command.actor_id)
    tracks = frozenset() if command.fresh else member.tracks & command.sources
    return state.with_member(replace(member, offered=command.sources, tracks=tracks))


def _mute(state: InteractionState, command: commands.MuteSource) -> InteractionState:
    member = state.member(command.actor_id)
    if command.source not in grant(state, member):
        raise Refused(ErrorCode.OUTSIDE_GRANT)
    others = member.muted - {command.source}
    muted = others | {command.source} if command.muted else others
    return state.with_member(replace(member, muted=muted))
