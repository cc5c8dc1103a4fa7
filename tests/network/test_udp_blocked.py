"""Networks that let no UDP through, from the beginning or for a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from signaling.sessions.states import CallPhase
from tests.harness.firewall import blocked_udp, firewall_missing
from tests.harness.one_port import Reachable, one_port
from tests.network.conftest import browser_call

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(firewall_missing() is not None, reason=firewall_missing() or ""),
]


@pytest_asyncio.fixture(loop_scope="session")
async def with_tcp(tmp_path: Path) -> AsyncIterator[Reachable]:
    async with one_port(tmp_path, ice_tcp=True) as reachable:
        yield reachable


@pytest_asyncio.fixture(loop_scope="session")
async def udp_alone(tmp_path: Path) -> AsyncIterator[Reachable]:
    async with one_port(tmp_path, ice_tcp=False) as reachable:
        yield reachable


async def test_ice_tcp_carries_a_call_where_udp_is_blocked(chromium: Browser, with_tcp: Reachable) -> None:
    with blocked_udp(with_tcp.media_port):
        async with browser_call(chromium, with_tcp.server.url) as call:
            for numbers in await call.more_pictures(15):
                assert numbers == sorted(set(numbers))
            paths = await call.paths()
            assert [(path.protocol, path.remote_port) for path in paths] == [("tcp", with_tcp.media_port)] * 4


async def test_a_call_without_another_way_comes_back_with_its_path(
    chromium: Browser, udp_alone: Reachable
) -> None:
    """Nothing is pressed and nothing restarted: the browser checks on, the engine takes it back."""
    async with browser_call(chromium, udp_alone.server.url) as call:
        await call.more_pictures(5)
        with blocked_udp(udp_alone.media_port):
            await asyncio.gather(
                *(
                    media.connection_state(name, "disconnected")
                    for media in (call.of_agent, call.of_taxpayer)
                    for name in ("publisher", "subscriber")
                )
            )
        before = await call.more_pictures(1)
        after = await call.more_pictures(15)
        for earlier, later in zip(before, after, strict=True):
            assert later[len(earlier) :] == sorted(set(later[len(earlier) :]))
        assert call.agent.call(call.interaction_id).phase is CallPhase.ACTIVE
        assert {path.protocol for path in await call.paths()} == {"udp"}
