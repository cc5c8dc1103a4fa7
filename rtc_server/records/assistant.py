"""What people asked 悦悦, what she said, what they thought of it, and what they keep as favourites.

``work`` says what an editor should look at; whole groups of the same question are settled at once.
"""

from __future__ import annotations

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
    func,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from chatbot.dialogue import ReplyKind
from rtc_server.records.base import Kind, metadata


class Via(StrEnum):
    """How it was asked."""

    TYPED = "typed"
    SPOKEN = "spoken"
    """Dictated, at least in part."""
    QUESTION = "question"
    """A click on a question that was shown."""
    OPTION = "option"
    """A click on an answer to a question back."""


class Feedback(StrEnum):
    USEFUL = "useful"
    USELESS = "useless"


class FeedbackReason(StrEnum):
    OFF_POINT = "off_point"
    """答非所问"""
    WRONG = "wrong"
    """答案错误"""
    OTHER = "other"


class Work(StrEnum):
    """Why a turn is on the editor's work list."""

    MISS = "miss"
    """Nothing was found."""
    UNSURE = "unsure"
    """Questions were offered to choose from."""
    USELESS = "useless"


@dataclass(frozen=True, slots=True)
class AssistantTurn:
    """``question_ids``: choices, or what is related to the answer. ``rounds`` and ``misses``: of the dialogue after it."""

    turn_id: str
    revision: int
    person_id: str
    at: int
    asked: str
    via: Via
    kind: ReplyKind
    question_id: str | None
    question_ids: tuple[str, ...]
    clarification_id: str | None
    offer_human: bool
    rounds: int
    misses: int
    region: str | None
    page: str | None
    feedback: Feedback | None = None
    feedback_reason: FeedbackReason | None = None
    work: Work | None = None
    settled_by: str | None = None


@dataclass(frozen=True, slots=True)
class Favourite:
    """收藏; ``kept`` False: taken back."""

    person_id: str
    question_id: str
    revision: int
    at: int
    kept: bool


