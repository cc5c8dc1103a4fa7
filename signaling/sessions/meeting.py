"""Rules of a meeting: the one entry ``handle(state, command, now_ms)``. Pure.

A command changes the state by its own rule; then the state settles (who hosts, who shares, media follows grants), the chat
gets its lines, and the effects are derived from the difference. So no rule can forget to find the next host, to take the
screen away or to tell somebody.
"""

from __future__ import annotations

from dataclasses import replace

from media.types import Source
from signaling.errors import ErrorCode, Refused
from signaling.sessions import (
    mediation,
    meeting_derive,
    meeting_lines,
    meeting_recording,
    meeting_settling,
    meeting_streams,
)
from signaling.sessions import meeting_attendance as attendance
from signaling.sessions import meeting_commands as c
from signaling.sessions.commands import (
    MemberConnected,
    MemberDisconnected,
    QualityMeasured,
    TrackStarted,
    TrackStopped,
    TransportMoved,
)
from signaling.sessions.meeting_effects import (
    MeetingEffects,
    MeetingTimerKind,
    TellMeetingLeft,
    TellUnmuteAsked,
)
from signaling.sessions.meeting_model import STAFF, MeetingMember, MeetingState
from signaling.sessions.meeting_rights import grant
from signaling.sessions.meeting_states import MeetingEnd, MeetingLeft, MeetingPhase, MeetingRole
from signaling.sessions.model import Message
from signaling.sessions.policy import VOICE_AND_FACE, SessionKind, check


def handle(
    state: MeetingState, command: c.MeetingCommand, now_ms: int
) -> tuple[MeetingState, MeetingEffects]:
    """Raises ``Refused``; the state is then what it was."""
    changed, asked = _change(state, command, now_ms)
    if changed is state:
        return state, asked  # figures that say nothing new come by the dozen every second
    settled = meeting_settling.settle(changed, now_ms)
    told = meeting_lines.narrate(state, settled, now_ms)
    return told, (*meeting_derive.effects(state, told), *asked)


def check_deed(state: MeetingState, deed: c.MeetingDeed) -> MeetingMember:
    """Whose deed it is, when they may. Raises ``Refused``; a stranger learns nothing."""
    if state.phase is MeetingPhase.ENDED:
        raise Refused(ErrorCode.MEETING_ENDED)
    actor = state.member(deed.actor_id)
    check(SessionKind.MEETING, state.phase, state.seat(actor), deed.ACTION)
    return actor


def check_offer(state: MeetingState, offer: c.OfferMeetingMedia) -> None:
    """Asked before the engine sees the SDP. Raises ``Refused`` outside the grant."""
    if offer.sources - grant(state, check_deed(state, offer)):
        raise Refused(ErrorCode.OUTSIDE_GRANT)


def _change(
    state: MeetingState, command: c.MeetingCommand, now_ms: int
) -> tuple[MeetingState, MeetingEffects]:
    """With what no later state would tell."""
    if isinstance(command, c.AskUnmute):
        check_deed(state, command)
        return _ask_unmute(state, command)
    if isinstance(command, c.RefuseEntry):
        check_deed(state, command)
        if state.find_waiting(command.person_id) is None:
            raise Refused(ErrorCode.NOT_FOUND)
        told = TellMeetingLeft(command.person_id, MeetingLeft.REFUSED)
        return state.without_waiting(command.person_id), (told,)
    if isinstance(command, c.MeetingDeed):
        return _do(state, check_deed(state, command), command, now_ms), ()
    if isinstance(command, c.Enter):
        return attendance.enter(state, command, now_ms), ()
    if isinstance(command, c.EnterStream):
        return _enter_stream(state, command.stream_id, now_ms), ()
    if state.phase is MeetingPhase.ENDED:
        return state, ()
    return _take(state, command, now_ms), ()


def _take(state: MeetingState, command: c.Leave | c.MeetingReport, now_ms: int) -> MeetingState:
    match command:
        case c.Leave(person_id=person_id):
            return attendance.leave(state, person_id, now_ms)
        case c.MeetingTimerFired(key=key):
            return _fire(state, key.kind, key.person_id, now_ms)
        case c.ApplicationDispatched(application=application):
            return attendance.dispatched(state, application, now_ms)
        case MemberConnected(person_id=person_id, resumed=resumed):
            return attendance.connect(state, person_id, resumed=resumed, now_ms=now_ms)
        case MemberDisconnected(person_id=person_id):
            return attendance.disconnect(state, person_id, now_ms)
    member = state.find(command.person_id)
    if member is None or not member.present:
        return state  # late, about somebody who is gone
    match command:
        case TransportMoved(transport=transport, state=moved):
            known = replace(member, links={**member.links, transport: moved})
            if member.stream is not None:
                known = meeting_streams.moved(state, known, moved, now_ms)
            return state.with_member(known)
        case TrackStarted(source=source):
            return state.with_member(replace(member, tracks=member.tracks | {source}))
        case TrackStopped(source=source):
            return state.with_member(replace(member, tracks=member.tracks - {source}))
        case QualityMeasured(transport=transport, quality=quality):
            if member.qualities.get(transport) == quality:
                return state
            return state.with_member(replace(member, qualities={**member.qualities, transport: quality}))


