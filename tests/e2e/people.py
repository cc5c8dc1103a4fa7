"""Taxpayers, agents and supervisors in real browsers, doing what people do: by the labels and buttons of the interface."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from playwright.async_api import BrowserContext, Locator, Page, expect

from tests.harness.browser import sign_in

MEDIA_TIMEOUT_MS = 20_000


@dataclass
class Person:
    page: Page

    def at(self, testid: str) -> Locator:
        return self.page.get_by_test_id(testid)

    async def press(self, testid: str) -> None:
        await self.at(testid).click()

    async def sees(
        self, testid: str, text: str | None = None, *, timeout_ms: float = MEDIA_TIMEOUT_MS
    ) -> None:
        """Wait until it is visible, and says so."""
        await expect(self.at(testid)).to_be_visible(timeout=timeout_ms)
        if text is not None:
            await expect(self.at(testid)).to_contain_text(text, timeout=timeout_ms)

    async def sees_no(self, testid: str, *, timeout_ms: float = MEDIA_TIMEOUT_MS) -> None:
        await expect(self.at(testid)).to_be_hidden(timeout=timeout_ms)

    async def reads(self, text: str, *, timeout_ms: float = MEDIA_TIMEOUT_MS) -> None:
        """Wait until the text stands anywhere on the page."""
        await expect(self.page.get_by_text(text).first).to_be_visible(timeout=timeout_ms)

    async def says(self, text: str) -> None:
        await self.at("message-input").fill(text)
        await self.press("send")

    async def sees_moving(self, testid: str, *, timeout_ms: float = MEDIA_TIMEOUT_MS) -> None:
        """Wait until the video element has shown several frames whose pixels differ: a picture that moves, not a still."""
        await expect(self.at(testid)).to_be_visible(timeout=timeout_ms)
        await self.at(testid).evaluate(SEES_MOVING, timeout_ms)

    async def sees_still(self, testid: str) -> None:
        """Wait until the video element (or its absence) has shown nothing new for a second."""
        await self.at(testid).evaluate(_SEES_STILL)

    async def counts(self, testid: str, number: int, *, timeout_ms: float = MEDIA_TIMEOUT_MS) -> None:
        await expect(self.at(testid)).to_have_count(number, timeout=timeout_ms)

    async def text_of(self, testid: str) -> str:
        return (await self.at(testid).first.inner_text()).strip()

    async def lines(self) -> list[str]:
        """Every line of the conversation on the page, the system's own too, as its words alone."""
        return list(await self.at("message-list").evaluate(_LINES))

    async def goes_home(self) -> None:
        """Leave nothing open for whoever comes next."""

    async def hears_others(self, *, timeout_ms: float = MEDIA_TIMEOUT_MS) -> None:
        """Wait until the browser has decoded sound of others that is not silence."""
        await self.page.wait_for_function(HEARS, timeout=timeout_ms, polling=200)


@dataclass
class Taxpayer(Person):
    @classmethod
    async def arrive(
        cls, context: BrowserContext, url: str, account: str = "taxpayer01", *, options: str = "debug=1"
    ) -> Taxpayer:
        """Sign in on the e-tax page and open the window by its floating icon."""
        page = await sign_in(context, url, account, "/demo/host", query=quote(f"?direct=1&{options}"))
        taxpayer = cls(page)
        await taxpayer.press("open-window")
        return taxpayer

    @classmethod
    async def visit(cls, context: BrowserContext, url: str, account: str = "taxpayer01") -> Taxpayer:
        """The e-tax page, where one is served through the queue; its floating icon is not pressed yet."""
        taxpayer = cls(await sign_in(context, url, account, "/demo/host", query=quote("?debug=1")))
        await taxpayer.sees("open-window")
        return taxpayer

    async def asks_for_a_person(self) -> None:
        await self.press("human")
        await self.sees("queue-card")

    async def ends(self) -> None:
        await self.press("end-session")
        await self.press("confirm-ok")
        await self.sees_no("end-session")

    async def goes_home(self) -> None:
        if await self.at("window").is_hidden():
            await self.press("open-window")
        for last in ("wait-cancel", "queue-cancel", "end-session"):
            if await self.at(last).count():
                await self.press(last)
        if await self.at("confirm-ok").count():
            await self.press("confirm-ok")
        await self.sees_no("end-session")

    async def turns_to(self, agent: str = "agent01") -> None:
        """Ask for a human and choose one from the list."""
        await self.press("human")
        await self.press(f"agent-{agent}")
        await self.sees("assist-request")

    async def shares(self, agent: Agent) -> None:
        """A remote assistance up to the shared screen."""
        await self.press("assist-request")
        await agent.press("assist-accept")
        await self.press("privacy-agree")
        await self.press("share-screen")


