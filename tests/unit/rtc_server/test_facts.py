from __future__ import annotations

import pytest
import structlog
from structlog.testing import capture_logs

from rtc_server.facts import FactLog
from rtc_server.metrics import Metrics
from signaling.rooms.ports import Fact

FACT = Fact("assistance_ended", "r1", "p1", 1_795_257_844_000, "hung_up")


def test_a_fact_is_a_line_and_a_count() -> None:
    metrics = Metrics()
    with capture_logs() as lines:
        FactLog(metrics).record(FACT)
    (line,) = lines
    assert line["event"] == "assistance_ended"
    assert (line["room_id"], line["person_id"], line["reason"]) == ("r1", "p1", "hung_up")
    assert 'rtc_facts_total{kind="assistance_ended"} 1.0' in metrics.exposition().decode()


def test_recording_never_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = Metrics()
    monkeypatch.delattr(metrics, "facts")
    FactLog(metrics).record(FACT)
    structlog.reset_defaults()
