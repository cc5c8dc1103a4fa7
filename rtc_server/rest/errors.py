"""Failures of HTTP requests: the same codes and sentences as on the wire, as JSON, and one log line a request."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

import structlog
from aiohttp import web

from signaling.errors import SENTENCES, DomainError, ErrorCode
from signaling.rooms.ports import RecordsUnavailable
from signaling.wire.base import WireError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = structlog.get_logger(__name__)

STATUS: Mapping[ErrorCode, int] = MappingProxyType(
    {
        ErrorCode.BAD_MESSAGE: 400,
        ErrorCode.MESSAGE_TOO_LARGE: 413,
        ErrorCode.UNKNOWN_MESSAGE: 405,
        ErrorCode.RATE_LIMITED: 429,
        ErrorCode.TOKEN_MISSING: 401,
        ErrorCode.TOKEN_INVALID: 401,
        ErrorCode.TOKEN_EXPIRED: 401,
        ErrorCode.TOKEN_FOREIGN: 401,
        ErrorCode.NOT_FOUND: 404,
        ErrorCode.NOT_ALLOWED: 403,
        ErrorCode.NOT_A_MEMBER: 403,
        ErrorCode.FILE_NOT_FOUND: 404,
        ErrorCode.FILE_TOO_LARGE: 413,
        ErrorCode.FILE_TYPE_REFUSED: 415,
        ErrorCode.FILE_DAMAGED: 422,
        ErrorCode.FILE_INFECTED: 422,
        ErrorCode.FILES_UNAVAILABLE: 503,
        ErrorCode.UPLOAD_CONFLICT: 409,
        ErrorCode.QUOTA_EXCEEDED: 429,
        ErrorCode.LINK_EXPIRED: 410,
        ErrorCode.CONFLICT: 409,
        ErrorCode.WRONG_PHASE: 409,
        ErrorCode.ASSISTANT_SILENT: 409,
        ErrorCode.ASSISTANT_STARTING: 503,
        ErrorCode.TOO_MANY_INTERACTIONS: 429,
        ErrorCode.PROFILE_UNKNOWN: 404,
        ErrorCode.INTERACTION_CLOSED: 409,
        ErrorCode.RECORDS_UNAVAILABLE: 503,
        ErrorCode.MEDIA_UNAVAILABLE: 503,
        ErrorCode.SERVER_STOPPING: 503,
        ErrorCode.RECORD_NOT_FOUND: 404,
        ErrorCode.SLOT_FULL: 409,
        ErrorCode.SLOT_GONE: 409,
        ErrorCode.ALREADY_BOOKED: 409,
        ErrorCode.ALREADY_RATED: 409,
        ErrorCode.TOO_MANY_APPOINTMENTS: 429,
        ErrorCode.TOO_MANY_OPEN: 429,
        ErrorCode.TAXPAYER_OFFLINE: 409,
        ErrorCode.SPEECH_NOT_CONFIGURED: 503,
        ErrorCode.SPEECH_UNAVAILABLE: 503,
        ErrorCode.SPEECH_BUSY: 429,
        ErrorCode.VOICE_UNAVAILABLE: 503,
        ErrorCode.MEETING_ENDED: 404,
        ErrorCode.MEETING_FULL: 409,
        ErrorCode.SHARE_TAKEN: 409,
        ErrorCode.TOO_MANY_STREAMS: 409,
        ErrorCode.STREAM_REVOKED: 403,
        ErrorCode.BAD_SDP: 422,
        ErrorCode.SDP_UNSUPPORTED: 422,
        ErrorCode.OUTSIDE_GRANT: 422,
        ErrorCode.MEDIA_TYPE_UNSUPPORTED: 415,
        ErrorCode.PRECONDITION_MISSING: 428,
        ErrorCode.PRECONDITION_FAILED: 412,
        ErrorCode.WRONG_STATE: 409,
        ErrorCode.INTERNAL_ERROR: 500,
    }
)
RETRY_AFTER_MS: Mapping[ErrorCode, int] = MappingProxyType(
    {
        ErrorCode.SERVER_STOPPING: 30_000,
        ErrorCode.MEDIA_UNAVAILABLE: 5_000,
        ErrorCode.RECORDS_UNAVAILABLE: 5_000,
    }
)
"""When it is worth asking again, where whoever refuses does not know better (RFC 9110 section 15.6.4): a drain ends when what
runs has ended, and the server that follows listens some seconds later."""
_CODE_OF_STATUS: Mapping[int, ErrorCode] = MappingProxyType(
    {
        400: ErrorCode.BAD_MESSAGE,
        403: ErrorCode.NOT_ALLOWED,
        404: ErrorCode.NOT_FOUND,
        405: ErrorCode.UNKNOWN_MESSAGE,
        411: ErrorCode.BAD_MESSAGE,
        413: ErrorCode.MESSAGE_TOO_LARGE,
        415: ErrorCode.BAD_MESSAGE,
        417: ErrorCode.BAD_MESSAGE,
        429: ErrorCode.RATE_LIMITED,
        503: ErrorCode.SERVER_STOPPING,
    }
)


def error_response(
    code: ErrorCode, *, retry_after_ms: int | None = None, status: int | None = None
) -> web.Response:
    """``{"error": {"code", "message", "retry_after_ms"}}``, as on the wire."""
    if retry_after_ms is None:
        retry_after_ms = RETRY_AFTER_MS.get(code)
    error = WireError(code=code, message=SENTENCES[code], retry_after_ms=retry_after_ms)
    headers = {"Cache-Control": "no-store"}
    if retry_after_ms is not None:
        headers["Retry-After"] = str(math.ceil(retry_after_ms / 1000))
    return web.json_response(
        {"error": error.model_dump(mode="json")},
        status=status or STATUS.get(code, 400),
        headers=headers,
        dumps=lambda body: json.dumps(body, ensure_ascii=False),
    )


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Outermost: whatever happens inside becomes a response with a stable code."""
    began = time.perf_counter()
    response: web.StreamResponse
    try:
        response = await handler(request)
    except DomainError as error:
        response = error_response(error.code, retry_after_ms=error.retry_after_ms)
    except RecordsUnavailable:
        response = error_response(ErrorCode.RECORDS_UNAVAILABLE)
    except web.HTTPException as error:
        if error.status < 400:
            _log(request, error.status, began)
            raise
        code = _CODE_OF_STATUS.get(
            error.status, ErrorCode.INTERNAL_ERROR if error.status >= 500 else ErrorCode.BAD_MESSAGE
        )
        response = error_response(code, status=error.status)
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
    except Exception as error:
        # The message of an unknown exception may hold anything: its type and place are enough to find it.
        log.error("request_failed", route=_route(request), error=type(error).__name__, exc_info=True)
        response = error_response(ErrorCode.INTERNAL_ERROR)
    _log(request, response.status, began)
    return response


def _route(request: web.Request) -> str:
    """The route as it is written, not the path asked for, which may hold anything."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"


def _log(request: web.Request, status: int, began: float) -> None:
    route = _route(request)
    level = log.debug if status < 400 or route in {"/healthz", "/metrics"} else log.info
    level(
        "request",
        method=request.method,
        route=route,
        status=status,
        ms=round((time.perf_counter() - began) * 1000, 1),
    )
