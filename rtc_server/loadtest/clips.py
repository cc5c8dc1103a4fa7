"""Media of the synthetic peers, encoded once with PyAV: VP8 pictures that carry their number, Opus that never repeats itself.

The loops are ten seconds long and begin with their only key frame, so that recovery from loss is not made easy by key frames
nobody asked for. They are kept in the user's cache folder: encoding them takes longer than a short run.
"""

from __future__ import annotations

import fractions
import hashlib
import json
import math
import os
import random
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext

from rtc_server.loadtest.barcode import Painter, read

LOOP_S = 10
OPUS_RATE = 48_000
OPUS_FRAME_S = 0.02
OPUS_BITRATE = 32_000
_MADE = 1
"""Raised when the pictures or the encoder's options change: what is in the cache is then made anew."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """One layer of a source. ``rid``: sent beside the others (simulcast)."""

    rid: str | None
    width: int
    height: int
    frame_rate: int
    bitrate: int


CAMERA = (
    Encoding("q", 160, 90, 15, 120_000),
    Encoding("h", 320, 180, 24, 350_000),
    Encoding("f", 640, 360, 30, 900_000),
)
"""As the web client's three layers, in a quarter of the pixels: the engine forwards packets, not pixels."""
SCREEN = (
    Encoding(None, 640, 360, 15, 200_000),
    Encoding(None, 640, 360, 15, 500_000),
    Encoding(None, 640, 360, 15, 1_200_000),
)
"""One layer at a time, the bitrate follows the estimate as a browser's encoder does."""


@dataclass(frozen=True, slots=True)
class Layer:
    encoding: Encoding | None
    bitrate: int
    interval_us: int
    frames: tuple[bytes, ...]

    def for_engine(self) -> tuple[str | None, int, int, list[bytes]]:
        rid = self.encoding.rid if self.encoding else None
        return rid, self.bitrate, self.interval_us, list(self.frames)


@dataclass(frozen=True, slots=True)
class Clips:
    camera: tuple[Layer, ...]
    screen: tuple[Layer, ...]
    microphone: tuple[Layer, ...]


def load(folder: Path | None = None) -> Clips:
    """From the cache folder, or encoded now and put there."""
    place = (folder or _cache()) / f"{_version()}.clips"
    try:
        return _read(place.read_bytes())
    except (OSError, ValueError, KeyError):
        clips = Clips(tuple(map(encode_video, CAMERA)), tuple(map(encode_video, SCREEN)), (encode_audio(),))
    place.parent.mkdir(parents=True, exist_ok=True)
    half = place.with_suffix(f".{os.getpid()}")
    half.write_bytes(_written(clips))
    half.replace(place)
    return clips


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rtc-server"


def _version() -> str:
    """Changes with what is encoded and with the encoder."""
    what = repr((_MADE, CAMERA, SCREEN, LOOP_S, OPUS_BITRATE, av.__version__))
    return hashlib.sha256(what.encode()).hexdigest()[:16]


def _written(clips: Clips) -> bytes:
    """A line of JSON that tells the lengths, then all frames."""
    head: dict[str, object] = {}
    body: list[bytes] = []
    for source in ("camera", "screen", "microphone"):
        layers: tuple[Layer, ...] = getattr(clips, source)
        head[source] = [
            [layer.bitrate, layer.interval_us, [len(f) for f in layer.frames]] for layer in layers
        ]
        body.extend(frame for layer in layers for frame in layer.frames)
    return json.dumps(head).encode() + b"\n" + b"".join(body)


def _read(data: bytes) -> Clips:
    line, _, body = data.partition(b"\n")
    head = json.loads(line)
    at = 0

    def layers(source: str, encodings: Sequence[Encoding | None]) -> tuple[Layer, ...]:
        nonlocal at
        found = []
        for encoding, (bitrate, interval_us, lengths) in zip(encodings, head[source], strict=True):
            frames = []
            for length in lengths:
                frames.append(body[at : at + length])
                at += length
            found.append(Layer(encoding, bitrate, interval_us, tuple(frames)))
        return tuple(found)

    clips = Clips(layers("camera", CAMERA), layers("screen", SCREEN), layers("microphone", (None,)))
    if at != len(body):
        raise ValueError("not a whole file")
    return clips


