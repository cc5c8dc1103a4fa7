"""The machine's clock keeps its word: a callback comes at its time of day, also when that time was set back meanwhile."""

from __future__ import annotations

import asyncio
import time

import pytest

from signaling.rooms.clock import SystemClock


async def test_a_clock_that_was_set_back_does_not_call_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock()
    real = time.time_ns
    called: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    at_ms = clock.now_ms() + 40
    clock.call_at(at_ms, lambda: called.set_result(clock.now_ms()))
    monkeypatch.setattr(time, "time_ns", lambda: real() - 60_000_000)
    assert await asyncio.wait_for(called, 5) >= at_ms


async def test_what_is_past_is_called_soon_and_a_cancelled_timer_never() -> None:
    clock = SystemClock()
    called = asyncio.Event()
    cancelled: list[str] = []
    clock.call_at(clock.now_ms() + 5, lambda: cancelled.append("called")).cancel()
    clock.call_at(clock.now_ms() - 1_000, called.set)
    assert not called.is_set(), "never from within the call"
    await asyncio.wait_for(called.wait(), 5)
    later = asyncio.Event()
    clock.call_at(clock.now_ms() + 20, later.set)
    await asyncio.wait_for(later.wait(), 5)
    assert cancelled == []
