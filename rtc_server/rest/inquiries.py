"""Inquiries (留言) over HTTP: a taxpayer writes and reads the answer; staff assign, answer, close."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtc_server.casework import inquiries as rules
from rtc_server.casework.inquiries import Inquiry
from rtc_server.casework.service import new_id, now_ms
from rtc_server.casework.states import WORDS, InquiryKind, InquiryState, NoticeKind, OwnInquiryState
from rtc_server.identity.policy import Permission
from rtc_server.records import changes
from rtc_server.records import inquiries as rows
from rtc_server.records.inquiries import INQUIRIES, INQUIRY
from rtc_server.records.numbering import INQUIRY as LETTERS
from rtc_server.records.numbering import next_number
from rtc_server.rest.attachments import AttachmentView, FileIds, attachment_views, own_files
from rtc_server.rest.audit import audit
from rtc_server.rest.centres import taxpayer_centre
from rtc_server.rest.listing import (
    Listing,
    ListQuery,
    ListResource,
    Moment,
    OfCentre,
    OwnedBy,
    SearchWords,
    StaffListQuery,
)
from rtc_server.rest.resource import Body, Call, Entry, Line, Prose, View
from rtc_server.rest.sheets import Sheet, SheetColumn, local_time
from signaling.errors import ErrorCode, Refused
from signaling.sessions.states import Role
from signaling.wire.base import Identifier
from signaling.wire.centre_notifications import CaseList

MAX_OPEN_OF_TAXPAYER = 20


class InquiriesQuery(ListQuery):
    number: SearchWords | None = None
    kind: InquiryKind | None = None
    content: SearchWords | None = None
    created_from: Moment | None = None
    created_before: Moment | None = None


_STATES = {
    OwnInquiryState.PROCESSING: [InquiryState.SUBMITTED, InquiryState.ASSIGNED],
    OwnInquiryState.COMPLETED: [InquiryState.ANSWERED, InquiryState.CLOSED],
}


class OwnInquiriesQuery(InquiriesQuery):
    state: OwnInquiryState | None = None

    def wanted(self) -> Mapping[str, Any]:
        return {**super().wanted(), "state": _STATES[self.state] if self.state is not None else None}


class StaffInquiriesQuery(InquiriesQuery, StaffListQuery):
    """``agent_id``: whom they were given to."""

    state: InquiryState | None = None
    agent_id: SearchWords | None = None


class InquiryBody(Body):
    kind: InquiryKind
    content: Prose
    centre_id: Identifier | None = None
    attachments: FileIds = []


class AssignBody(Body):
    agent_id: Identifier


class AnswerBody(Body):
    text: Prose
    attachments: FileIds = []


class CloseBody(Body):
    reason: Line


class InquiryView(View):
    """``answer`` is the reason when it was closed without one."""

    inquiry_id: str
    number: str
    taxpayer_name: str
    centre_id: str
    centre_name: str
    kind: InquiryKind
    kind_name: str
    content: str
    state: InquiryState
    state_name: str
    created_at: int
    agent_id: str | None
    staff_number: str | None
    assigned_at: int | None
    answer: str | None
    decided_at: int | None
    attachments: list[AttachmentView] = []
    answer_attachments: list[AttachmentView] = []


def _view(call: Call, one: Inquiry) -> InquiryView:
    organisation = call.desk.organisation
    centre = organisation.centre(one.centre_id)
    own = call.person.role is Role.TAXPAYER
    state_name = WORDS["inquiry_state"][one.state]
    if own:
        state_name = WORDS["own_inquiry_state"][
            OwnInquiryState.PROCESSING if one.is_open else OwnInquiryState.COMPLETED
        ]
    return InquiryView(
        inquiry_id=one.inquiry_id,
        number=one.number,
        taxpayer_name=one.taxpayer_name,
        centre_id=one.centre_id,
        centre_name=centre.name if centre is not None else "",
        kind=one.kind,
        kind_name=WORDS["inquiry_kind"][one.kind],
        content=one.content,
        state=one.state,
        state_name=state_name,
        created_at=one.created_at,
        agent_id=None if own else one.agent_id,
        staff_number=organisation.staff_number(one.agent_id) if one.agent_id is not None else None,
        assigned_at=one.assigned_at,
        answer=one.answer,
        decided_at=one.decided_at,
    )


_SHEET: Sheet[InquiryView] = Sheet(
    "留言",
    (
        SheetColumn("留言编号", 24, lambda one: one.number),
        SheetColumn("纳税人", 20, lambda one: one.taxpayer_name),
        SheetColumn("留言类型", 10, lambda one: one.kind_name),
        SheetColumn("留言内容", 60, lambda one: one.content),
        SheetColumn("留言时间", 18, lambda one: local_time(one.created_at)),
        SheetColumn("处理状态", 10, lambda one: one.state_name),
        SheetColumn("税务人员", 10, lambda one: one.staff_number or ""),
        SheetColumn("答复", 60, lambda one: one.answer or ""),
        SheetColumn("答复时间", 18, lambda one: local_time(one.decided_at)),
    ),
)
_OWN = ListResource(INQUIRIES, _view, OwnedBy(rows.inquiry.c.taxpayer_id))
_OF_CENTRE = ListResource(INQUIRIES, _view, OfCentre(rows.inquiry.c.centre_id), _SHEET)


async def _whole(call: Call, one: Inquiry) -> InquiryView:
    desk = call.desk
    return _view(call, one).model_copy(
        update={
            "attachments": await attachment_views(desk, one.attachments),
            "answer_attachments": await attachment_views(desk, one.answer_attachments),
        }
    )


async def _write(call: Call) -> InquiryView:
    body = call.body(InquiryBody)
    centre_id, region = taxpayer_centre(call, body.centre_id)
    files = await own_files(call, body.attachments)
    at = now_ms()
    async with call.desk.recording.write() as connection:
        if await rows.open_count(connection, call.person.person_id) >= MAX_OPEN_OF_TAXPAYER:
            raise Refused(ErrorCode.TOO_MANY_OPEN)
        made = Inquiry(
            inquiry_id=new_id(),
            revision=1,
            number=await next_number(connection, LETTERS, region, at),
            taxpayer_id=call.person.person_id,
            taxpayer_name=call.person.display_name,
            centre_id=centre_id,
            authority=region,
            kind=body.kind,
            content=body.content,
            state=InquiryState.SUBMITTED,
            created_at=at,
            attachments=files,
        )
        await changes.add(connection, INQUIRY, made)
    await _told(call, made)
    return await _whole(call, made)


async def _read_own(call: Call) -> InquiryView:
    return await _whole(call, await _OWN.one(call))


async def _told(call: Call, one: Inquiry) -> None:
    await call.desk.casework.changed(CaseList.INQUIRIES, people=[one.taxpayer_id], centre_id=one.centre_id)


# Staff


async def _read(call: Call) -> InquiryView:
    found = await _OF_CENTRE.one(call)
    audit(call, "read_inquiry", found.taxpayer_id, found.number)
    return await _whole(call, found)


async def _assign(call: Call) -> InquiryView:
    """An agent may take one that is free; who may assign gives any to any agent of the centre."""
    known, agent_id = await _OF_CENTRE.one(call), call.body(AssignBody).agent_id
    agent = call.desk.organisation.staff(agent_id)
    if agent is None or known.centre_id not in agent.centres:
        raise Refused(ErrorCode.RECORD_NOT_FOUND)
    taken = known.agent_id not in (None, call.person.person_id)
    if call.person.role is Role.AGENT and (agent_id != call.person.person_id or taken):
        raise Refused(ErrorCode.NOT_ALLOWED)
    at = now_ms()
    async with call.desk.recording.write() as connection:
        stored = await changes.change(
            connection, INQUIRY, known, rules.assign(known, agent_id, call.person.person_id, at)
        )
    await _told(call, stored)
    if agent_id != call.person.person_id:
        text = f"纳税人的留言（{stored.number}）已分派给您，请及时答复。"
        link = ("查看留言", f"/desk/records/inquiries?number={stored.number}")
        await call.desk.casework.inform_now(agent_id, "留言已分派给您", text, link, CaseList.INQUIRIES)
    return await _whole(call, stored)


async def _answer(call: Call) -> InquiryView:
    known, body = await _OF_CENTRE.one(call), call.body(AnswerBody)
    _check_own(call, known)
    files = await own_files(call, body.attachments)
    new = rules.answer(known, body.text, files, call.person.person_id, now_ms())
    return await _decide(call, known, new, "留言答复", f"您的留言（{known.number}）已答复：{body.text}")


async def _close(call: Call) -> InquiryView:
    known, reason = await _OF_CENTRE.one(call), call.body(CloseBody).reason
    _check_own(call, known)
    new = rules.close(known, reason, call.person.person_id, now_ms())
    return await _decide(call, known, new, "留言已关闭", f"您的留言（{known.number}）已关闭。原因：{reason}")


def _check_own(call: Call, known: Inquiry) -> None:
    """What another agent has is theirs to answer. Raises ``Refused``."""
    taken = known.agent_id not in (None, call.person.person_id)
    if call.person.role is Role.AGENT and taken:
        raise Refused(ErrorCode.NOT_ALLOWED)


async def _decide(call: Call, old: Inquiry, new: Inquiry, title: str, text: str) -> InquiryView:
    async with call.desk.recording.write() as connection:
        stored = await changes.change(connection, INQUIRY, old, new)
        await call.desk.casework.inform(
            connection,
            new.taxpayer_id,
            title,
            text,
            kind=NoticeKind.REMINDER,
            link=("查看留言", f"/centre/inquiries?number={new.number}"),
            attachments=new.answer_attachments,
        )
    await _told(call, stored)
    return await _whole(call, stored)


_T, _S = Permission.OWN_CENTRE, Permission.CASEWORK
_MINE, _ALL = "/api/centre/inquiries", "/api/casework/inquiries"
_ONE = InquiryView

ENTRIES = (
    Entry("GET", _MINE, _T, _OWN.page, "One's own inquiries",
          query=OwnInquiriesQuery, answer=Listing[InquiryView]),
    Entry("POST", _MINE, _T, _write, "Write one", body=InquiryBody, answer=_ONE, status=201),
    Entry("GET", f"{_MINE}/{{inquiry_id}}", _T, _read_own, "One of one's own, with its answer", answer=_ONE),
    Entry("GET", _ALL, _S, _OF_CENTRE.page, "Inquiries of a centre",
          query=StaffInquiriesQuery, answer=Listing[InquiryView]),
    Entry("GET", f"{_ALL}/export.xlsx", _S, _OF_CENTRE.export, "The same as a sheet", query=StaffInquiriesQuery),
    Entry("GET", f"{_ALL}/{{inquiry_id}}", _S, _read, "One of a centre; recorded", answer=_ONE),
    Entry("POST", f"{_ALL}/{{inquiry_id}}/assign", _S, _assign, "Give it to an agent, or take it",
          body=AssignBody, answer=_ONE),
    Entry("POST", f"{_ALL}/{{inquiry_id}}/answer", _S, _answer, "Answer; the taxpayer gets a notice",
          body=AnswerBody, answer=_ONE),
    Entry("POST", f"{_ALL}/{{inquiry_id}}/close", _S, _close, "Close without an answer, with a reason",
          body=CloseBody, answer=_ONE),
)  # fmt: skip
