"""How what was received would have been seen and heard: frame rate, freezes, gaps, latency. Pure; times in seconds."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import pairwise
from typing import NamedTuple

FREEZE_S = 0.2
"""A picture that stands longer than this is a freeze: at 30 frames/s what W3C webrtc-stats counts in ``freezeCount``."""
PACKET_S = 0.02
MIN_BUFFER_S = 0.06
"""What a receiver keeps of audio before it plays, at least."""
MAX_BUFFER_S = 0.5


@dataclass(frozen=True, slots=True)
class Span:
    begin_s: float
    length_s: float


class Arrival(NamedTuple):
    """A video frame that could be decoded, or an audio packet. A tuple: a run makes millions of them while it measures."""

    at_s: float
    sequence: int
    latency_s: float | None
    bytes: int
    whole: bool = True
    """Its bytes are those that were sent."""


@dataclass(frozen=True, slots=True)
class VideoFigures:
    frames: int
    frames_per_s: float
    slowest_second: int
    """Frames in the second with the fewest."""
    freezes: tuple[Span, ...]
    bitrate: int
    damaged: int
    latencies_s: tuple[float, ...]

    @property
    def longest_freeze_s(self) -> float:
        return max((freeze.length_s for freeze in self.freezes), default=0.0)


@dataclass(frozen=True, slots=True)
class AudioFigures:
    packets: int
    lost: int
    gaps: tuple[Span, ...]
    """Runs of 20 ms for which there was nothing to play."""
    bitrate: int
    damaged: int
    latencies_s: tuple[float, ...] = field(default=())

    @property
    def longest_gap_s(self) -> float:
        return max((gap.length_s for gap in self.gaps), default=0.0)


def video(arrivals: Sequence[Arrival], begin_s: float, end_s: float) -> VideoFigures:
    """Of the time between. What stands at the beginning and at the end counts as standing."""
    inside = [one for one in arrivals if begin_s <= one.at_s <= end_s]
    moments = [begin_s, *(one.at_s for one in inside), end_s]
    freezes = tuple(
        Span(earlier, later - earlier) for earlier, later in pairwise(moments) if later - earlier > FREEZE_S
    )
    length_s = max(end_s - begin_s, 1e-9)
    return VideoFigures(
        frames=len(inside),
        frames_per_s=round(len(inside) / length_s, 2),
        slowest_second=_slowest_second(moments[1:-1], begin_s, end_s),
        freezes=freezes,
        bitrate=int(sum(one.bytes for one in inside) * 8 / length_s),
        damaged=sum(not one.whole for one in inside),
        latencies_s=tuple(one.latency_s for one in inside if one.latency_s is not None),
    )


def _slowest_second(moments: Sequence[float], begin_s: float, end_s: float) -> int:
    whole = int(end_s - begin_s)
    edges = [bisect_left(moments, begin_s + second) for second in range(whole + 1)]
    return min((later - earlier for earlier, later in pairwise(edges)), default=len(moments))


def audio(arrivals: Sequence[Arrival], begin_s: float, end_s: float) -> AudioFigures:
    """Played as an adaptive receiver does (as NetEQ: it stretches what it has while nothing comes, passes over what others
    have overtaken, and plays faster when it has too much). A gap is time in which there was nothing new to play.
    """
    inside = sorted((one for one in arrivals if begin_s <= one.at_s <= end_s), key=lambda one: one.at_s)
    length_s = max(end_s - begin_s, 1e-9)
    missing, gaps = _play(inside, end_s)
    return AudioFigures(
        packets=len(inside),
        lost=missing,
        gaps=tuple(gaps),
        bitrate=int(sum(one.bytes for one in inside) * 8 / length_s),
        damaged=sum(not one.whole for one in inside),
        latencies_s=tuple(one.latency_s for one in inside if one.latency_s is not None),
    )


def _play(inside: Sequence[Arrival], end_s: float) -> tuple[int, list[Span]]:
    if not inside:
        return 0, []
    buffer: list[int] = []
    turn = min(one.sequence for one in inside[:5])
    clock_s = inside[0].at_s + MIN_BUFFER_S
    coming, lost, stretched, gaps = 0, 0, 0, list[Span]()
    while clock_s < end_s:
        while coming < len(inside) and inside[coming].at_s <= clock_s:
            if inside[coming].sequence >= turn:
                heappush(buffer, inside[coming].sequence)
            coming += 1
        while buffer and buffer[0] < turn:
            heappop(buffer)
        # What is missing was stretched over for as long as it would have lasted: go on behind it.
        if buffer and buffer[0] - turn <= stretched:
            lost += buffer[0] - turn
            turn = heappop(buffer) + 1
            if stretched:
                gaps.append(Span(clock_s - stretched * PACKET_S, stretched * PACKET_S))
                stretched = 0
            if len(buffer) * PACKET_S > MAX_BUFFER_S:
                # Faster than it was spoken, inaudibly so: 20 ms are gained with every packet.
                continue
        else:
            stretched += 1
        clock_s += PACKET_S
    if stretched:
        gaps.append(Span(clock_s - stretched * PACKET_S, stretched * PACKET_S))
    return lost, gaps


def recovery_s(
    arrivals: Iterable[Arrival], after_s: float, steady: int = 5, spacing_s: float = 0.2
) -> float | None:
    """How long after a moment media was back: the first of ``steady`` arrivals in a row no further apart than ``spacing_s``.
    None when it never was."""
    run: list[float] = []
    for at_s in sorted(one.at_s for one in arrivals if one.at_s >= after_s):
        if run and at_s - run[-1] > spacing_s:
            run = []
        run.append(at_s)
        if len(run) == steady:
            return run[0] - after_s
    return None


def part(values: Iterable[float], share: float) -> float | None:
    """Nearest rank; None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
