"""A phone in the hand: no screen to share there, a camera to show things with, and a telephone that dials."""

from __future__ import annotations

from playwright.async_api import Browser, expect

from tests.e2e.conftest import Room
from tests.e2e.people import Agent, Taxpayer
from tests.harness.browser import PHONE, screenshot, sign_in
from tests.harness.server import ServerProcess

NO_SCREEN_CAPTURE = "delete MediaDevices.prototype.getDisplayMedia"
"""As on a phone: browsers there have no ``getDisplayMedia`` (Screen Capture, §5)."""


async def on_duty(seat: Room, url: str) -> Agent:
    agent = await Agent.arrive(await seat(), url)
    await agent.press("desk-sign-in")
    await agent.sees("desk-status")
    return agent


async def test_a_phone_offers_its_camera_instead_of_a_screen(
    server: ServerProcess, seat: Room, browser: Browser
) -> None:
    phone = await browser.new_context(
        viewport=PHONE,
        is_mobile=True,
        has_touch=True,
        device_scale_factor=2,
        locale="zh-CN",
        permissions=["camera", "microphone"],
    )
    await phone.add_init_script(NO_SCREEN_CAPTURE)
    taxpayer = Taxpayer(await sign_in(phone, server.url, "taxpayer01", "/demo/host"))
    # Interception of file choosers begins a moment after the first listener.
    taxpayer.page.on("filechooser", lambda _chooser: None)
    await taxpayer.at("open-window").tap()
    await expect(taxpayer.at("greeting-human")).to_be_in_viewport(ratio=1)
    for tool in await taxpayer.page.get_by_role("toolbar", name="互动工具").get_by_role("button").all():
        await expect(tool).to_be_in_viewport(ratio=1)
    # Nobody is there yet: the telephone is a way out one can press.
    await taxpayer.at("human").tap()
    await expect(taxpayer.at("way-call_hotline")).to_have_attribute("href", "tel:12366")
    await screenshot(taxpayer.page, "phone-01-hotline")
    await taxpayer.at("way-dismiss").tap()

    agent = await on_duty(seat, server.url)
    await taxpayer.at("greeting-human").tap()
    await agent.press("offer-accept")
    await taxpayer.sees("greeting-card")
    await expect(taxpayer.at("attach-screenshot")).to_contain_text("拍照")
    async with taxpayer.page.expect_file_chooser() as chooser:
        await taxpayer.at("attach-screenshot").tap()
    assert await (await chooser.value).element.get_attribute("capture") == "environment"
    await taxpayer.at("card-assist").tap()
    await taxpayer.reads("手机浏览器不支持分享屏幕")
    await screenshot(taxpayer.page, "phone-02-no-screen")
    await taxpayer.at("way-ask_call").tap()
    await agent.press("call-answer")
    await taxpayer.at("call-accept").tap()
    await agent.sees_moving("remote-video")
    await taxpayer.sees_moving("remote-video")
    await screenshot(taxpayer.page, "phone-03-call")
    await agent.press("call-hangup")
    await taxpayer.sees_no("call-hangup")
