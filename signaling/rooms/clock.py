"""Time for rooms: real, or moved by a test."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class TimerHandle(Protocol):
    def cancel(self) -> None:
        """Idempotent."""


class Clock(Protocol):
    def now_ms(self) -> int:
        """Milliseconds since the epoch."""

    def call_at(self, at_ms: int, callback: Callable[[], None]) -> TimerHandle:
        """Call once, at ``at_ms`` or soon after; at once (not from within this call) when that is past."""


class SystemClock:
    """The machine's clock; the callbacks run in the running event loop."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def call_at(self, at_ms: int, callback: Callable[[], None]) -> TimerHandle:
        return _Timer(self, at_ms, callback)


class _Timer:
    """Never fires before its time: whoever set it would find that it is too early, and nothing would fire again.

    A loop's own timer does: uvloop counts whole milliseconds of a clock it has rounded down (libuv, ``uv_now``), so half
    of its timers are a millisecond early; and the machine's time can be set back.
    """

    __slots__ = ("_at_ms", "_callback", "_clock", "_handle")

    def __init__(self, clock: SystemClock, at_ms: int, callback: Callable[[], None]) -> None:
        self._clock = clock
        self._at_ms = at_ms
        self._callback = callback
        self._handle = self._wait()

    def cancel(self) -> None:
        self._handle.cancel()

    def _wait(self) -> asyncio.TimerHandle:
        delay_s = max(0, self._at_ms - self._clock.now_ms()) / 1000
        return asyncio.get_running_loop().call_later(delay_s, self._fire)

    def _fire(self) -> None:
        if self._clock.now_ms() < self._at_ms:
            self._handle = self._wait()
        else:
            self._callback()
