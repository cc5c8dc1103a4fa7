"""Notices (消息推送) over HTTP: a supervisor pushes to an audience, now or at a time, takes back, sees what was answered."""

from __future__ import annotations

import asyncio
from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints, model_validator

from rtc_server.casework import notices as rules
from rtc_server.casework import surveys
from rtc_server.casework.notices import Audience, Notice
from rtc_server.casework.service import new_id, now_ms
from rtc_server.casework.states import WORDS, NoticeKind, NoticeState, TaxpayerKind
from rtc_server.identity.policy import Permission
from rtc_server.records import changes
from rtc_server.records import notices as rows
from rtc_server.records.notices import NOTICE, NOTICES, SurveyAnswer
from rtc_server.rest.attachments import AttachmentView, FileIds, attachment_views, own_files
from rtc_server.rest.audit import audit
from rtc_server.rest.centres import own_centre
from rtc_server.rest.listing import Listing, ListResource, Moment, OfCentre, SearchWords, StaffListQuery
from rtc_server.rest.resource import Body, Call, Entry, Line, View, required
from rtc_server.rest.sheets import Sheet, SheetColumn, local_time, sheet_response
from signaling.errors import BadInput, ErrorCode, Refused
from signaling.wire.base import Identifier

_MAX_PEOPLE = 5_000
_MAX_AHEAD_MS = 366 * 86_400_000
_URL = r"^(https?://[^\s\x00-\x1f\x7f<>\"']{1,500}|/[a-z][A-Za-z0-9/_?=&.-]{0,500})$"
Text = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=5_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
    ),
]


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
    def _survey_hasquestions_of(self) -> NoticeBody:
        if (self.kind is NoticeKind.SURVEY) != bool(self.survey):
            raise ValueError("a survey has questions")
        return self


class LinkView(View):
    title: str
    url: str


class SurveyQuestionView(View):
    question: str
    options: list[str]
    multiple: bool


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


def links_of(notice: Notice) -> list[LinkView]:
    return [LinkView(title=one["title"], url=one["url"]) for one in notice.links]


def questions_of(notice: Notice) -> list[SurveyQuestionView]:
    return [SurveyQuestionView(**one) for one in notice.survey]


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
        links=links_of(one),
        survey=questions_of(one),
    )


_SHEET: Sheet[NoticeView] = Sheet(
    "消息推送",
    (
        SheetColumn("消息名称", 36, lambda one: one.title),
        SheetColumn("消息类型", 12, lambda one: one.kind_name),
        SheetColumn("推送范围", 36, lambda one: one.audience),
        SheetColumn("推送时间", 18, lambda one: local_time(one.publish_at)),
        SheetColumn("状态", 10, lambda one: one.state_name),
        SheetColumn("接收人数", 10, lambda one: str(one.recipients)),
        SheetColumn("推送人", 10, lambda one: one.staff_number or ""),
        SheetColumn("内容", 60, lambda one: one.body),
    ),
)
_PUSHED = ListResource(NOTICES, _notice_view, OfCentre(rows.notice.c.centre_id), _SHEET)


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
    async with call.desk.recording.read(caught_up=False) as connection:
        stored = required(await rows.get(connection, made.notice_id))
    shown = await _whole(call, stored)
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


async def _whole(call: Call, one: Notice) -> NoticeView:
    views = await attachment_views(call.desk, one.attachments)
    return _notice_view(call, one).model_copy(update={"attachments": views})


async def _read(call: Call) -> NoticeView:
    return await _whole(call, await _PUSHED.one(call))


_MAX_TALLIED = 20_000


async def _survey(call: Call) -> tuple[Notice, int, tuple[SurveyAnswer, ...]]:
    """A survey a centre has pushed, how many answered, and the newest answers."""
    found = await _PUSHED.one(call)
    if not found.survey:
        raise Refused(ErrorCode.RECORD_NOT_FOUND)
    async with call.desk.recording.read(caught_up=False) as connection:
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
    known = await _PUSHED.one(call)
    async with call.desk.recording.write() as connection:
        stored = await changes.change(connection, NOTICE, known, rules.withdraw(known))
        await rows.withdraw(connection, known.notice_id)
    audit(call, "withdraw_notice", known.notice_id)
    await call.desk.casework.pushed(known)
    return await _whole(call, stored)


_S, _P = Permission.CASEWORK, Permission.PUSH_NOTICES
_ALL = "/api/casework/notices"

ENTRIES = (
    Entry("GET", _ALL, _S, _PUSHED.page, "Notices a centre has pushed",
          query=NoticesQuery, answer=Listing[NoticeView]),
    Entry("GET", f"{_ALL}/export.xlsx", _S, _PUSHED.export, "The same as a sheet", query=NoticesQuery),
    Entry("POST", _ALL, _P, _push, "Push to an audience, now or at a time",
          body=NoticeBody, answer=PushedView, status=201),
    Entry("GET", f"{_ALL}/{{notice_id}}", _S, _read, "One a centre has pushed", answer=NoticeView),
    Entry("GET", f"{_ALL}/{{notice_id}}/answers", _S, _results, "What was answered to a survey, without names",
          answer=SurveyResultsView),
    Entry("GET", f"{_ALL}/{{notice_id}}/answers.xlsx", _S, _export_results, "All answers as a sheet, without names"),
    Entry("POST", f"{_ALL}/{{notice_id}}/withdraw", _P, _withdraw, "Take it back from everybody",
          answer=NoticeView),
)  # fmt: skip
