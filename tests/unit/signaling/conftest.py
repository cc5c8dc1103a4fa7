from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.unit.signaling.service import Service, running_service


@pytest_asyncio.fixture
async def service() -> AsyncIterator[Service]:
    async with running_service() as running:
        yield running
