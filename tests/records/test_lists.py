"""Lists on SQLite and PostgreSQL: words over several pages, and what staff have to do with of the mediations."""

from __future__ import annotations

from rtc_server.casework.inquiries import Inquiry
from rtc_server.casework.states import InquiryKind, InquiryState
from rtc_server.records import changes, mediations
from rtc_server.records.database import Database
from rtc_server.records.inquiries import INQUIRIES, INQUIRY, inquiry
from rtc_server.records.lists import WORDS_WITHIN, Asked, find
from rtc_server.records.mediations import MEDIATION, UNFINISHED, MediationRecord
from signaling.sessions.meeting_states import MediationPhase

APPLIED, DISPATCHED, DONE = MediationPhase.APPLIED, MediationPhase.DISPATCHED, MediationPhase.DONE


def an_inquiry(number: int) -> Inquiry:
    return Inquiry(
        inquiry_id=f"i{number:03}",
        revision=1,
        number=f"LYZX{number}",
        taxpayer_id="t",
        taxpayer_name="张*",
        centre_id="gd",
        authority=None,
        kind=InquiryKind.COMPLAINT if number % 2 else InquiryKind.OTHER,
        content="发票" if number % 3 == 0 else "社保",
        state=InquiryState.SUBMITTED,
        created_at=number,
    )


async def test_words_are_found_on_every_page_in_either_order(database: Database) -> None:
    async with database.write() as connection:
        for number in range(60):
            await changes.add(connection, INQUIRY, an_inquiry(number))
    scope = [inquiry.c.centre_id == "gd"]
    async with database.read() as connection:

        async def found(**asked: object) -> tuple[list[str], int, int]:
            values = {"content": "发票"}
            listed = await find(connection, INQUIRIES, scope, Asked(values, size=8, **asked))  # type: ignore[arg-type]
            assert listed.within == WORDS_WITHIN
            return [one.inquiry_id for one in listed.items], listed.total, listed.page

        items, total, _ = await found()
        assert (items[0], len(items), total) == ("i057", 8, 20)
        assert await found(page=3) == (["i009", "i006", "i003", "i000"], 20, 3)
        assert await found(page=99) == await found(page=3)
        assert (await found(descending=False))[0][:2] == ["i000", "i003"]
        values = {"content": "发票", "kind": InquiryKind.COMPLAINT}
        assert (await find(connection, INQUIRIES, scope, Asked(values))).total == 10
        nothing = await find(connection, INQUIRIES, scope, Asked({"content": "没有"}))
        assert (nothing.items, nothing.total, nothing.page) == ((), 0, 1)


async def test_staff_have_the_oldest_unfinished_applications_of_theirs_first(database: Database) -> None:
    def application(
        number: int, phase: MediationPhase, authority: str, agent: str | None = None
    ) -> MediationRecord:
        return MediationRecord(
            f"a{number}", 1, f"TJSQ{number}", "t", "张*", authority, "事", "由", number, phase, agent_id=agent
        )

    made = (
        application(1, APPLIED, "广东"),
        application(2, DISPATCHED, "440000", "agent02"),
        application(3, APPLIED, "340000"),
        application(4, DISPATCHED, "340000", "agent01"),
        application(5, DONE, "440000", "agent01"),
        application(6, APPLIED, "440000", "agent01"),
    )
    async with database.write() as connection:
        for one in made:
            await changes.add(connection, MEDIATION, one)
    own = ("440000", "广东")
    async with database.read() as connection:

        async def ids(phases: tuple[MediationPhase, ...], limit: int = 10) -> list[str]:
            rows = await mediations.unfinished(connection, own, phases, "agent01", limit)
            return [one.application_id for one in rows]

        assert await ids((APPLIED,)) == ["a1", "a4", "a6"]
        assert await ids(UNFINISHED) == ["a1", "a2", "a4", "a6"]
        assert await ids(UNFINISHED, limit=2) == ["a1", "a2"]
