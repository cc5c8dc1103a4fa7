"""Effects from the difference between two states, in the order of CLOSURES.md. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from media.types import Source
from signaling.sessions import facts
from signaling.sessions.effects import (
    AddPeer,
    CancelTimer,
    CloseMedia,
    Dissolve,
    Effect,
    Effects,
    Record,
    ReleaseSeat,
    RemovePeer,
    SetAudience,
    SetGrant,
    SetMuted,
    SetTimer,
    TellAssistance,
    TellCall,
    TellInteraction,
    TellMember,
    TellMessage,
    TellTransport,
    TimerKey,
    TimerKind,
)
from signaling.sessions.members import media_connected
from signaling.sessions.model import InteractionState, Member
from signaling.sessions.policy import SessionKind, grant, silenced, unheard
from signaling.sessions.states import InteractionPhase, Presence, Role


def effects_of_opening(state: InteractionState) -> Effects:
    """The media room is made by the room itself before these run."""
    return (
        *(AddPeer(member.person_id) for member in state.members),
        TellInteraction(),
        Record(facts.INTERACTION_OPENED, state.of_role(Role.TAXPAYER).person_id),
    )


def effects(old: InteractionState, new: InteractionState) -> Effects:
    closing = old.phase is InteractionPhase.OPEN and new.phase is InteractionPhase.CLOSED
    found: list[Effect] = []
    found += _timers_cancelled(old, new)
    if closing:
        found.append(CloseMedia())
    elif new.phase is InteractionPhase.OPEN:
        found += _media(old, new)
    found += _timers_set(old, new)
    found += _tellings(old, new, closing)
    found += _seats(old, new)
    found += facts.between(old, new)
    if closing:
        found.append(Dissolve())
    return tuple(found)


def timers(state: InteractionState) -> Mapping[TimerKey, int]:
    """Every timer that must run in this state, and when it fires."""
    if state.phase is InteractionPhase.CLOSED:
        return {}
    wanted: dict[TimerKey, int | None] = {
        TimerKey(TimerKind.ASSISTANCE): state.assistance.deadline,
        TimerKey(TimerKind.CALL): state.call.deadline,
    }
    for member in state.members:
        wanted[TimerKey(TimerKind.RECONNECT, member.person_id)] = member.reconnect_by
        wanted[TimerKey(TimerKind.MEDIA_LOST, member.person_id)] = member.media_lost_by
        if member.role is Role.TAXPAYER and member.left_at is not None:
            wanted[TimerKey(TimerKind.ABANDONED)] = member.left_at + state.settings.abandoned_timeout_ms
    return {key: at_ms for key, at_ms in wanted.items() if at_ms is not None}


def _timers_cancelled(old: InteractionState, new: InteractionState) -> Iterator[Effect]:
    wanted = timers(new)
    return (CancelTimer(key) for key in timers(old) if key not in wanted)


def _timers_set(old: InteractionState, new: InteractionState) -> Iterator[Effect]:
    before = timers(old)
    return (SetTimer(key, at_ms) for key, at_ms in timers(new).items() if before.get(key) != at_ms)


def _media(old: InteractionState, new: InteractionState) -> list[Effect]:
    """First what takes away from anybody, then what gives."""
    taking: list[Effect] = []
    giving: list[Effect] = []
    for member in new.members:
        _media_of(old, new, member, taking, giving)
    return taking + giving


def _media_of(
    old: InteractionState,
    new: InteractionState,
    member: Member,
    taking: list[Effect],
    giving: list[Effect],
) -> None:
    person_id = member.person_id
    before = old.member(person_id)
    was_in, is_in = before.presence is not Presence.LEFT, member.presence is not Presence.LEFT
    same_peer = was_in and is_in and before.peer_epoch == member.peer_epoch
    if was_in and not same_peer:
        taking.append(RemovePeer(person_id))
    if not is_in:
        return
    if not same_peer:
        giving.append(AddPeer(person_id))
    nothing: frozenset[Source] = frozenset()
    had = grant(old, before) if same_peer else nothing
    had_unheard = unheard(old, before) if same_peer else nothing
    had_silenced = silenced(old, before) if same_peer else nothing
    has, has_unheard, has_silenced = grant(new, member), unheard(new, member), silenced(new, member)
    # Holding back comes before giving: no packet may slip through between the two.
    holding = taking if same_peer else giving
    if had - has:
        taking.append(SetGrant(person_id, has & had, narrows=True))
    holding += [SetAudience(person_id, s, heard=False) for s in sorted(has_unheard - had_unheard)]
    holding += [SetMuted(person_id, s, muted=True) for s in sorted(has_silenced - had_silenced)]
    if has - had:
        giving.append(SetGrant(person_id, has, narrows=False))
    giving += [SetMuted(person_id, s, muted=False) for s in sorted(had_silenced - has_silenced)]
    giving += [SetAudience(person_id, s, heard=True) for s in sorted(had_unheard - has_unheard)]


def _tellings(old: InteractionState, new: InteractionState, closing: bool) -> Iterator[Effect]:
    for member in new.members:
        before = old.member(member.person_id)
        if before.peer_epoch == member.peer_epoch and member.presence is not Presence.LEFT:
            for kind, link in member.links.items():
                known = before.links.get(kind)
                if known is None or known.state is not link.state:
                    yield TellTransport(member.person_id, kind, link.state)
    if old.assistance != new.assistance:
        yield TellAssistance()
    if old.call != new.call:
        yield TellCall()
    for member in new.members:
        if _public(old, old.member(member.person_id)) != _public(new, member):
            yield TellMember(member.person_id)
    for message in new.messages:
        if message.seq >= old.next_seq:
            yield TellMessage(message)
    if closing:
        yield TellInteraction()


def _public(state: InteractionState, member: Member) -> tuple[object, ...]:
    """What others see of a member."""
    return (
        member.presence,
        member.tracks,
        silenced(state, member),
        media_connected(state, member),
        member.quality,
    )


def _seats(old: InteractionState, new: InteractionState) -> Iterator[Effect]:
    if old.assistance.running and not new.assistance.running:
        yield ReleaseSeat(SessionKind.ASSISTANCE)
    if old.call.running and not new.call.running:
        yield ReleaseSeat(SessionKind.CALL)
