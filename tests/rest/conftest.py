"""The whole REST interface over real records, organisation and file store; rooms are what was kept of them."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient
from PIL import Image
from pytest_aiohttp.plugin import AiohttpClient

from media.control import MediaControl
from media.fake import FakeEngine
from rtc_server.app import http_app
from rtc_server.config import Settings
from rtc_server.health import Health
from rtc_server.identity.accounts import ACCOUNTS, Account
from rtc_server.identity.profiles import Profiles
from rtc_server.identity.tokens import TokenAuthenticator, TokenMinter, trusted_issuers
from rtc_server.metrics import Metrics
from rtc_server.records.meeting_recording import MeetingRecording
from rtc_server.rest.mediations import MEETINGS
from rtc_server.rest.service import ServiceDesk
from rtc_server.service_desk import begin_desk, close_desk, open_desk
from signaling.connections import Connections
from signaling.rooms.clock import SystemClock
from signaling.rooms.kept import KeptInteraction, KeptMember, KeptMessage
from signaling.rooms.live_room import RoomPorts
from signaling.rooms.meetings import Meetings
from signaling.rooms.ports import IceServer
from signaling.rooms.seats import LocalSeats
from signaling.sessions.model import FileRef, InteractionContext, Message
from signaling.sessions.states import CloseReason, InteractionPhase, MessageKind, Role
from signaling.settings import SignalingSettings
from tests.unit.signaling.service import Books

SECRET = "the server's own secret, in tests alone"

Client = TestClient[Any, Any]


@pytest.fixture(autouse=True)
def no_operator_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("RTC_")]:
        monkeypatch.delenv(name)


@dataclass
class House:
    """The server, and the rooms it believes in."""

    client: Client
    desk: ServiceDesk
    settings: Settings

    def headers(self, account: str | Account) -> dict[str, str]:
        person = ACCOUNTS[account] if isinstance(account, str) else account
        return {"Authorization": f"Bearer {TokenMinter(SECRET).mint(person, 3600)}"}

    def open(
        self,
        interaction_id: str,
        taxpayer: str = "taxpayer01",
        agent: str = "agent01",
        centre: str = "gd",
        opened_at: int = 1_000,
    ) -> None:
        kept = KeptInteraction(
            interaction_id,
            taxpayer,
            "张*",
            centre,
            agent,
            InteractionPhase.OPEN,
            opened_at,
            InteractionContext(authority="广东"),
        )
        self.desk.recording.keep(
            kept,
            KeptMember(interaction_id, taxpayer, Role.TAXPAYER, "张*", opened_at),
            KeptMember(interaction_id, agent, Role.AGENT, "101", opened_at),
        )

    def close(self, interaction_id: str, closed_at: int | None = None) -> None:
        from dataclasses import replace

        live = self.desk.recording.live.get(interaction_id)
        assert live is not None
        self.desk.recording.keep(
            replace(
                live.interaction,
                phase=InteractionPhase.CLOSED,
                closed_at=closed_at or time.time_ns() // 1_000_000,
                close_reason=CloseReason.AGENT_ENDED,
            )
        )

    def say(self, interaction_id: str, seq: int, text: str, sender: str = "taxpayer01", **more: Any) -> None:
        live = self.desk.recording.live.get(interaction_id)
        assert live is not None
        message = Message(
            seq,
            sender,
            f"c{seq}",
            text,
            live.interaction.opened_at + seq,
            sender_role=Role.TAXPAYER,
            sender_name="张*",
            **more,
        )
        self.desk.recording.keep(KeptMessage(interaction_id, message))

    async def send_file(
        self, interaction_id: str, name: str, content: bytes, account: str = "taxpayer01", seq: int = 1
    ) -> str:
        """Uploaded and said; its id."""
        begun = await self.client.post(
            "/api/files",
            json={"interaction_id": interaction_id, "name": name, "size": len(content)},
            headers=self.headers(account),
        )
        assert begun.status == 201, await begun.text()
        file_id = str((await begun.json())["file_id"])
        done = await self.patch(file_id, 0, content, account)
        assert done.status == 200, await done.text()
        file = (await done.json())["file"]
        kind = MessageKind.PICTURE if file["media_type"].startswith("image/") else MessageKind.FILE
        self.say(interaction_id, seq, name, account, kind=kind, file=FileRef(**file))
        return file_id

    async def patch(self, file_id: str, offset: int, piece: bytes, account: str = "taxpayer01") -> Any:
        return await self.client.patch(
            f"/api/files/{file_id}",
            data=piece,
            headers={
                **self.headers(account),
                "Upload-Offset": str(offset),
                "Content-Type": "application/offset+octet-stream",
            },
        )


def rooms_of_meetings(desk: ServiceDesk) -> Meetings:
    """Real rooms without an engine: chat and notes alone."""
    nobody = Connections()
    books = Books()
    ports = RoomPorts(
        settings=SignalingSettings(),
        media=MediaControl(FakeEngine()),
        outbound=nobody,
        recorder=books,
        records=desk.recording,
        metrics=books,
        seats=LocalSeats(),
        ice_servers=NoIceServers(),
        clock=SystemClock(),
    )
    ids = iter(range(1, 10_000))
    return Meetings(
        ports,
        MeetingRecording(desk.recording),
        desk.organisation,
        lambda: f"new{next(ids)}",
        service=nobody,
    )


class NoIceServers:
    def ice_servers(self, person_id: str) -> list[IceServer]:
        return []


OpenHouse = Callable[..., Any]


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a demo house that has been opened once. Each house begins with a copy: making the tables and taking
    in the demo data takes a second."""
    data = tmp_path_factory.mktemp("furnished") / "data"

    async def open_once() -> None:
        await close_desk(await open_desk(Settings(demo=True, data=data), b"k" * 32, Profiles()))

    asyncio.run(open_once())
    return data


@pytest_asyncio.fixture
async def open_house(
    aiohttp_client: AiohttpClient, tmp_path: Path, furnished: Path
) -> AsyncIterator[OpenHouse]:
    """``await open_house(files={...})``: settings are ``Settings`` fields."""
    desks: list[ServiceDesk] = []

    async def open_it(**given: Any) -> House:
        defaults: dict[str, Any] = {
            "demo": True,
            "data": tmp_path / "data",
            "client_dist": tmp_path / "dist",
            "limits": {"api": "1000000/minute"},
            "files": {"min_free_bytes": 0},
        }
        settings = Settings(**(defaults | given))
        if settings.demo and settings.database_url is None and not settings.data.exists():
            shutil.copytree(furnished, settings.data)
        profiles = Profiles()
        desk = await open_desk(settings, b"k" * 32, profiles)
        begin_desk(desk)
        desks.append(desk)
        tokens = TokenAuthenticator(trusted_issuers(settings, SECRET), profiles=profiles)
        health = Health("engine", dict, lambda: {"ok": None}, desk.recording.records.report)
        app = http_app(settings, tokens, health, Metrics(), TokenMinter(SECRET), desk=desk)
        app[MEETINGS] = meetings = rooms_of_meetings(desk)
        meetings.on_moved = desk.meeting_notices.moved
        app.on_cleanup.append(lambda _: tokens.close())
        app.on_shutdown.append(lambda _: meetings.stop())
        return House(await aiohttp_client(app), desk, settings)

    yield open_it
    for desk in desks:
        await close_desk(desk)


@pytest_asyncio.fixture
async def house(open_house: OpenHouse) -> House:
    made: House = await open_house()
    return made


def picture(size: tuple[int, int] = (40, 30), kind: str = "PNG", **options: Any) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, (20, 90, 160)).save(out, kind, **options)
    return out.getvalue()
