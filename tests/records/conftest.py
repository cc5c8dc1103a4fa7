"""Every test of records runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy.engine import URL

from rtc_server.records.database import Database, database_url
from tests.records.postgres import PostgresServer

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.remove()


async def _create(server: PostgresServer, template: str = "template1") -> str:
    name = f"records_{next(_numbers)}"
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    finally:
        await connection.close()
    return name


async def create_with_tables(server: PostgresServer) -> str:
    """A copy of one that was migrated: that takes a tenth of the time."""
    if server.template is None:
        server.template = await _create(server)
        database = Database(database_url(server.url(server.template), Path()))
        await database.migrate()
        await database.close()
    return await _create(server, server.template)


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """Of an empty database."""
    if request.param == "sqlite":
        return database_url(None, tmp_path)
    server: PostgresServer = request.getfixturevalue("postgres")
    return database_url(server.url(await _create(server)), tmp_path)


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def ready_url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """Of a database that has all tables."""
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        return database_url(server.url(await create_with_tables(server)), tmp_path)
    database = Database(database_url(None, tmp_path))
    await database.migrate()
    await database.close()
    return database.url


@pytest_asyncio.fixture
async def database(ready_url: URL) -> AsyncIterator[Database]:
    """With all tables."""
    database = Database(ready_url)
    yield database
    await database.close()
