"""Appointments (预约) over HTTP: a taxpayer books, answers an invitation, cancels; staff invite, begin, decide."""

from __future__ import annotations

from rtc_server.casework import appointments as rules
from rtc_server.casework.appointments import Appointment
from rtc_server.casework.service import new_id, now_ms
from rtc_server.casework.states import (
    WORDS,
    AppointmentMethod,
    AppointmentOrigin,
    AppointmentProgress,
    AppointmentState,
)
from rtc_server.identity.masking import mask_phone
from rtc_server.identity.policy import Permission
from rtc_server.records import appointments as rows
from rtc_server.records import taxpayers
from rtc_server.records.appointments import APPOINTMENTS
from rtc_server.records.numbering import APPOINTMENT, next_number
from rtc_server.rest.attachments import (
    AttachmentView,
    ContactView,
    FileIds,
    Telephone,
    attachment_views,
    own_files,
)
from rtc_server.rest.audit import audit
from rtc_server.rest.centres import own_centre, taxpayer_centre
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
from rtc_server.rest.resource import Body, Call, Entry, Line, Prose, View, required
from rtc_server.rest.sheets import Sheet, SheetColumn, local_time
from signaling.errors import BadInput, ErrorCode, Refused
from signaling.wire.base import Identifier
from signaling.wire.centre_notifications import CaseList


class AppointmentsQuery(ListQuery):
    number: SearchWords | None = None
    origin: AppointmentOrigin | None = None
    service: SearchWords | None = None
    method: AppointmentMethod | None = None
    subject: SearchWords | None = None
    state: AppointmentState | None = None
    progress: AppointmentProgress | None = None
    starts_from: Moment | None = None
    starts_before: Moment | None = None


class StaffAppointmentsQuery(AppointmentsQuery, StaffListQuery):
    pass


class BookBody(Body):
    """``contact``: the telephone number to call; required for that method."""

    service: Identifier
    method: AppointmentMethod
    subject: Prose
    starts_at: Moment
    centre_id: Identifier | None = None
    contact: Telephone | None = None
    attachments: FileIds = []


class InviteBody(Body):
    taxpayer_id: Identifier
    centre_id: Identifier | None = None
    service: Identifier
    method: AppointmentMethod
    subject: Prose
    starts_at: Moment


class ReasonBody(Body):
    reason: Line | None = None


class AppointmentView(View):
    """Words beside codes are for people. ``contact`` is masked for staff."""

    appointment_id: str
    number: str
    origin: AppointmentOrigin
    origin_name: str
    taxpayer_name: str
    centre_id: str
    centre_name: str
    service: str
    service_name: str
    method: AppointmentMethod
    method_name: str
    subject: str
    starts_at: int
    ends_at: int
    state: AppointmentState
    state_name: str
    progress: AppointmentProgress
    progress_name: str
    created_at: int
    contact: str | None
    staff_number: str | None
    interaction_id: str | None
    reason: str | None
    attachments: list[AttachmentView] = []


def _view(call: Call, one: Appointment, files: list[AttachmentView] | None = None) -> AppointmentView:
    organisation = call.desk.organisation
    centre = organisation.centre(one.centre_id)
    names = {skill.code: skill.name for skill in organisation.skills}
    own = call.person.person_id == one.taxpayer_id
    contact = one.contact if own or one.contact is None else mask_phone(one.contact)
    return AppointmentView(
        appointment_id=one.appointment_id,
        number=one.number,
        origin=one.origin,
        origin_name=WORDS["appointment_origin"][one.origin],
        taxpayer_name=one.taxpayer_name,
        centre_id=one.centre_id,
        centre_name=centre.name if centre is not None else "",
        service=one.service,
        service_name=names.get(one.service, one.service),
        method=one.method,
        method_name=WORDS["appointment_method"][one.method],
        subject=one.subject,
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        state=one.state,
        state_name=WORDS["appointment_state"][one.state],
        progress=one.progress,
        progress_name=WORDS["appointment_progress"][one.progress],
        created_at=one.created_at,
        contact=contact,
        staff_number=organisation.staff_number(one.agent_id) if one.agent_id is not None else None,
        interaction_id=one.interaction_id,
        reason=one.reason,
        attachments=files or [],
    )


