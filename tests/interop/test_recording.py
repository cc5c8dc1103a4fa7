"""A call is recorded by a real server from real media: who refused is in no file, what was recorded plays, every viewing is
kept, and a writer that dies is replaced."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import av
import pytest
import pytest_asyncio

from rtc_server.identity.accounts import Account
from rtc_server.identity.tokens import TokenMinter
from rtc_server.loadtest import callers, clips
from rtc_server.loadtest.callers import Caller, Group
from rtc_server.loadtest.endpoints import Heard, NativeEndpoint, NativeHouse
from rtc_server.loadtest.house import AUTHORITIES, ServerUnderLoad, prepare
from rtc_server.recordings.index import Index, load
from signaling.sessions.states import Role

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]


@dataclass
class Talk:
    """A running call, and the server's HTTP as its agent."""

    pair: Group
    http: aiohttp.ClientSession
    url: str
    tokens: dict[str, str]
    data: Path

    def headers(self, person: Caller) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[person.person_id]}"}

    async def get(self, path: str, person: Caller | None = None) -> Any:
        async with self.http.get(
            self.url + path, headers=self.headers(person or self.pair.agent)
        ) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def post(self, path: str, body: Any = None) -> Any:
        async with self.http.post(
            self.url + path, json=body, headers=self.headers(self.pair.agent)
        ) as response:
            assert response.status < 300, await response.text()
            return await response.json()

    async def recording(self) -> dict[str, Any]:
        own = self.pair.agent.interaction_id
        items = (await self.get(f"/api/interactions/{own}/recordings"))["items"]
        assert len(items) == 1
        return dict(items[0])

    def folder(self, recording_id: str) -> Path:
        return self.data / "recordings" / recording_id


@pytest_asyncio.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    media = await asyncio.to_thread(clips.load)
    await prepare(tmp_path, None, 1)
    secret = secrets.token_urlsafe(48)
    minter = TokenMinter(secret)
    server = await ServerUnderLoad.start(tmp_path, None, secret)
    house = NativeHouse(media, Heard())
    pair = Group(0, Caller("load-taxpayer-0"), Caller("load-agent-0"))
    tokens = {}
    async with aiohttp.ClientSession() as http:
        try:
            for person, role in ((pair.agent, Role.AGENT), (pair.taxpayer, Role.TAXPAYER)):
                number = "1000" if role is Role.AGENT else None
                account = Account(person.person_id, role, "访客", "/", "", AUTHORITIES[0], None, number)
                tokens[person.person_id] = minter.mint(account, 3600)
                await person.wire.connect(http, server.url, tokens[person.person_id])
                await person.until_phase("session", "welcome")
                person.endpoint = NativeEndpoint(house, person.person_id, person.ask, None)
            await callers.open_directly(pair)
            await callers.call(pair)
            yield Talk(pair, http, server.url, tokens, tmp_path)
            await asyncio.gather(*(person.wire.close() for person in pair.people))
        finally:
            await house.close()
            await server.stop()


