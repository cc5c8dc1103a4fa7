"""Migrations and models say the same, and both ways of storing keep their promise."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError

from rtc_server.records import interactions, messages
from rtc_server.records.database import Database, database_url
from rtc_server.records.interactions import INTERACTION
from rtc_server.records.messages import MESSAGE
from rtc_server.records.migrate import downgrade
from rtc_server.records.schema import JOURNALED, metadata
from rtc_server.records.store import store
from signaling.sessions.states import InteractionPhase
from tests.records.samples import a_message, an_interaction


async def test_migrations_and_models_agree(database: Database) -> None:
    await database.migrate()

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        return list(compare_metadata(context, metadata))

    async with database.read() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrating_twice_and_back(database: Database) -> None:
    await database.migrate()
    async with database.write() as connection:
        await connection.run_sync(downgrade)
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        assert tables == ["alembic_version"]
    await database.migrate()


async def test_several_nodes_migrate_at_once(url: URL) -> None:
    program = (
        "import asyncio, sys\n"
        "from sqlalchemy.engine import make_url\n"
        "from rtc_server.records.database import Database\n"
        "asyncio.run(Database(make_url(sys.argv[1])).migrate())\n"
    )
    address = url.render_as_string(hide_password=False)
    nodes = [await asyncio.create_subprocess_exec(sys.executable, "-c", program, address) for _ in range(2)]
    assert [await node.wait() for node in nodes] == [0, 0]
    database = Database(url)
    async with database.read() as connection:
        assert await interactions.get(connection, "none") is None
    await database.close()


async def test_sqlite_runs_in_wal_mode_with_foreign_keys(database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("of SQLite only")
    async with database.read() as connection:
        values = {
            name: (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert values == {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "busy_timeout": 5_000}


async def test_a_new_file_somebody_reads_is_waited_for(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "records.db", isolation_level=None)
    other.execute("CREATE TABLE t (x)")
    other.execute("BEGIN")
    other.execute("SELECT * FROM t").fetchall()
    database = Database(database_url(None, tmp_path))
    asyncio.get_running_loop().call_later(0.2, other.execute, "COMMIT")
    await database.ping()
    assert not other.in_transaction
    other.close()
    await database.close()


async def test_foreign_keys_hold(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.write() as connection:
            await store(connection, MESSAGE, [a_message(1, 1)])


async def test_readers_and_writers_do_not_fail_each_other(database: Database) -> None:
    async def write(number: int) -> None:
        async with database.write() as connection:
            await interactions.get(connection, "i0001")
            await store(connection, INTERACTION, [an_interaction(number)])

    await asyncio.gather(*(write(number) for number in range(1, 21)))
    async with database.read() as connection:
        page = await interactions.search(connection, interactions.InteractionFilter(), limit=100)
    assert len(page.items) == 20


async def test_storing_again_changes_nothing(database: Database) -> None:
    async with database.write() as connection:
        for _ in range(2):
            await store(connection, INTERACTION, [an_interaction()])
            await store(connection, MESSAGE, [a_message(1, 1), a_message(1, 2)])
        await store(
            connection, MESSAGE, [a_message(1, 3, client_message_id="c1"), a_message(1, 2, text="other")]
        )
    async with database.read() as connection:
        assert await messages.before(connection, "i0001") == (a_message(1, 1), a_message(1, 2))


async def test_only_a_newer_revision_replaces(database: Database) -> None:
    closed = an_interaction(revision=3, phase=InteractionPhase.CLOSED, closed_at=9_000)
    async with database.write() as connection:
        await store(connection, INTERACTION, [an_interaction(revision=1)])
        await store(connection, INTERACTION, [an_interaction(revision=2, agent_id="agent02"), closed])
        await store(
            connection, INTERACTION, [an_interaction(revision=2), an_interaction(revision=3, taxpayer="x")]
        )
    async with database.read() as connection:
        assert await interactions.get(connection, "i0001") == closed


def test_parents_come_before_what_refers_to_them() -> None:
    seen: set[str] = set()
    for kind in JOURNALED.values():
        assert {key.column.table.name for key in kind.table.foreign_keys} <= seen | {kind.name}
        seen.add(kind.name)
        assert kind.revisioned == ("revision" in kind.table.c)
        assert {column.name for column in kind.table.c} == set(kind.record.__dataclass_fields__)


def test_only_sqlite_and_postgresql(tmp_path: object) -> None:
    from pathlib import Path

    assert database_url("postgresql://u:p@h/d", Path()).drivername == "postgresql+asyncpg"
    assert database_url("sqlite:///x.db", Path()).drivername == "sqlite+aiosqlite"
    assert database_url(None, Path("data")).database == "data/records.db"
    with pytest.raises(ValueError, match="must be SQLite or PostgreSQL"):
        database_url("mysql://h/d", Path())
