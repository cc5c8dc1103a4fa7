"""Remote assistance: every phase, every refusal, every way it ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from media.types import Source, TransportKind, TransportState
from signaling.errors import ErrorCode
from signaling.sessions import commands as c
from signaling.sessions.effects import ReleaseSeat, SetGrant, SetMuted, TellAssistance
from signaling.sessions.policy import SCREEN, SessionKind
from signaling.sessions.states import AssistancePhase, DeviceProblem, EndReason
from tests.unit.signaling.desk import AGENT, TAXPAYER, Desk


def idle() -> Desk:
    return Desk()


def requested() -> Desk:
    desk = Desk()
    desk.do(c.RequestAssistance(TAXPAYER))
    return desk


def accepted() -> Desk:
    return Desk().accepted()


def sharing() -> Desk:
    return Desk().sharing()


def paused() -> Desk:
    desk = Desk().sharing()
    desk.do(c.PauseAssistance(TAXPAYER))
    return desk


def ended() -> Desk:
    desk = Desk().sharing()
    desk.do(c.HangUpAssistance(AGENT))
    return desk


PHASES: list[Callable[[], Desk]] = [idle, requested, accepted, sharing, paused, ended]
DEEDS: dict[str, Callable[[str], c.Deed]] = {
    "request": c.RequestAssistance,
    "accept": c.AcceptAssistance,
    "decline": c.DeclineAssistance,
    "problem": lambda who: c.ReportAssistanceProblem(who, DeviceProblem.PICKER_CANCELLED),
    "pause": c.PauseAssistance,
    "resume": c.ResumeAssistance,
    "hang_up": c.HangUpAssistance,
}
LATER, NEVER = ErrorCode.WRONG_PHASE, ErrorCode.NOT_ALLOWED
OK = None
# For each deed: of the taxpayer, then of the agent, in the order of PHASES.
OUTCOMES: dict[str, tuple[list[ErrorCode | None], list[ErrorCode | None]]] = {
    "request": ([OK, LATER, LATER, LATER, LATER, OK], [NEVER] * 6),
    "accept": ([NEVER] * 6, [LATER, OK, LATER, LATER, LATER, LATER]),
    "decline": ([NEVER] * 6, [LATER, OK, LATER, LATER, LATER, LATER]),
    "problem": ([LATER, LATER, OK, OK, OK, LATER], [NEVER] * 6),
    "pause": ([LATER, LATER, LATER, OK, LATER, LATER], [NEVER] * 6),
    "resume": ([LATER, LATER, LATER, LATER, OK, LATER], [NEVER] * 6),
    "hang_up": ([LATER, OK, OK, OK, OK, LATER], [LATER, OK, OK, OK, OK, LATER]),
}


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("who", [TAXPAYER, AGENT])
def test_who_may_do_what_in_which_phase(phase: Callable[[], Desk], deed: str, who: str) -> None:
    desk = phase()
    assert desk.assistance == phase.__name__
    expected = OUTCOMES[deed][0 if who == TAXPAYER else 1][PHASES.index(phase)]
    assert desk.refusal(DEEDS[deed](who)) == expected


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
def test_the_grant_of_each_phase(phase: Callable[[], Desk]) -> None:
    desk = phase()
    may = phase in (accepted, sharing, paused)
    assert desk.engine.grants == {TAXPAYER: SCREEN if may else frozenset(), AGENT: frozenset()}


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
@pytest.mark.parametrize("source", Source)
def test_an_agent_may_publish_nothing_of_it_ever(phase: Callable[[], Desk], source: Source) -> None:
    desk = phase()
    refused = desk.refusal(c.OfferMedia(AGENT, frozenset({source}), fresh=True))
    assert refused is ErrorCode.OUTSIDE_GRANT


def test_a_busy_agent() -> None:
    assert idle().refusal(c.RequestAssistance(TAXPAYER, seat_free=False)) is ErrorCode.AGENT_BUSY


def test_an_agent_who_left() -> None:
    desk = idle()
    desk.do(c.MemberDisconnected(AGENT))
    desk.advance(desk.settings.reconnect_grace_ms)
    assert desk.refusal(c.RequestAssistance(TAXPAYER)) is ErrorCode.AGENT_OFFLINE


def test_ringing_has_a_deadline_and_ends_at_it() -> None:
    desk = requested()
    assert desk.state.assistance.deadline == desk.now_ms + desk.settings.ring_timeout_ms
    desk.advance(desk.settings.ring_timeout_ms - 1)
    assert desk.assistance == "requested"
    desk.advance(1)
    assert desk.state.assistance.end_reason is EndReason.RING_TIMEOUT
    assert desk.state.assistance.ended_by is None
    assert desk.timers == {}


@pytest.mark.parametrize(
    ("phase", "who", "reason"),
    [
        (requested, TAXPAYER, EndReason.CANCELLED),
        (requested, AGENT, EndReason.DECLINED),
        (accepted, TAXPAYER, EndReason.HUNG_UP),
        (sharing, AGENT, EndReason.HUNG_UP),
        (paused, TAXPAYER, EndReason.HUNG_UP),
    ],
)
def test_hanging_up_says_what_it_meant(phase: Callable[[], Desk], who: str, reason: EndReason) -> None:
    desk = phase()
    desk.do(c.HangUpAssistance(who))
    assert (desk.state.assistance.end_reason, desk.state.assistance.ended_by) == (reason, who)


def test_the_end_takes_the_media_before_it_tells_and_gives_the_seat_back_last() -> None:
    desk = sharing()
    effects = desk.do(c.HangUpAssistance(AGENT))
    kinds = [type(effect) for effect in effects]
    assert kinds.index(SetGrant) < kinds.index(TellAssistance) < kinds.index(ReleaseSeat)
    assert ReleaseSeat(SessionKind.ASSISTANCE, AGENT) in effects
    assert SetGrant(TAXPAYER, frozenset(), narrows=True) in effects


@pytest.mark.parametrize("problem", DeviceProblem)
def test_a_problem_before_sharing_leaves_it_open_to_try_again(problem: DeviceProblem) -> None:
    desk = accepted()
    desk.do(c.ReportAssistanceProblem(TAXPAYER, problem))
    assert (desk.assistance, desk.state.assistance.problem) == ("accepted", problem)
    desk.send(TAXPAYER, Source.SCREEN)
    assert (desk.assistance, desk.state.assistance.problem) == ("sharing", None)


@pytest.mark.parametrize("phase", [sharing, paused])
@pytest.mark.parametrize("problem", DeviceProblem)
def test_a_problem_while_sharing(phase: Callable[[], Desk], problem: DeviceProblem) -> None:
    desk = phase()
    desk.do(c.ReportAssistanceProblem(TAXPAYER, problem))
    if problem in (DeviceProblem.PICKER_CANCELLED, DeviceProblem.PERMISSION_DENIED):
        assert desk.assistance == phase.__name__, "changing the source failed, the old one goes on"
    else:
        assert (desk.assistance, desk.state.assistance.problem) == ("accepted", problem)


def test_sharing_begins_with_the_first_packet_and_not_with_the_offer() -> None:
    desk = accepted()
    desk.offer(TAXPAYER, {Source.SCREEN})
    assert desk.assistance == "accepted"
    desk.advance(500)
    desk.do(c.TrackStarted(TAXPAYER, Source.SCREEN))
    assert desk.assistance == "sharing"
    assert desk.state.assistance.started_at == desk.now_ms


def test_a_share_stopped_by_the_browser_and_started_again_on_the_same_track() -> None:
    desk = sharing()
    started_at = desk.state.assistance.started_at
    desk.do(c.ReportAssistanceProblem(TAXPAYER, DeviceProblem.CAPTURE_ENDED))
    assert desk.assistance == "accepted"
    desk.advance(5_000)
    desk.offer(TAXPAYER, {Source.SCREEN})
    assert desk.assistance == "sharing"
    assert desk.state.assistance.started_at == started_at


def test_a_new_connection_shares_with_its_own_first_packet() -> None:
    desk = sharing()
    desk.do(c.ReportAssistanceProblem(TAXPAYER, DeviceProblem.CAPTURE_ENDED))
    desk.offer(TAXPAYER, {Source.SCREEN}, fresh=True)
    assert desk.assistance == "accepted"
    desk.do(c.TrackStarted(TAXPAYER, Source.SCREEN))
    assert desk.assistance == "sharing"


def test_an_offer_without_the_screen_ends_the_share() -> None:
    desk = paused()
    desk.offer(TAXPAYER, ())
    assert desk.state.assistance.problem is DeviceProblem.CAPTURE_ENDED
    desk.send(TAXPAYER, Source.SCREEN)
    assert desk.assistance == "sharing", "what is picked anew is shown"


def test_a_pause_holds_the_screen_back_whatever_the_browser_asks() -> None:
    desk = sharing()
    assert SetMuted(TAXPAYER, Source.SCREEN, muted=True) in desk.do(c.PauseAssistance(TAXPAYER))
    desk.do(c.MuteSource(TAXPAYER, Source.SCREEN, muted=False))
    desk.offer(TAXPAYER, {Source.SCREEN}, fresh=True)
    desk.do(c.TrackStopped(TAXPAYER, Source.SCREEN))
    desk.do(c.TrackStarted(TAXPAYER, Source.SCREEN))
    assert desk.assistance == "paused"
    assert (TAXPAYER, Source.SCREEN) in desk.engine.muted
    desk.do(c.ResumeAssistance(TAXPAYER))
    assert (TAXPAYER, Source.SCREEN) not in desk.engine.muted


def test_resuming_keeps_a_mute_of_one_s_own() -> None:
    desk = sharing()
    desk.send(TAXPAYER, Source.SCREEN_AUDIO)
    desk.do(c.MuteSource(TAXPAYER, Source.SCREEN_AUDIO, muted=True))
    desk.do(c.PauseAssistance(TAXPAYER))
    desk.do(c.ResumeAssistance(TAXPAYER))
    assert desk.engine.muted == {(TAXPAYER, Source.SCREEN_AUDIO)}


def test_a_lost_network_during_sharing_is_no_end_of_the_capture() -> None:
    desk = sharing()
    desk.do(c.TrackStopped(TAXPAYER, Source.SCREEN))
    desk.do(c.TransportMoved(TAXPAYER, TransportKind.PUBLISH, TransportState.FAILED))
    assert desk.assistance == "sharing"
    desk.advance(desk.settings.media_lost_timeout_ms)
    assert desk.state.assistance.end_reason is EndReason.NETWORK_LOST
    assert desk.state.assistance.ended_by == TAXPAYER


def test_transports_nobody_needs_may_go() -> None:
    desk = sharing()
    desk.connect_media(AGENT, TransportKind.PUBLISH)
    desk.connect_media(TAXPAYER, TransportKind.SUBSCRIBE)
    desk.do(c.TransportMoved(AGENT, TransportKind.PUBLISH, TransportState.CLOSED))
    desk.do(c.TransportMoved(TAXPAYER, TransportKind.SUBSCRIBE, TransportState.FAILED))
    desk.advance(desk.settings.media_lost_timeout_ms * 2)
    assert desk.assistance == "sharing"


def test_the_end_is_final_until_a_new_request() -> None:
    desk = ended()
    shown = desk.state.assistance
    desk.do(c.TrackStarted(TAXPAYER, Source.SCREEN))
    desk.advance(10 * 60_000)
    assert desk.state.assistance == shown
    desk.do(c.RequestAssistance(TAXPAYER))
    assert desk.state.assistance.phase is AssistancePhase.REQUESTED
    assert desk.state.assistance.end_reason is None
    assert desk.state.assistance.started_at is None


def test_each_step_has_its_line() -> None:
    desk = paused()
    desk.do(c.ResumeAssistance(TAXPAYER))
    desk.do(c.HangUpAssistance(TAXPAYER))
    assert desk.said() == [
        "税务人员 101 为您服务。",
        "纳税人请求远程协助。",
        "税务人员 101 已接受远程协助。",
        "纳税人已开始分享屏幕。",
        "纳税人已暂停分享。",
        "纳税人已继续分享。",
        "远程协助已结束。",
    ]
