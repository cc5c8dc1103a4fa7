"""Who looks elsewhere is called back: the window put aside counts and sounds, the desk in the background notifies."""

from __future__ import annotations

from playwright.async_api import expect

from tests.e2e.conftest import Room
from tests.e2e.people import Agent, Taxpayer
from tests.harness.browser import screenshot, sign_in
from tests.harness.server import ServerProcess

COUNT_NOTES = """() => {
  window.__notes = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...when) { window.__notes += 1; return start.apply(this, when); };
}"""
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


async def on_duty(seat: Room, url: str) -> Agent:
    agent = await Agent.arrive(await seat(), url)
    await agent.press("desk-sign-in")
    await agent.sees("desk-status")
    return agent


async def served(taxpayer: Taxpayer, agent: Agent) -> None:
    await taxpayer.press("open-window")
    await taxpayer.press("human")
    await agent.press("offer-accept")
    await taxpayer.sees("greeting-card")


async def test_a_window_put_aside_counts_and_sounds(server: ServerProcess, seat: Room) -> None:
    agent = await on_duty(seat, server.url)
    taxpayer = Taxpayer(await sign_in(await seat(), server.url, "taxpayer01", "/demo/host"))
    await taxpayer.page.evaluate(COUNT_NOTES)
    await served(taxpayer, agent)
    await agent.says("材料已收到")  # the greeting card says 您好
    await taxpayer.reads("材料已收到")
    assert await taxpayer.page.evaluate("window.__notes") == 0, "what is before the eyes makes no sound"
    await taxpayer.press("window-minimize")
    await agent.says("请看发票勾选页面")
    await expect(taxpayer.at("unread")).to_have_text("1")
    await taxpayer.page.wait_for_function("() => window.__notes === 1")
    await agent.says("再点提交")
    await expect(taxpayer.at("unread")).to_have_text("2")
    await screenshot(taxpayer.page, "window-32-unread")
    await taxpayer.press("open-window")
    await taxpayer.reads("再点提交")
    await expect(taxpayer.at("unread")).to_have_count(0)
    await taxpayer.press("window-maximize")
    await expect(taxpayer.page.get_by_role("button", name="还原")).to_be_visible()
    await screenshot(taxpayer.page, "window-33-maximized")


async def test_who_looks_away_is_called_back(server: ServerProcess, seat: Room) -> None:
    context = await seat()
    await context.add_init_script(KEEP_ALERTS)
    agent = await Agent.arrive(context, server.url)
    await agent.press("desk-sign-in")
    await agent.sees("desk-status")
    await agent.page.evaluate(LOOK_AWAY)
    taxpayer = Taxpayer(await sign_in(await seat(), server.url, "taxpayer01", "/demo/host"))
    await taxpayer.press("open-window")
    await taxpayer.press("human")
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
