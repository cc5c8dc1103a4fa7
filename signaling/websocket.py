"""The WebSocket of an Engine.IO connection: one task reads, one writes, and neither makes another for each packet.

The library's own handler waits for every packet, in and out, in a task of its own with a timer of its own: a sixth of what a
message costs the whole server. Handshake, polling, pings and the change from polling to WebSocket stay the library's.
Packets: https://socket.io/docs/v4/engine-io-protocol/
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import engineio.exceptions  # type: ignore[import-untyped]
from aiohttp import WSMsgType, web
from engineio.async_drivers.aiohttp import WebSocket as EngineWebSocket  # type: ignore[import-untyped]
from engineio.packet import MESSAGE, Packet  # type: ignore[import-untyped]

_log = logging.getLogger(__name__)

_MESSAGE = str(MESSAGE)

TakeMessage = Callable[[str, str], Awaitable[None]]
"""The id of the Engine.IO session, and the text of a message."""


class DirectWebSocket(EngineWebSocket):  # type: ignore[misc]
    """Without permessage-deflate (RFC 7692), which browsers ask for: its windows take 100 kB a connection, and messages
    of a few hundred bytes gain nothing by it."""

    def __init__(self, handler: Any, server: Any, take_message: TakeMessage) -> None:
        super().__init__(handler, server)
        self._take_message = take_message

    async def __call__(self, environ: dict[str, Any]) -> web.WebSocketResponse:
        self._sock = response = web.WebSocketResponse(
            compress=False, max_msg_size=self.server.max_http_buffer_size
        )
        await response.prepare(environ["aiohttp.request"])
        self.environ = environ
        session = self.handler.__self__
        if session.connected:
            await self.handler(self)  # it has polled before, and changes over
        else:
            session.connected = session.upgraded = True
            await self._serve(session, response)
        return response

    async def _serve(self, session: Any, response: web.WebSocketResponse) -> None:
        writer = asyncio.create_task(_write(session.queue, response))
        silence = _Silence(self.server.ping_interval + self.server.ping_timeout, response)
        try:
            await self._read(session, response, silence)
            session.queue.put_nowait(None)
            await writer
        finally:
            # Also when the server cancels the handler because the connection is gone.
            silence.cancel()
            writer.cancel()
            await session.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_CLOSE)

    async def _read(self, session: Any, response: web.WebSocketResponse, silence: _Silence) -> None:
        """Until either side closes, or nothing has come for longer than a ping may take."""
        while True:
            message = await response.receive()
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            silence.broken()
            data = message.data
            try:
                if isinstance(data, str) and data.startswith(_MESSAGE):
                    await self._take_message(session.sid, data[1:])
                else:
                    await session.receive(Packet(encoded_packet=data))
            except engineio.exceptions.SocketIsClosedError:
                return
            except engineio.exceptions.UnknownPacketError:
                pass
            except Exception as error:  # one packet must not end the connection
                _log.warning("packet not taken", extra={"error_type": type(error).__name__})


class _Silence:
    """Ends a connection from which nothing has come for ``limit_s``. One timer for its whole life, not one a packet."""

    def __init__(self, limit_s: float, response: web.WebSocketResponse) -> None:
        self._limit_s = limit_s
        self._response = response
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._timer = self._loop.call_later(limit_s, self._look)
        self._closing: asyncio.Task[bool] | None = None

    def broken(self) -> None:
        self._last = self._loop.time()

    def cancel(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        left = self._last + self._limit_s - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._closing = asyncio.create_task(self._response.close())


async def _write(queue: asyncio.Queue[Packet | None], response: web.WebSocketResponse) -> None:
    """Until a None in the queue, or the other end takes nothing any more."""
    with contextlib.suppress(OSError, RuntimeError):
        while (packet := await queue.get()) is not None:
            queue.task_done()
            encoded = packet.encode()
            if isinstance(encoded, str):
                await response.send_str(encoded)
            else:
                await response.send_bytes(encoded)
    await response.close()
