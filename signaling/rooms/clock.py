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
    """The event loop counts by a monotonic clock, rooms by the time of day. Where the latter was set or slewed back
    meanwhile (NTP), the callback would come too early, be passed over by rules that look at the time, and never come again."""

    def __init__(self, clock: SystemClock, at_ms: int, callback: Callable[[], None]) -> None:
        self._clock = clock
        self._at_ms = at_ms
        self._callback = callback
        self._handle = self._arm()

    def cancel(self) -> None:
        self._handle.cancel()

    def _arm(self) -> asyncio.TimerHandle:
        delay_s = max(0, self._at_ms - self._clock.now_ms()) / 1000
        return asyncio.get_running_loop().call_later(delay_s, self._fire)

    def _fire(self) -> None:
        if self._clock.now_ms() < self._at_ms:
            self._handle = self._arm()
        else:
            self._callback()
