"""Chromium's own WebRTC as the media of a synthetic peer: real ICE, TURN and TCP of a browser, without our page.

The wire is spoken by Python; the browser makes offers and answers, sends numbered pictures and reads those it gets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from playwright.async_api import Page

from media.types import Source, TrackRef
from signaling.wire.views import IceServerView
from tests.harness.media_peer import MediaPort

SCRIPT = Path(__file__).with_name("browser_media.js")


@dataclass(frozen=True, slots=True)
class NetworkPath:
    """The selected candidate pair of a transport, from the browser's side (W3C WebRTC stats)."""

    type: str
    """``host``, ``prflx``, ``relay`` …"""
    protocol: str
    """``udp`` or ``tcp``: towards the server, for a relay from the relay on."""
    relay_protocol: str | None
    """``udp``, ``tcp`` or ``tls`` towards the relay."""
    remote_port: int | None
    state: str


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures: numbered ``first``, ``first`` + 1, … ``rate`` of them a second."""

    first: int = 0
    rate: int = 15
    width: int = 640
    height: int = 360


class BrowserMedia:
    """Both peer connections of one member, in a page of a real browser."""

    def __init__(self, page: Page, port: MediaPort) -> None:
        self._page = page
        self._port = port
        self._published = False
        self._slots: dict[str, TrackRef] = {}
        self._slot_news = asyncio.Event()

    @classmethod
    async def open(
        cls,
        page: Page,
        url: str,
        port: MediaPort,
        *,
        ice_servers: Sequence[IceServerView] = (),
        relay: bool = False,
    ) -> Self:
        """In a page of the server's origin (any will do). ``relay``: nothing but the relay may be used."""
        await page.goto(f"{url}/healthz")
        await page.evaluate(SCRIPT.read_text())
        servers = [server.model_dump(mode="json", exclude_none=True) for server in ice_servers]
        configuration: dict[str, Any] = {"iceServers": servers, "bundlePolicy": "max-bundle"}
        if relay:
            configuration["iceTransportPolicy"] = "relay"
        await page.evaluate("(configuration) => harness.open(configuration)", configuration)
        return cls(page, port)

    async def publish(self, source: Source, pictures: Pictures) -> None:
        offer = await self._page.evaluate("(pictures) => harness.offer(pictures)", asdict(pictures))
        answer = await self._port.publish(offer["sdp"], [(offer["mid"], source)], not self._published)
        self._published = True
        await self._page.evaluate("(sdp) => harness.accept(sdp)", answer)

    async def subscribe(self) -> None:
        offer, slots = await self._port.subscribe(fresh=True)
        for slot in slots:
            self.slot_changed(slot.mid, slot.publisher_id, slot.source)
        answer = await self._page.evaluate("(sdp) => harness.answer(sdp)", offer)
        await self._port.answer(answer)

    def slot_changed(self, mid: str, publisher_id: str | None, source: Source | None) -> None:
        if publisher_id is None or source is None:
            self._slots.pop(mid, None)
        else:
            self._slots[mid] = TrackRef(publisher_id, source)
        self._slot_news.set()

    async def more_pictures(
        self, publisher_id: str, source: Source, count: int = 10, within: float = 20
    ) -> list[int]:
        """Until ``count`` more readable pictures of a track have come: the numbers of all of them."""
        wanted = TrackRef(publisher_id, source)
        try:
            async with asyncio.timeout(within):
                while wanted not in self._slots.values():
                    self._slot_news.clear()
                    await self._slot_news.wait()
                mid = next(mid for mid, carried in self._slots.items() if carried == wanted)
                numbers = await self._page.evaluate(
                    "([mid, count]) => harness.more(mid, count)", [mid, count]
                )
        except TimeoutError:
            paths = [await self.path(name) for name in ("publisher", "subscriber")]
            raise TimeoutError(f"not within {within} s; {paths}; {self._slots}") from None
        return list(numbers)

    async def path(self, name: str) -> NetworkPath | None:
        """Of ``publisher`` or ``subscriber``; None before there is one."""
        found = await self._page.evaluate("(name) => harness.path(name)", name)
        return NetworkPath(**found) if found else None

    async def connection_state(self, name: str, wanted: str, within: float = 30) -> None:
        """Until ``publisher`` or ``subscriber`` is in this RTCPeerConnectionState."""
        async with asyncio.timeout(within):
            await self._page.evaluate("([name, wanted]) => harness.reached(name, wanted)", [name, wanted])

    async def close(self) -> None:
        await self._page.evaluate("() => harness.close()")
