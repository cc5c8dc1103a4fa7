"""Recordings that run: a process each, which the engine feeds through a pipe. Implements ``ports.CallRecorder``.

No packet passes through here: what this does is open pipes, name tracks and watch that the process lives.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from media.control import EngineError, MediaControl
from media.types import TrackRef
from signaling.sessions.model import RecordedTrack

log = structlog.get_logger("rtc_server.recordings")

MAX_RESTARTS = 3
"""Of a writer that dies; what it had written stays."""
FINISH_S = 10.0
"""How long a stop of the server waits for files to be closed."""


@dataclass(slots=True)
class _Running:
    recording_id: str
    room_id: str
    folder: Path
    wanted: list[RecordedTrack] = field(default_factory=list)
    numbers: dict[RecordedTrack, int] = field(default_factory=dict)
    next_number: int = 1
    sink: int | None = None
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0
    ended: bool = False


class CallRecordings:
    """``root`` holds a folder for each recording."""

    def __init__(self, root: Path, media: MediaControl) -> None:
        self._root = root
        self._media = media
        self._running: dict[str, _Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, recording_id: str, room_id: str) -> None:
        running = _Running(recording_id, room_id, self._root / recording_id)
        self._running[recording_id] = running
        self._spawn(self._run(running))

    def record(self, recording_id: str, track: RecordedTrack) -> None:
        running = self._running.get(recording_id)
        if running is None or track in running.wanted:
            return
        running.wanted.append(track)
        self._tap(running, track)

    def leave(self, recording_id: str, track: RecordedTrack) -> None:
        running = self._running.get(recording_id)
        if running is None or track not in running.wanted:
            return
        running.wanted.remove(track)
        number = running.numbers.pop(track, None)
        if number is not None and running.sink is not None:
            self._send(self._media.stop_tap(running.room_id, running.sink, number))

    def end(self, recording_id: str) -> None:
        running = self._running.get(recording_id)
        if running is None or running.ended:
            return
        running.ended = True
        self._close_sink(running)

    async def stop(self) -> None:
        """End all of them and wait for their files."""
        for recording_id in list(self._running):
            self.end(recording_id)
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=FINISH_S)
        for running in list(self._running.values()):
            if running.process is not None and running.process.returncode is None:
                running.process.kill()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, running: _Running) -> None:
        """Until it was ended: a writer, and another one when it dies."""
        try:
            running.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            while not running.ended and running.restarts <= MAX_RESTARTS:
                code = await self._write(running)
                if running.ended:
                    break
                running.restarts += 1
                log.error("recording_writer_died", recording_id=running.recording_id, code=code)
        except (OSError, ValueError) as error:
            log.error("recording_failed", recording_id=running.recording_id, fault=type(error).__name__)
        finally:
            self._close_sink(running)
            self._running.pop(running.recording_id, None)
            log.info("recording_written", recording_id=running.recording_id)

    async def _write(self, running: _Running) -> int:
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "rtc_server.recordings.writer", str(running.folder), str(reading),
                stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, pass_fds=(reading,),
            )  # fmt: skip
            running.process = process
            running.numbers.clear()
            running.sink = self._media.open_sink(running.room_id, writing)
        finally:
            os.close(reading)
            os.close(writing)
        if running.ended:
            self._close_sink(running)
        for track in running.wanted:
            self._tap(running, track)
        assert process.stderr is not None
        async for line in process.stderr:
            log.warning("recording_writer", recording_id=running.recording_id, said=line.decode().strip())
        code = await process.wait()
        self._close_sink(running)
        return code

    def _tap(self, running: _Running, track: RecordedTrack) -> None:
        process = running.process
        if running.sink is None or process is None or process.stdin is None:
            return
        number = running.next_number
        running.next_number += 1
        running.numbers[track] = number
        said = {"number": number, "person_id": track.person_id, "source": track.source.value}
        process.stdin.write(json.dumps(said).encode() + b"\n")
        ref = TrackRef(track.person_id, track.source)
        self._send(self._media.start_tap(running.room_id, ref, running.sink, number))

    def _close_sink(self, running: _Running) -> None:
        sink, running.sink = running.sink, None
        if sink is not None:
            self._media.close_sink(sink)

    def _send(self, future: asyncio.Future[Any]) -> None:
        future.add_done_callback(_note)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _note(future: asyncio.Future[Any]) -> None:
    """A track may be gone before its tap is opened; whatever else fails is told."""
    if future.cancelled():
        return
    error = future.exception()
    if isinstance(error, EngineError) and error.code in {
        "wrong_state",
        "peer_unknown",
        "room_unknown",
        "closed",
    }:
        return
    if error is not None:
        log.error("recording_tap_failed", fault=str(error))
