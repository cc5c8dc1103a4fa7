"""The mailbox of a room: ordered and bounded."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """``offer`` refuses when full; ``force`` never does: state changes must arrive, and their sources are bounded
    themselves (the engine's queue, one timer a key, one presence a member)."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: deque[T] = deque()
        self._arrived = asyncio.Event()

    def __len__(self) -> int:
        return len(self._items)

    def offer(self, item: T) -> bool:
        """False when there is no room for it."""
        if len(self._items) >= self._capacity:
            return False
        self.force(item)
        return True

    def force(self, item: T) -> None:
        self._items.append(item)
        self._arrived.set()

    async def take(self) -> T:
        while not self._items:
            self._arrived.clear()
            await self._arrived.wait()
        return self._items.popleft()

    def drain(self) -> list[T]:
        """Everything still waiting; it is empty after."""
        items = list(self._items)
        self._items.clear()
        return items
