"""Firefox ESR, as Debian has it, beside Chromium: it takes part in a meeting, gives and sees a remote assistance, calls,
checks its devices, and comes back after a reload."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.e2e.conftest import Room
from tests.e2e.people import HEARS, SEES_MOVING, Agent, Taxpayer
from tests.e2e.test_embedding import HostSite, token_of_the_host_platform
from tests.e2e.test_meeting import APPLICANT, HOST, Attendee, apply_and_dispatch
from tests.harness.firefox import Firefox, Tab, firefox_missing, running_firefox
from tests.harness.server import ServerProcess, start_server
from tests.harness.xvfb import virtual_screen

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(400),
    pytest.mark.skipif(firefox_missing() is not None, reason=firefox_missing() or ""),
]
SLOW_MS = 60_000
SCREENSHOTS = Path(__file__).parent / "screenshots"


@pytest_asyncio.fixture
async def firefox(tmp_path: Path) -> AsyncIterator[Firefox]:
    """On an X screen of its own, which it can share."""
    async with (
        virtual_screen(1366, 900) as display,
        running_firefox(tmp_path / "profile", display=display) as one,
    ):
        yield one


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """With a relay: Firefox gathers no candidate on loopback, where the servers of the tests are."""
    one = await start_server(tmp_path / "data", RTC_TURN_START="true")
    yield one
    await one.stop()


async def sees_moving(tab: Tab, testid: str) -> None:
    await tab.at(testid, SEES_MOVING, SLOW_MS)


async def asks_agent01(taxpayer: Tab) -> None:
    await taxpayer.press("open-window")
    await taxpayer.press("human")
    await taxpayer.press("agent-agent01")
    await taxpayer.sees("assist-request")


async def picks_the_screen(taxpayer: Tab, agent: Agent, *, button: str = "share-screen") -> None:
    """It is the X screen: something on it has to move."""
    await taxpayer.press("privacy-agree")
    await taxpayer.run(_ALIVE)
    await taxpayer.press(button)
    await agent.sees_moving("screen-video", timeout_ms=SLOW_MS)


async def shares(taxpayer: Tab, agent: Agent) -> None:
    await taxpayer.press("assist-request")
    await agent.press("assist-accept")
    await picks_the_screen(taxpayer, agent)


_ALIVE = """() => {
  const strip = document.createElement('div');
  strip.style.cssText = 'position:fixed;inset:0 50% 0 0;z-index:1;pointer-events:none';
  strip.style.setProperty('display', 'block', 'important');
  strip.style.setProperty('visibility', 'visible', 'important');
  document.body.append(strip);
  let turn = 0;
  setInterval(() => { turn += 47; strip.style.background = `hsl(${turn % 360} 80% 50%)`; }, 200);
}"""


async def test_a_taxpayer_with_firefox_shares_the_screen_and_calls(
    server: ServerProcess, seat: Room, firefox: Firefox
) -> None:
    agent = await Agent.arrive(await seat(), server.url)
    taxpayer = await firefox.tab(f"{server.url}/demo/as/taxpayer01?to=/demo/host{quote('?direct=1&debug=1')}")
    await asks_agent01(taxpayer)
    await agent.opens_first()
    await shares(taxpayer, agent)

    await agent.press("call-start")
    await taxpayer.press("call-accept")
    await agent.sees_moving("remote-video", timeout_ms=SLOW_MS)
    await sees_moving(taxpayer, "remote-video")
    await agent.hears_others(timeout_ms=SLOW_MS)
    await taxpayer.becomes(HEARS)
    await agent.sees_moving("screen-video", timeout_ms=SLOW_MS)
    await taxpayer.screenshot(SCREENSHOTS / "firefox-call.png")

    # Reloaded: the conversation and the call are there again, by themselves; a screen has to be picked by a person.
    await taxpayer.reload()
    await taxpayer.press("open-window")
    await sees_moving(taxpayer, "remote-video")
    await taxpayer.becomes(HEARS)
    await agent.sees_moving("remote-video", timeout_ms=SLOW_MS)
    await picks_the_screen(taxpayer, agent, button="way-share_screen")


async def test_an_agent_with_firefox_sees_the_taxpayers_screen(
    server: ServerProcess, seat: Room, firefox: Firefox
) -> None:
    agent = await firefox.tab(f"{server.url}/demo/as/agent01?to=/desk{quote('?debug=1')}")
    await agent.sees("sign-out")
    taxpayer = await Taxpayer.arrive(await seat(), server.url)
    await taxpayer.turns_to()
    await agent.press('[data-testid^="interaction-"]')
    await taxpayer.press("assist-request")
    await agent.press("assist-accept")
    await taxpayer.press("privacy-agree")
    await taxpayer.press("share-screen")
    await sees_moving(agent, "screen-video")

    await agent.press("call-start")
    await taxpayer.press("call-accept")
    await taxpayer.sees_moving("remote-video", timeout_ms=SLOW_MS)
    await taxpayer.hears_others(timeout_ms=SLOW_MS)
    await sees_moving(agent, "remote-video")
    await agent.becomes(HEARS)
    await agent.screenshot(SCREENSHOTS / "firefox-desk.png")

    await agent.reload()
    await agent.press('[data-testid^="interaction-"]')
    await sees_moving(agent, "screen-video")
    await taxpayer.sees_moving("remote-video", timeout_ms=SLOW_MS)


async def test_firefox_takes_part_in_a_meeting(server: ServerProcess, seat: Room, firefox: Firefox) -> None:
    meeting_id = await apply_and_dispatch(seat, server.url)
    host = await Attendee.arrive(await seat(), server.url, HOST, meeting_id, camera=True)
    await host.press("enter")
    await host.is_in()

    guest = await firefox.tab(f"{server.url}/demo/as/{APPLICANT}?to=/meeting/{meeting_id}%3Fdebug%3D1")
    await sees_moving(guest, "preview")
    await guest.screenshot(SCREENSHOTS / "firefox-door.png")
    await guest.press("enter")
    await guest.sees("leave-lobby")
    await host.press("knock-admit")
    await guest.sees("meeting-room")

    of_host = f'[data-testid="tile"][data-person="{HOST}"][data-source="camera"] video'
    await host.sees_person(APPLICANT)
    await host.hears_others(timeout_ms=SLOW_MS)
    await sees_moving(guest, of_host)
    await guest.becomes(HEARS)
    await guest.becomes(_SENDS_THREE_LAYERS)
    await guest.screenshot(SCREENSHOTS / "firefox-meeting.png")

    await guest.run(_ALIVE)
    await guest.press("share")
    await host.sees_person(APPLICANT, "screen")
    await guest.press("share")

    # Off and on again takes no new offer, but a reload a new connection.
    await guest.press("camera")
    await expect(host.tile(APPLICANT).locator("video")).to_have_count(0, timeout=SLOW_MS)
    await guest.press("camera")
    await host.sees_person(APPLICANT)
    await guest.reload()
    await guest.press("enter")
    await guest.sees("meeting-room")
    await host.sees_person(APPLICANT)
    await sees_moving(guest, of_host)


_SENDS_THREE_LAYERS = """async () => {
  const [room] = window.__rtc.rooms();
  const report = [...(await room.publishConnection.getStats()).values()];
  const layers = report.filter((one) => one.type === 'outbound-rtp' && one.kind === 'video' && one.framesEncoded > 0);
  return layers.map((one) => one.rid).sort().join() === 'f,h,q';
}"""


async def test_firefox_checks_devices_and_network(server: ServerProcess, firefox: Firefox) -> None:
    visitor = await firefox.tab(f"{server.url}/demo/as/taxpayer01?to=/check")
    await visitor.press("check-start")
    await visitor.press("check-tone")
    await visitor.sees("check-summary", timeout_ms=90_000)
    # Without a playback device Firefox runs no sound of a page: nothing waits for it, and no microphone is blamed.
    await visitor.sees("check-tone", "播放测试音")
    assert "没有听到声音" not in await visitor.at("check-microphone", "(card) => card.textContent")
    await visitor.screenshot(SCREENSHOTS / "firefox-check.png")
    await visitor.sees('[data-testid="check-camera"][data-verdict="good"]')
    await visitor.sees("check-network", "您的声音和画面已经由服务器往返一次")
    await visitor.sees("check-figures", "bit/s")
    await visitor.sees("check-figures", "经中继转发")


async def test_the_window_on_another_site_under_its_policy(
    seat: Room, firefox: Firefox, tmp_path: Path
) -> None:
    site = HostSite()
    await site.server.start_server()
    desk = await start_server(tmp_path / "data", RTC_TURN_START="true", RTC_CORS_ORIGINS=site.origin)
    site.desk, site.token = desk.url, token_of_the_host_platform(tmp_path / "data")
    try:
        agent = await Agent.arrive(await seat(), desk.url)
        taxpayer = await firefox.tab(site.origin, before=_NOTES_VIOLATIONS)
        await asks_agent01(taxpayer)
        await agent.opens_first()
        await shares(taxpayer, agent)
        await taxpayer.screenshot(SCREENSHOTS / "firefox-another-site.png")
        assert await taxpayer.run("() => window.__violations") == []
    finally:
        await desk.stop()
        await site.server.close()


_NOTES_VIOLATIONS = """() => {
  window.__violations = [];
  document.addEventListener('securitypolicyviolation', (event) => {
    // The icon of a page is fetched by the browser of itself: the site has none.
    if (!event.blockedURI.endsWith('/favicon.ico')) window.__violations.push(`${event.violatedDirective} ${event.blockedURI}`);
  });
}"""
