"""A question spoken into a real browser, recognised by a real model: words appear, are edited, sent and answered."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.e2e.people import Taxpayer
from tests.harness import axe
from tests.harness.browser import DESKTOP, FAKE_MEDIA, launch, screenshot
from tests.harness.server import ServerProcess, start_server
from tests.harness.speech_model import speech_model

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

VOICE = Path(__file__).parents[1] / "captures" / "speech" / "lost_invoice.wav"
TIMEOUT_MS = 90_000
WINDOW = "yueyue-window"
LONGER = """() => document.querySelector('yueyue-window').shadowRoot
  .querySelector('[data-testid=message-input]').value.length > 5"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("dictation")
    model = speech_model(folder / "model")
    one = await start_server(
        folder / "data", RTC_TURN_START="false", RTC_SPEECH_MODEL=str(model), RTC_SPEECH_NICE="0"
    )
    yield one
    await one.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def speaker() -> AsyncIterator[Browser]:
    """Its microphone says the question once."""
    async with async_playwright() as playwright:
        browser = await launch(playwright, *FAKE_MEDIA, f"--use-file-for-fake-audio-capture={VOICE}%noloop")
        yield browser
        await browser.close()


@contextlib.asynccontextmanager
async def at_the_window(
    browser: Browser, server: ServerProcess, account: str, *, microphone: bool = True
) -> AsyncIterator[Taxpayer]:
    context = await browser.new_context(
        viewport=DESKTOP, locale="zh-CN", permissions=["microphone"] if microphone else []
    )
    person = await Taxpayer.arrive(context, server.url, account)
    await expect(person.at("dictate")).to_have_attribute("aria-label", "语音输入", timeout=TIMEOUT_MS)
    yield person
    await context.close()


async def test_spoken_edited_sent_and_answered(speaker: Browser, server: ServerProcess) -> None:
    async with at_the_window(speaker, server, "taxpayer02") as person:
        entry = person.at("message-input")
        await entry.fill("您好，")
        await person.press("dictate")
        await expect(person.at("dictating")).to_have_attribute("data-phase", "listening", timeout=TIMEOUT_MS)
        await person.page.wait_for_function(LONGER, timeout=TIMEOUT_MS)
        assert (await entry.input_value()).startswith("您好，")
        await screenshot(person.page, "voice-04-listening")
        found = [one for one in await axe.violations(person.page, WINDOW) if one.grave]
        assert found == [], "\n".join(map(str, found))
        await person.press("dictation-stop")
        await person.sees_no("dictating", timeout_ms=TIMEOUT_MS)
        said = await entry.input_value()
        assert said.startswith("您好，")
        assert "发票" in said
        # What was said is edited like anything else, then sent.
        await entry.fill(said.replace("您好，", "请问，"))
        await person.press("send")
        turn = person.at("turn").last
        await expect(turn).to_contain_text("发票", timeout=TIMEOUT_MS)
        await expect(turn.get_by_text("发票丢失").first).to_be_visible(timeout=TIMEOUT_MS)
        await screenshot(person.page, "voice-05-answered")


async def test_taken_back_leaves_what_was_typed(speaker: Browser, server: ServerProcess) -> None:
    async with at_the_window(speaker, server, "company01") as person:
        entry = person.at("message-input")
        await entry.fill("我打的字")
        await entry.press("Home")
        await person.press("dictate")
        await expect(person.at("dictating")).to_have_attribute("data-phase", "listening", timeout=TIMEOUT_MS)
        await entry.press("Escape")
        await person.sees_no("dictating")
        await expect(entry).to_have_value("我打的字")
        await entry.press("End")
        await entry.type("，还在")
        await expect(entry).to_have_value("我打的字，还在")


async def test_a_server_that_is_gone_keeps_what_was_typed(speaker: Browser, server: ServerProcess) -> None:
    async with at_the_window(speaker, server, "taxpayer01") as person:
        entry = person.at("message-input")
        await entry.fill("我打的字")
        await person.page.route_web_socket("**/api/assistant/speech", lambda socket: socket.close())
        await person.press("dictate")
        await person.sees("notice", "网络连接已断开", timeout_ms=TIMEOUT_MS)
        await expect(entry).to_have_value("我打的字")
        await expect(entry).to_be_editable()
