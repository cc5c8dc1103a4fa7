"""Canned replies (常用语) with variables and search, and wrap-up codes (小结)."""

from __future__ import annotations

import re
import secrets
import time
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from rtc_server.identity.policy import Permission, may
from rtc_server.organisation.centres import DEFAULT_TIME_ZONE
from rtc_server.records import canned_replies, wrap_up_codes
from rtc_server.records.canned_replies import CannedReply
from rtc_server.records.wrap_up_codes import WrapUpCode
from rtc_server.rest import access
from rtc_server.rest.audit import audit
from rtc_server.rest.resource import Body, Call, Entry, Line, Prose, Query, View, Words
from signaling.errors import ErrorCode, Refused
from signaling.sessions.states import Role
from signaling.wire.base import Identifier

_VARIABLE = re.compile(r"{(\w+)}")
SortOrder = Annotated[int, Field(ge=0, le=100_000)]


class RepliesQuery(Query):
    """``interaction_id`` fills the variables from this conversation."""

    words: Words = ""
    interaction_id: Identifier | None = None


class ReplyView(View):
    """``filled`` is the text with its variables replaced: ``{staff_number}``, ``{taxpayer_name}`` (masked), ``{centre}``,
    ``{authority}``, ``{date}``, ``{time}``. An unknown variable stays as it is."""

    reply_id: str
    centre_id: str | None
    own: bool
    group: str
    title: str
    text: str
    filled: str
    shortcut: str | None
    sort_order: int
    may_edit: bool


class Replies(View):
    replies: list[ReplyView]


class ReplyBody(Body):
    """``own``: for oneself alone; then there is no ``centre_id``."""

    own: bool = False
    centre_id: Identifier | None = None
    group: Line = "常用"
    title: Line
    text: Prose
    shortcut: Line | None = None
    sort_order: SortOrder = 0


class CodesQuery(Query):
    centre_id: Identifier | None = None


class CodeBody(Body):
    centre_id: Identifier | None = None
    name: Line
    sort_order: SortOrder = 0
    active: bool = True


class CodeView(View):
    code: str
    centre_id: str | None
    name: str
    sort_order: int
    active: bool


class Codes(View):
    codes: list[CodeView]


async def _list(call: Call) -> Replies:
    asked = call.query(RepliesQuery)
    variables = await _variables(call, asked.interaction_id)
    centres = (
        frozenset(call.desk.organisation.whole.centres)
        if call.person.role in (Role.EDITOR, Role.ADMINISTRATOR)
        else call.desk.organisation.centres_of(call.person.person_id)
    )
    async with call.desk.recording.read(caught_up=False) as connection:
        found = await canned_replies.for_agent(connection, call.person.person_id, centres, asked.words)
    return Replies(replies=[_view(call, reply, variables) for reply in found])


async def _create(call: Call) -> ReplyView:
    reply = _reply(call, f"c{secrets.token_hex(12)}", call.body(ReplyBody))
    async with call.desk.recording.write() as connection:
        await canned_replies.save(connection, reply)
    return _view(call, reply, {})


async def _replace(call: Call) -> ReplyView:
    before = await _editable(call)
    reply = _reply(call, before.reply_id, call.body(ReplyBody))
    async with call.desk.recording.write() as connection:
        await canned_replies.save(connection, reply)
    return _view(call, reply, {})


async def _remove(call: Call) -> None:
    before = await _editable(call)
    async with call.desk.recording.write() as connection:
        await canned_replies.remove(connection, before.reply_id)


def _reply(call: Call, reply_id: str, body: ReplyBody) -> CannedReply:
    """Raises ``Refused`` when this person may not write where it is to stand."""
    reply = CannedReply(
        reply_id=reply_id,
        centre_id=None if body.own else body.centre_id,
        owner_id=call.person.person_id if body.own else None,
        group=body.group,
        title=body.title,
        text=body.text,
        shortcut=body.shortcut,
        sort_order=body.sort_order,
        updated_at=time.time_ns() // 1_000_000,
    )
    if not _may_edit(call, reply):
        raise Refused(ErrorCode.NOT_ALLOWED)
    if reply.centre_id is not None and call.desk.organisation.centre(reply.centre_id) is None:
        raise Refused(ErrorCode.NOT_FOUND)
    return reply


