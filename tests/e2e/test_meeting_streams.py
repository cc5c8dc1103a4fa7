"""A device in a meeting, as the host sees it in a real browser: link, picture that moves, revocation."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import Room
from tests.e2e.test_meeting import HOST, SLOW_MS, Attendee, apply_and_dispatch
from tests.harness.browser import DESKTOP, PHONE, screenshot
from tests.harness.media_peer import connected
from tests.harness.server import ServerProcess
from tests.harness.tracks import BarcodeTrack
from tests.harness.whip import Device

pytestmark = pytest.mark.long


async def test_the_host_lets_a_device_in_and_out_again(server: ServerProcess, seat: Room) -> None:
    meeting_id = await apply_and_dispatch(seat, server.url)
    host = await Attendee.arrive(await seat(), server.url, HOST, meeting_id)
    await host.press("enter")
    await host.is_in()
    await host.opens("people")
    await host.press("add-stream")
    await host.at("stream-name").fill("演播室摄像机")
    await host.press("stream-add")
    await expect(host.at("stream-made")).to_be_visible(timeout=SLOW_MS)
    url = await host.at("stream-url").inner_text()
    token = await host.at("stream-token").inner_text()
    await screenshot(host.page, "meeting-streams")
    await host.page.set_viewport_size(PHONE)
    await screenshot(host.page, "meeting-streams-phone")
    await host.page.set_viewport_size(DESKTOP)

    async with Device(url, token) as camera:
        await camera.publish(BarcodeTrack())
        await connected(camera.connection)
        link = host.page.locator("[data-stream]")
        await expect(link).to_contain_text("已接入", timeout=SLOW_MS)
        device = f"stream-{await link.get_attribute('data-stream')}"
        await host.sees_person(device)
        await host.at("streams").get_by_role("button", name="关闭").click()
        await host.opens("people")
        await expect(host.row(device)).to_contain_text("推流设备")
        await screenshot(host.page, "meeting-stream-live")
        await host.press("add-stream")
        await host.press("stream-revoke")
        await expect(host.tile(device)).to_be_hidden(timeout=SLOW_MS)
        assert await camera.delete() == 404
