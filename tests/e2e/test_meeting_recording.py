"""A meeting is recorded in real browsers (R9): everybody is asked, also who comes late; one refuses; played by its agent."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Playwright, expect

from rtc_server.recordings.index import Index, load
from tests.e2e.test_meeting import APPLICANT, COMPANY, HOST, SLOW_MS, Attendee, apply_and_dispatch
from tests.harness.browser import DESKTOP, FAKE_MEDIA, PHONE, launch, screenshot, sign_in
from tests.harness.server import start_server

pytestmark = [pytest.mark.long, pytest.mark.timeout(540)]


async def recorded_folder(data: Path, people: set[str], *, seconds: float) -> tuple[Path, Index]:
    """The recording, once the tracks of these people are so long: files tell nobody when they grow."""
    while True:
        for folder in (data / "recordings").glob("*"):
            index = load(folder)
            tracks = index.tracks if index is not None else []
            long = {t.person_id for t in tracks if t.ended_us - t.began_us > seconds * 1e6}
            if index is not None and long >= people:
                return folder, index
        await asyncio.sleep(0.2)


async def arrive(
    browser: Browser, url: str, account: str, meeting_id: str, *, phone: bool = False
) -> Attendee:
    context = await browser.new_context(
        viewport=PHONE if phone else DESKTOP, locale="zh-CN", permissions=["camera", "microphone"]
    )
    return await Attendee.arrive(context, url, account, meeting_id, camera=True)


async def test_asked_refused_agreed_and_played(playwright: Playwright, tmp_path: Path) -> None:
    data = tmp_path / "data"
    server = await start_server(data)
    browser = await launch(playwright, FAKE_MEDIA[0], f"{FAKE_MEDIA[1]}=fps=5")

    async def seat() -> BrowserContext:
        return await browser.new_context(
            viewport=DESKTOP, locale="zh-CN", permissions=["camera", "microphone"]
        )

    try:
        url = server.url
        meeting_id = await apply_and_dispatch(seat, url)
        host = await arrive(browser, url, HOST, meeting_id)
        await host.press("enter")
        await host.is_in()
        applicant = await arrive(browser, url, APPLICANT, meeting_id)
        await applicant.knocks()
        await host.press("knock-admit")
        await applicant.is_in()
        await host.sees_person(APPLICANT)
        await applicant.sees_no("recording-toggle")

        # At the door already, so that what is recorded stays short: it is composed below.
        late = await arrive(browser, url, COMPANY, meeting_id, phone=True)
        await host.press("recording-toggle")
        for person in (host, applicant):
            await person.sees("recording-mark")
        await applicant.sees("recording-consent", "正在录制本次会议")
        await screenshot(applicant.page, "meeting-recording-asked")
        await applicant.press("recording-agree")
        await host.sees("recording-other", "已同意")

        await late.knocks()
        await host.press("knock-admit")
        await late.is_in()
        await late.sees("recording-mark")
        await late.sees("recording-agree")
        await screenshot(late.page, "meeting-recording-asked-phone")
        await late.press("recording-refuse")
        await late.sees("recording-consent", "您未被录制")
        await host.reads("不同意，未被录制")
        await host.opens("people")
        await expect(host.row(COMPANY).get_by_test_id("person-consent")).to_have_text("不同意录制")
        await screenshot(host.page, "meeting-recording-host")

        folder, _ = await asyncio.wait_for(recorded_folder(data, {HOST, APPLICANT}, seconds=2), 60)
        await host.press("recording-toggle")
        for person in (host, applicant, late):
            await person.sees_no("recording-mark")
        await host.press("leave")
        await host.press("end")
        await host.sees("out-ended")
        for person in (applicant, late):
            await person.page.context.close()

        page = await sign_in(host.page.context, url, HOST, "/desk/records/mediations")
        page.set_default_timeout(SLOW_MS)
        await page.get_by_test_id("mediation-open").first.click()
        await page.get_by_test_id("recording-compose").click()
        await page.get_by_test_id("recording-play").click(timeout=300_000)
        player = page.get_by_test_id("recording-player")
        await player.wait_for()
        await page.wait_for_function(
            "() => document.querySelector('[data-testid=recording-player]').readyState >= 2", timeout=SLOW_MS
        )
        assert await player.evaluate("(video) => video.videoWidth") == 1280
        await screenshot(page, "meeting-recording-played")

        index = load(folder)
        assert index is not None
        assert index.finished
        assert {track.person_id for track in index.tracks} == {HOST, APPLICANT}
        assert {track.source for track in index.tracks} >= {"camera", "microphone"}
        audit = await sign_in(await browser.new_context(), url, "admin", "/demo")
        session = await (await audit.request.get(f"{url}/api/session")).json()
        kept = await audit.request.get(
            f"{url}/api/audit?action=view_recording", headers={"Authorization": f"Bearer {session['token']}"}
        )
        viewed = (await kept.json())["items"]
        assert [(one["actor_id"], one["detail"]) for one in viewed] == [
            (HOST, f"{meeting_id} composition.webm")
        ]
    finally:
        await browser.close()
        await server.stop()
