"""A real gateway on loopback over a fake engine, and real Socket.IO clients to talk to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import socketio
from aiohttp import web
from aiohttp.test_utils import TestServer

from media.control import MediaControl
from media.fake import FakeEngine
from media.types import Source, TransportKind
from signaling.errors import ErrorCode, IdentityError
from signaling.gateway import Gateway
from signaling.rooms.ports import AgentEntry, Fact, IceServer, Person
from signaling.sessions.states import Role
from signaling.settings import SignalingSettings
from signaling.wire.base import WIRE_VERSION
from tests.unit.signaling.clock import ManualClock

TIMEOUT_S = 5.0
AGENTS = ("agent01", "agent02", "agent03", "agent04")
BAD_TOKENS = {
    "invalid": ErrorCode.TOKEN_INVALID,
    "expired": ErrorCode.TOKEN_EXPIRED,
    "foreign": ErrorCode.TOKEN_FOREIGN,
}
Message = dict[str, Any]


@dataclass
class People:
    """Authenticator, agent directory and relay list of the tests: a token is the name of its person."""

    clock: ManualClock
    lifetime_s: int = 3600
    broken: bool = False

    async def authenticate(self, token: str) -> Person:
        if self.broken:
            raise RuntimeError("the key store is away: secret detail")
        if token in BAD_TOKENS:
            raise IdentityError(BAD_TOKENS[token])
        role = Role.AGENT if token.startswith("agent") else Role.TAXPAYER
        role = Role.SUPERVISOR if token.startswith("lead") else role
        expires_at = self.clock.now_ms() // 1000 + self.lifetime_s
        return Person(token, role, f"shown {token}", None, None, expires_at)

    async def agents(self) -> Sequence[AgentEntry]:
        return [AgentEntry(name, name.removeprefix("agent"), "tax-a") for name in AGENTS]

    def ice_servers(self, person_id: str) -> Sequence[IceServer]:
        return [IceServer(["turn:relay.example:3478"], f"until:{person_id}", "credential")]


@dataclass
class Books:
    """Recorder and metrics that keep everything."""

    facts: list[Fact] = field(default_factory=list)
    outcomes: list[tuple[str, str]] = field(default_factory=list)
    joins: list[float] = field(default_factory=list)
    connected: int = 0
    open_interactions: int = 0
    nobody: asyncio.Event = field(default_factory=asyncio.Event)

    def record(self, fact: Fact) -> None:
        self.facts.append(fact)

    def connections(self, delta: int) -> None:
        self.connected += delta
        (self.nobody.clear if self.connected else self.nobody.set)()

    def interactions(self, delta: int) -> None:
        self.open_interactions += delta

    def request(self, event: str, outcome: str, seconds: float) -> None:
        self.outcomes.append((event, outcome))

    def joined(self, seconds: float) -> None:
        self.joins.append(seconds)


class Client:
    """A browser's signalling: everything it was told, in order."""

    def __init__(self, url: str, token: str | None) -> None:
        self._url = url
        self.token = token
        self.socket = socketio.AsyncClient(reconnection=False)
        self.told: list[tuple[str, Message]] = []
        self.refusal: Message | None = None
        self.closed = asyncio.Event()
        self._news = asyncio.Condition()
        self.socket.on("*", self._on_event)
        self.socket.on("connect_error", self._on_refusal)
        self.socket.on("disconnect", self._on_disconnect)

    async def connect(
        self,
        *,
        version: int = WIRE_VERSION,
        resume_token: str | None = None,
        auth: Any = None,
        scope: str | None = None,
        transports: Sequence[str] = ("websocket",),
    ) -> Message:
        """Returns the welcome."""
        if auth is None:
            auth = {"version": version}
            if self.token is not None:
                auth["token"] = self.token
            if resume_token is not None:
                auth["resume_token"] = resume_token
            if scope is not None:
                auth["scope"] = scope
        await self.socket.connect(self._url, auth=auth, transports=list(transports), wait_timeout=TIMEOUT_S)
        return await self.wait_for("session.welcome")

    async def refused(self, **options: Any) -> str:
        """Connects in vain; returns the code."""
        with contextlib.suppress(socketio.exceptions.ConnectionError):
            await self.connect(**options)
            raise AssertionError("was let in")
        assert self.refusal is not None
        return str(self.refusal["data"]["code"])

    async def call(self, event: str, payload: Any = None, **fields: Any) -> Any:
        """The acknowledgement."""
        return await self.socket.call(event, fields if payload is None else payload, timeout=TIMEOUT_S)

    async def do(self, event: str, **fields: Any) -> Message:
        """The data of the acknowledgement; the request must succeed."""
        acknowledged = await self.call(event, **fields)
        assert acknowledged["ok"], acknowledged
        return dict(acknowledged["data"])

    async def fails(self, event: str, payload: Any = None, **fields: Any) -> str:
        """The code of the refusal."""
        acknowledged = await self.call(event, payload, **fields)
        assert not acknowledged["ok"], acknowledged
        assert acknowledged["error"]["message"]
        return str(acknowledged["error"]["code"])

    async def wait_for(
        self, event: str, wanted: Callable[[Message], bool] = lambda _: True, *, after: int = 0
    ) -> Message:
        """The first such notification from number ``after`` on, now or later."""

        def found() -> Message | None:
            return next((data for name, data in self.told[after:] if name == event and wanted(data)), None)

        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: found() is not None), TIMEOUT_S)
        result = found()
        assert result is not None
        return result

    async def phase_of(self, kind: str, phase: str, *, after: int = 0) -> Message:
        """Waits until the assistance or the call is told to be in this phase."""
        told = await self.wait_for(f"{kind}.changed", lambda m: m[kind]["phase"] == phase, after=after)
        return dict(told[kind])

    async def leave(self) -> None:
        await self.socket.disconnect()

    async def cut(self) -> None:
        """The connection is lost without a goodbye."""
        await self.socket.eio.ws.close()
        await asyncio.wait_for(self.closed.wait(), TIMEOUT_S)

    async def _on_event(self, event: str, data: Message) -> None:
        async with self._news:
            self.told.append((event, data))
            self._news.notify_all()

    async def _on_refusal(self, data: Message) -> None:
        self.refusal = data

    async def _on_disconnect(self, *_: object) -> None:
        self.closed.set()


