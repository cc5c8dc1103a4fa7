"""Removes what is older than its kind is kept: every night on one node, in small transactions, and by command.

A batch is its own transaction, with a rest behind it, so that whoever stores a message waits for one batch at most. Bytes go
before the rows that name them: a run that is cut leaves rows the next one finds, never bytes nobody knows of.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import JSON, ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.files.store import FileStore
from rtc_server.recordings.shelf import Shelf
from rtc_server.records.audit import AUDIT_ENTRY, AuditEntry
from rtc_server.records.base import metadata
from rtc_server.records.call_recordings import call_recording
from rtc_server.records.database import Database
from rtc_server.records.files import FileState, file
from rtc_server.records.knowledge import documents
from rtc_server.records.meeting_recordings import meeting_recording
from rtc_server.records.meetings import meeting
from rtc_server.records.settings import INSTALLATION, setting
from rtc_server.records.store import store
from rtc_server.retention.rules import RULES, Beside, Kept, Rule, cutoff, due_since

BATCH = 200
REST_S = 0.05
LOOK_EVERY_S = 600.0
UNATTACHED = "unattached_files"
_LEASE = "retention_run"
_HOUR_MS = 3_600_000
_SERVICE = "service"

log = structlog.get_logger("rtc_server.retention")


@dataclass(frozen=True, slots=True)
class Plan:
    """``days`` by kind, 0 for ever; ``unattached_h``: files that were uploaded for a case and never attached to one.
    ``hour``: of the day, by the clock of the service."""

    days: Mapping[Kept, int]
    unattached_h: int
    hour: int


class Retention:
    """``run`` once, or ``start`` for every night."""

    def __init__(self, database: Database, plan: Plan, data: Path) -> None:
        self._database = database
        self._plan = plan
        self._files = FileStore(data / "files")
        self._shelf = Shelf(data / "recordings")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._nightly(), name="retention")

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def run(self, now_ms: int, *, dry: bool = False) -> dict[str, int]:
        """How many of each kind were removed, or would be."""
        counts: dict[str, int] = {}
        for kind, rules in RULES.items():
            before = cutoff(now_ms, self._plan.days[kind])
            if before is not None:
                counts[kind.value] = sum([await self._apply(rule, before, dry=dry) for rule in rules])
        if self._plan.unattached_h > 0:
            before = now_ms - self._plan.unattached_h * _HOUR_MS
            counts[UNATTACHED] = await self._unattached(before, dry=dry)
        if not dry:
            await self._record(now_ms, counts)
        return counts

    async def claim(self, now_ms: int) -> bool:
        """Whether the run that is due is this node's: the first that asks has it."""
        due = due_since(now_ms, self._plan.hour)
        insert = sqlite.insert(setting) if self._database.is_sqlite else postgresql.insert(setting)
        row = {
            "scope": INSTALLATION,
            "name": _LEASE,
            "value": {},
            "updated_at": now_ms,
            "updated_by": _SERVICE,
        }
        statement = (
            insert.values(row)
            .on_conflict_do_update(
                index_elements=["scope", "name"],
                set_={"updated_at": now_ms},
                where=setting.c.updated_at < due,
            )
            .returning(setting.c.name)
        )
        async with self._database.write() as connection:
            return (await connection.execute(statement)).first() is not None

    async def _nightly(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            now = time.time_ns() // 1_000_000
            try:
                if await self.claim(now):
                    log.info("retention_done", **await self.run(now))
            except (SQLAlchemyError, OSError) as error:
                # What is left is found by the next run.
                log.error("retention_failed", error_type=type(error).__name__)

    async def _apply(self, rule: Rule, before: int, *, dry: bool) -> int:
        old = and_(rule.age < before, *rule.over)
        if dry:
            async with self._database.read() as connection:
                count = select(func.count()).select_from(rule.table).where(old)
                return int((await connection.execute(count)).scalar_one())
        removed = 0
        while True:
            async with self._database.read() as connection:
                rows = (await connection.execute(select(*rule.keys).where(old).limit(BATCH))).all()
                beside = await self._beside(connection, rule, [str(row[0]) for row in rows])
            if not rows:
                return removed
            await asyncio.to_thread(_remove_bytes, beside)
            async with self._database.write() as connection:
                # The condition once more: what somebody went on with meanwhile stays.
                for child in rule.children:
                    await connection.execute(delete(child.table).where(child.in_([row[0] for row in rows])))
                chosen = and_(_one_of(rule, rows), old)
                if rule.forgotten:
                    gone = {"state": FileState.DELETED.value, "revision": rule.table.c.revision + 1}
                    await connection.execute(update(rule.table).where(chosen).values(gone))
                else:
                    await connection.execute(delete(rule.table).where(chosen))
            removed += len(rows)
            await asyncio.sleep(REST_S)

    async def _beside(self, connection: AsyncConnection, rule: Rule, keys: Sequence[str]) -> list[Path]:
        match rule.beside:
            case None:
                return []
            case Beside.FILE:
                return [self._files.path(key) for key in keys]
            case Beside.RECORDING:
                return self._folders(keys)
            case Beside.RECORDINGS_OF_MEDIATION:
                of_meetings = await connection.execute(
                    select(meeting_recording.c.recording_id)
                    .join(meeting, meeting.c.meeting_id == meeting_recording.c.meeting_id)
                    .where(meeting.c.application_id.in_(keys))
                )
                return self._folders(of_meetings.scalars())
            case Beside.FILES_OF_INTERACTION:
                files = select(file.c.file_id).where(file.c.interaction_id.in_(keys))
                ids: Sequence[str] = (await connection.execute(files)).scalars().all()
                recordings = await connection.execute(
                    select(call_recording.c.recording_id).where(call_recording.c.interaction_id.in_(keys))
                )
                return [self._files.path(one) for one in ids] + self._folders(recordings.scalars())

    def _folders(self, recording_ids: Iterable[str]) -> list[Path]:
        return [folder for one in recording_ids if (folder := self._shelf.folder(one)) is not None]

    async def _unattached(self, before: int, *, dry: bool) -> int:
        # Uploads that still run are the file service's.
        old = (
            file.c.interaction_id.is_(None),
            file.c.created_at < before,
            file.c.state != FileState.UPLOADING.value,
        )
        async with self._database.read() as connection:
            found: Sequence[str] = (
                (await connection.execute(select(file.c.file_id).where(*old))).scalars().all()
            )
            attached = await _attached(connection) if found else set()
        loose = [one for one in found if one not in attached]
        if dry:
            return len(loose)
        for start in range(0, len(loose), BATCH):
            batch = loose[start : start + BATCH]
            await asyncio.to_thread(_remove_bytes, [self._files.path(one) for one in batch])
            async with self._database.write() as connection:
                await connection.execute(delete(file).where(file.c.file_id.in_(batch)))
            await asyncio.sleep(REST_S)
        return len(loose)

    async def _record(self, now_ms: int, counts: Mapping[str, int]) -> None:
        told = " ".join(f"{name}={count}" for name, count in counts.items() if count)
        entry = AuditEntry(
            secrets.token_hex(12), now_ms, _SERVICE, "retention", None, None, told or "nothing was due"
        )
        async with self._database.write() as connection:
            await store(connection, AUDIT_ENTRY, [entry])


async def _attached(connection: AsyncConnection) -> set[str]:
    """Ids of every file a case names, and of those of answers: any version may come back."""
    named: set[str] = set()
    for table in metadata.sorted_tables:
        for column in table.columns:
            if column.name.endswith("attachments") and isinstance(column.type, JSON):
                lists: Sequence[Sequence[str]] = (await connection.execute(select(column))).scalars().all()
                named.update(one for ids in lists for one in ids or ())
    named |= await documents(connection)
    return named


def _one_of(rule: Rule, rows: Sequence[Any]) -> ColumnElement[bool]:
    if len(rule.keys) == 1:
        return rule.keys[0].in_([row[0] for row in rows])
    return or_(*(and_(*(key == value for key, value in zip(rule.keys, row, strict=True))) for row in rows))


def _remove_bytes(places: Iterable[Path]) -> None:
    for place in places:
        with suppress(FileNotFoundError):
            if place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink()
