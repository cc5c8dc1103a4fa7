"""Reads ``/metrics`` of a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

DROPPED = "rtc_engine_packets_dropped_total"


@dataclass(frozen=True, slots=True)
class Metrics:
    """One reading. Names as exposed, with their labels."""

    samples: Mapping[tuple[str, frozenset[tuple[str, str]]], float]

    def value(self, name: str, **labels: str) -> float:
        """The sum over every series of this name that has these labels; 0.0 when there is none."""
        wanted = frozenset(labels.items())
        return sum(value for (series, its), value in self.samples.items() if series == name and wanted <= its)

    def dropped(self, reason: str) -> float:
        return self.value(DROPPED, reason=reason)


async def read_metrics(url: str) -> Metrics:
    async with aiohttp.ClientSession() as http, http.get(f"{url}/metrics") as response:
        response.raise_for_status()
        text = await response.text()
    return Metrics(
        {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
    )
