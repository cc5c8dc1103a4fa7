"""Mediation applications (调解申请): a taxpayer drafts, applies, withdraws; staff of the centre refuse or dispatch it to an
agent, and whoever is concerned finds the meeting."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from rtc_server.casework.service import now_ms
from rtc_server.casework.states import WORDS
from rtc_server.identity.masking import mask_phone
from rtc_server.identity.policy import Permission
from rtc_server.records import mediations, meetings
from rtc_server.records.mediations import MEDIATIONS, MediationFilter, MediationRecord
from rtc_server.records.meeting_recording import application_of
from rtc_server.records.numbering import MEDIATION, next_number
from rtc_server.records.paging import CursorInvalid
from rtc_server.rest.attachments import (
    AttachmentView,
    ContactView,
    FileIds,
    Telephone,
    attachment_views,
    own_files,
)
from rtc_server.rest.audit import audit
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
from rtc_server.rest.resource import Body, Call, Cursor, Entry, Line, Prose, Query, View
from rtc_server.rest.service import ServiceDesk
from rtc_server.rest.sheets import Sheet, SheetColumn, local_time
from signaling.errors import BadInput, ErrorCode, Refused
from signaling.rooms.meetings import Meetings, NewApplication
from signaling.sessions.mediation import Asked, MediationApplication
from signaling.sessions.meeting_states import MediationPhase
from signaling.sessions.meeting_streams import PERSON_PREFIX
from signaling.sessions.states import Role
from signaling.wire.base import Identifier
from signaling.wire.centre_notifications import CaseList

MEETINGS = web.AppKey("meetings", Meetings)

_MAX_SHOWN = 200
_MAX_LINES = 100
_ROLE_NAMES = {
    Role.TAXPAYER: "纳税人",
    Role.AGENT: "税务人员",
    Role.SUPERVISOR: "班长",
}


class RevisionBody(Body):
    """``expected_at``: when one would like to talk. ``contact``: the telephone number to call."""

    subject: Line
    detail: Prose
    expected_at: Moment | None = None
    contact: Telephone | None = None
    attachments: FileIds = []


class ApplicationBody(RevisionBody):
    """``draft``: kept, not yet applied for (暂存)."""

    draft: bool = False


class MediationReasonBody(Body):
    reason: Line


class MediationsQuery(ListQuery):
    """``accepted``: dispatched to an agent (受理)."""

    number: SearchWords | None = None
    phase: MediationPhase | None = None
    applied_from: Moment | None = None
    applied_before: Moment | None = None
    accepted_from: Moment | None = None
    accepted_before: Moment | None = None


class StaffMediationsQuery(MediationsQuery, StaffListQuery):
    pass


class DispatchBody(Body):
    agent_id: Identifier


class ApplicationsQuery(Query):
    """``cursor`` is for taxpayers; staff are shown what is open, whole."""

    cursor: Cursor | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class ApplicationView(View):
    """``meeting_id`` is the address ``/meeting/{meeting_id}``, from the dispatch on. Staff see the name and ``contact``
    masked."""

    application_id: str
    number: str
    taxpayer_name: str
    authority: str | None
    subject: str
    detail: str
    applied_at: int
    phase: MediationPhase
    phase_name: str
    expected_at: int | None
    reason: str | None
    contact: str | None
    meeting_id: str | None
    agent_id: str | None
    agent_number: str | None
    dispatched_at: int | None
    done_at: int | None


class ParticipantView(View):
    """Staff by number, taxpayers masked, as in the meeting itself. ``left_at`` None: still there."""

    display_name: str
    role_name: str
    joined_at: int
    left_at: int | None


class ChatLineView(View):
    sender_name: str | None
    text: str
    sent_at: int


class MeetingRecordView(View):
    """What is kept of a meeting that has begun. ``messages`` are its last ``_MAX_LINES`` lines."""

    started_at: int
    ended_at: int | None
    participants: list[ParticipantView]
    notes: str
    messages: list[ChatLineView]


class MediationView(ApplicationView):
    """One, with its material and the record of its meeting."""

    attachments: list[AttachmentView]
    meeting: MeetingRecordView | None


class Applications(View):
    applications: list[ApplicationView]
    next_cursor: str | None = None


def _view(call: Call, application: MediationApplication) -> ApplicationView:
    desk, agent_id, contact = call.desk, application.agent_id, application.contact
    own = application.taxpayer_id == call.person.person_id
    return ApplicationView(
        application_id=application.application_id,
        number=application.number,
        taxpayer_name=application.taxpayer_name,
        authority=application.authority,
        subject=application.subject,
        detail=application.detail,
        applied_at=application.applied_at,
        phase=application.phase,
        phase_name=WORDS["mediation_phase"].get(application.phase, ""),
        expected_at=application.expected_at,
        reason=application.reason,
        contact=contact if own or contact is None else mask_phone(contact),
        meeting_id=application.meeting_id,
        agent_id=agent_id,
        agent_number=desk.organisation.staff_number(agent_id) if agent_id is not None else None,
        dispatched_at=application.dispatched_at,
        done_at=application.done_at,
    )


def _row_view(call: Call, row: MediationRecord) -> ApplicationView:
    return _view(call, application_of(row))


_SHEET: Sheet[ApplicationView] = Sheet(
    "调解申请",
    (
        SheetColumn("调解申请编号", 26, lambda one: one.number),
        SheetColumn("纳税人", 20, lambda one: one.taxpayer_name),
        SheetColumn("申请事项", 36, lambda one: one.subject),
        SheetColumn("申请时间", 18, lambda one: local_time(one.applied_at)),
        SheetColumn("期望沟通时间", 18, lambda one: local_time(one.expected_at)),
        SheetColumn("受理时间", 18, lambda one: local_time(one.dispatched_at)),
        SheetColumn("受理人", 10, lambda one: one.agent_number or ""),
        SheetColumn("办理状态", 10, lambda one: one.phase_name),
    ),
)
_c = mediations.mediation_application.c
_OWN = ListResource(
    MEDIATIONS,
    _row_view,
    OwnedBy(_c.taxpayer_id, [_c.phase != MediationPhase.DISCARDED.value]),
    caught_up=True,
)
_OF_CENTRE = ListResource(
    MEDIATIONS,
    _row_view,
    OfCentre(_c.centre_id, [_c.phase.not_in([MediationPhase.DRAFT.value, MediationPhase.DISCARDED.value])]),
    _SHEET,
    caught_up=True,
)


async def _apply(call: Call) -> ApplicationView:
    body = call.body(ApplicationBody)
    region = call.desk.casework.authority_of(call.person)
    centre = call.desk.organisation.centre_for(region)
    asked = NewApplication(
        number=await _next_number(call.desk, region),
        asked=await _asked(call, body),
        authority=call.person.authority,
        centre_id=centre.centre_id if centre is not None else None,
        draft=body.draft,
    )
    application = call.request.app[MEETINGS].apply(call.person, asked)
    await _told(call, application)
    return _view(call, application)


async def _asked(call: Call, body: RevisionBody) -> Asked:
    files = await own_files(call, body.attachments)
    return Asked(body.subject, body.detail, body.expected_at, body.contact, files)


async def _next_number(desk: ServiceDesk, region: str | None) -> str:
    async with desk.recording.write() as connection:
        return await next_number(connection, MEDIATION, region, now_ms())


async def _list(call: Call) -> Applications:
    """A taxpayer's own, newest first. An agent's: given to them, or waiting in their centres; a supervisor's: all that
    is open in their centres."""
    asked = call.query(ApplicationsQuery)
    person, desk = call.person, call.desk
    if person.role is Role.TAXPAYER:
        wanted = MediationFilter(taxpayer_id=person.person_id, submitted=True)
        try:
            async with desk.recording.read() as connection:
                page = await mediations.search(connection, wanted, asked.cursor, asked.limit)
        except CursorInvalid:
            raise BadInput(ErrorCode.BAD_MESSAGE) from None
        return Applications(
            applications=[_view(call, application_of(row)) for row in page.items],
            next_cursor=page.next_cursor,
        )
    phases = mediations.UNFINISHED if person.role is Role.SUPERVISOR else (MediationPhase.APPLIED,)
    async with desk.recording.read() as connection:
        rows = await mediations.unfinished(connection, _served(call), phases, person.person_id, _MAX_SHOWN)
    return Applications(applications=[_view(call, application_of(row)) for row in rows])


def _served(call: Call) -> list[str]:
    """In all the words by which an application may name an authority of one's centres (``AuthorityTree.find``)."""
    authorities = call.desk.organisation.whole.authorities
    served = [one for one in authorities if _of_own_centre(call, one.code)]
    return [word for one in served for word in (one.code, one.name, one.short_name)]


