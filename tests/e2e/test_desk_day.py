"""An agent's day: several conversations with marks and clocks, people picked out of the line, what may be revealed, what
calls the agent back, and the time after work."""

from __future__ import annotations

from playwright.async_api import expect

from tests.e2e.conftest import Room
from tests.e2e.people import Agent, Taxpayer
from tests.e2e.staff_room import open_always, set_centre
from tests.harness.browser import screenshot, sign_in
from tests.harness.server import ServerProcess

KEEP_ALERTS = """
window.__alerts = [];
window.Notification = class { constructor(title, options) { window.__alerts.push(`${title}：${options.body}`); } };
window.Notification.permission = 'granted';
"""
"""A browser without a head has no place to show notifications; what would be shown is kept."""
LOOK_AWAY = """() => {
  Object.defineProperty(document, 'hidden', {get: () => true, configurable: true});
  document.dispatchEvent(new Event('visibilitychange'));
}"""


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


async def test_what_is_revealed_is_recorded(server: ServerProcess, seat: Room) -> None:
    agent = await on_duty(seat, server.url)
    taxpayer = await arrives(seat, server.url, "taxpayer01")
    await agent.press("offer-accept")
    await taxpayer.sees("greeting-card")
    await expect(agent.at("profile-phone")).to_have_text("134****3624")
    await agent.press("reveal-phone")
    await expect(agent.at("profile-phone")).to_have_text("13412343624")
    await expect(agent.at("profile-name")).to_have_text("张*")
    await agent.at("tag-input").fill("发票")
    await agent.at("tag-input").press("Enter")
    await expect(agent.at("tag")).to_have_text("发票")
    await agent.page.get_by_role("button", name="移除标签 发票").click()
    await expect(agent.at("tag")).to_have_count(0)
    page = await sign_in(await seat(), server.url, "admin", "/admin")
    await page.get_by_test_id("tab-audit").click()
    await expect(page.get_by_test_id("audit")).to_contain_text("查看手机号")
    await expect(page.get_by_test_id("audit")).to_contain_text("agent02")
    assert "13412343624" not in await page.content()


async def test_who_looks_away_is_called_back(server: ServerProcess, seat: Room) -> None:
    context = await seat()
    await context.add_init_script(KEEP_ALERTS)
    agent = await Agent.arrive(context, server.url)
    await agent.press("desk-sign-in")
    await agent.sees("desk-status")
    await agent.page.evaluate(LOOK_AWAY)
    taxpayer = await arrives(seat, server.url, "taxpayer01")
    await agent.page.wait_for_function(
        "() => window.__alerts.some((one) => one.includes('有纳税人请求人工服务'))"
    )
    await agent.press("offer-accept")
    await taxpayer.says("您好，在吗？")
    await agent.page.wait_for_function("() => window.__alerts.some((one) => one.includes('条未读消息'))")
    await taxpayer.press("card-assist")
    await agent.page.wait_for_function(
        "() => window.__alerts.some((one) => one.includes('申请远程协助或音视频'))"
    )
    alerts = await agent.page.evaluate("window.__alerts.join()")
    assert "张" not in alerts, "a notification on a shared screen names nobody"
    assert "在吗" not in alerts


async def test_after_work_has_its_time(server: ServerProcess, seat: Room) -> None:
    await set_centre(await seat(), server.url, "gd", after_work_ms=6_000)
    agent = await on_duty(seat, server.url, "agent01")
    taxpayer = await arrives(seat, server.url, "taxpayer01")
    await agent.press("offer-accept")
    await taxpayer.sees("greeting-card")
    await agent.press("close-interaction")
    await agent.press("confirm-ok")
    await agent.sees("wrap-up-dialog")
    await agent.page.keyboard.press("Escape")
    wrapping = agent.page.get_by_role("timer").filter(has_text="整理")
    await expect(wrapping).to_be_visible()
    await screenshot(agent.page, "desk-42-after-work")
    await expect(wrapping).to_have_count(0, timeout=20_000)
    for status in ("busy", "away", "after_work", "free"):
        await agent.at("desk-status").select_option(status)
        await expect(agent.at("desk-status")).to_have_value(status)
