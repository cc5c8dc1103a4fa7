"""The knowledge in force on this node: read from the database, edited there, followed when another node edits."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from chatbot.exchange import FORMAT, BadKnowledgeError, Fault, dump, dump_question, parse
from chatbot.indexer import Indexer
from chatbot.knowledge import KnowledgeBase, Question
from rtc_server.records import knowledge as rows
from rtc_server.records.knowledge import Part, StoredPart, StoredQuestion
from rtc_server.records.recording import Recording
from signaling.rooms.ports import RecordsUnavailable

log = structlog.get_logger(__name__)

FOLLOW_INTERVAL_S = 2.0
"""How long another node's edit is unknown here at most."""

Change = Callable[[AsyncConnection, KnowledgeBase], Awaitable[None]]


class Conflict(Exception):
    """Somebody saved this question or part meanwhile, or the question is not there any more."""


class KnowledgeService:
    """``await load()``, then ``start()``; ``await stop()`` at the end. ``base`` is what is in force; ``indexer`` answers
    from it, and from the one before until its index is built."""

    def __init__(self, recording: Recording, vectors: Path) -> None:
        self.base = KnowledgeBase()
        self.indexer = Indexer(vectors=vectors)
        self._recording = recording
        self._editing = asyncio.Lock()
        self._following: asyncio.Task[None] | None = None

    async def load(self, first: KnowledgeBase | None = None) -> None:
        """Read everything; ``first`` is stored when there never was anything. Raises ``RecordsUnavailable``."""
        async with self._recording.write() as connection:
            version = await rows.version(connection)
            if version == 0 and first is not None:
                version = await rows.begin_change(connection)
                await _save_questions(connection, first.questions, "system")
                await _save_parts(connection, dump(first), "system")
            base = await _read(connection, version)
        self._use(base)

    def start(self, index_after_s: float = 0.0) -> None:
        """``index_after_s``: unless somebody asks before."""
        if index_after_s == 0.0:
            self.indexer.start()
        self._following = asyncio.create_task(self._follow(index_after_s), name="knowledge")

    async def stop(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        await asyncio.to_thread(self.indexer.close)

    async def edit(self, change: Change) -> KnowledgeBase:
        """One change in one transaction; what it makes of the whole is checked before it is kept.

        Raises ``BadKnowledgeError`` and ``Conflict``, with nothing changed, and ``RecordsUnavailable``.
        """
        async with self._editing:
            async with self._recording.write() as connection:
                version = await rows.begin_change(connection)
                await change(connection, self.base)
                base = await _read(connection, version)
            self._use(base)
            return base

    async def save_question(self, question: Question, expected_revision: int, by: str) -> int:
        """``expected_revision``: the one the editor began with; 0 for a new question. Returns the new one."""
        saved = 0

        async def change(connection: AsyncConnection, _: KnowledgeBase) -> None:
            nonlocal saved
            known = await rows.get(connection, question.question_id)
            if (known.revision if known is not None else 0) != expected_revision:
                raise Conflict
            saved = await rows.last_revision(connection, question.question_id) + 1
            await rows.save(connection, stored(question, saved, by))

        await self.edit(change)
        return saved

    async def remove_questions(self, ids: Sequence[str], by: str) -> int:
        """Returns how many there were."""
        removed = 0

        async def change(connection: AsyncConnection, _: KnowledgeBase) -> None:
            nonlocal removed
            for question_id in dict.fromkeys(ids):
                if await rows.get(connection, question_id) is not None:
                    await rows.remove(connection, question_id, _now_ms(), by)
                    removed += 1

        await self.edit(change)
        return removed

    async def save_part(self, part: Part, content: object, by: str, etag: str | None = None) -> None:
        """``etag``: of what the editor began with; None replaces whatever stands there."""

        async def change(connection: AsyncConnection, _: KnowledgeBase) -> None:
            if etag is not None:
                # What is stored, not what this node knows: another node may have saved a moment ago.
                there = parse({"format": FORMAT, part.value: await rows.part(connection, part) or []})
                if etag_of(dump(there)[part.value]) != etag:
                    raise Conflict
            await rows.save_part(connection, StoredPart(part, content, _now_ms(), by))

        await self.edit(change)

    async def take_in(self, questions: Sequence[Question], parts: dict[str, Any], by: str) -> tuple[int, int]:
        """An import: questions by their id, added or replaced; parts as they are given. Returns how many questions were
        added and how many changed; one that is as it was keeps its revision."""
        added = changed = 0

        async def change(connection: AsyncConnection, base: KnowledgeBase) -> None:
            nonlocal added, changed
            # The base of this node may be older than the database: what is the same is judged by what is stored.
            known = {item["question_id"]: item for item in await rows.contents(connection)}
            news = [one for one in questions if known.get(one.question_id) != dump_question(one)]
            added = sum(one.question_id not in known for one in news)
            changed = len(news) - added
            await _save_questions(connection, news, by)
            await _save_parts(connection, parts, by)

        await self.edit(change)
        return added, changed

    def _use(self, base: KnowledgeBase) -> None:
        self.base = base
        self.indexer.offer(base)

    async def _follow(self, index_after_s: float) -> None:
        await asyncio.sleep(index_after_s)
        self.indexer.start()
        while True:
            await asyncio.sleep(FOLLOW_INTERVAL_S)
            try:
                await self.catch_up()
            except RecordsUnavailable:
                continue  # said already by whoever reads; what is known goes on answering
            except BadKnowledgeError as error:
                log.error("knowledge_unreadable", faults=len(error.faults))

    async def catch_up(self) -> bool:
        """Whether another node had changed something."""
        async with self._editing:
            async with self._recording.read(caught_up=False) as connection:
                version = await rows.version(connection)
                if version == self.base.version:
                    return False
                base = await _read(connection, version)
            self._use(base)
            return True


def etag_of(content: object) -> str:
    """Names the content of a part, as an entity tag does (RFC 9110 §8.8.3)."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def stored(question: Question, revision: int, by: str) -> StoredQuestion:
    return StoredQuestion(
        question_id=question.question_id,
        topic=question.topic,
        title=question.title,
        searched="\n".join(question.phrasings).lower(),
        pinned=question.hot_rank is not None,
        valid_from=question.valid_from.isoformat() if question.valid_from is not None else None,
        valid_until=question.valid_until.isoformat() if question.valid_until is not None else None,
        content=dump_question(question),
        revision=revision,
        updated_at=_now_ms(),
        updated_by=by,
    )


async def _save_questions(connection: AsyncConnection, questions: Sequence[Question], by: str) -> None:
    revisions = await rows.revisions(connection)
    for question in questions:
        await rows.save(connection, stored(question, revisions.get(question.question_id, 0) + 1, by))


async def _save_parts(connection: AsyncConnection, whole: dict[str, Any], by: str) -> None:
    for part in Part:
        if part.value in whole:
            await rows.save_part(connection, StoredPart(part, whole[part.value], _now_ms(), by))


async def _read(connection: AsyncConnection, version: int) -> KnowledgeBase:
    """Raises ``BadKnowledgeError``. Parsing a large base takes a while and happens in a thread."""
    parts = await rows.parts(connection)
    data = {
        "format": FORMAT,
        "questions": await rows.contents(connection),
        **{part.value: content for part, content in parts.items()},
    }
    return await asyncio.to_thread(parse, data, version)


def merged(base: KnowledgeBase, questions: Sequence[Question], parts: dict[str, Any]) -> KnowledgeBase:
    """What an import would make of the whole. Raises ``BadKnowledgeError``."""
    ours = {one.question_id: one for one in base.questions}
    ours.update({one.question_id: one for one in questions})
    whole = dump(replace(base, questions=tuple(ours.values())))
    whole.update({name: content for name, content in parts.items() if name in set(Part)})
    return parse(whole, base.version)


def read_json(content: bytes, base: KnowledgeBase) -> tuple[tuple[Question, ...], dict[str, Any]]:
    """Questions and parts of an export. Topics may be those of ``base``. Raises ``BadKnowledgeError``."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        raise BadKnowledgeError([Fault("文件", "不是有效的 JSON 文件。")]) from None
    if isinstance(data, dict) and "topics" not in data:
        data = {**data, "topics": dump(base)["topics"]}
    parsed = parse(data)
    return parsed.questions, {name: data[name] for name in set(Part) if name in data}


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
