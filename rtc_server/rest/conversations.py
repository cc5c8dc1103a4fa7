"""What was said with a taxpayer, and what staff know and note about them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from rtc_server.identity.policy import Permission
from rtc_server.records import files, interactions, messages, notes, wrap_up_codes
from rtc_server.records.conversion import file_ids, message_of
from rtc_server.records.messages import Message
from rtc_server.records.notes import Note, Tag
from rtc_server.records.paging import CursorInvalid, Page
from rtc_server.rest import access
from rtc_server.rest.audit import audit
from rtc_server.rest.resource import Body, Call, Cursor, Entry, Line, Prose, Query, View
from rtc_server.rest.service import ServiceDesk
from signaling.errors import BadInput, DomainError, ErrorCode, Refused
from signaling.rooms.kept import KeptInteraction
from signaling.sessions.states import InteractionPhase
from signaling.wire.present import message_view, profile_view
from signaling.wire.views import MessageView, ProfileView

MAX_TAGS = 20


class PageQuery(Query):
    """``cursor`` is ``next_cursor`` of the page before; without it the newest."""

    cursor: Cursor | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class HistoryItem(View):
    interaction_id: str
    message: MessageView


class HistoryPage(View):
    """Newest first."""

    items: list[HistoryItem]
    next_cursor: str | None


class InteractionSummary(View):
    """One session of a taxpayer, as staff see it."""

    interaction_id: str
    phase: InteractionPhase
    centre_id: str | None
    agent_id: str | None
    staff_number: str | None
    taxpayer_name: str
    opened_at: int
    closed_at: int | None
    close_reason: str | None
    wrap_up_code: str | None
    wrap_up_name: str | None
    wrap_up_note: str | None


class InteractionPage(View):
    items: list[InteractionSummary]
    next_cursor: str | None


class ProfileAnswer(View):
    profile: ProfileView


class Reveal(Body):
    """``reason`` is kept with the record of it."""

    field: Literal["name", "phone", "company"]
    reason: Line | None = None


class Revealed(View):
    field: str
    value: str | None


class NewNote(Body):
    text: Prose


class NoteView(View):
    note_id: str
    interaction_id: str | None
    author_id: str
    staff_number: str | None
    text: str
    created_at: int
    mine: bool


class NotePage(View):
    items: list[NoteView]
    next_cursor: str | None


class NewTag(Body):
    name: Line


class TagQuery(Query):
    name: Line


class Tags(View):
    tags: list[str]


async def _own_history(call: Call) -> HistoryPage:
    return await _history(call, call.person.person_id)


async def _served_history(call: Call) -> HistoryPage:
    found = await access.with_taxpayer(call.desk, call.person, call.id("interaction_id"))
    return await _history(call, found.taxpayer_id)


async def _history(call: Call, taxpayer_id: str) -> HistoryPage:
    asked = call.query(PageQuery)
    async with call.desk.recording.read() as connection:
        try:
            page: Page[Message] = await messages.history(connection, taxpayer_id, asked.cursor, asked.limit)
        except CursorInvalid as error:
            raise BadInput(ErrorCode.BAD_MESSAGE) from error
        known = await files.by_ids(connection, file_ids(page.items))
    items = [
        HistoryItem(interaction_id=row.interaction_id, message=message_view(message_of(row, known)))
        for row in page.items
    ]
    return HistoryPage(items=items, next_cursor=page.next_cursor)


async def _sessions(call: Call) -> InteractionPage:
    found = await access.with_taxpayer(call.desk, call.person, call.id("interaction_id"))
    asked = call.query(PageQuery)
    wanted = interactions.InteractionFilter(taxpayer_id=found.taxpayer_id)
    async with call.desk.recording.read() as connection:
        try:
            page = await interactions.search(connection, wanted, asked.cursor, asked.limit)
        except CursorInvalid as error:
            raise BadInput(ErrorCode.BAD_MESSAGE) from error
        names = {code.code: code.name for code in await wrap_up_codes.everywhere(connection)}
    return InteractionPage(
        items=[_summary(call.desk, row, names) for row in page.items], next_cursor=page.next_cursor
    )


def _summary(desk: ServiceDesk, row: interactions.Interaction, names: dict[str, str]) -> InteractionSummary:
    return InteractionSummary(
        interaction_id=row.interaction_id,
        phase=row.phase,
        centre_id=row.centre_id,
        agent_id=row.agent_id,
        staff_number=desk.organisation.staff_number(row.agent_id) if row.agent_id is not None else None,
        taxpayer_name=row.taxpayer_name,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        close_reason=row.close_reason,
        wrap_up_code=row.wrap_up_code,
        wrap_up_name=names.get(row.wrap_up_code) if row.wrap_up_code is not None else None,
        wrap_up_note=row.wrap_up_note,
    )


async def _profile(call: Call) -> ProfileAnswer:
    found = await access.with_taxpayer(call.desk, call.person, call.id("interaction_id"))
    profile = call.desk.profiles.profile(found.taxpayer_id)
    if profile is None:
        return ProfileAnswer(
            profile=ProfileView(
                person_id=found.taxpayer_id, name=found.taxpayer_name, authority=found.context.authority
            )
        )
    return ProfileAnswer(profile=profile_view(profile))


async def _reveal(call: Call) -> Revealed:
    found = await access.with_taxpayer(call.desk, call.person, call.id("interaction_id"))
    asked = call.body(Reveal)
    data = call.desk.profiles.reveal(found.taxpayer_id)
    if data is None:
        raise DomainError(ErrorCode.PROFILE_UNKNOWN)
    # Kept before it is shown: what cannot be recorded is not revealed.
    audit(call, f"reveal_{asked.field}", found.taxpayer_id, _detail(found, asked.reason))
    return Revealed(field=asked.field, value=getattr(data, asked.field))


def _detail(found: KeptInteraction, reason: str | None) -> str:
    return f"{found.interaction_id} {reason}" if reason else found.interaction_id


async def _notes(call: Call) -> NotePage:
    found = await access.with_taxpayer(call.desk, call.person, call.id("interaction_id"))
    asked = call.query(PageQuery)
    async with call.desk.recording.read() as connection:
        try:
            page = await notes.of_taxpayer(connection, found.taxpayer_id, asked.cursor, asked.limit)
        except CursorInvalid as error:
            raise BadInput(ErrorCode.BAD_MESSAGE) from error
    return NotePage(items=[_note_view(call, note) for note in page.items], next_cursor=page.next_cursor)


async def _add_note(call: Call) -> NoteView:
    found = await access.with_taxpayer(call.desk, call.person, call.id("interaction_id"))
    note = Note(
        note_id=f"n{secrets.token_hex(12)}",
        revision=call.desk.recording.next_revision(),
        taxpayer_id=found.taxpayer_id,
        interaction_id=found.interaction_id,
        author_id=call.person.person_id,
        text=call.body(NewNote).text,
        created_at=_now_ms(),
    )
    call.desk.recording.keep_rows(note)
    return _note_view(call, note)


async def _edit_note(call: Call) -> NoteView:
    note = replace(
        await _own_note(call),
        revision=call.desk.recording.next_revision(),
        text=call.body(NewNote).text,
    )
    call.desk.recording.keep_rows(note)
    return _note_view(call, note)


async def _remove_note(call: Call) -> None:
    note = await _own_note(call)
    call.desk.recording.keep_rows(replace(note, revision=call.desk.recording.next_revision(), removed=True))


async def _own_note(call: Call) -> Note:
    """A note is its author's alone to change."""
    found = await access.with_taxpayer(call.desk, call.person, call.id("interaction_id"))
    async with call.desk.recording.read() as connection:
        note = await notes.get(connection, call.id("note_id"))
    if (
        note is None
        or note.removed
        or note.taxpayer_id != found.taxpayer_id
        or note.author_id != call.person.person_id
    ):
        raise Refused(ErrorCode.NOT_FOUND)
    return note


