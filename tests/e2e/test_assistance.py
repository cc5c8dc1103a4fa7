"""Remote assistance in two real browsers, from the button to the end (R1–R3)."""

from __future__ import annotations

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.e2e.conftest import Pair
from tests.e2e.office import Story
from tests.harness.browser import screenshot

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def pair(story: Story) -> Pair:
    return Pair(*await story.meet())


async def test_a_shared_screen_is_seen_moving_paused_resumed_and_hung_up(pair: Pair) -> None:
    taxpayer, agent = pair.taxpayer, pair.agent
    await taxpayer.press("assist-request")
    await taxpayer.sees("assist-state", "等待")
    await agent.sees("assist-accept")
    await agent.press("assist-accept")
    await taxpayer.sees("privacy-notice", "无法操作")
    await screenshot(taxpayer.page, "assistance-privacy-taxpayer")
    await taxpayer.press("privacy-agree")
    await taxpayer.press("share-screen")
    await agent.sees_moving("screen-video")
    await screenshot(agent.page, "assistance-sharing-agent")
    await screenshot(taxpayer.page, "assistance-sharing-taxpayer")

    await agent.says("请点击左侧的发票勾选")
    await taxpayer.reads("请点击左侧的发票勾选")
    await taxpayer.says("好的，正在看")
    await agent.reads("好的，正在看")

    await taxpayer.press("share-pause")
    await agent.sees("assist-state", "暂停")
    await agent.sees_still("screen-frame")
    await screenshot(agent.page, "assistance-paused-agent")
    await taxpayer.press("share-resume")
    await agent.sees_moving("screen-video")

    await taxpayer.press("share-change")
    await agent.sees_moving("screen-video")

    await taxpayer.press("assist-hangup")
    await agent.sees_no("screen-video")
    await agent.reads("纳税人已结束远程协助")
    await screenshot(agent.page, "assistance-ended-agent")


async def test_the_agent_hangs_up_and_the_window_closes_on_both_sides(pair: Pair) -> None:
    await pair.taxpayer.shares(pair.agent)
    await pair.agent.sees_moving("screen-video")
    await pair.agent.press("assist-hangup")
    await pair.taxpayer.reads("税务人员已结束远程协助")
    await pair.taxpayer.sees_no("share-pause")
    await pair.agent.sees_no("screen-video")


async def test_declined_says_so_and_can_be_asked_again(pair: Pair) -> None:
    await pair.taxpayer.press("assist-request")
    await pair.agent.press("assist-decline")
    await pair.taxpayer.reads("税务人员暂时无法进行远程协助")
    await pair.taxpayer.press("way-request_assistance")
    await pair.agent.sees("assist-accept")


async def test_cancelled_before_the_answer(pair: Pair) -> None:
    await pair.taxpayer.press("assist-request")
    await pair.agent.sees("assist-accept")
    await pair.taxpayer.press("assist-hangup")
    await pair.agent.sees_no("assist-accept")
    await pair.agent.reads("纳税人已取消远程协助申请")


@pytest.mark.parametrize("own_button", [True])
async def test_the_browsers_own_stop_button_lets_one_pick_again(pair: Pair, own_button: bool) -> None:
    await pair.taxpayer.shares(pair.agent)
    await pair.agent.sees_moving("screen-video")
    # What Chromium does when its own stop bar is pressed: the captured track ends.
    await pair.taxpayer.page.evaluate(
        """() => { for (const room of window.__rtc.rooms())
             for (const sender of room.publishConnection.getSenders())
               if (sender.track?.kind === 'video') { sender.track.stop(); sender.track.dispatchEvent(new Event('ended')); } }"""
    )
    await pair.taxpayer.reads("屏幕共享已停止")
    await pair.agent.reads("纳税人已停止分享屏幕")
    await pair.taxpayer.press("way-share_screen")
    await pair.agent.sees_moving("screen-video")


async def test_the_agents_desk_has_no_way_to_share_a_screen(pair: Pair) -> None:
    await pair.taxpayer.shares(pair.agent)
    await pair.agent.sees_moving("screen-video")
    await expect(pair.agent.at("share-screen")).to_have_count(0)
