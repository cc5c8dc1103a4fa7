"""A bureau open for business: one server and one Chromium for the stories of a file, and a seat for each person.

Who came in a story goes home at its end: conversations are ended, agents signed out, settings put back.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import APIRequestContext, Browser, BrowserContext, ViewportSize, async_playwright

from tests.e2e.people import Agent, Person, Taxpayer
from tests.harness.browser import DESKTOP, FAKE_MEDIA, launch
from tests.harness.proxy import CuttableProxy
from tests.harness.server import ServerProcess, start_server

PERMISSIONS = ["camera", "microphone", "notifications"]


class Administrator:
    """Changes settings the way the administration page does."""

    def __init__(self, requests: APIRequestContext, url: str, token: str) -> None:
        self._requests = requests
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}

    @classmethod
    async def sign_in(cls, requests: APIRequestContext, url: str) -> Administrator:
        await requests.get(f"{url}/demo/as/admin?to=/demo")
        session = await (await requests.get(f"{url}/api/session")).json()
        return cls(requests, url, session["token"])

    async def organisation(self) -> Any:
        return await self._get("/api/organisation")

    async def audit(self, **query: str) -> list[dict[str, Any]]:
        """The newest entries that match."""
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        return list((await self._get(f"/api/audit?{asked}"))["items"])

    async def change_centre(self, centre_id: str, **changes: Any) -> dict[str, Any]:
        """Fields of the centre or of its settings. Returns what it was before."""
        centres = (await self.organisation())["centres"]
        before: dict[str, Any] = next(one for one in centres if one["centre_id"] == centre_id)
        before = {name: value for name, value in before.items() if name not in {"centre_id", "open_now"}}
        of_settings = {name: value for name, value in changes.items() if name in before["settings"]}
        rest = {name: value for name, value in changes.items() if name not in of_settings}
        await self.put_centre(
            centre_id, {**before, **rest, "settings": {**before["settings"], **of_settings}}
        )
        return before

    async def put_centre(self, centre_id: str, body: dict[str, Any]) -> None:
        answer = await self._requests.put(
            f"{self._url}/api/organisation/centres/{centre_id}", data=body, headers=self._headers
        )
        assert answer.ok, await answer.text()

    async def _get(self, path: str) -> Any:
        answer = await self._requests.get(f"{self._url}{path}", headers=self._headers)
        assert answer.ok, await answer.text()
        return await answer.json()


@dataclass
class Office:
    """What the stories of one file share."""

    server: ServerProcess
    browser: Browser
    administrator: Administrator
    data: Path
    """The server's data folder."""

    @property
    def url(self) -> str:
        return self.server.url


@contextlib.asynccontextmanager
async def open_office(data: Path, **settings: str) -> AsyncIterator[Office]:
    """``settings`` are environment variables (``RTC_…``)."""
    server = await start_server(data, port=0, **{"RTC_TURN_START": "false", **settings})
    try:
        async with async_playwright() as playwright:
            browser = await launch(playwright, *FAKE_MEDIA)
            requests = await playwright.request.new_context()
            yield Office(server, browser, await Administrator.sign_in(requests, server.url), data)
            await requests.dispose()
            await browser.close()
    finally:
        await server.stop()


@dataclass
class Story:
    """The people of one story, and what they need."""

    office: Office
    _people: list[Person] = field(default_factory=list)
    _contexts: list[BrowserContext] = field(default_factory=list)
    _before: dict[str, dict[str, Any]] = field(default_factory=dict)
    _lines: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    @property
    def url(self) -> str:
        return self.office.url

    @property
    def administrator(self) -> Administrator:
        return self.office.administrator

    async def configure(self, centre_id: str = "gd", **changes: Any) -> None:
        """Settings of a centre, for this story alone."""
        before = await self.administrator.change_centre(centre_id, **changes)
        self._before.setdefault(centre_id, before)

    async def line(self, *, upstream_bytes_per_s: float | None = None) -> CuttableProxy:
        """A line to the server of one's own, that can be cut."""
        proxy = CuttableProxy(self.office.server.port, upstream_bytes_per_s=upstream_bytes_per_s)
        return await self._lines.enter_async_context(proxy)

    async def seat(self, viewport: ViewportSize | None = None) -> BrowserContext:
        context = await self.office.browser.new_context(
            viewport=viewport or DESKTOP, locale="zh-CN", permissions=PERMISSIONS
        )
        self._contexts.append(context)
        return context

    async def taxpayer(
        self,
        account: str = "taxpayer01",
        *,
        url: str | None = None,
        viewport: ViewportSize | None = None,
        opened: bool = True,
    ) -> Taxpayer:
        """On the e-tax page, with the window open."""
        person = await Taxpayer.visit(await self.seat(viewport), url or self.url, account)
        self._people.append(person)
        if opened:
            await person.press("open-window")
        return person

    async def agent(self, account: str = "agent01", *, status: str | None = "free") -> Agent:
        """At the desk, and on duty unless ``status`` is None."""
        person = await Agent.arrive(await self.seat(), self.url, account)
        self._people.append(person)
        if status is not None:
            await person.goes_on_duty()
            if status != "free":
                await person.is_now(status)
        return person

    async def meet(self, taxpayer: str = "taxpayer01", agent: str = "agent01") -> tuple[Taxpayer, Agent]:
        """A taxpayer served by an agent, by way of the queue."""
        officer = await self.agent(agent)
        person = await self.taxpayer(taxpayer)
        await person.press("human")
        await officer.accepts()
        await person.sees("greeting-card")
        return person, officer

    async def end(self) -> None:
        try:
            for person in sorted(self._people, key=lambda one: isinstance(one, Agent)):
                await person.goes_home()
        finally:
            for context in self._contexts:
                await context.close()
            await self._lines.aclose()
            for centre_id, before in self._before.items():
                await self.administrator.put_centre(centre_id, before)