def _note_view(call: Call, note: Note) -> NoteView:
    return NoteView(
        note_id=note.note_id,
        interaction_id=note.interaction_id,
        author_id=note.author_id,
        staff_number=call.desk.organisation.staff_number(note.author_id),
        text=note.text,
        created_at=note.created_at,
        mine=note.author_id == call.person.person_id,
    )


async def _tags(call: Call) -> Tags:
    found = await access.with_taxpayer(call.desk, call.person, call.id("interaction_id"))
    return Tags(tags=[tag.name for tag in await _tags_of(call, found)])


async def _tags_of(call: Call, found: KeptInteraction) -> Sequence[Tag]:
    async with call.desk.recording.read() as connection:
        return await notes.tags_of(connection, found.taxpayer_id)


async def _add_tag(call: Call) -> Tags:
    found = await access.with_taxpayer(call.desk, call.person, call.id("interaction_id"))
    name = call.body(NewTag).name
    there = [tag.name for tag in await _tags_of(call, found)]
    if name not in there:
        if len(there) >= MAX_TAGS:
            raise Refused(ErrorCode.QUOTA_EXCEEDED)
        _keep_tag(call, found, name, removed=False)
    return Tags(tags=sorted({*there, name}))


async def _remove_tag(call: Call) -> Tags:
    found = await access.with_taxpayer(call.desk, call.person, call.id("interaction_id"))
    name = call.query(TagQuery).name
    there = [tag.name for tag in await _tags_of(call, found)]
    if name not in there:
        raise Refused(ErrorCode.NOT_FOUND)
    _keep_tag(call, found, name, removed=True)
    return Tags(tags=[each for each in there if each != name])