_SHEET: Sheet[AppointmentView] = Sheet(
    "预约",
    (
        SheetColumn("预约编号", 24, lambda one: one.number),
        SheetColumn("预约服务单位", 28, lambda one: one.centre_name),
        SheetColumn("纳税人", 20, lambda one: one.taxpayer_name),
        SheetColumn("预约服务时间", 18, lambda one: local_time(one.starts_at)),
        SheetColumn("预约服务类型", 14, lambda one: one.service_name),
        SheetColumn("预约互动方式", 14, lambda one: one.method_name),
        SheetColumn("预约事项说明", 48, lambda one: one.subject),
        SheetColumn("来源", 10, lambda one: one.origin_name),
        SheetColumn("预约状态", 10, lambda one: one.state_name),
        SheetColumn("互动状态", 10, lambda one: one.progress_name),
        SheetColumn("税务人员", 10, lambda one: one.staff_number or ""),
    ),
)
_OWN = ListResource(APPOINTMENTS, _view, OwnedBy(rows.appointment.c.taxpayer_id))
_OF_CENTRE = ListResource(APPOINTMENTS, _view, OfCentre(rows.appointment.c.centre_id), _SHEET)


# The taxpayer


async def _book(call: Call) -> AppointmentView:
    body = call.body(BookBody)
    centre_id, region = taxpayer_centre(call, body.centre_id)
    if (body.method is AppointmentMethod.TELEPHONE) != (body.contact is not None):
        raise BadInput(ErrorCode.BAD_MESSAGE)
    at = now_ms()
    _check_slot(call, centre_id, body.service, body.starts_at, at)
    files = await own_files(call, body.attachments)
    async with call.desk.recording.write() as connection:
        made = Appointment(
            appointment_id=new_id(),
            revision=1,
            number=await next_number(connection, APPOINTMENT, region, at),
            origin=AppointmentOrigin.TAXPAYER,
            taxpayer_id=call.person.person_id,
            taxpayer_name=call.person.display_name,
            centre_id=centre_id,
            authority=region,
            service=body.service,
            method=body.method,
            subject=body.subject,
            starts_at=body.starts_at,
            ends_at=body.starts_at + rules.SLOT_MS,
            state=AppointmentState.BOOKED,
            progress=AppointmentProgress.NOT_STARTED,
            created_at=at,
            created_by=call.person.person_id,
            attachments=files,
            contact=body.contact,
        )
        await rows.book(connection, made)
        when, method = call.desk.casework.when(made), WORDS["appointment_method"][made.method]
        text = f"您已成功预约{when}的{method}服务，预约编号 {made.number}，请按时赴约。"
        await call.desk.casework.inform(
            connection, made.taxpayer_id, "预约提示", text, link=("查看预约", rules.address_of(made))
        )
    await _told(call, made)
    return _view(call, made, await attachment_views(call.desk, made.attachments))


def _check_slot(call: Call, centre_id: str, service: str, starts_at: int, at: int) -> None:
    if service not in {skill.code for skill in call.desk.organisation.skills}:
        raise BadInput(ErrorCode.BAD_MESSAGE)
    centre = required(call.desk.organisation.centre(centre_id))
    if not rules.is_slot(centre, starts_at, at):
        raise Refused(ErrorCode.SLOT_GONE)


async def _read_own(call: Call) -> AppointmentView:
    found = await _OWN.one(call)
    return _view(call, found, await attachment_views(call.desk, found.attachments))


async def _cancel_own(call: Call) -> AppointmentView:
    known = await _OWN.one(call)
    return await _store(call, known, rules.cancel(known, call.body(ReasonBody).reason, now_ms()))


async def _accept(call: Call) -> AppointmentView:
    return await _answered(call, await _OWN.one(call), agreed=True)


async def _decline(call: Call) -> AppointmentView:
    return await _answered(call, await _OWN.one(call), agreed=False)


