"""One playable file of a recording: everybody side by side, a shared screen large, all voices together.

Runs in a process of its own (``python -m rtc_server.recordings.compose FOLDER``), at low priority: it decodes and encodes,
which recording itself never does. How far it is lies beside the files, so that any process may tell.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.resampler import AudioResampler
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import VideoReformatter

from rtc_server.recordings.index import COMPOSITION, TrackEntry, load
from rtc_server.recordings.progress import CompositionState, Progress, note

WIDTH, HEIGHT, RATE = 1280, 720, 15
SAMPLE_RATE = 48_000
_SAMPLES = SAMPLE_RATE // RATE
_SCREENS = ("screen",)
_VIDEO = ("camera", "screen")
_SIDE = 320
"""Width of the column of faces beside a screen."""
_NICE = 5


class NothingToCompose(ValueError):
    """The recording has no track that can be read."""


@dataclass(frozen=True, slots=True)
class Tile:
    """Pixels, all even: colour has half the resolution."""

    left: int
    top: int
    width: int
    height: int


def arrange(cameras: int, screens: int) -> tuple[list[Tile], list[Tile]]:
    """Where cameras and screens are shown. A screen takes what a column of faces leaves; without one there is a grid."""
    if screens == 0:
        return _grid(cameras, Tile(0, 0, WIDTH, HEIGHT)), []
    side = _SIDE if cameras else 0
    shown = _grid(screens, Tile(0, 0, WIDTH - side, HEIGHT))
    height = _even(min(HEIGHT // max(cameras, 1), side * 9 // 16 or HEIGHT))
    faces = [Tile(WIDTH - side, place * height, side, height) for place in range(cameras)]
    return [tile for tile in faces if tile.top + tile.height <= HEIGHT], shown


def _grid(count: int, area: Tile) -> list[Tile]:
    if count == 0:
        return []
    columns = next(n for n in range(1, count + 1) if n * n >= count)
    rows = -(-count // columns)
    width, height = _even(area.width // columns), _even(area.height // rows)
    return [
        Tile(area.left + place % columns * width, area.top + place // columns * height, width, height)
        for place in range(count)
    ]


def _even(value: int) -> int:
    return value - value % 2


class _Picture:
    """What one video track shows at a time that only goes on."""

    def __init__(self, folder: Path, entry: TrackEntry, origin_us: int) -> None:
        self.entry = entry
        self.begin_s = (entry.began_us - origin_us) / 1e6
        self.end_s = (entry.ended_us - origin_us) / 1e6
        self._container = av.open(folder / str(entry.file))
        self._frames = self._decoded()
        self._next = next(self._frames, None)
        self._now: Any = None
        self._fitted: tuple[Tile, list[np.ndarray[Any, Any]]] | None = None
        self._reformatter = VideoReformatter()

    def _decoded(self) -> Iterator[tuple[float, Any]]:
        try:
            for frame in self._container.decode(video=0):
                yield self.begin_s + float(frame.time or 0.0), frame
        except av.FFmpegError:
            return  # broken off in the middle: what was readable is shown

    def shows(self, at_s: float) -> bool:
        return self.begin_s <= at_s <= self.end_s + 1 / RATE

    def seek(self, at_s: float) -> None:
        while self._next is not None and self._next[0] <= at_s:
            self._now, self._fitted = self._next[1], None
            self._next = next(self._frames, None)

    def paint(self, planes: list[np.ndarray[Any, Any]], tile: Tile) -> None:
        """Whole, in the middle of the tile."""
        if self._now is None:
            return
        if self._fitted is None or self._fitted[0] != tile:
            scale = min(tile.width / self._now.width, tile.height / self._now.height)
            width, height = _even(int(self._now.width * scale)), _even(int(self._now.height * scale))
            if width < 2 or height < 2:
                return
            fitted = self._reformatter.reformat(self._now, width, height, "yuv420p")
            self._fitted = (tile, _planes(fitted))
        pixels = self._fitted[1]
        height, width = pixels[0].shape
        left = tile.left + _even((tile.width - width) // 2)
        top = tile.top + _even((tile.height - height) // 2)
        for plane, part, half in zip(planes, pixels, (1, 2, 2), strict=True):
            rows, columns = part.shape
            plane[top // half : top // half + rows, left // half : left // half + columns] = part

    def close(self) -> None:
        self._container.close()


def _planes(frame: Any) -> list[np.ndarray[Any, Any]]:
    shapes = ((frame.width, frame.height), *((frame.width // 2, frame.height // 2),) * 2)
    found = []
    for plane, (width, height) in zip(frame.planes, shapes, strict=True):
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        found.append(rows[:height, :width].copy())
    return found


class _Voice:
    """The samples of one audio track at a time that only goes on."""

    def __init__(self, folder: Path, entry: TrackEntry, origin_us: int) -> None:
        self._origin = round((entry.began_us - origin_us) * SAMPLE_RATE / 1e6)
        self._container = av.open(folder / str(entry.file))
        self._resampler = AudioResampler("s16", "mono", SAMPLE_RATE)
        self._parts = self._decoded()
        self._next = next(self._parts, None)

    def _decoded(self) -> Iterator[tuple[int, np.ndarray[Any, Any]]]:
        try:
            for frame in self._container.decode(audio=0):
                at = self._origin + round(float(frame.time or 0.0) * SAMPLE_RATE)
                for part in self._resampler.resample(frame):
                    samples = part.to_ndarray()[0].astype(np.int32)
                    yield at, samples
                    at += len(samples)
        except av.FFmpegError:
            return

    def add(self, mix: np.ndarray[Any, Any], begin: int) -> None:
        """What belongs into the samples from ``begin`` on."""
        end = begin + len(mix)
        while self._next is not None and self._next[0] < end:
            at, samples = self._next
            first, last = max(at, begin), min(at + len(samples), end)
            if first < last:
                mix[first - begin : last - begin] += samples[first - at : last - at]
            if at + len(samples) > end:
                return
            self._next = next(self._parts, None)

    def close(self) -> None:
        self._container.close()


def compose(folder: Path, told: Callable[[float], None] = lambda share: None) -> Path:
    """Makes ``composition.webm``. Raises ``NothingToCompose``, ``OSError``, and what PyAV raises."""
    index = load(folder)
    tracks = [track for track in index.tracks if _readable(folder, track)] if index is not None else []
    if index is None or not tracks:
        raise NothingToCompose
    origin_us = min(track.began_us for track in tracks)
    length_s = max(1 / RATE, (max(track.ended_us for track in tracks) - origin_us) / 1e6)
    pictures = [_Picture(folder, track, origin_us) for track in tracks if track.source in _VIDEO]
    voices = [_Voice(folder, track, origin_us) for track in tracks if track.source not in _VIDEO]
    unfinished = folder / f"new-{COMPOSITION}"
    with av.open(unfinished, "w", format="webm") as out:
        video = out.add_stream("libvpx", rate=RATE)
        assert isinstance(video.codec_context, VideoCodecContext)
        video.codec_context.width, video.codec_context.height = WIDTH, HEIGHT
        video.codec_context.pix_fmt = "yuv420p"
        video.codec_context.bit_rate = 1_200_000
        video.codec_context.gop_size = RATE * 4
        video.codec_context.options = {"deadline": "realtime", "cpu-used": "8"}
        audio = out.add_stream("libopus", rate=SAMPLE_RATE)
        assert isinstance(audio.codec_context, AudioCodecContext)
        audio.codec_context.layout = "mono"
        audio.codec_context.bit_rate = 48_000
        steps = int(length_s * RATE) + 1
        for step in range(steps):
            out.mux(video.encode(_frame(pictures, step)))
            out.mux(audio.encode(_sound(voices, step)))
            if step % RATE == 0:
                told(step / steps)
        out.mux(video.encode(None))
        out.mux(audio.encode(None))
    for picture in pictures:
        picture.close()
    for voice in voices:
        voice.close()
    done = folder / COMPOSITION
    os.replace(unfinished, done)
    return done


def _readable(folder: Path, track: TrackEntry) -> bool:
    if track.file is None or not (folder / track.file).is_file():
        return False
    try:
        with av.open(folder / track.file) as container:
            return bool(container.streams)
    except (av.FFmpegError, OSError):
        return False


def _frame(pictures: list[_Picture], step: int) -> Any:
    at_s = step / RATE
    planes = [
        np.full((HEIGHT, WIDTH), 16, np.uint8),
        np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8),
        np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8),
    ]
    shown = [one for one in pictures if one.shows(at_s)]
    screens = [one for one in shown if one.entry.source in _SCREENS]
    cameras = [one for one in shown if one.entry.source not in _SCREENS]
    for one in shown:
        one.seek(at_s)
    faces, large = arrange(len(cameras), len(screens))
    for group, tiles in ((cameras, faces), (screens, large)):
        for one, tile in zip(group, tiles, strict=False):
            one.paint(planes, tile)
    frame = av.VideoFrame.from_ndarray(
        np.concatenate([plane.reshape(-1, WIDTH) for plane in planes]), format="yuv420p"
    )
    frame.pts, frame.time_base = step, Fraction(1, RATE)
    return frame


def _sound(voices: list[_Voice], step: int) -> Any:
    mix = np.zeros(_SAMPLES, np.int32)
    for voice in voices:
        voice.add(mix, step * _SAMPLES)
    samples = np.clip(mix, -32_768, 32_767).astype(np.int16).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate = SAMPLE_RATE
    frame.pts, frame.time_base = step * _SAMPLES, Fraction(1, SAMPLE_RATE)
    return frame


def run(folder: Path, show: Callable[[float], None] = lambda share: None) -> bool:
    """With its progress noted; whether it was made."""

    def told(share: float) -> None:
        note(folder, Progress(CompositionState.RUNNING, round(share, 3)))
        show(share)

    told(0.0)
    try:
        compose(folder, told)
    except (NothingToCompose, OSError, av.FFmpegError):
        note(folder, Progress(CompositionState.FAILED, 0.0))
        return False
    note(folder, Progress(CompositionState.DONE, 1.0))
    return True


if __name__ == "__main__":
    os.nice(_NICE)
    sys.exit(0 if run(Path(sys.argv[1])) else 1)
