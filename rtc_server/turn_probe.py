"""``rtc-server turn probe``: the relay as an operator asks for it, apart from a running server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.table import Table

from rtc_server.config import Settings
from rtc_server.relay import Relay, RelayError
from turn.probe import ProbeResult


def probe_urls(settings: Settings, secret: str | None, urls: Sequence[str] | None) -> Sequence[ProbeResult]:
    """Probe ``urls``, or those of the settings, with the settings' secret. Raises ``RelayError``."""
    if secret is None:
        raise RelayError("RTC_TURN_SECRET is needed to make credentials")
    chosen = tuple(urls or settings.turn.urls)
    if not chosen:
        raise RelayError("no relay to probe: say --url, e.g. --url turn:127.0.0.1:3478?transport=udp")
    return asyncio.run(_probe(settings, secret, chosen))


async def _probe(settings: Settings, secret: str, urls: tuple[str, ...]) -> Sequence[ProbeResult]:
    relay = Relay(settings, secret)
    relay.use_existing(urls)
    return await relay.probe_all()


def show(results: Sequence[ProbeResult], stream: TextIO, *, as_json: bool) -> None:
    rows = [
        {
            "url": result.endpoint.url,
            "ok": result.ok,
            "relayed_family": result.relayed_family,
            "rtt_ms": result.rtt_ms,
            "reason": result.reason,
        }
        for result in results
    ]
    if as_json:
        stream.write(json.dumps({"results": rows}) + "\n")
        return
    table = Table("url", "ok", "relayed", "rtt ms", "reason", box=None)
    for row in rows:
        cells = (
            row["url"],
            "yes" if row["ok"] else "no",
            row["relayed_family"],
            row["rtt_ms"],
            row["reason"],
        )
        table.add_row(*("-" if cell is None else str(cell) for cell in cells))
    Console(file=stream, highlight=False).print(table)