async def _dispatch(call: Call) -> ApplicationView:
    application_id = call.id("application_id")
    async with call.desk.recording.read() as connection:
        row = await mediations.get(connection, application_id)
    if row is None or not (_of_own_centre(call, row.authority) or row.agent_id == call.person.person_id):
        raise Refused(ErrorCode.NOT_FOUND)
    agent_id = call.body(DispatchBody).agent_id
    given = call.request.app[MEETINGS].dispatch(call.person, application_id, agent_id)
    number = call.desk.organisation.staff_number(agent_id) or ""
    text = f"您的调解申请（{given.number}）已由税务人员 {number} 受理，请按约定时间进入调解室。"
    await _inform(call, given, "调解申请已受理", text, ("进入调解室", f"/meeting/{given.meeting_id}"))
    if agent_id != call.person.person_id:
        told = f"调解申请（{given.number}，{given.subject}）已分派给您，请按约定时间主持调解会议。"
        link = ("查看申请", f"/desk/records/mediations?number={given.number}")
        await call.desk.casework.inform_now(agent_id, "调解申请已分派给您", told, link, CaseList.MEDIATIONS)
    return _view(call, given)


async def _inform(
    call: Call, one: MediationApplication, title: str, text: str, link: tuple[str, str]
) -> None:
    async with call.desk.recording.write() as connection:
        await call.desk.casework.inform(connection, one.taxpayer_id, title, text, link=link)
    await _told(call, one)


