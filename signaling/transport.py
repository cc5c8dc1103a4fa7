"""Socket.IO with what the library leaves open: order, sizes, silence and garbage.

``MessageServer`` overrides a few steps of python-socketio's ``AsyncServer``, because its public handlers give no way to
 - answer requests and send notifications through one queue, so that a browser sees them in the order they happened;
 - refuse a message before it is parsed, with an answer to it;
 - parse a payload once, and not in two libraries one after the other;
 - count messages that do not parse;
 - close transports that never say who they are.
``tests/unit/signaling/test_gateway_*`` hold it against a real client, so that an update of the library cannot
change any of it unseen.
"""

from __future__ import annotations

import asyncio
import logging
import re
from functools import partial
from typing import Any, Protocol

import engineio.packet as engine_packet  # type: ignore[import-untyped]
import socketio
from aiohttp import web
from socketio.packet import ACK, EVENT

from signaling.errors import BadInput, DomainError, ErrorCode
from signaling.settings import SignalingSettings
from signaling.websocket import DirectWebSocket
from signaling.wire.base import MAX_MESSAGE_BYTES
from signaling.wire.translate import to_wire_error

_log = logging.getLogger(__name__)

_NAMESPACE = "/"
_TRANSPORT_SLACK = 4
"""The transport takes so many times the longest message, so that one too long can be answered and not just cut off."""
_CONNECT, _DISCONNECT, _EVENT, _ACK = "0", "1", "2", "3"
_EVENT_PACKET = re.compile(r'2(?:/,)?(\d{0,15})\[\s*"([^"\\]{1,64})"\s*(?:,(.*))?\]\s*\Z', re.DOTALL)
"""An event of the default namespace: number of the acknowledgement, name, payload. The payload is parsed once, by the
model of its request; what is no single JSON object is refused there."""
_ACK_ID = re.compile(r"2(?:/[^,]{0,64},)?(\d{1,15})\[")
_CLOSE_TIMEOUT_S = 2.0
_LOOK_S = 0.02
_FEW = 4
_WEIGHT_BYTES = 16 * 1024


class TransportHandler(Protocol):
    """What the gateway does with what comes in. None of it raises."""

    async def on_connect(self, transport_id: str, auth: object, request: web.Request) -> None:
        """Raises ``DomainError`` to refuse: the one exception to the rule above."""

    async def on_connected(self, transport_id: str) -> None:
        """The client has been told that it is connected."""

    async def on_disconnect(self, transport_id: str) -> None: ...

    async def on_event(self, transport_id: str, event: str, payload: str, ack_id: int | None) -> None:
        """``payload`` is JSON, not parsed yet. The next message of this transport is taken when this has returned."""

    def on_refused(self, transport_id: str, ack_id: int | None, error: DomainError) -> None:
        """A message that was not even parsed."""


