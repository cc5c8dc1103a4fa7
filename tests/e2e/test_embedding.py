"""The window on a site that is not ours: another origin, a strict policy of its own, styles that break everything (W1)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.e2e.conftest import Room
from tests.e2e.people import Agent, Taxpayer
from tests.harness.browser import screenshot
from tests.harness.server import ServerProcess, start_server

HOSTILE_STYLES = (
    "body * { color: red; display: none; visibility: hidden } button { position: absolute; left: -9999px }"
)


class HostSite:
    """An e-tax site as operations.md tells its administrators to set it up."""

    def __init__(self) -> None:
        self.desk = ""
        self.token = ""
        app = web.Application()
        app.router.add_get("/", self._page)
        app.router.add_get("/site.css", self._styles)
        self.server = TestServer(app, host="127.0.0.1")

    @property
    def origin(self) -> str:
        return str(self.server.make_url("/")).rstrip("/")

    async def _styles(self, _request: web.Request) -> web.Response:
        return web.Response(text=HOSTILE_STYLES, content_type="text/css")

    async def _page(self, _request: web.Request) -> web.Response:
        sockets = self.desk.replace("http", "ws", 1)
        return web.Response(
            text=(
                '<!doctype html><html><head><link rel="stylesheet" href="/site.css"></head><body>'
                f'<script src="{self.desk}/embed.js" data-token="{self.token}" data-page="首页" data-direct="1" async></script>'
                "</body></html>"
            ),
            content_type="text/html",
            headers={
                "Content-Security-Policy": (
                    f"default-src 'none'; style-src 'self'; script-src {self.desk}; connect-src {self.desk} {sockets}"
                ),
                "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self)",
                "Cache-Control": "no-store",
            },
        )


@pytest_asyncio.fixture
async def site(tmp_path: Path) -> AsyncIterator[HostSite]:
    site = HostSite()
    await site.server.start_server()
    yield site
    await site.server.close()


@pytest_asyncio.fixture
async def desk(site: HostSite, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    process = await start_server(tmp_path / "data", RTC_TURN_START="false", RTC_CORS_ORIGINS=site.origin)
    site.desk = process.url
    site.token = token_of_the_host_platform(tmp_path / "data")
    yield process
    await process.stop()


def token_of_the_host_platform(data: Path) -> str:
    command = [
        str(Path(sys.executable).with_name("rtc-server")),
        "token",
        "taxpayer01",
        "--demo",
        "--data",
        str(data),
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ).stdout.strip()


async def test_a_screen_is_shared_from_another_site(site: HostSite, desk: ServerProcess, seat: Room) -> None:
    agent = await Agent.arrive(await seat(), desk.url)
    page = await (await seat()).new_page()
    violations: list[str] = []
    page.on(
        "console",
        lambda message: violations.append(message.text) if "Content Security" in message.text else None,
    )
    await page.goto(site.origin)
    taxpayer = Taxpayer(page)
    await taxpayer.press("open-window")
    await taxpayer.turns_to()
    await agent.opens_first()
    await taxpayer.shares(agent)
    await agent.sees_moving("screen-video")
    await screenshot(page, "embedding-another-site")
    assert violations == []
