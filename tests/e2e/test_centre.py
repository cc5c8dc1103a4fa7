"""The personal centre in real browsers, both sides: what a taxpayer asks for there, and what the staff make of it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.e2e.casework import Officer, Resident
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
    taxpayer = Resident(await opened.value)
    await expect(taxpayer.page.get_by_test_id("inquiry-write")).to_be_visible(timeout=PATIENCE_MS)
    await taxpayer.writes("希望延长周末的服务时间。", "suggestion")
    # A press beside the form loses nothing of it.
    await taxpayer.page.mouse.click(5, 400)
    await looker.at(taxpayer.page, "centre-01-inquiry-write")
    await taxpayer.press("inquiry-submit")
    await taxpayer.sees_row("LYZX440106", "建议", "处理中")

    lead = await Officer.arrives(story, "lead01", "/desk/records/inquiries")
    await lead.assigns("希望延长周末的服务时间")
    await lead.sees("attachments", "说明.pdf")
    await looker.at(lead.page, "casework-01-inquiry")

    agent = await Officer.arrives(story, "agent01", "/desk/records")
    await agent.sees_row("101", "处理中")
    # A refusal that is thought better of loses neither what was written nor what was attached.
    await agent.press("inquiry-open")
    await agent.fill("inquiry-answer", "请稍候")
    await agent.attaches()
    await agent.press("inquiry-shut")
    await agent.press("reason-cancel")
    await agent.sees("attached", "说明.pdf")
    await expect(agent.page.get_by_test_id("inquiry-answer")).to_have_value("请稍候")
    await agent.press("inquiry-close")
    await agent.replies("感谢您的建议，已转相关部门研究。")

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
    taxpayer = await Resident.arrives(story, "taxpayer01", "/centre/appointments")
    lead = await Officer.arrives(story, "lead01", "/desk/records/appointments")
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

    await taxpayer.cancels()
    await lead.sees_row("已取消")

    await lead.invites("taxpayer01", 2, "09:00", "核对申报数据")
    await taxpayer.sees("count-todos", "1")
    # 办理 leads to what is to be answered, and with the answer it is done.
    await taxpayer.goes_to("todos")
    await taxpayer.sees_row("税局邀请", "待办理")
    await taxpayer.press("notice-open")
    await taxpayer.press("notice-way")
    await expect(taxpayer.page).to_have_url(re.compile(r"/centre/invitations\?number=YYFW"))
    await taxpayer.sees_row("核对申报数据", "待确认")
    await taxpayer.press("appointment-open")
    await taxpayer.press("detail-accept")
    await taxpayer.sees_row("已预约")
    await taxpayer.counts("todos", 0)
    await lead.counts("inbox", 1)
    await looker.at(lead.page, "casework-02-appointments")
    looker.verdict()


async def test_a_survey_is_pushed_and_answered(story: Story) -> None:
    looker = Looker()
    taxpayer = await Resident.arrives(story, "company01", "/centre/notices")
    lead = await Officer.arrives(story, "lead01", "/desk/records/notices")
    question = ("您对本次服务是否满意？", "满意\n一般\n不满意")
    await lead.surveys("服务满意度调查", "company01\ncompany99", question)
    await looker.at(lead.page, "casework-03-push")
    await lead.press("push-send")
    await lead.sees_row("服务满意度调查", "已发送")
    await lead.sees("told", "名单中 1 个账号")
    await lead.sees("told", "company99")
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
    taxpayer = await Resident.arrives(story, "taxpayer02", "/centre/mediations")
    await taxpayer.asks_for_mediation(
        "核定争议", "对核定结果有异议。", contact="13698765021", expected="2027-01-05T09:30"
    )
    await looker.at(taxpayer.page, "centre-06-mediation-form")
    await taxpayer.press("mediation-save")
    await taxpayer.sees_row("TJSQ440000", "2027-01-05 09:30", "暂存")
    # What was attached and how to call is there when it is changed.
    await taxpayer.press("mediation-edit")
    await taxpayer.sees("attached", "说明.pdf")
    await expect(taxpayer.page.get_by_test_id("mediation-contact")).to_have_value("13698765021")
    await taxpayer.press("mediation-send")
    await taxpayer.sees_row("待分派")
    lead = await Officer.arrives(story, "lead01", "/desk/records/mediations")
    await lead.press("mediation-open")
    await lead.sees("attachments", "说明.pdf")
    await lead.sees("facts", "136****5021")
    await lead.press("mediation-reveal")
    await lead.sees("facts", "13698765021")
    await looker.at(lead.page, "casework-04-mediation")
    await lead.dispatches()
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
    await taxpayer.sees("work-order-urge", "已催办")
    await expect(taxpayer.page.get_by_test_id("work-order-urge").first).to_be_disabled()
    await staff.sees_row("1 次")
    # Marked at the desk too, where the agent serves others meanwhile.
    await expect(agent.at("records-unread")).to_be_visible(timeout=PATIENCE_MS)
    await staff.goes_to("inbox")
    await staff.sees_row("工单被催办", "未读")
    await staff.press("notice-open")
    await staff.press("notice-link")
    await expect(staff.page).to_have_url(re.compile(r"/desk/records/work_orders\?number=GDBL"))
    await staff.sees_row("发票状态异常", "1 次")
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
    # What cannot be read says so, and can be tried again.
    await taxpayer.page.route("**/api/centre/rights", lambda route: route.abort())
    await taxpayer.goes_to("rights")
    await taxpayer.sees("read-problem", "重试")
    await taxpayer.page.unroute("**/api/centre/rights")
    await taxpayer.page.get_by_test_id("read-problem").get_by_role("button").click()
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
    await expect(page.get_by_test_id("list-fold")).to_be_visible(timeout=PATIENCE_MS)
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
