"""``rtc-server loadtest service``: a whole server, taxpayers in queues, agents who answer; every message followed.

Offered at a fixed rate: each conversation pauses between messages so that all running ones together make ``rate`` messages
a second. Delivered means: seen by the other person's client, once, in order. After the run the database is read and must
hold exactly what was acknowledged.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import func, select

from rtc_server.identity.accounts import Account
from rtc_server.identity.tokens import TokenMinter
from rtc_server.loadtest.bare import bare_ms_per_message
from rtc_server.loadtest.house import AUTHORITIES, CAPACITY, ServerUnderLoad, prepare
from rtc_server.loadtest.people import Agent, Book, Taxpayer
from rtc_server.records.database import Database, database_url
from rtc_server.records.journal import Journal
from rtc_server.records.keeper import Records
from rtc_server.records.messages import message
from signaling.sessions.states import MessageKind, Role

_VISITS = 2_000
"""Conversations of a run, however many taxpayers: few come often, many come once."""
_CONNECTS_AT_ONCE = 40
_LIMIT_S = 420.0
_SHOW_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Plan:
    agents: int = 100
    rate: int = 1_100
    """Messages a second offered while all agents serve as many as they can; opening and closing take their part of it."""
    messages: int = 20
    """Of one conversation, both sides together."""
    database_url: str | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """Times in ms, memory in MB (10^6 · 1.048576 bytes). ``processor_ms_per_message`` is of the server process alone."""

    taxpayers: int
    agents: int
    database: str
    conversations: int
    delivered: int
    delivered_per_s: float
    delivery_p50_ms: float
    delivery_p99_ms: float
    join_p99_ms: float
    processor_ms_per_message: float
    bare_ms_per_message: float
    """Of a relay of the same frames without anything else, measured just before and just after (see ``bare``)."""
    ratio_to_bare: float
    server_processors: float
    client_processors: float
    load_before: float
    memory_idle_mb: float
    memory_connected_mb: float
    memory_end_mb: float
    lost: int
    doubled: int
    reordered: int
    stored_wrongly: int
    unstored_at_stop: int
    """Entries of the journal the database had not taken when the server had stopped."""
    failures: dict[str, int]


def run(plan: Plan, counts: tuple[int, ...], *, as_json: bool) -> int:
    """Each run with a fresh server; with a database URL one run alone, for the database must be empty. 0 when nothing was
    lost, doubled, reordered or refused."""
    import uvloop

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65_536)), hard))
    if plan.database_url is not None:
        counts = counts[-1:]
    results = [uvloop.run(_bounded(plan, count)) for count in counts]
    if as_json:
        print(json.dumps([asdict(one) for one in results], ensure_ascii=False))  # noqa: T201
    else:
        _table(results)
    good = all(
        not (one.lost or one.doubled or one.reordered or one.stored_wrongly or one.failures)
        for one in results
    )
    return 0 if good else 1


async def _bounded(plan: Plan, taxpayers: int) -> Figures:
    async with asyncio.timeout(_LIMIT_S):
        return await _measure(plan, taxpayers)


async def _measure(plan: Plan, taxpayers: int) -> Figures:
    with tempfile.TemporaryDirectory(prefix="rtc-load-") as folder:
        data = Path(folder)
        load_before = os.getloadavg()[0]
        bare_before = await bare_ms_per_message()
        await prepare(data, plan.database_url, plan.agents)
        secret = secrets.token_urlsafe(48)
        server = await ServerUnderLoad.start(data, plan.database_url, secret)
        try:
            book, figures = await _visit(plan, taxpayers, server, TokenMinter(secret))
        finally:
            await server.stop()
        bare_ms = (bare_before + await bare_ms_per_message()) / 2
        left = Journal(data / "journal")
        unstored = left.waiting
        left.close()
        # As the next start does: what the database had not taken yet at the stop is in the journal.
        records = await Records.open(database_url(plan.database_url, data), data / "journal")
        try:
            wrong = await _stored_wrongly(records.database, book)
        finally:
            await records.close()
    return Figures(
        taxpayers=taxpayers,
        agents=plan.agents,
        database="PostgreSQL" if plan.database_url is not None else "SQLite",
        conversations=book.conversations,
        delivered=len(book.delays),
        bare_ms_per_message=round(bare_ms, 3),
        ratio_to_bare=round(figures["processor_ms_per_message"] / bare_ms, 1),
        load_before=round(load_before, 1),
        lost=book.lost,
        doubled=book.doubled,
        reordered=book.reordered,
        stored_wrongly=wrong,
        unstored_at_stop=unstored,
        failures=book.failures,
        **figures,
    )


async def _visit(
    plan: Plan, taxpayers: int, server: ServerUnderLoad, minter: TokenMinter
) -> tuple[Book, dict[str, Any]]:
    book = Book()
    running = min(taxpayers, plan.agents * CAPACITY)
    pause_s = running / plan.rate
    agents = [Agent(f"load-agent-{number}", book, plan.messages, pause_s) for number in range(plan.agents)]
    visitors = [
        Taxpayer(f"load-taxpayer-{number}", book, plan.messages, pause_s) for number in range(taxpayers)
    ]
    idle_mb = server.memory_mb()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        gate = asyncio.Semaphore(_CONNECTS_AT_ONCE)

        async def connect(person: Agent | Taxpayer, role: Role, authority: str) -> None:
            number = person.person_id.rpartition("-")[2]
            account = Account(
                person.person_id, role, f"访客{number}", "/", "", authority, None,
                f"{1000 + int(number)}" if role is Role.AGENT else None,
            )  # fmt: skip
            async with gate:
                await person.wire.connect(http, server.url, minter.mint(account, 3600))

        def authority_of(number: int) -> str:
            return AUTHORITIES[number % len(AUTHORITIES)]

        _say(f"{taxpayers} taxpayers: connecting")
        await asyncio.gather(*(connect(one, Role.AGENT, authority_of(n)) for n, one in enumerate(agents)))
        await asyncio.gather(*(one.wire.ask("agent.sign_in", {"status": "away"}) for one in agents))
        await asyncio.gather(
            *(connect(one, Role.TAXPAYER, authority_of(n)) for n, one in enumerate(visitors))
        )

        async def join(one: Taxpayer, number: int) -> float:
            async with gate:
                return await one.join(authority_of(number))

        joins = list(await asyncio.gather(*(join(one, n) for n, one in enumerate(visitors))))
        connected_mb = server.memory_mb()
        server_before, client_before, began = server.processor_s(), time.process_time(), time.perf_counter()

        async def begin_work(one: Agent, number: int) -> None:
            # Over the length of a conversation: at every moment as many begin as end.
            await asyncio.sleep(plan.messages * pause_s * number / len(agents))
            await one.wire.ask("agent.set_status", {"status": "free"})

        opening = asyncio.gather(*(begin_work(one, n) for n, one in enumerate(agents)))

        async def come(one: Taxpayer, number: int) -> None:
            for visit in range(max(1, _VISITS // taxpayers)):
                if visit:
                    joins.append(await one.join(authority_of(number)))
                await one.talk(_LIMIT_S)

        watcher = asyncio.create_task(_watch(book))
        with _uncollected():
            await asyncio.gather(opening, *(come(one, n) for n, one in enumerate(visitors)))
        watcher.cancel()
        took = time.perf_counter() - began
        server_s, client_s = server.processor_s() - server_before, time.process_time() - client_before
        end_mb = server.memory_mb()
        await asyncio.gather(*(one.wire.close() for one in (*visitors, *agents)))
    delays = sorted(book.delays)
    return book, {
        "delivered_per_s": round(_steady_rate(book.arrivals), 1),
        "delivery_p50_ms": _ms(delays, 0.50),
        "delivery_p99_ms": _ms(delays, 0.99),
        "join_p99_ms": _ms(sorted(joins), 0.99),
        "processor_ms_per_message": round(server_s * 1000 / max(1, len(delays)), 3),
        "server_processors": round(server_s / took, 2),
        "client_processors": round(client_s / took, 2),
        "memory_idle_mb": round(idle_mb, 1),
        "memory_connected_mb": round(connected_mb, 1),
        "memory_end_mb": round(end_mb, 1),
    }


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector: a pass over thousands of people takes 0.4 s, which would be measured as delivery."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


async def _stored_wrongly(database: Database, book: Book) -> int:
    """Interactions in which the database has not exactly the acknowledged texts and numbers without a gap."""
    async with database.read() as connection:
        texts = select(message.c.interaction_id, func.count()).where(message.c.kind == MessageKind.TEXT.value)
        counted = {
            row[0]: row[1] for row in await connection.execute(texts.group_by(message.c.interaction_id))
        }
        numbers = select(message.c.interaction_id, func.count(), func.max(message.c.seq))
        gaps = {
            row[0]
            for row in await connection.execute(numbers.group_by(message.c.interaction_id))
            if row[1] != row[2]
        }
    wrong = {name for name, count in book.texts.items() if counted.get(name) != count}
    return len(wrong | gaps)


def _steady_rate(arrivals: list[float]) -> float:
    """Messages a second between the first and the last tenth: without the beginning and the end of the day."""
    tenth = len(arrivals) // 10
    if tenth == 0:
        return 0.0
    begin, end = arrivals[tenth], arrivals[-tenth]
    return (len(arrivals) - 2 * tenth) / (end - begin) if end > begin else 0.0


def _ms(values: list[float], part: float) -> float:
    return round(values[min(len(values) - 1, int(len(values) * part))] * 1000, 1) if values else 0.0


async def _watch(book: Book) -> None:
    while True:
        await asyncio.sleep(_SHOW_EVERY_S)
        _say(f"  {len(book.delays)} delivered, {book.conversations} conversations done")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - progress


def _table(results: list[Figures]) -> None:
    for name in asdict(results[0]):
        print(f"{name:28}" + "".join(f"{getattr(one, name)!s:>16}" for one in results))  # noqa: T201
