"""Effects from the difference between two states, in the order of CLOSURES.md. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from media.types import Source
from signaling.sessions import facts, recording_changes
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
    TellInvitation,
    TellLeft,
    TellMember,
    TellMessage,
    TellRead,
    TellRecording,
    TellSilence,
    TellTransfer,
    TellTransport,
    TimerKey,
    TimerKind,
)
from signaling.sessions.members import media_connected
from signaling.sessions.model import InteractionState, Member
from signaling.sessions.policy import SessionKind, audiences, grant, silenced
from signaling.sessions.recording import recorded
from signaling.sessions.states import InteractionKind, InteractionPhase, LeftReason, Presence, Role


def effects_of_opening(state: InteractionState) -> Effects:
    """The media room is made by the room itself before these run."""
    return (
        *(AddPeer(member.person_id) for member in state.members),
        *(SetTimer(key, at_ms) for key, at_ms in timers(state).items()),
        TellInteraction(),
        Record(facts.INTERACTION_OPENED, (state.taxpayer or state.of_role(Role.AGENT)).person_id),
    )


def effects_of_restoring(state: InteractionState) -> Effects:
    """The media room anew, with everybody in it who may come back, and the timers. Nobody is there to be told."""
    nobody = replace(state, members=tuple(replace(m, presence=Presence.LEFT) for m in state.members))
    return (*_media(nobody, state), *(SetTimer(key, at_ms) for key, at_ms in timers(state).items()))


def effects(old: InteractionState, new: InteractionState) -> Effects:
    closing = old.phase is InteractionPhase.OPEN and new.phase is InteractionPhase.CLOSED
    found: list[Effect] = []
    found += _timers_cancelled(old, new)
    if closing:
        found.append(CloseMedia())
    elif new.phase is InteractionPhase.OPEN:
        found += _media(old, new)
    found += _recording(old, new)
    found += _timers_set(old, new)
    found += _tellings(old, new, closing)
    found += _seats(old, new)
    found += facts.between(old, new)
    if closing:
        found.append(Dissolve())
    return tuple(found)


def effects_of_words(old: InteractionState, new: InteractionState) -> Effects:
    """Of a command of ``commands.OF_WORDS``: lines, read marks and silence are all that can have moved."""
    found: list[Effect] = []
    key, before, after = TimerKey(TimerKind.SILENCE), _silence(old), _silence(new)
    if before != after:
        found.append(CancelTimer(key) if after is None else SetTimer(key, after))
    found += _of_read_marks(old, new)
    if old.silence_ends_at != new.silence_ends_at:
        found.append(TellSilence())
    found += _of_lines(old, new)
    return tuple(found)


def timers(state: InteractionState) -> Mapping[TimerKey, int]:
    """Every timer that must run in this state, and when it fires."""
    if state.phase is InteractionPhase.CLOSED:
        return {}
    wanted: dict[TimerKey, int | None] = {
        TimerKey(TimerKind.ASSISTANCE): state.assistance.deadline,
        TimerKey(TimerKind.CALL): state.call.deadline,
        TimerKey(TimerKind.SILENCE): _silence(state),
        TimerKey(TimerKind.INVITATION): state.invitation.deadline if state.invitation is not None else None,
    }
    opener = Role.AGENT if state.kind is InteractionKind.COLLABORATION else Role.TAXPAYER
    for member in state.members:
        wanted[TimerKey(TimerKind.RECONNECT, member.person_id)] = member.reconnect_by
        wanted[TimerKey(TimerKind.MEDIA_LOST, member.person_id)] = member.media_lost_by
        if member.role is opener and member.left_at is not None:
            wanted[TimerKey(TimerKind.ABANDONED)] = member.left_at + state.settings.abandoned_timeout_ms
    return {key: at_ms for key, at_ms in wanted.items() if at_ms is not None}


def _silence(state: InteractionState) -> int | None:
    if state.silence_ends_at is not None:
        return state.silence_ends_at
    if state.quiet_since is None or state.settings.silence_warn_ms == 0:
        return None
    return state.quiet_since + state.settings.silence_warn_ms


def _timers_cancelled(old: InteractionState, new: InteractionState) -> Iterator[Effect]:
    wanted = timers(new)
    return (CancelTimer(key) for key in timers(old) if key not in wanted)


def _timers_set(old: InteractionState, new: InteractionState) -> Iterator[Effect]:
    before = timers(old)
    return (SetTimer(key, at_ms) for key, at_ms in timers(new).items() if before.get(key) != at_ms)


def _recording(old: InteractionState, new: InteractionState) -> Iterator[Effect]:
    if old.recording is new.recording and old.members is new.members:
        return
    yield from recording_changes.effects_between(old.recording, new.recording, recorded(old), recorded(new))


def _media(old: InteractionState, new: InteractionState) -> list[Effect]:
    """First what takes away from anybody, then what gives."""
    if (old.members, old.phase, old.assistance, old.call) == (
        new.members,
        new.phase,
        new.assistance,
        new.call,
    ):
        return []  # a message, a read mark: nobody's rights follow from it
    taking: list[Effect] = []
    giving: list[Effect] = []
    for gone in old.members:
        if gone.presence is not Presence.LEFT and new.find(gone.person_id) is None:
            taking.append(RemovePeer(gone.person_id))
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
    before = old.find(person_id)
    was_in = before is not None and before.presence is not Presence.LEFT
    is_in = member.presence is not Presence.LEFT
    same_peer = was_in and is_in and before is not None and before.peer_epoch == member.peer_epoch
    if was_in and not same_peer:
        taking.append(RemovePeer(person_id))
    if not is_in:
        return
    if not same_peer:
        giving.append(AddPeer(person_id))
    nothing: frozenset[Source] = frozenset()
    known = before if same_peer else None
    had = grant(old, known) if known is not None else nothing
    had_heard = audiences(old, known) if known is not None else {}
    had_silenced = silenced(old, known) if known is not None else nothing
    has, has_heard, has_silenced = grant(new, member), audiences(new, member), silenced(new, member)
    # Holding back comes before giving: no packet may slip through between the two.
    holding = taking if same_peer else giving
    if had - has:
        taking.append(SetGrant(person_id, has & had, narrows=True))
    for source in sorted(has_heard):
        audience = has_heard[source]
        if source not in had_heard or not had_heard[source] <= audience:
            holding.append(SetAudience(person_id, source, audience, narrows=True))
    holding += [SetMuted(person_id, s, muted=True) for s in sorted(has_silenced - had_silenced)]
    if has - had:
        giving.append(SetGrant(person_id, has, narrows=False))
    giving += [SetMuted(person_id, s, muted=False) for s in sorted(had_silenced - has_silenced)]
    for source in sorted(had_heard):
        wider = has_heard.get(source)
        if wider is None or (wider > had_heard[source]):
            giving.append(SetAudience(person_id, source, wider, narrows=False))


def _tellings(old: InteractionState, new: InteractionState, closing: bool) -> Iterator[Effect]:
    yield from _of_transports(old, new)
    if old.assistance != new.assistance:
        yield TellAssistance()
    if old.call != new.call:
        yield TellCall()
    if old.recording != new.recording:
        yield TellRecording()
    regrouped = _who(old) != _who(new)
    yield from _of_members(old, new, regrouped)
    if old.transfer != new.transfer:
        yield TellTransfer()
    if old.invitation != new.invitation:
        yield TellInvitation()
    if old.silence_ends_at != new.silence_ends_at and not closing:
        yield TellSilence()
    if regrouped and not closing:
        yield TellInteraction()
    yield from _of_lines(old, new)
    if closing:
        yield TellInteraction()
    yield from _of_the_gone(old, new)


def _of_lines(old: InteractionState, new: InteractionState) -> Iterator[Effect]:
    fresh = new.next_seq - old.next_seq
    return (TellMessage(message) for message in (new.messages[-fresh:] if fresh else ()))


def _of_read_marks(old: InteractionState, new: InteractionState) -> Iterator[Effect]:
    if old.members is new.members:
        return
    for before, after in zip(old.members, new.members, strict=True):
        if before.read_seq != after.read_seq and after.supervision is None:
            yield TellRead(after.person_id, after.read_seq)


def _of_transports(old: InteractionState, new: InteractionState) -> Iterator[Effect]:
    for member in new.members:
        before = old.find(member.person_id)
        if (
            before is None
            or before.peer_epoch != member.peer_epoch
            or before.links == member.links
            or member.presence is Presence.LEFT
        ):
            continue
        for kind, link in member.links.items():
            known = before.links.get(kind)
            if known is None or known.state is not link.state:
                yield TellTransport(member.person_id, kind, link.state)


def _of_members(old: InteractionState, new: InteractionState, regrouped: bool) -> Iterator[Effect]:
    for member in new.members:
        before = old.find(member.person_id)
        if before is None:
            continue
        if not regrouped and _public(old, before) != _public(new, member):
            yield TellMember(member.person_id)
        if before.read_seq != member.read_seq and member.supervision is None:
            yield TellRead(member.person_id, member.read_seq)


def _of_the_gone(old: InteractionState, new: InteractionState) -> Iterator[Effect]:
    for gone in old.members:
        if new.find(gone.person_id) is not None:
            continue
        if gone.is_guest:
            yield TellLeft(gone.person_id, LeftReason.INVITATION_ENDED)
        elif not gone.is_party:
            yield TellLeft(gone.person_id, LeftReason.SUPERVISION_ENDED)
        elif not old.vacant:
            yield TellLeft(gone.person_id, LeftReason.TRANSFERRED)
    if new.vacant and not old.vacant:
        yield TellLeft(new.of_role(Role.AGENT).person_id, LeftReason.SIGNED_OUT)


def _who(state: InteractionState) -> tuple[object, ...]:
    """Who takes part, and how."""
    return (state.vacant, *((m.person_id, m.supervision, m.guest_of) for m in state.members))


def _public(state: InteractionState, member: Member) -> tuple[object, ...]:
    """What others see of a member."""
    return (
        member.presence,
        member.in_call,
        member.tracks,
        silenced(state, member),
        media_connected(state, member),
        member.quality,
    )


def _seats(old: InteractionState, new: InteractionState) -> Iterator[Effect]:
    before, after = old.of_role(Role.AGENT).person_id, new.of_role(Role.AGENT).person_id
    if old.assistance.running and (before != after or not new.assistance.running):
        yield ReleaseSeat(SessionKind.ASSISTANCE, before)
    if old.call.running and (before != after or not new.call.running):
        yield ReleaseSeat(SessionKind.CALL, before)
