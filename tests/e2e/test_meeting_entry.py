"""From the window and the desk into the mediation meeting one is expected in (R6)."""

from __future__ import annotations

import pytest
from playwright.async_api import Playwright, expect

from tests.e2e.conftest import Room
from tests.e2e.counter import visit
from tests.e2e.looking import Looker
from tests.e2e.people import Agent
from tests.e2e.test_meeting import APPLICANT, HOST, SLOW_MS, Attendee, apply_and_dispatch
from tests.harness.browser import DESKTOP, FAKE_MEDIA, PHONE, launch, screenshot, sign_in
from tests.harness.server import ServerProcess

pytestmark = pytest.mark.long


async def test_both_are_told_and_reach_the_meeting(server: ServerProcess, seat: Room) -> None:
    agent = await Agent.arrive(await seat(), server.url, HOST)
    meeting_id = await apply_and_dispatch(seat, server.url)
    taxpayer = await visit(await seat(), server.url, APPLICANT)
    await agent.sees("meeting-notice", "调解会议待开始")
    await screenshot(agent.page, "meeting-notice-desk")
    async with agent.page.context.expect_page() as opened:
        await agent.press("meeting-join")
    host = Attendee(await opened.value, HOST)
    await expect(host.at("enter")).to_be_enabled(timeout=SLOW_MS)
    await expect(taxpayer.at("meeting-notice")).to_have_count(0)
    await host.press("enter")
    await host.is_in()
    await agent.sees("meeting-notice", "调解会议进行中")

    await taxpayer.sees("meeting-notice", "您的调解会议已开始")
    await screenshot(taxpayer.page, "meeting-notice-window")
    await taxpayer.page.set_viewport_size(PHONE)
    await screenshot(taxpayer.page, "meeting-notice-phone")
    await taxpayer.page.set_viewport_size(DESKTOP)
    async with taxpayer.page.context.expect_page() as opened:
        await taxpayer.press("meeting-join")
    applicant = Attendee(await opened.value, APPLICANT)
    assert f"/meeting/{meeting_id}" in applicant.page.url
    await expect(applicant.at("enter")).to_be_enabled(timeout=SLOW_MS)
    await applicant.knocks()
    await host.press("knock-admit")
    await applicant.is_in()
    await host.press("leave")
    await host.press("end")
    await taxpayer.sees_no("meeting-notice", timeout_ms=SLOW_MS)
    await agent.sees_no("meeting-notice", timeout_ms=SLOW_MS)


async def test_a_door_without_devices_and_questions_over_the_stage(
    server: ServerProcess, seat: Room, playwright: Playwright
) -> None:
    """Who allows the devices late asks for them again at the door; whatever is said over the dark stage can be read."""
    meeting_id = await apply_and_dispatch(seat, server.url)
    looker = Looker()
    asking = await launch(playwright, FAKE_MEDIA[1], "--deny-permission-prompts")
    try:
        context = await asking.new_context(viewport=DESKTOP, locale="zh-CN")
        host = Attendee(await sign_in(context, server.url, HOST, f"/meeting/{meeting_id}"), HOST)
        await host.sees("door-problem", "未允许使用", timeout_ms=SLOW_MS)
        await looker.at(host.page, "meeting-door-denied")
        await context.grant_permissions(["camera", "microphone"])
        await host.press("door-retry")
        await host.sees_moving("preview", timeout_ms=SLOW_MS)
        await host.sees_no("door-problem")
        await host.sees_no("door-retry")
        await host.press("enter")
        await host.is_in()
        await looker.at(host.page, "meeting-alone")
        await host.press("leave")
        await looker.at(host.page, "meeting-leave")
        looker.verdict()
        await host.press("end")
        await host.sees("out-ended", timeout_ms=SLOW_MS)
    finally:
        await asking.close()
