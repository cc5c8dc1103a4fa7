"""Every query of every record kind, on both databases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.organisation import demo
from rtc_server.organisation.authorities import Authority
from rtc_server.organisation.hours import Shift, SpecialDay, weekdays
from rtc_server.records import (
    agent_status,
    audit,
    calls,
    canned_replies,
    files,
    interactions,
    messages,
    notes,
    organisation,
    ratings,
    settings,
    tickets,
    transfers,
    wrap_up_codes,
)
from rtc_server.records.base import Kind
from rtc_server.records.database import Database
from rtc_server.records.interactions import InteractionFilter
from rtc_server.records.lists import Asked, find
from rtc_server.records.paging import CursorInvalid, Page, encode_cursor
from rtc_server.records.restore import open_work
from rtc_server.records.store import store
from signaling.sessions import queue_messages as q
from signaling.sessions.queue import handle
from signaling.sessions.queue_states import (
    AgentStatus,
    CentreSettings,
    GoneReason,
    QueueState,
    StatusReason,
    TicketPhase,
)
from signaling.sessions.states import EndReason, InteractionPhase, Role
from tests.records.samples import a_member, a_message, an_interaction


async def keep(database: Database, kind: Kind[object], *records: object) -> None:
    async with database.write() as connection:
        await store(connection, kind, list(records))


async def all_pages(
    database: Database, ask: Callable[[AsyncConnection, str | None], Awaitable[Page[object]]]
) -> list[tuple[object, ...]]:
    pages, cursor = [], None
    while True:
        async with database.read() as connection:
            page = await ask(connection, cursor)
        pages.append(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return pages


async def test_interactions(database: Database) -> None:
    rows = [
        an_interaction(1, "p1"),
        an_interaction(2, "p2", agent_id="agent02", opened_at=1_000),
        an_interaction(3, "p1", phase=InteractionPhase.CLOSED, closed_at=5_000, agent_id=None),
        an_interaction(4, "p1", centre_id="ah", agent_id="agent11"),
    ]
    await keep(database, interactions.INTERACTION, *rows)
    async with database.read() as connection:

        async def found(**wanted: object) -> list[str]:
            page = await interactions.search(connection, InteractionFilter(**wanted))  # type: ignore[arg-type]
            return [each.interaction_id for each in page.items]

        assert await interactions.get(connection, "i0003") == rows[2]
        assert await interactions.get(connection, "nothing") is None
        assert await found() == ["i0004", "i0003", "i0002", "i0001"]
        assert await found(taxpayer_id="p1") == ["i0004", "i0003", "i0001"]
        assert await found(agent_id="agent02") == ["i0002"]
        assert await found(centre_ids=frozenset({"ah", "x"})) == ["i0004"]
        assert await found(centre_ids=frozenset()) == []
        assert await found(phase=InteractionPhase.CLOSED) == ["i0003"]
        assert await found(opened_from=1_000, opened_to=3_000) == ["i0002", "i0001"]
        assert await interactions.last_agent(connection, "p1") == "agent11"
        assert await interactions.last_agent(connection, "nobody") is None
    pages = await all_pages(
        database, lambda connection, cursor: interactions.search(connection, InteractionFilter(), cursor, 2)
    )
    assert [[each.interaction_id for each in page] for page in pages] == [
        ["i0004", "i0003"],
        ["i0002", "i0001"],
    ]  # type: ignore[attr-defined]


async def test_members(database: Database) -> None:
    await keep(database, interactions.INTERACTION, an_interaction(1), an_interaction(2))
    agent = a_member(1, "agent01", Role.AGENT, joined_at=1_500)
    left = a_member(1, revision=2, left_at=2_000)
    await keep(database, interactions.INTERACTION_MEMBER, a_member(1), agent, left, a_member(2, "p2"))
    async with database.read() as connection:
        found = await interactions.members(connection, ["i0001", "i0002"])
        assert found == {"i0001": (left, agent), "i0002": (a_member(2, "p2"),)}
        assert await interactions.is_member(connection, "i0001", "agent01")
        assert not await interactions.is_member(connection, "i0002", "agent01")


async def test_messages(database: Database) -> None:
    await keep(
        database, interactions.INTERACTION, an_interaction(1), an_interaction(2), an_interaction(3, "other")
    )
    first = [a_message(1, seq) for seq in range(1, 6)]
    second = [a_message(2, seq, sender=None if seq == 1 else "p1") for seq in range(1, 4)]
    await keep(database, messages.MESSAGE, *first, *second, a_message(3, 1))
    async with database.read() as connection:
        assert await messages.before(connection, "i0001", limit=2) == tuple(first[3:])
        assert await messages.before(connection, "i0001", seq=4, limit=2) == tuple(first[1:3])
        assert await messages.after(connection, "i0001", 3) == tuple(first[3:])
        assert await messages.after(connection, "i0001", 5) == ()
        assert await messages.last_seqs(connection, ["i0001", "i0002", "none"]) == {"i0001": 5, "i0002": 3}
        assert await messages.tails(connection, ["i0001", "i0002"], 2) == {
            "i0001": tuple(first[3:]),
            "i0002": tuple(second[1:]),
        }
    pages = await all_pages(
        database, lambda connection, cursor: messages.history(connection, "p1", cursor, 3)
    )
    assert [message for page in pages for message in page] == [*reversed(second), *reversed(first)]
    assert [len(page) for page in pages] == [3, 3, 2]


async def test_text_of_any_kind_comes_back_whole(database: Database) -> None:
    text = "税务🙂\n\t\"'\\ \u2028 ‮ 𠮷 ％_ \x01" + "长" * 5_000  # noqa: PLE2502
    await keep(database, interactions.INTERACTION, an_interaction())
    await keep(database, messages.MESSAGE, a_message(1, 1, text=text), a_message(1, 2, text="a\x00b"))
    async with database.read() as connection:
        found = await messages.after(connection, "i0001", 0)
    assert [message.text for message in found] == [text, "ab"]


async def test_files(database: Database) -> None:
    await keep(database, interactions.INTERACTION, an_interaction())
    sent = files.File(
        "f1",
        1,
        "i0001",
        "p1",
        "申报表.pdf",
        "application/pdf",
        20 * 2**20,
        None,
        files.FileState.UPLOADING,
        100,
    )
    stored = replace(
        sent, file_id="f2", sha256="0" * 64, state=files.FileState.STORED, created_at=50, width=3, height=4
    )
    await keep(database, files.FILE, sent, stored)
    async with database.read() as connection:
        assert await files.get(connection, "f2") == stored
        assert await files.get(connection, "f9") is None
        assert await files.of_interaction(connection, "i0001") == (stored, sent)
        assert await files.unfinished(connection, 101) == (sent,)
        assert await files.unfinished(connection, 100) == ()


async def test_calls(database: Database) -> None:
    await keep(database, interactions.INTERACTION, an_interaction(1), an_interaction(2))
    call = calls.CallRecord("c1", 1, "i0001", calls.CallKind.CALL, "agent01", 10)
    ended = calls.CallRecord(
        "c2", 4, "i0002", calls.CallKind.ASSISTANCE, "p1", 5, 6, 7, 8, "p1", EndReason.HUNG_UP
    )
    await keep(database, calls.CALL_RECORD, call, ended)
    async with database.read() as connection:
        assert await calls.of_interactions(connection, ["i0001", "i0002"]) == (ended, call)
        assert await calls.of_interactions(connection, ["i0001", "i0002"], running=True) == (call,)
        assert await calls.of_interactions(connection, []) == ()


async def test_ratings_count_once(database: Database) -> None:
    await keep(
        database,
        interactions.INTERACTION,
        an_interaction(1),
        an_interaction(2),
        an_interaction(3, centre_id="x"),
    )
    good = ratings.Rating("i0001", "p1", "agent01", True, None, 10)
    bad = ratings.Rating("i0002", "p1", "agent01", False, "没有解决", 20)
    await keep(
        database, ratings.RATING, good, bad, replace(bad, solved=True), replace(good, interaction_id="i0003")
    )
    async with database.read() as connection:
        assert await ratings.get(connection, "i0002") == bad
        assert await ratings.get(connection, "none") is None
        assert await ratings.summary(connection, "gd", 0, 100) == ratings.RatingSummary(1, 1)
        assert await ratings.summary(connection, "gd", 11, 20) == ratings.RatingSummary(0, 0)


async def test_transfers(database: Database) -> None:
    await keep(database, interactions.INTERACTION, an_interaction())
    asked = transfers.Transfer("x1", 1, "i0001", "agent01", None, "ah", transfers.TransferOutcome.PENDING, 10)
    taken = replace(
        asked, revision=2, outcome=transfers.TransferOutcome.ACCEPTED, decided_at=11, taken_by="agent11"
    )
    other = replace(asked, transfer_id="x0", asked_at=5, to_agent="agent02", to_centre=None)
    await keep(database, transfers.TRANSFER, asked, taken, other)
    async with database.read() as connection:
        assert await transfers.of_interaction(connection, "i0001") == (other, taken)


async def test_tickets_come_back_as_the_queue_had_them(database: Database) -> None:
    state, now = QueueState(), 1_000
    for command in (
        q.ConfigureCentre("gd", CentreSettings()),
        q.AgentSignedIn("agent01", frozenset({"gd"}), frozenset({"vat"}), 1),
        q.Join("t1", "p1", "gd", True),
        q.AcceptOffer("agent01", "t1"),
        q.Join("t2", "p2", "gd", True, frozenset({"vat"}), "agent01"),
        q.Join("t3", "p3", "gd", True),
    ):
        state, _ = handle(state, command, now)
    live = sorted(state.tickets.values(), key=lambda ticket: ticket.place)
    gone = tickets.record_of(replace(live[0], ticket_id="t0"), 1, 2_000, GoneReason.SERVED)
    await keep(database, tickets.TICKET, gone, *(tickets.record_of(ticket, 1) for ticket in live))
    async with database.read() as connection:
        found = [tickets.ticket_of(record) for record in await tickets.in_queue(connection)]
    assert [replace(ticket, wait_deadline_ms=None) for ticket in live] == found
    assert found[0].phase is TicketPhase.ASSIGNED
    assert found[1].skills == {"vat"}


async def test_agent_status(database: Database) -> None:
    changes = tuple(
        agent_status.AgentStatusChange(f"s{at}", "agent01", status, StatusReason.CHOSEN, at)
        for at, status in ((10, AgentStatus.FREE), (50, AgentStatus.AWAY), (70, AgentStatus.FREE))
    )
    await keep(database, agent_status.AGENT_STATUS_CHANGE, *changes)
    async with database.read() as connection:
        assert await agent_status.of_agent(connection, "agent01", 0, 70) == changes[:2]
        assert await agent_status.of_agent(connection, "agent02", 0, 70) == ()
    assert agent_status.time_in_status(changes, 0, 100) == {
        AgentStatus.OFFLINE: 10,
        AgentStatus.FREE: 70,
        AgentStatus.AWAY: 20,
    }


async def test_notes_and_tags(database: Database) -> None:
    first = notes.Note("n1", 1, "p1", "i0001", "agent01", "需要回访", 10)
    edited = replace(first, revision=2, text="已回访")
    second = replace(first, note_id="n2", created_at=20, interaction_id=None)
    gone = replace(first, note_id="n3", removed=True)
    await keep(database, notes.NOTE, first, second, edited, gone)
    vip = notes.Tag("p1", "重点企业", 1, "agent01", 10)
    await keep(
        database, notes.TAG, vip, replace(vip, name="咨询频繁"), replace(vip, name="误加", removed=True)
    )
    async with database.read() as connection:
        assert (await notes.of_taxpayer(connection, "p1")).items == (second, edited)
        assert await notes.get(connection, "n3") == gone
        assert {tag.name for tag in await notes.tags_of(connection, "p1")} == {"重点企业", "咨询频繁"}
        assert await notes.tags_of(connection, "p2") == ()


async def test_audit_log(database: Database) -> None:
    entries = [
        audit.AuditEntry(f"e{at}", at, actor, "reveal_phone", "p1", "192.0.2.1")
        for at, actor in ((1, "agent01"), (2, "agent02"), (2, "agent01"), (3, "agent01"))
    ]
    entries[2] = replace(entries[2], entry_id="e2b", subject="p2", action="reveal_name")
    await keep(database, audit.AUDIT_ENTRY, *entries)
    async with database.read() as connection:

        async def found(**wanted: object) -> list[str]:
            listed = await find(connection, audit.AUDIT, (), Asked(values=wanted))
            return [entry.entry_id for entry in listed.items]

        assert await found() == ["e3", "e2b", "e2", "e1"]
        assert await found(actor_id="agent01", at_before=3) == ["e2b", "e1"]
        assert await found(subject="p1", at_from=2) == ["e3", "e2"]
        assert await found(action="reveal_name") == ["e2b"]
        assert await found(actions=["reveal_name", "other"]) == ["e2b"]
        pages = [await find(connection, audit.AUDIT, (), Asked(page=page, size=1)) for page in (1, 2, 3, 4)]
    assert [page.items[0].entry_id for page in pages] == ["e3", "e2b", "e2", "e1"]


async def test_canned_replies(database: Database) -> None:
    everybody = canned_replies.CannedReply(
        "r1", None, None, "问候", "开场", "您好，工号{staff_number}", "hi", 1, 10
    )
    centre = replace(everybody, reply_id="r2", centre_id="gd", title="100%减免", shortcut=None, sort_order=0)
    own = replace(everybody, reply_id="r3", owner_id="agent01", group="个人", text="稍等")
    async with database.write() as connection:
        for reply in (everybody, centre, own):
            await canned_replies.save(connection, reply)
        await canned_replies.save(connection, replace(own, text="请稍等"))
    async with database.read() as connection:

        async def found(agent: str, centre_id: str, words: str = "") -> list[str]:
            replies = await canned_replies.for_agent(connection, agent, frozenset({centre_id}), words)
            return [reply.reply_id for reply in replies]

        assert set(await found("agent01", "gd")) == {"r1", "r2", "r3"}
        assert await found("agent11", "ah") == ["r1"]
        assert await found("agent01", "gd", "请稍") == ["r3"]
        assert await found("agent01", "gd", "HI") == ["r3", "r1"]
        assert await found("agent01", "gd", "0%") == ["r2"]
        assert await found("agent01", "gd", "_") == ["r2", "r1"]
    async with database.write() as connection:
        await canned_replies.remove(connection, "r3")
        assert await canned_replies.get(connection, "r3") is None
        assert await canned_replies.get(connection, "r1") == everybody


async def test_wrap_up_codes(database: Database) -> None:
    general = wrap_up_codes.WrapUpCode("consult", None, "政策咨询", 2)
    local = wrap_up_codes.WrapUpCode("gd-1", "gd", "系统操作", 1)
    old = wrap_up_codes.WrapUpCode("old", None, "旧项", 3, active=False)
    async with database.write() as connection:
        for code in (general, local, old):
            await wrap_up_codes.save(connection, code)
        assert await wrap_up_codes.of_centre(connection, "gd") == (local, general)
        assert await wrap_up_codes.of_centre(connection, "ah", with_inactive=True) == (general, old)


async def test_settings(database: Database) -> None:
    async with database.write() as connection:
        for value in ({"a": [1, None]}, "中文", None, 3.5):
            setting = settings.Setting(settings.INSTALLATION, "x", value, 1, "admin")
            await settings.save(connection, setting)
            assert await settings.get(connection, settings.INSTALLATION, "x") == setting
        await settings.save(connection, settings.Setting("agent01", "font", 18, 1, "agent01"))
        assert await settings.of_scope(connection, "agent01") == {"font": 18}
        await settings.remove(connection, "agent01", "font")
        assert await settings.get(connection, "agent01", "font") is None


async def test_the_organisation_comes_back_as_it_was(database: Database) -> None:
    whole = demo.organisation()
    async with database.write() as connection:
        assert await organisation.is_empty(connection)
        for _ in range(2):
            await organisation.save_all(connection, whole, demo.SKILLS)
    async with database.read() as connection:
        found = await organisation.load(connection)
        assert set(await organisation.skills(connection)) == set(demo.SKILLS)
        assert not await organisation.is_empty(connection)
    assert list(found.authorities) == list(whole.authorities)
    assert dict(found.centres) == dict(whole.centres)
    assert dict(found.staff) == dict(whole.staff)


async def test_editing_the_organisation(database: Database) -> None:
    async with database.write() as connection:
        await organisation.save_all(connection, demo.organisation(), demo.SKILLS)
        before = (await organisation.load(connection)).centres["gd-zhongshan"]
        day = SpecialDay(before.holidays[0].day, "调休", (Shift(0, 60), Shift(600, 1_440)))
        changed = replace(
            before,
            name="中山",
            hours=weekdays(Shift(1, 2)),
            holidays=(day,),
            authorities=frozenset({"441900"}),
        )
        await organisation.save_centre(connection, changed)
        await organisation.save_authority(connection, Authority("442000", "中山市税务局", "中山", "440000"))
        whole = await organisation.load(connection)
        assert whole.centres["gd-zhongshan"] == changed
        served = whole.centre_for("中山")
        assert served is not None
        assert served.centre_id == "gd"
        await organisation.save_staff(
            connection, replace(whole.staff["agent02"], capacity=9, skills=frozenset({"general"}))
        )
        await organisation.remove_centre(connection, "gd-zhongshan")
        await organisation.remove_staff(connection, "agent11")
        whole = await organisation.load(connection)
        assert whole.staff["agent02"].centres == {"gd"}
        assert whole.staff["agent02"].capacity == 9
        assert "agent11" not in whole.staff
        assert "gd-zhongshan" not in whole.centres


async def test_what_was_open_is_read_back(database: Database) -> None:
    shut = an_interaction(2, "p2", phase=InteractionPhase.CLOSED)
    await keep(database, interactions.INTERACTION, an_interaction(1), shut, an_interaction(3, "p3"))
    await keep(database, interactions.INTERACTION_MEMBER, a_member(1), a_member(3, "p3"))
    lines = [a_message(1, seq) for seq in range(1, 8)]
    await keep(database, messages.MESSAGE, *lines, a_message(2, 1))
    call = calls.CallRecord("c1", 1, "i0001", calls.CallKind.CALL, "agent01", 10)
    over = calls.CallRecord("c0", 2, "i0001", calls.CallKind.CALL, "agent01", 1, ended_at=2)
    await keep(database, calls.CALL_RECORD, call, over)
    async with database.read() as connection:
        work = await open_work(connection, kept_messages=3)
    assert [each.interaction.interaction_id for each in work.interactions] == ["i0001", "i0003"]
    first, third = work.interactions
    assert (first.messages, first.last_seq, first.calls) == (tuple(lines[4:]), 7, (call,))
    assert (third.messages, third.last_seq, third.members) == ((), 0, (a_member(3, "p3"),))
    assert work.tickets == ()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "!!!",
        encode_cursor([1]),
        encode_cursor(["a", "b"]),
        encode_cursor([2**70, "a"]),
        "A" * 600,
        "W10=",
    ],
)
async def test_a_cursor_of_a_client_is_checked(cursor: str, database: Database) -> None:
    async with database.read() as connection:
        with pytest.raises(CursorInvalid):
            await interactions.search(connection, InteractionFilter(), cursor)
