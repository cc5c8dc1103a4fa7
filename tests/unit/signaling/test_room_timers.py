"""Timers of a room: each fires once, at the last time that was set, and never before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from signaling.rooms.timers import RoomTimers
from signaling.sessions.effects import TimerKey, TimerKind
from tests.unit.signaling.clock import ManualClock

KEYS = [TimerKey(TimerKind.SILENCE), TimerKey(TimerKind.CALL), TimerKey(TimerKind.RECONNECT, "taxpayer01")]

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.sampled_from(KEYS), st.integers(0, 50)),
        st.tuples(st.just("cancel"), st.sampled_from(KEYS), st.just(0)),
        st.tuples(st.just("advance"), st.sampled_from(KEYS), st.integers(0, 30)),
    ),
    max_size=40,
)


@given(STEPS)
def test_each_fires_once_at_the_time_set_last(steps: list[tuple[str, TimerKey, int]]) -> None:
    clock = ManualClock()
    fired: list[tuple[TimerKey, int]] = []
    timers = RoomTimers(clock, lambda key: fired.append((key, clock.now_ms())))
    wanted: dict[TimerKey, int] = {}
    expected: set[tuple[TimerKey, int]] = set()

    def pass_time(ms: int) -> None:
        clock.advance(ms)
        for key, at_ms in list(wanted.items()):
            if at_ms <= clock.now_ms():
                expected.add((key, at_ms))
                del wanted[key]

    for what, key, ms in steps:
        if what == "set":
            wanted[key] = clock.now_ms() + 1 + ms
            timers.set(key, wanted[key])
        elif what == "cancel":
            wanted.pop(key, None)
            timers.cancel(key)
        else:
            pass_time(ms)
    pass_time(100)
    assert set(fired) == expected
    assert len(fired) == len(expected)


def test_one_that_moves_away_is_not_made_anew() -> None:
    clock = ManualClock()
    fired: list[TimerKey] = []
    timers = RoomTimers(clock, fired.append)
    for _ in range(1_000):
        timers.set(KEYS[0], clock.now_ms() + 10_000)
        clock.advance(1)
    assert clock.pending() == 1
    clock.advance(9_998)
    assert not fired
    clock.advance(1)
    assert fired == [KEYS[0]]


def test_none_fires_after_all_were_cancelled() -> None:
    clock = ManualClock()
    fired: list[TimerKey] = []
    timers = RoomTimers(clock, fired.append)
    for key in KEYS:
        timers.set(key, clock.now_ms() + 10)
    timers.cancel_all()
    clock.advance(100)
    assert not fired
    assert clock.pending() == 0
