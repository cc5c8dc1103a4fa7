"""What 悦悦 knows, in the database: questions with all their versions, and the parts that are edited as a whole.

The content of a question is JSON in the form of ``chatbot.exchange``; what lists filter by stands beside it in columns.
``knowledge_state`` counts every change, so that each node sees with one small query whether its index is old.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    Table,
    Text,
    cast,
    delete,
    exists,
    func,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records.base import Kind, metadata
from rtc_server.records.lists import Filter, ListSpec
from rtc_server.records.store import put

_STATE = "knowledge"


class Part(StrEnum):
    """Edited as a whole; the word is also the key of the JSON form."""

    TOPICS = "topics"
    SYNONYMS = "synonyms"
    OFF_SUBJECT = "off_subject"
    CLARIFICATIONS = "clarifications"
    PACKS = "packs"
    QUICK_ENTRIES = "quick_entries"
    RIGHTS = "rights"


@dataclass(frozen=True, slots=True)
class StoredQuestion:
    """``revision`` counts the versions of this question. ``searched`` is title and aliases in lower case, for lists."""

    question_id: str
    topic: str
    title: str
    searched: str
    pinned: bool
    valid_from: str | None
    valid_until: str | None
    content: Any
    revision: int
    updated_at: int
    updated_by: str


@dataclass(frozen=True, slots=True)
class QuestionVersion:
    """``content`` None: removed with this version."""

    question_id: str
    revision: int
    content: Any
    saved_at: int
    saved_by: str


@dataclass(frozen=True, slots=True)
class StoredPart:
    name: Part
    content: Any
    updated_at: int
    updated_by: str


knowledge_question = Table(
    "knowledge_question",
    metadata,
    Column("question_id", Text, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("searched", Text, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("valid_from", Text),
    Column("valid_until", Text),
    Column("content", JSON, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
    # Counted, filtered and paged from this one alone, but for words.
    Index(
        "ix_knowledge_question_list",
        "updated_at",
        "question_id",
        "topic",
        "pinned",
        "valid_from",
        "valid_until",
    ),
)

knowledge_version = Table(
    "knowledge_version",
    metadata,
    Column("question_id", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("content", JSON(none_as_null=True)),
    Column("saved_at", BigInteger, nullable=False),
    Column("saved_by", Text, nullable=False),
    Index(
        "ix_knowledge_version_removed",
        "saved_at",
        "question_id",
        "revision",
        sqlite_where=text("content IS NULL"),
        postgresql_where=text("content IS NULL"),
    ),
)

knowledge_part = Table(
    "knowledge_part",
    metadata,
    Column("name", Text, primary_key=True),
    Column("content", JSON, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
)

knowledge_state = Table(
    "knowledge_state",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
)

QUESTION = Kind(knowledge_question, StoredQuestion)
VERSION = Kind(knowledge_version, QuestionVersion)
PART = Kind(knowledge_part, StoredPart)


class Validity(StrEnum):
    IN_FORCE = "in_force"
    EXPIRED = "expired"
    COMING = "coming"


_q = knowledge_question.c
QUESTIONS: ListSpec[StoredQuestion] = ListSpec(
    QUESTION,
    _q.question_id,
    {"topic": Filter(_q.topic), "pinned": Filter(_q.pinned)},
    {"updated_at": _q.updated_at},
)


def matching(words: str, validity: Validity | None, today: str) -> list[ColumnElement[bool]]:
    """All of ``words`` in title or aliases, or one of them the id. ``today`` (ISO 8601) is the day ``validity`` is judged on."""
    conditions: list[ColumnElement[bool]] = [
        or_(_q.searched.contains(word, autoescape=True), _q.question_id == word)
        for word in words.lower().split()
    ]
    match validity:
        case Validity.EXPIRED:
            conditions.append(_q.valid_until < today)
        case Validity.COMING:
            conditions.append(_q.valid_from > today)
        case Validity.IN_FORCE:
            conditions.append(or_(_q.valid_until.is_(None), _q.valid_until >= today))
            conditions.append(or_(_q.valid_from.is_(None), _q.valid_from <= today))
    return conditions


async def begin_change(connection: AsyncConnection) -> int:
    """Before anything is written: the next version of the whole. Whoever changes at the same time waits here."""
    changed = await connection.execute(
        update(knowledge_state)
        .where(knowledge_state.c.name == _STATE)
        .values(version=knowledge_state.c.version + 1)
        .returning(knowledge_state.c.version)
    )
    return int(changed.scalar_one())


async def version(connection: AsyncConnection) -> int:
    query = select(knowledge_state.c.version).where(knowledge_state.c.name == _STATE)
    return int((await connection.execute(query)).scalar_one())


async def get(connection: AsyncConnection, question_id: str) -> StoredQuestion | None:
    query = select(knowledge_question).where(knowledge_question.c.question_id == question_id)
    row = (await connection.execute(query)).one_or_none()
    return QUESTION.of_row(row) if row is not None else None


async def last_revision(connection: AsyncConnection, question_id: str) -> int:
    """Also of a question that was removed; 0 when there never was one."""
    query = select(func.max(knowledge_version.c.revision)).where(
        knowledge_version.c.question_id == question_id
    )
    return int((await connection.execute(query)).scalar_one() or 0)


async def save(connection: AsyncConnection, question: StoredQuestion) -> None:
    await put(connection, QUESTION, question)
    await put(
        connection,
        VERSION,
        QuestionVersion(
            question.question_id,
            question.revision,
            question.content,
            question.updated_at,
            question.updated_by,
        ),
    )


async def remove(connection: AsyncConnection, question_id: str, now_ms: int, by: str) -> None:
    revision = await last_revision(connection, question_id) + 1
    await connection.execute(
        delete(knowledge_question).where(knowledge_question.c.question_id == question_id)
    )
    await put(connection, VERSION, QuestionVersion(question_id, revision, None, now_ms, by))


async def versions(
    connection: AsyncConnection, question_id: str, limit: int = 50
) -> tuple[QuestionVersion, ...]:
    """The newest first."""
    query = (
        select(knowledge_version)
        .where(knowledge_version.c.question_id == question_id)
        .order_by(knowledge_version.c.revision.desc())
        .limit(limit)
    )
    return tuple(VERSION.of_row(row) for row in await connection.execute(query))


@dataclass(frozen=True, slots=True)
class RemovedQuestion:
    """``title`` of the last version it had."""

    question_id: str
    title: str
    removed_at: int
    removed_by: str


async def removed(
    connection: AsyncConnection, offset: int, limit: int
) -> tuple[Sequence[RemovedQuestion], int]:
    """Questions that are not there any more: one page, the last removed first, and how many there are."""
    last, other = knowledge_version.alias("last"), knowledge_version.alias("other")
    there = exists().where(knowledge_question.c.question_id == last.c.question_id)
    newest = (
        select(func.max(other.c.revision)).where(other.c.question_id == last.c.question_id).scalar_subquery()
    )
    gone = [last.c.content.is_(null()), last.c.revision == newest, ~there]
    total = int((await connection.execute(select(func.count()).select_from(last).where(*gone))).scalar_one())
    query = (
        select(last.c.question_id, knowledge_version.c.content, last.c.saved_at, last.c.saved_by)
        .join(
            knowledge_version,
            (knowledge_version.c.question_id == last.c.question_id)
            & (knowledge_version.c.revision == last.c.revision - 1),
        )
        .where(*gone)
        .order_by(last.c.saved_at.desc(), last.c.question_id)
        .offset(offset)
        .limit(limit)
    )
    found = await connection.execute(query)
    return [RemovedQuestion(row[0], row[1]["title"], row[2], row[3]) for row in found], total


async def part(connection: AsyncConnection, name: Part) -> Any:
    """None when it never was saved."""
    query = select(knowledge_part.c.content).where(knowledge_part.c.name == name.value)
    return (await connection.execute(query)).scalar_one_or_none()


async def save_part(connection: AsyncConnection, part: StoredPart) -> None:
    await put(connection, PART, part)


async def parts(connection: AsyncConnection) -> dict[Part, Any]:
    return {Part(row.name): row.content for row in await connection.execute(select(knowledge_part))}


async def contents(connection: AsyncConnection) -> list[Any]:
    """Of every question, in the order of their ids."""
    query = select(knowledge_question.c.content).order_by(knowledge_question.c.question_id)
    return [row.content for row in await connection.execute(query)]


async def documents(connection: AsyncConnection) -> set[str]:
    """Ids of the files of every answer there ever was."""
    of_version = knowledge_version.c.content
    query = select(of_version).where(cast(of_version, Text).contains('"documents"'))
    return {
        document["file_id"]
        for row in await connection.execute(query)
        for document in (row[0] or {}).get("documents", [])
    }


async def revisions(connection: AsyncConnection) -> dict[str, int]:
    """The last of every question there ever was."""
    query = select(knowledge_version.c.question_id, func.max(knowledge_version.c.revision)).group_by(
        knowledge_version.c.question_id
    )
    return {row[0]: int(row[1]) for row in await connection.execute(query)}
