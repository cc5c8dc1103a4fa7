"""Everything about records in one object: database, journal and the writer between them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from rtc_server.records.database import Database
from rtc_server.records.entries import encode
from rtc_server.records.journal import FsyncPolicy, Journal
from rtc_server.records.writer import RecordWriter, WriterSettings


class Records:
    """``open`` brings the tables up to date and stores what the last run left in its journal."""

    def __init__(self, database: Database, journal: Journal, writer: RecordWriter) -> None:
        self.database = database
        self.journal = journal
        self.writer = writer

    @classmethod
    async def open(
        cls,
        url: URL,
        journal_folder: Path,
        *,
        fsync: FsyncPolicy = FsyncPolicy.INTERVAL,
        settings: WriterSettings | None = None,
    ) -> Records:
        """Raises JournalLocked, and what the driver raises when there is no database to start with."""
        journal = Journal(journal_folder, fsync)
        database = Database(url)
        try:
            await database.migrate()
        except BaseException:
            await database.close()
            journal.close()
            raise
        writer = RecordWriter(database, journal, settings)
        writer.start()
        await writer.drain()
        return cls(database, journal, writer)

    def keep(self, *records: object) -> None:
        """When it returns they will be in the database, whatever happens to this process. Never waits for the database.

        Raises JournalFailed when they could not be taken: then nothing may be acknowledged.
        """
        self.journal.append([encode(record) for record in records])

    def report(self) -> dict[str, Any]:
        """For ``/healthz``; ``ok`` False: the database does not take what is written, the journal keeps it."""
        state = self.writer.state
        return {"ok": not state.failing, **asdict(state)}

    async def close(self) -> None:
        await self.writer.stop()
        self.journal.close()
        await self.database.close()
