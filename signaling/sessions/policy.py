"""The one table of rights: kind of session × phase × role → what one may do and publish.

What is not in the table is not allowed. The engine is given the grants that follow from it and drops the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from media.types import Source
from signaling.errors import ErrorCode, Refused
from signaling.sessions.meeting_states import MeetingPhase, MeetingRole
from signaling.sessions.model import InteractionState, Member
from signaling.sessions.states import (
    AssistancePhase,
    CallPhase,
    GuestSeat,
    InteractionPhase,
    Presence,
    Role,
    SupervisionMode,
)


class SessionKind(StrEnum):
    INTERACTION = "interaction"
    ASSISTANCE = "assistance"
    CALL = "call"
    MEETING = "meeting"


class Action(StrEnum):
    SEND_MESSAGE = "send_message"
    READ = "read"
    """Marks of what one has read, and of typing."""
    CLOSE = "close"
    INVITE = "invite"
    """And take the invitation back, or ask the guest to leave."""
    LEAVE = "leave"
    USE_MEDIA = "use_media"
    """Negotiate transports, trickle candidates, choose layers, mute oneself. What flows is decided by ``publish``."""
    REQUEST = "request"
    ASK = "ask"
    START = "start"
    ACCEPT = "accept"
    DECLINE = "decline"
    REPORT_PROBLEM = "report_problem"
    PAUSE = "pause"
    RESUME = "resume"
    HANG_UP = "hang_up"
    RECORD = "record"
    """Start and stop a recording of the call or the meeting."""
    CONSENT = "consent"
    """Say whether one may be recorded."""
    ADMIT = "admit"
    REMOVE = "remove"
    LOCK = "lock"
    SET_ROLE = "set_role"
    HAND_OVER = "hand_over"
    MUTE_OTHERS = "mute_others"
    """And ask them to speak."""
    SHARE = "share"
    MANAGE_STREAMS = "manage_streams"
    """Make and revoke links by which devices take part (WHIP, WHEP)."""
    RAISE_HAND = "raise_hand"
    EDIT_NOTES = "edit_notes"


Seat = Role | SupervisionMode | GuestSeat | MeetingRole
"""What one is in an interaction or a meeting: a supervisor's rights follow from how they take part, an invited agent's
from whether they have agreed to the call."""

Phase = InteractionPhase | AssistancePhase | CallPhase | MeetingPhase

SCREEN = frozenset({Source.SCREEN, Source.SCREEN_AUDIO})
VOICE_AND_FACE = frozenset({Source.MICROPHONE, Source.CAMERA})


@dataclass(frozen=True, slots=True)
class Rule:
    """``heard``: whether others receive what is published; media that is only being warmed up is not."""

    do: frozenset[Action] = frozenset()
    publish: frozenset[Source] = frozenset()
    heard: bool = True


def _rule(*do: Action, publish: frozenset[Source] = frozenset(), heard: bool = True) -> Rule:
    return Rule(frozenset(do), publish, heard)


_NOBODY: Mapping[Seat, Rule] = {}
_T, _A = Role.TAXPAYER, Role.AGENT
_LISTEN, _WHISPER, _BARGE = SupervisionMode.LISTEN, SupervisionMode.WHISPER, SupervisionMode.BARGE

_REQUESTABLE: Mapping[Seat, Rule] = {_T: _rule(Action.REQUEST)}
_CALLABLE: Mapping[Seat, Rule] = {_T: _rule(Action.ASK), _A: _rule(Action.START)}
_IN_CALL = _rule(Action.REPORT_PROBLEM, Action.HANG_UP, publish=VOICE_AND_FACE)
_IN_INTERACTION = _rule(Action.SEND_MESSAGE, Action.READ, Action.CLOSE, Action.USE_MEDIA)
_AUDITING = _rule(Action.READ, Action.USE_MEDIA)
_IN_THE_EAR = _rule(publish=frozenset({Source.MICROPHONE}))
_GUEST, _GUEST_TALKS = GuestSeat.GUEST, GuestSeat.GUEST_IN_CALL
_AS_GUEST = _rule(Action.SEND_MESSAGE, Action.READ, Action.LEAVE, Action.USE_MEDIA)
_GUESTS: Mapping[Seat, Rule] = {_GUEST: _rule(Action.ACCEPT), _GUEST_TALKS: _IN_CALL}
"""To accept is to join the call, to hang up to go out of it: it is the two others' call."""
_WHISPERED: Mapping[Seat, Rule] = {_WHISPER: _IN_THE_EAR}
_JOINED: Mapping[Seat, Rule] = {_BARGE: _rule(Action.CONSENT, publish=VOICE_AND_FACE)}
_TALKS = Rule(_IN_CALL.do | {Action.CONSENT}, VOICE_AND_FACE)
_LEADS_TALK = Rule(_TALKS.do | {Action.RECORD}, VOICE_AND_FACE)
_OBSERVING = frozenset({Action.READ, Action.USE_MEDIA, Action.RAISE_HAND})
_MEETING = _OBSERVING | {Action.SEND_MESSAGE, Action.SHARE, Action.EDIT_NOTES, Action.CONSENT}
_HOSTING = _MEETING | {
    Action.ADMIT,
    Action.REMOVE,
    Action.LOCK,
    Action.SET_ROLE,
    Action.HAND_OVER,
    Action.MUTE_OTHERS,
    Action.MANAGE_STREAMS,
    Action.RECORD,
    Action.CLOSE,
}
_MEETING_SOURCES = VOICE_AND_FACE | SCREEN
"""Of the screen one at a time: ``meeting.grant``."""

