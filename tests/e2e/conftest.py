"""Browsers for stories: one Chromium with a fake camera, microphone and screen, a context for each person."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Playwright

from tests.e2e.office import Office, Story, open_office
from tests.e2e.people import Agent, Taxpayer
from tests.harness.browser import DESKTOP, FAKE_MEDIA, launch
from tests.harness.server import ServerProcess


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A story that fails on a busy machine is told once more, as browser test runners do; the summary names it (RERUN)."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest_asyncio.fixture
async def browser(playwright: Playwright) -> AsyncIterator[Browser]:
    instance = await launch(playwright, *FAKE_MEDIA)
    yield instance
    await instance.close()


Room = Callable[[], Awaitable[BrowserContext]]


@pytest_asyncio.fixture
async def seat(browser: Browser) -> AsyncIterator[Room]:
    """A fresh browser profile for one person each call."""

    async def open_seat() -> BrowserContext:
        return await browser.new_context(
            viewport=DESKTOP, locale="zh-CN", permissions=["camera", "microphone"]
        )

    yield open_seat


@dataclass
class Pair:
    """A taxpayer and the agent they turned to, in an open interaction."""

    taxpayer: Taxpayer
    agent: Agent


async def meet(url: str, seat: Room, taxpayer: str = "taxpayer01", agent: str = "agent01") -> Pair:
    officer = await Agent.arrive(await seat(), url, agent)
    person = await Taxpayer.arrive(await seat(), url, taxpayer)
    await person.turns_to(agent)
    await officer.opens_first()
    return Pair(person, officer)


@pytest_asyncio.fixture
async def pair(server: ServerProcess, seat: Room) -> Pair:
    return await meet(server.url, seat)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Office]:
    """One for the stories of a file, with the settings its ``OFFICE`` says."""
    settings: dict[str, str] = getattr(request.module, "OFFICE", {})
    async with open_office(tmp_path_factory.mktemp("office"), **settings) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def story(office: Office) -> AsyncIterator[Story]:
    """Who comes in one story. For files whose tests run in the loop of the module."""
    one = Story(office)
    yield one
    await one.end()
