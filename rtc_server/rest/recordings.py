"""Recordings of calls and meetings: what there is, who agreed, playing them, and one file of them all.

A recording is played by a short-lived signed link, which a ``video`` element can use: making one is the viewing that is
kept in the audit log.
"""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import quote

from aiohttp import web
from pydantic import StringConstraints
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.identity.policy import Permission
from rtc_server.recordings.index import Index
from rtc_server.recordings.progress import CompositionState
from rtc_server.recordings.shelf import Shelf
from rtc_server.records import call_recordings, interactions, meeting_recordings, meetings
from rtc_server.records.call_recordings import CallRecording
from rtc_server.records.meeting_recordings import MeetingRecordingRecord
from rtc_server.rest import access
from rtc_server.rest.audit import audit
from rtc_server.rest.headers import sandbox
from rtc_server.rest.resource import Body, Call, Entry, View
from rtc_server.rest.service import SERVICE_DESK, ServiceDesk
from signaling.errors import BadInput, ErrorCode, Refused
from signaling.sessions.states import Consent, Role

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
    """``ended_at`` None while it runs. Of an interaction or of a meeting."""

    recording_id: str
    interaction_id: str | None
    meeting_id: str | None
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
        people = (await interactions.members(connection, [found.interaction_id])).get(
            found.interaction_id, ()
        )
    names = {member.person_id: member.display_name for member in people}
    return Recordings(items=[await _view(call.desk, row, consents[row.recording_id], names) for row in rows])


async def _list_of_meeting(call: Call) -> Recordings:
    meeting_id = call.id("meeting_id")
    async with call.desk.recording.read() as connection:
        await _check_meeting(call, connection, meeting_id)
        rows = await meeting_recordings.of_meeting(connection, meeting_id)
        consents = {
            row.recording_id: await meeting_recordings.consents(connection, row.recording_id) for row in rows
        }
        people = await meetings.members(connection, meeting_id)
    names = {member.person_id: member.display_name for member in people}
    return Recordings(items=[await _view(call.desk, row, consents[row.recording_id], names) for row in rows])


async def _play(call: Call) -> ViewingLink:
    recording = await _visible(call)
    name = call.body(Viewing).file
    if call.desk.shelf.file(recording.recording_id, name) is None:
        raise Refused(ErrorCode.FILE_NOT_FOUND)
    # Kept before it is shown: what cannot be recorded is not seen.
    audit(call, VIEWED, recording.recording_id, f"{_owner(recording)} {name}")
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


async def _visible(call: Call) -> CallRecording | MeetingRecordingRecord:
    """Of an interaction or a meeting this person may see. Raises ``Refused`` with ``not_found``."""
    recording_id = call.id("recording_id")
    async with call.desk.recording.read() as connection:
        found = await call_recordings.get(connection, recording_id)
        if found is None:
            of_meeting = await meeting_recordings.get(connection, recording_id)
            if of_meeting is None:
                raise Refused(ErrorCode.NOT_FOUND)
            await _check_meeting(call, connection, of_meeting.meeting_id)
            return of_meeting
    await access.visible(call.desk, call.person, found.interaction_id)
    return found


async def _check_meeting(call: Call, connection: AsyncConnection, meeting_id: str) -> None:
    """Those it was dispatched to, and supervisors of the centre it belongs to. Raises ``Refused`` with ``not_found``."""
    application = await meetings.application_of(connection, meeting_id)
    if application is None:
        raise Refused(ErrorCode.NOT_FOUND)
    if application.agent_id == call.person.person_id:
        return
    organisation = call.desk.organisation
    centre = organisation.centre_for(application.authority)
    own = organisation.centres_of(call.person.person_id)
    if call.person.role is not Role.SUPERVISOR or centre is None or centre.centre_id not in own:
        raise Refused(ErrorCode.NOT_FOUND)


def _owner(row: CallRecording | MeetingRecordingRecord) -> str:
    return row.interaction_id if isinstance(row, CallRecording) else row.meeting_id


async def _view(
    desk: ServiceDesk,
    row: CallRecording | MeetingRecordingRecord,
    consents: dict[str, Consent],
    names: dict[str, str],
) -> RecordingView:
    """``names``: masked names and staff numbers of those who were in it."""
    shelf: Shelf = desk.shelf
    index = await shelf.index(row.recording_id) or Index(row.recording_id)
    progress = await shelf.composition(row.recording_id)
    ended_us = index.ended_us
    broken_off = ended_us // 1000 if index.finished and ended_us is not None else None
    return RecordingView(
        recording_id=row.recording_id,
        interaction_id=row.interaction_id if isinstance(row, CallRecording) else None,
        meeting_id=row.meeting_id if isinstance(row, MeetingRecordingRecord) else None,
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
        "GET",
        "/api/meetings/{meeting_id}/recordings",
        Permission.PLAY_RECORDINGS,
        _list_of_meeting,
        "Recordings of a meeting, who agreed, and their files",
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
