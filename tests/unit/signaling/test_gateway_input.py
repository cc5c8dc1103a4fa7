"""What bad input gets: a stable code, the connection kept where it can be, nothing lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import aiohttp
import pytest

from signaling.errors import ErrorCode
from signaling.settings import RateLimit, RateLimits
from signaling.wire.base import MAX_MESSAGE_BYTES
from tests.unit.signaling.service import TIMEOUT_S, Service, running_service


class RawClient:
    """Engine.IO by hand: what a library would never send."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def sign_in(self, token: str = "taxpayer01") -> None:
        await self.send("40" + json.dumps({"version": 1, "token": token}))
        assert (await self.receive()).startswith("40")
        assert "session.welcome" in await self.receive()

    async def send(self, text: str) -> None:
        await self._socket.send_str(text)

    async def send_bytes(self, data: bytes) -> None:
        await self._socket.send_bytes(data)

    async def receive(self) -> str:
        """The next message that is no ping."""
        while True:
            message = await self._socket.receive(TIMEOUT_S)
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise ConnectionError(message.type.name)
            if message.data != "2":
                return str(message.data)

    async def answer(self, ack_id: int) -> dict[str, Any]:
        while True:
            text = await self.receive()
            if text.startswith(f"43{ack_id}["):
                return dict(json.loads(text.removeprefix(f"43{ack_id}"))[0])

    async def closed(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await self.receive()
        assert self._socket.closed


@pytest.fixture
def raw(service: Service) -> Any:
    """Opens raw connections to the service."""

    class Opener:
        async def __aenter__(self) -> RawClient:
            self.session = aiohttp.ClientSession()
            socket = await self.session.ws_connect(f"{service.url}socket.io/?EIO=4&transport=websocket")
            client = RawClient(socket)
            assert (await client.receive()).startswith("0")
            return client

        async def __aexit__(self, *_: object) -> None:
            await self.session.close()

    return Opener()


async def test_an_unknown_message(service: Service) -> None:
    client = await service.sign_in("taxpayer01")
    assert await client.fails("call.teleport") == ErrorCode.UNKNOWN_MESSAGE
    assert await client.fails("connect") == ErrorCode.UNKNOWN_MESSAGE
    assert await client.fails("disconnect") == ErrorCode.UNKNOWN_MESSAGE
    assert ("unknown", "unknown_message") in service.books.outcomes
    await client.do("agent.list")


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"interaction_id": 5},
        {"interaction_id": ""},
        {"interaction_id": "a" * 65},
        {"interaction_id": "a/../b"},
        {"interaction_id": "a", "extra": 1},
        {"interaction_id": b"a"},
        ["a"],
        "a",
        None,
        5,
    ],
    ids=str,
)
async def test_a_message_of_another_shape(service: Service, payload: Any) -> None:
    client = await service.sign_in("taxpayer01")
    if payload == {"interaction_id": b"a"}:
        await client.socket.emit("interaction.get", payload)  # binary: not even an answer is owed
    else:
        acknowledged = await client.socket.call("interaction.get", payload, timeout=TIMEOUT_S)
        assert acknowledged["error"]["code"] == ErrorCode.BAD_MESSAGE
    await client.do("agent.list")


async def test_more_arguments_than_one(service: Service) -> None:
    client = await service.sign_in("taxpayer01")
    acknowledged = await client.socket.call("agent.list", ({}, {}), timeout=TIMEOUT_S)
    assert acknowledged["error"]["code"] == ErrorCode.BAD_MESSAGE


async def test_nothing_is_coerced(service: Service) -> None:
    pair = await service.pair()
    await pair.share()
    for fields in (
        {"sdp": "v=0", "tracks": [], "fresh": "true"},
        {"sdp": "v=0", "tracks": [], "fresh": 1},
        {"sdp": "v=0", "tracks": {}, "fresh": True},
        {"sdp": "", "tracks": [], "fresh": True},
        {"sdp": "v=0", "tracks": [{"mid": "0", "source": "desktop"}], "fresh": True},
        {"sdp": "v=0", "tracks": [{"mid": "0", "source": "camera"}] * 9, "fresh": True},
    ):
        code = await pair.taxpayer.fails("media.publish", interaction_id=pair.id, **fields)
        assert code == ErrorCode.BAD_MESSAGE


