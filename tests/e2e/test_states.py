"""Every state of R5 that a person may meet has its sentence and its way out, in real browsers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, Playwright

from tests.e2e.conftest import Room
from tests.e2e.people import Agent, Taxpayer
from tests.harness.browser import DESKTOP, FAKE_MEDIA, PHONE, launch, screenshot
from tests.harness.server import ServerProcess, start_server

DENYING = ("--use-fake-ui-for-media-stream=deny", "--use-fake-device-for-media-stream")
"""A browser whose person presses "block" on every prompt."""
NO_DEVICES = ("--use-fake-ui-for-media-stream",)
"""A machine without camera and microphone: nothing fakes them here."""


@asynccontextmanager
async def browser_with(playwright: Playwright, *flags: str) -> AsyncIterator[BrowserContext]:
    browser = await launch(playwright, *flags)
    try:
        yield await browser.new_context(viewport=DESKTOP, locale="zh-CN")
    finally:
        await browser.close()


async def meet_in(context: BrowserContext, seat: Room, url: str) -> tuple[Taxpayer, Agent]:
    agent = await Agent.arrive(await seat(), url)
    taxpayer = await Taxpayer.arrive(context, url)
    await taxpayer.turns_to()
    await agent.opens_first()
    return taxpayer, agent


@pytest.fixture
async def impatient(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A server that rings for a moment only."""
    process = await start_server(tmp_path / "data", RTC_TURN_START="false", RTC_SESSIONS_RING_TIMEOUT_S="2")
    yield process
    await process.stop()


async def test_ringing_times_out_on_both_sides(impatient: ServerProcess, seat: Room) -> None:
    agent = await Agent.arrive(await seat(), impatient.url)
    taxpayer = await Taxpayer.arrive(await seat(), impatient.url)
    await taxpayer.turns_to()
    await agent.opens_first()
    await taxpayer.press("assist-request")
    await taxpayer.reads("税务人员暂未应答")
    await agent.reads("远程协助申请超时未应答")
    await taxpayer.sees("way-request_assistance")
    await screenshot(taxpayer.page, "state-ring-timeout")
    await agent.press("call-start")
    await agent.reads("纳税人未接听")
    await taxpayer.reads("音视频邀请超时未接听")


async def test_screen_permission_denied(server: ServerProcess, playwright: Playwright, seat: Room) -> None:
    async with browser_with(playwright, *DENYING) as context:
        taxpayer, agent = await meet_in(context, seat, server.url)
        await taxpayer.shares(agent)
        # Chromium reports a dismissed picker and a blocked one alike; either sentence leads back to the picker.
        await taxpayer.sees("way-share_screen")
        await agent.sees_no("screen-video")
        await screenshot(taxpayer.page, "state-screen-denied")


async def test_microphone_and_camera_denied(
    server: ServerProcess, playwright: Playwright, seat: Room
) -> None:
    async with browser_with(playwright, *DENYING) as context:
        taxpayer, agent = await meet_in(context, seat, server.url)
        await agent.press("call-start")
        await taxpayer.press("call-accept")
        await taxpayer.reads("浏览器未允许使用麦克风和摄像头")
        await agent.reads("对方尚未允许使用麦克风和摄像头")
        await taxpayer.sees_moving("remote-video")
        await screenshot(taxpayer.page, "state-devices-denied")


async def test_no_microphone_and_camera(server: ServerProcess, playwright: Playwright, seat: Room) -> None:
    async with browser_with(playwright, *NO_DEVICES) as context:
        taxpayer, agent = await meet_in(context, seat, server.url)
        await agent.press("call-start")
        await taxpayer.press("call-accept")
        await taxpayer.reads("未检测到麦克风")
        await agent.reads("对方没有可用的麦克风")
        await taxpayer.sees_moving("remote-video")


async def test_an_agent_who_is_away_cannot_be_called(server: ServerProcess, seat: Room) -> None:
    taxpayer = await Taxpayer.arrive(await seat(), server.url)
    await taxpayer.press("human")
    await taxpayer.sees("agent-agent01", "不在线")
    await screenshot(taxpayer.page, "state-agent-offline")


async def test_a_phone_offers_the_camera_instead_of_the_screen(
    server: ServerProcess, playwright: Playwright, seat: Room
) -> None:
    browser = await launch(playwright, *FAKE_MEDIA)
    try:
        context = await browser.new_context(
            viewport=PHONE,
            locale="zh-CN",
            is_mobile=True,
            has_touch=True,
            permissions=["camera", "microphone"],
        )
        # Mobile browsers have no screen capture; Chromium for desktops has to have it taken away.
        await context.add_init_script("delete MediaDevices.prototype.getDisplayMedia")
        taxpayer, agent = await meet_in(context, seat, server.url)
        await screenshot(taxpayer.page, "phone-chat")
        await taxpayer.press("assist-request")
        await taxpayer.reads("手机浏览器不支持分享屏幕")
        await screenshot(taxpayer.page, "phone-no-screen")
        await taxpayer.press("way-ask_call")
        await agent.press("call-answer")
        await taxpayer.press("call-accept")
        await taxpayer.sees_moving("remote-video")
        await agent.sees_moving("remote-video")
        await screenshot(taxpayer.page, "phone-call")
        assert await _width_overflow(taxpayer.page) <= 0
    finally:
        await browser.close()


async def _width_overflow(page: Page) -> int:
    return int(await page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))
