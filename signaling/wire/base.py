"""What every message on the wire shares."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, StringConstraints

from signaling.errors import ErrorCode

WIRE_VERSION = 1
"""Sent in the Socket.IO handshake (``auth.version``); the server refuses others with ``version_unsupported``."""

MAX_MESSAGE_BYTES = 256 * 1024
"""Longest Socket.IO message taken. An SDP of a browser with many codecs is about 20 KB."""

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
Mid = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,16}$")]
OfferSdp = Annotated[str, StringConstraints(min_length=1, max_length=32 * 1024)]
"""Of a publish connection: four m-lines at most, 5 KB for two in Chromium. A hostile one of this length costs the engine
some 10 ms."""
AnswerSdp = Annotated[str, StringConstraints(min_length=1, max_length=64 * 1024)]
"""To the server's offer: 1.1 KB a receive slot in Chromium, 54 KB for 50 slots. The engine reads no longer one."""
Text = Annotated[str, StringConstraints(min_length=1, max_length=4_000)]


class WireModel(BaseModel):
    """A message or a part of one: unknown fields are refused, nothing is coerced from another type."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
    )


class Request(WireModel):
    """Browser to server, answered by an acknowledgement: ``{"ok": true, "data": …}`` or ``{"ok": false, "error": …}``."""

    EVENT: ClassVar[str]
    """The Socket.IO event name."""
    RESPONSE: ClassVar[type[WireModel]]
    """What ``data`` of the acknowledgement is."""


class Notification(WireModel):
    """Server to browser, not answered."""

    EVENT: ClassVar[str]


class WireError(WireModel):
    """A failure as the browser sees it. ``code`` is stable; ``message`` is a Chinese sentence for the person that
    says what to do next."""

    code: ErrorCode
    message: str
    retry_after_ms: int | None = None


class ConnectionScope(StrEnum):
    """What a page is for. One has one connection of each, the newest."""

    SERVICE = "service"
    """The window and the desk."""
    MEETING = "meeting"
    """The page of a meeting: requests of meetings, and of their media and chat, alone."""
    CENTRE = "centre"
    """The personal centre and its staff side: told what changes; it asks over HTTP and requests nothing here."""
    CHECK = "check"
    """The check of devices and network: requests of checks and of their media alone."""


class Handshake(WireModel):
    """``auth`` of the Socket.IO handshake. A refusal is a ``connect_error`` whose ``data`` is a ``WireError``."""

    version: int
    """``WIRE_VERSION`` of the page."""
    token: str | None = None
    """Signed by the host platform."""
    resume_token: str | None = None
    """``resume_token`` of the last ``session.welcome`` of this same page: its media connections live on.
    A page that was loaded anew sends none."""
    scope: ConnectionScope = ConnectionScope.SERVICE


class Empty(WireModel):
    """A response that says only that it was done."""
