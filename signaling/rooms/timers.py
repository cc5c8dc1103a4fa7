"""The timers of a room, one a key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from signaling.rooms.clock import Clock, TimerHandle

K = TypeVar("K")


@dataclass(slots=True)
class _Timer:
    """``at_ms``: when it is wanted, which may be later than ``fires_at``, when its handle fires."""

    at_ms: int
    fires_at: int
    handle: TimerHandle


class RoomTimers(Generic[K]):
    """``fire`` is called with the key of a timer that is due.

    Every line of a conversation moves its silence further away. A timer that moves away is not made anew: it looks when
    it fires whether it is wanted later.
    """

    def __init__(self, clock: Clock, fire: Callable[[K], None]) -> None:
        self._clock = clock
        self._fire = fire
        self._timers: dict[K, _Timer] = {}

    def set(self, key: K, at_ms: int) -> None:
        """In milliseconds since the epoch; instead of what was set before for the same key."""
        known = self._timers.get(key)
        if known is not None and at_ms >= known.fires_at:
            known.at_ms = at_ms
            return
        self.cancel(key)
        self._start(key, at_ms)

    def cancel(self, key: K) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.handle.cancel()

    def cancel_all(self) -> None:
        for key in list(self._timers):
            self.cancel(key)

    def _start(self, key: K, at_ms: int) -> None:
        self._timers[key] = _Timer(at_ms, at_ms, self._clock.call_at(at_ms, lambda: self._look(key)))

    def _look(self, key: K) -> None:
        timer = self._timers.pop(key)
        if timer.at_ms > timer.fires_at:
            self._start(key, timer.at_ms)
        else:
            self._fire(key)
