"""Two browsers at one server: ``near`` with a line that is always good, ``far`` with a network of its own that is not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, async_playwright

from tests.e2e.counter import first_frames, now
from tests.e2e.people import Person
from tests.harness.browser import DESKTOP, FAKE_MEDIA, launch
from tests.harness.one_port import free_port
from tests.harness.own_network import SERVER_IP, OwnNetwork, own_network
from tests.harness.server import ServerProcess, start_server

SLOW_MS = 60_000


@dataclass
class FarOffice:
    server: ServerProcess
    network: OwnNetwork
    media_port: int
    data: Path
    settings: dict[str, str]
    _near: Browser
    _far: Browser
    figures: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{SERVER_IP}:{self.server.port}"

    async def near(self) -> BrowserContext:
        return await _seat(self._near)

    async def far(self) -> BrowserContext:
        return await _seat(self._far)

    async def restart(self) -> float:
        """``kill -9`` and the same command again; when it listened, in seconds since the epoch."""
        port = self.server.port
        await self.server.kill()
        self.server = await start_server(self.data, port=port, **self.settings)
        return now()

    def report(self, what: str, **seconds: float) -> None:
        """One line for docs/performance.md; ``pytest -s`` shows it."""
        print(f"\n{what}: " + ", ".join(f"{name} {value:.2f} s" for name, value in seconds.items()))

    async def back(
        self, since: float, *, near: tuple[Person, int], far: tuple[Person, int]
    ) -> dict[str, float]:
        """Until both sides decode pictures again: so many tracks each, in seconds after ``since``."""
        seen_near, seen_far = await asyncio.gather(
            *(first_frames(person, since, tracks, timeout_ms=SLOW_MS * 2) for person, tracks in (near, far))
        )
        return {"near": seen_near - since, "far": seen_far - since}


async def _seat(browser: Browser) -> BrowserContext:
    return await browser.new_context(
        viewport=DESKTOP, locale="zh-CN", permissions=["camera", "microphone", "notifications"]
    )


@contextlib.asynccontextmanager
async def far_office(folder: Path, *, frames_per_s: int = 10, **settings: str) -> AsyncIterator[FarOffice]:
    media_port = free_port()
    settings = {
        "RTC_TURN_START": "false",
        "RTC_HOST": "0.0.0.0",
        "RTC_MEDIA_BIND_IP": "0.0.0.0",
        "RTC_MEDIA_ADVERTISED_IPS": SERVER_IP,
        "RTC_MEDIA_WORKERS": "1",
        "RTC_MEDIA_PORT_BASE": str(media_port),
        **settings,
    }
    with own_network(folder) as network:
        server = await start_server(folder / "data", before_browsers=True, **settings)
        office: FarOffice | None = None
        try:
            # Cameras are for secure origins; this one is as good as loopback.
            secure = f"--unsafely-treat-insecure-origin-as-secure=http://{SERVER_IP}:{server.port}"
            flags = (FAKE_MEDIA[0], f"{FAKE_MEDIA[1]}=fps={frames_per_s}", secure)
            async with async_playwright() as playwright:
                near = await launch(playwright, *flags)
                far = await launch(playwright, *flags, program=network.chromium)
                office = FarOffice(server, network, media_port, folder / "data", settings, near, far)
                try:
                    yield office
                finally:
                    network.wake()
                    await near.close()
                    await far.close()
        finally:
            await (office.server if office is not None else server).stop()
