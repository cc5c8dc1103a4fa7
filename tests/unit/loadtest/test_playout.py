"""What is seen and heard of what was received."""

from __future__ import annotations

import pytest

from rtc_server.loadtest import playout
from rtc_server.loadtest.playout import Arrival

pytestmark = pytest.mark.unit


def came(moments: dict[int, float]) -> list[Arrival]:
    return [Arrival(at_s, sequence, 0.05, 100) for sequence, at_s in moments.items()]


def steady(count: int, every_s: float, without: set[int] = frozenset()) -> dict[int, float]:  # type: ignore[assignment]
    return {number: number * every_s for number in range(count) if number not in without}


def test_a_steady_picture_has_no_freeze() -> None:
    found = playout.video(came(steady(300, 1 / 30)), 0, 10)
    assert (found.frames_per_s, found.slowest_second, found.freezes) == (30.0, 30, ())
    assert found.bitrate == 300 * 100 * 8 // 10


def test_a_standing_picture_is_a_freeze_also_at_the_end() -> None:
    found = playout.video(came(steady(150, 1 / 30, set(range(60, 75)))), 0, 6)
    assert [round(one.length_s, 2) for one in found.freezes] == [0.53, 1.03]
    assert found.longest_freeze_s == pytest.approx(1.03, abs=0.01)
    assert found.slowest_second == 0


def test_nothing_at_all_is_one_freeze() -> None:
    assert playout.video([], 2, 5).longest_freeze_s == 3


def test_lost_packets_are_a_gap_as_long_as_they_were() -> None:
    found = playout.audio(came(steady(200, 0.02, {50, 51, 52, 100})), 0, 4)
    assert [round(gap.length_s, 3) for gap in found.gaps] == [0.06, 0.02]
    assert found.lost == 4


def test_a_late_packet_within_the_buffer_is_no_gap() -> None:
    moments = steady(200, 0.02)
    moments[50] += 0.05
    assert playout.audio(came(moments), 0, 4).gaps == ()


def test_after_a_stall_with_everything_lost_it_goes_on_where_the_others_are() -> None:
    found = playout.audio(came(steady(400, 0.02, set(range(100, 250)))), 0, 8)
    assert [round(gap.length_s, 2) for gap in found.gaps] == [3.0]
    assert found.lost == 150


def test_a_stall_that_delivers_everything_late_is_one_gap_and_loses_nothing() -> None:
    moments = {number: at_s if at_s < 2 or at_s > 2.5 else 2.5 for number, at_s in steady(400, 0.02).items()}
    found = playout.audio(came(moments), 0, 8)
    assert found.lost == 0
    assert len(found.gaps) == 1
    assert found.longest_gap_s == pytest.approx(0.44, abs=0.03)


def test_media_is_back_when_it_flows_not_when_one_packet_comes() -> None:
    moments = {0: 1.0, 1: 5.2} | {number: 6.0 + number * 0.04 for number in range(2, 20)}
    assert playout.recovery_s(came(moments), 5.0) == pytest.approx(1.08)
    assert playout.recovery_s(came(moments), 7.0) is None
