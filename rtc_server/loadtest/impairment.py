"""What a line does to datagrams, as a rule without clock or socket: loss, delay, jitter, a rate with a bounded queue,
blackouts. Seeded: the same datagrams meet the same fate twice.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

DEFAULT_QUEUE_S = 0.3
"""What an access line buffers before it drops; home routers hold from 0.1 s to several seconds."""
_HEADERS = 28
"""IPv4 and UDP; a rate counts them."""


class Side(StrEnum):
    """Whose line it is."""

    TAXPAYER = "taxpayer"
    AGENT = "agent"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when, seconds after the measuring began. ``rate``: bit/s while it lasts; 0 is a blackout."""

    begin_s: float
    end_s: float
    rate: int = 0


@dataclass(frozen=True, slots=True)
class Impairment:
    """Of both directions of a line, each for itself."""

    loss: float = 0.0
    """Share of datagrams, each independently."""
    delay_s: float = 0.0
    jitter_s: float = 0.0
    """Up to so much more delay, without overtaking."""
    rate: int | None = None
    """bit/s."""
    queue_s: float = DEFAULT_QUEUE_S
    """What the rate makes wait longer than this is dropped."""
    windows: tuple[Window, ...] = ()
    side: Side = Side.TAXPAYER
    seed: int = 1

    def rate_at(self, now_s: float) -> int | None:
        """0 in a blackout, None for no limit."""
        rates = [window.rate for window in self.windows if window.begin_s <= now_s < window.end_s]
        return min(rates) if rates else self.rate


class ImpairmentInvalid(ValueError):
    """The text is not like ``loss=5%,delay=80ms,rate=1M``; says what is wrong with it."""


class Line:
    """One direction of one line. Times are seconds of any clock that does not go back; ``began_s`` is when the windows'
    time begins."""

    def __init__(self, impairment: Impairment, name: str) -> None:
        self._impairment = impairment
        self._random = random.Random(f"{impairment.seed}/{name}")  # noqa: S311 - no secret
        self._free_s = 0.0
        self._last_s = 0.0
        self.began_s: float | None = None
        self.passed = 0
        self.dropped = 0

    def arrival(self, now_s: float, size: int) -> float | None:
        """When a datagram of ``size`` bytes that enters now comes out; None when it does not."""
        what = self._impairment
        # Both drawn whatever becomes of it, so that one fate does not shift all that follow.
        lost, late_s = self._random.random() < what.loss, self._random.random() * what.jitter_s
        rate = what.rate_at(now_s - self.began_s) if self.began_s is not None else what.rate
        leaves_s = now_s
        if rate:
            waits_from_s = max(now_s, self._free_s)
            leaves_s = waits_from_s + (size + _HEADERS) * 8 / rate
            lost_in_queue = waits_from_s - now_s > what.queue_s
        else:
            lost_in_queue = rate == 0
        if lost or lost_in_queue:
            self.dropped += 1
            return None
        if rate:
            self._free_s = leaves_s
        self.passed += 1
        self._last_s = max(self._last_s, leaves_s + what.delay_s + late_s)
        return self._last_s


_NUMBER = r"(\d+(?:\.\d+)?)"
_TIMES = {"ms": 0.001, "s": 1.0}
_RATES = {"": 1, "k": 1_000, "M": 1_000_000}


def parse(text: str) -> Impairment:
    """``loss=5%,delay=80ms,jitter=20ms,rate=1M,queue=200ms,side=both,seed=7``, and what happens at a time:
    ``rate=500k@5s-15s``, ``blackout=3s@5s``. Raises ``ImpairmentInvalid``."""
    result = Impairment()
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, found, value = part.partition("=")
        if not found:
            raise ImpairmentInvalid(f"{part!r} is not name=value")
        result = _with(result, name, value)
    return result


def _with(result: Impairment, name: str, value: str) -> Impairment:
    value, _, when = value.partition("@")
    match name:
        case "loss":
            share = _match(rf"{_NUMBER}%", value, name)
            if float(share[1]) > 100:
                raise ImpairmentInvalid("loss is at most 100%")
            return replace(result, loss=float(share[1]) / 100)
        case "delay":
            return replace(result, delay_s=_time(value, name))
        case "jitter":
            return replace(result, jitter_s=_time(value, name))
        case "queue":
            return replace(result, queue_s=_time(value, name))
        case "rate" if not when:
            return replace(result, rate=_rate(value))
        case "rate":
            begin, _, end = when.partition("-")
            window = Window(_time(begin, "rate@"), _time(end, "rate@"), _rate(value))
        case "blackout":
            begin_s = _time(when, "blackout@")
            window = Window(begin_s, begin_s + _time(value, name))
        case "side" if value in set(Side):
            return replace(result, side=Side(value))
        case "seed" if value.isdecimal():
            return replace(result, seed=int(value))
        case _:
            raise ImpairmentInvalid(
                f"{name}={value} is not known: loss, delay, jitter, rate, queue, blackout, side, seed"
            )
    if window.end_s <= window.begin_s:
        raise ImpairmentInvalid(f"{name}={value}@{when} ends before it begins")
    return replace(result, windows=(*result.windows, window))


def _match(pattern: str, value: str, name: str) -> re.Match[str]:
    found = re.fullmatch(pattern, value)
    if found is None:
        raise ImpairmentInvalid(f"{name}: {value!r} cannot be read")
    return found


def _time(value: str, name: str) -> float:
    found = _match(rf"{_NUMBER}(ms|s)", value, name)
    return float(found[1]) * _TIMES[found[2]]


def _rate(value: str) -> int:
    found = _match(rf"{_NUMBER}([kM]?)", value, "rate")
    rate = int(float(found[1]) * _RATES[found[2]])
    if rate <= 0:
        raise ImpairmentInvalid("rate is above 0; for nothing at all say blackout")
    return rate


def described(impairment: Impairment | None) -> Mapping[str, object] | None:
    """For a report."""
    if impairment is None:
        return None
    return {
        "loss_percent": round(impairment.loss * 100, 2),
        "delay_ms": round(impairment.delay_s * 1000, 1),
        "jitter_ms": round(impairment.jitter_s * 1000, 1),
        "rate_bps": impairment.rate,
        "queue_ms": round(impairment.queue_s * 1000),
        "windows": [[w.begin_s, w.end_s, w.rate] for w in impairment.windows],
        "side": impairment.side.value,
        "seed": impairment.seed,
    }
