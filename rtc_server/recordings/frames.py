"""Frames of recorded tracks as the engine writes them to a pipe (``media/engine/crates/runtime/src/sink``)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

_HEAD = struct.Struct("<IBBBxIq")
MAX_FRAME_BYTES = 16 << 20


class Kind(IntEnum):
    FRAME = 1
    END = 2
    """The track sends no more under this number."""
    LOST = 3
    """So many packets, in ``time_us``, could not be taken in all: the reader was too slow."""


class Codec(IntEnum):
    OPUS = 0
    VP8 = 1
    H264 = 2
    VP9 = 3
    AV1 = 4


@dataclass(frozen=True, slots=True)
class Piece:
    """``time_us`` is the time of capture in µs since 1970."""

    kind: Kind
    track: int
    time_us: int
    codec: Codec
    key: bool
    data: bytes


class PipeBroken(ValueError):
    """What came is no frame of this engine."""


class FrameReader:
    """Bytes in, pieces out; keeps what is not whole yet."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Piece]:
        """Raises ``PipeBroken``."""
        self._buffer += data
        at = 0
        while len(self._buffer) - at >= _HEAD.size:
            size, kind, codec, flags, track, time_us = _HEAD.unpack_from(self._buffer, at)
            if size > MAX_FRAME_BYTES:
                raise PipeBroken("a frame of more than 16 MB")
            end = at + _HEAD.size + size
            if len(self._buffer) < end:
                break
            try:
                piece = Piece(
                    Kind(kind), track, time_us, Codec(codec), bool(flags & 1),
                    bytes(memoryview(self._buffer)[at + _HEAD.size : end]),
                )  # fmt: skip
            except ValueError as error:
                raise PipeBroken("a kind or codec of another version") from error
            at = end
            yield piece
        del self._buffer[:at]


def written(piece: Piece) -> bytes:
    """As the engine writes it."""
    return (
        _HEAD.pack(len(piece.data), piece.kind, piece.codec, int(piece.key), piece.track, piece.time_us)
        + piece.data
    )
