"""Runs coturn as our child: starts it, starts it again when it ends, stops it with us."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import re
import shutil
import signal
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

FIRST_BACKOFF_S = 0.5
MAX_BACKOFF_S = 30.0
STEADY_S = 60.0
"""A child that lived so long ended for a new reason: the backoff begins anew."""
STOP_TIMEOUT_S = 5.0

log = logging.getLogger(__name__)

_FAULT = re.compile(r"(?i)\b(error|cannot|failed|fatal)\b")
_OF_A_SESSION = re.compile(r"session|peer IP|check_stun_auth|user <")
"""Lines anybody on the network can cause: they are the relay's business, and there could be any number of them."""
_ADDRESS = re.compile(
    r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|\[?[0-9a-f]*:[0-9a-f:]*:[0-9a-f.:]+\]?", re.IGNORECASE
)


class RelayState(StrEnum):
    STOPPED = "stopped"
    MISSING = "missing"
    """The binary is not installed."""
    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    """It ended and will be started again."""


class CoturnSupervisor:
    """``start`` returns at once where the binary is missing: the server goes on without a relay."""

    def __init__(
        self,
        binary: str,
        config_path: Path,
        *,
        first_backoff_s: float = FIRST_BACKOFF_S,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._binary = binary
        self._config_path = config_path
        self._first_backoff_s = first_backoff_s
        self._jitter = jitter
        self._task: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._changed = asyncio.Event()
        self.state = RelayState.STOPPED
        self.restarts = 0

    async def start(self) -> None:
        """Idempotent."""
        if self._task is not None:
            return
        path = shutil.which(self._binary)
        if path is None:
            self._become(RelayState.MISSING)
            log.warning("relay_binary_missing")
            return
        self._become(RelayState.STARTING)
        self._task = asyncio.create_task(self._supervise(path), name="coturn")

    async def stop(self) -> None:
        """Ask coturn to end, then make it. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self.state is not RelayState.MISSING:
            self._become(RelayState.STOPPED)

    async def changed(self, *wanted: RelayState) -> None:
        """Return when the state is one of ``wanted``."""
        while self.state not in wanted:
            self._changed.clear()
            await self._changed.wait()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def _supervise(self, path: str) -> None:
        loop = asyncio.get_running_loop()
        backoff = self._first_backoff_s
        while True:
            began = loop.time()
            await self._run_once(path)
            if loop.time() - began >= STEADY_S:
                backoff = self._first_backoff_s
            self._become(RelayState.RESTARTING)
            self.restarts += 1
            wait = backoff * (1 + self._jitter() / 4)
            log.warning("relay_ended restarts=%d next_s=%.1f", self.restarts, wait)
            await asyncio.sleep(wait)
            backoff = min(backoff * 2, MAX_BACKOFF_S)

    async def _run_once(self, path: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *_dies_with_us(),
            path,
            "-c",
            str(self._config_path),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._process = process
        self._become(RelayState.RUNNING)
        try:
            await self._read(process)
            await process.wait()
        finally:
            self._process = None
            await asyncio.shield(_end(process))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Its output must be taken or it stops; only faults are worth a line, and never with a user or an address."""
        stdout = process.stdout
        if stdout is None:
            return
        while True:
            try:
                line = await stdout.readline()
            except ValueError:  # a line beyond the buffer
                continue
            if not line:
                return
            text = line.decode(errors="replace").strip()
            if _FAULT.search(text) and not _OF_A_SESSION.search(text):
                log.warning("relay_says %s", _ADDRESS.sub("[address]", text)[:200])

    def _become(self, state: RelayState) -> None:
        self.state = state
        self._changed.set()


def _dies_with_us() -> list[str]:
    """A wrapper that makes the kernel end the child when we are killed (prctl PR_SET_PDEATHSIG), where there is one."""
    wrapper = shutil.which("setpriv")
    return [wrapper, "--pdeathsig", "TERM", "--"] if wrapper else []


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
