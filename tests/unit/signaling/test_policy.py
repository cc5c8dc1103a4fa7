"""The table of rights, read as the law it is."""

from __future__ import annotations

import itertools

import pytest

from media.types import Source
from signaling.errors import DomainError, ErrorCode
from signaling.sessions.meeting_states import MeetingPhase, MeetingRole
from signaling.sessions.policy import POLICY, SCREEN, Action, Phase, SessionKind, check, rule
from signaling.sessions.states import AssistancePhase, CallPhase, InteractionPhase, Role, SupervisionMode

PHASES: dict[SessionKind, list[Phase]] = {
    SessionKind.INTERACTION: list(InteractionPhase),
    SessionKind.ASSISTANCE: list(AssistancePhase),
    SessionKind.CALL: list(CallPhase),
    SessionKind.MEETING: list(MeetingPhase),
}
EVERYWHERE = [(kind, phase) for kind, phases in PHASES.items() for phase in phases]


def test_every_phase_is_in_the_table() -> None:
    assert set(POLICY) == set(EVERYWHERE)


@pytest.mark.parametrize(("kind", "phase"), EVERYWHERE)
def test_an_agent_never_shares_a_screen(kind: SessionKind, phase: Phase) -> None:
    assert not rule(kind, phase, Role.AGENT).publish & SCREEN


@pytest.mark.parametrize(("kind", "phase"), EVERYWHERE)
def test_a_taxpayer_never_starts_a_call(kind: SessionKind, phase: Phase) -> None:
    assert Action.START not in rule(kind, phase, Role.TAXPAYER).do


@pytest.mark.parametrize(("kind", "phase"), EVERYWHERE)
@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.EDITOR, Role.ADMINISTRATOR])
def test_others_may_nothing(kind: SessionKind, phase: Phase, role: Role) -> None:
    assert rule(kind, phase, role).do == frozenset()
    assert rule(kind, phase, role).publish == frozenset()
    for action in Action:
        with pytest.raises(DomainError) as caught:
            check(kind, phase, role, action)
        assert caught.value.code is ErrorCode.NOT_ALLOWED


@pytest.mark.parametrize("role", Role)
def test_nothing_is_published_before_it_begins_or_after_it_ended(role: Role) -> None:
    for kind, phase in EVERYWHERE:
        if phase.value in ("idle", "requested", "asked", "ended", "open", "closed"):
            assert rule(kind, phase, role).publish == frozenset()


def test_camera_and_microphone_belong_to_calls_and_the_screen_to_assistance() -> None:
    for (kind, _), seats in POLICY.items():
        whispered = seats.get(SupervisionMode.WHISPER)
        assert whispered is None or whispered.publish <= {Source.MICROPHONE}
        assert SupervisionMode.LISTEN not in seats or not seats[SupervisionMode.LISTEN].publish
        roles = [rule for seat, rule in seats.items() if seat is not SupervisionMode.WHISPER]
        published = set(itertools.chain.from_iterable(r.publish for r in roles))
        if kind is SessionKind.ASSISTANCE:
            assert published <= {Source.SCREEN, Source.SCREEN_AUDIO}
        elif kind is SessionKind.CALL:
            assert published <= {Source.MICROPHONE, Source.CAMERA}
        elif kind is SessionKind.MEETING:
            assert MeetingRole.OBSERVER not in seats or not seats[MeetingRole.OBSERVER].publish
        else:
            assert published == set()


def test_only_the_host_of_a_meeting_rules_others() -> None:
    seats = POLICY[(SessionKind.MEETING, MeetingPhase.RUNNING)]
    host, others = seats[MeetingRole.HOST].do, seats[MeetingRole.PARTICIPANT].do
    assert host > others > seats[MeetingRole.OBSERVER].do
    assert host - others == {
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
