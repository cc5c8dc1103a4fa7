"""People on both sides of the counter who go on talking whatever happens, and what their pages saw of it meanwhile."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from urllib.parse import quote

from playwright.async_api import BrowserContext, expect

from tests.e2e.people import MEDIA_TIMEOUT_MS, Agent, Person, Taxpayer
from tests.harness.browser import sign_in

TYPING_S = 0.35
"""A person types; also keeps both below the rate of messages a connection may send for long."""


async def visit(context: BrowserContext, url: str, account: str = "taxpayer01") -> Taxpayer:
    """The e-tax page with the window open; people are served through the queue there."""
    taxpayer = Taxpayer(await sign_in(context, url, account, "/demo/host", query=quote("?debug=1")))
    await taxpayer.press("open-window")
    return taxpayer


async def on_duty(
    context: BrowserContext, url: str, account: str = "agent01", status: str | None = None
) -> Agent:
    agent = await Agent.arrive(context, url, account)
    await agent.press("desk-sign-in")
    await agent.sees("desk-status")
    if status is not None:
        await choose_status(agent, status)
    return agent


async def choose_status(agent: Agent, status: str) -> None:
    await agent.at("desk-status").select_option(status)
    await has_status(agent, status)


async def has_status(agent: Agent, status: str) -> None:
    """Signed in, with this status as the server says it."""
    await expect(agent.at("desk-status")).to_have_value(status, timeout=MEDIA_TIMEOUT_MS)
    await expect(agent.at("desk-status")).to_be_enabled()


async def accepts(agent: Agent) -> None:
    await agent.press("offer-accept")
    await agent.sees_no("offer-card")
    await expect(agent.at("close-interaction")).to_be_enabled(timeout=MEDIA_TIMEOUT_MS)


async def is_online(person: Person) -> None:
    """No word about the connection is left on the page."""
    await person.sees_no("connection-state")


async def lines(person: Person) -> list[str]:
    """What people wrote in the conversation on this page, in its order; what is not confirmed yet is among it."""
    return list(await person.at("message-list").evaluate(_LINES))


@dataclass
class Speaker:
    """Goes on writing numbered lines until told to stop."""

    person: Person
    name: str
    said: list[str] = field(default_factory=list)
    stopping: bool = False

    async def talk(self) -> None:
        while not self.stopping:
            text = f"{self.name}{len(self.said) + 1:03d}"
            await self.person.says(text)
            self.said.append(text)
            # On the page at once, confirmed or not.
            line = self.person.at("message-list").get_by_text(text, exact=True)
            await expect(line).to_be_visible(timeout=MEDIA_TIMEOUT_MS)
            await asyncio.sleep(TYPING_S)

    async def has_said(self, count: int) -> None:
        """``count`` lines or more."""
        line = self.person.at("message-list").get_by_text(f"{self.name}{count:03d}", exact=True)
        await expect(line).to_be_attached(timeout=60_000)


async def watch_frames(person: Person) -> None:
    """From now on the page notes when each received video track decoded a new frame."""
    await person.page.evaluate(_WATCH)


async def first_frames(person: Person, since: float, tracks: int, *, timeout_ms: float = 60_000) -> float:
    """When the last of ``tracks`` received video tracks had decoded its first frame after ``since``; epoch seconds."""
    await person.page.wait_for_function(
        _FRAMES, arg={"since": since * 1000, "tracks": tracks}, timeout=timeout_ms, polling=50
    )
    times = await person.page.evaluate(
        "(since) => Object.values(window.__firstAfter(since))", arg=since * 1000
    )
    return float(sorted(times)[tracks - 1]) / 1000


def now() -> float:
    """The clock pages have too, in seconds since the epoch."""
    return time.time()


_LINES = """(list) => [...list.querySelectorAll('article')]
  .map((line) => line.querySelector('.bubble'))
  .filter((bubble) => bubble !== null && !bubble.classList.contains('card'))
  .map((bubble) => bubble.textContent.trim())"""

_WATCH = """() => {
  const counts = new Map();
  const seen = [];
  window.__firstAfter = (since) => {
    const first = {};
    for (const [at, key] of seen) if (at > since) first[key] ??= at;
    return first;
  };
  setInterval(async () => {
    for (const room of await window.__rtc.stats()) {
      for (const report of room.subscribe ?? []) {
        if (report.type !== 'inbound-rtp' || report.kind !== 'video') continue;
        const key = `${report.id} ${report.ssrc} ${report.trackIdentifier}`;
        if ((report.framesDecoded ?? 0) <= (counts.get(key) ?? 0)) continue;
        counts.set(key, report.framesDecoded);
        seen.push([Date.now(), key]);
      }
    }
  }, 40);
}"""

_FRAMES = """({since, tracks}) => Object.keys(window.__firstAfter(since)).length >= tracks"""
