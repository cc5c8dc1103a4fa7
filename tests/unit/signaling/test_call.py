"""The audio/video call: every phase, every refusal, every way it ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from media.types import Source, TransportKind, TransportState
from signaling.errors import ErrorCode
from signaling.sessions import commands as c
from signaling.sessions.policy import VOICE_AND_FACE
from signaling.sessions.states import CallPhase, DeviceProblem, EndReason
from tests.unit.signaling.desk import AGENT, TAXPAYER, Desk


def idle() -> Desk:
    return Desk()


def asked() -> Desk:
    desk = Desk()
    desk.do(c.AskCall(TAXPAYER))
    return desk


def ringing() -> Desk:
    return Desk().ringing()


def connecting() -> Desk:
    return Desk().connecting()


def active() -> Desk:
    return Desk().active()


def ended() -> Desk:
    desk = Desk().active()
    desk.do(c.HangUpCall(AGENT))
    return desk


PHASES: list[Callable[[], Desk]] = [idle, asked, ringing, connecting, active, ended]
DEEDS: dict[str, Callable[[str], c.Deed]] = {
    "ask": c.AskCall,
    "start": c.StartCall,
    "accept": c.AcceptCall,
    "decline": c.DeclineCall,
    "problem": lambda who: c.ReportCallProblem(who, DeviceProblem.DEVICE_MISSING),
    "hang_up": c.HangUpCall,
}
OK, LATER, NEVER = None, ErrorCode.WRONG_PHASE, ErrorCode.NOT_ALLOWED
NOT_BY_YOU = ErrorCode.CALL_START_NOT_ALLOWED
OUTCOMES: dict[str, tuple[list[ErrorCode | None], list[ErrorCode | None]]] = {
    "ask": ([OK, LATER, LATER, LATER, LATER, OK], [NEVER] * 6),
    "start": ([NOT_BY_YOU] * 6, [OK, OK, LATER, LATER, LATER, OK]),
    "accept": ([LATER, LATER, OK, LATER, LATER, LATER], [NEVER] * 6),
    "decline": ([LATER, LATER, OK, LATER, LATER, LATER], [LATER, OK, LATER, LATER, LATER, LATER]),
    "problem": ([LATER, LATER, OK, OK, OK, LATER], [LATER, LATER, OK, OK, OK, LATER]),
    "hang_up": ([LATER, OK, OK, OK, OK, LATER], [LATER, OK, OK, OK, OK, LATER]),
}


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("who", [TAXPAYER, AGENT])
def test_who_may_do_what_in_which_phase(phase: Callable[[], Desk], deed: str, who: str) -> None:
    desk = phase()
    assert desk.call == phase.__name__
    expected = OUTCOMES[deed][0 if who == TAXPAYER else 1][PHASES.index(phase)]
    assert desk.refusal(DEEDS[deed](who)) == expected


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
def test_the_grant_of_each_phase(phase: Callable[[], Desk]) -> None:
    desk = phase()
    nothing: frozenset[Source] = frozenset()
    both = phase in (connecting, active)
    assert desk.engine.grants == {
        TAXPAYER: VOICE_AND_FACE if both else nothing,
        AGENT: VOICE_AND_FACE if both or phase is ringing else nothing,
    }


def test_the_agent_s_warm_media_is_unheard_until_the_taxpayer_agrees() -> None:
    desk = ringing()
    assert desk.engine.unheard == {(AGENT, source) for source in VOICE_AND_FACE}
    desk.do(c.AcceptCall(TAXPAYER))
    assert desk.engine.unheard == set()


def test_a_page_reloaded_while_ringing_is_unheard_too() -> None:
    desk = ringing()
    desk.do(c.MemberConnected(AGENT, resumed=False))
    assert desk.engine.unheard == {(AGENT, source) for source in VOICE_AND_FACE}
    assert desk.engine.grants[AGENT] == VOICE_AND_FACE


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
@pytest.mark.parametrize("who", [TAXPAYER, AGENT])
def test_no_screen_in_a_call(phase: Callable[[], Desk], who: str) -> None:
    desk = phase()
    refused = desk.refusal(c.OfferMedia(who, frozenset({Source.SCREEN}), fresh=False))
    assert refused is ErrorCode.OUTSIDE_GRANT


@pytest.mark.parametrize("deed", [c.AskCall(TAXPAYER, seat_free=False), c.StartCall(AGENT, seat_free=False)])
def test_a_busy_agent(deed: c.Deed) -> None:
    assert idle().refusal(deed) is ErrorCode.AGENT_BUSY


@pytest.mark.parametrize(
    ("gone", "deed", "code"),
    [
        (AGENT, c.AskCall(TAXPAYER), ErrorCode.AGENT_OFFLINE),
        (TAXPAYER, c.StartCall(AGENT), ErrorCode.WRONG_PHASE),
    ],
)
def test_nobody_rings_at_who_has_left(gone: str, deed: c.Deed, code: ErrorCode) -> None:
    desk = idle()
    desk.do(c.MemberDisconnected(gone))
    desk.advance(desk.settings.reconnect_grace_ms)
    assert desk.refusal(deed) is code


@pytest.mark.parametrize("phase", [asked, ringing])
def test_ringing_ends_at_its_deadline(phase: Callable[[], Desk]) -> None:
    desk = phase()
    desk.advance(desk.settings.ring_timeout_ms - 1)
    assert desk.call == phase.__name__
    desk.advance(1)
    assert desk.state.call.end_reason is EndReason.RING_TIMEOUT


@pytest.mark.parametrize(
    ("phase", "deed", "reason"),
    [
        (asked, c.HangUpCall(TAXPAYER), EndReason.CANCELLED),
        (asked, c.HangUpCall(AGENT), EndReason.DECLINED),
        (asked, c.DeclineCall(AGENT), EndReason.DECLINED),
        (ringing, c.HangUpCall(AGENT), EndReason.CANCELLED),
        (ringing, c.HangUpCall(TAXPAYER), EndReason.DECLINED),
        (ringing, c.DeclineCall(TAXPAYER), EndReason.DECLINED),
        (connecting, c.HangUpCall(TAXPAYER), EndReason.HUNG_UP),
        (active, c.HangUpCall(AGENT), EndReason.HUNG_UP),
    ],
)
def test_hanging_up_says_what_it_meant(phase: Callable[[], Desk], deed: c.Deed, reason: EndReason) -> None:
    desk = phase()
    desk.do(deed)
    assert (desk.state.call.end_reason, desk.state.call.ended_by) == (reason, deed.actor_id)
    assert desk.timers == {}


def test_the_agent_answers_an_asked_call_by_starting_it() -> None:
    desk = asked()
    desk.advance(20_000)
    desk.do(c.StartCall(AGENT))
    assert desk.state.call.deadline == desk.now_ms + desk.settings.ring_timeout_ms


def test_active_when_both_are_heard_or_seen() -> None:
    desk = connecting()
    desk.send(AGENT, Source.MICROPHONE)
    assert desk.call == "connecting"
    desk.advance(700)
    desk.send(TAXPAYER, Source.CAMERA)
    assert desk.call == "active"
    assert desk.state.call.started_at == desk.now_ms
    assert desk.state.call.deadline is None


def test_active_when_one_is_heard_and_the_other_cannot_send() -> None:
    desk = connecting()
    desk.do(c.ReportCallProblem(TAXPAYER, DeviceProblem.DEVICE_MISSING))
    assert desk.call == "connecting"
    desk.send(AGENT, Source.MICROPHONE)
    assert desk.call == "active"
    assert desk.state.call.problems == {TAXPAYER: DeviceProblem.DEVICE_MISSING}


def test_two_who_cannot_send_are_no_call() -> None:
    desk = connecting()
    for person in (TAXPAYER, AGENT):
        desk.do(c.ReportCallProblem(person, DeviceProblem.PERMISSION_DENIED))
    assert desk.call == "connecting"
    desk.advance(desk.settings.connecting_timeout_ms)
    assert desk.state.call.end_reason is EndReason.NETWORK_LOST


def test_a_problem_can_be_taken_back() -> None:
    desk = active()
    desk.do(c.ReportCallProblem(AGENT, DeviceProblem.DEVICE_BUSY))
    desk.do(c.ReportCallProblem(TAXPAYER, DeviceProblem.DEVICE_MISSING))
    desk.do(c.ReportCallProblem(AGENT, None))
    assert desk.call == "active"
    assert desk.state.call.problems == {TAXPAYER: DeviceProblem.DEVICE_MISSING}


def test_a_person_at_the_permission_prompt_is_given_longer_than_the_network() -> None:
    desk = connecting()
    desk.offer(AGENT, VOICE_AND_FACE)
    desk.advance(desk.settings.connecting_timeout_ms + 10_000)
    assert desk.call == "connecting"
    desk.offer(TAXPAYER, VOICE_AND_FACE)
    desk.advance(desk.settings.connecting_timeout_ms - 1)
    assert desk.call == "connecting"
    desk.advance(1)
    assert desk.state.call.end_reason is EndReason.NETWORK_LOST


def test_offering_again_does_not_put_the_end_off() -> None:
    desk = connecting()
    for person in (AGENT, TAXPAYER):
        desk.offer(person, VOICE_AND_FACE)
    deadline = desk.state.call.deadline
    desk.advance(10_000)
    desk.offer(TAXPAYER, VOICE_AND_FACE, fresh=True)
    assert desk.state.call.deadline == deadline


def test_a_prompt_nobody_answers_ends_the_call() -> None:
    desk = connecting()
    desk.advance(desk.settings.permission_timeout_ms)
    assert desk.state.call.end_reason is EndReason.NETWORK_LOST


@pytest.mark.parametrize("who", [TAXPAYER, AGENT])
@pytest.mark.parametrize("kind", TransportKind)
@pytest.mark.parametrize("how", [TransportState.FAILED, TransportState.DISCONNECTED, TransportState.CLOSED])
def test_media_that_stays_away_ends_the_call(who: str, kind: TransportKind, how: TransportState) -> None:
    desk = active()
    desk.do(c.TransportMoved(who, kind, how))
    desk.advance(desk.settings.media_lost_timeout_ms - 1)
    assert desk.call == "active"
    desk.advance(1)
    assert (desk.state.call.end_reason, desk.state.call.ended_by) == (EndReason.NETWORK_LOST, who)


def test_media_that_comes_back_in_time_keeps_it() -> None:
    desk = active()
    desk.do(c.TransportMoved(TAXPAYER, TransportKind.PUBLISH, TransportState.FAILED))
    desk.advance(desk.settings.media_lost_timeout_ms - 1)
    desk.do(c.TransportMoved(TAXPAYER, TransportKind.PUBLISH, TransportState.CLOSED))
    desk.do(c.TransportMoved(TAXPAYER, TransportKind.PUBLISH, TransportState.CONNECTING))
    desk.do(c.TransportMoved(TAXPAYER, TransportKind.PUBLISH, TransportState.CONNECTED))
    desk.advance(desk.settings.media_lost_timeout_ms)
    assert desk.call == "active"
    assert desk.timers == {}


def test_mutes_last_as_long_as_the_call() -> None:
    desk = active()
    desk.do(c.MuteSource(TAXPAYER, Source.CAMERA, muted=True))
    assert desk.engine.muted == {(TAXPAYER, Source.CAMERA)}
    desk.do(c.MemberDisconnected(TAXPAYER))
    desk.do(c.MemberConnected(TAXPAYER, resumed=False))
    assert desk.engine.muted == {(TAXPAYER, Source.CAMERA)}
    desk.do(c.HangUpCall(AGENT))
    assert desk.engine.muted == set()
    desk.active()
    assert desk.engine.muted == set(), "the next call begins unmuted"


def test_the_end_is_final_until_it_is_started_anew() -> None:
    desk = ended()
    shown = desk.state.call
    desk.do(c.TrackStarted(AGENT, Source.CAMERA))
    desk.advance(10 * 60_000)
    assert desk.state.call == shown
    desk.do(c.StartCall(AGENT))
    assert desk.state.call.phase is CallPhase.RINGING
    assert desk.state.call.end_reason is None


def test_each_step_has_its_line() -> None:
    desk = asked()
    desk.active()
    desk.do(c.HangUpCall(TAXPAYER))
    assert desk.said()[1:] == [
        "纳税人申请音视频互动。",
        "税务人员 101 发起音视频互动。",
        "纳税人已同意音视频互动。",
        "音视频互动已接通。",
        "音视频互动已结束。",
    ]
