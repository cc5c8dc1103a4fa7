"""The human service from the floating icon to the rating, with everybody in a browser of their own (H1, H4, H5, H7)."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import WebSocketRoute, expect

from tests.e2e.office import Story
from tests.harness.browser import screenshot

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_two_taxpayers_from_the_icon_to_the_rating(story: Story) -> None:
    await story.configure(default_capacity=2, after_work_ms=3_000)
    agent = await story.agent(status="busy")

    first = await story.taxpayer(opened=False)
    await screenshot(first.page, "service-01-icon")
    await first.press("open-window")
    await first.reads("您好，我是悦悦")
    await first.sees("window", "悦悦 | 为您提供 7x24 小时智能互动服务")
    await screenshot(first.page, "service-02-welcome")
    await first.asks_for_a_person()
    await first.sees("queue-ahead", "0")

    second = await story.taxpayer("taxpayer02")
    await second.says("转人工")
    await second.sees("queue-card", "当前等候人数")
    await second.sees("queue-ahead", "1")
    await screenshot(second.page, "service-03-queue")
    await agent.sees("waiting-total", "2")
    await screenshot(agent.page, "service-04-waiting")

    await agent.is_now("free")
    await agent.sees("offer-card", "张* 请求人工服务")
    await agent.sees("offer-card", "税务数字账户-发票勾选")
    left = await agent.text_of("offer-seconds")
    await first.sees("queue-card", "正在为您接通税务人员")
    await screenshot(agent.page, "service-05-offer")
    await expect(agent.at("offer-seconds")).not_to_have_text(left)
    await agent.is_now("busy")
    await first.sees("queue-ahead", "0")
    await agent.page.get_by_role("button", name="呼叫 张*").click()
    await first.sees("greeting-card", "工号101为您服务")
    await first.sees("agent-presence", "当前服务：税务人员 101 在线")
    await second.sees("queue-ahead", "0")

    await agent.is_now("free")
    await agent.accepts("李*")
    await second.sees("greeting-card")
    await expect(agent.page.locator('[data-testid^="interaction-"]')).to_have_count(2)

    # Both are served at once; each conversation keeps its own words.
    await agent.opens("张*")
    await first.at("message-input").press_sequentially("发票勾选后在哪里看？")
    await agent.sees("typing", "张* 正在输入")
    await first.press("send")
    await agent.reads("发票勾选后在哪里看？")
    await expect(first.at("read-mark").last).to_have_text("已读")
    await second.says("我想问退税")
    await expect(agent.page.locator('[data-testid^="interaction-"]').filter(has_text="李")).to_contain_text(
        "1"
    )
    await screenshot(agent.page, "service-06-two-conversations")

    await agent.press("canned-open")
    await agent.at("canned-search").fill("开票")
    await screenshot(agent.page, "service-07-canned")
    await agent.at("canned-search").press("Enter")
    await expect(agent.at("message-input")).to_have_value(
        "登录电子税务局后，依次进入【我要办税】-【开票业务】-【蓝字发票开具】。"
    )
    await agent.press("send")
    await first.reads("蓝字发票开具】。")
    await agent.at("message-input").press_sequentially("请看")
    await first.sees("typing", "税务人员 正在输入")
    await agent.at("message-input").fill("")

    await agent.at("note-input").fill("咨询发票勾选结果")
    await agent.press("note-save")
    await agent.sees("note", "咨询发票勾选结果")
    await agent.at("tag-input").fill("数电票")
    await agent.at("tag-input").press("Enter")
    await agent.sees("taxpayer-details", "数电票")
    await screenshot(agent.page, "service-08-notes")
    await screenshot(first.page, "service-09-talk")

    await first.press("end-session")
    await first.sees("confirm-dialog", "确定结束本次会话吗？")
    await screenshot(first.page, "service-10-confirm")
    await first.press("confirm-ok")
    await first.sees("agent-presence", "您已结束本次会话")
    await first.sees("rating", "税务人员 101 是否解决了您的问题？")
    await screenshot(first.page, "service-11-rating")
    await first.press("rate-resolved")
    await first.sees("rating-done", "已提交")
    await screenshot(first.page, "service-12-rated")

    # 小结 and after-work: the place stays taken until it has run out.
    await agent.sees("wrap-up-dialog", "张*")
    await screenshot(agent.page, "service-13-wrap-up")
    await agent.press("wrap-up-invoice")
    await agent.at("wrap-up-note").fill("已说明查看位置")
    await agent.press("wrap-up-save")
    await agent.sees_no("wrap-up-dialog")
    await agent.sees("desk-load", "接待 1/2")

    await first.page.reload()
    await first.press("open-window")
    await first.sees("human")
    await first.counts("rate-resolved", 0)

    await agent.opens("李")
    await agent.ends()
    await second.sees("agent-presence", "税务人员已结束本次会话")
    await second.press("rate-unresolved")
    await second.sees("rating-done")
    await agent.sees("wrap-up-dialog")
    await agent.press("wrap-up-refund")
    await agent.press("wrap-up-save")
    await agent.sees_no("wrap-up-dialog")


async def test_after_work_keeps_the_next_taxpayer_waiting(story: Story) -> None:
    await story.configure(default_capacity=1, after_work_ms=4_000)
    first, agent = await story.meet()
    second = await story.taxpayer("taxpayer02")
    await second.asks_for_a_person()
    await agent.sees("waiting-total", "1")
    await first.ends()
    await agent.sees_status("after_work")
    await agent.reads("整理")
    await screenshot(agent.page, "service-after-work")
    await second.sees("queue-card", "正在为您排队")
    await agent.press("wrap-up-other")
    await agent.press("wrap-up-save")
    await agent.accepts("李*")
    await second.sees("greeting-card")


async def test_an_unanswered_offer_goes_back_to_its_place_and_the_silent_agent_is_away(story: Story) -> None:
    await story.configure(offer_ring_ms=2_500)
    silent = await story.agent()
    taxpayer = await story.taxpayer()
    await taxpayer.press("human")
    await silent.sees("offer-card")
    await taxpayer.sees("queue-card", "正在为您接通")
    await silent.sees_no("offer-card")
    await silent.sees_status("away")
    await silent.reads("有来访未应答，已设为离开")
    await screenshot(silent.page, "service-missed-offer")
    await taxpayer.sees("queue-card", "正在为您排队")
    await taxpayer.sees("queue-ahead", "0")
    other = await story.agent("agent02")
    await other.accepts("张*")
    await taxpayer.sees("agent-presence", "税务人员 102")


async def test_picked_out_of_turn_from_the_waiting_list(story: Story) -> None:
    agent = await story.agent(status="busy")
    first, second = await story.taxpayer(), await story.taxpayer("taxpayer02")
    await first.asks_for_a_person()
    await second.asks_for_a_person()
    await agent.sees("waiting-total", "2")
    await agent.page.get_by_role("button", name="呼叫 李*").click()
    await second.sees("agent-presence", "税务人员 101 在线")
    await agent.sees("waiting-total", "1")
    await first.sees("queue-ahead", "0")
    await agent.sees("taxpayer-card", "李*")


async def test_who_was_served_by_this_agent_last_goes_first(story: Story) -> None:
    await story.configure(default_capacity=1)
    regular, known = await story.meet("taxpayer02", "agent01")
    await known.ends()
    await known.is_now("busy")
    other = await story.agent("agent02", status="busy")
    newcomer = await story.taxpayer("taxpayer01")
    await newcomer.asks_for_a_person()
    await regular.asks_for_a_person()
    await regular.sees("queue-ahead", "1")
    await known.press("wrap-up-other")
    await known.press("wrap-up-save")
    await known.is_now("free")
    await known.accepts("李*")
    await regular.sees("agent-presence", "税务人员 101")
    await other.is_now("free")
    await other.accepts("张*")
    await newcomer.sees("agent-presence", "税务人员 102")


async def test_what_is_pressed_before_the_line_is_up_is_done_when_it_is(story: Story) -> None:
    agent = await story.agent()
    line_up = asyncio.Event()

    async def held(line: WebSocketRoute) -> None:
        await line_up.wait()
        line.connect_to_server()

    person = await story.taxpayer(opened=False)
    await person.page.route_web_socket(re.compile("socket.io"), held)
    await person.page.reload()
    await person.press("open-window")
    await person.press("human")
    line_up.set()
    await agent.accepts("张*")
    await person.sees("greeting-card")
