"""A crash stays in its room; mailboxes and outboxes are bounded."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from engineio.packet import MESSAGE, Packet  # type: ignore[import-untyped]

from media.types import Source
from signaling.errors import ErrorCode, Refused
from signaling.outbox import Outbox
from signaling.ratelimit import TokenBucket
from signaling.rooms.inbox import Inbox
from signaling.rooms.room import Ask
from signaling.rooms.seats import LocalSeats
from signaling.sessions import interaction
from signaling.sessions.policy import SessionKind
from signaling.settings import RateLimit
from signaling.transport import _weight
from signaling.wire.base import Notification
from signaling.wire.notifications import ActiveSpeakersChanged
from signaling.wire.requests import GetInteraction
from tests.unit.signaling.service import Service


async def test_a_crash_stays_in_its_room_and_its_members_are_told(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    crashing = await service.pair()
    await crashing.share()
    healthy = await service.pair("taxpayer02", "agent02")
    real = interaction.handle

    def handle(state: Any, command: Any, now_ms: int) -> Any:
        if state.interaction_id == crashing.id:
            raise ZeroDivisionError("the taxpayer wrote: 我的密码是 1234")
        return real(state, command, now_ms)

    monkeypatch.setattr(interaction, "handle", handle)
    code = await crashing.agent.fails("assistance.hang_up", interaction_id=crashing.id)
    assert code == ErrorCode.INTERNAL_ERROR
    told = await crashing.taxpayer.wait_for(
        "interaction.changed", lambda m: m["interaction"]["phase"] == "closed"
    )
    assert told["interaction"]["assistance"]["phase"] == "ended"
    assert crashing.id not in service.engine.rooms
    assert not service.engine.send(crashing.id, crashing.taxpayer_id, Source.SCREEN)
    assert service.books.open_interactions == 1
    agents = (await crashing.taxpayer.do("agent.list"))["agents"]
    assert agents[0]["busy"] is False
    await healthy.taxpayer.do("assistance.request", interaction_id=healthy.id)
    assert "密码" not in caplog.text
    gone = await crashing.taxpayer.fails("interaction.get", interaction_id=crashing.id)
    assert gone == ErrorCode.INTERACTION_CLOSED


async def test_a_room_that_has_ended_answers_at_once(service: Service) -> None:
    pair = await service.pair()
    room = service.gateway._rooms.of_person(pair.taxpayer_id)[0]
    await pair.agent.do("interaction.close", interaction_id=pair.id)
    await room.ended()
    with pytest.raises(Refused) as caught:
        room.ask(Ask(pair.taxpayer_id, GetInteraction(interaction_id=pair.id), lambda _: None))
    assert caught.value.code is ErrorCode.INTERACTION_CLOSED


async def test_who_dies_while_being_let_in_leaves_nothing_behind(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = await service.pair()
    asked, go_on = asyncio.Event(), asyncio.Event()
    authenticate = service.people.authenticate

    async def slow(token: str) -> Any:
        asked.set()
        await go_on.wait()
        return await authenticate(token)

    monkeypatch.setattr(service.people, "authenticate", slow)
    async with aiohttp.ClientSession() as session:
        url = f"{service.url}socket.io/?EIO=4&transport=polling"
        opened = await (await session.get(url)).text()
        sid = json.loads(opened[1:])["sid"]
        hello = "40" + json.dumps({"version": 1, "token": pair.taxpayer_id})
        posting = asyncio.ensure_future(session.post(f"{url}&sid={sid}", data=hello))
        await asyncio.wait_for(asked.wait(), 5)
        await service.gateway._server.eio.sockets[sid].close(wait=False)
        go_on.set()
        await posting
    await pair.agent.wait_for("member.changed", lambda m: m["member"]["presence"] == "reconnecting")
    assert service.books.connected == 1
    assert not service.gateway._connections.is_online(pair.taxpayer_id)


async def test_everything_private_stays_out_of_the_log(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    pair = await service.pair()
    await pair.talk()
    await pair.taxpayer.fails(
        "message.send", interaction_id=pair.id, client_message_id="m", text=["我的电话 13400000000"]
    )
    await pair.taxpayer.fails(
        "media.publish", interaction_id=pair.id, sdp="a=ice-pwd:secret", tracks=[], fresh=True
    )
    ours = "\n".join(
        str(vars(record)) for record in caplog.records if record.name.startswith(("signaling", "media"))
    )
    assert "bad_sdp" in ours
    for private in ("13400000000", "ice-pwd", "shown taxpayer01"):
        assert private not in ours


async def test_an_inbox_refuses_what_is_too_much_and_takes_what_must_arrive() -> None:
    inbox: Inbox[int] = Inbox(2)
    assert inbox.offer(1)
    assert inbox.offer(2)
    assert not inbox.offer(3)
    inbox.force(4)
    assert [await inbox.take() for _ in range(3)] == [1, 2, 4]
    inbox.force(5)
    assert inbox.drain() == [5]
    assert len(inbox) == 0


class Post:
    """A transport that takes nothing away by itself."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def post_event(self, transport_id: str, text: str) -> int:
        self.sent.append(json.loads(text)[1]["person_ids"][0])
        return len(self.sent)

    def post_ack(self, transport_id: str, ack_id: int, text: str) -> int:
        self.sent.append(f"ack {ack_id}")
        return len(self.sent)


