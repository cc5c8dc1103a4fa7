"""What a taxpayer does with the window besides talking: a screenshot cut and marked, letters of the right size, a window put
aside, a long silence, a phone in the hand."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Browser, expect

from tests.e2e.conftest import Room
from tests.e2e.looking import SETTLED
from tests.e2e.people import Agent, Taxpayer
from tests.harness.browser import PHONE, screenshot, sign_in
from tests.harness.server import ServerProcess, start_server

COUNT_NOTES = """() => {
  window.__notes = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...when) { window.__notes += 1; return start.apply(this, when); };
}"""
NO_SCREEN_CAPTURE = "delete MediaDevices.prototype.getDisplayMedia"
"""As on a phone: browsers there have no ``getDisplayMedia`` (Screen Capture, §5)."""


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


async def test_a_screenshot_is_cut_and_marked_before_it_is_sent(server: ServerProcess, seat: Room) -> None:
    agent = await on_duty(seat, server.url)
    taxpayer = Taxpayer(await sign_in(await seat(), server.url, "taxpayer01", "/demo/host"))
    await served(taxpayer, agent)
    await taxpayer.press("attach-screenshot")
    await taxpayer.sees("screenshot-editor")
    canvas = taxpayer.at("screenshot-canvas")
    whole = await canvas.evaluate("(canvas) => [canvas.width, canvas.height]")
    box = await canvas.bounding_box()
    assert box is not None
    mouse = taxpayer.page.mouse

    async def drag(from_x: float, from_y: float, to_x: float, to_y: float) -> None:
        await mouse.move(box["x"] + from_x * box["width"], box["y"] + from_y * box["height"])
        await mouse.down()
        await mouse.move(box["x"] + to_x * box["width"], box["y"] + to_y * box["height"], steps=4)
        await mouse.up()

    def pixel(x: float, y: float) -> str:
        return f"(canvas) => [...canvas.getContext('2d').getImageData(canvas.width * {x}, canvas.height * {y}, 1, 1).data]"

    await drag(0.25, 0.25, 0.75, 0.75)
    await taxpayer.page.get_by_role("radio", name="方框").click()
    await drag(0.3, 0.3, 0.6, 0.6)
    await taxpayer.page.get_by_role("radio", name="箭头").click()
    await drag(0.4, 0.65, 0.6, 0.5)
    await taxpayer.page.evaluate(SETTLED)
    red, green, blue, _ = await canvas.evaluate(pixel(0.45, 0.3))
    assert red > 180 > green, "the frame is drawn"
    assert blue < 120
    await screenshot(taxpayer.page, "window-30-screenshot-editor")
    await taxpayer.page.get_by_role("button", name="撤销").click()
    await taxpayer.press("screenshot-send")
    await taxpayer.sees_no("screenshot-editor")
    picture = agent.at("message-picture").locator("img")
    await expect(picture).to_be_visible(timeout=20_000)
    await picture.evaluate("(image) => image.decode()")
    cut = await picture.evaluate("(image) => [image.naturalWidth, image.naturalHeight]")
    assert all(abs(part - side / 2) <= side * 0.02 for part, side in zip(cut, whole, strict=True)), (
        cut,
        whole,
    )

    await taxpayer.press("attach-screenshot")
    await taxpayer.sees("screenshot-editor")
    await taxpayer.page.keyboard.press("Escape")
    await taxpayer.sees_no("screenshot-editor")


async def test_letters_keep_their_size_and_a_cleared_view_its_history(
    server: ServerProcess, seat: Room
) -> None:
    agent = await on_duty(seat, server.url)
    taxpayer = Taxpayer(await sign_in(await seat(), server.url, "taxpayer01", "/demo/host"))
    await served(taxpayer, agent)
    await taxpayer.press("font-size")
    await taxpayer.press("font-20")
    await expect(taxpayer.at("message-list")).to_have_css("font-size", "20px")
    await taxpayer.says("第一句")
    await agent.reads("第一句")
    await taxpayer.press("clear")
    await taxpayer.reads("已清屏，历史消息仍然保留")
    await expect(taxpayer.page.get_by_text("第一句")).to_have_count(0)
    await agent.says("第二句")
    await taxpayer.reads("第二句")
    await taxpayer.page.get_by_role("button", name="查看全部").click()
    await taxpayer.reads("第一句")
    await taxpayer.page.reload()
    await taxpayer.press("open-window")
    await taxpayer.reads("第二句")
    await expect(taxpayer.at("message-list")).to_have_css("font-size", "20px")
    await screenshot(taxpayer.page, "window-31-large-letters")
    # To the very beginning, and told so.
    await taxpayer.press("load-more")
    await taxpayer.sees("no-earlier")


async def test_a_window_put_aside_counts_and_sounds(server: ServerProcess, seat: Room) -> None:
    agent = await on_duty(seat, server.url)
    taxpayer = Taxpayer(await sign_in(await seat(), server.url, "taxpayer01", "/demo/host"))
    await taxpayer.page.evaluate(COUNT_NOTES)
    await served(taxpayer, agent)
    await agent.says("您好")
    await taxpayer.reads("您好")
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


async def test_silence_is_warned_of_and_a_word_ends_the_warning(tmp_path: Path, seat: Room) -> None:
    server = await start_server(
        tmp_path / "data",
        RTC_TURN_START="false",
        RTC_SESSIONS_SILENCE_WARN_S="4",
        RTC_SESSIONS_SILENCE_END_S="6",
    )
    try:
        agent = await on_duty(seat, server.url)
        taxpayer = Taxpayer(await sign_in(await seat(), server.url, "taxpayer01", "/demo/host"))
        await served(taxpayer, agent)
        await taxpayer.sees("silence-warning", "如需继续，请发送消息")
        await agent.sees("silence-warning")
        await screenshot(taxpayer.page, "window-34-silence")
        await taxpayer.says("我还在")
        await taxpayer.sees_no("silence-warning")
        await taxpayer.sees("silence-warning")
        await taxpayer.sees("agent-presence", "长时间没有新消息")
        await taxpayer.sees("rating")
        await agent.sees("wrap-up-dialog", "长时间没有新消息")
    finally:
        await server.stop()


async def test_a_phone_offers_its_camera_instead_of_a_screen(
    server: ServerProcess, seat: Room, browser: Browser
) -> None:
    phone = await browser.new_context(
        viewport=PHONE,  # type: ignore[arg-type]
        is_mobile=True,
        has_touch=True,
        device_scale_factor=2,
        locale="zh-CN",
        permissions=["camera", "microphone"],
    )
    await phone.add_init_script(NO_SCREEN_CAPTURE)
    taxpayer = Taxpayer(await sign_in(phone, server.url, "taxpayer01", "/demo/host"))
    await taxpayer.at("open-window").tap()
    # Nobody is there yet: the telephone is a way out one can press.
    await taxpayer.at("human").tap()
    await taxpayer.at("way-leave_message").tap()
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
    await agent.press("call-start")
    await taxpayer.at("call-accept").tap()
    await agent.sees_moving("remote-video")
    await taxpayer.sees_moving("remote-video")
    await screenshot(taxpayer.page, "phone-03-call")
    await agent.press("call-hangup")
    await taxpayer.sees_no("call-hangup")