async def _answered(call: Call, known: Appointment, *, agreed: bool) -> AppointmentView:
    """Whoever invited is told."""
    stored = await _store(call, known, rules.answer(known, agreed=agreed, now_ms=now_ms()))
    word = "同意" if agreed else "拒绝"
    text = f"纳税人{word}了您于{call.desk.casework.when(known)}的邀请（{known.number}）。"
    link = ("查看预约", f"/desk/records/appointments?number={known.number}")
    await call.desk.casework.inform_now(
        known.created_by, f"纳税人已{word}邀请", text, link, CaseList.APPOINTMENTS
    )
    return stored


async def _store(
    call: Call, old: Appointment, new: Appointment, tell: tuple[str, str] | None = None
) -> AppointmentView:
    """``tell``: the title and the text of a notice to the taxpayer."""
    async with call.desk.recording.write() as connection:
        stored = await rows.change(connection, old, new)
        await call.desk.casework.settle_invitation(connection, old, now_ms())
        if tell is not None:
            link = ("查看预约", rules.address_of(new))
            await call.desk.casework.inform(connection, new.taxpayer_id, *tell, link=link)
    await _told(call, stored)
    return _view(call, stored, await attachment_views(call.desk, stored.attachments))


async def _told(call: Call, one: Appointment) -> None:
    await call.desk.casework.changed(CaseList.APPOINTMENTS, people=[one.taxpayer_id], centre_id=one.centre_id)


# Staff


async def _read(call: Call) -> AppointmentView:
    found = await _OF_CENTRE.one(call)
    audit(call, "read_appointment", found.taxpayer_id, found.number)
    return _view(call, found, await attachment_views(call.desk, found.attachments))


async def _reveal(call: Call) -> ContactView:
    found = await _OF_CENTRE.one(call)
    # Kept before it is shown, as every reveal.
    audit(call, "reveal_appointment_phone", found.taxpayer_id, found.number)
    return ContactView(contact=found.contact)


async def _invite(call: Call) -> AppointmentView:
    body = call.body(InviteBody)
    centre_id = required(own_centre(call, body.centre_id))
    at = now_ms()
    _check_slot(call, centre_id, body.service, body.starts_at, at)
    if body.method is AppointmentMethod.TELEPHONE:
        # Nobody but the taxpayer says which number to call.
        raise BadInput(ErrorCode.BAD_MESSAGE)
    async with call.desk.recording.read() as connection:
        person = required(await taxpayers.get(connection, body.taxpayer_id))
    async with call.desk.recording.write() as connection:
        made = Appointment(
            appointment_id=new_id(),
            revision=1,
            number=await next_number(connection, APPOINTMENT, person.authority, at),
            origin=AppointmentOrigin.AUTHORITY,
            taxpayer_id=person.taxpayer_id,
            taxpayer_name=person.name,
            centre_id=centre_id,
            authority=person.authority,
            service=body.service,
            method=body.method,
            subject=body.subject,
            starts_at=body.starts_at,
            ends_at=body.starts_at + rules.SLOT_MS,
            state=AppointmentState.INVITED,
            progress=AppointmentProgress.NOT_STARTED,
            created_at=at,
            created_by=call.person.person_id,
            agent_id=call.person.person_id,
        )
        await rows.book(connection, made)
        when, method = call.desk.casework.when(made), WORDS["appointment_method"][made.method]
        text = f"税务机关邀请您于{when}进行{method}，事项：{made.subject}。请在开始前确认是否同意。"
        await call.desk.casework.inform(
            connection,
            made.taxpayer_id,
            "税局邀请",
            text,
            todo=True,
            link=("同意或拒绝", rules.address_of(made)),
            notice_id=rules.invitation_id(made),
        )
    await _told(call, made)
    return _view(call, made)


async def _begin(call: Call) -> AppointmentView:
    known = await _OF_CENTRE.one(call)
    own, at = call.person.person_id, now_ms()
    checked = rules.begin(known, own, None, at)
    if known.method is not AppointmentMethod.ONLINE:
        return await _store(call, known, checked)
    number = call.desk.organisation.staff_number(own) or call.person.display_name
    try:
        interaction_id = await call.desk.casework.begin_interaction(known.taxpayer_id, own, number)
    except Refused as refused:
        if refused.code is ErrorCode.TAXPAYER_OFFLINE:
            await _call_in(call, known)
        raise
    return await _store(call, known, rules.begin(known, own, interaction_id, at))


