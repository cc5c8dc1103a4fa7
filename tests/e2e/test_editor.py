"""The editor's page in a real browser: what is saved answers in the window at once; misses become aliases by one click."""

from __future__ import annotations

import json
import re
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import pytest
from openpyxl import load_workbook
from playwright.async_api import FilePayload, Page, expect

from tests.e2e.looking import Looker
from tests.e2e.office import Story
from tests.harness.browser import sign_in
from tests.rest.test_files import PDF

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]

TIMEOUT_MS = 20_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HOSTILE = '请到**自助区**。\n\n<img src=x onerror="window.hit=1">\n\n[点我](javascript:window.hit=1) [政策](https://www.chinatax.gov.cn/)'


async def at_the_editors_desk(story: Story, query: str = "") -> Page:
    page = await sign_in(await story.seat(), story.url, "editor01", f"/editor{query}")
    await expect(page.get_by_test_id("tab-questions")).to_be_visible()
    return page


async def is_told(page: Page, text: str) -> None:
    await expect(page.get_by_test_id("editor-notice")).to_contain_text(text, timeout=TIMEOUT_MS)


async def in_force(page: Page) -> None:
    """What was saved last answers now."""
    await expect(page.get_by_test_id("index-status")).to_contain_text("已生效", timeout=60_000)


