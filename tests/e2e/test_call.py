"""Audio and video both ways in real browsers (R4), alone and beside remote assistance."""

from __future__ import annotations

import pytest
import pytest_asyncio

from tests.e2e.conftest import Pair
from tests.e2e.office import Story
from tests.e2e.people import Agent
from tests.harness.browser import screenshot

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def pair(story: Story) -> Pair:
    return Pair(*await story.meet())


async def begin(pair: Pair) -> None:
    await pair.agent.press("call-start")
    await pair.taxpayer.sees("call-accept")
    await pair.taxpayer.press("call-accept")


async def test_asked_started_agreed_seen_and_heard_both_ways(story: Story, pair: Pair) -> None:
    taxpayer, agent = pair.taxpayer, pair.agent
    await taxpayer.press("call-ask")
    await agent.sees("call-answer")
    await screenshot(agent.page, "call-asked-agent")
    await agent.press("call-answer")
    await taxpayer.sees("call-accept")
    await screenshot(taxpayer.page, "call-ringing-taxpayer")
    await taxpayer.press("call-accept")
    for person in (taxpayer, agent):
        await person.sees_moving("remote-video")
        await person.hears_others()
        await person.sees_moving("self-video")
    connected = [line for line in story.office.server.output if "media transport connected" in line]
    assert connected
    assert all("AEAD_AES" in line for line in connected)
    await screenshot(taxpayer.page, "call-active-taxpayer")
    await screenshot(agent.page, "call-active-agent")

    await taxpayer.press("mic-toggle")
    await agent.reads("对方已静音")
    await taxpayer.press("mic-toggle")
    await taxpayer.press("camera-toggle")
    await agent.reads("对方已关闭摄像头")
    await taxpayer.press("camera-toggle")
    await agent.sees_moving("remote-video")

    await agent.press("call-hangup")
    await taxpayer.reads("税务人员已结束音视频互动")
    await taxpayer.sees_no("remote-video")


async def test_declined_by_the_taxpayer(pair: Pair) -> None:
    await pair.agent.press("call-start")
    await pair.taxpayer.press("call-decline")
    await pair.agent.reads("纳税人已拒绝音视频互动")


async def test_assistance_call_and_text_at_once(pair: Pair) -> None:
    taxpayer, agent = pair.taxpayer, pair.agent
    await taxpayer.shares(agent)
    await agent.sees_moving("screen-video")
    await begin(pair)
    await agent.sees_moving("remote-video")
    await agent.sees_moving("screen-video")
    await taxpayer.sees_moving("remote-video")
    await taxpayer.says("都看得到")
    await agent.reads("都看得到")
    await screenshot(agent.page, "both-agent")
    await screenshot(taxpayer.page, "both-taxpayer")
    await taxpayer.press("assist-hangup")
    await agent.sees_no("screen-video")
    await agent.sees_moving("remote-video")


async def test_one_agent_two_taxpayers_busy_and_free_again(story: Story, pair: Pair) -> None:
    await begin(pair)
    await pair.agent.sees_moving("remote-video")
    second = await story.taxpayer("taxpayer02")
    await second.press("human")
    await pair.agent.accepts("李*")
    await second.sees("greeting-card")
    await second.press("call-ask")
    await second.reads("正忙")
    await pair.agent.opens("张*")
    await pair.agent.sees_moving("remote-video")
    await pair.agent.press("call-hangup")
    await pair.taxpayer.reads("税务人员已结束音视频互动")
    await second.press("call-ask")
    await second.sees("call-state", "等待")


async def test_a_second_sign_in_takes_over_and_can_be_taken_back(story: Story) -> None:
    context = await story.seat()
    first = await Agent.arrive(context, story.url)
    second = await Agent.arrive(context, story.url)
    await first.reads("在此继续")
    await screenshot(first.page, "signed-in-elsewhere")
    await first.page.get_by_text("在此继续").click()
    await second.reads("在此继续")
