"""Figures for Prometheus, in a registry of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_JOIN_BUCKETS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 2, 4, 8, 16)
_REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

log = structlog.get_logger(__name__)


class Metrics:
    """Implements ``signaling.rooms.ports.SignalingMetrics``."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._connections = Gauge("rtc_connections", "Signalling connections", registry=self.registry)
        self._interactions = Gauge("rtc_interactions", "Open interactions", registry=self.registry)
        self._requests = Counter(
            "rtc_requests",
            "Signalling requests by event and outcome",
            ["event", "outcome"],
            registry=self.registry,
        )
        self._request_seconds = Histogram(
            "rtc_request_seconds",
            "Time to answer a signalling request",
            ["event"],
            buckets=_REQUEST_BUCKETS,
            registry=self.registry,
        )
        self._join_seconds = Histogram(
            "rtc_join_seconds",
            "From media.publish or media.subscribe to the transport being connected",
            buckets=_JOIN_BUCKETS,
            registry=self.registry,
        )
        self.facts = Counter("rtc_facts", "Session facts by kind", ["kind"], registry=self.registry)
        self.relay_up = Gauge(
            "rtc_relay_up",
            "1 when the last probe of the relay made an allocation, else 0",
            registry=self.registry,
        )

    def connections(self, delta: int) -> None:
        self._connections.inc(delta)

    def interactions(self, delta: int) -> None:
        self._interactions.inc(delta)

    def request(self, event: str, outcome: str, seconds: float) -> None:
        self._requests.labels(event, outcome).inc()
        self._request_seconds.labels(event).observe(seconds)

    def joined(self, seconds: float) -> None:
        self._join_seconds.observe(seconds)

    def add_engine(self, read: Callable[[], dict[str, Any]]) -> None:
        """Show the figures of the packet engine, read at each scrape."""
        self.registry.register(EngineCollector(read))

    def exposition(self) -> bytes:
        return generate_latest(self.registry)


class EngineCollector(Collector):
    """The engine's JSON as Prometheus series."""

    def __init__(self, read: Callable[[], dict[str, Any]]) -> None:
        self._read = read

    def describe(self) -> list[Metric]:
        """Empty: the registry need not read the engine to register us."""
        return []

    def collect(self) -> Iterator[Metric]:
        yield from _families(self._read())


def _families(figures: dict[str, Any]) -> Iterator[Metric]:
    for name in sorted(figures):
        value = figures[name]
        if isinstance(value, int | float):
            yield GaugeMetricFamily(f"rtc_engine_{name}", "Figure of the packet engine", value=value)
        elif isinstance(value, dict):
            family = CounterMetricFamily(
                f"rtc_engine_{name}", "Figure of the packet engine", labels=["reason"]
            )
            for reason, count in sorted(value.items()):
                if isinstance(count, int | float):
                    family.add_metric([reason], count)
            yield family
