"""The database: SQLite in WAL mode by default, PostgreSQL by its address; the same tables and queries on both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from sqlite3 import OperationalError
from typing import Any

from sqlalchemy import Connection, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from rtc_server.records.migrate import upgrade

BUSY_TIMEOUT_MS = 5_000
_WAL_RETRY_S = 0.02
_CONNECT_TIMEOUT_S = 5
_COMMAND_TIMEOUT_S = 30
_WRITES = "rtc_server_writes"


def database_url(address: str | None, data_dir: Path) -> URL:
    """``postgresql://…`` or ``sqlite:///…`` with the driver added; a file in ``data_dir`` when none is given.

    Raises ValueError for another kind of database.
    """
    if address is None:
        return URL.create("sqlite+aiosqlite", database=str(data_dir / "records.db"))
    url = make_url(address)
    match url.get_backend_name():
        case "postgresql" | "postgres":
            return url.set(drivername="postgresql+asyncpg")
        case "sqlite":
            return url.set(drivername="sqlite+aiosqlite")
        case other:
            raise ValueError(f"the database must be SQLite or PostgreSQL, not {other}")


class Database:
    """Connections. ``write()`` is one transaction, committed at the end; ``read()`` sees one state of everything."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.is_sqlite = url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            if url.database:
                Path(url.database).parent.mkdir(parents=True, exist_ok=True)
            self._engine = create_async_engine(url, pool_size=4, max_overflow=0)
            event.listen(self._engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self._engine.sync_engine, "begin", _begin_sqlite)
        else:
            self._engine = create_async_engine(
                url,
                pool_size=8,
                max_overflow=0,
                pool_pre_ping=True,
                connect_args={"timeout": _CONNECT_TIMEOUT_S, "command_timeout": _COMMAND_TIMEOUT_S},
            )
        self._writing: AsyncEngine = self._engine.execution_options(**{_WRITES: True})

    async def migrate(self) -> None:
        """Bring the tables to this version of the program. Several nodes may do it at once."""
        async with self._writing.begin() as connection:
            await connection.run_sync(upgrade)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        async with self._engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        async with self._writing.begin() as connection:
            yield connection

    async def ping(self) -> None:
        """Raises what the driver raises when the database does not answer."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self._engine.dispose()


def _prepare_sqlite(connection: Any, _: object) -> None:
    # The driver would open its transactions late and by itself; ``_begin_sqlite`` says when and how.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    _use_wal(connection, cursor)
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _use_wal(connection: Any, cursor: Any) -> None:
    """Going over to WAL needs the file alone, and SQLite does not wait for that whatever the busy timeout says: two nodes
    that begin with a new file at once would fail each other (https://sqlite.org/c3ref/busy_handler.html)."""
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except OperationalError:
            if time.monotonic() > deadline:
                raise
            connection.run_async(lambda _: asyncio.sleep(_WAL_RETRY_S))


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later could not wait for another writer (SQLITE_BUSY_SNAPSHOT).
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
