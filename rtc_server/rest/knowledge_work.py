"""The editor's work list of what 悦悦 did not know or got wrong, and how she does over time."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal
from weakref import WeakKeyDictionary

from pydantic import Field

from rtc_server.assistant.service import DAY_MS
from rtc_server.identity.policy import Permission
from rtc_server.records import assistant as rows
from rtc_server.records.assistant import FeedbackReason, Work, WorkGroup
from rtc_server.rest.assistant import QuestionRef
from rtc_server.rest.audit import audit
from rtc_server.rest.listing import Listing, ListQuery
from rtc_server.rest.resource import Body, Call, Entry, Query, View
from signaling.wire.base import Identifier

if TYPE_CHECKING:
    from chatbot.index import Index

_CHINA_MS = 8 * 3_600_000
"""China has one time zone and no summer time, so that days can be counted in the database."""
_SOON_MS = 30 * 60_000
"""Who turns to a human so soon after asking was not helped."""
_EPOCH = date(1970, 1, 1)
_SUGGESTED = 3
_MAX_FOUND = 5_000
_found: WeakKeyDictionary[Index, dict[tuple[str, str | None], tuple[str, ...]]] = WeakKeyDictionary()
_LONG_NUMBER = re.compile(r"[0-9０-９Xx]{6,}")


class WorkQuery(ListQuery):
    """What is asked most comes first, whatever order is asked for. Ten at once: for each it is searched whose alias it may be."""

    size: Literal[10, "10"] = 10
    work: Work | None = None


class FiguresQuery(Query):
    days: Annotated[int, Field(ge=1, le=366)] = 30


class TitlesBody(Body):
    question_ids: Annotated[list[Identifier], Field(max_length=2_000)]


class Titles(View):
    """Of those that exist, in the order asked for."""

    questions: list[QuestionRef]


class WorkItem(View):
    """``asked``: long numbers are hidden. ``answered``: what she gave, for 无用. ``suggested``: whose alias it may be."""

    turn_id: str
    work: Work
    asked: str
    times: int
    last_at: int
    reasons: dict[FeedbackReason, int]
    answered: QuestionRef | None
    suggested: list[QuestionRef]


class Settled(View):
    settled: int


class DayView(View):
    """``day`` is ISO 8601. ``typed`` is the sum of ``answered``, ``unsure``, ``clarified`` and ``off_subject``."""

    day: str
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


class Figures(View):
    """Every day from the first to the last, also those on which nobody asked. ``open``: what is on the work list."""

    days: list[DayView]
    open: dict[Work, int]


async def _work_list(call: Call) -> Listing[WorkItem]:
    query = call.query(WorkQuery)
    size = int(query.size)
    async with call.desk.recording.read() as connection:
        groups, total = await rows.work_list(connection, query.work, (query.page - 1) * size, size)
    index = await call.desk.assistant.index()
    items = await asyncio.to_thread(lambda: [_item(index, group) for group in groups])
    return Listing(items=items, total=total, page=query.page, size=size)


def _item(index: Index, group: WorkGroup) -> WorkItem:
    by_id = index.base.by_id
    answered = by_id.get(group.question_id) if group.question_id is not None else None
    return WorkItem(
        turn_id=group.turn_id,
        work=group.work,
        asked=without_numbers(group.asked),
        times=group.times,
        last_at=group.last_at,
        reasons=group.reasons,
        answered=QuestionRef(question_id=answered.question_id, title=answered.title) if answered else None,
        suggested=[
            QuestionRef(question_id=one, title=by_id[one].title)
            for one in _suggestions(index, group.asked, group.question_id)
        ],
    )


def _suggestions(index: Index, asked: str, without: str | None) -> tuple[str, ...]:
    """Kept while the index is: an editor who settles one item after the other is shown the others again each time."""
    known = _found.setdefault(index, {})
    suggested = known.get((asked, without))
    if suggested is None:
        if len(known) >= _MAX_FOUND:
            known.clear()
        matches = index.search(asked, _SUGGESTED, lambda one: one != without).matches
        suggested = known[asked, without] = tuple(one.question_id for one in matches)
    return suggested


def without_numbers(text: str) -> str:
    """What may be a number of a person, a company or an account is none of an editor's business."""
    return _LONG_NUMBER.sub("***", text)


async def _settle(call: Call) -> Settled:
    turn_id = call.id("turn_id")
    settled = await call.desk.assistant.settle(turn_id, call.person.person_id)
    audit(call, "settle_assistant_work", turn_id, str(settled))
    return Settled(settled=settled)


async def _figures(call: Call) -> Figures:
    last = (time.time_ns() // 1_000_000 + _CHINA_MS) // DAY_MS
    first = last - call.query(FiguresQuery).days + 1
    async with call.desk.recording.read() as connection:
        found = await rows.figures(connection, first * DAY_MS - _CHINA_MS, _CHINA_MS, DAY_MS, _SOON_MS)
        opened = {work: await rows.work_count(connection, work) for work in Work}
    known = {one.day: one for one in found}
    names = [name for name in DayView.model_fields if name != "day"]
    days: list[DayView] = []
    for number in range(first, last + 1):
        of_day: dict[str, Any] = {
            name: getattr(known[number], name) if number in known else 0 for name in names
        }
        days.append(DayView(day=(_EPOCH + timedelta(days=number)).isoformat(), **of_day))
    return Figures(days=days, open=opened)


async def _titles(call: Call) -> Titles:
    by_id = call.desk.knowledge.base.by_id
    return Titles(
        questions=[
            QuestionRef(question_id=one, title=by_id[one].title)
            for one in call.body(TitlesBody).question_ids
            if one in by_id
        ]
    )


_P = Permission.EDIT_KNOWLEDGE

ENTRIES = (
    Entry("GET", "/api/knowledge/work", _P, _work_list, "What 悦悦 did not know or got wrong", query=WorkQuery,
          answer=Listing[WorkItem]),
    Entry("POST", "/api/knowledge/work/{turn_id}/settle", _P, _settle, "Take it off the list", answer=Settled),
    Entry("POST", "/api/knowledge/titles", _P, _titles, "Titles of questions", body=TitlesBody, answer=Titles),
    Entry("GET", "/api/knowledge/figures", _P, _figures, "How she does, day by day", query=FiguresQuery, answer=Figures),
)  # fmt: skip
