"""A person without a browser who goes on talking whatever happens to the line or the server, and loses count of nothing."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

from socketio.exceptions import SocketIOError

from signaling.wire.requests import ListMessages, Messages, SendMessage, Sent
from signaling.wire.views import MessageView
from tests.harness.peer import RequestFailed, SyntheticPeer

PASSING = {"rate_limited", "records_unavailable", "server_stopping"}
RETRY_S = 0.1
LINE_FAULTS = (SocketIOError, OSError, TimeoutError)


@dataclass
class Talker:
    """Says numbered lines one after another, each again with the same id until it is acknowledged."""

    peer: SyntheticPeer
    interaction_id: str
    name: str
    pause_s: float = 0.05
    said: dict[str, int] = field(default_factory=dict)
    """Text and the number the server gave it."""
    stopping: bool = False
    refused: set[str] = field(default_factory=set)
    longest_s: float = 0.0
    """The longest a line waited for its acknowledgement."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def talk(self) -> None:
        number = 0
        while not self.stopping:
            number += 1
            text = f"{self.name}{number:04d}"
            began = asyncio.get_running_loop().time()
            self.said[text] = (await self._say(text)).seq
            self.longest_s = max(self.longest_s, asyncio.get_running_loop().time() - began)
            self._news.set()
            await asyncio.sleep(self.pause_s)

    async def has_said(self, more: int, within: float = 60) -> None:
        """Until so many more lines are acknowledged."""
        wanted = len(self.said) + more
        async with asyncio.timeout(within):
            while len(self.said) < wanted:
                self._news.clear()
                await self._news.wait()

    async def _say(self, text: str) -> MessageView:
        request = SendMessage(
            interaction_id=self.interaction_id, client_message_id=f"m{len(self.said)}", text=text
        )
        while True:
            try:
                return (await self.peer.send(request, Sent)).message
            except RequestFailed as failure:
                if failure.code not in PASSING:
                    raise
                self.refused.add(failure.code)
                await asyncio.sleep((failure.error.retry_after_ms or RETRY_S * 1000) / 1000)
            except LINE_FAULTS:
                await come_back(self.peer)

    async def reads(self) -> list[MessageView]:
        """The whole conversation, page by page."""
        found: list[MessageView] = []
        while True:
            page = await self.peer.send(
                ListMessages(
                    interaction_id=self.interaction_id, after_seq=found[-1].seq if found else 0, limit=100
                ),
                Messages,
            )
            found += page.messages
            if not page.more:
                return found


async def come_back(peer: SyntheticPeer, within: float = 60) -> None:
    """As a page does: again and again, by the same token."""
    async with asyncio.timeout(within):
        while True:
            with contextlib.suppress(*LINE_FAULTS):
                await peer.cut()
            try:
                async with asyncio.timeout(5):
                    await peer.connect()
                return
            except LINE_FAULTS:
                await asyncio.sleep(RETRY_S)
