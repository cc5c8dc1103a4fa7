"""Links by which devices take part in a meeting: made, listed and revoked by its host (推流与观看链接)."""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from media.types import Source
from rtc_server.identity.policy import Permission
from rtc_server.identity.stream_tokens import StreamTokens
from rtc_server.rest.context import own_origin
from rtc_server.rest.mediations import MEETINGS
from rtc_server.rest.resource import Body, Call, Entry, Line, View
from signaling.rooms.meeting_room import MeetingRoom
from signaling.rooms.meeting_streams import MeetingStreams, NewStream, StreamStatus
from signaling.sessions.meeting_streams import Stream, StreamAccess

STREAM_TOKENS = web.AppKey("stream_tokens", StreamTokens)
ENDPOINTS = {StreamAccess.PUBLISH: "whip", StreamAccess.VIEW: "whep"}


class NewStreamBody(Body):
    """``source``: what the picture counts as; of no meaning with ``view``."""

    access: Annotated[StreamAccess, Field(strict=False)]
    name: Annotated[Line, Field(max_length=30)]
    source: Literal["camera", "screen"] = "camera"
    minutes: Annotated[int, Field(ge=5, le=720)] = 120


class StreamView(View):
    """``live``: a device is there by it. ``url`` is the endpoint the device is given, with a token."""

    stream_id: str
    access: StreamAccess
    name: str
    source: Source
    created_at: int
    expires_at: int
    live: bool
    url: str


class NewStreamView(StreamView):
    """``token`` is shown this once."""

    token: str


class Streams(View):
    streams: list[StreamView]


def _room(call: Call) -> MeetingRoom:
    """Of somebody who is in it or in its lobby. Raises ``Refused``; a stranger learns nothing."""
    return call.request.app[MEETINGS].find(call.id("meeting_id"), call.person.person_id)


async def _add(call: Call) -> NewStreamView:
    body, person, room = call.body(NewStreamBody), call.person, _room(call)
    asked = NewStream(body.access, body.name, Source(body.source), body.minutes * 60_000)

    async def work(streams: MeetingStreams) -> Stream:
        return streams.add(person, asked)

    stream = await room.do(work)
    token = call.request.app[STREAM_TOKENS].mint(room.meeting_id, stream)
    return NewStreamView(token=token, **_view(call, room, StreamStatus(stream, live=False)).model_dump())


async def _list(call: Call) -> Streams:
    person, room = call.person, _room(call)

    async def work(streams: MeetingStreams) -> list[StreamStatus]:
        return streams.listed(person)

    return Streams(streams=[_view(call, room, status) for status in await room.do(work)])


async def _revoke(call: Call) -> None:
    person, stream_id = call.person, call.id("stream_id")

    async def work(streams: MeetingStreams) -> None:
        streams.revoke(person, stream_id)

    await _room(call).do(work)


def _view(call: Call, room: MeetingRoom, status: StreamStatus) -> StreamView:
    stream = status.stream
    return StreamView(
        stream_id=stream.stream_id,
        access=stream.access,
        name=stream.name,
        source=stream.source,
        created_at=stream.created_at,
        expires_at=stream.expires_at,
        live=status.live,
        url=f"{own_origin(call.request)}/api/{ENDPOINTS[stream.access]}/{room.meeting_id}",
    )


_M = Permission.MANAGE_STREAMS

ENTRIES = (
    Entry(
        "POST",
        "/api/meetings/{meeting_id}/streams",
        _M,
        _add,
        "A link for a device to publish (WHIP) or to watch (WHEP) in a meeting one hosts",
        body=NewStreamBody,
        answer=NewStreamView,
        status=201,
    ),
    Entry("GET", "/api/meetings/{meeting_id}/streams", _M, _list, "Links that hold", answer=Streams),
    Entry(
        "DELETE",
        "/api/meetings/{meeting_id}/streams/{stream_id}",
        _M,
        _revoke,
        "Take a link back; the device by it is out",
    ),
)
