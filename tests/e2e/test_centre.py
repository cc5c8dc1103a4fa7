"""The personal centre in real browsers, both sides: what a taxpayer asks for there, and what the staff make of it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.e2e.looking import Looker
from tests.e2e.office import Story
from tests.e2e.test_assistant import answers
from tests.e2e.test_editor import at_the_editors_desk, is_told
from tests.e2e.visitor import PATIENCE_MS, Visitor
from tests.harness.browser import DESKTOP, PHONE, sign_in
from tests.rest.test_files import PDF

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240), pytest.mark.long]


async def test_an_inquiry_from_the_window_to_its_answer(story: Story) -> None:
    looker = Looker()
    window = await story.taxpayer()
    async with window.page.context.expect_page() as opened:
        await window.press("leave-message")
    taxpayer = Visitor(await opened.value)
    await expect(taxpayer.page.get_by_test_id("inquiry-write")).to_be_visible(timeout=PATIENCE_MS)
    await taxpayer.choose("inquiry-kind", "suggestion")
    await taxpayer.fill("inquiry-content", "希望延长周末的服务时间。")
    await taxpayer.attaches()
    await looker.at(taxpayer.page, "centre-01-inquiry-write")
    await taxpayer.press("inquiry-submit")
    await taxpayer.sees_row("LYZX440106", "建议", "处理中")

    lead = await Visitor.arrives(story, "lead01", "/desk/records/inquiries")
    await lead.sees_row("希望延长周末的服务时间", "待分派")
    await lead.press("inquiry-open")
    await lead.sees("attachments", "说明.pdf")
    await lead.choose("inquiry-agent", "agent01")
    await looker.at(lead.page, "casework-01-inquiry")
    await lead.press("inquiry-assign")
    await lead.sees("told", "已分派")

    agent = await Visitor.arrives(story, "agent01", "/desk/records")
    await agent.sees_row("101", "处理中")
    await agent.press("inquiry-open")
    await agent.fill("inquiry-answer", "感谢您的建议，已转相关部门研究。")
    await agent.press("inquiry-send")
    await agent.sees_row("已答复")

    # Nobody pressed anything here: the page was told.
    await taxpayer.sees("count-notices", "1")
    await taxpayer.sees_row("已完成")
    await taxpayer.press("inquiry-open")
    await taxpayer.sees("inquiry-answer", "已转相关部门研究")
    async with taxpayer.page.expect_download() as download:
        await taxpayer.press("attachment-download")
    saved = await (await download.value).path()
    assert await asyncio.to_thread(Path(saved).read_bytes) == PDF
    await taxpayer.press("inquiry-close")
    await taxpayer.goes_to("notices")
    await taxpayer.sees_row("留言答复", "未读")
    await taxpayer.press("notice-open")
    await taxpayer.sees("notice-dialog", "已转相关部门研究")
    await expect(taxpayer.page.get_by_test_id("count-notices")).to_have_count(0)
    await looker.at(taxpayer.page, "centre-02-notice")
    await taxpayer.press("notice-close")
    await taxpayer.press("notice-favourite")
    await taxpayer.goes_to("favourites")
    await taxpayer.sees_row("留言答复", "已读")

    # What is searched stands in the address: back, forward and a reload show the same.
    await agent.fill("filter-content", "没有这样的内容")
    await agent.press("list-search")
    await agent.sees("list-empty", "没有符合条件的记录")
    await agent.page.reload()
    await agent.sees("list-empty", "没有符合条件的记录")
    await agent.page.go_back()
    await agent.sees_row("希望延长周末的服务时间")
    async with agent.page.expect_download() as sheet:
        await agent.press("list-export")
    assert (await sheet.value).suggested_filename == "留言.xlsx"
    looker.verdict()


async def test_an_appointment_is_booked_and_cancelled_and_an_invitation_answered(story: Story) -> None:
    looker = Looker()
    taxpayer = await Visitor.arrives(story, "taxpayer01", "/centre/appointments")
    lead = await Visitor.arrives(story, "lead01", "/desk/records/appointments")
    await lead.press("capacities-open")
    await lead.fill("capacity-window", "1")
    await lead.press("capacities-save")
    await lead.sees("told", "时段容量已保存")

    await taxpayer.press("book-open")
    await taxpayer.choose("book-method", "window")
    await taxpayer.page.get_by_test_id("book-day").select_option(index=1)
    slot = taxpayer.page.get_by_test_id("slot-10:30")
    await expect(slot).to_contain_text("余 1")
    await slot.click()
    await taxpayer.fill("book-subject", "办理变更登记")
    await looker.at(taxpayer.page, "centre-03-book")
    await taxpayer.press("book-submit")
    await taxpayer.sees("booked-dialog", "预约提示")
    await taxpayer.press("booked-ok")
    await taxpayer.sees_row("YYFW440106", "办理变更登记", "已预约")
    await looker.at(taxpayer.page, "centre-04-appointments")
    await lead.sees_row("张*", "办理变更登记")

    other = await Visitor.arrives(story, "taxpayer02", "/centre/appointments")
    await other.press("book-open")
    await other.choose("book-method", "window")
    await other.page.get_by_test_id("book-day").select_option(index=1)
    await other.sees("slot-10:30", "已约满")

    await taxpayer.press("appointment-cancel")
    await taxpayer.press("confirm-ok")
    await taxpayer.sees_row("已取消")
    await lead.sees_row("已取消")

    await lead.press("invite-open")
    await lead.fill("invite-taxpayer", "taxpayer01")
    await lead.page.get_by_test_id("book-day").select_option(index=2)
    await lead.page.get_by_test_id("slot-09:00").click()
    await lead.fill("invite-subject", "核对申报数据")
    await lead.press("invite-send")
    await lead.sees("told", "邀请已发送")
    await taxpayer.sees("count-todos", "1")
    await taxpayer.goes_to("invitations")
    await taxpayer.sees_row("核对申报数据", "待确认")
    await taxpayer.press("invitation-accept")
    await taxpayer.sees_row("已预约")
    await looker.at(lead.page, "casework-02-appointments")
    looker.verdict()


async def test_a_survey_is_pushed_and_answered(story: Story) -> None:
    looker = Looker()
    taxpayer = await Visitor.arrives(story, "company01", "/centre/notices")
    lead = await Visitor.arrives(story, "lead01", "/desk/records/notices")
    await lead.press("push-open")
    await lead.choose("push-kind", "survey")
    await lead.fill("push-title", "服务满意度调查")
    await lead.fill("push-body", "请抽出一分钟填写。")
    await lead.fill("push-people", "company01")
    await lead.press("question-add")
    await lead.fill("question-0", "您对本次服务是否满意？")
    await lead.fill("options-0", "满意\n一般\n不满意")
    await looker.at(lead.page, "casework-03-push")
    await lead.press("push-send")
    await lead.sees_row("服务满意度调查", "已发送")
    await taxpayer.sees("count-notices", "1")
    await taxpayer.sees_row("服务满意度调查", "未读")
    await taxpayer.press("notice-open")
    await taxpayer.press("option-0-0")
    await looker.at(taxpayer.page, "centre-05-survey")
    await taxpayer.press("survey-send")
    await taxpayer.sees("survey", "您已提交本问卷")
    await taxpayer.press("notice-close")
    await taxpayer.goes_to("surveys")
    await taxpayer.sees_row("服务满意度调查", "已读")
    await lead.press("pushed-withdraw")
    await lead.press("confirm-ok")
    await lead.sees_row("已撤回")
    await taxpayer.sees("list-empty", "暂无记录")
    looker.verdict()


async def test_a_mediation_is_applied_for_and_joined(story: Story) -> None:
    looker = Looker()
    taxpayer = await Visitor.arrives(story, "taxpayer02", "/centre/mediations")
    await taxpayer.press("mediation-new")
    await taxpayer.fill("mediation-subject", "核定争议")
    await taxpayer.fill("mediation-detail", "对核定结果有异议。")
    await taxpayer.fill("mediation-expected", "2027-01-05T09:30")
    await taxpayer.press("mediation-save")
    await taxpayer.sees_row("TJSQ440000", "2027-01-05 09:30", "暂存")
    await taxpayer.press("mediation-submit")
    await taxpayer.sees_row("待分派")
    lead = await Visitor.arrives(story, "lead01", "/desk/records/mediations")
    await lead.press("mediation-open")
    await lead.choose("mediation-agent", "agent01")
    await looker.at(lead.page, "casework-04-mediation")
    await lead.press("mediation-dispatch")
    await taxpayer.sees_row("已分派", "101")
    await looker.at(taxpayer.page, "centre-06-mediations")
    await taxpayer.press("mediation-join")
    await expect(taxpayer.page).to_have_url(re.compile("/meeting/"))
    looker.verdict()


async def test_a_work_order_is_raised_in_a_conversation_urged_and_rated(story: Story) -> None:
    looker = Looker()
    _, agent = await story.meet()
    await agent.press("raise-open")
    await agent.at("raise-subject").fill("发票状态异常")
    await agent.at("raise-detail").fill("需核实发票状态。")
    await agent.press("raise-send")
    await agent.reads("工单已发起")
    taxpayer = await Visitor.arrives(story, "taxpayer01", "/centre/work_orders")
    await taxpayer.sees_row("GDBL440106", "发票状态异常", "待办理")
    staff = await Visitor.arrives(story, "agent01", "/desk/records/work_orders")
    await taxpayer.press("work-order-urge")
    await staff.sees_row("1 次")
    await staff.press("work-order-open")
    await staff.fill("step-text", "已核实，状态恢复正常。")
    await staff.press("step-done")
    await taxpayer.sees_row("已办结")
    await taxpayer.press("work-order-rate")
    await taxpayer.sees("steps", "催办")
    await looker.at(taxpayer.page, "centre-07-work-order")
    await taxpayer.press("rate-resolved")
    await taxpayer.sees("work-order-dialog", "已解决")
    looker.verdict()


async def test_rights_of_the_region_and_answers_one_has_kept(story: Story) -> None:
    looker = Looker()
    editor = await at_the_editors_desk(story, "?tab=rights")
    await editor.get_by_test_id("right-new").click()
    await editor.get_by_test_id("right-title").last.fill("广东发票申领提速")
    await editor.get_by_test_id("right-text").last.fill("符合条件的纳税人，首次申领当日办结。")
    await editor.get_by_test_id("right-regions").last.fill("440000")
    await editor.get_by_test_id("right-regions").last.press("Tab")
    await editor.get_by_test_id("right-url").last.fill("ftp://x")
    await editor.get_by_test_id("part-save").click()
    await expect(editor.get_by_test_id("faults")).to_contain_text("http")
    await editor.get_by_test_id("right-url").last.fill("https://guangdong.chinatax.gov.cn/")
    await editor.get_by_test_id("part-save").click()
    await is_told(editor, "已保存")
    await looker.at(editor, "editor-rights")

    window = await story.taxpayer("taxpayer01")
    await window.says("怎样开具数电票")
    turn = await answers(window, "answer", "蓝字发票开具")
    await turn.get_by_test_id("favourite").click()
    await expect(turn.get_by_test_id("favourite")).to_have_text("已收藏", timeout=PATIENCE_MS)

    taxpayer = await Visitor.arrives(story, "taxpayer01", "/centre/favourites")
    await taxpayer.press("kept-open")
    await taxpayer.sees("kept-dialog", "蓝字发票开具")
    await taxpayer.press("kept-close")
    await looker.at(taxpayer.page, "centre-09-favourites")
    await taxpayer.press("kept-remove")
    await expect(taxpayer.page.get_by_test_id("kept-answer")).to_have_count(0, timeout=PATIENCE_MS)
    await taxpayer.goes_to("rights")
    right = taxpayer.page.get_by_test_id("right")
    await expect(right.filter(has_text="知情权")).to_be_visible(timeout=PATIENCE_MS)
    own = right.filter(has_text="广东发票申领提速")
    await expect(own.get_by_role("link")).to_have_attribute("rel", "noopener noreferrer")
    await looker.at(taxpayer.page, "centre-10-rights")
    await taxpayer.press("rights-surveys")
    await taxpayer.press("tab-answered-false")
    await expect(taxpayer.page).to_have_url(re.compile("part=surveys.*answered=false"))
    await taxpayer.page.reload()
    await expect(taxpayer.page.get_by_test_id("tab-answered-false")).to_have_attribute("aria-pressed", "true")
    looker.verdict()


async def test_ones_authority_is_changed_by_keyboard_on_a_phone(story: Story) -> None:
    looker = Looker()
    page = await sign_in(await story.seat(PHONE), story.url, "taxpayer02", "/centre")
    visitor = Visitor(page)
    await expect(page.get_by_test_id("list-search")).to_be_visible(timeout=PATIENCE_MS)
    await visitor.choose("section-select", "authority")
    await visitor.sees("facts", "广东省税务局")
    await page.get_by_test_id("authority-edit").focus()
    await page.keyboard.press("Enter")
    await visitor.choose("authority-choice", "440600")
    await page.get_by_test_id("authority-save").focus()
    await page.keyboard.press("Enter")
    await visitor.sees("told", "默认服务机关修改成功，重新登录生效")
    await looker.at(page, "centre-08-authority")
    await page.set_viewport_size(DESKTOP)
    # A dialog by keyboard alone: opened, left, and back where one was.
    await visitor.goes_to("inquiries")
    await page.get_by_test_id("inquiry-new").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("inquiry-write")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("inquiry-write")).to_have_count(0)
    await expect(page.get_by_test_id("inquiry-new")).to_be_focused()
    looker.verdict()
