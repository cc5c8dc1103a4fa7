"""A meeting at a real server, begun the ordinary way, and its host without a browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import socketio

from signaling.wire.base import WIRE_VERSION
from tests.harness.peer import demo_session

HOST = "agent01"


@dataclass
class Host:
    """``members`` by id as the wire tells of them."""

    url: str
    meeting_id: str
    http: aiohttp.ClientSession
    token: str
    io: Any = field(default_factory=lambda: socketio.AsyncClient(reconnection=False))
    members: dict[str, dict[str, Any]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    ended: bool = False
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def enter(self) -> None:
        self.io.on("meeting.member", self._on_member)
        self.io.on("message.posted", self._on_message)
        auth = {"version": WIRE_VERSION, "token": self.token, "scope": "meeting"}
        await self.io.connect(self.url, auth=auth, transports=["websocket"], wait_timeout=15)
        entered = await self.do("meeting.enter")
        self.members = {m["person_id"]: m for m in entered["meeting"]["members"]}

    async def do(self, event: str, **fields: Any) -> Any:
        key = "interaction_id" if event.startswith(("media.", "message.")) else "meeting_id"
        answer = await self.io.call(event, {key: self.meeting_id, **fields}, timeout=15)
        assert answer["ok"], answer
        self.ended = self.ended or event == "meeting.end"
        return answer["data"]

    async def ask(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.http.request(method, self.url + path, json=body, headers=headers) as response:
            assert response.status == status, (response.status, await response.text())
            return await response.json() if response.content_type == "application/json" else None

    async def link(self, access: str, name: str, **more: Any) -> dict[str, Any]:
        body = {"access": access, "name": name, **more}
        made: dict[str, Any] = await self.ask("POST", f"/api/meetings/{self.meeting_id}/streams", body, 201)
        return made

    def member(self, stream: dict[str, Any]) -> dict[str, Any] | None:
        return self.members.get(f"stream-{stream['stream_id']}")

    async def until(self, condition: Callable[[], bool], within: float = 20) -> None:
        async with asyncio.timeout(within):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def _on_member(self, told: dict[str, Any]) -> None:
        self.members[told["member"]["person_id"]] = told["member"]
        self._news.set()

    async def _on_message(self, told: dict[str, Any]) -> None:
        self.lines.append(told["message"]["text"])
        self._news.set()


async def token_of(url: str, account: str) -> str:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        return (await demo_session(http, url, account)).token


@asynccontextmanager
async def hosted_meeting(url: str) -> AsyncIterator[Host]:
    """Applied for, dispatched, and its host in it."""
    async with aiohttp.ClientSession() as http:
        host = Host(url, "", http, await token_of(url, "taxpayer01"))
        applied = {"subject": "核定税额争议", "detail": "申请调解。"}
        made = await host.ask("POST", "/api/mediations", applied, 201)
        host.token = await token_of(url, "lead01")
        path = f"/api/mediations/{made['application_id']}/dispatch"
        given = await host.ask("POST", path, {"agent_id": HOST})
        host.meeting_id = given["meeting_id"]
        host.token = await token_of(url, HOST)
        try:
            await host.enter()
            yield host
            if not host.ended:
                await host.do("meeting.end")
        finally:
            await host.io.disconnect()