async def _told(call: Call, one: MediationApplication) -> None:
    await call.desk.casework.changed(CaseList.MEDIATIONS, people=[one.taxpayer_id], centre_id=one.centre_id)


async def _own(call: Call) -> MediationApplication:
    return application_of(await _OWN.one(call))


async def _read_own(call: Call) -> MediationView:
    return await _whole(call, await _own(call))


async def _read(call: Call) -> MediationView:
    """Who asked for what, who took part and what was said: that staff read it is recorded."""
    row = await _of_staff(call)
    audit(call, "read_mediation", row.taxpayer_id, row.number)
    return await _whole(call, application_of(row))


async def _of_staff(call: Call) -> MediationRecord:
    """Of one's own centre, or given to oneself. Raises ``Refused``."""
    async with call.desk.recording.read() as connection:
        row = await mediations.get(connection, call.id("application_id"))
    hidden = (MediationPhase.DRAFT, MediationPhase.DISCARDED)
    if row is None or row.phase in hidden:
        raise Refused(ErrorCode.RECORD_NOT_FOUND)
    if row.agent_id != call.person.person_id and not _of_own_centre(call, row.authority):
        raise Refused(ErrorCode.RECORD_NOT_FOUND)
    return row


async def _reveal(call: Call) -> ContactView:
    row = await _of_staff(call)
    # Kept before it is shown, as every reveal.
    audit(call, "reveal_mediation_phone", row.taxpayer_id, row.number)
    return ContactView(contact=row.contact)


async def _whole(call: Call, one: MediationApplication) -> MediationView:
    return MediationView(
        **_view(call, one).model_dump(),
        attachments=await attachment_views(call.desk, one.attachments),
        meeting=await _record(call, one.meeting_id),
    )


async def _record(call: Call, meeting_id: str | None) -> MeetingRecordView | None:
    if meeting_id is None:
        return None
    async with call.desk.recording.read(caught_up=False) as connection:
        held = await meetings.get(connection, meeting_id)
        if held is None or held.started_at is None:
            return None
        members = await meetings.members(connection, meeting_id)
        notes = await meetings.notes(connection, meeting_id)
        lines = await meetings.messages_before(connection, meeting_id, None, _MAX_LINES)
    return MeetingRecordView(
        started_at=held.started_at,
        ended_at=held.ended_at,
        participants=[
            ParticipantView(
                display_name=one.display_name,
                role_name=_ROLE_NAMES.get(one.role, ""),
                joined_at=one.joined_at,
                left_at=one.left_at,
            )
            for one in members
            if not one.person_id.startswith(PERSON_PREFIX)
        ],
        notes=notes.text if notes is not None else "",
        messages=[
            ChatLineView(sender_name=one.sender_name, text=one.text, sent_at=one.sent_at) for one in lines
        ],
    )