async def until(what: str, done: Callable[[], Any], limit_s: float = 60) -> Any:
    """Files and processes tell nobody when they change."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        found = done()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        await asyncio.sleep(0.1)
    raise TimeoutError(what)


def seconds(index: Index | None) -> float:
    tracks = index.tracks if index is not None else []
    return min((track.ended_us - track.began_us for track in tracks), default=0) / 1e6


async def test_who_refuses_is_not_recorded_and_what_was_recorded_is_played(talk: Talk) -> None:
    agent, taxpayer = talk.pair.agent, talk.pair.taxpayer
    await agent.ask("recording.start")
    await taxpayer.ask("recording.consent", {"given": False})
    view = (await taxpayer.ask("interaction.get"))["interaction"]["recording"]
    assert view["phase"] == "running"
    assert view["consents"] == {agent.person_id: "given", taxpayer.person_id: "refused"}
    folder = talk.folder(view["recording_id"])
    await until("four seconds are written", lambda: seconds(load(folder)) > 4)
    await agent.ask("recording.stop")
    index = await until("it is closed", lambda: (found := load(folder)) and found.finished and found)
    assert {(track.person_id, track.source) for track in index.tracks} == {
        (agent.person_id, "camera"),
        (agent.person_id, "microphone"),
    }
    assert index.lost_packets == 0
    for track in index.tracks:
        with av.open(folder / str(track.file)) as container:
            frames = sum(1 for _ in container.decode(container.streams[0]))
        assert frames >= 4 * (24 if track.source == "camera" else 48), track

    shown = await talk.recording()
    assert {one["person_id"]: one["consent"] for one in shown["consents"]} == view["consents"]
    assert shown["ended_at"] > shown["started_at"]
    own = f"/api/recordings/{shown['recording_id']}"
    await talk.post(f"{own}/composition")
    await until("it is composed", lambda: _composed(talk), limit_s=200)
    link = await talk.post(f"{own}/viewings", {"file": "composition.webm"})
    async with talk.http.get(talk.url + link["url"], headers={"Range": "bytes=100-199"}) as part:
        assert part.status == 206
        assert part.headers["Content-Type"] == "video/webm"
        assert part.headers["Content-Range"].startswith("bytes 100-199/")
        assert await part.read() == (folder / "composition.webm").read_bytes()[100:200]
    forged = link["url"].replace("composition.webm", "track-001.webm")
    async with talk.http.get(talk.url + forged) as refused:
        assert refused.status == 403
    async with talk.http.post(
        talk.url + f"{own}/viewings", json={"file": "composition.webm"}, headers=talk.headers(taxpayer)
    ) as refused:
        assert refused.status == 403
    assert await until("the viewing is kept", lambda: _viewings(talk.data)) == [
        (agent.person_id, shown["recording_id"])
    ]


async def _composed(talk: Talk) -> bool:
    composition = (await talk.recording())["composition"]
    assert composition["state"] != "failed"
    return bool(composition["state"] == "done")


def _viewings(data: Path) -> list[tuple[str, str]]:
    with sqlite3.connect(next(data.glob("*.db"))) as database:
        return database.execute(
            "select actor_id, subject from audit_log where action = 'view_recording'"
        ).fetchall()


async def test_a_writer_that_dies_is_replaced_and_what_it_wrote_stays(talk: Talk) -> None:
    agent, taxpayer = talk.pair.agent, talk.pair.taxpayer
    await agent.ask("recording.start")
    await taxpayer.ask("recording.consent", {"given": True})
    recording_id = (await agent.ask("interaction.get"))["interaction"]["recording"]["recording_id"]
    folder = talk.folder(recording_id)
    first = await until(
        "all four tracks are written",
        lambda: (found := load(folder)) and len(found.tracks) == 4 and seconds(found) > 3 and found,
    )
    os.kill(_writer_of(folder), signal.SIGKILL)
    killed_us = time.time_ns() // 1000
    await until("four more tracks", lambda: (found := load(folder)) and len(found.tracks) == 8)
    await agent.ask("call.hang_up")
    index = await until("the end of the call closes it", lambda: (f := load(folder)) and f.finished and f)
    assert [track.file for track in index.tracks[:4]] == [track.file for track in first.tracks]
    for track in index.tracks[:4]:
        with av.open(folder / str(track.file)) as container:
            stream = container.streams[0]
            last = max(
                float(packet.pts * stream.time_base) for packet in container.demux(stream) if packet.pts
            )
        lost_s = (killed_us - track.began_us) / 1e6 - last
        assert lost_s < 2.0, f"{track.source}: {lost_s:.2f} s"


def _writer_of(folder: Path) -> int:
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"rtc_server.recordings.writer" in words and str(folder).encode() in words:
            return int(place.parent.name)
    raise AssertionError("no writer")
