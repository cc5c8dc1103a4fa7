"""From the journal into the database: nothing missing, nothing doubled, whatever stops on the way."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from time import perf_counter

import pytest
import pytest_asyncio
from sqlalchemy.engine import URL

from rtc_server.records import database as database_module
from rtc_server.records import interactions, messages
from rtc_server.records.database import Database, database_url
from rtc_server.records.entries import EntryInvalid, decode, encode
from rtc_server.records.interactions import INTERACTION
from rtc_server.records.journal import Journal
from rtc_server.records.keeper import Records
from rtc_server.records.messages import Message
from rtc_server.records.writer import WriterSettings
from signaling.sessions.states import InteractionPhase
from tests.records.conftest import create_with_tables
from tests.records.postgres import PostgresServer
from tests.records.samples import a_member, a_message, an_interaction

QUICK = WriterSettings(gather_s=0.005, first_retry_s=0.01, last_retry_s=0.05)


@pytest_asyncio.fixture
async def records(ready_url: URL, tmp_path: Path) -> AsyncIterator[Records]:
    records = await Records.open(ready_url, tmp_path / "journal", settings=QUICK)
    yield records
    await records.close()


async def stored(database: Database, interaction_id: str = "i0001") -> list[Message]:
    found: list[Message] = []
    async with database.read() as connection:
        while page := await messages.after(connection, interaction_id, found[-1].seq if found else 0):
            found += page
    return found


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what happens, happens in another process
            await asyncio.sleep(0.005)


async def test_kept_is_stored(records: Records) -> None:
    records.keep(an_interaction(), a_member())
    for seq in range(1, 1_501):
        records.keep(a_message(1, seq))
    records.keep(an_interaction(revision=2, phase=InteractionPhase.CLOSED))
    await records.writer.drain()
    assert await stored(records.database) == [a_message(1, seq) for seq in range(1, 1_501)]
    async with records.database.read() as connection:
        found = await interactions.get(connection, "i0001")
    assert found is not None
    assert found.phase is InteractionPhase.CLOSED
    assert records.writer.state.waiting == 0


async def test_replaying_everything_doubles_nothing(ready_url: URL, tmp_path: Path) -> None:
    records = await Records.open(ready_url, tmp_path / "journal", settings=QUICK)
    records.keep(an_interaction(), an_interaction(revision=2, agent_id="agent02"))
    records.keep(*(a_message(1, seq) for seq in range(1, 21)))
    await records.writer.drain()
    await records.close()
    (tmp_path / "journal" / "checkpoint").unlink()
    records = await Records.open(ready_url, tmp_path / "journal", settings=QUICK)
    assert records.writer.state.stored == 22
    assert await stored(records.database) == [a_message(1, seq) for seq in range(1, 21)]
    async with records.database.read() as connection:
        found = await interactions.get(connection, "i0001")
    assert found is not None
    assert found.agent_id == "agent02"
    await records.close()


async def test_what_can_never_be_stored_is_set_aside(records: Records, tmp_path: Path) -> None:
    records.keep(an_interaction(), a_message(1, 1))
    records.keep(a_message(77, 1, text="of an interaction nobody knows"))
    records.journal.append([b'["no_such_kind",{}]', b"not even JSON"])
    records.keep(a_message(1, 2))
    await records.writer.drain()
    assert await stored(records.database) == [a_message(1, 1), a_message(1, 2)]
    assert records.writer.state.rejected == 3
    assert {entry.payload for entry in records.journal.rejected()} == {
        encode(a_message(77, 1, text="of an interaction nobody knows")),
        b'["no_such_kind",{}]',
        b"not even JSON",
    }


async def test_postgresql_away_for_a_while(postgres: PostgresServer, tmp_path: Path) -> None:
    url = database_url(postgres.url(await create_with_tables(postgres)), tmp_path)
    records = await Records.open(url, tmp_path / "journal", settings=QUICK)
    try:
        records.keep(an_interaction())
        seq = 0
        for _ in range(2):
            for _ in range(200):
                records.keep(a_message(1, seq := seq + 1))
            await asyncio.to_thread(postgres.stop)
            longest = 0.0
            for _ in range(800):
                start = perf_counter()
                records.keep(a_message(1, seq := seq + 1))
                longest = max(longest, perf_counter() - start)
                await asyncio.sleep(0)
            await until(lambda: records.writer.state.failing)
            assert records.writer.state.waiting >= 800
            await asyncio.to_thread(postgres.start)
            await records.writer.drain()
            assert not records.writer.state.failing
            print(f"longest keep while the database was away: {longest * 1e3:.2f} ms")
        assert await stored(records.database) == [a_message(1, number) for number in range(1, seq + 1)]
    finally:
        await records.close()


async def test_sqlite_locked_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_MS", 10)
    url = database_url(None, tmp_path)
    records = await Records.open(url, tmp_path / "journal", settings=QUICK)
    other = sqlite3.connect(str(url.database), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    records.keep(an_interaction(), a_message(1, 1))
    await until(lambda: records.writer.state.failing)
    records.keep(a_message(1, 2))
    other.execute("ROLLBACK")
    other.close()
    await records.writer.drain()
    assert await stored(records.database) == [a_message(1, 1), a_message(1, 2)]
    assert records.writer.state.rejected == 0
    await records.close()


async def test_stopping_with_the_database_away_leaves_it_for_the_next_start(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = database_url(postgres.url(await create_with_tables(postgres)), tmp_path)
    records = await Records.open(url, tmp_path / "journal", settings=QUICK)
    records.keep(an_interaction())
    await records.writer.drain()
    await asyncio.to_thread(postgres.stop)
    records.keep(a_message(1, 1))
    await records.writer.stop(drain_s=0.05)
    await records.close()
    await asyncio.to_thread(postgres.start)
    records = await Records.open(url, tmp_path / "journal", settings=QUICK)
    assert await stored(records.database) == [a_message(1, 1)]
    await records.close()


_KILLED = """
import asyncio, sys
from pathlib import Path
from sqlalchemy.engine import make_url
from rtc_server.records import messages
from rtc_server.records.keeper import Records
from rtc_server.records.writer import WriterSettings
from tests.records.samples import a_message, an_interaction

