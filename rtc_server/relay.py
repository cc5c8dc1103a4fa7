"""The relay as the application uses it: who gets credentials for which addresses, and how it is doing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rtc_server.config import Settings
from signaling.rooms.ports import IceServer
from turn import credentials


class Relay:
    """Implements ``signaling.rooms.ports.IceServerSource``."""

    def __init__(self, settings: Settings, secret: str | None, *, up: Callable[[float], None]) -> None:
        self._settings = settings
        self._secret = secret
        self._urls: tuple[str, ...] = settings.turn.urls

    def ice_servers(self, person_id: str) -> Sequence[IceServer]:
        if self._secret is None or not self._urls:
            return []
        issued = credentials.issue(
            self._secret,
            credentials.pseudonym(self._secret, person_id),
            now=time.time(),
            lifetime_s=self._settings.turn.credential_lifetime_s,
        )
        return [IceServer(self._urls, issued.username, issued.password)]

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def report(self) -> Mapping[str, Any]:
        return {"ok": None}