def _fire(state: MeetingState, kind: MeetingTimerKind, person_id: str | None, now_ms: int) -> MeetingState:
    """A timer that fires early or late changes nothing."""
    match kind:
        case MeetingTimerKind.RECONNECT:
            return attendance.give_up(state, person_id or "", now_ms)
        case MeetingTimerKind.SHARE:
            due = state.share_by is not None and now_ms >= state.share_by
            return replace(state, sharer_id=None) if due else state
        case MeetingTimerKind.HOSTLESS:
            since = state.hostless_since
            if since is None or now_ms < since + state.settings.hostless_timeout_ms:
                return state
            return _end(state, MeetingEnd.NO_HOST, None, now_ms)
        case MeetingTimerKind.STREAM:
            stream_id = (person_id or "").removeprefix(meeting_streams.PERSON_PREFIX)
            return meeting_streams.expire(state, stream_id, now_ms)


def _do(state: MeetingState, actor: MeetingMember, deed: c.MeetingDeed, now_ms: int) -> MeetingState:  # noqa: PLR0912 - one arm per deed
    match deed:
        case c.Admit():
            return attendance.admit(state, deed, now_ms)
        case c.RemoveMember(person_id=person_id):
            target = _other(state, actor, person_id)
            if target.stream is not None:
                return meeting_streams.revoke(state, target.stream.stream_id, now_ms)
            return state.with_member(replace(target.gone(now_ms), removed=True))
        case c.SetLock(locked=locked):
            return replace(state, locked=locked)
        case c.SetMeetingRole():
            target = _other(state, actor, deed.person_id)
            if target.stream is not None:
                raise Refused(ErrorCode.NOT_ALLOWED)  # its link says what it is
            return state.with_member(replace(target, meeting_role=deed.meeting_role))
        case c.HandOver(person_id=person_id):
            return _hand_over(state, _other(state, actor, person_id))
        case c.MuteMember():
            return _mute_others(state, actor, deed)
        case c.StartShare(take_over=take_over):
            return _share(state, actor, take_over=take_over)
        case c.StopShare():
            if actor.person_id not in (state.sharer_id, state.host_id):
                raise Refused(ErrorCode.NOT_ALLOWED)
            return replace(state, sharer_id=None)
        case c.RaiseHand():
            return _raise_hand(state, actor, deed, now_ms)
        case c.SayInMeeting():
            return _say(state, actor, deed, now_ms)
        case c.OfferMeetingMedia(sources=sources, fresh=fresh):
            check_offer(state, deed)
            tracks = frozenset() if fresh else actor.tracks & sources
            return state.with_member(replace(actor, offered=sources, tracks=tracks))
        case c.AddStream(stream=stream):
            return meeting_streams.add(state, stream)
        case c.RevokeStream(stream_id=stream_id):
            return meeting_streams.revoke(state, stream_id, now_ms)
        case c.MuteSelf():
            return _mute_self(state, actor, deed)
        case c.StartMeetingRecording():
            return meeting_recording.start(state, deed, now_ms)
        case c.StopMeetingRecording():
            return meeting_recording.end(state)
        case c.AnswerMeetingRecording():
            return meeting_recording.answer(state, deed)
        case c.EndMeeting(actor_id=actor_id):
            return _end(state, MeetingEnd.HOST_ENDED, actor_id, now_ms)
        case _:
            return state


def _other(state: MeetingState, actor: MeetingMember, person_id: str) -> MeetingMember:
    """Nobody does to themselves what a host does to others."""
    if person_id == actor.person_id:
        raise Refused(ErrorCode.NOT_ALLOWED)
    return state.member(person_id)


def _hand_over(state: MeetingState, target: MeetingMember) -> MeetingState:
    if target.stream is not None or target.role not in STAFF:
        raise Refused(ErrorCode.HOST_MUST_BE_STAFF)
    # Whoever hosts is no observer any more; who handed it on stays as a participant.
    changed = state.with_member(replace(target, meeting_role=MeetingRole.PARTICIPANT))
    return replace(changed, host_id=target.person_id)


