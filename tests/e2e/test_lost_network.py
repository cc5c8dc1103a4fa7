"""The network of one person is lost, changes or sleeps (R12): everything comes back by itself, and the others are told.

Each story prints how long pictures were away: ``pytest tests/e2e/test_lost_network.py -s``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.counter import now, watch_frames
from tests.e2e.far_office import SLOW_MS, FarOffice, far_office
from tests.e2e.people import Agent, Taxpayer
from tests.harness.own_network import own_network_missing

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(own_network_missing() is not None, reason=own_network_missing() or ""),
]


@pytest_asyncio.fixture
async def office(tmp_path: Path) -> AsyncIterator[FarOffice]:
    async with far_office(tmp_path) as one:
        yield one


async def in_a_call(office: FarOffice) -> tuple[Agent, Taxpayer]:
    """The taxpayer, who is far, shows the screen and calls, with the microphone muted."""
    agent = await Agent.arrive(await office.near(), office.url)
    taxpayer = await Taxpayer.arrive(await office.far(), office.url)
    await taxpayer.turns_to()
    await agent.opens_first()
    await taxpayer.shares(agent)
    await agent.press("call-start")
    await taxpayer.press("call-accept")
    await agent.sees_moving("screen-video", timeout_ms=SLOW_MS)
    for person in (agent, taxpayer):
        await person.sees_moving("remote-video", timeout_ms=SLOW_MS)
    await taxpayer.press("mic-toggle")
    await agent.reads("对方已静音")
    for person in (agent, taxpayer):
        await watch_frames(person)
    return agent, taxpayer


async def as_before(agent: Agent, taxpayer: Taxpayer) -> None:
    """Share, call and mute are what they were, and the line carries words."""
    await agent.sees_moving("screen-video", timeout_ms=SLOW_MS)
    for person in (agent, taxpayer):
        await person.sees_moving("remote-video", timeout_ms=SLOW_MS)
        await person.sees_no("connection-state", timeout_ms=SLOW_MS)
    await agent.reads("对方已静音")
    await taxpayer.sees("share-pause")
    await taxpayer.says("回来了")
    await agent.reads("回来了", timeout_ms=SLOW_MS)


@pytest.mark.parametrize("lost_s", [5, 20])
@pytest.mark.timeout(300)
async def test_a_call_survives_a_lost_network(office: FarOffice, lost_s: int) -> None:
    agent, taxpayer = await in_a_call(office)
    cut = now()
    office.network.cut()
    told = asyncio.create_task(agent.reads("正在重新连接", timeout_ms=SLOW_MS))
    await asyncio.sleep(lost_s)
    office.network.mend()
    mended = now()
    figures = await office.back(mended, near=(agent, 2), far=(taxpayer, 1))
    await told
    office.report(f"call, {lost_s} s without a network (away {mended - cut:.1f} s)", **figures)
    await as_before(agent, taxpayer)