POLICY: Mapping[tuple[SessionKind, Phase], Mapping[Seat, Rule]] = {
    (SessionKind.INTERACTION, InteractionPhase.OPEN): {
        _T: _IN_INTERACTION,
        _A: Rule(_IN_INTERACTION.do | {Action.INVITE}),
        _GUEST: _AS_GUEST,
        _GUEST_TALKS: _AS_GUEST,
        _LISTEN: _AUDITING,
        _WHISPER: _AUDITING,
        _BARGE: _rule(Action.SEND_MESSAGE, Action.READ, Action.USE_MEDIA),
    },
    (SessionKind.INTERACTION, InteractionPhase.CLOSED): _NOBODY,
    (SessionKind.ASSISTANCE, AssistancePhase.IDLE): _REQUESTABLE,
    (SessionKind.ASSISTANCE, AssistancePhase.REQUESTED): {
        _T: _rule(Action.HANG_UP),
        _A: _rule(Action.ACCEPT, Action.DECLINE, Action.HANG_UP),
    },
    (SessionKind.ASSISTANCE, AssistancePhase.ACCEPTED): {
        _T: _rule(Action.REPORT_PROBLEM, Action.HANG_UP, publish=SCREEN),
        _A: _rule(Action.HANG_UP),
        **_WHISPERED,
    },
    (SessionKind.ASSISTANCE, AssistancePhase.SHARING): {
        _T: _rule(Action.REPORT_PROBLEM, Action.PAUSE, Action.HANG_UP, publish=SCREEN),
        _A: _rule(Action.HANG_UP),
        **_WHISPERED,
    },
    (SessionKind.ASSISTANCE, AssistancePhase.PAUSED): {
        _T: _rule(Action.REPORT_PROBLEM, Action.RESUME, Action.HANG_UP, publish=SCREEN),
        _A: _rule(Action.HANG_UP),
        **_WHISPERED,
    },
    (SessionKind.ASSISTANCE, AssistancePhase.ENDED): _REQUESTABLE,
    (SessionKind.CALL, CallPhase.IDLE): _CALLABLE,
    (SessionKind.CALL, CallPhase.ASKED): {
        _T: _rule(Action.HANG_UP),
        _A: _rule(Action.START, Action.DECLINE, Action.HANG_UP),
    },
    (SessionKind.CALL, CallPhase.RINGING): {
        _T: _rule(Action.ACCEPT, Action.DECLINE, Action.REPORT_PROBLEM, Action.HANG_UP),
        _A: _rule(Action.REPORT_PROBLEM, Action.HANG_UP, publish=VOICE_AND_FACE, heard=False),
    },
    (SessionKind.CALL, CallPhase.CONNECTING): {
        _T: _IN_CALL,
        _A: _IN_CALL,
        **_GUESTS,
        **_WHISPERED,
        **_JOINED,
    },
    (SessionKind.CALL, CallPhase.ACTIVE): {
        _T: _TALKS,
        _A: _LEADS_TALK,
        _GUEST: _GUESTS[_GUEST],
        _GUEST_TALKS: _TALKS,
        **_WHISPERED,
        **_JOINED,
    },
    (SessionKind.CALL, CallPhase.ENDED): _CALLABLE,
    (SessionKind.MEETING, MeetingPhase.SCHEDULED): _NOBODY,
    (SessionKind.MEETING, MeetingPhase.RUNNING): {
        MeetingRole.HOST: Rule(_HOSTING, _MEETING_SOURCES),
        MeetingRole.PARTICIPANT: Rule(_MEETING, _MEETING_SOURCES),
        MeetingRole.OBSERVER: Rule(_OBSERVING),
    },
    (SessionKind.MEETING, MeetingPhase.ENDED): _NOBODY,
}

