"""Notices (消息, 待办) over HTTP: the inbox and favourites of taxpayers and staff; supervisors push to an audience, now or
at a time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, StringConstraints, model_validator
from sqlalchemy import ColumnElement

from rtc_server.casework import notices as rules
from rtc_server.casework import surveys
from rtc_server.casework.appointments import is_invitation
from rtc_server.casework.notices import Audience, Notice
from rtc_server.casework.service import new_id, now_ms
from rtc_server.casework.states import WORDS, NoticeKind, NoticeState, TaxpayerKind
from rtc_server.identity.policy import Permission
from rtc_server.records import changes
from rtc_server.records import notices as rows
from rtc_server.records.notices import DELIVERIES, NOTICE, NOTICES, Delivery, SurveyAnswer
from rtc_server.rest.attachments import AttachmentView, FileIds, attachment_views, own_files
from rtc_server.rest.listing import (
    Listing,
    ListQuery,
    Moment,
    SearchWords,
    SheetColumn,
    StaffListQuery,
    audit,
    check_centre,
    export,
    listing,
    local_time,
    own_centre,
    required,
    sheet_response,
)
from rtc_server.rest.resource import Body, Call, Entry, Line, View
from signaling.errors import BadInput, ErrorCode, Refused
from signaling.wire.base import Identifier
from signaling.wire.centre_notifications import CaseList

_MAX_PEOPLE = 5_000
_MAX_AHEAD_MS = 366 * 86_400_000
_URL = r"^(https?://[^\s\x00-\x1f\x7f<>\"']{1,500}|/[a-z][A-Za-z0-9/_?=&.-]{0,500})$"
Text = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=5_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
    ),
]


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


class NoticesQuery(StaffListQuery):
    kind: NoticeKind | None = None
    title: SearchWords | None = None
    state: NoticeState | None = None
    created_from: Moment | None = None
    created_before: Moment | None = None


class LinkBody(Body):
    """An address of the web, or a path of ours."""

    title: Line
    url: Annotated[str, StringConstraints(pattern=_URL)]


class QuestionBody(Body):
    """Without options words are asked for."""

    question: Line
    options: Annotated[list[Line], Field(max_length=20)] = []
    multiple: bool = False


class AudienceBody(Body):
    """Everybody for whom all that is given holds."""

    authority: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")] | None = None
    taxpayer_kind: TaxpayerKind | None = None
    tag: Line | None = None
    people: Annotated[list[Identifier], Field(max_length=_MAX_PEOPLE)] = []


class NoticeBody(Body):
    """``publish_at`` None: now. A survey has questions, and nothing else has."""

    centre_id: Identifier | None = None
    kind: NoticeKind
    title: Line
    body: Text
    todo: bool = False
    audience: AudienceBody
    links: Annotated[list[LinkBody], Field(max_length=10)] = []
    attachments: FileIds = []
    survey: Annotated[list[QuestionBody], Field(max_length=30)] = []
    publish_at: Moment | None = None

    @model_validator(mode="after")
    def _survey_has_questions(self) -> NoticeBody:
        if (self.kind is NoticeKind.SURVEY) != bool(self.survey):
            raise ValueError("a survey has questions")
        return self


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


class LinkView(View):
    title: str
    url: str


class SurveyQuestionView(View):
    question: str
    options: list[str]
    multiple: bool


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


class NoticeView(View):
    notice_id: str
    kind: NoticeKind
    kind_name: str
    title: str
    body: str
    todo: bool
    state: NoticeState
    state_name: str
    created_at: int
    publish_at: int
    sent_at: int | None
    recipients: int
    staff_number: str | None
    audience: str
    links: list[LinkView]
    survey: list[SurveyQuestionView]
    attachments: list[AttachmentView] = []


class PushedView(NoticeView):
    """``unreached``: of the list of people, who is not known here or is ruled out by the rest of the audience."""

    unreached: list[str]


class TallyView(View):
    """Of one question: how often each option was chosen, or the newest words."""

    question: str
    multiple: bool
    options: list[str]
    counts: list[int]
    words: list[str]


class SurveyResultsView(View):
    """Nobody is named. ``within``: the tally is of so many of the newest answers at most."""

    title: str
    recipients: int
    answered: int
    within: int
    questions: list[TallyView]


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


# One's own


async def _inbox(call: Call) -> Listing[DeliveryView]:
    query, d = call.query(DeliveriesQuery), rows.delivery.c
    scope = rows.own(call.person.person_id)
    wanted: list[tuple[bool, ColumnElement[bool]]] = [
        (query.read == "read", d.read_at.is_not(None)),
        (query.read == "unread", d.read_at.is_(None)),
        (query.favourite is True, d.favourite_at.is_not(None)),
        (query.todo is True, d.todo.is_(True)),
    ]
    scope += [condition for holds, condition in wanted if holds]
    if query.answered is not None:
        scope += [
            d.kind == NoticeKind.SURVEY.value,
            rows.is_answered() if query.answered else ~rows.is_answered(),
        ]
    found = await listing(call, DELIVERIES, scope, query, lambda one: one)
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
            "links": _links(notice),
            "attachments": await attachment_views(call.desk, notice.attachments),
            "survey": _questions(notice),
            "answered": None if not notice.survey else answered is not None,
            "answers": None if answered is None else [ChoiceView(**one) for one in answered.answers],
        }
    )


def _links(notice: Notice) -> list[LinkView]:
    return [LinkView(title=one["title"], url=one["url"]) for one in notice.links]


def _questions(notice: Notice) -> list[SurveyQuestionView]:
    return [SurveyQuestionView(**one) for one in notice.survey]


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


# Staff


def _audience_words(call: Call, audience: Audience) -> str:
    parts = []
    if audience.authority is not None:
        found = call.desk.organisation.whole.authorities.get(audience.authority)
        parts.append(f"{found.name if found is not None else audience.authority}及下级")
    if audience.taxpayer_kind is not None:
        parts.append(WORDS["taxpayer_kind"][audience.taxpayer_kind])
    if audience.tag is not None:
        parts.append(f"标签“{audience.tag}”")
    if audience.people:
        parts.append(f"名单 {len(audience.people)} 人")
    return "，".join(parts)


def _notice_view(call: Call, one: Notice) -> NoticeView:
    return NoticeView(
        notice_id=one.notice_id,
        kind=one.kind,
        kind_name=WORDS["notice_kind"][one.kind],
        title=one.title,
        body=one.body,
        todo=one.todo,
        state=one.state,
        state_name=WORDS["notice_state"][one.state],
        created_at=one.created_at,
        publish_at=one.publish_at,
        sent_at=one.sent_at,
        recipients=one.recipients,
        staff_number=call.desk.organisation.staff_number(one.created_by),
        audience=_audience_words(call, one.audience),
        links=_links(one),
        survey=_questions(one),
    )


async def _list(call: Call) -> Listing[NoticeView]:
    query = call.query(NoticesQuery)
    scope = [rows.notice.c.centre_id == own_centre(call, query.centre_id)]
    return await listing(call, NOTICES, scope, query, lambda one: _notice_view(call, one))


_COLUMNS: tuple[SheetColumn[NoticeView], ...] = (
    SheetColumn("消息名称", 36, lambda one: one.title),
    SheetColumn("消息类型", 12, lambda one: one.kind_name),
    SheetColumn("推送范围", 36, lambda one: one.audience),
    SheetColumn("推送时间", 18, lambda one: local_time(one.publish_at)),
    SheetColumn("状态", 10, lambda one: one.state_name),
    SheetColumn("接收人数", 10, lambda one: str(one.recipients)),
    SheetColumn("推送人", 10, lambda one: one.staff_number or ""),
    SheetColumn("内容", 60, lambda one: one.body),
)


async def _export(call: Call) -> web.Response:
    query = call.query(NoticesQuery)
    scope = [rows.notice.c.centre_id == own_centre(call, query.centre_id)]
    return await export(
        call, NOTICES, scope, query, lambda one: _notice_view(call, one), ("消息推送", _COLUMNS)
    )


async def _push(call: Call) -> PushedView:
    body, at = call.body(NoticeBody), now_ms()
    centre_id = required(own_centre(call, body.centre_id))
    asked = body.audience
    authority = asked.authority or _own_authority(call, centre_id)
    _check_authority(call, centre_id, authority)
    publish_at = max(at, body.publish_at or at)
    if publish_at > at + _MAX_AHEAD_MS:
        raise BadInput(ErrorCode.BAD_MESSAGE)
    centre = call.desk.organisation.centre(centre_id)
    made = Notice(
        notice_id=new_id(),
        revision=1,
        kind=body.kind,
        title=body.title,
        body=body.body,
        source=centre.name if centre is not None else "",
        todo=body.todo,
        state=NoticeState.SCHEDULED,
        created_at=at,
        created_by=call.person.person_id,
        publish_at=publish_at,
        centre_id=centre_id,
        links=tuple(one.model_dump() for one in body.links),
        attachments=await own_files(call, body.attachments),
        authority=authority,
        taxpayer_kind=asked.taxpayer_kind,
        tag=asked.tag,
        people=tuple(dict.fromkeys(asked.people)),
        survey=tuple(one.model_dump() for one in body.survey),
    )
    async with call.desk.recording.write() as connection:
        await changes.add(connection, NOTICE, made)
    audit(call, "push_notice", made.notice_id, _audience_words(call, made.audience))
    if publish_at == at:
        async with call.desk.recording.read():
            pass  # Who signed in a moment ago is among those it reaches.
        await call.desk.casework.publish(made, at)
    shown = await _read_notice(call, made.notice_id)
    return PushedView(**dict(shown), unreached=await call.desk.casework.outside(made))


def _own_authority(call: Call, centre_id: str) -> str:
    """The highest the centre serves: nobody reaches further than their centre does. Raises ``Refused``."""
    centre = required(call.desk.organisation.centre(centre_id))
    return required(min(centre.authorities, default=None))


def _check_authority(call: Call, centre_id: str, code: str) -> None:
    """Raises ``Refused`` for one the centre does not serve."""
    served = call.desk.organisation.centre_for(code)
    if served is None or served.centre_id != centre_id:
        raise Refused(ErrorCode.RECORD_NOT_FOUND)


async def _read_notice(call: Call, notice_id: str) -> NoticeView:
    async with call.desk.recording.read(caught_up=False) as connection:
        found = required(await rows.get(connection, notice_id))
    check_centre(call, found.centre_id or "")
    views = await attachment_views(call.desk, found.attachments)
    return _notice_view(call, found).model_copy(update={"attachments": views})


async def _read(call: Call) -> NoticeView:
    return await _read_notice(call, call.id("notice_id"))


_MAX_TALLIED = 20_000


async def _survey(call: Call) -> tuple[Notice, int, tuple[SurveyAnswer, ...]]:
    """A survey a centre has pushed, how many answered, and the newest answers."""
    async with call.desk.recording.read(caught_up=False) as connection:
        found = required(await rows.get(connection, call.id("notice_id")))
        check_centre(call, found.centre_id or "")
        if not found.survey:
            raise Refused(ErrorCode.RECORD_NOT_FOUND)
        total, given = await rows.answers_to(connection, found.notice_id, _MAX_TALLIED)
    return found, total, given


async def _results(call: Call) -> SurveyResultsView:
    found, total, given = await _survey(call)
    tallies = await asyncio.to_thread(surveys.tally, found.survey, [one.answers for one in given])
    return SurveyResultsView(
        title=found.title,
        recipients=found.recipients,
        answered=total,
        within=_MAX_TALLIED,
        questions=[
            TallyView(
                question=one.question,
                multiple=one.multiple,
                options=[option for option, _ in one.options],
                counts=[count for _, count in one.options],
                words=list(one.words),
            )
            for one in tallies
        ],
    )


async def _export_results(call: Call) -> web.Response:
    """One row an answer, without who gave it."""
    found, _, given = await _survey(call)
    columns = [("序号", 8), ("填写时间", 18), *((one["question"], 32) for one in found.survey)]
    lines = [
        [str(number), local_time(one.answered_at)]
        + [surveys.in_words(*pair) for pair in zip(found.survey, one.answers, strict=False)]
        for number, one in enumerate(given, 1)
    ]
    audit(call, "export_survey_answers", found.notice_id, f"{len(lines)}")
    return await sheet_response(f"问卷答卷-{found.title}", "答卷", columns, lines)


async def _withdraw(call: Call) -> NoticeView:
    async with call.desk.recording.read(caught_up=False) as connection:
        known = required(await rows.get(connection, call.id("notice_id")))
    check_centre(call, known.centre_id or "")
    async with call.desk.recording.write() as connection:
        await changes.change(connection, NOTICE, known, rules.withdraw(known))
        await rows.withdraw(connection, known.notice_id)
    audit(call, "withdraw_notice", known.notice_id)
    await call.desk.casework.pushed(known)
    return await _read_notice(call, known.notice_id)


_T, _S, _P = Permission.OWN_NOTICES, Permission.CASEWORK, Permission.PUSH_NOTICES
_MINE, _ALL = "/api/centre/notices", "/api/casework/notices"

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
    Entry("GET", _ALL, _S, _list, "Notices a centre has pushed",
          query=NoticesQuery, answer=Listing[NoticeView]),
    Entry("GET", f"{_ALL}/export.xlsx", _S, _export, "The same as a sheet", query=NoticesQuery),
    Entry("POST", _ALL, _P, _push, "Push to an audience, now or at a time",
          body=NoticeBody, answer=PushedView, status=201),
    Entry("GET", f"{_ALL}/{{notice_id}}", _S, _read, "One a centre has pushed", answer=NoticeView),
    Entry("GET", f"{_ALL}/{{notice_id}}/answers", _S, _results, "What was answered to a survey, without names",
          answer=SurveyResultsView),
    Entry("GET", f"{_ALL}/{{notice_id}}/answers.xlsx", _S, _export_results, "All answers as a sheet, without names"),
    Entry("POST", f"{_ALL}/{{notice_id}}/withdraw", _P, _withdraw, "Take it back from everybody",
          answer=NoticeView),
)  # fmt: skip
