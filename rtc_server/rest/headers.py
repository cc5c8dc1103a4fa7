"""Headers of every response: what a page of ours may do, and who may embed or read it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from aiohttp import web
from multidict import CIMultiDict

from rtc_server.config import Settings
from rtc_server.rest.context import SETTINGS, is_secure
from rtc_server.rest.errors import Handler

_CSP = web.RequestKey("csp", str)
_SANDBOX = web.RequestKey("sandbox", bool)
_NONCE = web.RequestKey("csp_nonce", str)

PERMISSIONS_POLICY = (
    "camera=(self), microphone=(self), display-capture=(self), autoplay=(self), fullscreen=(self), "
    "speaker-selection=(self), accelerometer=(), geolocation=(), gyroscope=(), hid=(), magnetometer=(), "
    "midi=(), payment=(), serial=(), usb=()"
)
SOCKET_IO = "/socket.io/"
EXPOSED_HEADERS = "Retry-After, Upload-Offset, Upload-Length, Location, ETag, Link, Accept-Patch, Accept-Post"
"""What a page of a listed site may read beside the body: uploads, and WHIP and WHEP (RFC 9725 section 4.1)."""
_STREAM_ENDPOINTS = ("/api/whip/", "/api/whep/")


def nonce(request: web.Request) -> str:
    """The nonce of this response's policy, for elements a page of ours writes inline."""
    if _NONCE not in request:
        request[_NONCE] = secrets.token_urlsafe(18)
    return request[_NONCE]


def page_policy(request: web.Request, *, script_hashes: Iterable[str] = ()) -> None:
    """Make this response a page (Content Security Policy 3). ``script_hashes`` are those of its inline scripts.

    Styles set by script on elements are allowed, style elements are not: the embedded window uses constructed sheets.
    """
    own = f"'self' 'nonce-{nonce(request)}'"
    scripts = " ".join([own, *script_hashes])
    request[_CSP] = "; ".join(
        [
            "default-src 'none'",
            f"script-src {scripts}",
            f"style-src {own}",
            f"style-src-elem {own}",
            "style-src-attr 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "media-src 'self' blob: mediastream:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "manifest-src 'self'",
            "base-uri 'none'",
            "object-src 'none'",
            "form-action 'self'",
            f"frame-ancestors {_frame_ancestors(request.app[SETTINGS])}",
        ]
    )


def _frame_ancestors(settings: Settings) -> str:
    return " ".join(["'self'", *settings.frame_ancestors])


def sandbox(request: web.Request) -> None:
    """This response is something a person sent: a browser must run nothing of it, whatever it takes it for."""
    request[_SANDBOX] = True


async def set_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal ``on_response_prepare``: also reaches responses made outside the middlewares."""
    headers = response.headers
    headers["Server"] = "rtc-server"
    if request.path.startswith(SOCKET_IO):
        headers.setdefault("X-Content-Type-Options", "nosniff")
        return
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
    headers["Content-Security-Policy"] = request.get(_CSP, "default-src 'none'; frame-ancestors 'none'")
    if request.get(_SANDBOX, False):
        headers["Content-Security-Policy"] = "default-src 'none'; sandbox; frame-ancestors 'none'"
        headers["Referrer-Policy"] = "no-referrer"
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    if _CSP in request:
        headers["Permissions-Policy"] = PERMISSIONS_POLICY
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers.setdefault("Cache-Control", "no-store")
    if is_secure(request):
        headers["Strict-Transport-Security"] = "max-age=31536000"
    _allow_origin(request, headers)


def _allow_origin(request: web.Request, headers: CIMultiDict[str]) -> None:
    """CORS (Fetch §3.2) for the listed sites; never with credentials: other sites carry a token, not our cookie."""
    if headers.get("Access-Control-Allow-Origin") == "*":
        return
    headers.add("Vary", "Origin")
    origin = request.headers.get("Origin", "").lower()
    if origin and origin in request.app[SETTINGS].cors_origins:
        headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS


@web.middleware
async def preflight(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer CORS preflights of listed sites. Others get an answer without permission."""
    asked = request.headers.get("Access-Control-Request-Method")
    if request.method != "OPTIONS" or asked is None or request.path.startswith(SOCKET_IO):
        return await handler(request)
    response = web.Response(status=204)
    if request.path.startswith(_STREAM_ENDPOINTS):
        # RFC 9725 section 4.2 has it on "200 OK", whoever asks.
        response.set_status(200)
        if "/sessions/" in request.path:
            response.headers["Accept-Patch"] = "application/trickle-ice-sdpfrag"
        else:
            response.headers["Accept-Post"] = "application/sdp"
    if request.headers.get("Origin", "").lower() in request.app[SETTINGS].cors_origins:
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, POST, PUT, PATCH, DELETE"
        response.headers["Access-Control-Allow-Headers"] = (
            "Authorization, Content-Type, If-Match, Upload-Offset"
        )
        response.headers["Access-Control-Max-Age"] = "600"
    return response
