"""The packet engine's JSON figures as Prometheus series, read at each scrape without stopping a worker."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import structlog
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    UnknownMetricFamily,
)
from prometheus_client.registry import Collector

PREFIX = "rtc_engine"

GAUGES: Mapping[str, str] = MappingProxyType(
    {
        "rooms": "Media rooms",
        "peers": "Peers in media rooms",
        "sessions": "Transports: a peer has one to publish and one to subscribe",
        "tcp_connections": "ICE-TCP connections",
    }
)
COUNTERS: Mapping[str, str] = MappingProxyType(
    {
        "packets_in": "Datagrams and TCP frames received",
        "bytes_in": "Bytes received",
        "packets_out": "Datagrams and TCP frames sent",
        "bytes_out": "Bytes sent",
        "rtp_in": "RTP packets taken from publishers",
        "rtp_out": "RTP packets written for subscribers, retransmissions included",
        "nacks_in": "Packets subscribers asked again for (RFC 4585)",
        "retransmissions": "Packets sent again (RFC 4588)",
        "key_frames_asked": "Key frame requests of subscribers (PLI, FIR)",
        "key_frames_requested": "Key frame requests sent to publishers",
        "sessions_failed": "Transports closed by a fault of the engine",
        "turns": "Turns of the workers' loops",
        "wait_calls": "System calls that wait for sockets",
        "receive_calls": "System calls that receive",
        "send_calls": "System calls that send",
        "sent_messages": "Messages given to the kernel; a run of segments is one",
        "send_blocked": "Times a socket took no more",
        "segmentation_refused": "Runs the kernel would not segment",
        "tcp_accepted": "ICE-TCP connections accepted",
        "tcp_refused": "ICE-TCP connections refused",
        "tcp_packets_in": "Frames received over ICE-TCP",
        "tcp_packets_out": "Frames sent over ICE-TCP",
        "worker_panics": "Faults a worker survived",
        "stats_dropped": "Statistics events dropped because the queue was full",
    }
)
HISTOGRAMS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "loop_us": ("loop_seconds", "Busy time of a turn of a worker's loop"),
        "time_in_engine_us": ("forward_seconds", "From receiving a packet to having sent it on"),
    }
)
"""By the name of the engine's buckets: ours, and what they hold. The sum is taken from bucket bounds, within 1/8."""
BOUNDS_US = (25, 50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 51_200, 204_800, 1_638_400)

log = structlog.get_logger(__name__)


class EngineCollector(Collector):
    """Implements a collector over ``media.control.MediaControl.metrics``."""

    def __init__(self, read: Callable[[], Mapping[str, Any]]) -> None:
        self._read = read

    def describe(self) -> list[Metric]:
        """Empty: the registry need not ask the engine to take us in."""
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            figures = self._read()
        except Exception as error:  # a scrape must still show the other figures
            log.warning("engine_figures_failed", error=type(error).__name__)
            return
        yield from families(figures)


def families(figures: Mapping[str, Any]) -> Iterator[Metric]:
    """Every figure as a family; those without a name here are shown untyped rather than lost."""
    for name, value in figures.items():
        if name == "workers":
            yield from _histograms(value)
        elif name == "packets_dropped":
            yield _drops(value)
        elif name in GAUGES:
            yield GaugeMetricFamily(f"{PREFIX}_{name}", GAUGES[name], value=value)
        elif name in COUNTERS:
            yield CounterMetricFamily(f"{PREFIX}_{name}", COUNTERS[name], value=value)
        elif isinstance(value, int | float) and not name.startswith(tuple(HISTOGRAMS)):
            yield UnknownMetricFamily(f"{PREFIX}_{name}", "Figure of the packet engine", value=value)


def _drops(reasons: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"{PREFIX}_packets_dropped", "Packets dropped, by reason", labels=["reason"])
    for reason, count in reasons.items():
        family.add_metric([reason], count)
    return family


def _histograms(workers: list[Mapping[str, Any]]) -> Iterator[Metric]:
    for source, (name, text) in HISTOGRAMS.items():
        family = HistogramMetricFamily(f"{PREFIX}_{name}", text, labels=["worker"])
        for index, worker in enumerate(workers):
            buckets, total_s = cumulative(worker.get(source, []))
            family.add_metric([str(index)], buckets, total_s)
        yield family


def cumulative(buckets: list[tuple[int, int]]) -> tuple[list[tuple[str, float]], float]:
    """(upper bound in µs, count) as Prometheus' cumulative buckets over ``BOUNDS_US``, and the sum in seconds.
    A value counts for the first of our bounds that is not below the upper bound of its own bucket."""
    counts = [0] * (len(BOUNDS_US) + 1)
    total_us = 0
    for bound, count in buckets:
        counts[bisect_left(BOUNDS_US, bound)] += count
        total_us += bound * count
    result: list[tuple[str, float]] = []
    seen = 0
    for limit, count in zip([*(str(bound / 1e6) for bound in BOUNDS_US), "+Inf"], counts, strict=True):
        seen += count
        result.append((limit, float(seen)))
    return result, total_us / 1e6
