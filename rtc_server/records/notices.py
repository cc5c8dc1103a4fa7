"""Notices (消息, 待办) and who has them: a notice once, and a delivery for each taxpayer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    and_,
    case,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.casework.notices import Audience, Notice
from rtc_server.casework.states import NoticeKind, NoticeState
from rtc_server.records import changes
from rtc_server.records.base import Kind, chunks, metadata
from rtc_server.records.lists import Filter, ListSpec, Match, list_index
from rtc_server.records.notes import tag as tags
from rtc_server.records.taxpayers import taxpayer

notice = Table(
    "notice",
    metadata,
    Column("notice_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("todo", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("publish_at", BigInteger, nullable=False),
    Column("centre_id", Text),
    Column("links", JSON, nullable=False),
    Column("attachments", JSON, nullable=False),
    Column("authority", Text),
    Column("taxpayer_kind", Text),
    Column("tag", Text),
    Column("people", JSON, nullable=False),
    Column("survey", JSON, nullable=False),
    Column("sent_at", BigInteger),
    Column("recipients", Integer, nullable=False),
    list_index("notice", "centre_id", "created_at", "notice_id", "kind", "state"),
    Index(None, "state", "publish_at"),
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notice in one person's hands, a taxpayer's or one of the staff. What the list shows and filters by stands here too,
    so that it is read from one index. ``withdrawn`` hides it."""

    delivery_id: str
    notice_id: str
    person_id: str
    kind: NoticeKind
    title: str
    source: str
    todo: bool
    received_at: int
    read_at: int | None = None
    favourite_at: int | None = None
    done_at: int | None = None
    withdrawn: bool = False