def _keep_tag(call: Call, found: KeptInteraction, name: str, *, removed: bool) -> None:
    recording = call.desk.recording
    recording.keep_rows(
        Tag(found.taxpayer_id, name, recording.next_revision(), call.person.person_id, _now_ms(), removed)
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


_OF = "/api/interactions/{interaction_id}"
_S = Permission.SERVE

ENTRIES = (
    Entry("GET", "/api/history", Permission.OWN_HISTORY, _own_history, "All that was said with oneself",
          query=PageQuery, answer=HistoryPage),
    Entry("GET", f"{_OF}/history", _S, _served_history, "All that was said with the taxpayer one serves",
          query=PageQuery, answer=HistoryPage),
    Entry("GET", f"{_OF}/sessions", _S, _sessions, "The sessions of the taxpayer one serves",
          query=PageQuery, answer=InteractionPage),
    Entry("GET", f"{_OF}/profile", _S, _profile, "The taxpayer, masked", answer=ProfileAnswer),
    Entry("POST", f"{_OF}/reveal", Permission.REVEAL, _reveal, "One field unmasked; recorded",
          body=Reveal, answer=Revealed),
    Entry("GET", f"{_OF}/notes", _S, _notes, "Notes on the taxpayer", query=PageQuery, answer=NotePage),
    Entry("POST", f"{_OF}/notes", _S, _add_note, "Write a note", body=NewNote, answer=NoteView, status=201),
    Entry("PUT", f"{_OF}/notes/{{note_id}}", _S, _edit_note, "Change one's note", body=NewNote, answer=NoteView),
    Entry("DELETE", f"{_OF}/notes/{{note_id}}", _S, _remove_note, "Take one's note back"),
    Entry("GET", f"{_OF}/tags", _S, _tags, "Tags on the taxpayer", answer=Tags),
    Entry("POST", f"{_OF}/tags", _S, _add_tag, "Put a tag", body=NewTag, answer=Tags),
    Entry("DELETE", f"{_OF}/tags", _S, _remove_tag, "Take a tag away", query=TagQuery, answer=Tags),
)  # fmt: skip
