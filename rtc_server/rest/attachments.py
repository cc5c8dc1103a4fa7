"""What comes with cases: files, taken from who sent them, shown to whoever may see the case, by short-lived links; and
the telephone number to call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, StringConstraints

from rtc_server.rest.resource import Call, View
from rtc_server.rest.service import ServiceDesk
from signaling.errors import ErrorCode, Refused

MAX_ATTACHMENTS = 5

FileId = Annotated[str, StringConstraints(pattern=r"^f[0-9a-f]{32}$")]
FileIds = Annotated[list[FileId], Field(max_length=MAX_ATTACHMENTS)]
Telephone = Annotated[str, StringConstraints(pattern=r"^[0-9+][0-9 -]{5,24}$")]


class AttachmentView(View):
    """``url`` is a path of this server, good for some minutes."""

    file_id: str
    name: str
    size: int
    media_type: str
    url: str


class ContactView(View):
    """The telephone number to call; None: none was given."""

    contact: str | None


async def own_files(call: Call, file_ids: Sequence[str]) -> tuple[str, ...]:
    """Stored files the caller has sent for a case. Raises ``Refused`` with ``file_not_found``."""
    for file_id in file_ids:
        found = await call.desk.files.find(file_id)
        if found is None or found.interaction_id is not None or found.sender_id != call.person.person_id:
            raise Refused(ErrorCode.FILE_NOT_FOUND)
    return tuple(dict.fromkeys(file_ids))


async def attachment_views(desk: ServiceDesk, file_ids: Sequence[str]) -> list[AttachmentView]:
    """Those there still are."""
    views = []
    for file_id in file_ids:
        found = await desk.files.find(file_id)
        if found is not None:
            views.append(
                AttachmentView(
                    file_id=file_id,
                    name=found.name,
                    size=found.size,
                    media_type=found.media_type,
                    url=desk.links.make(file_id).path,
                )
            )
    return views
