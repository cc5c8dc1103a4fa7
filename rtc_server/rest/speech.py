"""Dictation over a WebSocket of its own, ``/api/assistant/speech``: 16 kHz sound in, text out.

Beside Socket.IO, not in it: sound is thirty kilobytes a second, and a conversation's messages must not queue behind it; its
limits are others; it ends with the sentence. A browser cannot give a WebSocket a header, so the token comes in the first
message, as in the handshake of Socket.IO; cookies are not looked at, so that no other site can speak in a person's name.
"""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any, Literal

import structlog
from aiohttp import WSMsgType, web
from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError

from rtc_server.identity.policy import Permission, may
from rtc_server.identity.tokens import MAX_TOKEN_CHARS
from rtc_server.rest.context import SETTINGS
from rtc_server.rest.limits import count
from rtc_server.rest.service import SERVICE_DESK
from rtc_server.rest.session import AUTHENTICATOR
from rtc_server.speech.dictation import BYTES_PER_SAMPLE, RATE, Partial
from rtc_server.speech.listening import Listening, TooMuchSound
from signaling.errors import SENTENCES, BadInput, DomainError, ErrorCode, Refused
from signaling.rooms.ports import Person
from signaling.wire.base import WireError

PATH = "/api/assistant/speech"
MAX_FRAME_BYTES = RATE * BYTES_PER_SAMPLE
"""A second of sound in one message."""
START_S = 5.0
"""How long a connection may stay without saying whose it is."""
SILENT_S = 8.0
"""Without a message for so long the person counts as gone; what was said until then is answered."""

log = structlog.get_logger("rtc_server.speech")


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Start(_Message):
    type: Literal["start"]
    token: Annotated[str, Field(max_length=MAX_TOKEN_CHARS)]


class Stop(_Message):
    type: Literal["stop"]


class _Any(RootModel[Annotated[Start | Stop, Field(discriminator="type")]]):
    pass


async def dictate(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse(compress=False, max_msg_size=MAX_FRAME_BYTES + 1, heartbeat=20.0)
    if not socket.can_prepare(request).ok:
        raise BadInput(ErrorCode.BAD_MESSAGE)
    await socket.prepare(request)
    try:
        await _serve(request, socket)
    except DomainError as error:
        await _refuse(socket, error.code, error.retry_after_ms)
    except ConnectionError:
        pass
    except Exception as error:
        log.error("dictation_failed", error=type(error).__name__, exc_info=True)
        await _refuse(socket, ErrorCode.INTERNAL_ERROR)
    finally:
        await socket.close()
    return socket


async def _serve(request: web.Request, socket: web.WebSocketResponse) -> None:
    person = await _whose(request, socket)
    await count(request, request.app[SETTINGS].speech.rate, "speech", person.person_id)
    speech = request.app[SERVICE_DESK].speech

    async def tell(partial: Partial) -> None:
        await _send(socket, {"type": "partial", "stable": partial.stable, "rest": partial.rest})

    with speech.listen(person.person_id, tell) as listening:
        request.app[SERVICE_DESK].assistant.expect_speech()
        await _send(socket, {"type": "ready", "max_seconds": speech.settings.max_seconds})
        running = asyncio.create_task(listening.run())
        try:
            if await _hear(socket, listening, running):
                final = await running
                await _send(
                    socket,
                    {
                        "type": "final",
                        "text": final.text,
                        "complete": final.complete,
                        "cut_off": final.cut_off,
                    },
                )
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def _whose(request: web.Request, socket: web.WebSocketResponse) -> Person:
    """Raises ``IdentityError``, ``BadInput``, ``Refused``."""
    try:
        message = await socket.receive(timeout=START_S)
    except TimeoutError as error:
        raise BadInput(ErrorCode.BAD_MESSAGE) from error
    if message.type is not WSMsgType.TEXT:
        raise BadInput(ErrorCode.BAD_MESSAGE)
    start = _read(message.data)
    if not isinstance(start, Start):
        raise BadInput(ErrorCode.BAD_MESSAGE)
    person = await request.app[AUTHENTICATOR].authenticate(start.token)
    if not may(person.role, Permission.ASK_ASSISTANT):
        raise Refused(ErrorCode.NOT_ALLOWED)
    return person


async def _hear(socket: web.WebSocketResponse, listening: Listening, running: asyncio.Task[Any]) -> bool:
    """Until the person has finished or the longest time is reached: true; false when they are gone."""
    while not running.done():
        receiving = asyncio.ensure_future(socket.receive())
        await asyncio.wait({receiving, running}, timeout=SILENT_S, return_when=asyncio.FIRST_COMPLETED)
        if not receiving.done():
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)
            listening.finish()
            return True
        message = receiving.result()
        match message.type:
            case WSMsgType.BINARY:
                if len(message.data) % BYTES_PER_SAMPLE:
                    raise BadInput(ErrorCode.BAD_MESSAGE)
                try:
                    listening.take(message.data)
                except TooMuchSound as error:
                    raise BadInput(ErrorCode.RATE_LIMITED) from error
            case WSMsgType.TEXT:
                if not isinstance(_read(message.data), Stop):
                    raise BadInput(ErrorCode.BAD_MESSAGE)
                listening.finish()
                return True
            case _:
                return False
    return True


def _read(text: str) -> Start | Stop:
    try:
        return _Any.model_validate_json(text).root
    except ValidationError as error:
        raise BadInput(ErrorCode.BAD_MESSAGE) from error


async def _send(socket: web.WebSocketResponse, value: dict[str, Any]) -> None:
    await socket.send_str(json.dumps(value, ensure_ascii=False))


async def _refuse(socket: web.WebSocketResponse, code: ErrorCode, retry_after_ms: int | None = None) -> None:
    error = WireError(code=code, message=SENTENCES[code], retry_after_ms=retry_after_ms)
    if not socket.closed:
        try:
            await _send(socket, {"type": "error", "error": error.model_dump(mode="json")})
        except ConnectionError:
            return
