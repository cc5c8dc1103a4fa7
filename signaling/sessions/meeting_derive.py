"""Effects from the difference between two states of a meeting, in the order of CLOSURES.md. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from media.types import Source
from signaling.sessions import meeting_recording, recording_changes
from signaling.sessions.effects import (
    AddPeer,
    CloseMedia,
    Dissolve,
    Record,
    RemovePeer,
    SetGrant,
    SetMuted,
    TellMessage,
    TellRecording,
)
from signaling.sessions.meeting_effects import (
    CancelMeetingTimer,
    MeetingEffect,
    MeetingEffects,
    MeetingTimer,
    MeetingTimerKind,
    SetMeetingTimer,
    TellAdmitted,
    TellLobby,
    TellMeeting,
    TellMeetingLeft,
    TellMeetingMember,
    TellMeetingTransport,
)
from signaling.sessions.meeting_model import MeetingMember, MeetingState, Waiting
from signaling.sessions.meeting_rights import grant, silenced
from signaling.sessions.meeting_states import MeetingLeft, MeetingPhase

_NOTHING: frozenset[Source] = frozenset()


def effects(old: MeetingState, new: MeetingState) -> MeetingEffects:
    ending = old.phase is not MeetingPhase.ENDED and new.phase is MeetingPhase.ENDED
    found: list[MeetingEffect] = []
    wanted, before = timers(new), timers(old)
    found += [CancelMeetingTimer(key) for key in before if key not in wanted]
    if ending:
        found.append(CloseMedia())
    elif new.phase is not MeetingPhase.ENDED:
        found += _media(old, new)
    found += _recording(old, new)
    found += [SetMeetingTimer(key, at_ms) for key, at_ms in wanted.items() if before.get(key) != at_ms]
    found += _tellings(old, new, ending)
    found += _facts(old, new, ending)
    if ending:
        found.append(Dissolve())
    return tuple(found)


def effects_of_restoring(state: MeetingState) -> MeetingEffects:
    """Everybody who may come back is let in anew, and the timers run. Nobody is there to be told."""
    giving: list[MeetingEffect] = []
    for member in state.present:
        giving += _media_of(state, None, state, member)[1]
    return (*giving, *(SetMeetingTimer(key, at_ms) for key, at_ms in timers(state).items()))


def timers(state: MeetingState) -> Mapping[MeetingTimer, int]:
    """Every timer that must run in this state, and when it fires."""
    if state.phase is MeetingPhase.ENDED:
        return {}
    wanted: dict[MeetingTimer, int] = {}
    people: tuple[MeetingMember | Waiting, ...] = (*state.members, *state.waiting)
    for someone in people:
        if someone.reconnect_by is not None:
            key = MeetingTimer(MeetingTimerKind.RECONNECT, someone.person_id)
            wanted[key] = someone.reconnect_by
    for stream in state.streams:
        wanted[MeetingTimer(MeetingTimerKind.STREAM, stream.person_id)] = stream.expires_at
    if state.share_by is not None:
        wanted[MeetingTimer(MeetingTimerKind.SHARE)] = state.share_by
    if state.hostless_since is not None:
        at_ms = state.hostless_since + state.settings.hostless_timeout_ms
        wanted[MeetingTimer(MeetingTimerKind.HOSTLESS)] = at_ms
    return wanted


def _recording(old: MeetingState, new: MeetingState) -> Iterator[MeetingEffect]:
    if old.recording is new.recording and old.members is new.members:
        return
    before, after = meeting_recording.recorded(old), meeting_recording.recorded(new)
    yield from recording_changes.effects_between(old.recording, new.recording, before, after)


def _media(old: MeetingState, new: MeetingState) -> list[MeetingEffect]:
    """First what takes away from anybody, then what gives: two screens are never there at once."""
    if (old.members, old.phase, old.host_id, old.sharer_id) == (
        new.members,
        new.phase,
        new.host_id,
        new.sharer_id,
    ):
        return []
    taking: list[MeetingEffect] = []
    giving: list[MeetingEffect] = []
    for member in new.members:
        takes, gives = _media_of(old, old.find(member.person_id), new, member)
        taking += takes
        giving += gives
    return taking + giving


def _media_of(
    old: MeetingState, before: MeetingMember | None, new: MeetingState, member: MeetingMember
) -> tuple[list[MeetingEffect], list[MeetingEffect]]:
    person_id = member.person_id
    taking: list[MeetingEffect] = []
    giving: list[MeetingEffect] = []
    was_in = before is not None and before.present
    same_peer = before is not None and was_in and member.present and before.peer_epoch == member.peer_epoch
    if was_in and not same_peer:
        taking.append(RemovePeer(person_id))
    if not member.present:
        return taking, giving
    if not same_peer:
        giving.append(AddPeer(person_id))
    known = before if same_peer else None
    had = grant(old, known) if known is not None else _NOTHING
    had_silenced = silenced(old, known) if known is not None else _NOTHING
    has, has_silenced = grant(new, member), silenced(new, member)
    if had - has:
        taking.append(SetGrant(person_id, has & had, narrows=True))
    # Holding back comes before giving: no packet may slip through between the two.
    holding = taking if same_peer else giving
    holding += [SetMuted(person_id, s, muted=True) for s in sorted(has_silenced - had_silenced)]
    if has - had:
        giving.append(SetGrant(person_id, has, narrows=False))
    giving += [SetMuted(person_id, s, muted=False) for s in sorted(had_silenced - has_silenced)]
    return taking, giving


def _tellings(old: MeetingState, new: MeetingState, ending: bool) -> Iterator[MeetingEffect]:
    fresh = new.next_seq - old.next_seq
    for message in new.messages[-fresh:] if fresh else ():
        yield TellMessage(message)
    if _whole(old) != _whole(new):
        yield TellMeeting()
    if old.recording != new.recording and not ending:
        yield TellRecording()
    if ending:
        for waits in old.waiting:
            yield TellMeetingLeft(waits.person_id, MeetingLeft.ENDED)
        for member in old.present:
            yield TellMeetingLeft(member.person_id, MeetingLeft.ENDED)
        return
    for member in new.members:
        yield from _of_member(old, new, member)
    if old.waiting != new.waiting or old.host_id != new.host_id:
        yield TellLobby()


def _of_member(old: MeetingState, new: MeetingState, member: MeetingMember) -> Iterator[MeetingEffect]:
    before = old.find(member.person_id)
    if before is None or (member.present and not before.present):
        if old.find_waiting(member.person_id) is not None:
            yield TellAdmitted(member.person_id)
        yield TellMeetingMember(member.person_id)
        return
    if _public(old, before) != _public(new, member):
        yield TellMeetingMember(member.person_id)
    if member.removed and before.present:
        yield TellMeetingLeft(member.person_id, MeetingLeft.REMOVED)
    if before.peer_epoch == member.peer_epoch and member.present:
        for kind, moved in member.links.items():
            if before.links.get(kind) is not moved:
                yield TellMeetingTransport(member.person_id, kind, moved)


def _whole(state: MeetingState) -> tuple[object, ...]:
    return (state.phase, state.host_id, state.locked, state.sharer_id, state.application)


def _public(state: MeetingState, member: MeetingMember) -> tuple[object, ...]:
    """What others see of a member."""
    return (
        member.presence,
        state.seat(member),
        member.tracks,
        member.muted,
        member.held,
        member.hand_raised_at,
        member.media_connected,
        member.quality,
    )


def _facts(old: MeetingState, new: MeetingState, ending: bool) -> Iterator[Record]:
    yield from recording_changes.facts_between(old.recording, new.recording)
    if old.phase is MeetingPhase.SCHEDULED and new.phase is MeetingPhase.RUNNING:
        yield Record("meeting_started", new.host_id)
    if ending:
        yield Record("meeting_ended", new.ended_by, new.end_reason)
        return
    if new.host_id != old.host_id:
        yield Record("meeting_host_changed", new.host_id)
    for member in new.members:
        before = old.find(member.person_id)
        if member.removed and before is not None and not before.removed:
            yield Record("meeting_member_removed", member.person_id)
