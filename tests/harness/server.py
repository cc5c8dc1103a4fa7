"""Starts the real server as a process of its own, on ports and a data folder of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

START_TIMEOUT_S = 60
LISTENING = "listening "


@dataclass
class ServerProcess:
    """A running ``rtc-server serve --demo``. ``url`` has no trailing slash."""

    process: asyncio.subprocess.Process
    url: str
    output: deque[str] = field(default_factory=lambda: deque(maxlen=2000))
    _reader: asyncio.Task[None] | None = None
    _told: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def says(self, text: str, timeout_s: float = START_TIMEOUT_S) -> None:
        """Wait until a line of its log holds ``text``, or has held it."""
        async with self._told:
            said = self._told.wait_for(lambda: any(text in line for line in self.output))
            await asyncio.wait_for(said, timeout_s)

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    async def stop(self) -> None:
        """Ask it to drain and stop; kill it when it does not."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.process.wait(), 15)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
        if self._reader:
            await self._reader

    async def kill(self) -> None:
        """``kill -9``."""
        self.process.kill()
        await self.process.wait()
        if self._reader:
            await self._reader


def _before_others() -> None:
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


async def start_server(
    data: Path, *arguments: str, port: int = 0, before_browsers: bool = False, **settings: str
) -> ServerProcess:
    """Start and wait until it listens. ``settings`` are environment variables (``RTC_…``). ``before_browsers``: browsers
    that encode video on the same machine leave it the processor, as if it had one of its own (where that is allowed)."""
    environment = {**os.environ, **settings}
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("rtc-server")),
        "serve",
        "--demo",
        "--port",
        str(port),
        "--data",
        str(data),
        *arguments,
        env=environment,
        preexec_fn=_before_others if before_browsers else None,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=1 << 20,
    )
    assert process.stdout is not None
    output: deque[str] = deque(maxlen=2000)

    async def listening() -> str:
        assert process.stdout is not None
        async for raw in process.stdout:
            line = raw.decode(errors="replace").rstrip()
            output.append(line)
            if LISTENING in line:
                return line.split(LISTENING, 1)[1].split()[0].rstrip("/")
        raise RuntimeError("the server ended before it listened:\n" + "\n".join(output))

    try:
        url = await asyncio.wait_for(listening(), START_TIMEOUT_S)
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    server = ServerProcess(process, url, output)

    async def read_on() -> None:
        assert process.stdout is not None
        async for raw in process.stdout:
            async with server._told:
                output.append(raw.decode(errors="replace").rstrip())
                server._told.notify_all()

    server._reader = asyncio.create_task(read_on())
    return server
