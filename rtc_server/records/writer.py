"""Moves the journal into the database: batches, retried for as long as it takes, stored once however often they come.

Nothing waits for it. When the database is away the journal grows, and is worked off when it is back. An entry the database
will never take (it breaks a constraint) is set aside in the journal folder and does not hold up the others.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from rtc_server.records.base import Kind
from rtc_server.records.database import Database
from rtc_server.records.entries import EntryInvalid, decode
from rtc_server.records.journal import Entry, Journal, JournalReader
from rtc_server.records.schema import JOURNALED
from rtc_server.records.store import store_rows

log = structlog.get_logger("rtc_server.records")

_SYNC_INTERVAL_S = 1.0
_PERMANENT_SQLSTATES = ("22", "23")
"""Data exceptions and integrity violations (ISO 9075, appendix A of the PostgreSQL manual)."""


@dataclass(frozen=True, slots=True)
class WriterSettings:
    """Times in seconds. ``gather_s`` collects entries into one transaction."""

    batch: int = 1_000
    gather_s: float = 0.05
    first_retry_s: float = 0.1
    last_retry_s: float = 5.0


@dataclass(frozen=True, slots=True)
class WriterState:
    """``failing``: the database did not take the last batch."""

    waiting: int
    stored: int
    rejected: int
    damaged: int
    failing: bool


class RecordWriter:
    """``start`` after the tables are there; ``drain`` waits until everything appended so far is in the database."""

    def __init__(self, database: Database, journal: Journal, settings: WriterSettings | None = None) -> None:
        self._database = database
        self._journal = journal
        self._settings = settings or WriterSettings()
        self._reader = JournalReader(journal)
        self._appended = asyncio.Event()
        self._progress = asyncio.Condition()
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        self._stored = 0
        self._rejected = 0
        self._failing = False

    @property
    def state(self) -> WriterState:
        return WriterState(
            self._journal.waiting, self._stored, self._rejected, self._reader.damaged, self._failing
        )

    def start(self) -> None:
        self._journal.on_append = self._appended.set
        self._appended.set()
        self._tasks = [
            asyncio.create_task(self._run(), name="records-writer"),
            asyncio.create_task(self._sync(), name="records-sync"),
        ]

    async def drain(self) -> None:
        """Until everything that is in the journal now is stored; waits for a database that is away."""
        wanted = self._journal.last_number
        async with self._progress:
            await self._progress.wait_for(lambda: self._journal.stored_number >= wanted)

    async def stop(self, drain_s: float = 5.0) -> None:
        """What is not stored within ``drain_s`` stays in the journal for the next start. Stopping twice is stopping once."""
        if not self._tasks:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.drain(), drain_s)
        self._journal.on_append = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def _run(self) -> None:
        while True:
            self._appended.clear()
            entries = await asyncio.to_thread(self._reader.read, self._settings.batch)
            if not entries:
                await self._appended.wait()
                await asyncio.sleep(self._settings.gather_s)
                continue
            await self._store_at_last(entries)
            await asyncio.to_thread(self._journal.checkpoint, entries[-1].number)
            self._stored += len(entries)
            async with self._progress:
                self._progress.notify_all()

    async def _sync(self) -> None:
        while True:
            await asyncio.sleep(_SYNC_INTERVAL_S)
            await asyncio.to_thread(self._journal.sync)

    async def _store_at_last(self, entries: Sequence[Entry]) -> None:
        pause = self._settings.first_retry_s
        while True:
            try:
                await self._store_or_set_aside(entries)
            except Exception as error:  # whatever a driver raises when its database is away
                if not self._failing:
                    log.warning(
                        "records_database_away", error=type(error).__name__, waiting=self._journal.waiting
                    )
                self._failing = True
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._settings.last_retry_s)
                continue
            if self._failing:
                log.info("records_database_back", waiting=self._journal.waiting)
            self._failing = False
            return

    async def _store_or_set_aside(self, entries: Sequence[Entry]) -> None:
        readable: list[tuple[Entry, Kind[Any], dict[str, Any]]] = []
        for entry in entries:
            try:
                kind, row = decode(entry.payload)
            except EntryInvalid as error:
                await self._set_aside(entry, error)
            else:
                readable.append((entry, kind, row))
        try:
            await self._store([(kind, row) for _, kind, row in readable])
        except DBAPIError as error:
            if not is_permanent(error):
                raise
            for entry, kind, row in readable:
                await self._store_alone(entry, kind, row)

    async def _store_alone(self, entry: Entry, kind: Kind[Any], row: dict[str, Any]) -> None:
        try:
            await self._store([(kind, row)])
        except DBAPIError as error:
            if not is_permanent(error):
                raise
            await self._set_aside(entry, error)

    async def _store(self, rows: Sequence[tuple[Kind[Any], dict[str, Any]]]) -> None:
        if not rows:
            return
        groups: dict[str, list[dict[str, Any]]] = {}
        for kind, row in rows:
            groups.setdefault(kind.name, []).append(row)
        async with self._database.write() as connection:
            for name, kind in JOURNALED.items():
                await store_rows(connection, kind, groups.get(name, ()))

    async def _set_aside(self, entry: Entry, error: Exception) -> None:
        await asyncio.to_thread(self._journal.reject, entry)
        self._rejected += 1
        log.error("record_set_aside", number=entry.number, error=type(error).__name__)


def is_permanent(error: DBAPIError) -> bool:
    """Whether trying again can never help."""
    if isinstance(error, IntegrityError | DataError):
        return True
    state = getattr(error.orig, "sqlstate", None)
    return isinstance(state, str) and state.startswith(_PERMANENT_SQLSTATES)
