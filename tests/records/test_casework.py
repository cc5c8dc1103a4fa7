"""Slots that are never over-booked, numbers given once, lists that filter and page: on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from rtc_server.casework import appointments as rules
from rtc_server.casework.appointments import Appointment
from rtc_server.casework.inquiries import Inquiry
from rtc_server.casework.notices import Notice
from rtc_server.casework.states import (
    AppointmentMethod,
    AppointmentOrigin,
    AppointmentProgress,
    AppointmentState,
    InquiryKind,
    InquiryState,
    NoticeKind,
    NoticeState,
    TaxpayerKind,
)
from rtc_server.records import appointments, changes, inquiries, notices
from rtc_server.records.appointments import SlotCapacity
from rtc_server.records.database import Database
from rtc_server.records.inquiries import INQUIRIES, INQUIRY
from rtc_server.records.lists import Asked, everything, find
from rtc_server.records.numbering import next_number
from rtc_server.records.store import store
from rtc_server.records.taxpayers import TAXPAYER, Taxpayer
from signaling.errors import DomainError, ErrorCode

NOON = 1_795_233_600_000


def an_appointment(number: int, taxpayer: str = "", starts_at: int = NOON) -> Appointment:
    return Appointment(
        appointment_id=f"a{number:04}",
        revision=1,
        number=f"YYFW44000020261121{number:04}",
        origin=AppointmentOrigin.TAXPAYER,
        taxpayer_id=taxpayer or f"t{number:04}",
        taxpayer_name="张*",
        centre_id="gd",
        authority="440000",
        service="general",
        method=AppointmentMethod.WINDOW,
        subject="咨询",
        starts_at=starts_at,
        ends_at=starts_at + rules.SLOT_MS,
        state=AppointmentState.BOOKED,
        progress=AppointmentProgress.NOT_STARTED,
        created_at=number,
        created_by="t",
    )


def an_inquiry(number: int, **changed: object) -> Inquiry:
    made = Inquiry(
        inquiry_id=f"q{number:04}",
        revision=1,
        number=f"LYZX44000020261121{number:04}",
        taxpayer_id=f"t{number % 3}",
        taxpayer_name="张*",
        centre_id="gd" if number % 2 else "ah",
        authority="440000",
        kind=InquiryKind.OTHER if number % 5 else InquiryKind.COMPLAINT,
        content=f"内容{number}，100%",
        state=InquiryState.SUBMITTED,
        created_at=1_000 + number // 2,
    )
    return replace(made, **changed)  # type: ignore[arg-type]


async def test_a_hundred_at_once_never_over_book_a_slot(database: Database) -> None:
    capacity = 7
    async with database.write() as connection:
        await appointments.set_capacity(connection, SlotCapacity("gd", AppointmentMethod.WINDOW, capacity))

    async def book(number: int) -> ErrorCode | None:
        try:
            async with database.write() as connection:
                given = await next_number(connection, "YYFW", "440000", NOON)
                await appointments.book(connection, replace(an_appointment(number), number=given))
        except DomainError as error:
            return error.code
        return None

    answers = await asyncio.gather(*(book(number) for number in range(100)))
    assert answers.count(None) == capacity
    assert answers.count(ErrorCode.SLOT_FULL) == 100 - capacity
    async with database.read() as connection:
        found = await find(connection, appointments.APPOINTMENTS, [], Asked(size=100))
        taken = await appointments.booked(connection, "gd", AppointmentMethod.WINDOW, [NOON])
    assert (found.total, taken[NOON]) == (capacity, capacity)
    # What was refused took no number.
    assert sorted(one.number[-4:] for one in found.items) == [f"{n:04}" for n in range(1, capacity + 1)]
    first = found.items[0]
    async with database.write() as connection:
        await appointments.change(connection, first, rules.cancel(first, None, NOON))
    assert await book(900) is None
    assert await book(901) is ErrorCode.SLOT_FULL


async def test_one_person_is_in_one_place_at_a_time(database: Database) -> None:
    async def book(number: int) -> ErrorCode | None:
        try:
            async with database.write() as connection:
                await appointments.book(connection, an_appointment(number, "t1"))
        except DomainError as error:
            return error.code
        return None

    answers = await asyncio.gather(*(book(number) for number in range(3)))
    assert sorted(answers, key=str) == [None, ErrorCode.ALREADY_BOOKED, ErrorCode.ALREADY_BOOKED]
    for number in range(10, 14):
        async with database.write() as connection:
            await appointments.book(connection, an_appointment(number, "t1", NOON + number * rules.SLOT_MS))
    with pytest.raises(DomainError, match="too_many_appointments"):
        async with database.write() as connection:
            await appointments.book(connection, an_appointment(20, "t1", NOON + 20 * rules.SLOT_MS))
    async with database.read() as connection:
        taken = await appointments.booked(
            connection, "gd", AppointmentMethod.WINDOW, [NOON + 20 * rules.SLOT_MS]
        )
    assert taken == {}, "who was refused holds no place"


async def test_numbers_are_given_once_and_without_gaps(database: Database) -> None:
    async def number() -> str:
        async with database.write() as connection:
            return await next_number(connection, "LYZX", "440106", NOON)

    given = await asyncio.gather(*(number() for _ in range(40)))
    assert sorted(given) == [f"LYZX44010620261121{n:04}" for n in range(1, 41)]


async def test_only_who_saw_the_present_revision_changes_a_row(database: Database) -> None:
    known = an_inquiry(1)
    async with database.write() as connection:
        await changes.add(connection, INQUIRY, known)

    async def answer(text: str) -> bool:
        try:
            async with database.write() as connection:
                await changes.change(connection, INQUIRY, known, replace(known, answer=text))
        except DomainError as error:
            return error.code is not ErrorCode.CONFLICT
        return True

    assert sorted(await asyncio.gather(*(answer(str(n)) for n in range(10)))) == [False] * 9 + [True]


async def test_a_list_filters_sorts_and_jumps(database: Database) -> None:
    async with database.write() as connection:
        for number in range(60):
            await changes.add(connection, INQUIRY, an_inquiry(number))
    scope = [inquiries.inquiry.c.centre_id == "gd"]
    async with database.read() as connection:

        async def ask(
            page: int = 1, *, descending: bool = True, **values: object
        ) -> tuple[int, int, list[int]]:
            found = await find(
                connection, INQUIRIES, scope, Asked(values=values, page=page, descending=descending)
            )
            return found.total, found.page, [int(one.inquiry_id[1:]) for one in found.items]

        odd = list(range(59, 0, -2))
        assert await ask() == (30, 1, odd[:10])
        assert await ask(3) == (30, 3, odd[20:])
        assert await ask(99) == (30, 3, odd[20:]), "behind the last is the last"
        assert await ask(descending=False) == (30, 1, odd[::-1][:10])
        assert (await ask(kind=InquiryKind.COMPLAINT))[2] == [55, 45, 35, 25, 15, 5]
        assert (await ask(kind=InquiryKind.COMPLAINT, content="5，100%"))[0] == 6
        assert (await ask(content="%_"))[0] == 0, "signs of LIKE are letters like others"
        assert (await ask(number="lyzx440000202611210005"))[2] == [5]
        assert (await ask(number="LYZX440000202611210009"))[2] == [9]
        assert (await ask(number="LYZX44000020261121005"))[2] == [59, 57, 55, 53, 51]
        assert (await ask(created_from=1_010, created_before=1_012))[2] == [23, 21]
        assert (await ask(state=InquiryState.ANSWERED)) == (0, 1, [])
        assert (await ask(content=""))[0] == 30
        whole = [one async for one in everything(connection, INQUIRIES, scope, Asked(), 25)]
    assert [int(one.inquiry_id[1:]) for one in whole] == odd[:25]


def a_notice(**changed: object) -> Notice:
    made = Notice(
        notice_id="n1",
        revision=1,
        kind=NoticeKind.POLICY,
        title="政策",
        body="内容",
        source="中心",
        todo=True,
        state=NoticeState.SCHEDULED,
        created_at=1,
        created_by="lead01",
        publish_at=1,
        centre_id="gd",
        authority="440000",
    )
    return replace(made, **changed)  # type: ignore[arg-type]


async def test_a_notice_reaches_its_whole_audience_once(database: Database) -> None:
    people = [
        ("t1", TaxpayerKind.PERSON, "440106"),
        ("t2", TaxpayerKind.COMPANY, "440106"),
        ("t3", TaxpayerKind.PERSON, "340000"),
        ("t4", TaxpayerKind.PERSON, None),
    ]
    below = ["440000", "440100", "440106"]
    async with database.write() as connection:
        await store(
            connection, TAXPAYER, [Taxpayer(own, 1, "张*", kind, where, 1) for own, kind, where in people]
        )
        reached = {
            "all": a_notice(),
            "people": a_notice(taxpayer_kind=TaxpayerKind.PERSON),
            "named": a_notice(people=("t2", "t3")),
            "nobody": a_notice(authority=None),
        }
        counts = {}
        for name, one in reached.items():
            for _ in range(2):
                counts[name] = await notices.deliver(connection, replace(one, notice_id=name), below, 5)
    assert counts == {"all": 2, "people": 1, "named": 1, "nobody": 0}
    async with database.read() as connection:
        unread = await notices.counts(connection, ["t1", "t2", "t3"])
        inbox = await find(connection, notices.DELIVERIES, notices.own("t1"), Asked())
    assert unread == {"t1": notices.Unread(2, 2), "t2": notices.Unread(2, 2)}
    assert {one.notice_id for one in inbox.items} == {"all", "people"}
    async with database.write() as connection:
        await notices.mark_read(connection, "t2", [one.delivery_id for one in inbox.items], 9)
        await notices.mark_read(connection, "t1", [inbox.items[0].delivery_id], 9)
        await notices.withdraw(connection, inbox.items[1].notice_id)
    async with database.read() as connection:
        counted = await notices.counts(connection, ["t1"])
    assert counted == {"t1": notices.Unread(0, 1)}, (
        "of another nothing was marked, and what is withdrawn is gone"
    )