def encode_video(encoding: Encoding, seconds: float = LOOP_S) -> Layer:
    """VP8 at a constant bitrate; one key frame, the first. Picture number *n* shows ``n``. ``bitrate`` of the result is what
    it came to."""
    context = av.CodecContext.create("libvpx", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = encoding.width, encoding.height, "yuv420p"
    context.time_base = fractions.Fraction(1, encoding.frame_rate)
    context.framerate = fractions.Fraction(encoding.frame_rate)
    context.bit_rate = encoding.bitrate
    context.gop_size = 100_000
    context.thread_count = 1
    rate = str(encoding.bitrate)
    context.options = {
        "deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "auto-alt-ref": "0",
        "minrate": rate, "maxrate": rate, "bufsize": str(encoding.bitrate * 6 // 10), "error-resilient": "default",
    }  # fmt: skip
    painter = Painter(encoding.width, encoding.height)
    chroma = painter.chroma()
    frames: list[bytes] = []
    for number in range(int(seconds * encoding.frame_rate)):
        picture = av.VideoFrame(encoding.width, encoding.height, "yuv420p")
        for plane, content in zip(picture.planes, (painter.luma(number), chroma, chroma), strict=True):
            plane.update(padded(content, plane.width, plane.height, plane.line_size))
        picture.pts = number
        frames.extend(bytes(packet) for packet in context.encode(picture))
    frames.extend(bytes(packet) for packet in context.encode(None))
    bits = sum(map(len, frames)) * 8
    return Layer(
        encoding,
        int(bits * encoding.frame_rate / len(frames)),
        1_000_000 // encoding.frame_rate,
        tuple(frames),
    )


def encode_audio(seconds: float = LOOP_S) -> Layer:
    """Opus with in-band redundancy, 20 ms packets: a wandering tone with noise, so that no two packets are the same."""
    context = av.CodecContext.create("libopus", "w")
    assert isinstance(context, AudioCodecContext)
    context.sample_rate, context.layout, context.format = OPUS_RATE, "mono", "s16"
    context.bit_rate = OPUS_BITRATE
    context.time_base = fractions.Fraction(1, OPUS_RATE)
    context.options = {"frame_duration": "20", "application": "voip", "fec": "1", "packet_loss": "10"}
    frames: list[bytes] = []
    per_frame = int(OPUS_RATE * OPUS_FRAME_S)
    for number, samples in enumerate(_voice(int(seconds / OPUS_FRAME_S), per_frame)):
        frame = av.AudioFrame("s16", "mono", per_frame)
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate, frame.pts = OPUS_RATE, number * per_frame
        frame.time_base = fractions.Fraction(1, OPUS_RATE)
        frames.extend(bytes(packet) for packet in context.encode(frame))
    bits = sum(map(len, frames)) * 8
    return Layer(None, int(bits / (len(frames) * OPUS_FRAME_S)), int(OPUS_FRAME_S * 1e6), tuple(frames))


def decode_numbers(frames: Sequence[bytes]) -> Iterator[int | None]:
    """The number of every picture, by a real decoder; None for a picture that is damaged or does not decode."""
    context = av.CodecContext.create("vp8", "r")
    assert isinstance(context, VideoCodecContext)
    for data in frames:
        try:
            pictures = context.decode(av.Packet(data))
        except av.FFmpegError:
            yield None
            continue
        for picture in pictures:
            plane = picture.planes[0]
            yield read(memoryview(plane), plane.line_size, picture.width, picture.height)


def _voice(count: int, per_frame: int) -> Iterator[array[int]]:
    noise = random.Random(2)  # noqa: S311 - no secret
    phase = 0.0
    for number in range(count):
        step = 2 * math.pi * (180 + 120 * math.sin(number / 9)) / OPUS_RATE
        hiss = noise.randbytes(per_frame)
        yield array(
            "h",
            (int(9_000 * math.sin(phase + step * index)) + 4 * hiss[index] for index in range(per_frame)),
        )
        phase += step * per_frame


def padded(content: bytes, width: int, height: int, stride: int) -> bytes:
    if stride == width:
        return content
    gap = bytes(stride - width)
    return b"".join(content[row * width : (row + 1) * width] + gap for row in range(height))
