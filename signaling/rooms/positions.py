"""Telling thousands of people their place without keeping anybody else waiting: a small portion at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

_PORTION = 50


class Positions:
    """Whoever is to be told is told once, with the place of then."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._waiting: dict[str, None] = {}
        self._running = False

    def put(self, ticket_ids: Iterable[str]) -> None:
        self._waiting.update(dict.fromkeys(ticket_ids))
        if self._waiting and not self._running:
            self._running = True
            self._portion()

    def _portion(self) -> None:
        for ticket_id in list(self._waiting)[:_PORTION]:
            del self._waiting[ticket_id]
            self._tell(ticket_id)
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._portion)
        else:
            self._running = False
