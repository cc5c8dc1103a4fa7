"""Rules of who is in a meeting: lobby, admission, coming back, leaving. Pure."""

from __future__ import annotations

from dataclasses import replace

from signaling.errors import ErrorCode, Refused
from signaling.sessions import meeting_commands as c
from signaling.sessions.mediation import MediationApplication
from signaling.sessions.meeting_model import MeetingMember, MeetingState, Waiting
from signaling.sessions.meeting_states import MeetingPhase, MeetingRole
from signaling.sessions.states import Presence


def enter(state: MeetingState, command: c.Enter, now_ms: int) -> MeetingState:
    """Raises ``Refused``: ``meeting_ended``, ``meeting_removed``, ``meeting_locked``, ``meeting_full``."""
    person_id = command.person_id
    if state.phase is MeetingPhase.ENDED:
        raise Refused(ErrorCode.MEETING_ENDED)
    known = state.find(person_id)
    if known is not None:
        return _come_back(state, known, now_ms)
    if person_id == state.application.agent_id:
        member = MeetingMember(person_id, command.role, command.display_name, now_ms)
        return _start(state.without_waiting(person_id).with_member(member), now_ms)
    waits = state.find_waiting(person_id)
    if waits is not None:
        return state.with_waiting(replace(waits, presence=Presence.ONLINE, reconnect_by=None))
    if state.locked:
        raise Refused(ErrorCode.MEETING_LOCKED)
    if len(state.waiting) >= state.settings.max_waiting:
        raise Refused(ErrorCode.MEETING_FULL)
    return state.with_waiting(Waiting(person_id, command.role, command.display_name, now_ms))


def _come_back(state: MeetingState, known: MeetingMember, now_ms: int) -> MeetingState:
    """Who was admitted once needs no lobby, even when it is locked."""
    if known.stream is not None:
        raise Refused(ErrorCode.NOT_ALLOWED)
    if known.removed:
        raise Refused(ErrorCode.MEETING_REMOVED)
    if known.present:
        return state.with_member(replace(known, presence=Presence.ONLINE, reconnect_by=None))
    if len(state.present) >= state.settings.max_present:
        raise Refused(ErrorCode.MEETING_FULL)
    back = replace(
        known,
        presence=Presence.ONLINE,
        left_at=None,
        joined_at=now_ms,
        peer_epoch=known.peer_epoch + 1,
    )
    return state.with_member(back)


def _start(state: MeetingState, now_ms: int) -> MeetingState:
    if state.phase is not MeetingPhase.SCHEDULED:
        return state
    return replace(state, phase=MeetingPhase.RUNNING, started_at=now_ms)


def admit(state: MeetingState, deed: c.Admit, now_ms: int) -> MeetingState:
    wanted = [w for w in state.waiting if deed.person_id in (None, w.person_id)]
    if not wanted and deed.person_id is not None:
        raise Refused(ErrorCode.NOT_FOUND)
    room = state.settings.max_present - len(state.present)
    if wanted and (room <= 0 or len(state.members) >= state.settings.max_known):
        raise Refused(ErrorCode.MEETING_FULL)
    for waits in wanted[: max(0, room)]:
        member = MeetingMember(
            person_id=waits.person_id,
            role=waits.role,
            display_name=waits.display_name,
            joined_at=now_ms,
            meeting_role=deed.meeting_role,
            presence=waits.presence,
            reconnect_by=waits.reconnect_by,
        )
        state = state.without_waiting(waits.person_id).with_member(member)
    return state


def leave(state: MeetingState, person_id: str, now_ms: int) -> MeetingState:
    member = state.find(person_id)
    if member is None or not member.present:
        return state.without_waiting(person_id)
    return state.with_member(member.gone(now_ms))


def connect(state: MeetingState, person_id: str, *, resumed: bool, now_ms: int) -> MeetingState:
    """A page that was loaded anew has to enter first; until then the older page's media is cut and the time runs."""
    reconnect_by = None if resumed else now_ms + state.settings.reconnect_grace_ms
    presence = Presence.ONLINE if resumed else Presence.RECONNECTING
    waits = state.find_waiting(person_id)
    if waits is not None:
        return state.with_waiting(replace(waits, presence=presence, reconnect_by=reconnect_by))
    member = state.find(person_id)
    if member is None or not member.present:
        return state
    if not resumed:
        member = replace(member.without_media(), peer_epoch=member.peer_epoch + 1)
        if state.sharer_id == person_id:
            state = replace(state, sharer_id=None)  # a captured screen does not outlive its page
    return state.with_member(replace(member, presence=presence, reconnect_by=reconnect_by))


def disconnect(state: MeetingState, person_id: str, now_ms: int) -> MeetingState:
    reconnect_by = now_ms + state.settings.reconnect_grace_ms
    waits = state.find_waiting(person_id)
    if waits is not None and waits.presence is Presence.ONLINE:
        away = replace(waits, presence=Presence.RECONNECTING, reconnect_by=reconnect_by)
        return state.with_waiting(away)
    member = state.find(person_id)
    if member is None or member.presence is not Presence.ONLINE:
        return state
    return state.with_member(replace(member, presence=Presence.RECONNECTING, reconnect_by=reconnect_by))


def give_up(state: MeetingState, person_id: str, now_ms: int) -> MeetingState:
    """The grace period is over."""
    someone = state.find_waiting(person_id) or state.find(person_id)
    if someone is None or someone.reconnect_by is None or now_ms < someone.reconnect_by:
        return state
    return leave(state, person_id, now_ms)


def dispatched(state: MeetingState, application: MediationApplication, now_ms: int) -> MeetingState:
    """To another agent: who waits in the lobby already is in, and who was only an observer may host."""
    state = replace(state, application=application)
    agent_id = application.agent_id or ""
    waits, known = state.find_waiting(agent_id), state.find(agent_id)
    if waits is not None:
        member = MeetingMember(
            waits.person_id,
            waits.role,
            waits.display_name,
            now_ms,
            presence=waits.presence,
            reconnect_by=waits.reconnect_by,
        )
        return _start(state.without_waiting(agent_id).with_member(member), now_ms)
    if known is not None:
        return state.with_member(replace(known, removed=False, meeting_role=MeetingRole.PARTICIPANT))
    return state
