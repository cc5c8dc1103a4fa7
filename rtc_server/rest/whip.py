"""WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): a device brings media into a meeting, or watches it, over HTTP.

One resource for both: the endpoint takes an offer and gives the answer and the address of a session; the session takes
candidates and ICE restarts by PATCH and ends by DELETE. What a device may do is in its token (``identity.stream_tokens``)
and in the link behind it, which the host may take back at any time. The contract is docs/whip.md.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping

from aiohttp import hdrs, web

from rtc_server.identity.stream_tokens import StreamClaims
from rtc_server.rest.errors import error_response
from rtc_server.rest.limits import count
from rtc_server.rest.mediations import MEETINGS
from rtc_server.rest.streams import ENDPOINTS, STREAM_TOKENS
from signaling.errors import BadInput, DomainError, ErrorCode, IdentityError, Refused
from signaling.rooms.meeting_streams import MeetingStreams, Opened, Restarted
from signaling.rooms.ports import IceServer
from signaling.rooms.stream_sdp import MAX_FRAGMENT_BYTES, MAX_OFFER_BYTES, read_fragment, read_offer
from signaling.sessions.meeting_streams import StreamAccess

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
OFFERS_A_LINK = "20/minute"
CHANGES_A_LINK = "120/minute"
"""Each costs the engine an SDP; a device that reconnects all the time waits."""

_BEARER = re.compile(r"^Bearer +([A-Za-z0-9._~+/-]+=*)$", re.IGNORECASE)
_ENTITY_TAG = re.compile(r'^(?:\*|"[\x21\x23-\x7e]*")$')
_NO_STORE: dict[str, str] = {"Cache-Control": "no-store"}
_TAKEN_BY_POST: dict[str, str] = {"Accept-Post": SDP}
_TAKEN_BY_PATCH: dict[str, str] = {"Accept-Patch": FRAGMENT}
_CHALLENGES: dict[ErrorCode, str] = {
    ErrorCode.TOKEN_MISSING: "Bearer",
    ErrorCode.TOKEN_INVALID: 'Bearer error="invalid_token"',
    ErrorCode.TOKEN_EXPIRED: 'Bearer error="invalid_token"',
    ErrorCode.STREAM_REVOKED: 'Bearer error="invalid_token"',
    ErrorCode.NOT_ALLOWED: 'Bearer error="insufficient_scope"',
}
"""RFC 6750 section 3.1. The codes of the project say more, in the body."""

Handler = Callable[[web.Request, StreamAccess], Awaitable[web.StreamResponse]]


async def _open(request: web.Request, access: StreamAccess) -> web.Response:
    claims = _claims(request, access)
    if claims.meeting != request.match_info["meeting_id"]:
        raise Refused(ErrorCode.NOT_ALLOWED)
    if request.content_type != SDP:
        return _refusal(ErrorCode.MEDIA_TYPE_UNSUPPORTED, _TAKEN_BY_POST)
    if not _accepts(request.headers.getall(hdrs.ACCEPT, ()), SDP):
        return error_response(ErrorCode.MEDIA_TYPE_UNSUPPORTED, status=406)
    await count(request, OFFERS_A_LINK, "stream_offers", claims.sub)
    offer = read_offer(await _text(request, MAX_OFFER_BYTES))

    async def work(streams: MeetingStreams) -> Opened:
        return await streams.open(claims.sub, offer)

    opened = await request.app[MEETINGS].room(claims.meeting).do(work)
    response = web.Response(
        status=201,
        body=opened.sdp.encode(),
        content_type=SDP,
        headers={
            **_NO_STORE,
            "Location": f"/api/{ENDPOINTS[access]}/sessions/{opened.session_id}",
            "ETag": opened.etag,
            **_TAKEN_BY_PATCH,
        },
    )
    for link in ice_server_links(opened.ice_servers):
        response.headers.add(hdrs.LINK, link)
    return response


async def _patch(request: web.Request, access: StreamAccess) -> web.Response:
    claims = _claims(request, access)
    if request.content_type != FRAGMENT:
        # RFC 5789 section 2.2.
        return _refusal(ErrorCode.MEDIA_TYPE_UNSUPPORTED, _TAKEN_BY_PATCH)
    if_match = request.headers.get(hdrs.IF_MATCH)
    if if_match is None:
        raise Refused(ErrorCode.PRECONDITION_MISSING)
    if not _ENTITY_TAG.match(if_match.strip()):
        # A list or a weak tag: there is one representation, and a strong comparison (RFC 9110 section 13.1.1).
        raise Refused(ErrorCode.PRECONDITION_FAILED)
    await count(request, CHANGES_A_LINK, "stream_changes", claims.sub)
    fragment = read_fragment(await _text(request, MAX_FRAGMENT_BYTES))
    session_id = request.match_info["session_id"]

    async def work(streams: MeetingStreams) -> Restarted | None:
        return await streams.patch(claims.sub, session_id, if_match.strip(), fragment)

    restarted = await request.app[MEETINGS].room(claims.meeting).do(work)
    if restarted is None:
        return web.Response(status=204, headers=_NO_STORE)
    headers = {**_NO_STORE, "ETag": restarted.etag}
    return web.Response(body=restarted.fragment.encode(), content_type=FRAGMENT, headers=headers)


async def _close(request: web.Request, access: StreamAccess) -> web.Response:
    claims = _claims(request, access)
    session_id = request.match_info["session_id"]

    async def work(streams: MeetingStreams) -> None:
        streams.close(claims.sub, session_id)

    await request.app[MEETINGS].room(claims.meeting).do(work)
    return web.Response(status=200, headers=_NO_STORE)


async def _describe_endpoint(_request: web.Request, _access: StreamAccess) -> web.Response:
    return web.Response(headers={"Allow": "OPTIONS, POST", **_TAKEN_BY_POST, **_NO_STORE})


async def _describe_session(_request: web.Request, _access: StreamAccess) -> web.Response:
    return web.Response(headers={"Allow": "DELETE, OPTIONS, PATCH", **_TAKEN_BY_PATCH, **_NO_STORE})


def _claims(request: web.Request, access: StreamAccess) -> StreamClaims:
    """Raises ``IdentityError``, or ``Refused`` for a token of the other kind."""
    given = request.headers.get(hdrs.AUTHORIZATION, "")
    found = _BEARER.match(given.strip())
    if found is None:
        raise IdentityError(ErrorCode.TOKEN_INVALID if given else ErrorCode.TOKEN_MISSING)
    claims = request.app[STREAM_TOKENS].read(found[1])
    if claims.access is not access:
        raise Refused(ErrorCode.NOT_ALLOWED)
    return claims


def _refusal(code: ErrorCode, headers: Mapping[str, str]) -> web.Response:
    response = error_response(code)
    response.headers.update(headers)
    return response


def _accepts(given: Iterable[str], offered: str) -> bool:
    """Whether ``Accept`` takes what we answer with (RFC 9110 section 12.5.1); without the header everything is taken."""
    ranges = [part for header in given for part in header.split(",") if part.strip()]
    if not ranges:
        return True
    whole = ("*/*", f"{offered.partition('/')[0]}/*", offered)
    taken: dict[str, bool] = {}
    for part in ranges:
        name, *parameters = [word.strip().lower() for word in part.split(";")]
        refused = any(re.fullmatch(r"q=0(?:\.0{0,3})?", word) for word in parameters)
        taken[name] = not refused
    # The most specific range decides.
    return next((taken[name] for name in reversed(whole) if name in taken), False)


async def _text(request: web.Request, limit: int) -> str:
    if (request.content_length or 0) > limit:
        raise BadInput(ErrorCode.MESSAGE_TOO_LARGE)
    body = await request.read()
    if len(body) > limit:
        raise BadInput(ErrorCode.MESSAGE_TOO_LARGE)
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise BadInput(ErrorCode.BAD_MESSAGE) from None


def ice_server_links(servers: Iterable[IceServer]) -> Iterable[str]:
    """RFC 9725 section 4.6, one for each address."""
    for server in servers:
        for url in server.urls:
            link = f'<{url}>; rel="ice-server"'
            if server.username is not None and server.credential is not None:
                link += (
                    f'; username="{server.username}"; credential="{server.credential}"'
                    '; credential-type="password"'
                )
            yield link


def _bound(handler: Handler, access: StreamAccess) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request, access)
        except DomainError as error:
            challenge = _CHALLENGES.get(error.code)
            if challenge is None:
                raise
            return _refusal(error.code, {hdrs.WWW_AUTHENTICATE: challenge})

    return handle


def add_routes(app: web.Application) -> None:
    for access, word in ENDPOINTS.items():
        endpoint = app.router.add_resource(f"/api/{word}/{{meeting_id}}")
        endpoint.add_route(hdrs.METH_POST, _bound(_open, access))
        endpoint.add_route(hdrs.METH_OPTIONS, _bound(_describe_endpoint, access))
        session = app.router.add_resource(f"/api/{word}/sessions/{{session_id}}")
        session.add_route(hdrs.METH_PATCH, _bound(_patch, access))
        session.add_route(hdrs.METH_DELETE, _bound(_close, access))
        session.add_route(hdrs.METH_OPTIONS, _bound(_describe_session, access))
