"""One recorded track as a file: WebM for VP8, VP9, AV1 and Opus, fragmented MP4 for H.264. Nothing is transcoded.

Both are written so that what is on disk can be played at any moment: a WebM cluster or an MP4 fragment is at most a second
long and written when it ends.
"""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
from av.audio.codeccontext import AudioCodecContext
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from rtc_server.recordings.frames import Codec, Piece

_MILLISECONDS = Fraction(1, 1000)
_WEBM = {"cluster_time_limit": "1000", "flush_packets": "1"}
_MP4 = {
    "movflags": "frag_keyframe+empty_moov+default_base_moof",
    "frag_duration": "1000000",
    "flush_packets": "1",
}
_FOURCC = {Codec.VP8: b"VP80", Codec.VP9: b"VP90", Codec.AV1: b"AV01"}
_DECODERS = {Codec.VP8: "vp8", Codec.VP9: "vp9", Codec.H264: "h264", Codec.AV1: "libdav1d"}


class CannotRecord(ValueError):
    """The first key frame cannot be read."""


def suffix(codec: Codec) -> str:
    match codec:
        case Codec.OPUS | Codec.VP8 | Codec.VP9 | Codec.AV1:
            return "webm"
        case Codec.H264:
            return "mp4"


class TrackFile:
    """Begins with the first piece, which is a key frame. ``width`` and ``height`` are the first picture's."""

    def __init__(self, path: Path, first: Piece) -> None:
        """Raises ``CannotRecord``, and what PyAV raises when the file cannot be made."""
        kind = suffix(first.codec)
        self.width: int | None = None
        self.height: int | None = None
        if first.codec is not Codec.OPUS:
            self.width, self.height = _size(first)
        self.began_us = self.ended_us = first.time_us
        self.frames = self.bytes = 0
        self._container = av.open(path, "w", format=kind, options=_WEBM if kind == "webm" else _MP4)
        template = _template(first, self.width or 0, self.height or 0)
        self._stream = self._container.add_stream_from_template(template.streams[0], opaque=True)

    def write(self, piece: Piece) -> None:
        at_ms = (piece.time_us - self.began_us) // 1000
        packet = av.Packet(piece.data)
        packet.pts = packet.dts = at_ms
        packet.time_base = _MILLISECONDS
        packet.is_keyframe = piece.key or piece.codec is Codec.OPUS
        packet.stream = self._stream
        self._container.mux_one(packet)
        self.ended_us = max(self.ended_us, piece.time_us)
        self.frames += 1
        self.bytes += len(piece.data)

    def close(self) -> None:
        """Writes what makes it seekable."""
        self._container.close()


def _size(first: Piece) -> tuple[int, int]:
    decoder = av.CodecContext.create(_DECODERS[first.codec], "r")
    assert isinstance(decoder, VideoCodecContext)
    try:
        frames: list[VideoFrame] = decoder.decode(av.Packet(first.data)) + decoder.decode(None)
    except av.FFmpegError as error:
        raise CannotRecord("the first key frame cannot be decoded") from error
    if not frames:
        raise CannotRecord("the first key frame holds no picture")
    return frames[0].width, frames[0].height


def _template(first: Piece, width: int, height: int) -> InputContainer:
    """A stream of this codec with what its file needs to be told: the simplest container there is, in memory."""
    match first.codec:
        case Codec.OPUS:
            return _read(_opus_in_ogg(), "ogg")
        case Codec.H264:
            return _read(first.data, "h264")
        case _:
            # IVF: 32 bytes of file header, 12 bytes of frame header.
            head = struct.pack(
                "<4sHH4sHHIIII", b"DKIF", 0, 32, _FOURCC[first.codec], width, height, 30, 1, 1, 0
            )
            frame = struct.pack("<IQ", len(first.data), 0) + first.data
            return _read(head + frame, "ivf")


def _read(data: bytes, kind: str) -> InputContainer:
    container = av.open(io.BytesIO(data), "r", format=kind)
    assert isinstance(container, InputContainer)
    return container


@cache
def _opus_in_ogg() -> bytes:
    """A moment of silence, for the header (RFC 7845) that libopus writes."""
    out = io.BytesIO()
    with av.open(out, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=48_000)
        assert isinstance(stream.codec_context, AudioCodecContext)
        stream.codec_context.layout = "stereo"
        silence = av.AudioFrame("s16", "stereo", 960)
        for plane in silence.planes:
            plane.update(bytes(plane.buffer_size))
        silence.sample_rate = 48_000
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    return out.getvalue()
