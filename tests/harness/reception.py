"""What was received of one track: decoded pictures by their numbers, and sound."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from av import AudioFrame, VideoFrame

from tests.harness import barcode
from tests.harness.tracks import SAMPLE_RATE, dominant_frequency

KEPT_AUDIO_FRAMES = 250  # 5 s


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture. ``number`` is None when the barcode could not be read; ``at`` is loop time, in seconds."""

    number: int | None
    at: float
    width: int
    height: int


class Reception:
    """Everything that came of one track."""

    def __init__(self) -> None:
        self.pictures: list[Picture] = []
        self._sound: deque[npt.NDArray[np.float64]] = deque(maxlen=KEPT_AUDIO_FRAMES)
        self.audio_frames = 0
        self._news = asyncio.Event()

    def add(self, frame: object) -> None:
        if isinstance(frame, VideoFrame):
            now = asyncio.get_running_loop().time()
            self.pictures.append(Picture(barcode.read(frame), now, frame.width, frame.height))
        elif isinstance(frame, AudioFrame):
            samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0]
            self._sound.append(samples.astype(np.float64) / 32_768)
            self.audio_frames += 1
        self._news.set()

    @property
    def numbers(self) -> list[int]:
        """Numbers of the readable pictures, in the order they came."""
        return [picture.number for picture in self.pictures if picture.number is not None]

    @property
    def unreadable(self) -> int:
        return sum(picture.number is None for picture in self.pictures)

    def missing(self, first: int = 0) -> list[int]:
        """Numbers that should lie between the first and the last received and do not, from picture ``first`` on."""
        numbers = self.numbers[first:]
        return sorted(set(range(min(numbers), max(numbers) + 1)) - set(numbers)) if numbers else []

    def frequency(self, seconds: float = 0.5) -> float:
        """The strongest frequency of the latest sound, in Hz."""
        count = int(seconds * 50)
        recent = list(self._sound)[-count:]
        return dominant_frequency(np.concatenate(recent), SAMPLE_RATE) if recent else 0.0

    async def wait(self, condition: Callable[[Reception], bool], within: float = 15) -> None:
        """Until ``condition(self)`` holds, looked at after every frame. Raises ``TimeoutError``, which tells what came."""
        try:
            async with asyncio.timeout(within):
                while not condition(self):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise TimeoutError(
                f"not within {within} s: {len(self.pictures)} pictures ({self.unreadable} unreadable), "
                f"last {self.numbers[-3:]}, {self.audio_frames} audio frames"
            ) from None

    async def more_pictures(self, count: int = 10, within: float = 15) -> None:
        """Until ``count`` more readable pictures have come."""
        target = len(self.numbers) + count
        await self.wait(lambda reception: len(reception.numbers) >= target, within)

    async def more_audio(self, frames: int = 50, within: float = 15) -> None:
        """Until ``frames`` more frames of 20 ms have come."""
        target = self.audio_frames + frames
        await self.wait(lambda reception: reception.audio_frames >= target, within)

    async def silence(self, seconds: float, within: float = 10) -> None:
        """Until nothing has come for ``seconds``. Raises ``TimeoutError`` when things keep coming."""
        async with asyncio.timeout(within):
            while True:
                self._news.clear()
                try:
                    await asyncio.wait_for(self._news.wait(), seconds)
                except TimeoutError:
                    return
