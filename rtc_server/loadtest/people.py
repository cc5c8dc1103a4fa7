"""Taxpayers and agents of the load run, and the book in which every message is followed to its reader."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from rtc_server.loadtest.wire import Wire, WireFailed


@dataclass(slots=True)
class Book:
    """What was sent and what arrived. Times in seconds of one clock of this process."""

    sent: dict[tuple[str, str], float] = field(default_factory=dict)
    delays: list[float] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)
    acknowledged: int = 0
    doubled: int = 0
    reordered: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    conversations: int = 0
    last_seqs: dict[str, int] = field(default_factory=dict)
    texts: dict[str, int] = field(default_factory=dict)
    """Messages of people by interaction."""

    def fail(self, what: str) -> None:
        self.failures[what] = self.failures.get(what, 0) + 1

    @property
    def lost(self) -> int:
        """Sent and never seen by the other."""
        return len(self.sent)


@dataclass(slots=True)
class _Seen:
    """One person's view of one interaction."""

    last_seq: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    turn: int = 0
    """Messages of people seen so far."""


class Pause:
    """How long somebody reads and types before the next message: between half and one and a half of ``mean_s``, seeded.
    Without it everybody whom the same second brought an agent would write in the same instants for ever."""

    def __init__(self, mean_s: float, seed: str) -> None:
        self._mean_s = mean_s
        self._random = random.Random(seed)  # noqa: S311 - no secret

    def next_s(self) -> float:
        return self._mean_s * self._random.uniform(0.5, 1.5)


class Person:
    """What both sides have in common: they see messages in order, and each exactly once."""

    def __init__(self, person_id: str, book: Book) -> None:
        self.person_id = person_id
        self.book = book
        self.wire = Wire(self.on_event)
        self.seen: dict[str, _Seen] = {}

    def of(self, interaction_id: str) -> _Seen:
        return self.seen.setdefault(interaction_id, _Seen())

    def on_event(self, event: str, body: Any) -> None:
        if event == "message.posted":
            self._posted(body["interaction_id"], body["message"])
        elif event == "interaction.changed":
            self._take_view(body["interaction"])

    def _take_view(self, view: dict[str, Any]) -> None:
        for message in view["messages"]:
            if message["seq"] > self.of(view["interaction_id"]).last_seq:
                self._posted(view["interaction_id"], message)

    def _posted(self, interaction_id: str, message: dict[str, Any]) -> None:
        now = time.perf_counter()
        seen, seq = self.of(interaction_id), message["seq"]
        if seq <= seen.last_seq:
            self.book.doubled += 1
            return
        if seen.last_seq and seq != seen.last_seq + 1:
            self.book.reordered += 1
        seen.last_seq = seq
        self.book.last_seqs[interaction_id] = max(seq, self.book.last_seqs.get(interaction_id, 0))
        if message["kind"] != "text" or message["sender_id"] is None:
            return
        seen.turn += 1
        if message["sender_id"] != self.person_id:
            began = self.book.sent.pop((interaction_id, message["client_message_id"]), None)
            if began is None:
                self.book.doubled += 1
            else:
                self.book.delays.append(now - began)
                self.book.arrivals.append(now)
        seen.changed.set()

    async def say(self, interaction_id: str, number: int) -> None:
        name = f"m{number}"
        self.book.sent[interaction_id, name] = time.perf_counter()
        body = {
            "interaction_id": interaction_id,
            "client_message_id": name,
            "text": f"第{number}条：请问办税进度如何查询？",
        }
        await self.wire.ask("message.send", body)
        self.book.acknowledged += 1
        self.book.texts[interaction_id] = self.book.texts.get(interaction_id, 0) + 1

    async def until_turn(self, interaction_id: str, turn: int, limit_s: float) -> None:
        """Until so many messages of people have been seen. Raises ``TimeoutError``."""
        seen = self.of(interaction_id)
        async with asyncio.timeout(limit_s):
            while seen.turn < turn:
                seen.changed.clear()
                await seen.changed.wait()


class Agent(Person):
    """Accepts whatever rings and answers every message of a taxpayer."""

    def __init__(self, person_id: str, book: Book, messages: int, pause_s: float) -> None:
        super().__init__(person_id, book)
        self._messages = messages
        self._pause = Pause(pause_s, person_id)
        self._tasks: set[asyncio.Task[None]] = set()
        self._serving: set[str] = set()

    def on_event(self, event: str, body: Any) -> None:
        super().on_event(event, body)
        if event == "offer.rang":
            self._do(self._accept(body["offer"]["ticket_id"]))
        elif event == "interaction.changed":
            view = body["interaction"]
            interaction_id = view["interaction_id"]
            if view["phase"] == "open" and interaction_id not in self._serving:
                self._serving.add(interaction_id)
                self._do(self._serve(interaction_id))

    async def _accept(self, ticket_id: str) -> None:
        await self.wire.ask("offer.accept", {"ticket_id": ticket_id})

    async def _serve(self, interaction_id: str) -> None:
        for turn in range(1, self._messages, 2):
            await self.until_turn(interaction_id, turn, 120)
            await asyncio.sleep(self._pause.next_s())
            await self.say(interaction_id, turn + 1)

    def _do(self, work: Any) -> None:
        async def guarded() -> None:
            try:
                await work
            except (WireFailed, TimeoutError, aiohttp.ClientError, OSError) as error:
                self.book.fail(f"agent: {error if isinstance(error, WireFailed) else type(error).__name__}")

        task = asyncio.create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Taxpayer(Person):
    """Queues, asks, closes and rates."""

    def __init__(self, person_id: str, book: Book, messages: int, pause_s: float) -> None:
        super().__init__(person_id, book)
        self._messages = messages
        self._pause = Pause(pause_s, person_id)
        self._opened: asyncio.Queue[str] = asyncio.Queue()
        self._known: set[str] = set()

    def on_event(self, event: str, body: Any) -> None:
        super().on_event(event, body)
        if event == "interaction.changed":
            view = body["interaction"]
            if view["phase"] == "open" and view["interaction_id"] not in self._known:
                self._known.add(view["interaction_id"])
                self._opened.put_nowait(view["interaction_id"])

    async def join(self, authority: str) -> float:
        """How long it took to get a place, in seconds."""
        began = time.perf_counter()
        await self.wire.ask("queue.join", {"page": "办税首页", "business": "申报", "authority": authority})
        return time.perf_counter() - began

    async def talk(self, limit_s: float) -> None:
        """One conversation, from being served to the rating."""
        try:
            interaction_id = await asyncio.wait_for(self._opened.get(), limit_s)
            for number in range(1, self._messages, 2):
                await self.say(interaction_id, number)
                await self.until_turn(interaction_id, number + 1, 120)
                await asyncio.sleep(self._pause.next_s())
            await self.wire.ask("interaction.close", {"interaction_id": interaction_id})
            await self.wire.ask("interaction.rate", {"interaction_id": interaction_id, "resolved": True})
            self.book.conversations += 1
        except (WireFailed, TimeoutError, aiohttp.ClientError, OSError) as error:
            self.book.fail(f"taxpayer: {error if isinstance(error, WireFailed) else type(error).__name__}")