delivery = Table(
    "notice_delivery",
    metadata,
    Column("delivery_id", Text, primary_key=True),
    Column("notice_id", Text, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("todo", Boolean, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("read_at", BigInteger),
    Column("favourite_at", BigInteger),
    Column("done_at", BigInteger),
    Column("withdrawn", Boolean, nullable=False),
    list_index(
        "notice_delivery",
        "person_id",
        "received_at",
        "delivery_id",
        "withdrawn",
        "kind",
        "read_at",
        "todo",
        "done_at",
    ),
    Index(None, "notice_id"),
)


@dataclass(frozen=True, slots=True)
class SurveyAnswer:
    """``answers``: for each question of the survey the numbers of the options chosen, or the words written."""

    notice_id: str
    taxpayer_id: str
    title: str
    answered_at: int
    answers: tuple[dict[str, Any], ...]


survey_answer = Table(
    "survey_answer",
    metadata,
    Column("notice_id", Text, primary_key=True),
    Column("taxpayer_id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("answered_at", BigInteger, nullable=False),
    Column("answers", JSON, nullable=False),
    Index(None, "taxpayer_id", "answered_at", "notice_id"),
)

SURVEY_ANSWER = Kind(survey_answer, SurveyAnswer)
NOTICE = Kind(notice, Notice, revisioned=True)
DELIVERY = Kind(delivery, Delivery)

_n, _d = notice.c, delivery.c
NOTICES: ListSpec[Notice] = ListSpec(
    NOTICE,
    _n.notice_id,
    {
        "kind": Filter(_n.kind),
        "title": Filter(_n.title, Match.CONTAINS),
        "state": Filter(_n.state),
        "created_from": Filter(_n.created_at, Match.FROM),
        "created_before": Filter(_n.created_at, Match.BEFORE),
    },
    {"created_at": _n.created_at},
)
DELIVERIES: ListSpec[Delivery] = ListSpec(
    DELIVERY,
    _d.delivery_id,
    {
        "kind": Filter(_d.kind),
        "title": Filter(_d.title, Match.CONTAINS),
        "source": Filter(_d.source, Match.CONTAINS),
        "received_from": Filter(_d.received_at, Match.FROM),
        "received_before": Filter(_d.received_at, Match.BEFORE),
    },
    {"received_at": _d.received_at},
)


@dataclass(frozen=True, slots=True)
class Unread:
    unread: int = 0
    todos: int = 0


def own(person_id: str) -> list[ColumnElement[bool]]:
    """The scope of one's inbox."""
    return [_d.person_id == person_id, _d.withdrawn.is_(False)]


async def deliver(connection: AsyncConnection, sent: Notice, authorities: Sequence[str], now_ms: int) -> int:
    """To everybody of its audience; ``authorities`` are that of the audience and all below it. How many have it.

    One statement whatever their number. Sending it twice delivers once: the key of a delivery is made of both ids.
    """
    wanted = _audience(sent.audience, authorities)
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    columns = {
        "delivery_id": literal(f"{sent.notice_id}.") + taxpayer.c.taxpayer_id,
        "notice_id": literal(sent.notice_id),
        "person_id": taxpayer.c.taxpayer_id,
        "kind": literal(sent.kind.value),
        "title": literal(sent.title),
        "source": literal(sent.source),
        "todo": literal(sent.todo),
        "received_at": literal(now_ms, BigInteger),
        "withdrawn": literal(False),
    }
    query = select(*(value.label(name) for name, value in columns.items())).where(wanted)
    statement = insert(delivery).from_select(list(columns), query).on_conflict_do_nothing()
    await connection.execute(statement)
    counting = select(func.count()).select_from(delivery).where(_d.notice_id == sent.notice_id)
    return int((await connection.execute(counting)).scalar_one())


async def within(
    connection: AsyncConnection, audience: Audience, authorities: Sequence[str]
) -> frozenset[str]:
    """Of the people an audience names, those for whom the rest of it holds too."""
    query = select(taxpayer.c.taxpayer_id).where(_audience(audience, authorities))
    return frozenset((await connection.execute(query)).scalars()) if audience.people else frozenset()


def _audience(audience: Audience, authorities: Sequence[str]) -> ColumnElement[bool]:
    if audience.empty:
        return literal(False)
    wanted: list[ColumnElement[bool]] = []
    if audience.authority is not None:
        wanted.append(taxpayer.c.authority.in_(authorities))
    if audience.taxpayer_kind is not None:
        wanted.append(taxpayer.c.kind == audience.taxpayer_kind.value)
    if audience.tag is not None:
        tagged = select(tags.c.taxpayer_id).where(tags.c.name == audience.tag, tags.c.removed.is_(False))
        wanted.append(taxpayer.c.taxpayer_id.in_(tagged))
    if audience.people:
        named = [taxpayer.c.taxpayer_id.in_(part) for part in chunks(audience.people)]
        wanted.append(or_(*named))
    return and_(*wanted)


async def hand_over(connection: AsyncConnection, one: Delivery) -> None:
    """To one person, known or not."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    await connection.execute(insert(delivery).values(**DELIVERY.row(one)).on_conflict_do_nothing())


async def add_once(connection: AsyncConnection, one: Notice) -> bool:
    """False: one of this id is there already."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(notice).values(**NOTICE.row(one)).on_conflict_do_nothing()
    return (await connection.execute(statement)).rowcount == 1


async def withdraw(connection: AsyncConnection, notice_id: str) -> None:
    await connection.execute(update(delivery).where(_d.notice_id == notice_id).values(withdrawn=True))


async def get(connection: AsyncConnection, notice_id: str) -> Notice | None:
    return await changes.get(connection, NOTICE, notice_id)


async def due(connection: AsyncConnection, now_ms: int) -> list[Notice]:
    query = (
        select(notice)
        .where(_n.state == NoticeState.SCHEDULED.value, _n.publish_at <= now_ms)
        .order_by(_n.publish_at)
        .limit(20)
    )
    return [NOTICE.of_row(row) for row in await connection.execute(query)]


async def own_delivery(connection: AsyncConnection, person_id: str, delivery_id: str) -> Delivery | None:
    query = select(delivery).where(*own(person_id), _d.delivery_id == delivery_id)
    row = (await connection.execute(query)).one_or_none()
    return DELIVERY.of_row(row) if row is not None else None


async def mark_read(
    connection: AsyncConnection, person_id: str, delivery_ids: Sequence[str] | None, now_ms: int
) -> None:
    """None: everything in the person's inbox."""
    unread = update(delivery).where(*own(person_id), _d.read_at.is_(None)).values(read_at=now_ms)
    if delivery_ids is None:
        await connection.execute(unread)
        return
    for part in chunks(delivery_ids):
        await connection.execute(unread.where(_d.delivery_id.in_(part)))


async def mark(connection: AsyncConnection, one: Delivery, **values: int | None) -> None:
    """``favourite_at`` or ``done_at``."""
    await connection.execute(update(delivery).where(_d.delivery_id == one.delivery_id).values(**values))


async def settle(connection: AsyncConnection, delivery_id: str, now_ms: int) -> None:
    """What it asked for is done, elsewhere: nothing is left to read or to do."""
    done = {"done_at": func.coalesce(_d.done_at, now_ms), "read_at": func.coalesce(_d.read_at, now_ms)}
    await connection.execute(update(delivery).where(_d.delivery_id == delivery_id).values(**done))


async def counts(connection: AsyncConnection, people: Sequence[str]) -> dict[str, Unread]:
    """Of those who have anything in their inbox."""
    found: dict[str, Unread] = {}
    unread = func.sum(case((_d.read_at.is_(None), 1), else_=0))
    todos = func.sum(case((and_(_d.todo.is_(True), _d.done_at.is_(None)), 1), else_=0))
    for part in chunks(people):
        query = (
            select(_d.person_id, unread.label("unread"), todos.label("todos"))
            .where(_d.person_id.in_(part), _d.withdrawn.is_(False))
            .group_by(_d.person_id)
        )
        found |= {
            row.person_id: Unread(int(row.unread), int(row.todos)) for row in await connection.execute(query)
        }
    return found


async def holders(connection: AsyncConnection, notice_id: str, among: Sequence[str]) -> list[str]:
    """Who of these has it, also when it was withdrawn."""
    found: list[str] = []
    for part in chunks(among):
        keys = [f"{notice_id}.{one}" for one in part]
        query = select(_d.person_id).where(_d.delivery_id.in_(keys))
        found += [row.person_id for row in await connection.execute(query)]
    return found


async def answer_of(connection: AsyncConnection, notice_id: str, taxpayer_id: str) -> SurveyAnswer | None:
    query = select(survey_answer).where(
        survey_answer.c.notice_id == notice_id, survey_answer.c.taxpayer_id == taxpayer_id
    )
    row = (await connection.execute(query)).one_or_none()
    return SURVEY_ANSWER.of_row(row) if row is not None else None


async def answered_of(
    connection: AsyncConnection, taxpayer_id: str, notice_ids: Sequence[str]
) -> frozenset[str]:
    """Which of these surveys this person has answered."""
    a, found = survey_answer.c, set[str]()
    for part in chunks(notice_ids):
        query = select(a.notice_id).where(a.notice_id.in_(part), a.taxpayer_id == taxpayer_id)
        found |= {row.notice_id for row in await connection.execute(query)}
    return frozenset(found)


def is_answered() -> ColumnElement[bool]:
    """Of a delivery: the survey of its notice has an answer of this person."""
    a = survey_answer.c
    return (
        select(literal(1))
        .where(a.notice_id == _d.notice_id, a.taxpayer_id == _d.person_id)
        .correlate(delivery)
    ).exists()


async def answers_to(
    connection: AsyncConnection, notice_id: str, limit: int
) -> tuple[int, tuple[SurveyAnswer, ...]]:
    """How many there are, and the newest of them."""
    a = survey_answer.c
    counting = select(func.count()).select_from(survey_answer).where(a.notice_id == notice_id)
    total = int((await connection.execute(counting)).scalar_one())
    query = (
        select(survey_answer)
        .where(a.notice_id == notice_id)
        .order_by(a.answered_at.desc(), a.taxpayer_id)
        .limit(limit)
    )
    return total, tuple(SURVEY_ANSWER.of_row(row) for row in await connection.execute(query))


async def add_answer(connection: AsyncConnection, given: SurveyAnswer) -> bool:
    """False: there is one already."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(survey_answer).values(**SURVEY_ANSWER.row(given)).on_conflict_do_nothing()
    return (await connection.execute(statement)).rowcount == 1
