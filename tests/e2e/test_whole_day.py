"""A taxpayer's whole day in real browsers, and what the staff make of each thing: asked back and answered, judged useless,
booked and cancelled, written and answered, surveyed, mediated. Nobody reloads a page."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.e2e.casework import Officer, Resident
from tests.e2e.looking import Looker
from tests.e2e.office import Story
from tests.e2e.people import Taxpayer
from tests.e2e.test_assistant import WINDOW, answers, welcomed
from tests.e2e.test_editor import at_the_editors_desk
from tests.e2e.test_meeting import Attendee
from tests.e2e.visitor import PATIENCE_MS, Visitor

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(540), pytest.mark.long]


async def marked(window: Taxpayer, number: int) -> None:
    """On the way to the personal centre in the window; 0: nothing."""
    mark = window.at("centre-unread")
    if number == 0:
        await expect(mark).to_have_count(0, timeout=PATIENCE_MS)
    else:
        await expect(mark).to_have_text(str(number), timeout=PATIENCE_MS)


async def into_the_centre(window: Taxpayer) -> Resident:
    async with window.page.context.expect_page() as opened:
        await window.press("to-centre")
    centre = Resident(await opened.value)
    await expect(centre.page.get_by_test_id("list-search")).to_be_visible(timeout=PATIENCE_MS)
    return centre


async def follows(page: Page, link: str) -> None:
    """The link of the notice that is open."""
    await page.get_by_test_id("notice-dialog").get_by_role("link", name="打开").first.click()
    await expect(page).to_have_url(re.compile(re.escape(link)), timeout=PATIENCE_MS)


async def test_a_whole_day(story: Story) -> None:
    looker = Looker()
    window = await story.taxpayer("taxpayer01")
    await welcomed(window)

    # Asks, is asked back, gets an answer, and finds it useless.
    await window.says("发票")
    turn = await answers(window, "clarify", "您想办理发票的哪一类事项")
    await turn.get_by_role("button", name="查询、下载或查验").click()
    turn = await answers(window, "clarify", "您要做哪一项")
    await turn.get_by_role("button", name="查验真伪").click()
    turn = await answers(window, "answer", "全国增值税发票查验平台")
    await turn.get_by_test_id("useless").click()
    await turn.get_by_test_id("reason-wrong").click()
    await expect(turn.get_by_test_id("judged")).to_contain_text("感谢反馈", timeout=PATIENCE_MS)
    editor = await at_the_editors_desk(story, "?tab=work&work=useless")
    judged = editor.get_by_test_id("work-useless").filter(has_text="查验真伪")
    await expect(judged).to_contain_text("答案错误", timeout=PATIENCE_MS)
    await looker.at(editor, "day-01-editor")
    await judged.get_by_test_id("work-settle").click()
    await expect(judged).to_have_count(0, timeout=PATIENCE_MS)
    await editor.context.close()

    # Books, and cancels.
    await marked(window, 0)
    centre = await into_the_centre(window)
    second = await into_the_centre(window)
    lead = await Officer.arrives(story, "lead01", "/desk/records/appointments")
    await centre.goes_to("appointments")
    await centre.books("telephone", 1, "10:30", "电话咨询退税进度", "13800001234")
    await marked(window, 1)
    await second.counts("notices", 1)
    await lead.sees_row("张*", "电话咨询退税进度", "已预约")
    await lead.press("appointment-open")
    await lead.sees("facts", "138****1234")
    await lead.press("appointment-reveal")
    await lead.sees("facts", "13800001234")
    await lead.press("appointment-close")
    await centre.cancels()
    await lead.sees_row("已取消")

    # Writes, and is answered: the agent is told of it, and so is every page of the taxpayer's.
    await centre.goes_to("inquiries")
    await centre.writes("退税申请提交后多久到账？")
    await centre.press("inquiry-submit")
    await centre.sees_row("LYZX440106", "处理中")
    agent = await Officer.arrives(story, "agent01", "/desk/records")
    await lead.goes_to("inquiries")
    await lead.assigns("退税申请提交后多久到账")
    await lead.press("inquiry-close")
    await agent.counts("inbox", 1)
    await agent.goes_to("inbox")
    await agent.sees_row("留言已分派给您", "未读")
    await agent.press("notice-open")
    await looker.at(agent.page, "day-02-staff-inbox")
    await follows(agent.page, "/desk/records/inquiries?number=LYZX")
    await agent.sees_row("退税申请提交后多久到账")
    await agent.replies("审核通过后由国库退付，请留意到账通知。")
    await marked(window, 2)
    await looker.at(window.page, "day-08-window", selector=WINDOW)
    await second.counts("notices", 2)
    await second.sees_row("留言答复", "未读")
    await centre.sees_row("已完成")
    await centre.press("inquiry-open")
    await centre.sees("inquiry-answer", "由国库退付")
    await centre.press("inquiry-close")

    # Is surveyed.
    await lead.goes_to("notices")
    await lead.surveys(
        "退税服务满意度调查",
        "taxpayer01",
        ("您对退税服务是否满意？", "满意\n一般\n不满意"),
        ("您有什么建议？", ""),
    )
    await lead.press("push-send")
    await lead.sees_row("退税服务满意度调查", "已发送")
    await lead.press("results-open")
    await lead.sees("results-sum", "已填写 0 份")
    await marked(window, 3)
    await second.goes_to("surveys")
    await second.sees_row("退税服务满意度调查", "待填写")
    await second.press("notice-open")
    await marked(window, 2)
    await second.press("option-0-0")
    await second.fill("words-1", "希望能查询办理进度。")
    await second.press("survey-send")
    await second.sees("survey", "您已提交本问卷")
    await second.press("notice-close")
    await second.sees_row("已填写")
    await looker.at(second.page, "day-03-surveys")
    await lead.sees("results-sum", "已填写 1 份")
    await lead.sees("result-0", "1 人（100%）")
    await lead.sees("result-1", "希望能查询办理进度。")
    await looker.at(lead.page, "day-04-survey-results")
    await lead.press("results-close")

    # Everything is read: on every page.
    await centre.goes_to("notices")
    await looker.at(centre.page, "day-05-notices")
    await centre.press("mark-all-read")
    await centre.counts("notices", 0)
    await second.counts("notices", 0)
    await marked(window, 0)

    # Applies for a mediation, and joins it.
    await centre.goes_to("mediations")
    await centre.asks_for_mediation("退税金额核定争议", "对核定的退税金额有异议。", contact="13800001234")
    await centre.press("mediation-send")
    await centre.sees_row("TJSQ440106", "待分派")
    await lead.goes_to("mediations")
    await lead.sees_row("退税金额核定争议", "待分派")
    await lead.press("mediation-open")
    await lead.sees("attachments", "说明.pdf")
    await lead.dispatches()
    await centre.sees_row("已分派", "101")
    await marked(window, 1)
    await agent.counts("inbox", 1)
    await agent.goes_to("mediations")
    await agent.press("mediation-join")
    host = await Attendee.at_the_door(agent.page, "agent01")
    await host.press("enter")
    await host.is_in()
    await second.goes_to("mediations")
    await second.sees_row("办理中")
    await centre.press("mediation-join")
    applicant = await Attendee.at_the_door(centre.page, "taxpayer01")
    await applicant.knocks()
    await host.press("knock-admit")
    await applicant.is_in()
    await applicant.writes_notes("双方同意重新核定。")
    await host.press("leave")
    await host.press("end")
    await expect(applicant.at("out-ended")).to_be_visible(timeout=PATIENCE_MS)

    # Both are told, with the way to the record.
    await marked(window, 2)
    await second.sees_row("已办结")
    await second.goes_to("notices")
    await second.sees_row("调解会议已结束", "未读")
    await second.press("notice-open")
    await second.sees("notice-dialog", "历时")
    await follows(second.page, "/centre/mediations?number=TJSQ")
    await second.sees_row("已办结")
    await second.press("mediation-open")
    await second.sees("meeting-record", "双方同意重新核定。")
    await second.sees("meeting-record", "税务人员 101")
    await looker.at(second.page, "day-06-mediation-record")
    await lead.sees_row("退税金额核定争议", "已办结")
    await lead.press("mediation-open")
    await lead.sees("meeting-record", "双方同意重新核定。")
    await looker.at(lead.page, "day-07-mediation-desk")
    records = await Visitor.arrives(story, "agent01", "/desk/records/inbox")
    await records.sees_row("调解会议已结束", "未读")
    desk = await story.agent("agent01", status=None)
    await expect(desk.at("records-unread")).to_have_text("2", timeout=PATIENCE_MS)
    await looker.at(desk.page, "day-09-desk")
    await records.press("mark-all-read")
    await records.counts("inbox", 0)
    await expect(desk.at("records-unread")).to_have_count(0, timeout=PATIENCE_MS)
    number = await lead.page.get_by_test_id("list-row").first.locator("td").nth(1).inner_text()
    for action in ("reveal_appointment_phone", "read_mediation"):
        entries = await story.administrator.audit(action=action)
        assert [one["actor_id"] for one in entries] == ["lead01"] * len(entries)
        assert entries, action
    assert entries[0]["detail"] == number
    looker.verdict()
