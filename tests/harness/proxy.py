"""A TCP proxy whose line can be cut and mended: what a dropped signalling connection is like."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field


@dataclass
class CuttableProxy:
    """Forwards to ``target_port`` on loopback. ``cut`` drops every connection and takes no new one until ``mend``."""

    target_port: int
    port: int = 0
    upstream_bytes_per_s: float | None = None
    """How fast each connection may send; None: as fast as it can."""
    upstream_bytes: int = 0
    """Sent so far."""
    _server: asyncio.Server | None = None
    _is_cut: bool = False
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> CuttableProxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def cut(self) -> None:
        self._is_cut = True
        for writer in list(self._writers):
            writer.transport.abort()

    def mend(self) -> None:
        self._is_cut = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, up_writer}
        try:
            await asyncio.gather(self._pump(reader, up_writer, up=True), self._pump(up_reader, writer))
        finally:
            self._writers -= {writer, up_writer}

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool = False
    ) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
                if up:
                    self.upstream_bytes += len(data)
                    if self.upstream_bytes_per_s is not None:
                        await asyncio.sleep(len(data) / self.upstream_bytes_per_s)
        with contextlib.suppress(OSError):
            writer.close()
