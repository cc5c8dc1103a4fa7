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
        self._taker: asyncio.Future[None] | None = None

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
        if self._taker is not None and not self._taker.done():
            self._taker.set_result(None)

    async def take(self) -> T:
        """For one taker: the room's own task."""
        while not self._items:
            self._taker = asyncio.get_running_loop().create_future()
            await self._taker
        return self._items.popleft()

    def drain(self) -> list[T]:
        """Everything still waiting; it is empty after."""
        items = list(self._items)
        self._items.clear()
        return items
