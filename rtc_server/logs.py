"""Structured logs: room and person ids, and never a name, a token, a phone number, an SDP or an address of a person.

Two nets, whatever a caller passes: keys on a list are replaced, and patterns in any text (tokens, ICE passwords,
mobile numbers, addresses of candidates) are cut out. Lines of the standard library's logging go through the same.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor

REDACTED = "[redacted]"

FORBIDDEN_KEYS = frozenset(
    {
        "address",
        "auth",
        "authorization",
        "candidate",
        "claims",
        "cookie",
        "credential",
        "credentials",
        "display_name",
        "headers",
        "host_address",
        "ice_pwd",
        "ice_ufrag",
        "ip",
        "jwt",
        "key",
        "message",
        "name",
        "password",
        "peername",
        "phone",
        "pwd",
        "query",
        "remote",
        "resume_token",
        "sdp",
        "secret",
        "text",
        "token",
        "ufrag",
        "username",
    }
)

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # JWS compact serialisation (RFC 7515 §3.1): a header always begins with `{"`, which is eyJ in base64url.
    (re.compile(r"eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,4}"), REDACTED),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+"), r"\1 " + REDACTED),
    (re.compile(r"a=(?:ice-pwd|ice-ufrag|fingerprint|crypto|candidate)[^\r\n]*"), "a=" + REDACTED),
    (re.compile(r"candidate:\S+ \d+ (?:udp|tcp)[^\r\n]*", re.IGNORECASE), REDACTED),
    # Mobile numbers of mainland China, alone or after +86.
    (re.compile(r"(?<![\dA-Za-z])(?:\+?86[- ]?)?1[3-9]\d{9}(?!\d)"), REDACTED),
    (re.compile(r"(?i)\b(token|secret|password|credential)=[^\s&'\"]+"), r"\1=" + REDACTED),
)

_SAFE_KEYS = frozenset({"event", "level", "timestamp", "logger"})
_MAX_DEPTH = 4


def scrub(text: str) -> str:
    """``text`` without anything that looks like a secret or a phone number."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def _clean(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth >= _MAX_DEPTH:
        return REDACTED
    if isinstance(value, Mapping):
        return {
            str(k): REDACTED if str(k).lower() in FORBIDDEN_KEYS else _clean(v, depth + 1)
            for k, v in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item, depth + 1) for item in value]
    return scrub(str(value))


def redact(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """structlog processor: nothing forbidden passes it."""
    return {
        key: (REDACTED if key.lower() in FORBIDDEN_KEYS and key not in _SAFE_KEYS else _clean(value))
        for key, value in event.items()
    }


def _drop_internals(_logger: Any, _method: str, event: EventDict) -> EventDict:
    for name in ("_record", "_from_structlog"):
        event.pop(name, None)
    return event


def configure(output: Literal["auto", "json", "console"], level: str, stream: TextIO | None = None) -> None:
    """Send all logs of the process to ``stream`` (standard error), one line each."""
    target = stream if stream is not None else sys.stderr
    as_json = output == "json" or (output == "auto" and not target.isatty())
    render: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Tracebacks become text before `redact`, so that an exception's message is scrubbed with the rest.
    last: list[Processor] = [_drop_internals, structlog.processors.format_exc_info, redact, render]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()], processors=last
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # The last two print whole packets, with SDP and tokens, at INFO.
    for chatty in ("alembic", "engineio", "socketio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").setLevel(logging.CRITICAL)
