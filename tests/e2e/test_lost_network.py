"""The network of one person is lost, changes or sleeps (R12): everything comes back by itself, and the others are told.

Each story prints how long pictures were away: ``pytest tests/e2e/test_lost_network.py -s``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.e2e.counter import now, watch_frames
from tests.e2e.far_office import SLOW_MS, FarOffice, far_office
from tests.e2e.people import Agent, Person, Taxpayer
from tests.e2e.test_meeting import APPLICANT, DEPUTY, HOST, Attendee, apply_and_dispatch
from tests.harness.browser import screenshot
from tests.harness.own_network import own_network_missing

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(own_network_missing() is not None, reason=own_network_missing() or ""),
]

SETTLED_S = 1.0
"""Where the way does not come back: what is decoded by then had arrived before."""
GRACE_S = 30
"""How long the server keeps the place of who has lost the line (``RTC_SESSIONS_RECONNECT_GRACE_S``)."""


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


async def told_after(person: Person, text: str, since: float) -> float:
    """Seconds from ``since`` until the page says so."""
    await person.reads(text, timeout_ms=SLOW_MS)
    return now() - since


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
    told = asyncio.create_task(told_after(agent, "正在重新连接", cut))
    await asyncio.sleep(lost_s)
    office.network.mend()
    figures = await office.back(now(), near=(agent, 2), far=(taxpayer, 1))
    office.report(f"call, no network for {lost_s} s", told=await told, **figures)
    await as_before(agent, taxpayer)


@pytest.mark.timeout(300)
async def test_a_call_survives_a_pulled_cable(office: FarOffice) -> None:
    agent, taxpayer = await in_a_call(office)
    cut = now()
    office.network.unplug()
    told = asyncio.create_task(told_after(agent, "正在重新连接", cut))
    await taxpayer.sees("connection-state", "重新连接", timeout_ms=SLOW_MS)
    await told
    office.network.plug_in()
    figures = await office.back(now(), near=(agent, 2), far=(taxpayer, 1))
    office.report("call, cable pulled", told=await told, **figures)
    await as_before(agent, taxpayer)


@pytest.mark.timeout(300)
async def test_a_call_survives_another_address(office: FarOffice) -> None:
    agent, taxpayer = await in_a_call(office)
    changed = now()
    office.network.change_address()
    figures = await office.back(changed + SETTLED_S, near=(agent, 2), far=(taxpayer, 1))
    office.report("call, another address (after the change)", **figures, settled=SETTLED_S)
    await as_before(agent, taxpayer)


@pytest.mark.timeout(300)
async def test_a_call_survives_a_nat_that_forgot(office: FarOffice) -> None:
    agent, taxpayer = await in_a_call(office)
    changed = now()
    office.network.rebind()
    figures = await office.back(changed + SETTLED_S, near=(agent, 2), far=(taxpayer, 1))
    office.report("call, NAT rebound (after the change)", **figures, settled=SETTLED_S)
    await as_before(agent, taxpayer)
    assert office.network.rebound_packets() > 100


@pytest.mark.timeout(300)
async def test_media_that_is_frozen_while_signalling_lives_goes_by_tcp(office: FarOffice) -> None:
    agent, taxpayer = await in_a_call(office)
    cut = now()
    office.network.block_udp()
    told = asyncio.create_task(told_after(agent, "正在重新连接", cut))
    own = asyncio.create_task(told_after(taxpayer, "正在自动恢复", cut))
    figures = await office.back(cut + SETTLED_S, near=(agent, 2), far=(taxpayer, 1))
    office.report("call, UDP gone: by TCP", told=await told, own=await own, **figures, settled=SETTLED_S)
    await as_before(agent, taxpayer)


@pytest.mark.timeout(300)
async def test_media_that_is_frozen_whichever_way_it_goes_comes_back(office: FarOffice) -> None:
    agent, taxpayer = await in_a_call(office)
    cut = now()
    office.network.block_media(office.media_port)
    told = asyncio.create_task(told_after(agent, "正在重新连接", cut))
    own = asyncio.create_task(told_after(taxpayer, "正在自动恢复", cut))
    await asyncio.gather(told, own)
    await taxpayer.says("听不见了")
    await agent.reads("听不见了")
    await asyncio.sleep(max(0.0, 20 - (now() - cut)))
    office.network.mend()
    figures = await office.back(now(), near=(agent, 2), far=(taxpayer, 1))
    office.report("call, media gone for 20 s, signalling not", told=await told, own=await own, **figures)
    await as_before(agent, taxpayer)


@pytest.mark.parametrize("asleep_s", [20, 60])
@pytest.mark.timeout(300)
async def test_a_laptop_that_slept_in_a_call(office: FarOffice, asleep_s: int) -> None:
    """For longer than a lost line is waited for, the call is over, and the page says so; the conversation is not."""
    agent, taxpayer = await in_a_call(office)
    office.network.sleep()
    told = asyncio.create_task(told_after(agent, "正在重新连接", now()))
    await asyncio.sleep(asleep_s)
    if asleep_s > GRACE_S:
        # On a machine that stood still itself the server is as late as everybody.
        await agent.sees_no("remote-video", timeout_ms=120_000)
    office.network.wake()
    woken = now()
    await told
    if asleep_s < GRACE_S:
        figures = await office.back(woken, near=(agent, 2), far=(taxpayer, 1))
        office.report(f"call, asleep for {asleep_s} s", told=await told, **figures)
        await as_before(agent, taxpayer)
        return
    await taxpayer.sees_no("connection-state", timeout_ms=SLOW_MS)
    await taxpayer.sees_no("remote-video", timeout_ms=SLOW_MS)
    await taxpayer.reads("音视频互动已结束", timeout_ms=SLOW_MS)
    await taxpayer.says("刚才电脑休眠了")
    await agent.reads("刚才电脑休眠了", timeout_ms=SLOW_MS)
    await agent.press("call-start")
    await taxpayer.press("call-accept")
    await agent.sees_moving("remote-video", timeout_ms=SLOW_MS)
    office.report(f"call, asleep for {asleep_s} s: over, called again", told=await told)


@pytest.mark.timeout(300)
async def test_a_host_whose_network_is_lost_for_20_s_is_host_again(office: FarOffice) -> None:
    """With the shared screen and the mute; the others see who is away, and then the picture."""
    meeting_id = await apply_and_dispatch(office.near, office.url)
    host = await Attendee.arrive(await office.far(), office.url, HOST, meeting_id, camera=True)
    await host.press("enter")
    await host.is_in()
    other = await Attendee.arrive(await office.near(), office.url, APPLICANT, meeting_id, camera=True)
    await other.knocks()
    await host.press("knock-admit")
    await other.is_in()
    deputy = await Attendee.arrive(await office.near(), office.url, DEPUTY, meeting_id)
    await deputy.knocks()
    await host.press("knock-admit")
    await deputy.is_in()
    await host.press("share")
    await other.sees_person(HOST, "screen")
    await other.sees_person(HOST)
    await host.sees_person(APPLICANT)
    await host.press("mic")
    muted = other.tile(HOST).get_by_test_id("tile-muted")
    await expect(muted).to_be_visible(timeout=SLOW_MS)
    for person in (host, other):
        await watch_frames(person)

    cut = now()
    office.network.cut()
    await expect(other.tile(HOST)).to_contain_text("正在重新连接", timeout=SLOW_MS)
    told = now() - cut
    await screenshot(other.page, "meeting-reconnecting")
    await host.sees("banner", "重新连接", timeout_ms=SLOW_MS)
    await asyncio.sleep(max(0.0, 20 - (now() - cut)))
    office.network.mend()
    figures = await office.back(now(), near=(other, 2), far=(host, 1))
    office.report("meeting, host without a network for 20 s", told=told, **figures)
    await host.sees_no("banner", timeout_ms=SLOW_MS)
    await expect(other.tile(HOST)).not_to_contain_text("正在重新连接", timeout=SLOW_MS)
    await other.sees_person(HOST, "screen")
    await other.sees_person(HOST)
    await host.sees_person(APPLICANT)
    await expect(muted).to_be_visible()
    await expect(other.tile(HOST)).to_contain_text("主持人")
    await host.opens("people")
    await expect(host.at("mute-all")).to_be_visible()