_NOTHING = Rule()

_EVER: Mapping[tuple[SessionKind, Seat], frozenset[Action]] = {
    (kind, seat): frozenset().union(
        *(seats[seat].do for (k, _), seats in POLICY.items() if k is kind and seat in seats)
    )
    for kind in SessionKind
    for seat in (*Role, *SupervisionMode, *GuestSeat, *MeetingRole)
}

_OWN_CODES: Mapping[tuple[SessionKind, Seat, Action], ErrorCode] = {
    (SessionKind.CALL, Role.TAXPAYER, Action.START): ErrorCode.CALL_START_NOT_ALLOWED,
}
"""Refusals of a right that have a code and a sentence of their own."""


def seat_of(member: Member) -> Seat:
    if member.is_guest:
        return GuestSeat.GUEST_IN_CALL if member.in_call else GuestSeat.GUEST
    return member.supervision or member.role


def rule(kind: SessionKind, phase: Phase, seat: Seat) -> Rule:
    return POLICY[(kind, phase)].get(seat, _NOTHING)


def check(kind: SessionKind, phase: Phase, seat: Seat, action: Action) -> None:
    """Raises ``Refused``: ``not_allowed`` (or a code of its own) when the role may never do this, ``wrong_phase``
    when it may, but not now."""
    if action in rule(kind, phase, seat).do:
        return
    if action in _EVER[(kind, seat)]:
        raise Refused(ErrorCode.WRONG_PHASE)
    raise Refused(_OWN_CODES.get((kind, seat, action), ErrorCode.NOT_ALLOWED))


def phase_of(state: InteractionState, kind: SessionKind) -> Phase:
    match kind:
        case SessionKind.INTERACTION:
            return state.phase
        case SessionKind.ASSISTANCE:
            return state.assistance.phase
        case SessionKind.CALL:
            return state.call.phase
        case SessionKind.MEETING:
            raise ValueError("a meeting is no part of an interaction")


def _rules(state: InteractionState, member: Member) -> list[Rule]:
    if state.phase is not InteractionPhase.OPEN or member.presence is Presence.LEFT:
        return []
    seat = seat_of(member)
    return [
        rule(SessionKind.INTERACTION, state.phase, seat),
        rule(SessionKind.ASSISTANCE, state.assistance.phase, seat),
        rule(SessionKind.CALL, state.call.phase, seat),
    ]


def grant(state: InteractionState, member: Member) -> frozenset[Source]:
    """What the member may publish now: the union over everything that runs."""
    return frozenset().union(*(r.publish for r in _rules(state, member)))


Audience = frozenset[str]
"""The only people who receive a source."""


def audiences(state: InteractionState, member: Member) -> Mapping[Source, Audience]:
    """Of the grant, what not everybody receives: what is only being warmed up, and what is whispered."""
    rules = _rules(state, member)
    if not rules:
        return {}
    heard: frozenset[Source] = frozenset().union(*(r.publish for r in rules if r.heard))
    found: dict[Source, Audience] = dict.fromkeys(grant(state, member) - heard, frozenset())
    if member.hidden:
        agent = state.of_role(Role.AGENT)
        ear = frozenset() if agent.presence is Presence.LEFT else frozenset({agent.person_id})
        found |= dict.fromkeys(heard, ear)
    return found


def silenced(state: InteractionState, member: Member) -> frozenset[Source]:
    """What of the grant the engine holds back: muted by its owner, or a share that is paused."""
    granted = grant(state, member)
    held = state.assistance.phase is AssistancePhase.PAUSED or state.assistance.paused_before
    paused = SCREEN if held else frozenset()
    return granted & (member.muted | paused)
