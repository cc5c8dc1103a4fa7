"""Reads that would be good to have, on the way of something that must not wait for a database: a join, a welcome.

At most a few run at once, so that a rush leaves connections for the writer; the caller waits a moment and no longer; after
one that failed or came late, the next ones fail at once for a while. A read that has begun is never cancelled in the middle
of a query, which would cost its connection: it ends by itself, within the timeouts of the driver.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from signaling.rooms.ports import RecordsUnavailable

T = TypeVar("T")

AT_ONCE = 4
WAIT_S = 0.5
PAUSE_S = 5.0


class OptionalReads:
    def __init__(self, *, at_once: int = AT_ONCE, wait_s: float = WAIT_S, pause_s: float = PAUSE_S) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self._wait_s = wait_s
        self._pause_s = pause_s
        self._paused_until = 0.0
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, read: Callable[[], Awaitable[T]]) -> T:
        """Raises ``RecordsUnavailable`` within ``wait_s``."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._paused_until:
            raise RecordsUnavailable
        try:
            async with asyncio.timeout(self._wait_s):
                await self._slots.acquire()
        except TimeoutError:
            # A rush, or reads that hang: those who hold the slots say which.
            raise RecordsUnavailable from None
        answered: asyncio.Future[T] = loop.create_future()
        task = loop.create_task(self._read(read, answered), name="records-optional-read")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        done, _ = await asyncio.wait({answered}, timeout=self._wait_s)
        if not done:
            answered.cancel()
            self._pause()
            raise RecordsUnavailable
        return answered.result()

    async def _read(self, read: Callable[[], Awaitable[T]], answered: asyncio.Future[T]) -> None:
        try:
            value = await read()
        except RecordsUnavailable as error:
            self._pause()
            if not answered.done():
                answered.set_exception(error)
        except Exception as error:
            if not answered.done():
                answered.set_exception(error)
        else:
            if not answered.done():
                answered.set_result(value)
        finally:
            self._slots.release()
            if not answered.done():
                answered.cancel()

    def _pause(self) -> None:
        self._paused_until = asyncio.get_running_loop().time() + self._pause_s

    async def stop(self) -> None:
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
