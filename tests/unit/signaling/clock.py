"""Time that a test moves."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Timer:
    callback: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass(slots=True)
class ManualClock:
    """``rooms.clock.Clock`` whose time stands until ``advance`` is called."""

    at_ms: int = 1_700_000_000_000
    _timers: list[tuple[int, int, _Timer]] = field(default_factory=list)
    _count: int = 0

    def now_ms(self) -> int:
        return self.at_ms

    def call_at(self, at_ms: int, callback: Callable[[], None]) -> _Timer:
        timer = _Timer(callback)
        self._count += 1
        heapq.heappush(self._timers, (at_ms, self._count, timer))
        return timer

    def advance(self, ms: int) -> None:
        """Fire in order every timer due within the next ``ms``."""
        until = self.at_ms + ms
        while self._timers and self._timers[0][0] <= until:
            at_ms, _, timer = heapq.heappop(self._timers)
            self.at_ms = max(self.at_ms, at_ms)
            if not timer.cancelled:
                timer.callback()
        self.at_ms = until

    def pending(self) -> int:
        """Timers that would still fire."""
        return sum(not timer.cancelled for _, _, timer in self._timers)
