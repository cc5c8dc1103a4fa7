"""Token buckets. Pure: the clock is handed in."""

from __future__ import annotations

import math

from signaling.settings import RateLimit

_MAX_BUCKETS = 10_000


class Buckets:
    """One for each who is known by a name; those that would be full again are forgotten when there are many."""

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._buckets: dict[str, TokenBucket] = {}

    def of(self, name: str, now_ms: int) -> TokenBucket:
        if len(self._buckets) > _MAX_BUCKETS:
            self._buckets = {n: b for n, b in self._buckets.items() if not b.full(now_ms)}
        return self._buckets.setdefault(name, TokenBucket(self._limit, now_ms))


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

    def wait_ms(self, now_ms: int) -> int | None:
        """As ``take``, which it does not do."""
        gained = max(0, now_ms - self._at_ms) * self._limit.per_second / 1000
        missing = 1 - self._tokens - gained
        return math.ceil(missing / self._limit.per_second * 1000) if missing > 0 else None

    def full(self, now_ms: int) -> bool:
        """Whether it may be forgotten: a new one would be the same."""
        gained = max(0, now_ms - self._at_ms) * self._limit.per_second / 1000
        return self._tokens + gained >= self._limit.burst
