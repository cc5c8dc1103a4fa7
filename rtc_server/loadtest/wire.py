"""The thinnest client of the signalling protocol: Engine.IO 4 and Socket.IO 5 text packets over one WebSocket.

A full client library costs more processor time than the server it is to measure. Packets: https://socket.io/docs/v4/engine-io-protocol/
and https://socket.io/docs/v4/socket-io-protocol/.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp

from signaling.wire.base import WIRE_VERSION

_ANSWER_S = 30.0


class WireFailed(Exception):
    """The connection was refused or lost, or a request was refused; the text is the code."""


class Wire:
    """``on_event`` gets each notification at once."""

    def __init__(self, on_event: Callable[[str, Any], None]) -> None:
        self._on_event = on_event
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._number = 0

    async def connect(
        self, http: aiohttp.ClientSession, url: str, token: str, scope: str = "service"
    ) -> None:
        """Until the server has accepted the token. Raises ``WireFailed``."""
        address = f"{url}/socket.io/?EIO=4&transport=websocket"
        self._socket = socket = await http.ws_connect(address, max_msg_size=0, autoping=False)
        if not str(await socket.receive_str()).startswith("0"):
            raise WireFailed("no open packet")
        await socket.send_str("40" + json.dumps({"version": WIRE_VERSION, "token": token, "scope": scope}))
        while True:
            packet = await socket.receive_str()
            if packet == "2":
                await socket.send_str("3")
            elif packet.startswith("40"):
                break
            else:
                raise WireFailed(packet[:200])
        self._reader = asyncio.create_task(self._read(socket))

    async def ask(self, event: str, body: dict[str, Any] | None = None) -> Any:
        """The data of the acknowledgement. Raises ``WireFailed``."""
        if self._socket is None:
            raise WireFailed("not connected")
        self._number += 1
        number = self._number
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        await self._socket.send_str(f"42{number}{json.dumps([event, body or {}], ensure_ascii=False)}")
        try:
            given = await asyncio.wait_for(answer, _ANSWER_S)
        finally:
            self._waiting.pop(number, None)
        if not given["ok"]:
            raise WireFailed(given["error"]["code"])
        return given["data"]

    async def close(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            packet: str = message.data
            if packet == "2":
                await socket.send_str("3")
            elif packet.startswith("42"):
                event, body = json.loads(packet[2:])
                self._on_event(event, body)
            elif packet.startswith("43"):
                at = packet.index("[")
                waiting = self._waiting.get(int(packet[2:at]))
                if waiting is not None and not waiting.done():
                    waiting.set_result(json.loads(packet[at:])[0])
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(WireFailed("connection lost"))
