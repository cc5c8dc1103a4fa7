"""Facts of sessions as log lines and counts."""

from __future__ import annotations

import structlog

from rtc_server.metrics import Metrics
from signaling.rooms.ports import Fact

log = structlog.get_logger("rtc_server.facts")


class FactLog:
    """Implements ``signaling.rooms.ports.Recorder``."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def record(self, fact: Fact) -> None:
        try:
            self._metrics.facts.labels(fact.kind).inc()
            log.info(
                fact.kind,
                room_id=fact.interaction_id,
                person_id=fact.person_id,
                at_ms=fact.at_ms,
                reason=fact.reason,
            )
        except Exception:  # the port promises never to raise: a session must not end for its log
            log.exception("fact_lost")
