"""Token buckets. Pure: the clock is handed in."""

from __future__ import annotations

import math

from signaling.settings import RateLimit


class TokenBucket:
    """Holds ``limit.burst`` tokens, gains ``limit.per_second``; each message takes one."""

    __slots__ = ("_at_ms", "_limit", "_tokens")

    def __init__(self, limit: RateLimit, now_ms: int) -> None:
        self._limit = limit
        self._tokens = float(limit.burst)
        self._at_ms = now_ms

    def take(self, now_ms: int) -> int | None:
        """None when a token was there, else the milliseconds until the next one is."""
        elapsed_ms = max(0, now_ms - self._at_ms)
        self._at_ms = max(self._at_ms, now_ms)
        gained = elapsed_ms * self._limit.per_second / 1000
        self._tokens = min(float(self._limit.burst), self._tokens + gained)
        if self._tokens >= 1:
            self._tokens -= 1
            return None
        return math.ceil((1 - self._tokens) / self._limit.per_second * 1000)

    def full(self, now_ms: int) -> bool:
        """Whether it may be forgotten: a new one would be the same."""
        gained = max(0, now_ms - self._at_ms) * self._limit.per_second / 1000
        return self._tokens + gained >= self._limit.burst
