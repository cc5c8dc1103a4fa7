"""How fast every list of rows answers over HTTP, with 100,000 rows of one authority in each table it reads.

A server of its own on a temporary database, or on an empty PostgreSQL. Plans are the database's, of the very statements the
slowest way of asking each list has sent.
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web
from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncConnection

from chatbot.exchange import dump_question
from rtc_server import logs
from rtc_server.app import http_app
from rtc_server.bench.list_queries import MEASURED, Measured
from rtc_server.bench.list_rows import ROWS, fill
from rtc_server.collector import calm_collector
from rtc_server.config import Settings
from rtc_server.health import Health
from rtc_server.identity.accounts import ACCOUNTS
from rtc_server.identity.profiles import Profiles
from rtc_server.identity.tokens import TokenAuthenticator, TokenMinter, trusted_issuers
from rtc_server.metrics import Metrics
from rtc_server.service_desk import begin_desk, close_desk, open_desk

ASKED_EACH = 60
LIMIT_MS = 50.0
_SECRET = "of a measurement alone, never served"  # noqa: S105
_LINK_KEY = b"k" * 32
_INDEX_S = 600

Plans = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Row:
    """Milliseconds over HTTP, of one way of asking. ``total``: rows of the list, where it tells; else those of the page."""

    path: str
    account: str
    query: str
    total: int
    p50_ms: float
    p95_ms: float


def run(*, as_json: bool, database_url: str | None, rows: int = ROWS) -> int:
    """1 when a list was slower than the limit."""
    found, plans = asyncio.run(measure(database_url, rows))
    slow = [row for row in found if row.p95_ms >= LIMIT_MS]
    worst = max(row.p95_ms for row in found)
    if as_json:
        report = {
            "rows": rows,
            "p95_ms": worst,
            "limit_ms": LIMIT_MS,
            "lists": [asdict(row) for row in found],
        }
        print(json.dumps(report | {"plans": plans}, ensure_ascii=False))  # noqa: T201 - the result
    else:
        for row in found:
            print(  # noqa: T201 - the result
                f"{row.p50_ms:7.1f} {row.p95_ms:7.1f} ms  {row.total:7}  {row.account:10}  {row.path}?{row.query}"
            )
        for name, plan in plans.items():
            print(f"\n{name}\n  " + "\n  ".join(plan))  # noqa: T201 - the result
        print(f"\nslowest p95 {worst:.1f} ms, limit {LIMIT_MS:.0f} ms")  # noqa: T201 - the result
    return 1 if slow else 0


async def measure(
    database_url: str | None, rows: int, asked_each: int = ASKED_EACH
) -> tuple[list[Row], Plans]:
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        settings = Settings(
            demo=True,
            data=Path(folder),
            database_url=database_url,
            client_dist=Path(folder),
            limits={"api": "1000000/minute"},
        )
        logs.configure(settings.log_format, "warning")
        profiles = Profiles()
        desk = await open_desk(settings, _LINK_KEY, profiles)
        stack.push_async_callback(close_desk, desk)
        begin_desk(desk)
        await asyncio.to_thread(desk.knowledge.indexer.settled, _INDEX_S)
        tokens = TokenAuthenticator(trusted_issuers(settings, _SECRET), profiles=profiles)
        stack.push_async_callback(tokens.close)
        health = Health("", dict, lambda: {"ok": None}, desk.recording.records.report)
        runner = web.AppRunner(
            http_app(settings, tokens, health, Metrics(), None, desk=desk), access_log=None
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        database = desk.recording.records.database
        async with database.write() as connection:
            await fill(connection, rows, [dump_question(one) for one in desk.knowledge.base.questions])
        if not database.is_sqlite:
            # What autovacuum does in the minute after so many rows.
            await _vacuum(database)
        stack.callback(gc.set_threshold, *gc.get_threshold())
        stack.callback(gc.unfreeze)
        calm_collector()  # as the server does
        session = await stack.enter_async_context(ClientSession(f"http://127.0.0.1:{port}"))
        minter = TokenMinter(_SECRET)
        found: list[Row] = []
        plans: Plans = {}
        for one in MEASURED:
            headers = {"Authorization": f"Bearer {minter.mint(ACCOUNTS[one.account], 3_600)}"}
            await _ask(session, headers, one, one.queries[0], 1)  # what is loaded once is not the list's
            rows_of_it = [await _ask(session, headers, one, query, asked_each) for query in one.queries]
            slowest = max(rows_of_it, key=lambda row: row.p95_ms)
            async with database.read() as connection:
                with _listening(connection) as said:
                    await _ask(session, headers, one, slowest.query, 1)
                plans[f"{one.account} {one.address}?{slowest.query}"] = await _plan(connection, said)
            found += rows_of_it
    return found, plans


async def _vacuum(database: Any) -> None:
    async with database.read() as connection:
        raw = await connection.get_raw_connection()
        await raw.driver_connection.execute("VACUUM ANALYZE")


async def _ask(session: ClientSession, headers: dict[str, str], one: Measured, query: str, times: int) -> Row:
    took: list[float] = []
    body: dict[str, Any] = {}
    for _ in range(times):
        began = time.perf_counter()
        async with session.get(f"{one.address}?{query}", headers=headers) as response:
            body = await response.json()
            if response.status != 200:
                raise RuntimeError(f"{one.address}?{query}: {body}")
        took.append((time.perf_counter() - began) * 1_000)
    p95 = statistics.quantiles(took, n=20)[-1] if times > 1 else took[0]
    total = body.get("total", len(next(part for part in body.values() if isinstance(part, list))))
    return Row(one.path, one.account, query, int(total), round(statistics.median(took), 2), round(p95, 2))


Said = list[tuple[str, Any]]


@contextmanager
def _listening(connection: AsyncConnection) -> Iterator[Said]:
    """The statements the database is asked meanwhile, on any connection, with their parameters."""
    said: Said = []
    engine: Engine = connection.sync_connection.engine  # type: ignore[union-attr]

    def hear(_c: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            said.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", hear)


async def _plan(connection: AsyncConnection, said: Said) -> list[str]:
    explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    lines: list[str] = []
    for statement, parameters in said:
        rows = (await connection.exec_driver_sql(explain + statement, parameters)).all()
        lines += [
            "; ".join(statement.split("FROM", 1)[-1].split("WHERE")[0].split()),
            *(f"  {row[-1]}" for row in rows),
        ]
    return lines