assistant_turn = Table(
    "assistant_turn",
    metadata,
    Column("turn_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("asked", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("question_id", Text),
    Column("question_ids", JSON, nullable=False),
    Column("clarification_id", Text),
    Column("offer_human", Boolean, nullable=False),
    Column("rounds", Integer, nullable=False),
    Column("misses", Integer, nullable=False),
    Column("region", Text),
    Column("page", Text),
    Column("feedback", Text),
    Column("feedback_reason", Text),
    Column("work", Text),
    Column("settled_by", Text),
    Index(None, "person_id", "at"),
    Index(None, "at", "question_id"),
    # The work list is grouped in its order and read from it alone; settled turns, nearly all, are not in it.
    Index(
        "ix_assistant_turn_work",
        "work",
        "asked",
        "question_id",
        "at",
        "turn_id",
        "feedback_reason",
        sqlite_where=text("work IS NOT NULL"),
        postgresql_where=text("work IS NOT NULL"),
    ),
)

assistant_favourite = Table(
    "assistant_favourite",
    metadata,
    Column("person_id", Text, primary_key=True),
    Column("question_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kept", Boolean, nullable=False),
)

TURN = Kind(assistant_turn, AssistantTurn, revisioned=True)
FAVOURITE = Kind(assistant_favourite, Favourite, revisioned=True)

_t = assistant_turn.c


async def get(connection: AsyncConnection, turn_id: str) -> AssistantTurn | None:
    row = (await connection.execute(select(assistant_turn).where(_t.turn_id == turn_id))).one_or_none()
    return TURN.of_row(row) if row is not None else None


async def of_person(
    connection: AsyncConnection, person_id: str, limit: int, *, since: int = 0, until: int = 2**62
) -> tuple[AssistantTurn, ...]:
    """The last ones of ``since <= at < until``, in their order."""
    query = (
        select(assistant_turn)
        .where(_t.person_id == person_id, _t.at >= since, _t.at < until)
        .order_by(_t.at.desc(), _t.turn_id.desc())
        .limit(limit)
    )
    return tuple(reversed([TURN.of_row(row) for row in await connection.execute(query)]))


async def favourites(connection: AsyncConnection, person_id: str) -> tuple[str, ...]:
    """Ids of questions, the newest first."""
    table = assistant_favourite.c
    query = (
        select(table.question_id)
        .where(table.person_id == person_id, table.kept.is_(True))
        .order_by(table.at.desc(), table.question_id)
    )
    return tuple(row.question_id for row in await connection.execute(query))


async def askers(connection: AsyncConnection, since: int, day_ms: int) -> list[tuple[str, int, int]]:
    """``(question_id, day, people)``: how many people got this answer on each day since. One person counts once a day."""
    day = _day(0, day_ms)
    query = (
        select(_t.question_id, day, func.count(_t.person_id.distinct()))
        .where(_t.at >= since, _t.question_id.is_not(None))
        .group_by(_t.question_id, day)
    )
    return [(row[0], int(row[1]), int(row[2])) for row in await connection.execute(query)]


def _day(zone_offset_ms: int, day_ms: int) -> Any:
    # Numbers stand in the text: PostgreSQL takes two parameters of one value for two expressions in GROUP BY.
    offset, length = (literal_column(str(int(number)), BigInteger) for number in (zone_offset_ms, day_ms))
    return ((_t.at + offset) // length).label("day")


@dataclass(frozen=True, slots=True)
class WorkGroup:
    """The same words with the same outcome. ``turn_id`` is any of them. ``reasons`` counts what was said against it."""

    work: Work
    asked: str
    question_id: str | None
    turn_id: str
    times: int
    last_at: int
    reasons: dict[FeedbackReason, int]


_GROUP = (_t.work, _t.asked, _t.question_id)


def _of_work(work: Work | None) -> ColumnElement[bool]:
    return _t.work.is_not(None) if work is None else _t.work == work.value


async def work_count(connection: AsyncConnection, work: Work | None) -> int:
    """How many groups there are."""
    groups = select(*_GROUP).where(_of_work(work)).group_by(*_GROUP).subquery()
    return int((await connection.execute(select(func.count()).select_from(groups))).scalar_one())


async def work_list(
    connection: AsyncConnection, work: Work | None, offset: int, limit: int
) -> tuple[list[WorkGroup], int]:
    """What is asked most first, and how many groups there are."""
    reasons: list[Any] = [
        func.count().filter(_t.feedback_reason == reason.value).label(reason.value)
        for reason in FeedbackReason
    ]
    # Counted over the groups themselves: grouping is what costs, and is done once.
    groups = func.count().over().label("groups")
    times, last = func.count().label("times"), func.max(_t.at).label("last_at")
    query = (
        select(*_GROUP, func.max(_t.turn_id).label("turn_id"), times, last, groups, *reasons)
        .where(_of_work(work))
        .group_by(*_GROUP)
        .order_by(times.desc(), last.desc(), _t.asked)
        .offset(offset)
        .limit(limit)
    )
    found = (await connection.execute(query)).all()
    total = int(found[0].groups) if found else await work_count(connection, work)
    return [
        WorkGroup(
            Work(row.work),
            row.asked,
            row.question_id,
            row.turn_id,
            int(row.times),
            int(row.last_at),
            {one: int(row._mapping[one.value]) for one in FeedbackReason if row._mapping[one.value]},
        )
        for row in found
    ], total


async def settle(connection: AsyncConnection, turn: AssistantTurn, revision: int, by: str) -> int:
    """Take the whole group of this turn off the work list. Returns how many turns that were."""
    if turn.work is None:
        return 0
    same = _t.question_id.is_(None) if turn.question_id is None else _t.question_id == turn.question_id
    changed = await connection.execute(
        update(assistant_turn)
        .where(_t.work == turn.work.value, _t.asked == turn.asked, same)
        .values(work=None, settled_by=by, revision=revision)
    )
    return int(changed.rowcount)


@dataclass(frozen=True, slots=True)
class DayFigures:
    """``day`` counts days since the epoch in the zone asked for. ``typed`` splits into what she made of it; ``people`` are
    those who asked anything, ``handed_over`` those of them who turned to a human soon after."""

    day: int
    turns: int
    typed: int
    answered: int
    unsure: int
    clarified: int
    off_subject: int
    useful: int
    useless: int
    people: int
    handed_over: int


_NO_QUESTION = (ReplyKind.HUMAN.value, ReplyKind.GREETING.value, ReplyKind.THANKS.value)


async def figures(
    connection: AsyncConnection, since: int, zone_offset_ms: int, day_ms: int, soon_ms: int
) -> list[DayFigures]:
    """By day, oldest first; days on which nobody asked are left out."""
    from rtc_server.records.interactions import interaction
    from rtc_server.records.tickets import ticket

    day = _day(zone_offset_ms, day_ms)
    typed = _t.via.in_((Via.TYPED.value, Via.SPOKEN.value))

    def typed_as(kind: ReplyKind, name: str) -> Any:
        return func.count().filter(typed, _t.kind == kind.value).label(name)

    query = (
        select(
            day,
            func.count().label("turns"),
            func.count().filter(typed, _t.kind.not_in(_NO_QUESTION)).label("typed"),
            typed_as(ReplyKind.ANSWER, "answered"),
            typed_as(ReplyKind.CHOICES, "unsure"),
            typed_as(ReplyKind.CLARIFY, "clarified"),
            typed_as(ReplyKind.OFF_SUBJECT, "off_subject"),
            func.count().filter(_t.feedback == Feedback.USEFUL.value).label("useful"),
            func.count().filter(_t.feedback == Feedback.USELESS.value).label("useless"),
            func.count(_t.person_id.distinct()).label("people"),
        )
        .where(_t.at >= since)
        .group_by(day)
        .order_by(day)
    )
    soon = [
        select(1)
        .where(table.c.taxpayer_id == _t.person_id, column >= _t.at, column < _t.at + soon_ms)
        .correlate(assistant_turn)
        .exists()
        for table, column in ((ticket, ticket.c.joined_at), (interaction, interaction.c.opened_at))
    ]
    handed = (
        select(day, func.count(_t.person_id.distinct()))
        .where(_t.at >= since, soon[0] | soon[1])
        .group_by(day)
    )
    over = {int(row[0]): int(row[1]) for row in await connection.execute(handed)}
    return [
        DayFigures(
            **{name: int(value) for name, value in row._mapping.items()},
            handed_over=over.get(int(row.day), 0),
        )
        for row in await connection.execute(query)
    ]
