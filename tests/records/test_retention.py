"""What is too old goes, with its bytes; what is open or young stays; one node runs it: on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from rtc_server.casework.states import InquiryState
from rtc_server.config import RetentionSettings, Settings
from rtc_server.records import changes
from rtc_server.records.audit import AUDIT, AUDIT_ENTRY, AuditEntry
from rtc_server.records.base import metadata
from rtc_server.records.call_recordings import CALL_RECORDING, CallRecording
from rtc_server.records.database import Database
from rtc_server.records.files import FILE, File, FileState, file
from rtc_server.records.inquiries import INQUIRY
from rtc_server.records.interactions import INTERACTION, interaction
from rtc_server.records.lists import Asked, find
from rtc_server.records.messages import MESSAGE
from rtc_server.records.store import store
from rtc_server.retention import service
from rtc_server.retention.rules import DAY_MS, RULES, Kept, due_since
from rtc_server.retention.service import Plan, Retention
from rtc_server.service_desk import retention_plan
from signaling.sessions.states import InteractionPhase
from tests.records.samples import a_message, an_interaction
from tests.records.test_casework import an_inquiry

NOW = 1_795_233_600_000
OLD, YOUNG = NOW - 100 * DAY_MS, NOW - DAY_MS
PLAN = Plan(dict.fromkeys(Kept, 30), unattached_h=24, hour=2)


def a_file(number: int, interaction_id: str | None, created_at: int) -> File:
    return File(
        f"f{number:032x}",
        1,
        interaction_id,
        "p1",
        "a.pdf",
        "application/pdf",
        3,
        None,
        FileState.STORED,
        created_at,
    )


def on_disk(folder: Path, one: File) -> Path:
    place = folder / "files" / "stored" / one.file_id[1:3] / one.file_id
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"abc")
    return place


async def count(database: Database, table: str) -> int:
    async with database.read() as connection:
        return int(
            (await connection.execute(select(func.count()).select_from(metadata.tables[table]))).scalar_one()
        )


async def test_an_old_conversation_goes_with_everything_of_it(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BATCH", 2)
    closed = {"phase": InteractionPhase.CLOSED, "opened_at": OLD, "closed_at": OLD}
    old = [an_interaction(number, **closed) for number in (1, 2, 3)]
    young = replace(old[0], interaction_id="i0004", closed_at=YOUNG)
    still_open = an_interaction(5, opened_at=OLD)
    sent, other = a_file(1, "i0001", OLD), a_file(2, "i0004", YOUNG)
    recording = CallRecording("0" * 24, 1, "i0001", "agent01", OLD, OLD)
    async with database.write() as connection:
        await store(connection, INTERACTION, [*old, young, still_open])
        await store(connection, MESSAGE, [a_message(number, 1) for number in (1, 2, 4, 5)])
        await store(connection, FILE, [sent, other])
        await store(connection, CALL_RECORDING, [recording])
    gone, kept = on_disk(tmp_path, sent), on_disk(tmp_path, other)
    folder = tmp_path / "recordings" / recording.recording_id
    retention = Retention(database, PLAN, tmp_path)
    folder.mkdir(parents=True)
    (folder / "track.webm").write_bytes(b"abc")
    would = await retention.run(NOW, dry=True)
    assert (would["conversations"], would["files"], gone.exists()) == (3, 1, True)
    did = await retention.run(NOW)
    assert did["conversations"] == 3
    assert (gone.exists(), kept.exists(), folder.exists()) == (False, True, False)
    async with database.read() as connection:
        left = set((await connection.execute(select(interaction.c.interaction_id))).scalars())
    assert left == {"i0004", "i0005"}
    assert (await count(database, "message"), await count(database, "file")) == (2, 1)
    assert set((await retention.run(NOW)).values()) == {0}


async def test_a_file_may_go_before_its_conversation(database: Database, tmp_path: Path) -> None:
    one = a_file(1, "i0001", OLD)
    async with database.write() as connection:
        await store(connection, INTERACTION, [an_interaction(1, opened_at=OLD)])
        await store(connection, FILE, [one])
    place = on_disk(tmp_path, one)
    await Retention(database, PLAN, tmp_path).run(NOW)
    async with database.read() as connection:
        row = (await connection.execute(select(file.c.state, file.c.revision))).one()
    assert (row.state, row.revision, place.exists()) == ("deleted", 2, False)


async def test_cases_that_are_not_decided_stay_and_loose_uploads_go(
    database: Database, tmp_path: Path
) -> None:
    attached, loose, fresh = (a_file(n, None, at) for n, at in ((1, OLD), (2, OLD), (3, NOW)))
    waiting = replace(an_inquiry(1), created_at=OLD, attachments=(attached.file_id,))
    answered = replace(
        an_inquiry(2), created_at=OLD, decided_at=OLD, state=InquiryState.ANSWERED, attachments=()
    )
    async with database.write() as connection:
        await store(connection, FILE, [attached, loose, fresh])
        await changes.add(connection, INQUIRY, waiting)
        await changes.add(connection, INQUIRY, answered)
    places = [on_disk(tmp_path, one) for one in (attached, loose, fresh)]
    did = await Retention(database, PLAN, tmp_path).run(NOW)
    assert (did["inquiries"], did[service.UNATTACHED]) == (1, 1)
    assert [place.exists() for place in places] == [True, False, True]
    assert await count(database, "inquiry") == 1


async def test_the_run_is_recorded_and_nothing_is_removed_for_ever(
    database: Database, tmp_path: Path
) -> None:
    async with database.write() as connection:
        await store(connection, AUDIT_ENTRY, [AuditEntry("e1", OLD, "admin", "save_staff", None, None)])
    for_ever = Plan(dict.fromkeys(Kept, 0), unattached_h=0, hour=2)
    assert await Retention(database, for_ever, tmp_path).run(NOW) == {}
    assert (await Retention(database, PLAN, tmp_path).run(NOW))["audit"] == 1
    async with database.read() as connection:
        listed = await find(connection, AUDIT, (), Asked())
    assert [(one.action, one.detail) for one in listed.items].count(("retention", "audit=1")) == 1
    assert "e1" not in {one.entry_id for one in listed.items}


async def test_one_node_has_the_run_of_a_night(database: Database, tmp_path: Path) -> None:
    nodes = [Retention(database, PLAN, tmp_path) for _ in range(4)]
    assert sorted(await asyncio.gather(*(node.claim(NOW) for node in nodes))) == [False, False, False, True]
    assert not await nodes[0].claim(NOW + 1)
    assert await nodes[1].claim(NOW + DAY_MS)


def test_the_night_is_that_of_the_service() -> None:
    # NOW is noon in China.
    assert due_since(NOW, 2) == NOW - 10 * 3_600_000
    assert due_since(NOW, 13) == NOW - 23 * 3_600_000


def test_every_kind_has_its_setting_and_the_log_its_legal_least() -> None:
    plan = retention_plan(Settings(demo=True))
    assert set(plan.days) == set(Kept) == set(RULES)
    assert all(plan.days.values())
    with pytest.raises(ValueError, match="180"):
        RetentionSettings(audit=30)
    assert RetentionSettings(audit=0).audit == 0
