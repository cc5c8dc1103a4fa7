"""Keeps one recognising process and hands it jobs in turn: careful ones (a person has finished) before guesses.

The process starts with the first job and ends when nobody has spoken for a while, so that a server where nobody dictates has
none of its memory. One that hangs is killed; the job it hung on fails, the next begins with a new process.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import struct
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from rtc_server.speech.dictation import Heard

log = structlog.get_logger("rtc_server.speech")

START_S = 60.0
"""A large model from a slow disk."""
JOB_S = 30.0
"""Many times what a window takes; after it the process counts as hung."""
IDLE_S = 300.0
_FAILURES = 3
_REST_S = 60.0
"""After so many failures in a row nobody is let in for so long."""
_NEEDED = ("model.bin", "config.json", "tokenizer.json")


class RecognitionFailed(Exception):
    """This job has no answer. The text is for the log and holds nothing that was said."""


@dataclass(order=True)
class _Job:
    careful: int
    number: int
    known_end: int = field(compare=False)
    prompt: str = field(compare=False)
    sound: bytes = field(compare=False)
    answer: asyncio.Future[Heard] = field(compare=False)


def fault_of(folder: Path) -> str | None:
    """Why this folder is no model of faster-whisper; None: it looks like one. For the operator."""
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if not any(folder.glob("vocabulary.*")):
        missing.append("vocabulary.txt or .json")
    return f"{folder} lacks {', '.join(missing)}" if missing else None


class Recogniser:
    """``await hear(…)`` from any number of tasks; ``await stop()`` at the end."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        job_s: float = JOB_S,
        idle_s: float = IDLE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command = tuple(command)
        self._job_s, self._idle_s, self._clock = job_s, idle_s, clock
        self._jobs: asyncio.PriorityQueue[_Job] = asyncio.PriorityQueue()
        self._numbers = itertools.count(1)
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._failures = 0
        self._rests_until = 0.0

    @classmethod
    def of_model(cls, model: Path, threads: int, niceness: int) -> Recogniser:
        return cls(
            (sys.executable, "-m", "rtc_server.speech.worker", str(model), str(threads), str(niceness))
        )

    @property
    def works(self) -> bool:
        return self._clock() >= self._rests_until

    @property
    def pid(self) -> int | None:
        """Of the process that recognises, when there is one."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    def expect(self) -> None:
        """Somebody begins to speak: the process starts meanwhile."""
        self._ensure_task()
        sound = asyncio.get_running_loop().create_future()
        self._jobs.put_nowait(_Job(0, next(self._numbers), 0, "", b"", sound))
        sound.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def hear(self, sound: bytes, *, prompt: str, known_end: int = 0, careful: bool = False) -> Heard:
        """``known_end``: where, in samples, the speech of the guess before ended. Raises ``RecognitionFailed``."""
        self._ensure_task()
        answer: asyncio.Future[Heard] = asyncio.get_running_loop().create_future()
        job = _Job(0 if careful else 1, next(self._numbers), known_end, prompt, sound, answer)
        self._jobs.put_nowait(job)
        return await answer

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._end_process()
        while not self._jobs.empty():
            job = self._jobs.get_nowait()
            if not job.answer.done():
                job.answer.set_exception(RecognitionFailed("stopped"))

    def _ensure_task(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="speech-recogniser")

    async def _run(self) -> None:
        while True:
            try:
                job = await asyncio.wait_for(self._jobs.get(), self._idle_s)
            except TimeoutError:
                await self._end_process()
                continue
            if job.answer.done():
                continue
            try:
                heard = await self._do(job)
            except (OSError, EOFError, ValueError, KeyError, TimeoutError, RecognitionFailed) as error:
                await self._end_process()
                self._failed(error)
                if not job.answer.done():
                    job.answer.set_exception(RecognitionFailed(type(error).__name__))
                continue
            except asyncio.CancelledError:
                if not job.answer.done():
                    job.answer.set_exception(RecognitionFailed("stopped"))
                raise
            self._failures = 0
            if not job.answer.done():
                job.answer.set_result(heard)

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        reason = str(error) if isinstance(error, RecognitionFailed) else type(error).__name__
        log.error("recognition_failed", reason=reason, in_a_row=self._failures)
        if self._failures >= _FAILURES:
            self._rests_until, self._failures = self._clock() + _REST_S, 0

    async def _do(self, job: _Job) -> Heard:
        process = await self._started()
        if not job.sound:
            return Heard("", ())
        assert process.stdin is not None
        header = json.dumps(
            {"id": job.number, "careful": job.careful == 0, "known_end": job.known_end, "prompt": job.prompt}
        ).encode()
        async with asyncio.timeout(self._job_s):
            process.stdin.write(struct.pack("<II", len(header), len(job.sound)) + header + job.sound)
            await process.stdin.drain()
            answer = await self._read(process)
        if answer["id"] != job.number:
            raise RecognitionFailed("answered another job")
        return Heard(answer["text"], tuple((int(a), int(b)) for a, b in answer["spans"]))

    async def _started(self) -> asyncio.subprocess.Process:
        process = self._process
        if process is not None and process.returncode is None:
            return process
        began = self._clock()
        self._process = process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(START_S):
            answer = await self._read(process)
        if "failed" in answer:
            raise RecognitionFailed(str(answer["failed"]))
        log.info("recogniser_started", seconds=round(self._clock() - began, 1))
        return process

    async def _read(self, process: asyncio.subprocess.Process) -> dict[str, Any]:
        assert process.stdout is not None
        length = struct.unpack("<I", await process.stdout.readexactly(4))[0]
        answer: dict[str, Any] = json.loads(await process.stdout.readexactly(length))
        return answer

    async def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