async def test_a_message_too_large_is_answered_and_the_connection_kept(service: Service) -> None:
    client = await service.sign_in("taxpayer01")
    code = await client.fails("message.send", interaction_id="a", text="x" * MAX_MESSAGE_BYTES)
    assert code == ErrorCode.MESSAGE_TOO_LARGE
    await client.do("agent.list")


async def test_a_message_far_too_large_closes_the_connection_and_nothing_else(
    service: Service, raw: Any
) -> None:
    other = await service.sign_in("taxpayer02")
    async with raw as client:
        await client.sign_in()
        await client.send("42" + "x" * (MAX_MESSAGE_BYTES * 5))
        await client.closed()
    await other.do("agent.list")


@pytest.mark.parametrize(
    "text",
    [
        "4",
        "42",
        "42[",
        "42{}",
        "42[]",
        "42[5]",
        "42[null]",
        '42["agent.list"',
        "42" + "[" * 100_000,
        "429" * 60 + "[]",
        '42/other,["agent.list"]',
        "44{}",
        "45",
        '451-["agent.list",{"_placeholder":true,"num":0}]',
        "49",
        "4x",
        '40{"version":1,"token":"taxpayer01"}',
    ],
    ids=lambda text: text[:24],
)
async def test_garbage_on_a_signed_in_connection(service: Service, raw: Any, text: str) -> None:
    async with raw as client:
        await client.sign_in()
        await client.send(text)
        await client.send('421["agent.list"]')
        assert (await client.answer(1))["ok"] is True


async def test_garbage_with_an_acknowledgement_is_answered(raw: Any) -> None:
    async with raw as client:
        await client.sign_in()
        await client.send('427["agent.list"')
        assert (await client.answer(7))["error"]["code"] == ErrorCode.BAD_MESSAGE
        await client.send("428[5]")
        assert (await client.answer(8))["error"]["code"] == ErrorCode.BAD_MESSAGE


async def test_binary_frames_are_not_kept(raw: Any) -> None:
    async with raw as client:
        await client.sign_in()
        for _ in range(3):
            await client.send_bytes(b"\x00" * 1000)
        await client.send('421["agent.list"]')
        assert (await client.answer(1))["ok"] is True


@pytest.mark.parametrize("text", ['42["agent.list"]', "40", "40[", "41", "4", "40/other,{}"])
async def test_who_has_not_signed_in_gets_nothing(service: Service, raw: Any, text: str) -> None:
    async with raw as client:
        await client.send(text)
        await client.send('421["agent.list"]')
        await client.closed()
    assert service.books.outcomes == []


async def test_a_silent_transport_is_closed() -> None:
    async with running_service(handshake_timeout_s=0.05) as service, aiohttp.ClientSession() as session:
        socket = await session.ws_connect(f"{service.url}socket.io/?EIO=4&transport=websocket")
        client = RawClient(socket)
        await client.closed()


async def test_a_flood_is_refused_and_says_when_to_come_back(service: Service) -> None:
    rates = RateLimits(messages=RateLimit(5, 1.0), refusals=RateLimit(50, 1.0))
    async with running_service(rates=rates) as own:
        client = await own.sign_in("taxpayer01")
        for _ in range(5):
            await client.do("agent.list")
        refused = await client.call("agent.list")
        assert refused["error"]["code"] == ErrorCode.RATE_LIMITED
        assert refused["error"]["retry_after_ms"] == 1000
        own.clock.advance(1000)
        await client.do("agent.list")


async def test_whoever_floods_on_is_disconnected() -> None:
    rates = RateLimits(messages=RateLimit(5, 1.0), refusals=RateLimit(10, 1.0))
    async with running_service(rates=rates) as own:
        client = await own.sign_in("taxpayer01")
        other = await own.sign_in("taxpayer02")
        for _ in range(30):
            await client.socket.emit("agent.list")
        closed = await client.wait_for("session.closed")
        assert closed["reason"]["code"] == ErrorCode.RATE_LIMITED
        await asyncio.wait_for(client.closed.wait(), TIMEOUT_S)
        await other.do("agent.list")


