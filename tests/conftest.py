"""Fixtures every kind of test may use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Playwright, async_playwright

from tests.harness.server import ServerProcess, start_server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test declares its kind by its folder."""
    for item in items:
        folder = Path(item.path).relative_to(Path(__file__).parent).parts[0]
        if folder in {"unit", "contract", "protocol", "interop", "network", "e2e"}:
            item.add_marker(folder)


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A fresh real server in demo mode."""
    process = await start_server(tmp_path / "data", RTC_TURN_START="false")
    yield process
    await process.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    """One real server for all tests that close what they open; theirs is the loop of the session."""
    process = await start_server(tmp_path_factory.mktemp("shared"), RTC_TURN_START="false")
    yield process
    await process.stop()


@pytest_asyncio.fixture
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as instance:
        yield instance