def _targets(state: MeetingState, actor: MeetingMember, person_id: str | None) -> tuple[MeetingMember, ...]:
    if person_id is not None:
        return (_other(state, actor, person_id),)
    return tuple(m for m in state.present if m.person_id != actor.person_id)


def _mute_others(state: MeetingState, actor: MeetingMember, deed: c.MuteMember) -> MeetingState:
    if deed.source not in VOICE_AND_FACE:
        raise Refused(ErrorCode.OUTSIDE_GRANT)  # a screen is stopped, not muted
    for target in _targets(state, actor, deed.person_id):
        held = target.held | {deed.source} if deed.hold else target.held
        state = state.with_member(replace(target, muted=target.muted | {deed.source}, held=held))
    return state


def _ask_unmute(state: MeetingState, deed: c.AskUnmute) -> tuple[MeetingState, MeetingEffects]:
    asked: list[TellUnmuteAsked] = []
    for target in _targets(state, state.member(deed.actor_id), deed.person_id):
        freed = replace(target, held=target.held - {deed.source})
        if target.stream is not None:
            # A device has nobody to ask: what the host muted the host frees.
            state = state.with_member(replace(freed, muted=freed.muted - {deed.source}))
            continue
        state = state.with_member(freed)
        if deed.source in target.muted or deed.source not in target.tracks:
            asked.append(TellUnmuteAsked(target.person_id, deed.source))
    return state, tuple(asked)


def _enter_stream(state: MeetingState, stream_id: str, now_ms: int) -> MeetingState:
    stream = meeting_streams.find(state, stream_id)
    if state.phase is MeetingPhase.ENDED:
        raise Refused(ErrorCode.MEETING_ENDED)
    if stream is None:
        raise Refused(ErrorCode.STREAM_REVOKED)
    member = MeetingMember(stream.person_id, stream.creator_role, stream.name, now_ms)
    return meeting_streams.enter(state, stream_id, member, now_ms)


def _share(state: MeetingState, actor: MeetingMember, *, take_over: bool) -> MeetingState:
    held_by_other = state.sharer_id is not None and state.sharer_id != actor.person_id
    if held_by_other and not (take_over and state.host_id == actor.person_id):
        raise Refused(ErrorCode.SHARE_TAKEN)
    return replace(state, sharer_id=actor.person_id)


def _raise_hand(state: MeetingState, actor: MeetingMember, deed: c.RaiseHand, now_ms: int) -> MeetingState:
    target = actor if deed.person_id in (None, actor.person_id) else state.member(deed.person_id or "")
    if target is not actor and (deed.raised or state.host_id != actor.person_id):
        raise Refused(ErrorCode.NOT_ALLOWED)
    raised_at = (target.hand_raised_at or now_ms) if deed.raised else None
    return state.with_member(replace(target, hand_raised_at=raised_at))


def _say(state: MeetingState, actor: MeetingMember, deed: c.SayInMeeting, now_ms: int) -> MeetingState:
    if state.sent_before(actor.person_id, deed.client_message_id) is not None:
        return state
    return state.with_message(
        Message(
            seq=state.next_seq,
            sender_id=actor.person_id,
            client_message_id=deed.client_message_id,
            text=deed.text,
            sent_at=now_ms,
            sender_role=actor.role,
            sender_name=actor.display_name,
        )
    )


def _mute_self(state: MeetingState, actor: MeetingMember, deed: c.MuteSelf) -> MeetingState:
    if deed.source not in grant(state, actor):
        raise Refused(ErrorCode.OUTSIDE_GRANT)
    if not deed.muted and deed.source in actor.held:
        raise Refused(ErrorCode.MUTED_BY_HOST)
    others: frozenset[Source] = actor.muted - {deed.source}
    return state.with_member(replace(actor, muted=others | {deed.source} if deed.muted else others))


def _end(state: MeetingState, reason: MeetingEnd, ended_by: str | None, now_ms: int) -> MeetingState:
    return replace(state, phase=MeetingPhase.ENDED, end_reason=reason, ended_by=ended_by, ended_at=now_ms)


def fail(state: MeetingState, now_ms: int) -> MeetingState:
    """A fault of ours: by hand, without the rules."""
    ended = _end(state, MeetingEnd.FAILED, None, now_ms)
    return replace(ended, application=mediation.finish(state.application, now_ms))
