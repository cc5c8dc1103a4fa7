"""The administration page: what is set there is what the service does, at once."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from playwright.async_api import FilePayload, Locator, Page, expect

from tests.e2e.conftest import Room
from tests.e2e.looking import Looker
from tests.e2e.people import Agent, Taxpayer
from tests.harness.browser import sign_in
from tests.harness.server import ServerProcess


async def at_the_administration(seat: Room, url: str) -> Page:
    page = await sign_in(await seat(), url, "admin", "/admin")
    await expect(page.get_by_test_id("centre-gd")).to_be_visible()
    return page


async def edit(page: Page, tab: str, row: str) -> None:
    await page.get_by_test_id(f"tab-{tab}").click()
    await page.get_by_test_id(row).get_by_role("button", name="编辑").click()


async def is_told(page: Page, text: str) -> None:
    await expect(page.get_by_test_id("admin-notice")).to_contain_text(text)


def field(page: Page, testid: str) -> Locator:
    """The input itself; some components put the id on what is around it."""
    return page.locator(f"input[data-testid={testid}], [data-testid={testid}] input").first


async def visitor(seat: Room, url: str, account: str) -> Taxpayer:
    taxpayer = Taxpayer(await sign_in(await seat(), url, account, "/demo/host"))
    await taxpayer.press("open-window")
    return taxpayer


async def test_hours_and_holidays_open_and_close_a_centre(server: ServerProcess, seat: Room) -> None:
    page = await at_the_administration(seat, server.url)
    person = await visitor(seat, server.url, "taxpayer01")
    agent = await Agent.arrive(await seat(), server.url)
    await agent.press("desk-sign-in")
    await agent.sees("desk-status")

    # Today is a holiday of the centre: nobody is served.
    await edit(page, "centres", "centre-gd")
    await page.get_by_test_id("holiday-add").click()
    today = datetime.now(UTC).astimezone(ZoneInfo("Asia/Shanghai")).date().isoformat()
    await page.get_by_label("日期").fill(today)
    await page.get_by_label("名称", exact=True).last.fill("系统维护日")
    await page.get_by_test_id("centre-save").click()
    await is_told(page, "已保存")
    await expect(page.get_by_test_id("centre-gd")).to_contain_text("非工作时间")
    await person.press("human")
    await person.reads("当前不在人工服务时间")
    async with person.page.context.expect_page() as opened:
        await person.press("way-book")
    centre = await opened.value
    await expect(centre.get_by_test_id("book-dialog")).to_be_visible()
    await centre.close()

    # The same day twice, and shifts that overlap, are said where they stand.
    await edit(page, "centres", "centre-gd")
    await page.get_by_test_id("holiday-add").click()
    await page.get_by_label("日期").last.fill(today)
    await expect(page.get_by_test_id("centre-problem")).to_contain_text("填写了两次")
    await expect(page.get_by_test_id("centre-save")).to_be_disabled()
    await page.get_by_role("button", name="删除节假日").click()
    await page.get_by_role("button", name="为周一增加时段").click()
    await page.get_by_label("周一开始时间").first.fill("09:00")
    await page.get_by_label("周一开始时间").first.dispatch_event("change")
    await page.get_by_label("周一结束时间").first.fill("08:00")
    await page.get_by_label("周一结束时间").first.dispatch_event("change")
    await expect(page.get_by_test_id("centre-problem")).to_contain_text("周一的时段有重叠或先后颠倒")
    await page.get_by_role("button", name="取消").click()

    await edit(page, "centres", "centre-gd")
    await page.get_by_role("button", name="删除系统维护日").click()
    await page.get_by_test_id("centre-save").click()
    await expect(page.get_by_test_id("centre-gd")).to_contain_text("服务中")
    await person.press("human")
    await agent.sees("offer-accept")


async def test_greeting_and_blocked_files_are_those_of_the_centre(server: ServerProcess, seat: Room) -> None:
    page = await at_the_administration(seat, server.url)
    await edit(page, "centres", "centre-gd")
    await page.get_by_test_id("centre-greeting").fill("广东税务 {staff_number} 号为您服务。")
    blocked = page.get_by_test_id("blocked-types")
    await blocked.fill(f"{await blocked.input_value()} .TXT")
    await field(page, "wait-timeout").fill("2")
    await field(page, "wait-timeout").press("Tab")
    await page.get_by_test_id("centre-save").click()
    await is_told(page, "已保存")
    await expect(page.get_by_test_id("centre-gd")).to_contain_text("2 秒")

    agent = await Agent.arrive(await seat(), server.url)
    await agent.press("desk-sign-in")
    await agent.at("desk-status").select_option("busy")
    person = await visitor(seat, server.url, "taxpayer01")
    await person.press("human")
    await person.sees("wait-dialog")
    await person.press("wait-stay")
    await agent.press("queue-pick")
    await person.sees("greeting-card", "广东税务 101 号为您服务。")
    await person.at("file-input").set_input_files(
        [FilePayload(name="说明.txt", mimeType="text/plain", buffer=b"text")]
    )
    await person.sees("upload-failure")


async def test_people_skills_authorities_and_codes(server: ServerProcess, seat: Room) -> None:
    page = await at_the_administration(seat, server.url)

    await page.get_by_test_id("tab-skills").click()
    await page.get_by_test_id("skill-new").click()
    await field(page, "skill-code").fill("land")
    await field(page, "skill-name").fill("财产行为税")
    await page.get_by_test_id("skill-save").click()
    await expect(page.get_by_test_id("skill-land")).to_contain_text("财产行为税")

    await page.get_by_test_id("tab-authorities").click()
    await page.get_by_test_id("authority-new").click()
    await field(page, "authority-code").fill("440700")
    await field(page, "authority-code").press("Tab")
    await field(page, "authority-name").fill("国家税务总局江门市税务局")
    await field(page, "authority-short").fill("江门市")
    await expect(page.get_by_test_id("authority-parent")).to_have_value("440000")
    await page.get_by_test_id("authority-save").click()
    await expect(page.get_by_test_id("authority-440700")).to_contain_text("广东省税务局服务运营中心")

    await edit(page, "staff", "staff-agent01")
    await page.get_by_text("财产行为税").click()
    await field(page, "staff-number").fill("188")
    await page.get_by_test_id("staff-save").click()
    await is_told(page, "已保存")
    await expect(page.get_by_test_id("staff-agent01")).to_contain_text("188")
    await expect(page.get_by_test_id("staff-agent01")).to_contain_text("财产行为税")
    await edit(page, "staff", "staff-agent02")
    await field(page, "staff-number").fill("188")
    await page.get_by_test_id("staff-save").click()
    await expect(page.get_by_test_id("admin-notice")).to_contain_text("冲突")

    await page.get_by_test_id("tab-codes").click()
    await page.get_by_test_id("code-new").click()
    await field(page, "code-code").fill("land")
    await field(page, "code-name").fill("房产土地")
    await page.get_by_test_id("code-save").click()
    await is_told(page, "已保存")
    await edit(page, "codes", "code-other")
    await page.get_by_role("switch", name="启用").press("Space")
    await page.get_by_test_id("code-save").click()
    await expect(page.get_by_test_id("code-other")).to_contain_text("停用")

    agent = await Agent.arrive(await seat(), server.url)
    await agent.press("desk-sign-in")
    person = await visitor(seat, server.url, "taxpayer01")
    await person.press("human")
    await agent.press("offer-accept")
    await person.reads("188")
    await agent.press("close-interaction")
    await agent.press("confirm-ok")
    await agent.sees("wrap-up-land")
    await expect(agent.at("wrap-up-other")).to_have_count(0)

    await page.get_by_test_id("tab-staff").click()
    await page.get_by_test_id("staff-editor01").get_by_role("button", name="删除").click()
    await page.get_by_test_id("confirm-ok").click()
    await expect(page.get_by_test_id("staff-editor01")).to_have_count(0)
    await page.get_by_test_id("tab-audit").click()
    await expect(page.get_by_test_id("audit")).to_contain_text("删除人员")
    await expect(page.get_by_test_id("audit")).to_contain_text("保存小结类别")


async def test_the_audit_log_is_searched_paged_and_taken_out(server: ServerProcess, seat: Room) -> None:
    page = await at_the_administration(seat, server.url)
    codes = [f"c{number:02}" for number in range(12)]
    # Something to look for: twelve changes by one person.
    for code in codes:
        done = await page.evaluate(
            """async (code) => {
              const {token} = await (await fetch('/api/session')).json();
              const answer = await fetch(`/api/organisation/skills/${code}`, {
                method: 'PUT', body: JSON.stringify({name: `业务${code}`}),
                headers: {'Content-Type': 'application/json', Authorization: `Bearer ${token}`},
              });
              return answer.status;
            }""",
            code,
        )
        assert done == 200
    await page.get_by_test_id("tab-audit").click()
    audit = page.get_by_test_id("audit")
    await audit.get_by_test_id("filter-kind").select_option(label="修改")
    await audit.get_by_test_id("filter-action").select_option(label="保存技能")
    await audit.get_by_test_id("filter-actor_id").fill("admin")
    await audit.get_by_test_id("list-search").click()
    await expect(audit.get_by_test_id("list-total")).to_have_text("共 12 项数据")
    await expect(audit.get_by_test_id("list-row")).to_have_count(10)
    await audit.get_by_test_id("page-next").click()
    await expect(audit.get_by_test_id("list-row")).to_have_count(2)
    looker = Looker()
    await looker.at(page, "audit-log")
    looker.verdict()
    async with page.expect_download() as taken:
        await audit.get_by_test_id("list-export").click()
    assert (await taken.value).suggested_filename == "操作记录.xlsx"
    await audit.get_by_test_id("list-reset").click()
    await expect(audit.get_by_test_id("list-row").first).to_contain_text("导出操作记录")