async def _revise(call: Call) -> ApplicationView:
    known, body = await _own(call), call.body(RevisionBody)
    return _view(call, call.request.app[MEETINGS].revise(known, await _asked(call, body)))


async def _discard(call: Call) -> None:
    call.request.app[MEETINGS].discard(await _own(call))


async def _submit(call: Call) -> ApplicationView:
    submitted = call.request.app[MEETINGS].submit(await _own(call))
    await _told(call, submitted)
    return _view(call, submitted)


async def _withdraw(call: Call) -> ApplicationView:
    known = await _own(call)
    withdrawn = call.request.app[MEETINGS].withdraw(
        known.application_id, call.body(MediationReasonBody).reason
    )
    await _told(call, withdrawn)
    return _view(call, withdrawn)


async def _refuse(call: Call) -> ApplicationView:
    async with call.desk.recording.read() as connection:
        row = await mediations.get(connection, call.id("application_id"))
    if row is None or not _of_own_centre(call, row.authority):
        raise Refused(ErrorCode.RECORD_NOT_FOUND)
    reason = call.body(MediationReasonBody).reason
    refused = call.request.app[MEETINGS].refuse(call.person, row.application_id, reason)
    text = f"您的调解申请（{refused.number}）不予受理。原因：{reason}"
    await _inform(
        call, refused, "调解申请不予受理", text, ("查看申请", f"/centre/mediations?number={refused.number}")
    )
    return _view(call, refused)


def _of_own_centre(call: Call, authority: str | None) -> bool:
    centre = call.desk.organisation.centre_for(authority)
    return centre is not None and centre.centre_id in call.desk.organisation.centres_of(call.person.person_id)


_T, _S = Permission.APPLY_FOR_MEDIATION, Permission.DISPATCH_MEDIATION

ENTRIES = (
    Entry(
        "POST",
        "/api/mediations",
        Permission.APPLY_FOR_MEDIATION,
        _apply,
        "Apply for a mediation",
        body=ApplicationBody,
        answer=ApplicationView,
        status=201,
    ),
    Entry(
        "GET",
        "/api/mediations",
        Permission.READ_MEDIATIONS,
        _list,
        "One's own applications, or those one has to do with",
        query=ApplicationsQuery,
        answer=Applications,
    ),
    Entry(
        "POST",
        "/api/mediations/{application_id}/dispatch",
        Permission.DISPATCH_MEDIATION,
        _dispatch,
        "Give an application to an agent; its meeting can be entered from then on",
        body=DispatchBody,
        answer=ApplicationView,
    ),
    Entry("GET", "/api/centre/mediations", _T, _OWN.page, "One's own applications, drafts too",
          query=MediationsQuery, answer=Listing[ApplicationView]),
    Entry("GET", "/api/centre/mediations/{application_id}", _T, _read_own, "One of one's own", answer=MediationView),
    Entry("PUT", "/api/centre/mediations/{application_id}", _T, _revise, "Change a draft",
          body=RevisionBody, answer=ApplicationView),
    Entry("DELETE", "/api/centre/mediations/{application_id}", _T, _discard, "Throw a draft away"),
    Entry("POST", "/api/centre/mediations/{application_id}/submit", _T, _submit, "Apply with a draft", answer=ApplicationView),
    Entry("POST", "/api/centre/mediations/{application_id}/withdraw", _T, _withdraw, "Before it is dispatched",
          body=MediationReasonBody, answer=ApplicationView),
    Entry("GET", "/api/casework/mediations", _S, _OF_CENTRE.page, "Applications of a centre",
          query=StaffMediationsQuery, answer=Listing[ApplicationView]),
    Entry("GET", "/api/casework/mediations/export.xlsx", _S, _OF_CENTRE.export, "The same as a sheet",
          query=StaffMediationsQuery),
    Entry("GET", "/api/casework/mediations/{application_id}", _S, _read, "One of a centre, with its meeting; recorded",
          answer=MediationView),
    Entry("POST", "/api/casework/mediations/{application_id}/reveal", Permission.REVEAL, _reveal,
          "The telephone number unmasked; recorded", answer=ContactView),
    Entry("POST", "/api/mediations/{application_id}/refuse", _S, _refuse, "Refuse, with a reason; the taxpayer is told",
          body=MediationReasonBody, answer=ApplicationView),
)  # fmt: skip
