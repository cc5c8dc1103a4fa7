"""axe-core finds nothing serious at any stage of window, desk and administration, at the size of an office screen and of a
phone. Every stage is also kept as a picture in ``tests/e2e/screenshots``."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import FilePayload, expect

from tests.e2e.conftest import Room
from tests.e2e.looking import Looker
from tests.e2e.people import Agent, Taxpayer
from tests.e2e.staff_room import set_centre
from tests.harness.browser import sign_in
from tests.harness.server import ServerProcess

pytestmark = pytest.mark.long

WINDOW = "yueyue-window"


@pytest_asyncio.fixture
async def looker() -> AsyncIterator[Looker]:
    looker = Looker()
    yield looker
    looker.verdict()


def picture() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (640, 400), (214, 226, 242)).save(data, "PNG")
    return data.getvalue()


async def visitor(seat: Room, url: str, account: str = "taxpayer01") -> Taxpayer:
    page = await sign_in(await seat(), url, account, "/demo/host")
    taxpayer = Taxpayer(page)
    await taxpayer.press("open-window")
    return taxpayer


async def test_from_the_welcome_to_the_place_in_the_queue(
    server: ServerProcess, seat: Room, looker: Looker
) -> None:
    await set_centre(await seat(), server.url, "gd", wait_timeout_ms=20_000)
    taxpayer = await visitor(seat, server.url)
    await looker.at(taxpayer.page, "window-01-welcome")
    await taxpayer.press("font-size")
    await looker.at(taxpayer.page, "window-02-font-size", selector=WINDOW)
    await taxpayer.press("font-15")
    await taxpayer.press("font-size")
    await taxpayer.press("human")
    await taxpayer.sees("notice")
    await looker.at(taxpayer.page, "window-03-no-agent", selector=WINDOW)
    await taxpayer.press("way-dismiss")

    agent = await Agent.arrive(await seat(), server.url)
    await looker.at(agent.page, "desk-01-signed-out")
    await agent.press("desk-sign-in")
    await agent.sees("desk-status")
    await looker.at(agent.page, "desk-02-empty")
    await agent.at("desk-status").select_option("busy")
    await taxpayer.press("human")
    await taxpayer.sees("queue-card")
    await agent.sees("queue-pick")
    await looker.at(taxpayer.page, "window-05-queue", selector=WINDOW)
    await looker.at(agent.page, "desk-03-waiting")
    await taxpayer.press("window-close")
    await looker.at(taxpayer.page, "window-06-close", selector=WINDOW)
    await taxpayer.press("confirm-cancel")
    await expect(taxpayer.at("wait-dialog")).to_be_visible(timeout=30_000)
    await looker.at(taxpayer.page, "window-07-wait-dialog", selector=WINDOW)
    async with taxpayer.page.context.expect_page() as opened:
        await taxpayer.press("wait-leave-message")
    centre = await opened.value
    await expect(centre.get_by_test_id("inquiry-write")).to_be_visible(timeout=20_000)
    await centre.close()
    await taxpayer.sees("wait-dialog")  # the place is kept
    await taxpayer.press("wait-stay")
    await agent.at("desk-status").select_option("free")
    await agent.sees("offer-accept")
    await taxpayer.reads("正在为您接通")
    await looker.at(agent.page, "desk-04-offer")
    await looker.at(taxpayer.page, "window-09-offered", selector=WINDOW)


async def test_from_the_first_word_to_the_rating(server: ServerProcess, seat: Room, looker: Looker) -> None:
    agent = await Agent.arrive(await seat(), server.url)
    await agent.press("desk-sign-in")
    await agent.sees("desk-status")
    taxpayer = await visitor(seat, server.url)
    await taxpayer.press("human")
    await agent.press("offer-accept")
    await taxpayer.sees("greeting-card")
    await looker.at(taxpayer.page, "window-10-greeting", selector=WINDOW)
    await taxpayer.says("您好，发票勾选以后在哪里查看结果？")
    await agent.says("您好，请点击“税务数字账户”，再点“勾选认证”，就能看到勾选的结果。")
    await taxpayer.at("picture-input").set_input_files(
        [FilePayload(name="勾选页面.png", mimeType="image/png", buffer=picture())]
    )
    await taxpayer.at("file-input").set_input_files(
        [
            FilePayload(name="申报说明.txt", mimeType="text/plain", buffer="申报说明".encode()),
            FilePayload(name="资料.zip", mimeType="application/zip", buffer=b"PK\x03\x04"),
        ]
    )
    await agent.sees("message-picture")
    await agent.sees("message-file")
    await taxpayer.sees("upload-failure")
    await looker.at(taxpayer.page, "window-11-talk", selector=WINDOW)
    await agent.sees("taxpayer-details")
    await looker.at(agent.page, "desk-10-talk")
    await taxpayer.press("upload-drop")
    await agent.press("canned-open")
    await expect(agent.at("canned-reply").first).to_be_visible()
    await looker.at(agent.page, "desk-11-canned")
    await agent.press("canned-open")
    await agent.press("transfer-open")
    await agent.sees("transfer-dialog")
    await looker.at(agent.page, "desk-12-transfer")
    await agent.page.keyboard.press("Escape")

    await taxpayer.press("card-assist")
    await agent.sees("assist-accept")
    await looker.at(taxpayer.page, "window-12-assistance-asked", selector=WINDOW)
    await looker.at(agent.page, "desk-13-assistance-asked")
    await agent.press("assist-accept")
    await taxpayer.sees("privacy-notice")
    await looker.at(taxpayer.page, "window-13-privacy", selector=WINDOW)
    await looker.at(agent.page, "desk-14-assistance-accepted")
    await taxpayer.press("privacy-agree")
    await looker.at(taxpayer.page, "window-14-share", selector=WINDOW)
    await taxpayer.press("share-screen")
    await agent.sees_moving("screen-video")
    await looker.at(taxpayer.page, "window-15-sharing", selector=WINDOW)
    await looker.at(agent.page, "desk-15-sharing")
    await taxpayer.press("share-pause")
    await agent.sees("assist-state", "暂停")
    await looker.at(taxpayer.page, "window-16-paused", selector=WINDOW)
    await looker.at(agent.page, "desk-16-paused")

    await taxpayer.press("call-ask")
    await agent.sees("call-answer")
    await looker.at(agent.page, "desk-17-call-asked")
    await agent.press("call-answer")
    await taxpayer.sees("call-accept")
    await looker.at(taxpayer.page, "window-17-call-ring", selector=WINDOW)
    await taxpayer.press("call-accept")
    await taxpayer.sees_moving("remote-video")
    await agent.sees_moving("remote-video")
    await looker.at(taxpayer.page, "window-18-call-and-screen", selector=WINDOW)
    await looker.at(agent.page, "desk-18-call-and-screen")
    await taxpayer.press("assist-hangup")
    await agent.sees_no("assist-hangup")
    await taxpayer.press("device-change")
    await looker.at(taxpayer.page, "window-19-call-devices", selector=WINDOW)
    await taxpayer.press("device-change")
    await looker.at(taxpayer.page, "window-20-call", selector=WINDOW)
    await looker.at(agent.page, "desk-19-call")
    await agent.press("call-hangup")
    await taxpayer.sees_no("call-hangup")

    await taxpayer.press("end-session")
    await looker.at(taxpayer.page, "window-21-end", selector=WINDOW)
    await taxpayer.press("confirm-ok")
    await taxpayer.sees("rating")
    await agent.sees("wrap-up-dialog")
    await expect(agent.at("wrap-up-other")).to_be_visible()
    await looker.at(taxpayer.page, "window-22-rating", selector=WINDOW)
    await looker.at(agent.page, "desk-20-wrap-up")
    await taxpayer.press("rate-resolved")
    await taxpayer.sees("rating-done")
    await looker.at(taxpayer.page, "window-23-rated", selector=WINDOW)
    await agent.page.keyboard.press("Escape")
    await looker.at(agent.page, "desk-21-to-wrap-up")

    await taxpayer.page.reload()
    await taxpayer.press("open-window")
    await taxpayer.press("load-more")
    await expect(taxpayer.at("message").first).to_be_visible()
    await looker.at(taxpayer.page, "window-24-history", selector=WINDOW)


async def test_the_supervisors_board(server: ServerProcess, seat: Room, looker: Looker) -> None:
    agent = await Agent.arrive(await seat(), server.url)
    await agent.press("desk-sign-in")
    await agent.sees("desk-status")
    taxpayer = await visitor(seat, server.url)
    await taxpayer.press("human")
    await agent.press("offer-accept")
    await taxpayer.sees("greeting-card")
    lead = await Agent.arrive(await seat(), server.url, "lead01")
    await lead.sees("supervise-listen")
    await looker.at(lead.page, "desk-30-board")
    await lead.press("supervise-listen")
    await lead.sees("supervision-state")
    await looker.at(lead.page, "desk-31-listening")
    await agent.press("sign-out")
    await looker.at(agent.page, "desk-32-leave")
    await agent.press("confirm-ok")
    await agent.sees("signed-out")
    await looker.at(agent.page, "desk-33-left")


async def test_the_administration(server: ServerProcess, seat: Room, looker: Looker) -> None:
    page = await sign_in(await seat(), server.url, "admin", "/admin")
    await expect(page.get_by_test_id("centre-gd")).to_be_visible()
    await looker.at(page, "admin-01-centres")
    await page.get_by_test_id("centre-gd-zhongshan").get_by_role("button", name="编辑").click()
    await expect(page.get_by_test_id("centre-editor")).to_be_visible()
    await looker.at(page, "admin-02-centre")
    await page.get_by_test_id("tab-staff").click()
    await expect(page.get_by_test_id("staff-agent01")).to_be_visible()
    await looker.at(page, "admin-03-staff")
    await page.get_by_test_id("staff-agent01").get_by_role("button", name="编辑").click()
    await looker.at(page, "admin-04-staff-member")
    for tab, row in (
        ("authorities", "authority-442000"),
        ("skills", "skill-general"),
        ("codes", "code-other"),
    ):
        await page.get_by_test_id(f"tab-{tab}").click()
        await expect(page.get_by_test_id(row)).to_be_visible()
        await looker.at(page, f"admin-05-{tab}")
        await page.get_by_test_id(row).get_by_role("button", name="编辑").click()
        await looker.at(page, f"admin-06-{tab}-editor")
    await page.get_by_test_id("tab-audit").click()
    await expect(page.get_by_test_id("audit")).to_be_visible()
    await looker.at(page, "admin-07-audit")
