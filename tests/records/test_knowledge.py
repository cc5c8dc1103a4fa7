"""The knowledge on SQLite and PostgreSQL: filters, versions, and the counter every node follows."""

from __future__ import annotations

import asyncio

from chatbot.knowledge import Question
from rtc_server.knowledge.service import stored
from rtc_server.records import knowledge
from rtc_server.records.database import Database
from rtc_server.records.knowledge import QUESTIONS, Part, StoredPart, Validity
from rtc_server.records.lists import Asked, find


def a_question(number: int, **more: object) -> knowledge.StoredQuestion:
    from dataclasses import replace

    made = stored(Question(f"q-{number}", "t", f"问题 {number} 100%", (f"说法 {number}",), "答"), 1, "e")
    return replace(made, **{"updated_at": number, **more})  # type: ignore[arg-type]


async def test_filters_and_pages(database: Database) -> None:
    async with database.write() as connection:
        for number in range(1, 13):
            await knowledge.save(connection, a_question(number))
        await knowledge.save(connection, a_question(13, topic="u", pinned=True, valid_until="2026-01-31"))
        await knowledge.save(connection, a_question(14, valid_from="2026-02-02"))
    async with database.read() as connection:

        async def found(
            page: int = 1, size: int = 10, words: str = "", validity: Validity | None = None, **values: object
        ) -> tuple[list[str], int]:
            scope = knowledge.matching(words, validity, "2026-02-01")
            listed = await find(connection, QUESTIONS, scope, Asked(values, page=page, size=size))
            return [row.question_id for row in listed.items], listed.total

        assert await found(size=3) == (["q-14", "q-13", "q-12"], 14)
        assert await found(page=2, size=12) == (["q-2", "q-1"], 14)
        assert await found(words="说法 12") == (["q-12"], 1)
        assert await found(words="q-7") == (["q-7"], 1)
        assert (await found(words="0%"))[1] == 14
        assert (await found(words="1_0"))[1] == 0
        assert await found(topic="u") == (["q-13"], 1)
        assert await found(pinned=True) == (["q-13"], 1)
        assert await found(validity=Validity.EXPIRED) == (["q-13"], 1)
        assert await found(validity=Validity.COMING) == (["q-14"], 1)
        assert (await found(validity=Validity.IN_FORCE))[1] == 12


async def test_versions_outlive_the_question(database: Database) -> None:
    async with database.write() as connection:
        await knowledge.save(connection, a_question(1))
        await knowledge.save(connection, a_question(1, title="新", revision=2))
        await knowledge.remove(connection, "q-1", 9, "f")
    async with database.read() as connection:
        assert await knowledge.get(connection, "q-1") is None
        kept = await knowledge.versions(connection, "q-1")
        assert [(one.revision, one.content is None, one.saved_by) for one in kept] == [
            (3, True, "f"),
            (2, False, "e"),
            (1, False, "e"),
        ]
        assert await knowledge.revisions(connection) == {"q-1": 3}


async def test_every_change_counts_also_at_the_same_time(database: Database) -> None:
    async def change(number: int) -> int:
        async with database.write() as connection:
            version = await knowledge.begin_change(connection)
            await knowledge.save_part(connection, StoredPart(Part.TOPICS, [number], number, "e"))
            return version

    assert sorted(await asyncio.gather(*(change(n) for n in range(8)))) == list(range(1, 9))
    async with database.read() as connection:
        assert await knowledge.version(connection) == 8
        assert list(await knowledge.parts(connection)) == [Part.TOPICS]
