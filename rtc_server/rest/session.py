"""Sessions of our own pages: a token kept in a cookie no script can read.

Sites that embed the window do not use this; they hand the token to the window themselves. A request that changes
something must come from our own origin (the ``Origin`` header), on top of ``SameSite``.
"""

from __future__ import annotations

import json
import time

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from rtc_server.identity.tokens import MAX_TOKEN_CHARS
from rtc_server.rest.context import SETTINGS, is_secure, own_origin
from rtc_server.rest.local_path import local_path
from signaling.errors import BadInput, DomainError, ErrorCode, IdentityError, Refused
from signaling.rooms.ports import Authenticator, Person
from signaling.wire.views import PersonView

AUTHENTICATOR: web.AppKey[Authenticator] = web.AppKey("authenticator", Authenticator)

COOKIE = "rtc_session"
SECURE_COOKIE = "__Host-rtc_session"
"""RFC 6265bis §4.1.3.2: a browser takes it only over TLS, for this host alone, for all paths."""
_SAME_SITE = {"same-origin", "none"}


class SignIn(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    token: str


async def current(request: web.Request) -> tuple[str, Person]:
    """The token of this browser's session and whose it is. Raises ``IdentityError``."""
    token = request.cookies.get(_cookie_name(request), "")
    return token, await request.app[AUTHENTICATOR].authenticate(token)


async def current_or_none(request: web.Request) -> Person | None:
    if not request.cookies.get(_cookie_name(request)):
        return None
    try:
        return (await current(request))[1]
    except DomainError:
        return None


def remember(request: web.Request, response: web.StreamResponse, token: str, person: Person) -> None:
    """Give the browser the session. Lax, so that a link from a portal to the desk arrives signed in."""
    response.set_cookie(
        _cookie_name(request),
        token,
        max_age=max(0, int(person.expires_at - time.time())),
        path="/",
        httponly=True,
        samesite="Lax",
        secure=is_secure(request),
    )


def same_origin_only(request: web.Request) -> None:
    """Raises ``Refused`` for a request another site made a browser send. A client that is no browser sends none
    of these headers, and has no cookie of somebody else's either."""
    origin = request.headers.get("Origin")
    fetch_site = request.headers.get("Sec-Fetch-Site")
    if origin is not None and origin.lower() != own_origin(request):
        raise Refused(ErrorCode.NOT_ALLOWED)
    if fetch_site is not None and fetch_site.lower() not in _SAME_SITE:
        raise Refused(ErrorCode.NOT_ALLOWED)


async def _sign_in(request: web.Request) -> web.Response:
    same_origin_only(request)
    if request.content_type != "application/json":
        raise BadInput(ErrorCode.BAD_MESSAGE)
    try:
        body = SignIn.model_validate_json(await request.read())
    except ValidationError as error:
        raise BadInput(ErrorCode.BAD_MESSAGE) from error
    if len(body.token) > MAX_TOKEN_CHARS:
        raise IdentityError(ErrorCode.TOKEN_INVALID)
    person = await request.app[AUTHENTICATOR].authenticate(body.token)
    response = _session_body(None, person)
    remember(request, response, body.token, person)
    return response


async def _hand_over(request: web.Request) -> web.Response:
    """A portal's page sends its signed-in member of staff here by a form (as OpenID's form_post does): ``token``,
    and ``to``, a path of ours. The portal must be listed, or anybody could sign somebody in as somebody else."""
    origin = request.headers.get("Origin", "").lower()
    if origin not in {own_origin(request), *request.app[SETTINGS].portal_origins}:
        raise Refused(ErrorCode.NOT_ALLOWED)
    form = await request.post()
    token, target = form.get("token"), local_path(str(form.get("to", "/desk")))
    if not isinstance(token, str) or target is None:
        raise BadInput(ErrorCode.BAD_MESSAGE)
    person = await request.app[AUTHENTICATOR].authenticate(token)
    response = web.Response(status=303, headers={"Location": target, "Cache-Control": "no-store"})
    remember(request, response, token, person)
    return response


async def _read(request: web.Request) -> web.Response:
    same_origin_only(request)
    token, person = await current(request)
    return _session_body(token, person)


async def _sign_out(request: web.Request) -> web.Response:
    same_origin_only(request)
    response = web.Response(status=204, headers={"Cache-Control": "no-store"})
    response.del_cookie(
        _cookie_name(request), path="/", httponly=True, samesite="Lax", secure=is_secure(request)
    )
    return response


def _session_body(token: str | None, person: Person) -> web.Response:
    view = PersonView(
        person_id=person.person_id,
        role=person.role,
        display_name=person.display_name,
        authority=person.authority,
        region=person.region,
    )
    body = {"person": view.model_dump(mode="json")} | ({"token": token} if token else {})
    return web.json_response(
        body,
        headers={"Cache-Control": "no-store"},
        dumps=lambda value: json.dumps(value, ensure_ascii=False),
    )


def _cookie_name(request: web.Request) -> str:
    return SECURE_COOKIE if is_secure(request) else COOKIE


def add_routes(app: web.Application) -> None:
    app.router.add_post("/api/session", _sign_in)
    app.router.add_post("/sign-in", _hand_over)
    app.router.add_get("/api/session", _read)
    app.router.add_delete("/api/session", _sign_out)