def told(name: str) -> Notification:
    return ActiveSpeakersChanged(interaction_id="i", person_ids=[name])


def test_the_welcome_is_first_and_the_rest_in_order() -> None:
    post = Post()
    outbox = Outbox(post, "t", 10, lambda: None)
    outbox.notify(told("a"))
    outbox.notify(told("b"))
    assert post.sent == []
    outbox.welcome(told("welcome"))
    outbox.acknowledge(1, "[{}]")
    outbox.notify(told("c"))
    outbox.close(told("goodbye"))
    outbox.notify(told("too late"))
    outbox.acknowledge(2, "[{}]")
    assert post.sent == ["welcome", "a", "b", "ack 1", "c", "goodbye"]


@pytest.mark.parametrize("welcomed", [True, False])
def test_an_outbox_that_overflows_gives_up_once(welcomed: bool) -> None:
    post, given_up = Post(), []
    outbox = Outbox(post, "t", 3, lambda: given_up.append(True))
    if welcomed:
        outbox.welcome(told("welcome"))
    for _ in range(10):
        outbox.notify(told("a"))
    assert given_up == [True]
    assert len(post.sent) <= 4


async def test_long_messages_weigh_more() -> None:
    queue: asyncio.Queue[Any] = asyncio.Queue()
    for _ in range(4):
        queue.put_nowait(Packet(MESSAGE, "x" * 100_000))
    assert _weight(queue) == 4, "a few are never too much"
    queue.put_nowait(Packet(MESSAGE, "x" * 10))
    queue.put_nowait(None)
    assert _weight(queue) == 4 * (1 + 100_000 // 16_384) + 1


def test_a_bucket_empties_and_fills() -> None:
    bucket = TokenBucket(RateLimit(burst=2, per_second=4.0), now_ms=1000)
    assert bucket.take(1000) is None
    assert bucket.take(1000) is None
    assert bucket.take(1000) == 250
    assert bucket.take(1100) == 150
    assert not bucket.full(1200)
    assert bucket.take(1250) is None
    assert bucket.take(1240) == 250, "a clock that goes back gives nothing"
    assert bucket.full(2000)


async def test_seats() -> None:
    seats = LocalSeats()
    call = SessionKind.CALL
    assert await seats.claim("a", call, "one")
    assert await seats.claim("a", call, "one")
    assert not await seats.claim("a", call, "two")
    assert not await seats.is_free("a", call, "two")
    assert await seats.claim("a", SessionKind.ASSISTANCE, "two")
    seats.release("a", call, "two")
    assert not await seats.claim("a", call, "two"), "only the holder gives it back"
    seats.release("a", call, "one")
    assert await seats.claim("a", call, "two")
    assert await seats.is_busy("a")
    assert not await seats.is_busy("b")
