"""The page for operators says what the program does."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from rtc_server.config import Settings, TrustedIssuer
from rtc_server.engine_metrics import PREFIX, families
from rtc_server.identity.tokens import REQUIRED_CLAIMS, Claims
from rtc_server.metrics import Metrics

PAGE = (Path(__file__).parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")


def test_every_setting_is_there() -> None:
    names = []
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            names += [f"{name}.{inner}" for inner in section.model_fields]
        else:
            names.append(name)
    names += TrustedIssuer.model_fields
    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_every_claim_is_there() -> None:
    claims = {*REQUIRED_CLAIMS, *Claims.model_fields}
    assert [claim for claim in sorted(claims) if f"`{claim}`" not in PAGE] == []


def test_every_series_named_exists() -> None:
    figures = {"rooms": 0, "packets_dropped": {"muted": 1}, "workers": [], "nacks_in": 0, "worker_panics": 0}
    known = {family.name for family in Metrics().registry.collect()} | {f.name for f in families(figures)}
    for name in ("rtc_connections", "rtc_interactions", "rtc_requests", "rtc_join_seconds", "rtc_relay_up"):
        assert name in known
        assert name in PAGE
    for name in ("rooms", "packets_dropped", "loop_seconds", "forward_seconds"):
        assert f"{PREFIX}_{name}" in known
        assert f"{PREFIX}_{name}" in PAGE