def address(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


async def test_a_new_question_is_answered_and_an_old_version_comes_back(story: Story) -> None:
    page = await at_the_editors_desk(story)
    await page.get_by_test_id("question-new").click()
    await page.get_by_test_id("q-id").fill("own-plug")
    await page.get_by_test_id("q-title").fill("大厅里可以给手机充电吗")
    await page.get_by_test_id("q-aliases").fill("手机没电了大厅有插座吗\n哪里能充电")
    await page.get_by_test_id("q-answer").fill(HOSTILE)
    await expect(page.get_by_test_id("preview").locator("strong")).to_have_text("自助区")
    await page.get_by_test_id("question-save").click()
    await is_told(page, "已保存")
    assert address(page)["open"] == "own-plug"
    await in_force(page)
    await page.get_by_test_id("try-text").fill("哪里能充电")
    await page.get_by_test_id("try-go").click()
    await expect(page.get_by_test_id("tried")).to_contain_text("大厅里可以给手机充电吗")

    person = await story.taxpayer()
    await person.says("手机没电了大厅有插座吗")
    answer = person.at("turn").last.get_by_test_id("answer")
    await expect(answer.locator("strong")).to_have_text("自助区", timeout=TIMEOUT_MS)
    await expect(answer.locator("img")).to_have_count(0)
    await expect(answer.locator("a")).to_have_count(1)
    await expect(answer.locator("a")).to_have_attribute("href", "https://www.chinatax.gov.cn/")
    assert await person.page.evaluate("window.hit") is None

    await page.get_by_test_id("q-answer").fill("已经没有了。")
    await page.get_by_test_id("question-save").click()
    await is_told(page, "已保存")
    await page.get_by_test_id("versions-show").click()
    await page.get_by_test_id("restore-1").click()
    await expect(page.get_by_test_id("q-answer")).to_have_value(HOSTILE)
    await page.get_by_test_id("question-save").click()
    await is_told(page, "已保存")
    await page.get_by_test_id("versions-show").click()
    await expect(page.get_by_test_id("version-3")).to_be_visible()


async def test_a_miss_becomes_an_alias_by_one_click(story: Story) -> None:
    words = "咱这票子咋整没影了呢"
    person = await story.taxpayer("taxpayer02")
    await person.says(words)
    # Without vectors yet, or with them: she does not know, or is unsure.
    await expect(person.at("turn").last).to_have_attribute(
        "data-kind", re.compile("off_subject|choices"), timeout=TIMEOUT_MS
    )
    page = await at_the_editors_desk(story)
    await page.get_by_test_id("tab-work").click()
    item = page.get_by_role("article").filter(has_text=words)
    await item.get_by_role("button", name="新增问题").click()
    await expect(page.get_by_test_id("q-title")).to_have_value(words)
    await page.get_by_test_id("question-back").click()
    await page.get_by_test_id("tab-work").click()
    await expect(item).to_be_visible(timeout=TIMEOUT_MS)
    await item.get_by_test_id("picker").fill("发票丢失")
    await item.get_by_test_id("pick-fapiao-009").click()
    await is_told(page, "发票丢失了怎么办")
    await expect(item).to_have_count(0)
    await in_force(page)
    await person.says(words)
    await expect(person.at("turn").last).to_have_attribute("data-kind", "answer", timeout=TIMEOUT_MS)
    await expect(person.at("turn").last).to_contain_text("重新下载")


async def test_filters_are_the_address_and_many_are_changed_at_once(story: Story) -> None:
    page = await at_the_editors_desk(story)
    await page.get_by_test_id("filter-words").fill("契税")
    await page.get_by_test_id("filter-go").click()
    await expect(page.get_by_test_id("row-tuishui-014")).to_be_visible()
    await page.get_by_test_id("filter-topic").select_option("tuishui")
    await expect(page.get_by_test_id("total")).to_have_text("共 1 条")
    assert address(page) == {"words": "契税", "topic": "tuishui"}
    await page.reload()
    await expect(page.get_by_test_id("row-tuishui-014")).to_be_visible()
    await expect(page.get_by_test_id("total")).to_have_text("共 1 条")
    await page.go_back()
    await expect(page.get_by_test_id("total")).not_to_have_text("共 1 条", timeout=TIMEOUT_MS)
    assert address(page) == {"words": "契税"}

    await page.get_by_test_id("filter-topic").select_option("tuishui")
    await page.get_by_role("checkbox", name="全选本页").check()
    await page.get_by_label("有效期止", exact=True).fill("2020-12-31")
    await page.get_by_test_id("bulk-limit").click()
    await is_told(page, "已设置有效期")
    await expect(page.get_by_test_id("row-tuishui-014")).to_contain_text("2020-12-31")
    await page.get_by_role("checkbox", name="全选本页").check()
    await page.get_by_test_id("bulk-limit").click()
    await expect(page.get_by_test_id("row-tuishui-014")).to_contain_text("长期", timeout=TIMEOUT_MS)


async def test_packs_entries_and_questions_back_reach_the_window(story: Story) -> None:
    page = await at_the_editors_desk(story, "?tab=packs")
    await page.get_by_test_id("pack-new").click()
    await page.get_by_test_id("pack-name").fill("年终事项")
    await page.get_by_test_id("picker").fill("年度汇算")
    await page.get_by_test_id("pick-geshui-001").click()
    await page.get_by_test_id("part-save").click()
    await is_told(page, "已保存")
    await page.get_by_test_id("tab-entries").click()
    await page.get_by_test_id("entry-new").click()
    await page.get_by_test_id("entry-title").last.fill("纳税信用")
    await page.get_by_test_id("entry-target").last.fill("ftp://x")
    await page.get_by_test_id("part-save").click()
    await expect(page.get_by_test_id("faults")).to_contain_text("http")
    await page.get_by_test_id("entry-target").last.fill("https://www.chinatax.gov.cn/credit")
    await page.get_by_test_id("part-save").click()
    await is_told(page, "已保存")
    await page.get_by_test_id("tab-clarifications").click()
    await page.get_by_test_id("clarification-new").click()
    await page.get_by_test_id("clarification-prompt").fill("您想了解信用的哪一方面？")
    await page.get_by_test_id("clarification-triggers").fill("纳税信用")
    await page.get_by_test_id("option-new").click()
    await page.get_by_test_id("option-label-0").fill("年度汇算也算吗")
    await page.get_by_test_id("picker").fill("年度汇算")
    await page.get_by_test_id("pick-geshui-001").click()
    await page.get_by_test_id("part-save").click()
    await is_told(page, "已保存")
    await in_force(page)

    person = await story.taxpayer()
    await person.press("more-entries")
    await expect(person.page.get_by_role("link", name="纳税信用")).to_have_attribute(
        "href", "https://www.chinatax.gov.cn/credit"
    )
    await person.press("welcome-packs")
    await person.page.get_by_role("button", name="年终事项").click()
    await expect(person.at("pack-questions").get_by_role("button")).to_have_count(1, timeout=TIMEOUT_MS)
    await person.says("纳税信用")
    await expect(person.at("turn").last).to_contain_text("您想了解信用的哪一方面", timeout=TIMEOUT_MS)


async def test_two_editors_at_once_lose_nothing(story: Story) -> None:
    mine, theirs = await at_the_editors_desk(story), await at_the_editors_desk(story)
    for page in (mine, theirs):
        await page.goto(f"{story.url}/editor?tab=questions&open=fapiao-002")
        await expect(page.get_by_test_id("q-title")).to_have_value(re.compile(".+"))
    await theirs.get_by_test_id("q-keywords").fill("别人加的词")
    await theirs.get_by_test_id("question-save").click()
    await is_told(theirs, "已保存")
    await mine.get_by_test_id("q-answer").fill("我的新答案。")
    await mine.get_by_test_id("question-save").click()
    await expect(mine.get_by_test_id("conflict")).to_be_visible(timeout=TIMEOUT_MS)
    await expect(mine.get_by_test_id("q-answer")).to_have_value("我的新答案。")
    await mine.get_by_test_id("conflict-compare").click()
    await expect(mine.get_by_test_id("compare")).to_contain_text("我的新答案。")
    await expect(mine.get_by_test_id("compare")).to_contain_text("别人加的词")
    await mine.get_by_test_id("compare-close").click()
    await mine.get_by_test_id("conflict-theirs").click()
    await expect(mine.get_by_test_id("q-keywords")).to_have_value("别人加的词")
    await expect(mine.get_by_test_id("conflict")).to_have_count(0)

    for page in (mine, theirs):
        await page.goto(f"{story.url}/editor?tab=packs")
        await expect(page.get_by_test_id("pack-name")).to_be_visible()
        await page.get_by_test_id("pack-new").click()
    await theirs.get_by_test_id("pack-name").fill("先保存的套餐")
    await theirs.get_by_test_id("part-save").click()
    await is_told(theirs, "已保存")
    await mine.get_by_test_id("pack-name").fill("后保存的套餐")
    await mine.get_by_test_id("part-save").click()
    await expect(mine.get_by_test_id("conflict")).to_be_visible(timeout=TIMEOUT_MS)
    await mine.get_by_test_id("conflict-theirs").click()
    await expect(mine.get_by_role("button", name=re.compile("先保存的套餐（"))).to_be_visible()


async def test_nothing_unsaved_is_lost_by_a_slip(story: Story) -> None:
    page = await at_the_editors_desk(story)
    await page.get_by_test_id("filter-words").fill("查验发票")
    await page.get_by_test_id("filter-topic").select_option("fapiao")
    assert address(page) == {"words": "查验发票", "topic": "fapiao"}
    await page.get_by_test_id("row-fapiao-008").get_by_role("button").click()
    await page.get_by_test_id("q-title").fill("改了一半的标题")
    for slip in ("question-back", "tab-packs", "back"):
        if slip == "back":
            await page.go_back()
        else:
            await page.get_by_test_id(slip).click()
        await expect(page.get_by_test_id("confirm-ok")).to_have_text("离开")
        await page.get_by_test_id("confirm-cancel").click()
        await expect(page.get_by_test_id("q-title")).to_have_value("改了一半的标题")
        assert address(page)["open"] == "fapiao-008"
    await page.get_by_test_id("question-back").click()
    await page.get_by_test_id("confirm-ok").click()
    await expect(page.get_by_test_id("row-fapiao-008")).to_be_visible()
    await expect(page.get_by_test_id("editor-notice")).to_have_count(0)


async def test_a_document_of_an_answer_is_opened_in_the_window_and_among_the_favourites(story: Story) -> None:
    page = await at_the_editors_desk(story)
    await page.goto(f"{story.url}/editor?tab=questions&open=fapiao-001")
    await expect(page.get_by_test_id("q-title")).to_have_value("怎样开具数电票")
    answer = "| 步骤 | 说明 |\n|---|---|\n| 一 | 进入蓝字发票开具 |\n| 二 | 核对后点击【发票开具】 |\n\n1. 先核对\n2. 再开具"
    await page.get_by_test_id("q-answer").fill(answer)
    await page.get_by_test_id("attach-input").set_input_files(
        [FilePayload(name="开票指引.pdf", mimeType="application/pdf", buffer=PDF)]
    )
    await expect(page.get_by_test_id("attached")).to_contain_text("已上传", timeout=TIMEOUT_MS)
    await page.get_by_test_id("question-save").click()
    await is_told(page, "已保存")
    await expect(page.get_by_test_id("document")).to_contain_text("开票指引.pdf")
    await Looker().at(page, "editor-documents")
    await in_force(page)

    person = await story.taxpayer()
    await person.says("怎样开具数电票")
    turn = person.at("turn").last
    await expect(turn.get_by_role("table")).to_contain_text("核对后", timeout=TIMEOUT_MS)
    await expect(turn.get_by_test_id("answer-document")).to_contain_text("开票指引.pdf")
    looker = Looker()
    await looker.at(person.page, "assistant-document", selector="yueyue-window")
    async with person.page.expect_download() as download:
        await turn.get_by_test_id("answer-document").click()
    assert (await (await download.value).path()).read_bytes() == PDF
    await turn.get_by_test_id("favourite").click()
    await expect(turn.get_by_test_id("favourite")).to_have_text("已收藏", timeout=TIMEOUT_MS)
    centre = await person.page.context.new_page()
    await centre.goto(f"{story.url}/centre/favourites")
    await centre.get_by_test_id("kept-open").filter(has_text="怎样开具数电票").click()
    async with centre.expect_download() as download:
        await centre.get_by_test_id("kept-document").click()
    assert (await (await download.value).path()).read_bytes() == PDF
    await looker.at(centre, "centre-kept-answer")
    looker.verdict()
    await page.get_by_test_id("document-remove").click()
    await page.get_by_test_id("question-save").click()
    await is_told(page, "已保存")
    await expect(page.get_by_test_id("document")).to_have_count(0)


async def test_an_old_version_is_compared_and_a_removed_question_comes_back(story: Story) -> None:
    page = await at_the_editors_desk(story)
    await page.goto(f"{story.url}/editor?tab=questions&open=fapiao-003")
    title = page.get_by_test_id("q-title")
    await expect(title).to_have_value(re.compile(".+"))
    before = await title.input_value()
    await title.fill("第二版标题")
    await page.get_by_test_id("question-save").click()
    await is_told(page, "已保存")
    await page.get_by_test_id("versions-show").click()
    await page.get_by_test_id("compare-1").click()
    dialog = page.get_by_test_id("compare")
    await expect(dialog).to_contain_text(before)
    await expect(dialog).to_contain_text("第二版标题")
    await page.get_by_test_id("compare-action").click()
    await expect(title).to_have_value(before)
    await page.get_by_test_id("question-save").click()
    await is_told(page, "已保存")

    await page.get_by_test_id("question-remove").click()
    await expect(page.get_by_test_id("confirm-ok")).to_have_text("删除")
    await page.get_by_test_id("confirm-ok").click()
    await is_told(page, "已删除")
    await page.get_by_test_id("removed-show").click()
    await page.get_by_test_id("removed-fapiao-003").get_by_role("button").click()
    await expect(page.get_by_test_id("question-gone")).to_be_visible()
    await expect(title).to_have_value(before)
    await page.get_by_test_id("question-save").click()
    await is_told(page, "已保存")
    await expect(page.get_by_test_id("question-gone")).to_have_count(0)
    await page.goto(f"{story.url}/editor?tab=questions&open=never-was")
    await expect(page.get_by_test_id("question-missing")).to_be_visible()


async def test_out_and_in_again_with_every_broken_row_told(story: Story) -> None:
    page = await at_the_editors_desk(story, "?tab=exchange")
    async with page.expect_download() as sheet:
        await page.get_by_test_id("export-xlsx").click()
    book = load_workbook(BytesIO((await (await sheet.value).path()).read_bytes()))
    async with page.expect_download() as text:
        await page.get_by_test_id("export-json").click()
    whole = json.loads((await (await text.value).path()).read_text(encoding="utf-8"))
    assert len(whole["questions"]) >= 219

    rows = book.worksheets[0]
    headings = [cell.value for cell in rows[1]]
    title, answer = headings.index("标准问题") + 1, headings.index("答案") + 1
    before = rows.cell(2, title).value
    rows.cell(2, title).value = f"{before}（新）"
    rows.cell(5, answer).value = None
    rows.cell(9, title).value = None

    async def choose() -> None:
        out = BytesIO()
        book.save(out)
        file = FilePayload(name="knowledge.xlsx", mimeType=XLSX, buffer=out.getvalue())
        await page.get_by_test_id("import-file").set_input_files([file])

    await choose()
    await expect(page.get_by_test_id("faults")).to_contain_text("第 5 行")
    await expect(page.get_by_test_id("faults")).to_contain_text("第 9 行")
    await expect(page.get_by_test_id("import-go")).to_be_disabled()
    rows.cell(5, answer).value, rows.cell(9, title).value = "答案", "问题九"
    await choose()
    await page.get_by_test_id("import-go").click()
    await is_told(page, "新增 0 个，修改 3 个")


async def test_every_part_of_the_page_is_fit_for_everybody(story: Story) -> None:
    person = await story.taxpayer("company01")
    for words in ("怎样开具数电票", "今天天气怎么样", "怎样查验发票真伪"):
        await person.says(words)
        await expect(person.at("turn").last).to_contain_text(words, timeout=TIMEOUT_MS)
    page, looker = await at_the_editors_desk(story), Looker()
    await expect(page.get_by_test_id("questions").get_by_role("row")).to_have_count(11)
    for tab in ("questions", "work", "figures", "clarifications", "packs", "entries", "words", "exchange"):
        await page.get_by_test_id(f"tab-{tab}").click()
        if tab == "figures":
            await expect(page.get_by_test_id("figure-命中率")).to_contain_text("%")
        if tab == "work":
            await expect(page.get_by_test_id("work-miss").first).to_be_visible()
        await looker.at(page, f"editor-{tab}")
    await page.goto(f"{story.url}/editor?tab=questions&open=fapiao-001")
    await expect(page.get_by_test_id("q-title")).to_have_value("怎样开具数电票")
    await looker.at(page, "editor-question")
    looker.verdict()


async def test_by_keyboard_alone(story: Story) -> None:
    page = await at_the_editors_desk(story)
    await page.get_by_test_id("filter-words").focus()
    await page.keyboard.type("查验发票")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("row-fapiao-008")).to_be_visible()
    link = page.get_by_test_id("row-fapiao-008").get_by_role("button")
    for _ in range(30):
        if await link.evaluate("(one) => one === document.activeElement"):
            break
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("q-title")).to_have_value("怎样查验发票真伪")


async def test_only_editors_open_it(story: Story) -> None:
    page = await sign_in(await story.seat(), story.url, "agent01", "/editor")
    await expect(page.get_by_test_id("tab-questions")).to_have_count(0)
    await expect(page).to_have_url(f"{story.url}/demo")
