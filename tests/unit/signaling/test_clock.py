"""The real clock of rooms, on the event loop the server runs on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

import pytest
import uvloop

from signaling.rooms.clock import SystemClock

TIMERS = 200


async def _early() -> list[int]:
    """By how many milliseconds each of many timers was early, set at all moments between two milliseconds."""
    clock, left, done, early = SystemClock(), TIMERS, asyncio.Event(), []

    def fired(at_ms: int) -> None:
        nonlocal left
        early.append(max(0, at_ms - clock.now_ms()))
        left -= 1
        if left == 0:
            done.set()

    for number in range(TIMERS):
        at_ms = clock.now_ms() + 5 + number % 7
        clock.call_at(at_ms, partial(fired, at_ms))
        await asyncio.sleep(0)
    await done.wait()
    return early


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_a_timer_never_fires_before_its_time(run: Callable[..., list[int]]) -> None:
    assert run(_early()) == [0] * TIMERS


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_a_cancelled_timer_does_not_fire(run: Callable[..., list[str]]) -> None:
    async def cancelled() -> list[str]:
        clock, fired, later = SystemClock(), [], asyncio.Event()
        clock.call_at(clock.now_ms() + 5, lambda: fired.append("cancelled")).cancel()
        clock.call_at(clock.now_ms() + 10, later.set)
        await later.wait()
        return fired

    assert run(cancelled()) == []


async def test_a_clock_that_was_set_back_does_not_call_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock()
    real = time.time_ns
    called: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    at_ms = clock.now_ms() + 40
    clock.call_at(at_ms, lambda: called.set_result(clock.now_ms()))
    monkeypatch.setattr(time, "time_ns", lambda: real() - 60_000_000)
    assert await asyncio.wait_for(called, 5) >= at_ms
