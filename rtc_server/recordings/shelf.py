"""Recordings on disk: their folders, their files, and the processes that compose them, one at a time."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import structlog

from rtc_server.recordings.index import COMPOSITION, RECORDING_ID, TRACK_FILE, Index, load
from rtc_server.recordings.progress import CompositionState, Progress, note, noted

log = structlog.get_logger("rtc_server.recordings")


class Shelf:
    """``root`` holds a folder for each recording."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._composing: dict[str, asyncio.Task[None]] = {}
        self._one_at_a_time = asyncio.Lock()

    def folder(self, recording_id: str) -> Path | None:
        """None for what can be no id, or has no files."""
        if not RECORDING_ID.match(recording_id):
            return None
        place = self.root / recording_id
        return place if place.is_dir() else None

    async def index(self, recording_id: str) -> Index | None:
        folder = self.folder(recording_id)
        return None if folder is None else await asyncio.to_thread(load, folder)

    def file(self, recording_id: str, name: str) -> Path | None:
        """A track's file or the composition; None for every other name."""
        folder = self.folder(recording_id)
        if folder is None or not (name == COMPOSITION or TRACK_FILE.match(name)):
            return None
        place = folder / name
        return place if place.is_file() else None

    async def composition(self, recording_id: str) -> Progress | None:
        """None when it was never asked for. One that was broken off with the server has failed."""
        folder = self.folder(recording_id)
        found = None if folder is None else await asyncio.to_thread(noted, folder)
        if (
            found is not None
            and found.state is CompositionState.RUNNING
            and recording_id not in self._composing
        ):
            return Progress(CompositionState.FAILED, 0.0)
        return found

    def compose(self, recording_id: str) -> None:
        """Begin, unless it is being done."""
        folder = self.folder(recording_id)
        if folder is None or recording_id in self._composing:
            return
        note(folder, Progress(CompositionState.RUNNING, 0.0))
        task = asyncio.create_task(self._compose(folder))
        self._composing[recording_id] = task
        task.add_done_callback(lambda _: self._composing.pop(recording_id, None))

    async def _compose(self, folder: Path) -> None:
        async with self._one_at_a_time:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "rtc_server.recordings.compose", str(folder)
            )
            try:
                code = await process.wait()
            except asyncio.CancelledError:
                process.kill()
                await process.wait()
                raise
        if code != 0:
            await asyncio.to_thread(note, folder, Progress(CompositionState.FAILED, 0.0))
            log.error("composition_failed", recording_id=folder.name, code=code)

    async def stop(self) -> None:
        for task in list(self._composing.values()):
            task.cancel()
        await asyncio.gather(*self._composing.values(), return_exceptions=True)
