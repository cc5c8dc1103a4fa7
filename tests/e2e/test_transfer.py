"""A conversation with a running call is handed on: to an agent, to a centre, and every way that may not come about (H6)."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.office import Story
from tests.e2e.people import Agent, Taxpayer
from tests.harness.browser import screenshot

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]

LONGEST_GAP_MS = 2_000

WATCH_PICTURE = """() => {
  const root = document.querySelector('yueyue-window').shadowRoot;
  window.longestGap = 0;
  let last = performance.now(), frames = -1, shown = null;
  window.watching = setInterval(() => {
    const video = root.querySelector('[data-testid=remote-video]');
    const count = video?.getVideoPlaybackQuality().totalVideoFrames ?? 0;
    const now = performance.now();
    if (video !== null && count > 0 && (video !== shown || count !== frames)) last = now;
    [shown, frames] = [video, count];
    window.longestGap = Math.max(window.longestGap, now - last);
  }, 50);
}"""
"""How long the picture before the taxpayer's eyes stood still or was away at most."""
LONGEST_GAP = "() => { clearInterval(window.watching); return window.longestGap; }"


async def in_a_call(story: Story) -> tuple[Taxpayer, Agent]:
    taxpayer, agent = await story.meet()
    await taxpayer.press("card-call")
    await agent.sees("call-decline")
    await agent.press("call-answer")
    await taxpayer.press("call-accept")
    for person in (taxpayer, agent):
        await person.sees_moving("remote-video")
    return taxpayer, agent


async def hand_on(agent: Agent, target: str, note: str = "") -> None:
    """``target``: ``agent-…`` or ``centre-…``."""
    await agent.press("transfer-open")
    await agent.press(f"transfer-{target}")
    await agent.at("transfer-note").fill(note)
    await agent.press("transfer-send")
    await agent.sees_no("transfer-dialog")


async def test_to_an_agent_with_the_call(story: Story) -> None:
    taxpayer, first = await in_a_call(story)
    second = await story.agent("agent02")
    await taxpayer.says("这是转接之前的话")
    await taxpayer.page.evaluate(WATCH_PICTURE)

    await first.press("transfer-open")
    await first.sees("transfer-agent-agent02")
    await screenshot(first.page, "transfer-dialog")
    await first.press("transfer-agent-agent02")
    await first.at("transfer-note").fill("请继续解答发票勾选")
    await first.press("transfer-send")
    await second.sees("offer-card", "税务人员 101 转接 张*")
    await second.sees("offer-card", "备注：请继续解答发票勾选")
    await taxpayer.sees("transfer-state", "正在为您转接至税务人员 102")
    await first.sees("transfer-state", "等待对方接受")
    await screenshot(second.page, "transfer-offer")
    await screenshot(taxpayer.page, "transfer-running-taxpayer")
    await screenshot(first.page, "transfer-running-agent")
    await taxpayer.sees_moving("remote-video")
    await second.accepts("张*")

    await taxpayer.sees("agent-presence", "税务人员 102 在线")
    await second.sees_moving("remote-video")
    await second.hears_others()
    await second.reads("这是转接之前的话")
    await taxpayer.sees_moving("remote-video")
    gap = await taxpayer.page.evaluate(LONGEST_GAP)
    assert gap < LONGEST_GAP_MS, gap
    await first.reads("会话已转接给对方")
    await expect(first.page.locator('[data-testid^="interaction-"]')).to_have_count(0)
    await taxpayer.sees_no("transfer-state")
    await screenshot(taxpayer.page, "transfer-done-taxpayer")
    await screenshot(second.page, "transfer-done-agent")
    await screenshot(first.page, "transfer-done-first")
    await taxpayer.says("您好")
    await second.reads("您好")
    await second.press("call-hangup")
    await taxpayer.sees_no("remote-video")
    await taxpayer.ends()
    await taxpayer.sees("rating", "税务人员 102 是否解决了您的问题？")


async def test_declined_and_timed_out_the_first_agent_goes_on(story: Story) -> None:
    await story.configure(offer_ring_ms=2_500)
    taxpayer, first = await in_a_call(story)
    second = await story.agent("agent02")
    await hand_on(first, "agent-agent02")
    await second.press("offer-decline")
    await first.sees("notice", "税务人员 102未接受转接")
    await taxpayer.reads("税务人员 101 继续为您服务")
    await screenshot(first.page, "transfer-declined")
    await first.press("way-dismiss")

    await hand_on(first, "agent-agent02")
    await second.sees("offer-card")
    await second.sees_no("offer-card")
    await second.sees_status("away")
    await first.sees("notice", "税务人员 102未应答")
    await screenshot(first.page, "transfer-timed-out")
    await first.press("way-dismiss")
    await taxpayer.sees_no("transfer-state")
    for person in (taxpayer, first):
        await person.sees_moving("remote-video")


async def test_cancelled_by_the_agent(story: Story) -> None:
    taxpayer, first = await story.meet()
    second = await story.agent("agent02")
    await hand_on(first, "agent-agent02")
    await second.sees("offer-card")
    await first.press("transfer-cancel")
    await second.sees_no("offer-card")
    await taxpayer.sees_no("transfer-state")
    await taxpayer.reads("转接已取消，税务人员 101 继续为您服务")
    await second.sees_status("free")


async def test_to_a_centre_with_the_call(story: Story) -> None:
    always = [{"weekday": day, "shifts": [{"start": 0, "end": 1440}]} for day in range(7)]
    await story.configure("ah", week=always)
    taxpayer, first = await in_a_call(story)
    elsewhere = await story.agent("agent11", status="busy")
    await taxpayer.page.evaluate(WATCH_PICTURE)
    await hand_on(first, "centre-ah", "纳税人在安徽有分支机构")
    await taxpayer.sees("transfer-state", "正在为您转接至安徽省税务局服务运营中心")
    await elsewhere.sees("waiting-total", "1")
    await screenshot(elsewhere.page, "transfer-centre-waiting")
    await taxpayer.sees_moving("remote-video")
    await elsewhere.is_now("free")
    await elsewhere.sees("offer-card", "备注：纳税人在安徽有分支机构")
    await elsewhere.accepts("张*")
    await taxpayer.sees("agent-presence", "税务人员 211 在线")
    await elsewhere.sees_moving("remote-video")
    await taxpayer.sees_moving("remote-video")
    gap = await taxpayer.page.evaluate(LONGEST_GAP)
    assert gap < LONGEST_GAP_MS, gap


async def test_a_shared_screen_goes_along(story: Story) -> None:
    taxpayer, first = await story.meet()
    await taxpayer.shares(first)
    await first.sees_moving("screen-video")
    second = await story.agent("agent02")
    await hand_on(first, "agent-agent02")
    await second.accepts()
    await second.sees_moving("screen-video")
    await taxpayer.press("share-pause")
    await second.sees("assist-state", "暂停")


async def test_closing_the_window_cancels_the_transfer_and_ends_the_session(story: Story) -> None:
    taxpayer, first = await in_a_call(story)
    second = await story.agent("agent02")
    await hand_on(first, "agent-agent02")
    await second.sees("offer-card")
    await taxpayer.sees("transfer-state")
    await taxpayer.press("window-close")
    await taxpayer.sees("confirm-dialog", "正在进行的转接将取消，本次人工互动随之结束")
    await screenshot(taxpayer.page, "transfer-window-close")
    await taxpayer.press("confirm-ok")
    await second.sees_no("offer-card")
    await first.reads("纳税人关闭窗口，主动结束会话")
    await first.sees_no("remote-video")
    await expect(second.page.locator('[data-testid^="interaction-"]')).to_have_count(0)