@dataclass
class Agent(Person):
    @classmethod
    async def arrive(
        cls, context: BrowserContext, url: str, account: str = "agent01", *, options: str = "debug=1"
    ) -> Agent:
        agent = cls(await sign_in(context, url, account, "/desk", query=quote(f"?{options}")))
        await expect(agent.page.locator("[data-testid=sign-out]")).to_be_visible()
        return agent

    async def goes_on_duty(self) -> None:
        await self.press("desk-sign-in")
        await self.sees("desk-status")

    async def is_now(self, status: str) -> None:
        """Choose a status: ``free``, ``busy``, ``away``, ``after_work``."""
        await self.at("desk-status").select_option(status)

    async def sees_status(self, status: str) -> None:
        await expect(self.at("desk-status")).to_have_value(status, timeout=MEDIA_TIMEOUT_MS)

    async def accepts(self, name: str | None = None) -> None:
        """The offer that rings, and wait until its conversation is shown."""
        await self.sees("offer-card", name)
        await self.press("offer-accept")
        await expect(self.at("close-interaction")).to_be_enabled(timeout=MEDIA_TIMEOUT_MS)
        if name is not None:
            await self.sees("taxpayer-card", name)

    async def ends(self) -> None:
        await self.press("close-interaction")
        await self.press("confirm-ok")
        await expect(self.at("close-interaction")).to_be_disabled()

    async def goes_home(self) -> None:
        if await self.at("desk-sign-out").count():
            # Whatever dialog of the last conversation is in the way.
            await self.at("desk-sign-out").dispatch_event("click")
            await self.sees("desk-sign-in")

    async def opens(self, taxpayer_text: str) -> None:
        """Show the running interaction whose row says this."""
        await self.page.locator('[data-testid^="interaction-"]').filter(has_text=taxpayer_text).first.click()

    async def opens_first(self) -> None:
        await self.page.locator('[data-testid^="interaction-"]').first.click()


SEES_MOVING = """(element, timeout) => new Promise((resolve, reject) => {
  const video = element.tagName === 'VIDEO' ? element : element.querySelector('video');
  const canvas = new OffscreenCanvas(64, 36);
  const context = canvas.getContext('2d', {willReadFrequently: true});
  const pictures = new Set();
  const timer = setTimeout(() => reject(new Error(`only ${pictures.size} different pictures in ${timeout} ms`)), timeout);
  const look = () => {
    if (video.videoWidth) {
      context.drawImage(video, 0, 0, 64, 36);
      pictures.add(context.getImageData(0, 0, 64, 36).data.join());
    }
    if (pictures.size >= 5) { clearTimeout(timer); resolve(); return; }
    video.requestVideoFrameCallback(look);
  };
  look();
})"""

_SEES_STILL = """(element) => new Promise((resolve) => {
  const video = element.tagName === 'VIDEO' ? element : element.querySelector('video');
  if (!video) { resolve(); return; }
  let timer;
  const restart = () => { clearTimeout(timer); timer = setTimeout(resolve, 1000); video.requestVideoFrameCallback(restart); };
  restart();
})"""

_LINES = """(list) => [...list.querySelectorAll('[data-testid=system-message], [data-testid=message]')].map((line) => {
  const words = line.querySelector('.bubble p, .bubble') ?? line;
  return [...words.childNodes].filter((node) => node.nodeName !== 'TIME').map((node) => node.textContent).join('').trim();
})"""

HEARS = """async () => {
  const rooms = await window.__rtc.stats();
  return rooms.some((room) => (room.subscribe ?? []).some(
    (report) => report.type === 'inbound-rtp' && report.kind === 'audio' && report.totalAudioEnergy > 1e-4));
}"""
