"""Recordings of calls: what there is, who agreed, playing them, and one file of them all.

A recording is played by a short-lived signed link, which a ``video`` element can use: making one is the viewing that is
kept in the audit log.
"""

from __future__ import annotations

import re
import secrets
import time
from typing import Annotated
from urllib.parse import quote

from aiohttp import web
from pydantic import StringConstraints

from rtc_server.identity.policy import Permission
from rtc_server.recordings.index import Index
from rtc_server.recordings.progress import CompositionState
from rtc_server.recordings.shelf import Shelf
from rtc_server.records import call_recordings, interactions
from rtc_server.records.audit import AuditEntry
from rtc_server.records.call_recordings import CallRecording
from rtc_server.rest import access
from rtc_server.rest.context import client_address
from rtc_server.rest.headers import sandbox
from rtc_server.rest.resource import Body, Call, Entry, View
from rtc_server.rest.service import SERVICE_DESK, ServiceDesk
from signaling.errors import BadInput, ErrorCode, Refused
from signaling.sessions.states import Consent

VIEWED = "view_recording"
_EXPIRES = re.compile(r"^[0-9]{1,12}$")
_MEDIA_TYPES = {"webm": "video/webm", "mp4": "video/mp4"}


class ConsentView(View):
    person_id: str
    display_name: str
    consent: Consent


class TrackView(View):
    """``began_at``, ``ended_at`` in milliseconds since the epoch. ``file`` None: this codec could not be recorded."""

    person_id: str
    display_name: str
    source: str
    codec: str
    file: str | None
    began_at: int
    ended_at: int
    width: int | None
    height: int | None
    bytes: int


class CompositionView(View):
    """``share``: 0 to 1."""

    state: CompositionState
    share: float


class RecordingView(View):
    """``ended_at`` None while it runs."""

    recording_id: str
    interaction_id: str
    started_by: str
    started_at: int
    ended_at: int | None
    consents: list[ConsentView]
    tracks: list[TrackView]
    composition: CompositionView | None


class Recordings(View):
    items: list[RecordingView]


class Viewing(Body):
    """``file``: of a track, or ``composition.webm``."""

    file: Annotated[str, StringConstraints(max_length=32, pattern=r"^[a-z0-9.-]+$")]


class ViewingLink(View):
    """``url`` is a path of this server and takes ranges; ``expires_at`` in milliseconds since the epoch."""

    url: str
    expires_at: int


async def _list(call: Call) -> Recordings:
    found = await access.visible(call.desk, call.person, call.id("interaction_id"))
    async with call.desk.recording.read() as connection:
        rows = await call_recordings.of_interaction(connection, found.interaction_id)
        consents = {
            row.recording_id: await call_recordings.consents(connection, row.recording_id) for row in rows
        }
    names = await _names(call.desk, found.interaction_id)
    return Recordings(items=[await _view(call.desk, row, consents[row.recording_id], names) for row in rows])


async def _play(call: Call) -> ViewingLink:
    recording = await _visible(call)
    name = call.body(Viewing).file
    if call.desk.shelf.file(recording.recording_id, name) is None:
        raise Refused(ErrorCode.FILE_NOT_FOUND)
    # Kept before it is shown: what cannot be recorded is not seen.
    call.desk.recording.keep_rows(
        AuditEntry(
            entry_id=secrets.token_hex(12),
            at=time.time_ns() // 1_000_000,
            actor_id=call.person.person_id,
            action=VIEWED,
            subject=recording.recording_id,
            origin=str(client_address(call.request)),
            detail=f"{recording.interaction_id} {name}",
        )
    )
    link = call.desk.links.make(_signed(recording.recording_id, name))
    _, _, query = link.path.partition("?")
    return ViewingLink(
        url=f"/api/recordings/{recording.recording_id}/files/{name}?{query}",
        expires_at=link.expires_at * 1000,
    )


async def _compose(call: Call) -> CompositionView:
    recording = await _visible(call)
    index = await call.desk.shelf.index(recording.recording_id)
    if index is None or not index.finished or not index.tracks:
        raise Refused(ErrorCode.WRONG_STATE)
    call.desk.shelf.compose(recording.recording_id)
    progress = await call.desk.shelf.composition(recording.recording_id)
    assert progress is not None
    return CompositionView(state=progress.state, share=progress.share)


