"""Waiting, and every way it may not lead to a person: each with its sentence and its way out (H1, H2)."""

from __future__ import annotations

import pytest

from tests.e2e.office import Story
from tests.e2e.people import Taxpayer
from tests.harness.browser import screenshot

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def sees_a_way_out(taxpayer: Taxpayer, sentence: str, *ways: str) -> None:
    await taxpayer.sees("notice", sentence)
    for way in ways:
        await taxpayer.sees(f"way-{way}")
    await taxpayer.counts("queue-card", 0)
    await taxpayer.press("way-dismiss")
    await taxpayer.sees_no("notice")


async def test_a_long_wait_is_asked_about_and_the_place_kept(story: Story) -> None:
    await story.configure(wait_timeout_ms=1_500)
    agent = await story.agent(status="busy")
    first, second = await story.taxpayer(), await story.taxpayer("taxpayer02")
    await first.asks_for_a_person()
    await first.sees("wait-dialog", "是否继续排队")
    await second.asks_for_a_person()
    for way in ("wait-leave-message", "wait-book", "wait-cancel"):
        await first.sees(way)
    await screenshot(first.page, "queue-wait-dialog")
    await first.press("wait-stay")
    await first.sees_no("wait-dialog")
    await first.sees("queue-ahead", "0")
    await second.sees("wait-dialog")
    await second.press("wait-cancel")
    await second.sees_no("queue-card")
    await agent.is_now("free")
    await agent.accepts("张*")
    await first.sees("greeting-card")


async def test_a_cancelled_place_is_given_up(story: Story) -> None:
    agent = await story.agent(status="busy")
    first, second = await story.taxpayer(), await story.taxpayer("taxpayer02")
    await first.asks_for_a_person()
    await second.asks_for_a_person()
    await second.sees("queue-ahead", "1")
    await first.press("queue-cancel")
    await first.sees_no("queue-card")
    await second.sees("queue-ahead", "0")
    await agent.sees("waiting-total", "1")
    # The words come back to the end of the line, not to the old place.
    await first.says("人工客服")
    await first.sees("queue-ahead", "1")


async def test_the_last_agent_leaves_and_comes_back(story: Story) -> None:
    agent = await story.agent(status="busy")
    taxpayer = await story.taxpayer()
    await taxpayer.asks_for_a_person()
    await agent.press("desk-sign-out")
    await taxpayer.sees("wait-dialog", "税务人员暂时都不在线")
    await screenshot(taxpayer.page, "queue-agents-gone")
    await taxpayer.press("wait-stay")
    await agent.goes_on_duty()
    await agent.accepts("张*")


async def test_nobody_on_duty(story: Story) -> None:
    taxpayer = await story.taxpayer()
    await taxpayer.press("human")
    await screenshot(taxpayer.page, "queue-no-agent")
    await sees_a_way_out(taxpayer, "当前没有坐席人员在线", "leave_message", "book")


async def test_outside_working_hours(story: Story) -> None:
    never = [{"weekday": day, "shifts": []} for day in range(7)]
    await story.configure("gd", week=never)
    agent = await story.agent()
    taxpayer = await story.taxpayer()
    await taxpayer.says("转人工")
    await sees_a_way_out(taxpayer, "当前不在人工服务时间", "leave_message", "book")
    await agent.sees("waiting-total", "0")


async def test_no_centre_for_the_authority(story: Story) -> None:
    await story.configure("gd", authorities=[])
    taxpayer = await story.taxpayer()
    await taxpayer.press("human")
    await taxpayer.sees("notice", "暂无可受理运营中心，请联系管理员配置")
    await screenshot(taxpayer.page, "queue-no-centre")
    await sees_a_way_out(taxpayer, "暂无可受理运营中心，请联系管理员配置", "my_authority")


async def test_from_an_answer_that_does_not_help_into_the_queue(story: Story) -> None:
    agent = await story.agent(status="busy")
    taxpayer = await story.taxpayer()
    await taxpayer.says("今天天气怎么样")
    await taxpayer.press("offer-human")
    await taxpayer.sees("queue-card")
    await agent.is_now("free")
    await agent.accepts("张*")
    await taxpayer.sees("greeting-card")
    await taxpayer.says("发票勾选错了怎么办？")
    await agent.reads("发票勾选错了怎么办？")
