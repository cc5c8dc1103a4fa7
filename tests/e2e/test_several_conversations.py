"""Several conversations at one desk: marks, clocks, drafts, whom one speaks with."""

from __future__ import annotations

from playwright.async_api import expect

from tests.e2e.conftest import Room
from tests.e2e.people import Agent, Taxpayer
from tests.e2e.staff_room import open_always
from tests.harness.browser import screenshot, sign_in
from tests.harness.server import ServerProcess


async def on_duty(seat: Room, url: str, account: str = "agent02") -> Agent:
    agent = await Agent.arrive(await seat(), url, account)
    await agent.press("desk-sign-in")
    await agent.sees("desk-status")
    return agent


async def arrives(seat: Room, url: str, account: str) -> Taxpayer:
    taxpayer = Taxpayer(await sign_in(await seat(), url, account, "/demo/host"))
    await taxpayer.press("open-window")
    await taxpayer.press("human")
    await taxpayer.sees("queue-card")
    return taxpayer


async def test_three_conversations_with_marks_clocks_and_one_picked(
    server: ServerProcess, seat: Room
) -> None:
    await open_always(await seat(), server.url, "gd-zhongshan")
    agent = await on_duty(seat, server.url)
    await agent.at("desk-status").select_option("busy")
    first = await arrives(seat, server.url, "taxpayer01")
    second = await arrives(seat, server.url, "taxpayer02")
    await expect(agent.at("waiting-total")).to_have_text("2")
    # The second in the line is picked before the first.
    await agent.page.get_by_role("button", name="呼叫 李*").click()
    await second.sees("greeting-card")
    await expect(first.at("queue-ahead")).to_have_text("0")
    await agent.at("desk-status").select_option("free")
    await agent.press("offer-accept")
    await first.sees("greeting-card")
    company = await arrives(seat, server.url, "company01")
    await agent.sees("offer-card", "企业 · 广东")
    await screenshot(agent.page, "desk-40-offer-of-a-company")
    await agent.press("offer-accept")
    await company.sees("greeting-card")
    await agent.sees("taxpayer-kind", "企业 · 广东")
    await agent.sees("profile-kind", "企业")
    await agent.sees("profile-region", "广东")
    await agent.sees("profile-company", "中山市")

    await first.says("请问勾选的截止日期？")
    await first.says("还有，可以撤销吗？")
    await second.says("我的申报表打不开")
    rows = agent.page.locator('[data-testid^="interaction-"]')
    await expect(rows).to_have_count(3)
    await expect(rows.filter(has_text="张*").locator(".unread")).to_have_text("2")
    await expect(rows.filter(has_text="李*").locator(".unread")).to_have_text("1")
    await expect(rows.filter(has_text="中山").locator(".unread")).to_have_count(0)
    assert await agent.page.title() == "（3）征纳互动工作台"
    await screenshot(agent.page, "desk-41-three-conversations")
    before = await rows.filter(has_text="张*").locator(".time").inner_text()
    await expect(rows.filter(has_text="张*").locator(".time")).not_to_have_text(before)
    await agent.opens("张*")
    await agent.reads("还有，可以撤销吗？")
    await expect(rows.filter(has_text="张*").locator(".unread")).to_have_count(0)
    # What was being written stays with its conversation.
    await agent.at("message-input").fill("截止日期是")
    await agent.opens("李*")
    await expect(agent.at("message-input")).to_have_value("")
    await agent.opens("张*")
    await expect(agent.at("message-input")).to_have_value("截止日期是")