class MessageServer(socketio.AsyncServer):  # type: ignore[misc]
    """A transport is named by its Engine.IO session id."""

    def __init__(self, settings: SignalingSettings, handler: TransportHandler) -> None:
        origins = settings.cors_allowed_origins
        super().__init__(
            async_mode="aiohttp",
            async_handlers=False,
            always_connect=False,
            namespaces=[_NAMESPACE],
            cors_allowed_origins="*" if origins == ("*",) else list(origins) if origins else None,
            cors_credentials=False,
            ping_interval=settings.ping_interval_s,
            ping_timeout=settings.ping_timeout_s,
            max_http_buffer_size=MAX_MESSAGE_BYTES * _TRANSPORT_SLACK,
            logger=False,
            engineio_logger=False,
        )
        # The library has no setting for it; its table of the parts of a driver is read at each connection.
        self.eio._async = {
            **self.eio._async,
            "websocket": partial(DirectWebSocket, take_message=self._handle_eio_message),
        }
        self._settings = settings
        self._handler = handler
        self._silent: dict[str, asyncio.TimerHandle] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self.on("connect", self._on_connect)
        self.on("disconnect", self._on_disconnect)

    def post_event(self, transport_id: str, text: str) -> int:
        """Queue a notification, ``["event",{…}]`` in JSON; returns how much waits for the client
        now (see ``_weight``)."""
        return self._post(transport_id, f"{EVENT}{text}")

    def post_ack(self, transport_id: str, ack_id: int, text: str) -> int:
        """Queue the answer to a request, ``[{…}]`` in JSON; returns how much waits for the client
        now (see ``_weight``)."""
        return self._post(transport_id, f"{ACK}{ack_id}{text}")

    def is_alive(self, transport_id: str) -> bool:
        socket = self.eio.sockets.get(transport_id)
        return socket is not None and not socket.closed

    def close(self, transport_id: str, *, flush: bool = True) -> None:
        """Say goodbye after what is queued, and close; without ``flush`` drop what is queued."""
        task = asyncio.create_task(self._close(transport_id, flush))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def closed(self) -> None:
        """Wait for the transports being closed."""
        if self._closing:
            await asyncio.wait(set(self._closing), timeout=_CLOSE_TIMEOUT_S)

    async def _close(self, transport_id: str, flush: bool) -> None:
        socket = self.eio.sockets.get(transport_id)
        request = self.environ.get(transport_id, {}).get("aiohttp.request")
        while socket is not None and not flush and not socket.queue.empty():
            socket.queue.get_nowait()
            socket.queue.task_done()
        sid = self.manager.sid_from_eio_sid(transport_id, _NAMESPACE)
        if sid is not None:
            await self.disconnect(sid)
        if socket is None:
            return
        await socket.close(wait=False, reason=self.eio.reason.SERVER_DISCONNECT)
        # The library would wait for the client to close; None makes its writer do so.
        socket.queue.put_nowait(None)
        try:
            await asyncio.wait_for(_written(socket.queue), _CLOSE_TIMEOUT_S)
        except TimeoutError:
            if request is not None and request.transport is not None:
                request.transport.abort()  # it takes nothing any more

    def _post(self, transport_id: str, text: str) -> int:
        """A Socket.IO packet of the default namespace, already encoded: what many are told is encoded once."""
        if not self.is_alive(transport_id):
            return 0
        socket = self.eio.sockets[transport_id]
        socket.queue.put_nowait(engine_packet.Packet(engine_packet.MESSAGE, data=text))
        return _weight(socket.queue)

    async def _on_connect(self, sid: str, environ: dict[str, Any], auth: object) -> None:
        transport_id = self.manager.eio_sid_from_sid(sid, _NAMESPACE)
        try:
            await self._handler.on_connect(transport_id, auth, environ["aiohttp.request"])
        except Exception as error:  # a fault of ours must not look like a message that does not parse
            refusal = to_wire_error(error)
            raise socketio.exceptions.ConnectionRefusedError(
                refusal.code.value, refusal.model_dump(mode="json")
            ) from None

    async def _on_disconnect(self, sid: str, _reason: str) -> None:
        transport_id = self.manager.eio_sid_from_sid(sid, _NAMESPACE)
        if transport_id is not None:
            await self._handler.on_disconnect(transport_id)

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        await super()._handle_eio_connect(eio_sid, environ)
        self._silent[eio_sid] = asyncio.get_running_loop().call_later(
            self._settings.handshake_timeout_s, self._give_up, eio_sid
        )

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        timer = self._silent.pop(eio_sid, None)
        if timer is not None:
            timer.cancel()
        await super()._handle_eio_disconnect(eio_sid, reason)

    def _give_up(self, eio_sid: str) -> None:
        self._silent.pop(eio_sid, None)
        if not self._is_known(eio_sid):
            self.close(eio_sid)

    def _is_known(self, eio_sid: str) -> bool:
        sid = self.manager.sid_from_eio_sid(eio_sid, _NAMESPACE)
        return sid is not None and bool(self.manager.is_connected(sid, _NAMESPACE))

    async def _handle_connect(self, eio_sid: str, namespace: str | None, data: object) -> None:
        await super()._handle_connect(eio_sid, namespace, data)
        if self._is_known(eio_sid):
            await self._handler.on_connected(eio_sid)

    async def _handle_eio_message(self, eio_sid: str, data: object) -> None:
        known = self._is_known(eio_sid)
        try:
            text = self._check(data, known)
            if text.startswith(_EVENT):
                await self._take_event(eio_sid, text)
            else:
                await super()._handle_eio_message(eio_sid, text)
        except DomainError as error:
            if known:
                self._handler.on_refused(eio_sid, _ack_id(data), error)
            else:
                self.close(eio_sid)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
            _log.info("message does not parse", extra={"error_type": type(error).__name__})
            if known:
                self._handler.on_refused(eio_sid, _ack_id(data), BadInput(ErrorCode.BAD_MESSAGE))
            else:
                self.close(eio_sid)

    async def _take_event(self, eio_sid: str, text: str) -> None:
        packet = _EVENT_PACKET.match(text)
        if packet is None:
            raise BadInput(ErrorCode.BAD_MESSAGE)
        ack_id, event, payload = packet.groups()
        await self._handler.on_event(eio_sid, event, payload or "{}", int(ack_id) if ack_id else None)

    @staticmethod
    def _check(data: object, known: bool) -> str:
        """Only text messages that this protocol knows, none too long, and no second hello."""
        if not isinstance(data, str):
            raise BadInput(ErrorCode.BAD_MESSAGE)
        if len(data) > MAX_MESSAGE_BYTES or len(data.encode()) > MAX_MESSAGE_BYTES:
            raise BadInput(ErrorCode.MESSAGE_TOO_LARGE)
        allowed = (_EVENT, _ACK, _DISCONNECT) if known else (_CONNECT,)
        if not data.startswith(allowed):
            raise BadInput(ErrorCode.BAD_MESSAGE)
        return data


def peer_address(request: web.Request) -> str:
    """The other end of the connection, which is a reverse proxy's where there is one."""
    return request.remote or ""


def _weight(queue: asyncio.Queue[Any]) -> int:
    """How much waits: every message counts once, a long one once more for every further 16 KiB."""
    if queue.qsize() <= _FEW:
        return queue.qsize()
    waiting = [packet for packet in queue._queue if packet is not None]  # type: ignore[attr-defined]
    return sum(1 + len(packet.data or "") // _WEIGHT_BYTES for packet in waiting)


async def _written(queue: asyncio.Queue[Any]) -> None:
    """Until the writer has taken every packet. ``queue.join`` would wait for a None the library leaves in it."""
    while any(packet is not None for packet in queue._queue):  # type: ignore[attr-defined]  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_S)


def _ack_id(data: object) -> int | None:
    """The acknowledgement a message asked for, read without parsing it."""
    found = _ACK_ID.match(data) if isinstance(data, str) else None
    return int(found[1]) if found else None
