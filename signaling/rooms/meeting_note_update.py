"""Reads a Yjs update or state vector (version 1 encoding, ``yjs`` ``UpdateDecoderV1``) before the library does.

A few bytes can promise hundreds of millions of entries, for which the library would make room. And of what a Yjs document
can hold, notes are plain text alone: insertions into the one text, and deletions.
"""

from __future__ import annotations

from signaling.errors import BadInput, ErrorCode

_MAX_CLIENT = 2**53
_MAX_CLOCK = 2**31

_GC = 0
_DELETED = 1
_STRING = 4
_HAS_ORIGIN = 0x80
_HAS_RIGHT_ORIGIN = 0x40


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def byte(self) -> int:
        if self.left < 1:
            raise BadInput(ErrorCode.BAD_MESSAGE)
        self._at += 1
        return self._data[self._at - 1]

    def number(self, below: int) -> int:
        """A variable length unsigned integer, seven bits a byte, the lowest first."""
        value, shift = 0, 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if value >= below:
                raise BadInput(ErrorCode.BAD_MESSAGE)
            if byte < 0x80:
                return value
            shift += 7

    def count(self) -> int:
        """Of entries that take a byte each at least."""
        return self.number(self.left + 1)

    def string(self) -> str:
        size = self.number(self.left + 1)
        if size > self.left:
            raise BadInput(ErrorCode.BAD_MESSAGE)
        self._at += size
        try:
            return self._data[self._at - size : self._at].decode()
        except UnicodeDecodeError:
            raise BadInput(ErrorCode.BAD_MESSAGE) from None

    def end(self) -> None:
        if self.left:
            raise BadInput(ErrorCode.BAD_MESSAGE)


def check_update(update: bytes, root: str) -> None:
    """Raises ``BadInput`` for anything but edits of the text of this name."""
    read = _Reader(update)
    for _ in range(read.count()):
        structs = read.count()
        read.number(_MAX_CLIENT)
        clock = read.number(_MAX_CLOCK)
        for _ in range(structs):
            clock += _struct(read, root)
            if clock >= _MAX_CLOCK:
                raise BadInput(ErrorCode.BAD_MESSAGE)
    for _ in range(read.count()):
        read.number(_MAX_CLIENT)
        for _ in range(read.count()):
            if read.number(_MAX_CLOCK) + read.number(_MAX_CLOCK) >= _MAX_CLOCK:
                raise BadInput(ErrorCode.BAD_MESSAGE)
    read.end()


def _struct(read: _Reader, root: str) -> int:
    """Its length in clock ticks."""
    info = read.byte()
    if info == _GC:
        return read.number(_MAX_CLOCK)
    for has in (_HAS_ORIGIN, _HAS_RIGHT_ORIGIN):
        if info & has:
            read.number(_MAX_CLIENT)
            read.number(_MAX_CLOCK)
    if not info & (_HAS_ORIGIN | _HAS_RIGHT_ORIGIN):
        # Neither neighbour tells where it belongs, so it is said: in the root.
        named = read.byte() == 1 and read.string() == root
        if not named:
            raise BadInput(ErrorCode.BAD_MESSAGE)
    kind = info & ~(_HAS_ORIGIN | _HAS_RIGHT_ORIGIN)
    if kind == _DELETED:
        return read.number(_MAX_CLOCK)
    if kind == _STRING:
        return len(read.string().encode("utf-16-le")) // 2  # a clock tick is a UTF-16 code unit
    raise BadInput(ErrorCode.BAD_MESSAGE)  # also under a key: no text has one


def check_vector(vector: bytes) -> None:
    """Raises ``BadInput``."""
    read = _Reader(vector)
    for _ in range(read.count()):
        read.number(_MAX_CLIENT)
        read.number(_MAX_CLOCK)
    read.end()