async def _editable(call: Call) -> CannedReply:
    async with call.desk.recording.read(caught_up=False) as connection:
        reply = await canned_replies.get(connection, call.id("reply_id"))
    if reply is None or reply.owner_id not in (None, call.person.person_id):
        raise Refused(ErrorCode.NOT_FOUND)
    if not _may_edit(call, reply):
        raise Refused(ErrorCode.NOT_ALLOWED)
    return reply


def _may_edit(call: Call, reply: CannedReply) -> bool:
    role = call.person.role
    if reply.owner_id is not None:
        return reply.owner_id == call.person.person_id and may(role, Permission.EDIT_OWN_CANNED_REPLIES)
    if not may(role, Permission.EDIT_SHARED_CANNED_REPLIES):
        return False
    if role is Role.SUPERVISOR:
        return reply.centre_id in call.desk.organisation.centres_of(call.person.person_id)
    return True


async def _variables(call: Call, interaction_id: str | None) -> dict[str, str]:
    centre, taxpayer_name, authority = None, None, None
    if interaction_id is not None:
        found = await access.visible(call.desk, call.person, interaction_id)
        taxpayer_name, authority = found.taxpayer_name, found.context.authority
        centre = call.desk.organisation.centre(found.centre_id)
    now = datetime.now(ZoneInfo(centre.time_zone if centre is not None else DEFAULT_TIME_ZONE))
    values = {
        "staff_number": call.person.display_name,
        "taxpayer_name": taxpayer_name,
        "centre": centre.name if centre is not None else None,
        "authority": authority,
        "date": f"{now.year}年{now.month}月{now.day}日",
        "time": now.strftime("%H:%M"),
    }
    return {name: value for name, value in values.items() if value is not None}


def _view(call: Call, reply: CannedReply, variables: dict[str, str]) -> ReplyView:
    return ReplyView(
        reply_id=reply.reply_id,
        centre_id=reply.centre_id,
        own=reply.owner_id is not None,
        group=reply.group,
        title=reply.title,
        text=reply.text,
        filled=_VARIABLE.sub(lambda found: variables.get(found[1], found[0]), reply.text),
        shortcut=reply.shortcut,
        sort_order=reply.sort_order,
        may_edit=_may_edit(call, reply),
    )


async def _codes(call: Call) -> Codes:
    asked = call.query(CodesQuery)
    everything = may(call.person.role, Permission.ADMINISTER)
    async with call.desk.recording.read(caught_up=False) as connection:
        if asked.centre_id is not None:
            found = await wrap_up_codes.of_centre(connection, asked.centre_id, with_inactive=everything)
        else:
            own = call.desk.organisation.centres_of(call.person.person_id)
            found = tuple(
                code
                for code in await wrap_up_codes.everywhere(connection)
                if everything or (code.active and (code.centre_id is None or code.centre_id in own))
            )
    return Codes(codes=[_code_view(code) for code in found])


async def _save_code(call: Call) -> CodeView:
    body = call.body(CodeBody)
    if body.centre_id is not None and call.desk.organisation.centre(body.centre_id) is None:
        raise Refused(ErrorCode.NOT_FOUND)
    code = WrapUpCode(call.id("code"), body.centre_id, body.name, body.sort_order, body.active)
    async with call.desk.recording.write() as connection:
        await wrap_up_codes.save(connection, code)
    audit(call, "save_wrap_up_code", code.code)
    return _code_view(code)


def _code_view(code: WrapUpCode) -> CodeView:
    return CodeView(
        code=code.code,
        centre_id=code.centre_id,
        name=code.name,
        sort_order=code.sort_order,
        active=code.active,
    )


_READ = Permission.READ_CANNED_REPLIES

ENTRIES = (
    Entry("GET", "/api/canned-replies", _READ, _list, "Canned replies one may use; search by words",
          query=RepliesQuery, answer=Replies),
    Entry("POST", "/api/canned-replies", _READ, _create, "Add one", body=ReplyBody, answer=ReplyView, status=201),
    Entry("PUT", "/api/canned-replies/{reply_id}", _READ, _replace, "Change one", body=ReplyBody, answer=ReplyView),
    Entry("DELETE", "/api/canned-replies/{reply_id}", _READ, _remove, "Delete one"),
    Entry("GET", "/api/wrap-up-codes", Permission.READ_WRAP_UP_CODES, _codes, "Wrap-up codes of one's centres",
          query=CodesQuery, answer=Codes),
    Entry("PUT", "/api/wrap-up-codes/{code}", Permission.ADMINISTER, _save_code, "Add or change a wrap-up code",
          body=CodeBody, answer=CodeView),
)  # fmt: skip
