"""Voice in the window of a server without a model: the button says what is missing; the announcer reads, her mouth moves."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.office import Story
from tests.e2e.people import Taxpayer
from tests.harness import axe
from tests.harness.browser import PHONE, screenshot

pytestmark = pytest.mark.asyncio(loop_scope="module")

TIMEOUT_MS = 30_000
WINDOW = "yueyue-window"
MOUTHS = """(figure) => new Promise((resolve) => {
  const seen = new Set();
  const look = () => {
    seen.add(figure.dataset.mouth);
    if (seen.size >= 8) resolve([...seen].map(Number));
    else requestAnimationFrame(look);
  };
  look();
})"""


async def is_fine(person: Taxpayer, name: str) -> None:
    await screenshot(person.page, name)
    found = [one for one in await axe.violations(person.page, WINDOW) if one.grave]
    assert found == [], "\n".join(map(str, found))


async def phase(person: Taxpayer, name: str) -> None:
    await expect(person.at("announcer")).to_have_attribute("data-phase", name, timeout=TIMEOUT_MS)


async def test_without_a_model_the_button_says_so_and_typing_goes_on(story: Story) -> None:
    person = await story.taxpayer("company01")
    await person.at("message-input").fill("怎样开具数电票")
    await expect(person.at("dictate")).to_have_attribute(
        "aria-label", "语音输入未开通，请直接打字", timeout=TIMEOUT_MS
    )
    await person.press("dictate")
    await person.sees("notice", "语音输入未开通，请直接打字")
    await expect(person.at("message-input")).to_have_value("怎样开具数电票")
    await is_fine(person, "voice-01-no-model")
    await person.press("way-dismiss")
    await person.press("send")
    await expect(person.at("turn").last).to_have_attribute("data-kind", "answer", timeout=TIMEOUT_MS)


async def test_the_announcer_reads_pauses_goes_on_and_is_hidden(story: Story) -> None:
    person = await story.taxpayer("taxpayer02")
    await person.says("怎样开具数电票")
    turn = person.at("turn").last
    await expect(turn).to_have_attribute("data-kind", "answer", timeout=TIMEOUT_MS)
    await turn.get_by_test_id("read-out").click()
    await phase(person, "speaking")
    # Chromium without voices of its own: the server's.
    await expect(person.at("announcer")).to_have_attribute("data-voice", "server")
    mouths = await person.at("announcer-figure").evaluate(MOUTHS)
    assert max(mouths) > 0.2, mouths
    await is_fine(person, "voice-02-announcer")
    await person.press("announcer-pause")
    await phase(person, "paused")
    await expect(person.at("announcer-figure")).to_have_attribute("data-mouth", "0")
    await person.press("announcer-resume")
    await phase(person, "speaking")
    await person.press("announcer-again")
    await phase(person, "speaking")
    # Nothing of the conversation lies under it.
    log, bar = await person.at("message-list").bounding_box(), await person.at("announcer").bounding_box()
    assert log is not None
    assert bar is not None
    assert log["y"] + log["height"] <= bar["y"] + 1
    await person.press("announcer-hide")
    await person.sees_no("announcer")


async def test_the_announcer_falls_silent_with_the_window_and_on_a_phone_fits(story: Story) -> None:
    person = await story.taxpayer("taxpayer02", viewport=PHONE)
    await person.at("turn").last.get_by_test_id("read-out").click()
    await phase(person, "speaking")
    await is_fine(person, "voice-03-phone")
    await person.press("window-minimize")
    await expect(person.at("announcer")).to_have_count(0, timeout=TIMEOUT_MS)
    await person.press("open-window")
    await person.sees_no("announcer")


async def test_a_voice_that_cannot_be_fetched_says_so(story: Story) -> None:
    person = await story.taxpayer("taxpayer02")
    await person.page.route("**/voice", lambda route: route.abort())
    await person.at("turn").last.get_by_test_id("read-out").click()
    await phase(person, "failed")
    await expect(person.at("announcer")).to_contain_text("网络连接已断开")
    await person.page.unroute("**/voice")
    await person.press("announcer-again")
    await phase(person, "speaking")