async def test_texts_have_a_rate_of_their_own() -> None:
    rates = RateLimits(texts=RateLimit(2, 0.5))
    async with running_service(rates=rates) as own:
        pair = await own.pair()
        for number in range(2):
            await pair.taxpayer.do(
                "message.send", interaction_id=pair.id, client_message_id=f"m{number}", text="好"
            )
        code = await pair.taxpayer.fails(
            "message.send", interaction_id=pair.id, client_message_id="m2", text="好"
        )
        assert code == ErrorCode.RATE_LIMITED
        await pair.taxpayer.do("assistance.request", interaction_id=pair.id)


async def test_a_slow_consumer_is_given_up_and_finds_everything_when_it_resumes() -> None:
    async with running_service(outbox_messages=20) as own:
        pair = await own.pair()
        welcome = await pair.taxpayer.wait_for("session.welcome")
        transport = own.gateway._connections._by_person["taxpayer01"][-1].transport_id
        socket = own.gateway._server.eio.sockets[transport]
        held: asyncio.Event = asyncio.Event()
        original = socket.queue.get

        async def stuck() -> Any:
            await held.wait()
            return await original()

        socket.queue.get = stuck
        await pair.agent.do("call.start", interaction_id=pair.id)
        for number in range(30):
            own.clock.advance(1000)
            await pair.agent.do(
                "message.send", interaction_id=pair.id, client_message_id=f"m{number}", text="您好"
            )
        held.set()
        await asyncio.wait_for(pair.taxpayer.closed.wait(), TIMEOUT_S)
        back = own.client("taxpayer01")
        again = await back.connect(resume_token=welcome["resume_token"])
        texts = [m for m in again["interactions"][0]["messages"] if m["sender_id"] == "agent01"]
        assert len(texts) == 30


async def test_an_address_that_keeps_trying_tokens_waits() -> None:
    rates = RateLimits(bad_tokens=RateLimit(3, 1.0))
    async with running_service(rates=rates) as own:
        there = await own.sign_in("taxpayer01")
        for _ in range(3):
            assert await own.client("invalid").refused() == ErrorCode.TOKEN_INVALID
        limited = own.client("invalid")
        assert await limited.refused() == ErrorCode.RATE_LIMITED
        assert limited.refusal is not None
        assert limited.refusal["data"]["retry_after_ms"] == 1000
        assert await own.client("taxpayer02").refused() == ErrorCode.RATE_LIMITED, "no token is looked at"
        await there.do("agent.list")  # who is connected stays so
        own.clock.advance(1000)
        await own.client("taxpayer02").connect()
        for _ in range(5):
            await own.client("taxpayer02").connect()  # right ones are not counted
            own.clock.advance(1000)


async def test_tokens_are_counted_for_the_address_the_application_names() -> None:
    async with running_service(rates=RateLimits(bad_tokens=RateLimit(1, 0.1))) as own:
        addresses = iter(["203.0.113.1", "203.0.113.2", "203.0.113.1"])
        own.gateway._address_of = lambda _: next(addresses)
        assert await own.client("invalid").refused() == ErrorCode.TOKEN_INVALID
        assert await own.client("invalid").refused() == ErrorCode.TOKEN_INVALID
        assert await own.client("invalid").refused() == ErrorCode.RATE_LIMITED


async def test_descriptions_are_as_long_as_honest_ones_at_most(service: Service) -> None:
    pair = await service.pair()
    await pair.share()
    long = "v=0\r\n" + "a=x\r\n" * 20_000
    offered = {"sdp": long[: 32 * 1024 + 1], "tracks": [], "fresh": True}
    assert (
        await pair.taxpayer.fails("media.publish", interaction_id=pair.id, **offered) == ErrorCode.BAD_MESSAGE
    )
    answered = {"sdp": long[: 64 * 1024 + 1]}
    assert await pair.agent.fails("media.answer", interaction_id=pair.id, **answered) == ErrorCode.BAD_MESSAGE
    await pair.subscribe(pair.agent)
    await pair.agent.do("media.answer", interaction_id=pair.id, sdp=long[: 54 * 1024])


async def test_a_browser_that_offers_compression_gets_none(service: Service) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"{service.url}socket.io/?EIO=4&transport=websocket"
        async with session.ws_connect(url, compress=15) as socket:
            assert socket.compress == 0
            assert (await socket.receive_str()).startswith("0")
