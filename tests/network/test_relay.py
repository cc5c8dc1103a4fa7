"""Browsers that may use nothing but the relay: a whole call over our own coturn by UDP, TCP and TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.harness.server import ServerProcess, start_server
from tests.network.conftest import browser_call

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def relayed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    """A server that has started its own coturn."""
    process = await start_server(tmp_path_factory.mktemp("relayed"), RTC_TURN_START="true")
    yield process
    await process.stop()


@pytest.mark.parametrize("way", ["udp", "tcp", "tls"])
async def test_a_call_goes_over_the_relay_alone(chromium: Browser, relayed: ServerProcess, way: str) -> None:
    async with browser_call(chromium, relayed.url, relay_by=way) as call:
        for numbers in await call.more_pictures(15):
            assert numbers == sorted(set(numbers))
        assert [(path.type, path.relay_protocol) for path in await call.paths()] == [("relay", way)] * 4