async def _call_in(call: Call, known: Appointment) -> None:
    text = f"您预约的在线互动（{known.number}）已到时间，税务人员正在等候。请打开办税页面右侧的【悦悦】互动窗口。"
    async with call.desk.recording.write() as connection:
        link = ("查看预约", rules.address_of(known))
        await call.desk.casework.inform(connection, known.taxpayer_id, "税务人员正在等候您", text, link=link)
    await _told(call, known)


async def _fulfil(call: Call) -> AppointmentView:
    known = await _OF_CENTRE.one(call)
    return await _store(call, known, rules.fulfil(known, now_ms()))


async def _miss(call: Call) -> AppointmentView:
    known = await _OF_CENTRE.one(call)
    text = f"您于{call.desk.casework.when(known)}的预约（{known.number}）未按时赴约，已记为失约。如仍需办理，请重新预约。"
    return await _store(call, known, rules.miss(known, now_ms()), ("预约失约提醒", text))


async def _cancel(call: Call) -> AppointmentView:
    known = await _OF_CENTRE.one(call)
    reason = call.body(ReasonBody).reason
    why = f"原因：{reason}。" if reason else ""
    text = f"您于{call.desk.casework.when(known)}的预约（{known.number}）已由税务机关取消。{why}如仍需办理，请重新预约。"
    return await _store(call, known, rules.cancel(known, reason, now_ms()), ("预约取消提醒", text))


_T, _S = Permission.OWN_CENTRE, Permission.CASEWORK
_ONE = AppointmentView
_MINE, _ALL = "/api/centre/appointments", "/api/casework/appointments"

ENTRIES = (
    Entry("GET", _MINE, _T, _OWN.page, "One's own appointments",
          query=AppointmentsQuery, answer=Listing[AppointmentView]),
    Entry("POST", _MINE, _T, _book, "Book a slot", body=BookBody, answer=_ONE, status=201),
    Entry("GET", f"{_MINE}/{{appointment_id}}", _T, _read_own, "One of one's own", answer=_ONE),
    Entry("POST", f"{_MINE}/{{appointment_id}}/cancel", _T, _cancel_own, "Cancel",
          body=ReasonBody, answer=_ONE),
    Entry("POST", f"{_MINE}/{{appointment_id}}/accept", _T, _accept, "Agree to an invitation", answer=_ONE),
    Entry("POST", f"{_MINE}/{{appointment_id}}/decline", _T, _decline, "Refuse an invitation", answer=_ONE),
    Entry("GET", _ALL, _S, _OF_CENTRE.page, "Appointments of a centre",
          query=StaffAppointmentsQuery, answer=Listing[AppointmentView]),
    Entry("GET", f"{_ALL}/export.xlsx", _S, _OF_CENTRE.export, "The same as a sheet", query=StaffAppointmentsQuery),
    Entry("POST", _ALL, _S, _invite, "Invite a taxpayer", body=InviteBody, answer=_ONE, status=201),
    Entry("GET", f"{_ALL}/{{appointment_id}}", _S, _read, "One of a centre; recorded", answer=_ONE),
    Entry("POST", f"{_ALL}/{{appointment_id}}/reveal", Permission.REVEAL, _reveal,
          "The telephone number unmasked; recorded", answer=ContactView),
    Entry("POST", f"{_ALL}/{{appointment_id}}/begin", _S, _begin, "Begin at its time; online: the interaction",
          answer=_ONE),
    Entry("POST", f"{_ALL}/{{appointment_id}}/fulfil", _S, _fulfil, "It took place", answer=_ONE),
    Entry("POST", f"{_ALL}/{{appointment_id}}/miss", _S, _miss, "The taxpayer did not come", answer=_ONE),
    Entry("POST", f"{_ALL}/{{appointment_id}}/cancel", _S, _cancel, "Cancel; the taxpayer is told why",
          body=ReasonBody, answer=_ONE),
)  # fmt: skip
