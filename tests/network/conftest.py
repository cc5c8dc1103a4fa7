"""A call between two members whose media is a real browser's, started over the ordinary wire."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from media.types import Source
from signaling.sessions.states import CallPhase
from signaling.wire.views import IceServerView
from tests.harness.browser import launch
from tests.harness.browser_media import BrowserMedia, NetworkPath, Pictures
from tests.harness.flows import AGENT_FIRST, TAXPAYER_FIRST, accept_call, close
from tests.harness.peer import SyntheticPeer


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """Takes any certificate: the demo makes its own."""
    async with async_playwright() as playwright:
        browser = await launch(playwright, "--ignore-certificate-errors")
        yield browser
        await browser.close()


@dataclass(frozen=True, slots=True)
class BrowserCall:
    """A running call in which both send pictures with their camera."""

    interaction_id: str
    agent: SyntheticPeer
    taxpayer: SyntheticPeer
    of_agent: BrowserMedia
    """The agent's media."""
    of_taxpayer: BrowserMedia

    async def more_pictures(self, count: int = 10, within: float = 20) -> tuple[list[int], list[int]]:
        """Until so many more have come both ways: all numbers the agent and the taxpayer have received."""
        return await asyncio.gather(
            self.of_agent.more_pictures(self.taxpayer.person.person_id, Source.CAMERA, count, within),
            self.of_taxpayer.more_pictures(self.agent.person.person_id, Source.CAMERA, count, within),
        )

    async def paths(self) -> list[NetworkPath]:
        """Of all four transports."""
        found = [
            await media.path(name)
            for media in (self.of_agent, self.of_taxpayer)
            for name in ("publisher", "subscriber")
        ]
        return [path for path in found if path is not None]


@contextlib.asynccontextmanager
async def browser_call(
    chromium: Browser, url: str, *, relay_by: str | None = None
) -> AsyncIterator[BrowserCall]:
    """Start one. ``relay_by`` (``udp``, ``tcp``, ``tls``): both may only use that way over the relay."""
    context = await chromium.new_context(ignore_https_errors=True)
    try:
        async with SyntheticPeer(url, "agent01") as agent, SyntheticPeer(url, "taxpayer01") as taxpayer:
            id = await taxpayer.open(agent.person.person_id)
            await agent.wait(lambda peer: id in peer.interactions)

            async def media_of(person: SyntheticPeer) -> BrowserMedia:
                assert person.welcome is not None
                media = await BrowserMedia.open(
                    await context.new_page(),
                    url,
                    person.port(id),
                    ice_servers=[only(server, relay_by) for server in person.welcome.ice_servers if relay_by],
                    relay=relay_by is not None,
                )
                person.media[id] = media
                await media.subscribe()
                return media

            call = BrowserCall(id, agent, taxpayer, await media_of(agent), await media_of(taxpayer))
            await accept_call(agent, taxpayer, id)
            await call.of_agent.publish(Source.CAMERA, Pictures(first=AGENT_FIRST))
            await call.of_taxpayer.publish(Source.CAMERA, Pictures(first=TAXPAYER_FIRST))
            for person in (agent, taxpayer):
                await person.wait(lambda peer: peer.call(id).phase is CallPhase.ACTIVE, within=20)
            try:
                yield call
            finally:
                await close(taxpayer, id)
    finally:
        await context.close()


def only(server: IceServerView, way: str) -> IceServerView:
    """The same relay by one way. Fails when the server does not offer it."""
    scheme, transport = {"udp": ("turn:", "udp"), "tcp": ("turn:", "tcp"), "tls": ("turns:", "tcp")}[way]
    urls: Sequence[str] = [
        url for url in server.urls if url.startswith(scheme) and url.endswith(f"?transport={transport}")
    ]
    assert urls, f"no {way} among {server.urls}"
    return server.model_copy(update={"urls": urls})
