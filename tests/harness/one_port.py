"""A real server whose only media port is known before anybody uses it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tests.harness.server import ServerProcess, start_server


@dataclass(frozen=True, slots=True)
class Reachable:
    """A server whose one media port is known, to be blocked before anybody has used it."""

    server: ServerProcess
    media_port: int


def free_port() -> int:
    """A port free for UDP and TCP alike."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = int(tcp.getsockname()[1])
            with contextlib.suppress(OSError):
                udp.bind(("127.0.0.1", port))
                return port


@contextlib.asynccontextmanager
async def one_port(data: Path, *, ice_tcp: bool) -> AsyncIterator[Reachable]:
    port = free_port()
    server = await start_server(
        data,
        RTC_TURN_START="false",
        RTC_MEDIA_WORKERS="1",
        RTC_MEDIA_PORT_BASE=str(port),
        RTC_MEDIA_ICE_TCP=str(ice_tcp),
    )
    try:
        yield Reachable(server, port)
    finally:
        await server.stop()
