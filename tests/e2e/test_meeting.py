"""A mediation meeting of six in real browsers (R6): lobby, mute, share and its take-over, notes, a host who drops."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Locator, Page, Playwright, expect

from tests.e2e.conftest import Room
from tests.e2e.counter import first_frames, now, watch_frames
from tests.e2e.people import MEDIA_TIMEOUT_MS, Person
from tests.harness.browser import DESKTOP, FAKE_MEDIA, PHONE, launch, screenshot, sign_in
from tests.harness.media_peer import connected
from tests.harness.server import ServerProcess, start_server
from tests.harness.tracks import BarcodeTrack
from tests.harness.whip import Device

pytestmark = pytest.mark.long


@pytest_asyncio.fixture
async def browser(playwright: Playwright) -> AsyncIterator[Browser]:
    """Six pages on one small machine: cameras of few frames."""
    instance = await launch(playwright, FAKE_MEDIA[0], f"{FAKE_MEDIA[1]}=fps=5")
    yield instance
    await instance.close()


HOST, DEPUTY, APPLICANT, LEAD = "agent01", "agent02", "taxpayer01", "lead01"
SEEN, COMPANY = "taxpayer02", "company01"
SLOW_MS = 40_000


@dataclass
class Attendee(Person):
    """Somebody at the page of the meeting."""

    account: str

    @classmethod
    async def arrive(
        cls, context: BrowserContext, url: str, account: str, meeting_id: str, *, camera: bool = False
    ) -> Attendee:
        """At the door, with the devices chosen."""
        page = await sign_in(context, url, account, f"/meeting/{meeting_id}", query="%3Fdebug%3D1")
        return await cls.at_the_door(page, account, camera=camera)

    @classmethod
    async def at_the_door(cls, page: Page, account: str, *, camera: bool = False) -> Attendee:
        """On a page of the meeting, however they came there."""
        page.set_default_timeout(SLOW_MS)
        person = cls(page, account)
        await expect(person.at("preview")).to_be_visible(timeout=SLOW_MS)
        if not camera:
            await person.press("door-camera")
            await expect(person.at("preview")).to_be_hidden(timeout=SLOW_MS)
        await expect(person.at("enter")).to_be_enabled(timeout=SLOW_MS)
        return person

    async def knocks(self) -> None:
        await self.press("enter")
        await expect(self.at("leave-lobby")).to_be_visible(timeout=SLOW_MS)

    async def is_in(self) -> None:
        await expect(self.at("meeting-room")).to_be_visible(timeout=SLOW_MS)

    async def writes_notes(self, text: str) -> None:
        """And waits until they are kept."""
        await self.opens("notes")
        await expect(self.at("notes")).to_be_editable(timeout=SLOW_MS)
        await self.at("notes").press_sequentially(text)
        await expect(self.at("notes")).to_have_value(text)
        await expect(self.at("notes-state")).to_have_attribute("data-kept", "true", timeout=SLOW_MS)

    async def opens(self, panel: str) -> None:
        if await self.at(f"panel-{panel}").get_attribute("aria-pressed") != "true":
            await self.press(f"panel-{panel}")

    def row(self, account: str) -> Locator:
        return self.at("people").locator(f'[data-person="{account}"]')

    def tile(self, account: str, source: str = "camera") -> Locator:
        return self.page.locator(f'[data-testid="tile"][data-person="{account}"][data-source="{source}"]')

    async def sees_person(self, account: str, source: str = "camera") -> None:
        """A picture of theirs that moves."""
        await expect(self.tile(account, source).locator("video")).to_be_visible(timeout=SLOW_MS)
        await self.tile(account, source).evaluate(_MOVES, SLOW_MS)

    async def receives(self, *accounts: str) -> None:
        """Wait until packets of these cameras arrive, and of no others."""
        await self.page.evaluate(_RECEIVES, [sorted(accounts), SLOW_MS])


_MOVES = """(tile, timeout) => new Promise((resolve, reject) => {
  const timer = setTimeout(() => reject(new Error('no five frames')), timeout);
  let frames = 0;
  const look = () => {
    const video = tile.querySelector('video');
    if (!video) { setTimeout(look, 100); return; }
    video.requestVideoFrameCallback(() => { frames += 1; if (frames >= 5) { clearTimeout(timer); resolve(); } else look(); });
  };
  look();
})"""

_RECEIVES = """async ([wanted, timeout]) => {
  const [room] = window.__rtc.rooms();
  const until = performance.now() + timeout;
  const read = async () => {
    const found = new Map();
    for (const report of (await room.subscribeConnection.getStats()).values()) {
      if (report.type === 'inbound-rtp' && report.kind === 'video') found.set(report.trackIdentifier, report.packetsReceived);
    }
    return found;
  };
  for (;;) {
    const before = await read();
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const after = await read();
    const active = room.state.get().remote
      .filter((one) => one.source === 'camera' && (after.get(one.track.id) ?? 0) > (before.get(one.track.id) ?? 0))
      .map((one) => one.publisherId).sort();
    if (active.join() === wanted.join()) return;
    if (performance.now() > until) throw new Error(`receives ${active}, wanted ${wanted}`);
  }
}"""


async def apply_and_dispatch(seat: Room, url: str) -> str:
    """By the taxpayer and the supervisor, over REST as their pages do it; the id of the meeting."""
    taxpayer = await sign_in(await seat(), url, APPLICANT, "/demo/host")
    applied = await taxpayer.request.post(
        f"{url}/api/mediations", data={"subject": "核定税额争议调解", "detail": "对核定结果有异议。"}
    )
    assert applied.status == 201, await applied.text()
    lead = await sign_in(await seat(), url, LEAD, "/desk")
    own = (await applied.json())["application_id"]
    given = await lead.request.post(f"{url}/api/mediations/{own}/dispatch", data={"agent_id": HOST})
    assert given.status == 200, await given.text()
    meeting_id = str((await given.json())["meeting_id"])
    for page in (taxpayer, lead):
        await page.context.close()
    return meeting_id


async def test_a_meeting_of_six(server: ServerProcess, seat: Room) -> None:
    url = server.url
    meeting_id = await apply_and_dispatch(seat, url)

    applicant = await Attendee.arrive(await seat(), url, APPLICANT, meeting_id, camera=True)
    await applicant.knocks()
    await applicant.sees("door-says", "会议尚未开始")
    await screenshot(applicant.page, "meeting-lobby")

    host = await Attendee.arrive(await seat(), url, HOST, meeting_id, camera=True)
    await screenshot(host.page, "meeting-door")
    await host.press("enter")
    await host.is_in()
    await host.sees("knock", "在等候室")
    await host.press("knock-admit")
    await applicant.is_in()
    await host.sees_person(APPLICANT)
    await applicant.sees_person(HOST)
    await host.hears_others(timeout_ms=SLOW_MS)

    others: dict[str, Attendee] = {}
    for account in (DEPUTY, SEEN, COMPANY, LEAD):
        others[account] = await Attendee.arrive(await seat(), url, account, meeting_id)
        await others[account].knocks()
    await host.opens("people")
    await expect(host.at("lobby").locator("li")).to_have_count(4, timeout=SLOW_MS)
    await screenshot(host.page, "meeting-people-host")
    await host.at("lobby").locator(f'[data-person="{COMPANY}"]').get_by_test_id("refuse").click()
    await expect(others[COMPANY].at("out-refused")).to_be_visible(timeout=SLOW_MS)
    await host.press("admit-all")
    for account in (DEPUTY, SEEN, LEAD):
        await others[account].is_in()
    await others[COMPANY].press("out-refused-action")
    await expect(others[COMPANY].at("enter")).to_be_enabled(timeout=SLOW_MS)
    await others[COMPANY].knocks()
    await host.at("lobby").get_by_test_id("admit").click()
    await others[COMPANY].is_in()
    deputy, seen = others[DEPUTY], others[SEEN]
    await expect(host.at("people").locator("li.person")).to_have_count(6, timeout=SLOW_MS)
    await screenshot(deputy.page, "meeting-grid")

    # Locked: nobody new; muted and held: not by oneself; asked: by oneself.
    await host.press("lock")
    stranger = await Attendee.arrive(await seat(), url, "agent11", meeting_id)
    await stranger.press("enter")
    await stranger.sees("door-failure", "会议已锁定")
    await stranger.page.context.close()
    await host.row(APPLICANT).get_by_test_id("manage").click()
    await host.row(APPLICANT).get_by_test_id("hold").click()
    await expect(deputy.tile(APPLICANT).get_by_test_id("tile-muted")).to_be_visible(timeout=SLOW_MS)
    await expect(applicant.at("mic")).to_have_attribute("data-muted", "true", timeout=SLOW_MS)
    await applicant.press("mic")
    await applicant.sees("failure", "主持人已将您静音")
    await applicant.press("hand")
    await expect(host.row(APPLICANT).locator(".hand")).to_be_visible(timeout=SLOW_MS)
    await host.row(APPLICANT).get_by_test_id("ask-unmute").click()
    await applicant.reads("主持人请您发言")
    await applicant.page.get_by_role("button", name="开启音频").last.click()
    await expect(deputy.tile(APPLICANT).get_by_test_id("tile-muted")).to_be_hidden(timeout=SLOW_MS)

    # One screen at a time; the host takes it over.
    await deputy.press("share")
    await host.sees_person(DEPUTY, "screen")
    await applicant.sees_person(DEPUTY, "screen")
    await screenshot(applicant.page, "meeting-share")
    await seen.press("share")
    await seen.sees("failure", "已有成员正在共享屏幕")
    await host.press("share")
    await host.page.get_by_role("button", name="接管共享").click()
    await applicant.sees_person(HOST, "screen")
    await expect(deputy.at("share")).to_contain_text("屏幕共享", timeout=SLOW_MS)
    await expect(applicant.tile(DEPUTY, "screen")).to_have_count(0)
    await host.press("share")
    await expect(applicant.tile(HOST, "screen")).to_have_count(0, timeout=SLOW_MS)

    # Who is pinned is large; who is on no place of the stage is not sent.
    await applicant.tile(HOST).hover()
    await applicant.tile(HOST).get_by_test_id("pin").click()
    await expect(applicant.at("stage")).to_have_attribute("data-main", f"{HOST}:camera", timeout=SLOW_MS)
    await applicant.tile(HOST).get_by_test_id("pin").click()
    await deputy.receives(HOST, APPLICANT, COMPANY)
    await seen.page.set_viewport_size(PHONE)
    await seen.tile(HOST).get_by_test_id("pin").click()
    await expect(seen.tile(COMPANY)).to_have_count(0)
    await seen.receives(HOST, APPLICANT)
    await seen.press("page-after")
    await expect(seen.tile(COMPANY)).to_be_visible()
    await seen.receives(HOST, COMPANY)
    await screenshot(seen.page, "meeting-phone-pinned")
    await seen.page.set_viewport_size(DESKTOP)

    # Notes by three at once: nothing is lost. Chat once.
    for person in (host, applicant, deputy):
        await person.opens("notes")
        await expect(person.at("notes")).to_be_editable(timeout=SLOW_MS)
    await asyncio.gather(
        host.at("notes").press_sequentially("主持人记录。", delay=60),
        applicant.at("notes").press_sequentially("纳税人意见。", delay=60),
        deputy.at("notes").press_sequentially("税务机关说明。", delay=60),
    )
    for person in (host, applicant, deputy):
        await expect(person.at("notes-state")).to_have_attribute("data-kept", "true", timeout=SLOW_MS)
    texts: set[str] = set()
    for person in (host, applicant, deputy):
        await expect(person.at("notes")).to_have_value(
            _whole(("主持人记录。", "纳税人意见。", "税务机关说明。")), timeout=SLOW_MS
        )
        texts.add(await person.at("notes").input_value())
    assert len(texts) == 1
    await screenshot(applicant.page, "meeting-notes")
    await seen.opens("chat")
    await seen.says("各位好，我是代理人。")
    await host.opens("chat")
    await expect(host.at("chat-message")).to_have_count(1, timeout=SLOW_MS)
    await screenshot(host.page, "meeting-chat")

    # The host drops: after the grace period the next agent rules, and the notes are as they were.
    await host.page.context.close()
    await expect(applicant.tile(HOST)).to_contain_text("正在重新连接", timeout=SLOW_MS)
    await deputy.opens("people")
    await expect(deputy.at("mute-all")).to_be_visible(timeout=60_000)
    await expect(deputy.tile(HOST)).to_have_count(0)
    await deputy.press("leave")
    await deputy.press("end")
    for person in (applicant, seen, others[LEAD], others[COMPANY], deputy):
        await expect(person.at("out-ended")).to_be_visible(timeout=SLOW_MS)
    await screenshot(applicant.page, "meeting-ended")


def _whole(parts: tuple[str, ...]) -> re.Pattern[str]:
    """Every letter of all of them: written at once, parts may stand within each other."""
    letters = "".join(parts)
    return re.compile(
        "^"
        + "".join(f"(?=(?:.*{re.escape(c)}){{{letters.count(c)}}})" for c in set(letters))
        + f".{{{len(letters)}}}$"
    )


async def test_on_a_phone(server: ServerProcess, seat: Room, browser: Browser) -> None:
    url = server.url
    meeting_id = await apply_and_dispatch(seat, url)
    host = await Attendee.arrive(await seat(), url, HOST, meeting_id, camera=True)
    await host.press("enter")
    await host.is_in()
    context = await browser.new_context(
        viewport=PHONE, locale="zh-CN", permissions=["camera", "microphone"], is_mobile=True, has_touch=True
    )
    phone = await Attendee.arrive(context, url, APPLICANT, meeting_id, camera=True)
    await screenshot(phone.page, "meeting-phone-door")
    await phone.knocks()
    await host.press("knock-admit")
    await phone.is_in()
    await phone.sees_person(HOST)
    await screenshot(phone.page, "meeting-phone")
    for panel in ("chat", "people", "notes", "info"):
        await phone.press(f"panel-{panel}")
        await expect(phone.at("panel")).to_be_visible(timeout=MEDIA_TIMEOUT_MS)
        await screenshot(phone.page, f"meeting-phone-{panel}")
        overflow = await phone.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert overflow <= 0, panel
        await phone.press("panel-close")
    # By the keyboard alone: mute, raise a hand, leave.
    await host.page.keyboard.press("m")
    await expect(host.at("mic")).to_have_attribute("data-muted", "true")
    await host.page.keyboard.press("h")
    await expect(host.at("hand")).to_contain_text("放下手", timeout=MEDIA_TIMEOUT_MS)
    await phone.press("leave")
    await phone.press("leave-confirm")
    await expect(phone.at("out-self")).to_be_visible(timeout=MEDIA_TIMEOUT_MS)
    await expect(host.tile(APPLICANT)).to_have_count(0, timeout=MEDIA_TIMEOUT_MS)
    await context.close()


@pytest.mark.timeout(300)
async def test_a_meeting_goes_on_after_a_restart(tmp_path: Path, seat: Room) -> None:
    """Killed and started again: nobody presses anything. Mute and hold, hand, lock and lobby, share, notes, and the link of a
    device are as they were."""
    server = await start_server(tmp_path / "data", RTC_TURN_START="false")
    meeting_id = await apply_and_dispatch(seat, server.url)
    host = await Attendee.arrive(await seat(), server.url, HOST, meeting_id, camera=True)
    await host.press("enter")
    await host.is_in()
    taxpayer = await Attendee.arrive(await seat(), server.url, APPLICANT, meeting_id, camera=True)
    observer = await Attendee.arrive(await seat(), server.url, SEEN, meeting_id)
    for person in (taxpayer, observer):
        await person.knocks()
        await host.press("knock-admit")
        await person.is_in()
    await host.sees_person(APPLICANT)
    await taxpayer.press("mic")
    await expect(host.tile(APPLICANT).get_by_test_id("tile-muted")).to_be_visible(timeout=SLOW_MS)
    await taxpayer.press("share")
    await host.sees_person(APPLICANT, "screen")
    await host.writes_notes("已记录。")
    await observer.press("hand")
    waiting = await Attendee.arrive(await seat(), server.url, COMPANY, meeting_id)
    await waiting.knocks()
    await host.opens("people")
    await host.row(SEEN).get_by_test_id("manage").click()
    await host.row(SEEN).get_by_test_id("hold").click()
    await expect(observer.at("mic")).to_have_attribute("data-muted", "true", timeout=SLOW_MS)
    await host.press("lock")
    await host.press("add-stream")
    await host.at("stream-name").fill("演播室摄像机")
    await host.press("stream-add")
    link = await host.at("stream-url").inner_text(), await host.at("stream-token").inner_text()
    await host.at("streams").get_by_role("button", name="关闭").click()

    port = server.port
    await server.kill()
    await host.sees("banner", "正在自动重新连接")
    await watch_frames(host)
    again = await start_server(tmp_path / "data", port=port, RTC_TURN_START="false")
    listening = now()
    try:
        back = await first_frames(host, listening, tracks=2) - listening
        print(f"\nmeeting, server killed: camera and screen back {back:.2f} s after the server listens")
        for person in (host, taxpayer, observer):
            await person.sees_no("banner", timeout_ms=60_000)
        await host.sees_person(APPLICANT)
        await host.sees_person(APPLICANT, "screen")
        await taxpayer.sees_person(HOST)
        await expect(host.tile(APPLICANT).get_by_test_id("tile-muted")).to_be_visible(timeout=SLOW_MS)
        await expect(host.tile(HOST)).to_contain_text("主持人")
        await host.opens("people")
        await expect(host.row(SEEN).locator(".hand")).to_be_visible(timeout=SLOW_MS)
        await observer.press("mic")
        await observer.sees("failure", "主持人已将您静音")
        async with Device(*link) as camera:
            await camera.publish(BarcodeTrack())
            await connected(camera.connection)
            await host.press("add-stream")
            await expect(host.page.locator("[data-stream]")).to_contain_text("已接入", timeout=SLOW_MS)
            await host.at("streams").get_by_role("button", name="关闭").click()
        await host.opens("people")
        await host.at("lobby").locator(f'[data-person="{COMPANY}"]').get_by_test_id("admit").click()
        await waiting.is_in()
        await taxpayer.opens("notes")
        await expect(taxpayer.at("notes")).to_have_value("已记录。", timeout=SLOW_MS)
    finally:
        await again.stop()
