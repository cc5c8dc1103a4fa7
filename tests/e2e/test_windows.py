"""The window as a window: its size, its place, what it keeps and what it ends (W2, W4, H4, H5, H8)."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.office import Story
from tests.harness.browser import screenshot

pytestmark = pytest.mark.asyncio(loop_scope="module")

FONT = "(list) => getComputedStyle(list).fontSize"


async def test_maximised_restored_and_minimised_with_what_was_not_read(story: Story) -> None:
    taxpayer, agent = await story.meet()
    small = await taxpayer.at("window").bounding_box()
    await taxpayer.press("window-maximize")
    large = await taxpayer.at("window").bounding_box()
    assert small is not None
    assert large is not None
    assert large["width"] > 1300
    assert large["height"] > 700
    await screenshot(taxpayer.page, "window-maximised")
    await taxpayer.press("window-maximize")
    assert await taxpayer.at("window").bounding_box() == small

    await taxpayer.press("window-minimize")
    await taxpayer.sees_no("window")
    await agent.says("请先登录电子税务局")
    await taxpayer.sees("unread", "1")
    await agent.says("再打开发票勾选")
    await taxpayer.sees("unread", "2")
    await expect(agent.at("read-mark").last).to_have_text("未读")
    await screenshot(taxpayer.page, "window-minimised")
    await taxpayer.press("open-window")
    await taxpayer.sees_no("unread")
    await expect(agent.at("read-mark").last).to_have_text("已读")


async def test_closing_is_asked_about_and_ends_the_session(story: Story) -> None:
    taxpayer, agent = await story.meet()
    await taxpayer.press("window-close")
    await taxpayer.sees("confirm-dialog", "本次人工互动将结束")
    await screenshot(taxpayer.page, "window-close")
    await taxpayer.press("confirm-cancel")
    await taxpayer.says("还在")
    await agent.reads("还在")
    await taxpayer.press("window-close")
    await taxpayer.press("confirm-ok")
    await taxpayer.sees_no("window")
    await agent.reads("纳税人关闭窗口，主动结束会话")
    await taxpayer.press("open-window")
    await taxpayer.sees("agent-presence", "您主动结束会话")
    await taxpayer.sees("rating")
    await screenshot(taxpayer.page, "window-closed")


async def test_closing_while_waiting_gives_the_place_up(story: Story) -> None:
    agent = await story.agent(status="busy")
    taxpayer = await story.taxpayer()
    await taxpayer.asks_for_a_person()
    await taxpayer.press("window-close")
    await taxpayer.sees("confirm-dialog", "关闭后将取消排队")
    await taxpayer.press("confirm-ok")
    await agent.sees("waiting-total", "0")


async def test_the_size_of_letters_is_kept(story: Story) -> None:
    taxpayer = await story.taxpayer()
    before = await taxpayer.at("message-list").evaluate(FONT)
    await taxpayer.press("font-size")
    await screenshot(taxpayer.page, "window-font")
    await taxpayer.press("font-20")
    await taxpayer.page.reload()
    await taxpayer.press("open-window")
    assert before == "15px"
    assert await taxpayer.at("message-list").evaluate(FONT) == "20px"


async def test_cleared_from_view_and_kept_in_the_history(story: Story) -> None:
    taxpayer, agent = await story.meet()
    await taxpayer.says("第一句")
    await agent.reads("第一句")
    await taxpayer.press("clear")
    await taxpayer.reads("已清屏")
    await taxpayer.counts("message", 0)
    await agent.says("第二句")
    await taxpayer.reads("第二句")
    assert "第一句" not in await taxpayer.lines()
    await screenshot(taxpayer.page, "window-cleared")
    await taxpayer.page.get_by_role("button", name="查看全部").click()
    await taxpayer.reads("第一句")


async def test_more_is_loaded_across_sessions(story: Story) -> None:
    taxpayer, agent = await story.meet("taxpayer02")
    for number in range(1, 4):
        await taxpayer.says(f"上次的第 {number} 句")
    await agent.reads("上次的第 3 句")
    await taxpayer.ends()
    await agent.page.get_by_role("button", name="稍后填写").click()

    await taxpayer.press("human")
    await agent.accepts("李*")
    await taxpayer.sees("end-session")
    await taxpayer.says("这次的话")
    await agent.reads("这次的话")
    for person in (taxpayer, agent):
        assert not any("上次" in line for line in await person.lines())
        await person.press("load-more")
        await person.reads("上次的第 3 句")
        spoken = [line for line in await person.lines() if line.startswith(("上次的第", "这次"))]
        assert spoken == ["上次的第 1 句", "上次的第 2 句", "上次的第 3 句", "这次的话"]
    await screenshot(taxpayer.page, "window-history")
    await agent.sees("taxpayer-details", "历史会话")
    await screenshot(agent.page, "desk-history")


async def test_what_is_masked_is_shown_on_demand_and_that_is_recorded(story: Story) -> None:
    _taxpayer, agent = await story.meet()
    await agent.sees("profile-phone", "134****3624")
    await agent.sees("profile-name", "张*")
    await agent.press("reveal-phone")
    await agent.sees("profile-phone", "13412343624")
    await screenshot(agent.page, "desk-revealed")
    entries = await story.administrator.audit(actor_id="agent01", subject="taxpayer01")
    assert [entry["action"] for entry in entries] == ["reveal_phone"]
    await agent.page.reload()
    await agent.sees("profile-phone", "134****3624")
