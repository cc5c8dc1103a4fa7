"""Figures and thresholds of a call run, its page, and what it refuses."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from media.types import Source
from rtc_server.loadtest import call, figures
from rtc_server.loadtest.call import CallRefused, Course, EndpointKind, Kind, Look, Plan, Way, progress
from rtc_server.loadtest.callers import Caller, Group
from rtc_server.loadtest.figures import Thresholds
from rtc_server.loadtest.impairment import Impairment, Window
from rtc_server.loadtest.page import page
from rtc_server.loadtest.playout import Arrival

pytestmark = pytest.mark.unit


def course(*, silent: bool = False, frozen: tuple[float, float] = (0, 0)) -> Course:
    """Ten seconds in which a taxpayer showed a screen to an agent."""
    began = time.monotonic()
    done = Course(Plan(kind=Kind.ASSIST, rooms=1), began, measured_from=began + 1, measured_to=began + 11)
    group = Group(0, Caller("taxpayer"), Caller("agent"), joined=True)
    group.publishes = {"taxpayer": (Source.SCREEN,)}
    for one in group.people:
        one.times.sign_in_s, one.times.accepted_at, one.times.joined_at = 0.02, began + 0.1, began + 0.3
    done.groups.append(group)
    for number in range(0 if silent else 165):
        at = number / 15
        if not frozen[0] <= at < frozen[1]:
            arrival = Arrival(began + at + 0.2, number, 0.03, 2_000)
            done.heard.add("agent", "taxpayer", "screen", arrival, video=True)
    done.looks = [
        Look(at, 2, at * 0.25, at * 0.1, 100 + at, at * 0.5, int(at * 30_000), int(at * 15))
        for at in (0.0, 1.0, 6.0, 11.0)
    ]
    done.reports = [
        {"peer": "agent", "key_frames_asked": 1, "receptions": [
            {"mid": "1", "packets": 990, "missing": 10, "nacks": 3, "jitter_ms": 2.0}]}
    ]  # fmt: skip
    done.tapped = [1, 2, 3]
    return done


def test_figures_of_a_good_run() -> None:
    found = figures.figures(course())
    assert (found.joined, found.tracks_expected, found.tracks_received) == (1, 1, 1)
    assert found.frames_per_s == pytest.approx(15, abs=0.2)
    assert (found.freezes, found.damaged, found.loss_percent) == (0, 0, 1.0)
    assert found.join_p95_ms == pytest.approx(200)
    assert found.first_frame_p95_ms == pytest.approx(100, abs=1)
    assert found.latency_video_p95_ms == pytest.approx(30)
    assert (found.server_processor, found.server_media_processor, found.client_processor) == (0.25, 0.1, 0.5)
    assert found.bitrate == 240_000
    assert figures.missed(found, Thresholds()) == []
    assert "frames_per_s" in figures.table(found)


def test_each_threshold_speaks() -> None:
    found = figures.figures(course(frozen=(4, 5.5)))
    strict = Thresholds(0.5, 100, 50, 10, 20, 1000, None, 2000)
    told = " ".join(figures.missed(found, strict))
    for name in (
        "loss_percent",
        "join_p95",
        "first_frame",
        "latency",
        "frames_per_s_lowest",
        "freeze",
        "recovery",
    ):
        assert name in told
    assert figures.missed(found, Thresholds(2, 1000, 1000, 100, 10, 2000, 100, None)) == []


def test_a_track_that_never_came_is_a_fault_without_any_threshold() -> None:
    told = figures.missed(figures.figures(course(silent=True)), Thresholds())
    assert told == ["received 0 of 1 tracks"]


def test_damage_and_a_room_that_did_not_join_are_faults() -> None:
    done = course()
    done.tapped = [1, None]
    done.groups.append(Group(1, Caller("a"), Caller("b"), failure="WireFailed: agent_offline"))
    found = figures.figures(replace(done, plan=replace(done.plan, rooms=2)))
    assert figures.missed(found, Thresholds()) == ["joined 1 of 2 rooms", "damaged 0, unreadable 1"]
    assert found.failures == {"WireFailed: agent_offline": 1}


def test_recovery_is_told_after_a_disturbance_alone() -> None:
    done = course(frozen=(4, 7.5))
    assert figures.figures(done).recovery_ms is None
    done.plan = replace(done.plan, impairment=Impairment(windows=(Window(3, 6),)))
    assert figures.figures(done).recovery_ms == pytest.approx(700, abs=80)


def test_the_page_needs_nothing_from_outside() -> None:
    done = course()
    found = figures.figures(done)
    text = page([("loss <10 %>", done, found, ["too <slow>"])])
    assert "http" not in text
    assert "<script" not in text
    assert "&lt;slow&gt;" in text
    assert text.count("<svg") >= 7


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (Plan(kind=Kind.MEETING, peers=51), "peers_invalid"),
        (Plan(kind=Kind.MEETING, peers=1), "peers_invalid"),
        (Plan(kind=Kind.MEETING, way=Way.QUEUE), "way_invalid"),
        (Plan(kind=Kind.THREE_PARTY), "peers_invalid"),
        (Plan(peers=3), "peers_invalid"),
        (Plan(people_per_s=0), "plan_invalid"),
        (Plan(rooms=0), "plan_invalid"),
    ],
)
def test_what_cannot_be_run_is_refused_with_a_code(plan: Plan, code: str) -> None:
    with pytest.raises(CallRefused, match=f"^{code}: "):
        plan.check()


def test_a_second_implementation_that_is_not_installed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(endpoint=EndpointKind.AIORTC)
    plan.check()
    monkeypatch.setattr(call, "find_spec", lambda _: None)
    with pytest.raises(CallRefused, match=r"^aiortc_missing: "):
        plan.check()


def test_progress_is_told_in_rates() -> None:
    before, now = Look(1, 1, 0.0, 0.0, 90, 0, 0, 0), Look(2, 4, 0.5, 0.1, 91, 0, 250_000, 60)
    line = progress(before, now, 4)
    assert "4/4 peers" in line
    assert "60 frames/s" in line
    assert "2.00 Mbit/s" in line
    assert "50 % of a core" in line