async def content(request: web.Request) -> web.StreamResponse:
    """The bytes, or a range of them (RFC 9110 section 14), for whoever holds a link."""
    recording_id, name = request.match_info["recording_id"], request.match_info["name"]
    expires, signature = request.query.get("expires", ""), request.query.get("signature", "")
    if not _EXPIRES.match(expires):
        raise BadInput(ErrorCode.BAD_MESSAGE)
    desk = request.app[SERVICE_DESK]
    desk.links.check(_signed(recording_id, name), int(expires), signature)
    path = desk.shelf.file(recording_id, name)
    if path is None:
        raise Refused(ErrorCode.FILE_NOT_FOUND)
    sandbox(request)
    shown = "inline" if "download" not in request.query else "attachment"
    return web.FileResponse(
        path,
        headers={
            "Content-Type": _MEDIA_TYPES[path.suffix.removeprefix(".")],
            "Content-Disposition": f"{shown}; filename*=UTF-8''{quote(name, safe='')}",
            "Cache-Control": "private, no-store",
        },
    )


async def _visible(call: Call) -> CallRecording:
    """Of an interaction this person may see. Raises ``Refused`` with ``not_found``."""
    async with call.desk.recording.read() as connection:
        found = await call_recordings.get(connection, call.id("recording_id"))
    if found is None:
        raise Refused(ErrorCode.NOT_FOUND)
    await access.visible(call.desk, call.person, found.interaction_id)
    return found


async def _names(desk: ServiceDesk, interaction_id: str) -> dict[str, str]:
    """Masked names and staff numbers of those who were in it."""
    async with desk.recording.read() as connection:
        found = await interactions.members(connection, [interaction_id])
    return {member.person_id: member.display_name for member in found.get(interaction_id, ())}


async def _view(
    desk: ServiceDesk, row: CallRecording, consents: dict[str, Consent], names: dict[str, str]
) -> RecordingView:
    shelf: Shelf = desk.shelf
    index = await shelf.index(row.recording_id) or Index(row.recording_id)
    progress = await shelf.composition(row.recording_id)
    ended_us = index.ended_us
    broken_off = ended_us // 1000 if index.finished and ended_us is not None else None
    return RecordingView(
        recording_id=row.recording_id,
        interaction_id=row.interaction_id,
        started_by=row.started_by,
        started_at=row.started_at,
        ended_at=row.ended_at if row.ended_at is not None else broken_off,
        consents=[
            ConsentView(person_id=person_id, display_name=names.get(person_id, ""), consent=consent)
            for person_id, consent in consents.items()
        ],
        tracks=[
            TrackView(
                person_id=track.person_id,
                display_name=names.get(track.person_id, ""),
                source=track.source,
                codec=track.codec,
                file=track.file,
                began_at=track.began_us // 1000,
                ended_at=track.ended_us // 1000,
                width=track.width,
                height=track.height,
                bytes=track.bytes,
            )
            for track in index.tracks
        ],
        composition=None if progress is None else CompositionView(state=progress.state, share=progress.share),
    )


def _signed(recording_id: str, name: str) -> str:
    """What a link is signed for; no file of a conversation has such a name."""
    return f"recording/{recording_id}/{name}"


CONTENT_PATH = "/api/recordings/{recording_id}/files/{name}"

ENTRIES = (
    Entry(
        "GET",
        "/api/interactions/{interaction_id}/recordings",
        Permission.PLAY_RECORDINGS,
        _list,
        "Recordings of its calls, who agreed, and their files",
        answer=Recordings,
    ),
    Entry(
        "POST",
        "/api/recordings/{recording_id}/viewings",
        Permission.PLAY_RECORDINGS,
        _play,
        "A short-lived link to a file of a recording; kept in the audit log",
        body=Viewing,
        answer=ViewingLink,
    ),
    Entry(
        "POST",
        "/api/recordings/{recording_id}/composition",
        Permission.PLAY_RECORDINGS,
        _compose,
        "Begin to make one file of an ended recording; how far it is is told with the list",
        answer=CompositionView,
        status=202,
    ),
)
