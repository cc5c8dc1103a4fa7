"""Devices and network are checked before a call (R14), in real browsers and through the real media path."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, expect

from tests.e2e.people import Agent, Person, Taxpayer
from tests.harness.axe import violations
from tests.harness.browser import DESKTOP, PHONE, launch, screenshot, sign_in
from tests.harness.firewall import blocked_udp, firewall_missing, narrowed_udp
from tests.harness.one_port import one_port

needs_firewall = pytest.mark.skipif(firewall_missing() is not None, reason=firewall_missing() or "")
DONE_MS = 90_000
ALL = ("camera", "microphone")


class Visitor(Person):
    """Somebody on the page of the check."""

    @classmethod
    async def arrive(
        cls,
        browser: Browser,
        url: str,
        account: str = "taxpayer01",
        *,
        permissions: Sequence[str] = ALL,
        phone: bool = False,
    ) -> Visitor:
        context = await browser.new_context(
            viewport=PHONE if phone else DESKTOP, locale="zh-CN", permissions=list(permissions)
        )
        page = await sign_in(context, url, account, "/check")
        visitor = cls(page)
        await visitor.sees("check-start")
        return visitor

    async def checks(self, *, heard: bool = True) -> None:
        """Presses what there is to press, and waits for the end."""
        await self.press("check-start")
        await self.press("check-tone")
        await self.press("check-heard" if heard else "check-unheard")
        await self.sees("check-summary", timeout_ms=DONE_MS)

    async def found(self, part: str, verdict: str) -> None:
        await expect(self.at(f"check-{part}")).to_have_attribute("data-verdict", verdict, timeout=DONE_MS)

    async def figure(self, name: str) -> str:
        row = self.at("check-figures").locator("div").filter(has_text=name)
        return (await row.locator("dd").inner_text()).strip()


async def test_all_is_well_and_can_be_told_to_the_help_desk(browser: Browser, tmp_path: Path) -> None:
    async with one_port(tmp_path / "data", ice_tcp=True) as reachable:
        visitor = await Visitor.arrive(browser, reachable.server.url)
        await screenshot(visitor.page, "check-before")
        await visitor.press("check-start")
        await visitor.sees_moving("check-preview")
        await expect(visitor.at("check-network")).to_have_attribute(
            "data-verdict", "running", timeout=DONE_MS
        )
        await screenshot(visitor.page, "check-running")
        await visitor.press("check-tone")
        await visitor.press("check-heard")
        for part in ("microphone", "speaker", "camera", "network"):
            await visitor.found(part, "good")
        await visitor.found("conclusion", "good")
        assert await visitor.figure("连接方式") == "直接连接（UDP）"
        rtt = re.fullmatch(r"(\d+) 毫秒", await visitor.figure("往返时延"))
        assert rtt is not None
        assert int(rtt[1]) < 500
        for way in ("上行网速", "下行网速"):
            assert "Mbit/s" in await visitor.figure(way)
        await visitor.sees("check-echo", "声音和画面")
        told = await visitor.text_of("check-summary")
        for words in ("麦克风：麦克风正常", "画面经服务器返回：是", "连接方式：直接连接（UDP）"):
            assert words in told
        assert "taxpayer01" not in told
        assert "127.0.0.1" not in told
        await visitor.page.context.grant_permissions([*ALL, "clipboard-read", "clipboard-write"])
        await visitor.press("check-copy")
        await visitor.reads("已复制")
        copied = await visitor.page.evaluate("navigator.clipboard.readText()")
        assert copied.strip() == told
        await screenshot(visitor.page, "check-done")
        await visitor.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        await screenshot(visitor.page, "check-done-summary")
        assert await violations(visitor.page) == []

        # By keyboard alone, by staff, on a phone; on a device whose sound is off.
        phone = await Visitor.arrive(browser, reachable.server.url, "agent01", phone=True)
        await phone.at("check-start").focus()
        await phone.page.keyboard.press("Enter")
        await phone.at("check-unheard").focus()
        await phone.page.keyboard.press("Space")
        await phone.found("speaker", "bad")
        await phone.sees("check-speaker-advice", "调高音量")
        await phone.found("network", "good")
        await screenshot(phone.page, "check-done-phone")
        assert await violations(phone.page) == []


@pytest_asyncio.fixture
async def asking(playwright: Playwright) -> AsyncIterator[Browser]:
    """A browser that keeps to the permissions of the page, where the usual one of the tests grants whatever is asked."""
    instance = await launch(playwright, "--use-fake-device-for-media-stream")
    yield instance
    await instance.close()


async def test_a_denied_microphone_says_what_to_do_and_the_rest_is_checked(
    asking: Browser, tmp_path: Path
) -> None:
    async with one_port(tmp_path / "data", ice_tcp=True) as reachable:
        visitor = await Visitor.arrive(asking, reachable.server.url, permissions=["camera"])
        await visitor.checks()
        await visitor.found("microphone", "bad")
        await visitor.sees("check-microphone-title", "未允许使用麦克风")
        await visitor.sees("check-microphone-advice", "允许")
        await visitor.found("camera", "good")
        await visitor.found("network", "good")
        await visitor.sees("check-conclusion", "听不到您的声音")
        await screenshot(visitor.page, "check-denied")


@needs_firewall
@pytest.mark.long
async def test_without_udp_it_goes_by_tcp_and_says_so(browser: Browser, tmp_path: Path) -> None:
    async with one_port(tmp_path / "data", ice_tcp=True) as reachable:
        with blocked_udp(reachable.media_port):
            visitor = await Visitor.arrive(browser, reachable.server.url)
            await visitor.checks()
            await visitor.found("network", "good")
            assert await visitor.figure("连接方式") == "直接连接（TCP）"
            await visitor.sees("check-network-advice", "UDP")


@needs_firewall
@pytest.mark.long
async def test_where_no_media_gets_through_it_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    async with one_port(tmp_path / "data", ice_tcp=False) as reachable:
        visitor = await Visitor.arrive(browser, reachable.server.url)
        with blocked_udp(reachable.media_port):
            await visitor.checks()
            await visitor.found("network", "bad")
            await visitor.sees("check-network-title", "无法通过当前网络")
            await visitor.sees("check-network-advice", "更换网络")
            await screenshot(visitor.page, "check-blocked")
        # The firewall was mended: the network alone is tried again.
        await visitor.press("check-network-again")
        await visitor.found("network", "good")


@needs_firewall
@pytest.mark.long
async def test_a_line_too_slow_for_video_is_told(browser: Browser, tmp_path: Path) -> None:
    async with one_port(tmp_path / "data", ice_tcp=False) as reachable:
        with narrowed_udp(reachable.media_port, kbytes_per_s=25):
            visitor = await Visitor.arrive(browser, reachable.server.url)
            await visitor.checks()
            assert "kbit/s" in await visitor.figure("上行网速")
            await visitor.found("network", "fair")
            await visitor.sees("check-network-title", "建议只用语音")
            await visitor.sees("check-network-advice", "关闭摄像头")
            await screenshot(visitor.page, "check-slow")


async def test_the_window_and_the_desk_lead_there_as_who_one_is(browser: Browser, tmp_path: Path) -> None:
    async with one_port(tmp_path / "data", ice_tcp=True) as reachable:
        url = reachable.server.url
        context = await browser.new_context(viewport=DESKTOP, locale="zh-CN")
        for person in (await Taxpayer.arrive(context, url), await Agent.arrive(context, url, "lead01")):
            await screenshot(person.page, f"check-way-{type(person).__name__.lower()}")
            async with context.expect_page() as opened:
                await person.press("to-check")
            there = Person(await opened.value)
            await there.sees("check-start")
            assert there.page.url == f"{url}/check"
