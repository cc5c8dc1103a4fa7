"""The one table of rights: kind of session × phase × role → what one may do and publish.

What is not in the table is not allowed. The engine is given the grants that follow from it and drops the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from media.types import Source
from signaling.errors import ErrorCode, Refused
from signaling.sessions.model import InteractionState, Member
from signaling.sessions.states import AssistancePhase, CallPhase, InteractionPhase, Presence, Role


class SessionKind(StrEnum):
    INTERACTION = "interaction"
    ASSISTANCE = "assistance"
    CALL = "call"


class Action(StrEnum):
    SEND_MESSAGE = "send_message"
    CLOSE = "close"
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


Phase = InteractionPhase | AssistancePhase | CallPhase

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


_NOBODY: Mapping[Role, Rule] = {}
_T, _A = Role.TAXPAYER, Role.AGENT

_REQUESTABLE = {_T: _rule(Action.REQUEST)}
_CALLABLE = {_T: _rule(Action.ASK), _A: _rule(Action.START)}
_IN_CALL = _rule(Action.REPORT_PROBLEM, Action.HANG_UP, publish=VOICE_AND_FACE)
_IN_INTERACTION = _rule(Action.SEND_MESSAGE, Action.CLOSE, Action.USE_MEDIA)

POLICY: Mapping[tuple[SessionKind, Phase], Mapping[Role, Rule]] = {
    (SessionKind.INTERACTION, InteractionPhase.OPEN): {_T: _IN_INTERACTION, _A: _IN_INTERACTION},
    (SessionKind.INTERACTION, InteractionPhase.CLOSED): _NOBODY,
    (SessionKind.ASSISTANCE, AssistancePhase.IDLE): _REQUESTABLE,
    (SessionKind.ASSISTANCE, AssistancePhase.REQUESTED): {
        _T: _rule(Action.HANG_UP),
        _A: _rule(Action.ACCEPT, Action.DECLINE, Action.HANG_UP),
    },
    (SessionKind.ASSISTANCE, AssistancePhase.ACCEPTED): {
        _T: _rule(Action.REPORT_PROBLEM, Action.HANG_UP, publish=SCREEN),
        _A: _rule(Action.HANG_UP),
    },
    (SessionKind.ASSISTANCE, AssistancePhase.SHARING): {
        _T: _rule(Action.REPORT_PROBLEM, Action.PAUSE, Action.HANG_UP, publish=SCREEN),
        _A: _rule(Action.HANG_UP),
    },
    (SessionKind.ASSISTANCE, AssistancePhase.PAUSED): {
        _T: _rule(Action.REPORT_PROBLEM, Action.RESUME, Action.HANG_UP, publish=SCREEN),
        _A: _rule(Action.HANG_UP),
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
    (SessionKind.CALL, CallPhase.CONNECTING): {_T: _IN_CALL, _A: _IN_CALL},
    (SessionKind.CALL, CallPhase.ACTIVE): {_T: _IN_CALL, _A: _IN_CALL},
    (SessionKind.CALL, CallPhase.ENDED): _CALLABLE,
}

_NOTHING = Rule()

_EVER: Mapping[tuple[SessionKind, Role], frozenset[Action]] = {
    (kind, role): frozenset().union(
        *(roles[role].do for (k, _), roles in POLICY.items() if k is kind and role in roles)
    )
    for kind in SessionKind
    for role in Role
}

_OWN_CODES: Mapping[tuple[SessionKind, Role, Action], ErrorCode] = {
    (SessionKind.CALL, Role.TAXPAYER, Action.START): ErrorCode.CALL_START_NOT_ALLOWED,
}
"""Refusals of a right that have a code and a sentence of their own."""


def rule(kind: SessionKind, phase: Phase, role: Role) -> Rule:
    return POLICY[(kind, phase)].get(role, _NOTHING)


def check(kind: SessionKind, phase: Phase, role: Role, action: Action) -> None:
    """Raises ``Refused``: ``not_allowed`` (or a code of its own) when the role may never do this, ``wrong_phase``
    when it may, but not now."""
    if action in rule(kind, phase, role).do:
        return
    if action in _EVER[(kind, role)]:
        raise Refused(ErrorCode.WRONG_PHASE)
    raise Refused(_OWN_CODES.get((kind, role, action), ErrorCode.NOT_ALLOWED))


def phase_of(state: InteractionState, kind: SessionKind) -> Phase:
    match kind:
        case SessionKind.INTERACTION:
            return state.phase
        case SessionKind.ASSISTANCE:
            return state.assistance.phase
        case SessionKind.CALL:
            return state.call.phase


def _rules(state: InteractionState, member: Member) -> list[Rule]:
    if state.phase is not InteractionPhase.OPEN or member.presence is Presence.LEFT:
        return []
    return [rule(kind, phase_of(state, kind), member.role) for kind in SessionKind]


def grant(state: InteractionState, member: Member) -> frozenset[Source]:
    """What the member may publish now: the union over everything that runs."""
    return frozenset().union(*(r.publish for r in _rules(state, member)))


def unheard(state: InteractionState, member: Member) -> frozenset[Source]:
    """What of the grant nobody receives yet."""
    rules = _rules(state, member)
    heard: frozenset[Source] = frozenset().union(*(r.publish for r in rules if r.heard))
    return grant(state, member) - heard


def silenced(state: InteractionState, member: Member) -> frozenset[Source]:
    """What of the grant the engine holds back: muted by its owner, or a share that is paused."""
    granted = grant(state, member)
    paused = SCREEN if state.assistance.phase is AssistancePhase.PAUSED else frozenset()
    return granted & (member.muted | paused)
