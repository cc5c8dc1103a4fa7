"""What rooms keep comes back as it was, on both databases, and at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from rtc_server.organisation import demo
from rtc_server.records import base
from rtc_server.records.files import File, FileState
from rtc_server.records.journal import JournalFailed
from rtc_server.records.keeper import Records
from rtc_server.records.messages import MESSAGE
from rtc_server.records.optional_reads import OptionalReads
from rtc_server.records.organisation import save_all
from rtc_server.records.recording import Recording
from signaling.rooms.kept import (
    Kept,
    KeptAgentStatus,
    KeptAudit,
    KeptCall,
    KeptInteraction,
    KeptMember,
    KeptMessage,
    KeptRating,
    KeptTicket,
    KeptTransfer,
)
from signaling.rooms.ports import RecordsUnavailable
from signaling.sessions.model import FileRef, InteractionContext, Message
from signaling.sessions.policy import SessionKind
from signaling.sessions.queue_states import AgentStatus, StatusReason, Ticket, TicketPhase
from signaling.sessions.states import (
    CardKind,
    CloseReason,
    InteractionPhase,
    MessageKind,
    Role,
    TransferPhase,
)

CONTEXT = InteractionContext("首页", "申报", "440000")
INTERACTION = KeptInteraction("i1", "p1", "张*", "gd", "a1", InteractionPhase.OPEN, 1_000, CONTEXT)
MEMBERS = (
    KeptMember("i1", "p1", Role.TAXPAYER, "张*", 1_000),
    KeptMember("i1", "a1", Role.AGENT, "101", 1_001),
)
FILE = FileRef("f1", "a.png", "image/png", 10, 4, 3)
MESSAGES = (
    Message(1, "a1", None, "您好", 1_002, MessageKind.CARD, Role.AGENT, "101", card=CardKind.GREETING),
    Message(2, "p1", "c1", "请问", 1_003, MessageKind.TEXT, Role.TAXPAYER, "张*"),
    Message(3, "p1", "c2", "a.png", 1_004, MessageKind.PICTURE, Role.TAXPAYER, "张*", file=FILE),
    Message(4, None, None, "已转接", 1_005, MessageKind.SYSTEM),
)
CALL = KeptCall("k1", "i1", SessionKind.ASSISTANCE, "p1", 1_006, 1_007, 1_008, paused=True)
TRANSFER = KeptTransfer("t1", "i1", "a1", "a2", None, TransferPhase.OFFERED, 1_009, note="发票红冲")
TICKET = KeptTicket(
    Ticket("i2", "p2", "gd", frozenset({"general"}), (1, 7, "i2"), 1_010, TicketPhase.WAITING, "a1"), "李*", CONTEXT
)  # fmt: skip
EVERYTHING: tuple[Kept, ...] = (
    INTERACTION,
    *MEMBERS,
    *(KeptMessage("i1", message) for message in MESSAGES),
    CALL,
    TRANSFER,
    TICKET,
    KeptAgentStatus("a1", AgentStatus.FREE, StatusReason.CHOSEN, 1_000, AgentStatus.FREE),
    KeptAudit(1_000, "lead", "supervise_listen", "i1"),
)


async def opened(url: URL, folder: Path) -> Recording:
    return Recording(await Records.open(url, folder / "journal"), {"a1": "101"}.get)


async def test_a_restart_finds_everything_as_it_was(ready_url: URL, tmp_path: Path) -> None:
    first = await opened(ready_url, tmp_path)
    before = first.next_revision()
    first.keep(*EVERYTHING)
    first.keep_rows(
        File("f1", first.next_revision(), "i1", "p1", "a.png", "image/png", 10, "d", FileState.STORED, 1_004, 4, 3)
    )  # fmt: skip
    await first.records.close()
    second = await opened(ready_url, tmp_path)
    second._clock_us = lambda: 0
    work = await second.restore(kept_messages=3)
    (known,) = work.interactions
    assert known.interaction == INTERACTION
    assert sorted(known.members, key=lambda one: one.joined_at) == list(MEMBERS)
    assert known.messages == MESSAGES[1:]
    assert known.last_seq == 4
    assert known.calls == (CALL,)
    assert known.transfer == TRANSFER
    (ticket,) = work.tickets
    assert (ticket.taxpayer_name, ticket.context, ticket.ticket.place) == ("李*", CONTEXT, (1, 7, "i2"))
    live = second.live.get("i1")
    assert live is not None
    assert live.has_present("p1")
    # What is written now is newer than everything before, even with a clock that was set back.
    assert second.next_revision() > before
    assert list(await second.messages("i1", before_seq=4, after_seq=None, limit=2)) == list(MESSAGES[1:3])
    assert list(await second.messages("i1", before_seq=None, after_seq=3, limit=9)) == list(MESSAGES[3:])
    await second.records.close()


async def test_what_is_still_to_be_wrapped_up_is_known(ready_url: URL, tmp_path: Path) -> None:
    first = await opened(ready_url, tmp_path)
    closed = replace(
        INTERACTION,
        phase=InteractionPhase.CLOSED,
        closed_at=2_000,
        closed_by="a1",
        close_reason=CloseReason.AGENT_ENDED,
    )
    first.keep(INTERACTION, *MEMBERS)
    first.keep(closed)
    await first.records.close()
    second = await opened(ready_url, tmp_path)
    second._clock_us = lambda: 3_000_000
    assert (await second.restore(kept_messages=3)).to_wrap_up == (closed,)
    second._clock_us = lambda: 4_000_000_000
    assert (await second.restore(kept_messages=3)).to_wrap_up == (), "an hour later nobody cares"
    second._clock_us = lambda: 3_000_000
    second.keep(replace(closed, wrap_up_code="other"))
    await second.records.writer.drain()
    assert (await second.restore(kept_messages=3)).to_wrap_up == ()
    await second.records.close()


async def test_agents_who_had_not_signed_out_are_known_by_their_last_status(
    ready_url: URL, tmp_path: Path
) -> None:
    first = await opened(ready_url, tmp_path)
    async with first.write() as connection:
        await save_all(connection, demo.organisation(), demo.SKILLS)
    free, busy, away = AgentStatus.FREE, AgentStatus.BUSY, AgentStatus.AWAY
    # Several within one millisecond: the last one written counts.
    first.keep(
        KeptAgentStatus("agent01", free, StatusReason.SIGNED_IN, 1_000, free),
        KeptAgentStatus("agent01", busy, StatusReason.LOAD, 1_000, free),
        KeptAgentStatus("agent02", free, StatusReason.SIGNED_IN, 1_000, free),
        KeptAgentStatus("agent02", AgentStatus.OFFLINE, StatusReason.SIGNED_OUT, 1_000, AgentStatus.OFFLINE),
        KeptAgentStatus("agent11", free, StatusReason.SIGNED_IN, 1_000, free),
        KeptAgentStatus("agent11", away, StatusReason.MISSED_OFFER, 1_001, away),
    )
    await first.records.close()
    second = await opened(ready_url, tmp_path)
    work = await second.restore(kept_messages=3)
    assert {one.agent_id: (one.status, one.chosen) for one in work.agents} == {
        "agent01": (busy, free),
        "agent11": (away, away),
    }
    await second.records.close()


async def test_what_was_kept_a_moment_ago_is_read(ready_url: URL, tmp_path: Path) -> None:
    recording = await opened(ready_url, tmp_path)
    recording.keep(INTERACTION, *MEMBERS)
    assert await recording.closed("i1") is None
    closed = replace(
        INTERACTION, phase=InteractionPhase.CLOSED, closed_at=2_000, closed_by="p1", close_reason=CloseReason.TAXPAYER_ENDED
    )  # fmt: skip
    recording.keep(closed)
    await recording.records.writer.drain()
    (to_rate,) = await recording.to_finish("p1", 1_500)
    assert (to_rate.interaction, to_rate.staff_number, to_rate.rating) == (closed, "101", None)
    assert [one.interaction.interaction_id for one in await recording.to_finish("a1", 1_500)] == ["i1"]
    assert await recording.to_finish("p1", 2_000) == []
    rating = KeptRating("i1", "p1", "a1", True, None, 2_001)
    recording.keep(rating, replace(rating, resolved=False))
    found = await recording.closed("i1")
    assert found is not None
    assert found.rating == rating
    assert await recording.to_finish("p1", 1_500) == []
    recording.keep(replace(closed, wrap_up_code="other"))
    await recording.records.writer.drain()
    assert await recording.to_finish("a1", 1_500) == []
    assert await recording.last_agent("p1") == "a1"
    await recording.records.close()


async def test_the_last_agent_is_known_without_the_database(ready_url: URL, tmp_path: Path) -> None:
    first = await opened(ready_url, tmp_path)
    first.keep(INTERACTION, *MEMBERS)
    await first.records.database.close()
    assert await first.last_agent("p1") == "a1", "from memory"
    await first.records.close()
    second = await opened(ready_url, tmp_path)
    assert await second.last_agent("p1") == "a1", "from the record"
    await second.records.close()


async def test_a_read_nobody_needs_gives_way_to_a_database_that_hangs() -> None:
    reads, hanging, begun = OptionalReads(at_once=2, wait_s=0.05, pause_s=60), asyncio.Event(), 0

    async def hang() -> str:
        nonlocal begun
        begun += 1
        await hanging.wait()
        return "late"

    async def fail() -> str:
        raise RecordsUnavailable

    async def answer() -> str:
        return "soon"

    assert await reads.run(answer) == "soon"
    results = await asyncio.gather(*(reads.run(hang) for _ in range(50)), return_exceptions=True)
    assert {type(result) for result in results} == {RecordsUnavailable}
    assert begun == 2, "a rush takes two connections and no more"
    with pytest.raises(RecordsUnavailable):
        await reads.run(answer)  # not even tried for a while
    hanging.set()
    await reads.stop()

    reads = OptionalReads(pause_s=0)
    with pytest.raises(RecordsUnavailable):
        await reads.run(fail)
    assert await reads.run(answer) == "soon", "it is back"
    with pytest.raises(ZeroDivisionError):
        await reads.run(_fault)
    await reads.stop()


async def _fault() -> None:
    raise ZeroDivisionError


async def test_closed_interactions_are_forgotten_when_the_database_has_them(
    ready_url: URL, tmp_path: Path
) -> None:
    recording = await opened(ready_url, tmp_path)
    recording.keep(INTERACTION, *MEMBERS)
    recording.keep(replace(INTERACTION, phase=InteractionPhase.CLOSED, closed_at=2_000))
    await recording.records.writer.drain()
    recording.keep(KeptAgentStatus("a1", AgentStatus.AWAY, StatusReason.CHOSEN, 2_001, AgentStatus.AWAY))
    assert len(recording.live) == 0
    await recording.records.close()


async def test_nothing_is_acknowledged_that_could_not_be_kept(
    ready_url: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = await opened(ready_url, tmp_path)

    def full(_: object) -> int:
        raise JournalFailed("No space left on device")

    monkeypatch.setattr(recording.records.journal, "append", full)
    with pytest.raises(RecordsUnavailable):
        recording.keep(INTERACTION)
    assert recording.live.get("i1") is None
    await recording.records.close()


def test_entries_of_an_older_version_have_defaults_for_what_it_did_not_know() -> None:
    old = {
        "interaction_id": "i1", "seq": 1, "sender_id": "p1", "client_message_id": "c1",
        "kind": "text", "text": "您好", "sent_at": 1,
    }  # fmt: skip
    message = MESSAGE.of(old)
    assert (message.sender_role, message.card, message.file_id) == (None, None, None)
    with pytest.raises(KeyError):
        MESSAGE.of({name: value for name, value in old.items() if name != "seq"})
    assert base.plain(message.kind) == "text"