async def main():
    settings = WriterSettings(batch=50, gather_s=0.001)
    records = await Records.open(make_url(sys.argv[1]), Path(sys.argv[2]), settings=settings)
    records.keep(an_interaction())
    async with records.database.read() as connection:
        seq = (await messages.last_seqs(connection, ["i0001"])).get("i0001", 0)
    while True:
        seq += 1
        records.keep(a_message(1, seq, text=f"text {seq}"))
        sys.stdout.write(f"{seq}\\n")
        sys.stdout.flush()
        if seq % 10 == 0:
            await asyncio.sleep(0.001)

asyncio.run(main())
"""


async def test_kill_9_in_the_middle_loses_and_doubles_nothing(ready_url: URL, tmp_path: Path) -> None:
    """Each run goes on from the number it finds: a lost message would be a gap or a second use of its number."""
    acknowledged = 0
    address = ready_url.render_as_string(hide_password=False)

    def run_and_kill(lines: int) -> int:
        last = 0
        with subprocess.Popen(
            [sys.executable, "-c", _KILLED, address, str(tmp_path / "journal")],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            for _ in range(lines):
                last = int(process.stdout.readline())
            process.kill()
            for line in process.stdout:
                last = int(line) if line.endswith("\n") else last
        return last

    for lines in (37, 333, 1_200):
        before = acknowledged
        acknowledged = await asyncio.to_thread(run_and_kill, lines)
        assert acknowledged >= before + lines
    records = await Records.open(ready_url, tmp_path / "journal")
    found = await stored(records.database)
    assert len(found) >= acknowledged
    assert found == [a_message(1, seq, text=f"text {seq}") for seq in range(1, len(found) + 1)]
    assert records.writer.state.rejected == 0
    await records.close()


async def test_a_thousand_messages_a_second(ready_url: URL, tmp_path: Path) -> None:
    count, conversations = 10_000, 500
    records = await Records.open(ready_url, tmp_path / "journal")
    records.keep(*(an_interaction(number) for number in range(1, conversations + 1)))
    await records.writer.drain()
    took: list[float] = []
    begun = perf_counter()
    for at in range(count):
        start = perf_counter()
        records.keep(
            a_message(at % conversations + 1, at // conversations + 1, text="请问如何申报增值税？" * 3)
        )
        took.append(perf_counter() - start)
        if at % 10 == 9:
            await asyncio.sleep(0)
    kept = perf_counter() - begun
    await records.writer.drain()
    rate = count / (perf_counter() - begun)
    took.sort()
    print(
        f"{ready_url.get_backend_name()}: kept {count / kept:.0f}/s (median {took[count // 2] * 1e6:.0f} µs, "
        f"p99 {took[count * 99 // 100] * 1e6:.0f} µs), in the database {rate:.0f}/s"
    )
    assert rate > 1_000
    async with records.database.read() as connection:
        last = await messages.last_seqs(
            connection, [f"i{number:04}" for number in range(1, conversations + 1)]
        )
    assert set(last.values()) == {count // conversations}
    assert len(last) == conversations
    await records.close()


def test_an_entry_of_another_version_is_not_a_record() -> None:
    for payload in (
        b"",
        b"[]",
        b"{}",
        b'["message",{}]',
        b'["message",[]]',
        b'["interaction",{"interaction_id":"i"}]',
        b'"x"',
    ):
        with pytest.raises(EntryInvalid):
            decode(payload)
    with pytest.raises(EntryInvalid):
        decode(encode(an_interaction()).replace(b'"open"', b'"ajar"'))
    with pytest.raises(KeyError):
        encode("no record")


async def test_the_journal_is_freed_when_the_database_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r".*"):
        await Records.open(database_url("postgresql://x@127.0.0.1:1/none", tmp_path), tmp_path / "journal")
    Journal(tmp_path / "journal").close()


def test_a_revisioned_record_is_named_by_its_table() -> None:
    kind, row = decode(encode(an_interaction()))
    assert kind is INTERACTION
    assert kind.of(row) == an_interaction()
