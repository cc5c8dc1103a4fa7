"""Rules of who serves a conversation, who listens, and how it ends by itself: transfers, lost agents, supervisors,
silence (H5, H6, R18). Pure."""

from __future__ import annotations

from dataclasses import replace

from signaling.sessions import assistance, call, commands, members
from signaling.sessions.model import InteractionState, Member, Message
from signaling.sessions.policy import SessionKind
from signaling.sessions.states import (
    CardKind,
    EndReason,
    InteractionPhase,
    MessageKind,
    Presence,
    Role,
    TransferPhase,
)


def greet(state: InteractionState, agent: Member, text: str | None, now_ms: int) -> InteractionState:
    """The agent's greeting card; nothing without a text."""
    if text is None:
        return state
    card = Message(
        seq=state.next_seq,
        sender_id=agent.person_id,
        client_message_id=None,
        text=text,
        sent_at=now_ms,
        kind=MessageKind.CARD,
        sender_role=agent.role,
        sender_name=agent.display_name,
        card=CardKind.GREETING,
    )
    return state.with_message(card)


def offer_transfer(state: InteractionState, command: commands.TransferOffered) -> InteractionState:
    return replace(state, transfer=command.transfer)


def end_transfer(
    state: InteractionState, phase: TransferPhase, now_ms: int, taken_by: str | None = None
) -> InteractionState:
    """Nothing when none is running."""
    if state.transfer is None or not state.transferring:
        return state
    ended = replace(state.transfer, phase=phase, deadline=None, decided_at=now_ms, taken_by=taken_by)
    return replace(state, transfer=ended)


def replace_agent(state: InteractionState, command: commands.AgentReplaced, now_ms: int) -> InteractionState:
    """The new one takes the seat of the old; what runs goes along where the new one has a seat for it."""
    old, new = state.of_role(Role.AGENT), command.agent
    known = state.find(new.person_id)
    if known is not None and known.is_guest:
        # Whoever was invited and now serves keeps the media that runs.
        new = replace(known, guest_of=None, history_from=1, in_call=False, joined_at=new.joined_at)
    state = end_transfer(state, TransferPhase.ACCEPTED, now_ms, new.person_id)
    if old.person_id == new.person_id:
        # The line of who is back with it may be down again already: presence stays what the connections said.
        back = replace(old, presence=new.presence) if old.presence is Presence.LEFT else old
        return replace(state.with_member(back), vacant=False)
    if SessionKind.CALL not in command.seats:
        state = call.end(state, EndReason.MEMBER_LEFT, None)
    if SessionKind.ASSISTANCE not in command.seats:
        state = assistance.end(state, EndReason.MEMBER_LEFT, None)
    problems = {who: what for who, what in state.call.problems.items() if who != old.person_id}
    state = replace(
        state,
        vacant=False,
        members=tuple(
            new if m.person_id == old.person_id else m for m in state.members if m.person_id != new.person_id
        ),
        call=replace(state.call, problems=problems),
    )
    return state


def lose_agent(state: InteractionState, agent_id: str, now_ms: int) -> InteractionState:
    agent = state.of_role(Role.AGENT)
    if agent.person_id != agent_id:
        return state
    state = end_transfer(state, TransferPhase.CANCELLED, now_ms)
    left = state.with_member(members.gone(agent, now_ms))
    return replace(members.end_sessions(left, EndReason.MEMBER_LEFT, agent_id), vacant=True)


def tell_of_confirmation(
    state: InteractionState, command: commands.ConfirmationMoved, now_ms: int
) -> InteractionState:
    sender = state.find(command.sender_id) if command.sender_id is not None else None
    if sender is None or command.confirmation_id is None:
        return state.with_line(command.text, now_ms)
    card = Message(
        seq=state.next_seq,
        sender_id=sender.person_id,
        client_message_id=command.confirmation_id,
        text=command.text,
        sent_at=now_ms,
        kind=MessageKind.CARD,
        sender_role=sender.role,
        sender_name=sender.display_name,
        card=CardKind.CONFIRMATION,
    )
    return state.with_message(card)


def admit_supervisor(
    state: InteractionState, command: commands.SupervisorJoined, now_ms: int
) -> InteractionState:
    supervisor = command.supervisor
    known = state.find(supervisor.person_id)
    if known is None:
        return replace(state, members=(*state.members, replace(supervisor, joined_at=now_ms)))
    if known.is_party or known.is_guest:
        return state
    return state.with_member(replace(known, supervision=supervisor.supervision))


def dismiss_supervisor(state: InteractionState, person_id: str) -> InteractionState:
    known = state.find(person_id)
    return state if known is None or known.supervision is None else state.without(person_id)


def settle_silence(old: InteractionState, new: InteractionState, now_ms: int) -> InteractionState:
    """Silence counts in a conversation of the queue while somebody serves, nothing runs and nobody writes."""
    if new.phase is InteractionPhase.CLOSED or new.centre_id is None:
        return new
    if new.vacant or members.running(new):
        return replace(new, quiet_since=None, silence_ends_at=None)
    if new.quiet_since is None or _spoken(old, new):
        return replace(new, quiet_since=now_ms, silence_ends_at=None)
    return new


def _spoken(old: InteractionState, new: InteractionState) -> bool:
    fresh = new.next_seq - old.next_seq
    return any(m.sender_id is not None for m in new.messages[-fresh:]) if fresh else False
