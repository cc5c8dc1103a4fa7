"""Networks of offices and hotels, as the pages go through them: only a relay, no UDP, UDP gone for a while."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.conftest import Pair, Room
from tests.e2e.people import Agent, Person, Taxpayer
from tests.harness.firewall import blocked_udp, firewall_missing
from tests.harness.one_port import Reachable, one_port
from tests.harness.server import ServerProcess, start_server

needs_firewall = pytest.mark.skipif(firewall_missing() is not None, reason=firewall_missing() or "")
RECOVERY_MS = 45_000


@pytest_asyncio.fixture
async def relayed(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    server = await start_server(tmp_path / "data", RTC_TURN_START="true")
    yield server
    await server.stop()


@pytest_asyncio.fixture
async def with_tcp(tmp_path: Path) -> AsyncIterator[Reachable]:
    async with one_port(tmp_path / "data", ice_tcp=True) as reachable:
        yield reachable


@pytest_asyncio.fixture
async def udp_alone(tmp_path: Path) -> AsyncIterator[Reachable]:
    async with one_port(tmp_path / "data", ice_tcp=False) as reachable:
        yield reachable


async def call(url: str, seat: Room, options: str = "debug=1") -> Pair:
    """A running call both see."""
    agent = await Agent.arrive(await seat(), url, options=options)
    taxpayer = await Taxpayer.arrive(await seat(), url, options=options)
    await taxpayer.turns_to()
    await agent.opens_first()
    await agent.press("call-start")
    await taxpayer.press("call-accept")
    for person in (agent, taxpayer):
        await person.sees_moving("remote-video")
    return Pair(taxpayer, agent)


_PATHS = """async () => {
  const rooms = await window.__rtc.stats();
  return rooms.flatMap(({publish, subscribe}) => [publish, subscribe]).map((report) => {
    const by = new Map(report.map((entry) => [entry.id, entry]));
    const pair = by.get(report.find((entry) => entry.type === 'transport').selectedCandidatePairId);
    const local = by.get(pair.localCandidateId);
    return [local.candidateType, local.protocol];
  });
}"""

_ALL_TCP = f"(await ({_PATHS})()).every(([, protocol]) => protocol === 'tcp')"


async def paths(person: Person) -> list[list[str]]:
    """Kind and protocol of the local candidate in use, of both connections."""
    found: list[list[str]] = await person.page.evaluate(_PATHS)
    return found


async def test_pages_told_to_use_the_relay_use_nothing_else(relayed: ServerProcess, seat: Room) -> None:
    pair = await call(relayed.url, seat, "debug=1&ice=relay")
    for person in (pair.taxpayer, pair.agent):
        assert [kind for kind, _ in await paths(person)] == ["relay", "relay"]


@needs_firewall
async def test_a_call_moves_to_tcp_when_udp_is_taken_away(with_tcp: Reachable, seat: Room) -> None:
    pair = await call(with_tcp.server.url, seat)
    with blocked_udp(with_tcp.media_port):
        for person in (pair.taxpayer, pair.agent):
            await person.page.wait_for_function(f"async () => {_ALL_TCP}", timeout=RECOVERY_MS)
            await person.sees_moving("remote-video", timeout_ms=RECOVERY_MS)


@needs_firewall
async def test_a_call_comes_back_when_udp_does(udp_alone: Reachable, seat: Room) -> None:
    pair = await call(udp_alone.server.url, seat)
    with blocked_udp(udp_alone.media_port):
        for person in (pair.taxpayer, pair.agent):
            await person.reads("正在自动恢复", timeout_ms=RECOVERY_MS)
    for person in (pair.taxpayer, pair.agent):
        await person.sees_moving("remote-video", timeout_ms=RECOVERY_MS)