@dataclass
class Service:
    """A gateway that runs, with everything around it in reach."""

    gateway: Gateway
    engine: FakeEngine
    control: MediaControl
    clock: ManualClock
    people: People
    books: Books
    url: str
    clients: list[Client] = field(default_factory=list)

    def client(self, token: str | None) -> Client:
        client = Client(self.url, token)
        self.clients.append(client)
        return client

    async def sign_in(self, token: str, **options: Any) -> Client:
        client = self.client(token)
        await client.connect(**options)
        return client

    async def pair(self, taxpayer: str = "taxpayer01", agent: str = "agent01") -> Pair:
        """Both signed in, and in an interaction."""
        second = await self.sign_in(agent)
        first = await self.sign_in(taxpayer)
        opened = await first.do("interaction.open", agent_id=agent)
        interaction_id = opened["interaction"]["interaction_id"]
        await second.wait_for("interaction.changed")
        return Pair(self, first, second, interaction_id, taxpayer, agent)


@dataclass
class Pair:
    service: Service
    taxpayer: Client
    agent: Client
    id: str
    taxpayer_id: str
    agent_id: str

    async def publish(self, client: Client, *sources: Source, fresh: bool = True) -> Message:
        tracks = [{"mid": str(index), "source": source} for index, source in enumerate(sources)]
        return await client.do(
            "media.publish", interaction_id=self.id, sdp=offer(*sources), tracks=tracks, fresh=fresh
        )

    async def subscribe(self, client: Client) -> Message:
        found = await client.do("media.subscribe", interaction_id=self.id, fresh=True)
        await client.do("media.answer", interaction_id=self.id, sdp="v=0\r\n")
        return found

    async def share(self) -> None:
        """Assistance up to the moving picture."""
        await self.taxpayer.do("assistance.request", interaction_id=self.id)
        await self.agent.do("assistance.accept", interaction_id=self.id)
        await self.publish(self.taxpayer, Source.SCREEN)
        self.service.engine.connect(self.id, self.taxpayer_id, TransportKind.PUBLISH)
        assert self.service.engine.send(self.id, self.taxpayer_id, Source.SCREEN)
        await self.agent.phase_of("assistance", "sharing")

    async def talk(self, *shared: Source) -> None:
        """A call up to both being heard, beside what the taxpayer shares already."""
        engine = self.service.engine
        await self.agent.do("call.start", interaction_id=self.id)
        await self.taxpayer.do("call.accept", interaction_id=self.id)
        for client, person_id in ((self.agent, self.agent_id), (self.taxpayer, self.taxpayer_id)):
            beside = shared if client is self.taxpayer else ()
            await self.publish(client, Source.MICROPHONE, Source.CAMERA, *beside, fresh=not beside)
            engine.connect(self.id, person_id, TransportKind.PUBLISH)
            engine.send(self.id, person_id, Source.MICROPHONE)
        await self.agent.phase_of("call", "active")


def offer(*sources: Source, direction: str = "sendonly") -> str:
    """An offer with one m-line a source, mid by position."""
    lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0"]
    for index, source in enumerate(sources):
        lines += [f"m={source.kind} 9 UDP/TLS/RTP/SAVPF 96", f"a=mid:{index}", f"a={direction}"]
    return "\r\n".join([*lines, ""])


@contextlib.asynccontextmanager
async def running_service(
    *,
    organisation: Any = None,
    records: Any = None,
    meeting_records: Any = None,
    confirmation_records: Any = None,
    clock: ManualClock | None = None,
    **changes: Any,
) -> AsyncIterator[Service]:
    """``organisation`` stands for profiles and files too. ``changes`` replace settings of the gateway."""
    clock = clock or ManualClock()
    people, books, engine = People(clock), Books(), FakeEngine()
    settings = replace(SignalingSettings(media_timeout_s=1.0, direct_calls=True), **changes)
    control = MediaControl(engine, timeout_s=settings.media_timeout_s)
    gateway = Gateway(
        settings,
        authenticator=people,
        agents=people,
        ice_servers=people,
        media=control,
        recorder=books,
        metrics=books,
        organisation=organisation,
        records=records,
        meeting_records=meeting_records,
        confirmation_records=confirmation_records,
        profiles=organisation,
        files=organisation,
        clock=clock,
    )
    app = web.Application()
    gateway.attach(app)
    await control.start()
    await gateway.start()
    server = TestServer(app)
    await server.start_server()
    service = Service(gateway, engine, control, clock, people, books, str(server.make_url("/")))
    try:
        yield service
    finally:
        for client in service.clients:
            await client.leave()
        if books.connected:
            await asyncio.wait_for(books.nobody.wait(), TIMEOUT_S)
        await gateway.stop()
        await server.close()
        await control.stop()
