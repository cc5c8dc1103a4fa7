"""How fast the lists of the personal centre and of its staff side answer, over HTTP, with 100,000 rows of one authority.

A server of its own on a temporary database, or on an empty PostgreSQL. Every list is asked as people ask: its first pages, one
in the middle, the last, each filter alone, all that is usual together, words, the other order. Plans are those of the database.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web
from sqlalchemy import Table, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server import logs
from rtc_server.app import http_app
from rtc_server.casework.states import (
    AppointmentMethod,
    AppointmentState,
    InquiryKind,
    InquiryState,
    NoticeKind,
    WorkOrderState,
)
from rtc_server.config import Settings
from rtc_server.health import Health
from rtc_server.identity.accounts import ACCOUNTS
from rtc_server.identity.profiles import Profiles
from rtc_server.identity.tokens import TokenAuthenticator, TokenMinter, trusted_issuers
from rtc_server.metrics import Metrics
from rtc_server.records.appointments import APPOINTMENTS, appointment
from rtc_server.records.inquiries import INQUIRIES, inquiry
from rtc_server.records.lists import Asked, ListSpec, keys_query
from rtc_server.records.mediations import MEDIATIONS, mediation_application
from rtc_server.records.notices import DELIVERIES, NOTICES, delivery, notice
from rtc_server.records.work_orders import WORK_ORDERS, work_order
from rtc_server.service_desk import begin_desk, close_desk, open_desk
from signaling.sessions.meeting_states import MediationPhase

ROWS = 100_000
ASKED_EACH = 30
LIMIT_MS = 50.0
_SECRET = "of a measurement alone, never served"  # noqa: S105
_LINK_KEY = b"k" * 32
_BATCH = 2_000
_START_MS = 1_790_000_000_000
_APART_MS = 60_000


@dataclass(frozen=True, slots=True)
class Row:
    """Milliseconds over HTTP, of one way of asking."""

    path: str
    query: str
    total: int
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class _List:
    path: str
    account: str
    table: Table
    make: Callable[[int], dict[str, Any]]
    spec: ListSpec[Any]
    scope: tuple[str, Any]
    queries: tuple[str, ...]


def _case(number: int, letters: str) -> dict[str, Any]:
    return {
        "revision": 1,
        "number": f"{letters}440000{20260000 + number % 300:08}{number:05}",
        "taxpayer_id": f"t{number % 20_000}",
        "taxpayer_name": "张*",
        "centre_id": "gd",
        "authority": "440000",
        "created_at": _START_MS + number * _APART_MS,
    }


def _of(values: type[StrEnum], number: int) -> str:
    every = list(values)
    return every[number % len(every)].value


def _appointment(number: int) -> dict[str, Any]:
    starts_at = _START_MS + (number * 7_919 % ROWS) * _APART_MS
    return _case(number, "YYFW") | {
        "appointment_id": f"{number:08x}",
        "origin": "taxpayer",
        "service": "general",
        "method": _of(AppointmentMethod, number),
        "subject": f"第{number}件：变更登记信息",
        "starts_at": starts_at,
        "ends_at": starts_at + 1_800_000,
        "state": _of(AppointmentState, number),
        "progress": "not_started",
        "created_by": "t",
        "attachments": [],
    }


def _inquiry(number: int) -> dict[str, Any]:
    return _case(number, "LYZX") | {
        "inquiry_id": f"{number:08x}",
        "kind": _of(InquiryKind, number),
        "content": f"第{number}条留言：关于增值税发票勾选确认后如何撤销的问题，请予答复。",
        "state": _of(InquiryState, number // 7),
        "attachments": [],
        "agent_id": "agent01" if number % 3 else None,
        "answer_attachments": [],
    }


def _work_order(number: int) -> dict[str, Any]:
    return _case(number, "GDBL") | {
        "work_order_id": f"{number:08x}",
        "interaction_id": None,
        "subject": f"第{number}件工单：发票状态异常",
        "detail": "详情",
        "state": _of(WorkOrderState, number),
        "progress": "已受理",
        "agent_id": "agent01",
        "updated_at": _START_MS,
        "created_by": "agent01",
        "urged": 0,
    }


def _mediation(number: int) -> dict[str, Any]:
    made = _case(number, "TJSQ")
    made["applied_at"] = made.pop("created_at")
    phases = [phase for phase in MediationPhase if phase is not MediationPhase.DISCARDED]
    return made | {
        "application_id": f"{number:08x}",
        "subject": f"第{number}件争议",
        "detail": "详情",
        "phase": phases[number % len(phases)].value,
        "dispatched_at": _START_MS + number * _APART_MS,
    }


def _notice(number: int) -> dict[str, Any]:
    return {
        "notice_id": f"{number:08x}",
        "revision": 1,
        "kind": _of(NoticeKind, number),
        "title": f"第{number}条：申报期限提醒",
        "body": "内容",
        "source": "中心",
        "todo": False,
        "state": "sent",
        "created_at": _START_MS + number * _APART_MS,
        "created_by": "lead01",
        "publish_at": _START_MS,
        "centre_id": "gd",
        "links": [],
        "attachments": [],
        "people": [],
        "survey": [],
        "recipients": 1,
    }


def _delivery(number: int) -> dict[str, Any]:
    return {
        "delivery_id": f"{number:08x}",
        "notice_id": f"{number:08x}",
        # Of those of an authority, one person has as many as this.
        "person_id": "taxpayer01" if number % 50 == 0 else f"t{number % 20_000}",
        "kind": _of(NoticeKind, number),
        "title": f"第{number}条：申报期限提醒",
        "source": "广东省税务局服务运营中心",
        "todo": number % 10 == 0,
        "received_at": _START_MS + number * _APART_MS,
        "read_at": 1 if number % 3 else None,
        "withdrawn": False,
    }


def _usual(time_name: str, *more: str) -> tuple[str, ...]:
    middle = _START_MS + ROWS // 2 * _APART_MS
    day = f"{time_name}_from={middle}&{time_name}_before={middle + 86_400_000}"
    return ("", "page=2", f"page={ROWS // 20}", f"page={ROWS // 10}", "order=asc", day, *more)


_STAFF, _TAXPAYER = "lead01", "taxpayer01"
_CENTRE = ("centre_id", "gd")
_LISTS = (
    _List("/api/casework/appointments", _STAFF, appointment, _appointment, APPOINTMENTS, _CENTRE,
          _usual("starts", "state=booked", "method=window&state=missed", "number=YYFW44000020260123",
                 "subject=%E7%AC%AC99999%E4%BB%B6", "state=booked&page=500")),
    _List("/api/casework/inquiries", _STAFF, inquiry, _inquiry, INQUIRIES, _CENTRE,
          _usual("created", "state=submitted", "kind=complaint", "agent_id=agent01", "number=LYZX44000020260123",
                 "content=%E7%AC%AC99999%E6%9D%A1", "state=answered&kind=other")),
    _List("/api/casework/work-orders", _STAFF, work_order, _work_order, WORK_ORDERS, _CENTRE,
          _usual("created", "state=open", "subject=%E7%AC%AC99999%E4%BB%B6", "number=GDBL44000020260123")),
    _List("/api/casework/mediations", _STAFF, mediation_application, _mediation, MEDIATIONS, _CENTRE,
          _usual("applied", "phase=applied", "number=TJSQ44000020260123")),
    _List("/api/casework/notices", _STAFF, notice, _notice, NOTICES, _CENTRE,
          _usual("created", "kind=policy", "title=%E7%AC%AC99999%E6%9D%A1")),
    _List("/api/centre/notices", _TAXPAYER, delivery, _delivery, DELIVERIES, ("person_id", _TAXPAYER),
          _usual("received", "kind=policy", "read=unread", "todo=true", "title=%E7%AC%AC99999%E6%9D%A1")),
)  # fmt: skip


def run(*, as_json: bool, database_url: str | None, rows: int = ROWS) -> int:
    """1 when a list was slower than the limit."""
    found, plans = asyncio.run(_measure(database_url, rows))
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
                f"{row.p50_ms:7.1f} {row.p95_ms:7.1f} ms  {row.total:7}  {row.path}?{row.query}"
            )
        for name, plan in plans.items():
            print(f"\n{name}\n  " + "\n  ".join(plan))  # noqa: T201 - the result
        print(f"\nslowest p95 {worst:.1f} ms, limit {LIMIT_MS:.0f} ms")  # noqa: T201 - the result
    return 1 if slow else 0


async def _measure(database_url: str | None, rows: int) -> tuple[list[Row], dict[str, list[str]]]:
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
            for one in _LISTS:
                await _fill(connection, one, rows)
        if not database.is_sqlite:
            # What autovacuum does in the minute after so many rows.
            await _vacuum(database)
        session = await stack.enter_async_context(ClientSession(f"http://127.0.0.1:{port}"))
        minter = TokenMinter(_SECRET)
        found = []
        for one in _LISTS:
            headers = {"Authorization": f"Bearer {minter.mint(ACCOUNTS[one.account], 3_600)}"}
            for query in one.queries:
                found.append(await _ask(session, headers, one.path, query))
        async with database.read() as connection:
            plans = {one.path: await _plan(connection, one) for one in _LISTS}
    return found, plans


async def _fill(connection: AsyncConnection, one: _List, rows: int) -> None:
    for start in range(0, rows, _BATCH):
        await connection.execute(
            insert(one.table), [one.make(number) for number in range(start, min(start + _BATCH, rows))]
        )


async def _vacuum(database: Any) -> None:
    async with database.read() as connection:
        raw = await connection.get_raw_connection()
        for one in _LISTS:
            await raw.driver_connection.execute(f"VACUUM ANALYZE {one.table.name}")


async def _ask(session: ClientSession, headers: dict[str, str], path: str, query: str) -> Row:
    times: list[float] = []
    total = 0
    for _ in range(ASKED_EACH):
        began = time.perf_counter()
        async with session.get(f"{path}?{query}", headers=headers) as response:
            body = await response.json()
            if response.status != 200:
                raise RuntimeError(f"{path}?{query}: {body}")
        times.append((time.perf_counter() - began) * 1_000)
        total = int(body["total"])
    p95 = statistics.quantiles(times, n=20)[-1]
    return Row(path, query, total, round(statistics.median(times), 2), round(p95, 2))


async def _plan(connection: AsyncConnection, one: _List) -> list[str]:
    """Of the keys of a page far behind, which is where an index matters most."""
    name, value = one.scope
    query = keys_query(one.spec, [one.table.c[name] == value], Asked(page=ROWS // 20), ROWS)
    is_sqlite = connection.dialect.name == "sqlite"
    words = str(query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True}))
    explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
    rows: Sequence[Any] = (await connection.execute(text(explain + words.replace(":", "\\:")))).all()
    return [str(row[-1]) for row in rows]
