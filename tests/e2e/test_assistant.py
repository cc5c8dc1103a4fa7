"""悦悦 in real browsers: asked, asking back, judged, kept as favourite; silent while a human serves, and back after."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import expect

from tests.e2e.office import Story
from tests.e2e.people import Taxpayer
from tests.harness import axe
from tests.harness.browser import PHONE, screenshot

pytestmark = pytest.mark.asyncio(loop_scope="module")

TIMEOUT_MS = 20_000
WINDOW = "yueyue-window"


async def is_fine(person: Taxpayer, name: str) -> None:
    await screenshot(person.page, name)
    found = [one for one in await axe.violations(person.page, WINDOW) if one.grave]
    assert found == [], "\n".join(map(str, found))


async def answers(person: Taxpayer, kind: str, text: str) -> Any:
    """The last turn is of this kind and says so. Returns it."""
    last = person.at("turn").last
    await expect(last).to_have_attribute("data-kind", kind, timeout=TIMEOUT_MS)
    await expect(last).to_contain_text(text, timeout=TIMEOUT_MS)
    await person.sees_no("asking")
    return last


async def welcomed(person: Taxpayer) -> None:
    await person.sees("guesses")
    await person.sees("hot")


async def test_before_anything_is_asked(story: Story) -> None:
    person = await story.taxpayer()
    await welcomed(person)
    await is_fine(person, "assistant-01-welcome")
    first = await person.at("guesses").inner_text()
    await person.press("other-guesses")
    await expect(person.at("guesses")).not_to_have_text(first, timeout=TIMEOUT_MS)
    await person.sees_no("entry-hotline")
    await person.press("more-entries")
    await person.sees("entry-hotline")
    assert await person.at("entry-policy").get_attribute("rel") == "noopener noreferrer"
    await person.press("welcome-packs")
    await person.press("pack-relief")
    await expect(person.at("pack-questions").get_by_role("button")).to_have_count(14, timeout=TIMEOUT_MS)
    await person.at("pack-search").fill("小微")
    await expect(person.at("pack-questions").get_by_role("button")).not_to_have_count(14, timeout=TIMEOUT_MS)
    await is_fine(person, "assistant-02-packs")
    await person.at("pack-questions").get_by_role("button").first.click()
    await answers(person, "answer", "小型微利企业")
    await person.press("entry-calendar")
    await answers(person, "answer", "申报截止日期")


async def test_asked_judged_and_kept(story: Story) -> None:
    person = await story.taxpayer("taxpayer02")
    await welcomed(person)
    await person.says("怎样开具数电票")
    turn = await answers(person, "answer", "蓝字发票开具")
    await expect(turn.get_by_test_id("answer").locator("strong").first).to_be_visible()
    await is_fine(person, "assistant-03-answer")
    await turn.get_by_test_id("favourite").click()
    await expect(turn.get_by_test_id("favourite")).to_have_text("已收藏", timeout=TIMEOUT_MS)
    await turn.get_by_test_id("useless").click()
    await turn.get_by_test_id("reason-off_point").click()
    await expect(turn.get_by_test_id("judged")).to_contain_text("感谢反馈", timeout=TIMEOUT_MS)
    await expect(turn.get_by_test_id("offer-human")).to_be_visible()
    await turn.get_by_test_id("related").get_by_role("button").first.click()
    await expect(person.at("turn")).to_have_count(2, timeout=TIMEOUT_MS)
    # After a reload everything is as it was.
    await person.page.reload()
    await person.press("open-window")
    await expect(person.at("turn")).to_have_count(2, timeout=TIMEOUT_MS)
    await expect(person.at("turn").first.get_by_test_id("useless")).to_have_attribute("aria-pressed", "true")
    await person.press("welcome-favourites")
    await expect(person.at("favourites").get_by_test_id("ask-fapiao-001")).to_be_visible(timeout=TIMEOUT_MS)
    await expect(person.at("turn").first.get_by_test_id("answered-at")).to_have_text(
        re.compile(r"\d\d:\d\d:\d\d")
    )
    # Cleared from view alone: the history brings it back.
    await person.press("clear")
    await person.counts("turn", 0)
    await person.press("load-more")
    await person.counts("turn", 2)
    await person.sees("past-end")
    await expect(person.at("turn").first).to_contain_text("蓝字发票开具")


async def test_asked_back_then_off_the_subject(story: Story) -> None:
    person = await story.taxpayer("company01")
    await welcomed(person)
    await person.says("你好")
    await answers(person, "greeting", "我是悦悦")
    await person.says("发票")
    turn = await answers(person, "clarify", "您想办理发票的哪一类事项")
    await turn.get_by_role("button", name="查询、下载或查验").click()
    turn = await answers(person, "clarify", "您要做哪一项")
    await is_fine(person, "assistant-04-clarify")
    await turn.get_by_role("button", name="查验真伪").click()
    await answers(person, "answer", "全国增值税发票查验平台")
    await person.says("今天天气怎么样")
    turn = await answers(person, "off_subject", "请税务人员为您解答")
    await expect(turn.get_by_test_id("offer-human")).to_be_visible()
    await person.at("message-input").fill("长" * 501)
    await person.press("send")
    await person.sees("notice", "500 字以内")
    await expect(person.at("message-input")).to_have_value("长" * 501)


async def test_type_ahead_by_keyboard_alone(story: Story) -> None:
    person = await story.taxpayer()
    await welcomed(person)
    await person.at("message-input").press_sequentially("开具数电")
    await person.sees("suggestion-fapiao-001")
    await is_fine(person, "assistant-05-suggestions")
    await person.page.keyboard.press("Escape")
    await person.sees_no("suggestions")
    await expect(person.at("message-input")).to_have_value("开具数电")
    await person.at("message-input").press_sequentially("票")
    await person.sees("suggestion-fapiao-001")
    await person.page.keyboard.press("ArrowDown")
    await expect(person.at("message-input")).to_have_attribute("aria-activedescendant", "yy-suggestions-0")
    before = await person.at("turn").count()
    await person.page.keyboard.press("Enter")
    await expect(person.at("turn")).to_have_count(before + 1, timeout=TIMEOUT_MS)
    await answers(person, "answer", "蓝字发票开具")
    await expect(person.at("message-input")).to_have_value("")
    await person.at("message-input").press_sequentially("发票丢")
    await person.at("suggestion-fapiao-009").click()
    await answers(person, "answer", "重新下载")


async def test_handed_over_silent_and_back(story: Story) -> None:
    agent = await story.agent()
    person = await story.taxpayer("taxpayer02")
    await welcomed(person)
    await person.says("发票丢失了怎么办")
    await answers(person, "answer", "重新下载")
    await person.says("转人工")
    await agent.accepts("李*")
    await agent.sees("assistant-block", "发票丢失了怎么办")
    await agent.press("assistant-toggle")
    await expect(agent.at("assistant-turn").filter(has_text="发票丢失了怎么办").first).to_be_visible()
    await screenshot(agent.page, "assistant-06-desk")
    found = [one for one in await axe.violations(agent.page, "[data-testid=assistant-block]") if one.grave]
    assert found == [], "\n".join(map(str, found))
    # What is written now is for the human, and 悦悦 says nothing.
    count = await person.at("turn").count()
    await person.says("怎样开具数电票")
    await agent.reads("怎样开具数电票")
    await person.counts("turn", count)
    await person.ends()
    await person.says("怎样开具数电票")
    await answers(person, "answer", "蓝字发票开具")
    await expect(person.at("turn")).to_have_count(count + 1)


async def test_waiting_in_the_queue_she_goes_on_answering(story: Story) -> None:
    await story.agent(status="busy")
    person = await story.taxpayer()
    await welcomed(person)
    await person.asks_for_a_person()
    await person.says("怎样查验发票真伪")
    await answers(person, "answer", "全国增值税发票查验平台")
    await person.sees("queue-card")


async def test_on_a_phone(story: Story) -> None:
    person = await story.taxpayer("company01", viewport=PHONE)
    await welcomed(person)
    await is_fine(person, "assistant-07-phone-welcome")
    await person.at("message-input").press_sequentially("开具数电")
    await person.sees("suggestion-fapiao-001")
    await is_fine(person, "assistant-08-phone-suggestions")
    await person.press("suggestion-fapiao-001")
    await answers(person, "answer", "蓝字发票开具")
    await is_fine(person, "assistant-09-phone-answer")
    wide = await person.page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    assert not wide
