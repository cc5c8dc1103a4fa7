"""Figures for Prometheus, in a registry of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from rtc_server.engine_metrics import EngineCollector
from rtc_server.records.writer import WriterState

_JOIN_BUCKETS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 2, 4, 8, 16)
_REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


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
        # Looking a label up takes longer than counting; both sets of labels are bounded by the protocol.
        self._request_counts = cache(self._requests.labels)
        self._request_times = cache(self._request_seconds.labels)
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
        count, time = self._request_counts(event, outcome), self._request_times(event)
        count.inc()
        time.observe(seconds)

    def joined(self, seconds: float) -> None:
        self._join_seconds.observe(seconds)

    def add_engine(self, read: Callable[[], Mapping[str, Any]]) -> None:
        """Show the figures of the packet engine, read at each scrape."""
        self.registry.register(EngineCollector(read))

    def add_records(self, read: Callable[[], WriterState]) -> None:
        """Show how far the database is behind the journal, read at each scrape."""
        for name, text, value in (
            ("rtc_records_waiting", "Journal entries not in the database yet", lambda: read().waiting),
            (
                "rtc_records_failing",
                "1 while the database takes nothing, else 0",
                lambda: int(read().failing),
            ),
            ("rtc_records_set_aside", "Entries the database refused for good", lambda: read().rejected),
            ("rtc_records_stored", "Entries stored since the start", lambda: read().stored),
        ):
            Gauge(name, text, registry=self.registry).set_function(value)

    def exposition(self) -> bytes:
        return generate_latest(self.registry)
