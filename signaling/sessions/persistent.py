"""Immutable containers whose copies share what did not change, so that a reducer over thousands of tickets stays cheap.

A plain ``dict`` or ``tuple`` would be copied whole for each command. These copy one block of about ``√n`` entries.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any, Generic, Self, TypeVar
from zlib import crc32

V = TypeVar("V")
K = TypeVar("K", bound=tuple[Any, ...])

_SHARDS = 64
_BLOCK = 64


class PersistentMap(Generic[V]):
    """A map from ``str``. Sharded by CRC-32 and not by ``hash``, so that the order of iteration is the same everywhere."""

    __slots__ = ("_shards", "_size")

    def __init__(self, items: Iterable[tuple[str, V]] = ()) -> None:
        shards: list[dict[str, V]] = [{} for _ in range(_SHARDS)]
        for key, value in items:
            shards[crc32(key.encode()) % _SHARDS][key] = value
        self._shards = tuple(shards)
        self._size = sum(len(shard) for shard in shards)

    @classmethod
    def _of(cls, shards: tuple[dict[str, V], ...], size: int) -> Self:
        made = cls.__new__(cls)
        made._shards = shards
        made._size = size
        return made

    def get(self, key: str) -> V | None:
        return self._shards[crc32(key.encode()) % _SHARDS].get(key)

    def __getitem__(self, key: str) -> V:
        return self._shards[crc32(key.encode()) % _SHARDS][key]

    def __contains__(self, key: str) -> bool:
        return key in self._shards[crc32(key.encode()) % _SHARDS]

    def __len__(self) -> int:
        return self._size

    def items(self) -> Iterator[tuple[str, V]]:
        for shard in self._shards:
            yield from shard.items()

    def values(self) -> Iterator[V]:
        for shard in self._shards:
            yield from shard.values()

    def set(self, key: str, value: V) -> Self:
        index = crc32(key.encode()) % _SHARDS
        shard = self._shards[index].copy()
        shard[key] = value
        grown = len(shard) - len(self._shards[index])
        return self._of((*self._shards[:index], shard, *self._shards[index + 1 :]), self._size + grown)

    def remove(self, key: str) -> Self:
        """Without ``key``; the same map when it was not there."""
        index = crc32(key.encode()) % _SHARDS
        if key not in self._shards[index]:
            return self
        shard = self._shards[index].copy()
        del shard[key]
        return self._of((*self._shards[:index], shard, *self._shards[index + 1 :]), self._size - 1)

    def changed_since(self, older: PersistentMap[V]) -> Iterator[str]:
        """Keys whose value is another than in ``older``, or is there in one of both alone. Looks only at the shards
        that were copied since."""
        for mine, theirs in zip(self._shards, older._shards, strict=True):
            if mine is theirs:
                continue
            for key in sorted(mine.keys() | theirs.keys()):
                if mine.get(key) != theirs.get(key):
                    yield key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PersistentMap) and self._shards == other._shards

    def __hash__(self) -> int:
        return hash(self._size)


class SortedLine(Generic[K]):
    """A sorted set of tuples with the count of what lies before any of them."""

    __slots__ = ("_blocks", "_size")

    def __init__(self, entries: Iterable[K] = ()) -> None:
        ordered = sorted(set(entries))
        self._blocks: tuple[tuple[K, ...], ...] = tuple(
            tuple(ordered[at : at + _BLOCK]) for at in range(0, len(ordered), _BLOCK)
        )
        self._size = len(ordered)

    def _of(self, blocks: tuple[tuple[K, ...], ...], size: int) -> SortedLine[K]:
        made: SortedLine[K] = SortedLine.__new__(SortedLine)
        made._blocks = blocks
        made._size = size
        return made

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[K]:
        for block in self._blocks:
            yield from block

    def __contains__(self, entry: K) -> bool:
        index = self._block_of(entry)
        if index == len(self._blocks):
            return False
        block = self._blocks[index]
        at = bisect_left(block, entry)
        return at < len(block) and block[at] == entry

    def first(self) -> K | None:
        return self._blocks[0][0] if self._blocks else None

    def add(self, entry: K) -> SortedLine[K]:
        blocks = self._blocks
        if not blocks:
            return self._of(((entry,),), 1)
        index = min(self._block_of(entry), len(blocks) - 1)
        block = blocks[index]
        at = bisect_left(block, entry)
        if at < len(block) and block[at] == entry:
            return self
        grown = (*block[:at], entry, *block[at:])
        parts = (grown,) if len(grown) <= 2 * _BLOCK else (grown[:_BLOCK], grown[_BLOCK:])
        return self._of((*blocks[:index], *parts, *blocks[index + 1 :]), self._size + 1)

    def remove(self, entry: K) -> SortedLine[K]:
        """Without ``entry``; the same line when it was not there."""
        if entry not in self:
            return self
        index = self._block_of(entry)
        block = self._blocks[index]
        at = bisect_left(block, entry)
        shrunk = (*block[:at], *block[at + 1 :])
        parts = (shrunk,) if shrunk else ()
        return self._of((*self._blocks[:index], *parts, *self._blocks[index + 1 :]), self._size - 1)

    def count_before(self, entry: K) -> int:
        index = self._block_of(entry)
        before = sum(len(block) for block in self._blocks[:index])
        return before + (bisect_left(self._blocks[index], entry) if index < len(self._blocks) else 0)

    def _block_of(self, entry: K) -> int:
        return bisect_left(self._blocks, entry, key=lambda block: block[-1])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SortedLine) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(self._size)
