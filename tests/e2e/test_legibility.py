"""A real screen with a Chinese form is shared; the agent's received picture is read back by OCR (R11)."""

from __future__ import annotations

import base64
import io
from difflib import SequenceMatcher
from pathlib import Path

import pytesseract
from PIL import Image
from playwright.async_api import Playwright

from tests.e2e.conftest import Room
from tests.e2e.people import Agent, Taxpayer
from tests.harness.browser import ENTIRE_SCREEN, launch
from tests.harness.server import ServerProcess
from tests.harness.xvfb import virtual_screen

FORM = Path(__file__).with_name("tax_form.html")
LINES = (
    "增值税及附加税费申报表",
    "按适用税率计税销售额",
    "应纳税额合计",
    "请核对发票用途勾选结果",
)
FIGURES = ("128640.50", "16723.27", "7371.41", "55285.54")

GRAB = """(element) => {
  const video = element.tagName === 'VIDEO' ? element : element.querySelector('video');
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  canvas.getContext('2d').drawImage(video, 0, 0);
  return canvas.toDataURL('image/png').split(',')[1];
}"""


def read_aloud(picture: Image.Image) -> str:
    """What OCR makes of it, without spaces; twice the size, as Tesseract wants about 30 pixels a letter."""
    larger = picture.convert("L").resize((picture.width * 2, picture.height * 2), Image.Resampling.LANCZOS)
    text = pytesseract.image_to_string(larger, lang="chi_sim", config="--psm 6")
    return "".join(text.split())


def likeness(needle: str, text: str) -> float:
    """How much of ``needle`` is found in the best place of ``text``."""
    windows = (text[i : i + len(needle)] for i in range(max(1, len(text) - len(needle) + 1)))
    return max(SequenceMatcher(None, needle, window).ratio() for window in windows)


async def test_a_chinese_form_is_readable_in_the_agents_received_frame(
    server: ServerProcess, playwright: Playwright, seat: Room
) -> None:
    async with virtual_screen(1280, 720) as display:
        screen = await launch(
            playwright, *ENTIRE_SCREEN, "--start-fullscreen", headless=False, display=display
        )
        try:
            context = await screen.new_context(no_viewport=True, locale="zh-CN")
            agent = await Agent.arrive(await seat(), server.url)
            taxpayer = await Taxpayer.arrive(context, server.url)
            await taxpayer.turns_to()
            await agent.opens_first()
            await taxpayer.shares(agent)
            await agent.sees("screen-video")
            form = await context.new_page()
            await form.goto(FORM.as_uri())
            await form.bring_to_front()

            best: dict[str, float] = {}
            for _ in range(20):
                await agent.sees_moving("screen-video")
                data = await agent.at("screen-video").evaluate(GRAB)
                picture = Image.open(io.BytesIO(base64.b64decode(data)))
                text = read_aloud(picture)
                best = {line: likeness(line, text) for line in (*LINES, *FIGURES)}
                if min(best.values()) >= 0.8 and sum(best.values()) / len(best) >= 0.95:
                    break
            assert min(best.values()) >= 0.8, best
            assert sum(best.values()) / len(best) >= 0.95, best
            assert picture.width >= 1280
        finally:
            await screen.close()
