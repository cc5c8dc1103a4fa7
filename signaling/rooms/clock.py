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
        delay_s = max(0, at_ms - self.now_ms()) / 1000
        return asyncio.get_running_loop().call_later(delay_s, callback)
