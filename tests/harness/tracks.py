"""Test sources with known content: numbered pictures and a pure tone."""

from __future__ import annotations

import asyncio
import fractions

import numpy as np
import numpy.typing as npt
from aiortc import MediaStreamTrack
from av import AudioFrame, VideoFrame

from tests.harness import barcode

SAMPLE_RATE = 48_000
AUDIO_FRAME_SAMPLES = SAMPLE_RATE // 50
VIDEO_CLOCK = 90_000


class _Pace:
    """Gives out moments ``interval`` seconds apart and never tries to catch up after a stall."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._next: float | None = None

    async def wait(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._next is not None and self._next > now:
            await asyncio.sleep(self._next - now)
            now = self._next
        self._next = now + self._interval


class BarcodeTrack(MediaStreamTrack):
    """Pictures numbered from ``first`` on. ``sent_at`` has the loop time at which each left."""

    kind = "video"

    def __init__(self, width: int = 320, height: int = 180, rate: int = 15, first: int = 0) -> None:
        super().__init__()
        self._size = (width, height)
        self._rate = rate
        self._pace = _Pace(1 / rate)
        self._count = 0
        self.next_number = first
        self.sent_at: dict[int, float] = {}
        self._sent = asyncio.Event()

    async def recv(self) -> VideoFrame:
        await self._pace.wait()
        number = self.next_number
        self.next_number += 1
        frame = barcode.draw(number, *self._size)
        frame.pts = self._count * VIDEO_CLOCK // self._rate
        frame.time_base = fractions.Fraction(1, VIDEO_CLOCK)
        self._count += 1
        self.sent_at[number] = asyncio.get_running_loop().time()
        self._sent.set()
        return frame

    async def more(self, count: int, within: float = 15) -> None:
        """Until ``count`` more pictures have been given out."""
        target = self.next_number + count
        async with asyncio.timeout(within):
            while self.next_number < target:
                self._sent.clear()
                await self._sent.wait()


class ToneTrack(MediaStreamTrack):
    """A sine of ``frequency`` Hz at half of full scale."""

    kind = "audio"

    def __init__(self, frequency: float) -> None:
        super().__init__()
        self.frequency = frequency
        self._pace = _Pace(AUDIO_FRAME_SAMPLES / SAMPLE_RATE)
        self._position = 0

    async def recv(self) -> AudioFrame:
        await self._pace.wait()
        moments = (self._position + np.arange(AUDIO_FRAME_SAMPLES)) / SAMPLE_RATE
        samples = (16_384 * np.sin(2 * np.pi * self.frequency * moments)).astype(np.int16)
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = self._position
        frame.time_base = fractions.Fraction(1, SAMPLE_RATE)
        self._position += AUDIO_FRAME_SAMPLES
        return frame


def dominant_frequency(samples: npt.NDArray[np.float64], sample_rate: int) -> float:
    """The strongest frequency in Hz, by FFT; 0.0 for silence."""
    if samples.size == 0 or float(np.abs(samples).max()) < 1e-3:
        return 0.0
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return float(np.argmax(spectrum) * sample_rate / samples.size)
