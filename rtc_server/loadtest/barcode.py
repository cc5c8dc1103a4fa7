"""A picture with its number in it: 8 × 4 blocks that survive any encoder, on a moving texture that costs an encoder something.

20 bits of the number and 12 of its checksum (CRC-32), from the top left; the instruments of the tests read the same picture.
"""

from __future__ import annotations

import binascii
import random

COLUMNS = 8
ROWS = 4
CHECK_BITS = 12
MAX_NUMBER = (1 << (COLUMNS * ROWS - CHECK_BITS)) - 1
_GREY = 128
_DARK, _BRIGHT = 32, 190
"""Of the texture; the middle grey stays between them, whatever is added."""


class Painter:
    """Pictures of one size. The texture is seeded: the same number is the same picture."""

    def __init__(self, width: int, height: int, seed: int = 1) -> None:
        self.width, self.height = width, height
        noise = random.Random(seed).randbytes(width * 8 + height * 3)  # noqa: S311 - no secret
        self._textures = tuple(
            noise.translate(bytes(base + value * 24 // 256 for value in range(256)))
            for base in (_DARK, _BRIGHT)
        )
        self._span = width * 7
        self._columns = [
            (width * column // COLUMNS, width * (column + 1) // COLUMNS) for column in range(COLUMNS)
        ]

    def luma(self, number: int) -> bytes:
        """Brightness, row by row. Raises ``ValueError`` for a number that does not fit."""
        if not 0 <= number <= MAX_NUMBER:
            raise ValueError(f"number is 0 to {MAX_NUMBER}")
        word = number << CHECK_BITS | _checksum(number)
        shift = number * 2 % self._span
        rows: list[bytes] = []
        for row in range(self.height):
            band = word >> (COLUMNS * (ROWS - 1 - row * ROWS // self.height))
            at = shift + row * 3 % self.width
            rows.extend(
                self._textures[band >> (COLUMNS - 1 - column) & 1][at + left : at + right]
                for column, (left, right) in enumerate(self._columns)
            )
        return b"".join(rows)

    def chroma(self) -> bytes:
        return bytes([_GREY]) * ((self.width // 2) * (self.height // 2))


def read(luma: memoryview | bytes, stride: int, width: int, height: int) -> int | None:
    """The number in a decoded picture; None when it is none of ours or is damaged."""
    word = 0
    for row in range(ROWS):
        for column in range(COLUMNS):
            # The middle third of each block: edges ring when compressed.
            top, bottom = ((3 * row + part) * height // (3 * ROWS) for part in (1, 2))
            left, right = ((3 * column + part) * width // (3 * COLUMNS) for part in (1, 2))
            total = sum(
                sum(luma[line * stride + left : line * stride + right]) for line in range(top, bottom)
            )
            word = word << 1 | int(total > 112 * (bottom - top) * (right - left))
    number = word >> CHECK_BITS
    return number if word & ((1 << CHECK_BITS) - 1) == _checksum(number) else None


def _checksum(number: int) -> int:
    return binascii.crc32(number.to_bytes(4, "big")) >> (32 - CHECK_BITS)
