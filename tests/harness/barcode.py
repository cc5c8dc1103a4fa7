"""A number drawn into a picture so coarsely that it survives any encoder, and a checksum that tells when it did not."""

from __future__ import annotations

import binascii

import numpy as np
import numpy.typing as npt
from av import VideoFrame

COLUMNS = 8
ROWS = 4
NUMBER_BITS = 20
CHECK_BITS = COLUMNS * ROWS - NUMBER_BITS
MAX_NUMBER = (1 << NUMBER_BITS) - 1
BLACK, WHITE = 16, 235  # limited range, ITU-R BT.601

Plane = npt.NDArray[np.uint8]


def draw(number: int, width: int, height: int) -> VideoFrame:
    """A yuv420p picture of 8 × 4 blocks: 20 bits of ``number`` and 12 of its checksum, from the top left."""
    if not 0 <= number <= MAX_NUMBER:
        raise ValueError(f"number is 0 to {MAX_NUMBER}")
    word = (number << CHECK_BITS) | _checksum(number)
    bits = np.array(
        [word >> shift & 1 for shift in range(COLUMNS * ROWS - 1, -1, -1)], dtype=np.uint8
    ).reshape(ROWS, COLUMNS)
    rows = np.arange(height) * ROWS // height
    columns = np.arange(width) * COLUMNS // width
    luma = np.where(bits[np.ix_(rows, columns)] == 1, WHITE, BLACK).astype(np.uint8)
    chroma = np.full((height // 2, width), 128, dtype=np.uint8)
    return VideoFrame.from_ndarray(np.vstack([luma, chroma]), format="yuv420p")


def read(frame: VideoFrame) -> int | None:
    """The number in a decoded picture of any size; None when the picture is not one of ours or is damaged."""
    return read_luma(_luma(frame))


def read_luma(luma: Plane) -> int | None:
    """As ``read``, from brightness alone."""
    height, width = luma.shape
    word = 0
    for row in range(ROWS):
        for column in range(COLUMNS):
            # The middle third of each block: edges ring when compressed.
            top, bottom = (_third(row, ROWS, height, part) for part in (1, 2))
            left, right = (_third(column, COLUMNS, width, part) for part in (1, 2))
            word = word << 1 | int(luma[top:bottom, left:right].mean() > (BLACK + WHITE) / 2)
    number = word >> CHECK_BITS
    return number if word & ((1 << CHECK_BITS) - 1) == _checksum(number) else None


def _third(index: int, count: int, size: int, part: int) -> int:
    return (3 * index + part) * size // (3 * count)


def _luma(frame: VideoFrame) -> Plane:
    plane = frame.planes[0] if frame.format.name.startswith(("yuv420p", "yuvj420p")) else None
    if plane is None:
        return np.asarray(frame.to_ndarray(format="gray"), dtype=np.uint8)
    lines = np.frombuffer(bytes(plane), dtype=np.uint8).reshape(-1, plane.line_size)
    return lines[: frame.height, : frame.width]


def _checksum(number: int) -> int:
    return binascii.crc32(number.to_bytes(4, "big")) >> (32 - CHECK_BITS)
