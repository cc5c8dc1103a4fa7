"""Uploads in pieces, and links to stored files.

After the core of tus 1.0 (https://tus.io/protocols/resumable-upload): the offset is asked for with ``HEAD`` and the next
piece follows there with ``PATCH``, so that a dropped line costs nothing that had arrived.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import quote

from aiohttp import web
from aiohttp.client_exceptions import ClientError
from pydantic import Field, StringConstraints

from rtc_server.files.store import FILE_ID
from rtc_server.identity.policy import Permission
from rtc_server.organisation.centres import ServiceSettings
from rtc_server.records.files import File
from rtc_server.rest import access
from rtc_server.rest.headers import sandbox
from rtc_server.rest.resource import Body, Call, Entry, View, json_response
from rtc_server.rest.service import SERVICE_DESK
from signaling.errors import BadInput, ErrorCode, Refused
from signaling.rooms.confirmations import Confirmations
from signaling.wire.base import Identifier
from signaling.wire.present import file_view
from signaling.wire.views import FileView

OFFSET = "Upload-Offset"
LENGTH = "Upload-Length"
PIECE_TYPE = "application/offset+octet-stream"
_OFFSET = re.compile(r"^[0-9]{1,12}$")

CONFIRMATIONS = web.AppKey("confirmations", Confirmations)


class NewUpload(Body):
    """``size`` in bytes. Announced before the first byte, so that what is too large is refused at once.
    Without ``interaction_id`` the file is to be attached to an appointment, an inquiry, a notice or an answer of 悦悦."""

    interaction_id: Identifier | None = None
    name: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    size: Annotated[int, Field(ge=0, le=2**40)]


class UploadView(View):
    """``offset``: how many bytes have arrived. ``max_bytes``: a file must be smaller."""

    file_id: str
    name: str
    size: int
    offset: int
    max_bytes: int


class Progress(View):
    """``file`` is there with the last byte: checked, stored, ready for ``message.send``."""

    offset: int
    file: FileView | None


class LinkView(View):
    """``url`` is a path of this server; ``expires_at`` in milliseconds since the epoch."""

    url: str
    expires_at: int
    file: FileView


async def _begin(call: Call) -> UploadView:
    asked = call.body(NewUpload)
    if asked.interaction_id is None:
        own = call.desk.organisation.centre_for(call.person.authority)
        centre_id = own.centre_id if own is not None else None
    else:
        centre_id = (await access.open_member(call.desk, call.person, asked.interaction_id)).centre_id
    centre = call.desk.organisation.centre(centre_id)
    settings = centre.settings if centre is not None else ServiceSettings()
    upload = await call.desk.files.begin(
        asked.interaction_id, call.person.person_id, asked.name, asked.size, settings.blocked_file_types
    )
    return UploadView(
        file_id=upload.file_id,
        name=upload.name,
        size=upload.size,
        offset=0,
        max_bytes=call.desk.files.settings.max_bytes,
    )


async def _offset(call: Call) -> web.Response:
    offset, size = await call.desk.files.progress(_file_id(call.request), call.person.person_id)
    headers = {OFFSET: str(offset), LENGTH: str(size), "Cache-Control": "no-store"}
    return web.Response(status=200, headers=headers)


async def _append(call: Call) -> web.Response:
    request = call.request
    given = request.headers.get(OFFSET, "")
    if not _OFFSET.match(given) or request.content_type != PIECE_TYPE:
        raise BadInput(ErrorCode.BAD_MESSAGE)
    offset, file = await call.desk.files.append(
        _file_id(request), call.person.person_id, int(given), _pieces(request)
    )
    response = json_response(Progress(offset=offset, file=file_view(file) if file is not None else None))
    response.headers[OFFSET] = str(offset)
    return response


async def _pieces(request: web.Request) -> AsyncIterator[bytes]:
    try:
        async for piece in request.content.iter_any():
            yield piece
    except (ClientError, web.PayloadAccessError) as error:
        raise BadInput(ErrorCode.BAD_MESSAGE) from error


async def _cancel(call: Call) -> None:
    await call.desk.files.cancel(_file_id(call.request), call.person.person_id)


async def _link(call: Call) -> LinkView:
    file = await call.desk.files.find(_file_id(call.request))
    if file is None:
        raise Refused(ErrorCode.FILE_NOT_FOUND)
    if not await _may_read(call, file):
        raise Refused(ErrorCode.FILE_NOT_FOUND)
    link = call.desk.links.make(file.file_id)
    return LinkView(url=link.path, expires_at=link.expires_at * 1000, file=_view(file))


async def _may_read(call: Call, file: File) -> bool:
    """Who may see the conversation, a guest in it what they may read of it, and whom a form with it concerns. Those to whom a
    case was shown have its links in the case."""
    if file.interaction_id is None:
        # What belongs to an answer of 悦悦 is for everybody, as the answer is.
        return (
            file.sender_id == call.person.person_id or file.file_id in call.desk.knowledge.base.document_ids
        )
    try:
        await access.visible(call.desk, call.person, file.interaction_id)
    except Refused:
        if await access.read_as_guest(call.desk, call.person, file):
            return True
        forms = call.request.app.get(CONFIRMATIONS)
        own = call.person.person_id
        return forms is not None and await forms.may_read_file(own, file.interaction_id, file.file_id)
    return True


async def content(request: web.Request) -> web.StreamResponse:
    """The bytes, for whoever holds a link. Pictures, which we have written anew ourselves, may be shown in a page."""
    file_id = _file_id(request)
    expires, signature = request.query.get("expires", ""), request.query.get("signature", "")
    if not _OFFSET.match(expires):
        raise BadInput(ErrorCode.BAD_MESSAGE)
    desk = request.app[SERVICE_DESK]
    desk.links.check(file_id, int(expires), signature)
    file = await desk.files.find(file_id)
    path = desk.files.path(file_id)
    if file is None or not path.is_file():
        raise Refused(ErrorCode.FILE_NOT_FOUND)
    sandbox(request)
    shown = file.media_type.startswith("image/") and "download" not in request.query
    return web.FileResponse(
        path,
        headers={
            "Content-Type": file.media_type,
            "Content-Disposition": f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{quote(file.name, safe='')}",
            "Cache-Control": "private, max-age=300, immutable",
            # The window lives in pages of other sites; the signature in the address is what guards it.
            "Cross-Origin-Resource-Policy": "cross-origin",
        },
    )


def _file_id(request: web.Request) -> str:
    value = request.match_info["file_id"]
    if not FILE_ID.match(value):
        raise Refused(ErrorCode.FILE_NOT_FOUND)
    return value


def _view(file: File) -> FileView:
    return FileView(
        file_id=file.file_id,
        name=file.name,
        media_type=file.media_type,
        size=file.size,
        width=file.width,
        height=file.height,
    )


CONTENT_PATH = "/api/files/{file_id}/content"
_SEND = Permission.SEND_FILES

ENTRIES = (
    Entry("POST", "/api/files", _SEND, _begin, "Begin an upload", body=NewUpload, answer=UploadView, status=201),
    Entry("HEAD", "/api/files/{file_id}", _SEND, _offset, "How much has arrived: Upload-Offset, Upload-Length"),
    Entry("PATCH", "/api/files/{file_id}", _SEND, _append, "The next piece, at Upload-Offset", answer=Progress),
    Entry("DELETE", "/api/files/{file_id}", _SEND, _cancel, "Give an upload up"),
    Entry("POST", "/api/files/{file_id}/link", Permission.READ_FILES, _link, "A short-lived link", answer=LinkView),
)  # fmt: skip
