"""Mediation applications (调解申请), minimal: a taxpayer applies, staff of the centre dispatch it to an agent, and whoever is
concerned finds the meeting."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import Field

from rtc_server.identity.policy import Permission
from rtc_server.organisation.centres import DEFAULT_TIME_ZONE
from rtc_server.records import mediations
from rtc_server.records.mediations import MediationFilter, MediationRecord
from rtc_server.records.meeting_recording import application_of
from rtc_server.records.paging import CursorInvalid
from rtc_server.rest.resource import Body, Call, Cursor, Entry, Line, Prose, Query, View
from rtc_server.rest.service import ServiceDesk
from signaling.errors import BadInput, ErrorCode, RateLimited, Refused
from signaling.rooms.meetings import Meetings, NewApplication
from signaling.sessions.mediation import MediationApplication
from signaling.sessions.meeting_states import MediationPhase
from signaling.sessions.states import Role
from signaling.wire.base import Identifier

MEETINGS = web.AppKey("meetings", Meetings)

_NUMBERING = asyncio.Lock()
"""Two who apply at once get two numbers."""
_NO_REGION = "000000"
_MAX_A_DAY = 9_999
_DAY_MS = 86_400_000
_MAX_SHOWN = 200


class ApplicationBody(Body):
    subject: Line
    detail: Prose


class DispatchBody(Body):
    agent_id: Identifier


class ApplicationsQuery(Query):
    """``cursor`` is for taxpayers; staff are shown what is open, whole."""

    cursor: Cursor | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class ApplicationView(View):
    """``meeting_id`` is the address ``/meeting/{meeting_id}``, from the dispatch on. Staff see the masked name."""

    application_id: str
    number: str
    taxpayer_name: str
    authority: str | None
    subject: str
    detail: str
    applied_at: int
    phase: MediationPhase
    meeting_id: str | None
    agent_id: str | None
    agent_number: str | None
    dispatched_at: int | None
    done_at: int | None


class Applications(View):
    applications: list[ApplicationView]
    next_cursor: str | None = None


async def _apply(call: Call) -> ApplicationView:
    body = call.body(ApplicationBody)
    authority = call.person.authority
    async with _NUMBERING:
        asked = NewApplication(
            number=await _next_number(call.desk, authority),
            subject=body.subject,
            detail=body.detail,
            authority=authority,
        )
        application = call.request.app[MEETINGS].apply(call.person, asked)
    return _view(call.desk, application)


async def _next_number(desk: ServiceDesk, authority: str | None) -> str:
    """TJSQ, the region of the authority, the day, and four digits that count within both."""
    found = desk.organisation.whole.authorities.find(authority) if authority else None
    day = datetime.now(ZoneInfo(DEFAULT_TIME_ZONE)).strftime("%Y%m%d")
    prefix = f"TJSQ{found.code if found is not None else _NO_REGION}{day}"
    async with desk.recording.read() as connection:
        last = await mediations.last_number(connection, prefix)
    count = int(last[-4:]) + 1 if last is not None else 1
    if count > _MAX_A_DAY:
        raise RateLimited(_DAY_MS - time.time_ns() // 1_000_000 % _DAY_MS)
    return f"{prefix}{count:04}"


async def _list(call: Call) -> Applications:
    """A taxpayer's own, newest first. An agent's: given to them, or waiting in their centres; a supervisor's: all that
    is open in their centres."""
    asked = call.query(ApplicationsQuery)
    person, desk = call.person, call.desk
    if person.role is Role.TAXPAYER:
        wanted = MediationFilter(taxpayer_id=person.person_id)
        try:
            async with desk.recording.read() as connection:
                page = await mediations.search(connection, wanted, asked.cursor, asked.limit)
        except CursorInvalid:
            raise BadInput(ErrorCode.BAD_MESSAGE) from None
        return Applications(
            applications=[_view(desk, application_of(row)) for row in page.items],
            next_cursor=page.next_cursor,
        )
    unfinished = (MediationPhase.APPLIED, MediationPhase.DISPATCHED, MediationPhase.IN_PROGRESS)
    async with desk.recording.read() as connection:
        rows = await mediations.in_phases(connection, unfinished)
    mine = [row for row in rows if _concerns(call, row)]
    return Applications(applications=[_view(desk, application_of(row)) for row in mine[:_MAX_SHOWN]])


async def _dispatch(call: Call) -> ApplicationView:
    application_id = call.id("application_id")
    async with call.desk.recording.read() as connection:
        row = await mediations.get(connection, application_id)
    if row is None or not (_of_own_centre(call, row.authority) or row.agent_id == call.person.person_id):
        raise Refused(ErrorCode.NOT_FOUND)
    agent_id = call.body(DispatchBody).agent_id
    return _view(call.desk, call.request.app[MEETINGS].dispatch(call.person, application_id, agent_id))


def _concerns(call: Call, row: MediationRecord) -> bool:
    if row.agent_id == call.person.person_id:
        return True
    everything = call.person.role is Role.SUPERVISOR
    return (everything or row.phase is MediationPhase.APPLIED) and _of_own_centre(call, row.authority)


def _of_own_centre(call: Call, authority: str | None) -> bool:
    centre = call.desk.organisation.centre_for(authority)
    return centre is not None and centre.centre_id in call.desk.organisation.centres_of(call.person.person_id)


def _view(desk: ServiceDesk, application: MediationApplication) -> ApplicationView:
    agent_id = application.agent_id
    return ApplicationView(
        application_id=application.application_id,
        number=application.number,
        taxpayer_name=application.taxpayer_name,
        authority=application.authority,
        subject=application.subject,
        detail=application.detail,
        applied_at=application.applied_at,
        phase=application.phase,
        meeting_id=application.meeting_id,
        agent_id=agent_id,
        agent_number=desk.organisation.staff_number(agent_id) if agent_id is not None else None,
        dispatched_at=application.dispatched_at,
        done_at=application.done_at,
    )


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
)
