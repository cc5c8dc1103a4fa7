"""The inbox (消息, 待办, 收藏) of taxpayers and staff over HTTP: read, keep, do, answer a survey."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field, StringConstraints
from sqlalchemy import ColumnElement

from rtc_server.casework import surveys
from rtc_server.casework.appointments import is_invitation
from rtc_server.casework.notices import Notice
from rtc_server.casework.service import now_ms
from rtc_server.casework.states import WORDS, NoticeKind
from rtc_server.identity.policy import Permission
from rtc_server.records import notices as rows
from rtc_server.records.lists import Scope
from rtc_server.records.notices import DELIVERIES, Delivery, SurveyAnswer
from rtc_server.rest.attachments import AttachmentView, attachment_views
from rtc_server.rest.listing import Listing, ListQuery, ListResource, Moment, SearchWords
from rtc_server.rest.notices import LinkView, SurveyQuestionView, links_of, questions_of
from rtc_server.rest.resource import Body, Call, Entry, View, required
from signaling.errors import BadInput, ErrorCode, Refused
from signaling.wire.centre_notifications import CaseList


class DeliveriesQuery(ListQuery):
    """``read``: 阅读状态. ``favourite``: what one has kept. ``todo``: things to do alone."""

    kind: NoticeKind | None = None
    title: SearchWords | None = None
    source: SearchWords | None = None
    received_from: Moment | None = None
    received_before: Moment | None = None
    read: Literal["read", "unread"] | None = None
    favourite: bool | None = None
    todo: bool | None = None
    answered: bool | None = None
    """Surveys alone, and those one has answered or has not."""


class ReadBody(Body):
    """``delivery_ids`` None: everything."""

    delivery_ids: (
        Annotated[list[Annotated[str, StringConstraints(max_length=130)]], Field(max_length=100)] | None
    )


class FavouriteBody(Body):
    favourite: bool


class ChoiceBody(Body):
    """``options`` by number from 0, or ``words``."""

    options: Annotated[list[Annotated[int, Field(ge=0, le=19)]], Field(max_length=20)] = []
    words: Annotated[str, StringConstraints(max_length=1_000)] = ""


class AnswersBody(Body):
    answers: Annotated[list[ChoiceBody], Field(min_length=1, max_length=30)]


class ChoiceView(View):
    options: list[int]
    words: str


class DeliveryView(View):
    """What the list shows is there always, the rest when one is opened. ``answers`` None: not answered yet."""

    delivery_id: str
    notice_id: str
    kind: NoticeKind
    kind_name: str
    title: str
    source: str
    todo: bool
    received_at: int
    read: bool
    favourite: bool
    done: bool
    answered: bool | None = None
    """Of a survey."""
    done_by_itself: bool = False
    """Of a todo: done by the answer it asks for; ``done`` is not for it."""
    body: str = ""
    links: list[LinkView] = []
    attachments: list[AttachmentView] = []
    survey: list[SurveyQuestionView] = []
    answers: list[ChoiceView] | None = None


def _delivery_view(one: Delivery, answered: frozenset[str] = frozenset()) -> DeliveryView:
    return DeliveryView(
        delivery_id=one.delivery_id,
        notice_id=one.notice_id,
        kind=one.kind,
        kind_name=WORDS["notice_kind"][one.kind],
        title=one.title,
        source=one.source,
        todo=one.todo,
        received_at=one.received_at,
        read=one.read_at is not None,
        favourite=one.favourite_at is not None,
        done=one.done_at is not None,
        answered=one.notice_id in answered if one.kind is NoticeKind.SURVEY else None,
    )


class _Own:
    """What the person has in hand and asks for: what no plain comparison with a column says."""

    def listed(self, call: Call) -> Scope:
        query, d = call.query(DeliveriesQuery), rows.delivery.c
        wanted: list[tuple[bool, ColumnElement[bool]]] = [
            (query.read == "read", d.read_at.is_not(None)),
            (query.read == "unread", d.read_at.is_(None)),
            (query.favourite is True, d.favourite_at.is_not(None)),
            (query.todo is True, d.todo.is_(True)),
            (query.answered is not None, d.kind == NoticeKind.SURVEY.value),
            (query.answered is True, rows.is_answered()),
            (query.answered is False, ~rows.is_answered()),
        ]
        return [*self.one(call), *(condition for holds, condition in wanted if holds)]

    def one(self, call: Call) -> Scope:
        return rows.own(call.person.person_id)


_DELIVERIES: ListResource[Delivery, Delivery] = ListResource(DELIVERIES, lambda _, one: one, _Own())


async def _inbox(call: Call) -> Listing[DeliveryView]:
    found = await _DELIVERIES.page(call)
    pushed = [one.notice_id for one in found.items if one.kind is NoticeKind.SURVEY]
    answered = frozenset[str]()
    if pushed:
        async with call.desk.recording.read(caught_up=False) as connection:
            answered = await rows.answered_of(connection, call.person.person_id, pushed)
    return Listing(**dict(found) | {"items": [_delivery_view(one, answered) for one in found.items]})


def _delivery_id(call: Call) -> str:
    """Made of two ids with a point between."""
    return call.request.match_info["delivery_id"][:130]


async def _open(call: Call) -> DeliveryView:
    """Opening marks it as read."""
    own = call.person.person_id
    async with call.desk.recording.write() as connection:
        known = required(await rows.own_delivery(connection, own, _delivery_id(call)))
        notice = required(await rows.get(connection, known.notice_id))
        answered = await rows.answer_of(connection, notice.notice_id, own)
        if known.read_at is None:
            await rows.mark_read(connection, own, [known.delivery_id], now_ms())
    if known.read_at is None:
        await _told(call)
    return _delivery_view(replace(known, read_at=known.read_at or now_ms())).model_copy(
        update={
            "done_by_itself": _done_by_itself(notice),
            "body": notice.body,
            "links": links_of(notice),
            "attachments": await attachment_views(call.desk, notice.attachments),
            "survey": questions_of(notice),
            "answered": None if not notice.survey else answered is not None,
            "answers": None if answered is None else [ChoiceView(**one) for one in answered.answers],
        }
    )


async def _told(call: Call) -> None:
    await call.desk.casework.changed(CaseList.NOTICES, people=[call.person.person_id])


async def _mark_read(call: Call) -> None:
    async with call.desk.recording.write() as connection:
        await rows.mark_read(connection, call.person.person_id, call.body(ReadBody).delivery_ids, now_ms())
    await _told(call)


async def _favourite(call: Call) -> DeliveryView:
    at = now_ms() if call.body(FavouriteBody).favourite else None
    async with call.desk.recording.write() as connection:
        known = required(await rows.own_delivery(connection, call.person.person_id, _delivery_id(call)))
        await rows.mark(connection, known, favourite_at=at)
    await _told(call)
    return _delivery_view(replace(known, favourite_at=at))


def _done_by_itself(notice: Notice) -> bool:
    """A survey by answering it, and so is an invitation."""
    return notice.todo and (bool(notice.survey) or is_invitation(notice.notice_id))


async def _done(call: Call) -> DeliveryView:
    """办理: what was to be done is done."""
    async with call.desk.recording.write() as connection:
        known = required(await rows.own_delivery(connection, call.person.person_id, _delivery_id(call)))
        notice = required(await rows.get(connection, known.notice_id))
        if not known.todo or _done_by_itself(notice):
            raise Refused(ErrorCode.WRONG_PHASE)
        at = known.done_at or now_ms()
        await rows.mark(connection, known, done_at=at)
    await _told(call)
    return _delivery_view(replace(known, done_at=at))


async def _answer(call: Call) -> DeliveryView:
    """A survey, once."""
    own, answers = call.person.person_id, call.body(AnswersBody).answers
    at = now_ms()
    async with call.desk.recording.write() as connection:
        known = required(await rows.own_delivery(connection, own, _delivery_id(call)))
        notice = required(await rows.get(connection, known.notice_id))
        if not surveys.fits(notice.survey, [one.model_dump() for one in answers]):
            raise BadInput(ErrorCode.BAD_MESSAGE)
        kept = SurveyAnswer(
            notice.notice_id, own, notice.title, at, tuple(one.model_dump() for one in answers)
        )
        if not await rows.add_answer(connection, kept):
            raise Refused(ErrorCode.ALREADY_RATED)
        if known.todo:
            await rows.mark(connection, known, done_at=at)
    await call.desk.casework.changed(CaseList.NOTICES, people=[own], centre_id=notice.centre_id)
    return await _open(call)


_T = Permission.OWN_NOTICES
_MINE = "/api/centre/notices"

ENTRIES = (
    Entry("GET", _MINE, _T, _inbox, "One's inbox", query=DeliveriesQuery, answer=Listing[DeliveryView]),
    Entry("POST", f"{_MINE}/read", _T, _mark_read, "Mark several as read, or all", body=ReadBody),
    Entry("GET", f"{_MINE}/{{delivery_id}}", _T, _open, "Open one; it is read then", answer=DeliveryView),
    Entry("PUT", f"{_MINE}/{{delivery_id}}/favourite", _T, _favourite, "Keep it, or no longer",
          body=FavouriteBody, answer=DeliveryView),
    Entry("POST", f"{_MINE}/{{delivery_id}}/done", _T, _done, "What was to be done is done",
          answer=DeliveryView),
    Entry("POST", f"{_MINE}/{{delivery_id}}/answers", _T, _answer, "Answer a survey, once",
          body=AnswersBody, answer=DeliveryView),
)  # fmt: skip
