"""Every request of the wire, in every state of a conversation, from everybody: what is broken changes nothing, what belongs
to others is not reached, and whatever is sent is answered with a stable code and no fault of ours."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from media.types import Source
from signaling.errors import ErrorCode
from signaling.sessions.model import FileRef
from signaling.settings import RateLimit, RateLimits
from signaling.wire.base import Request
from signaling.wire.requests import REQUESTS, InteractionRequest, TicketRequest
from tests.unit.signaling.bureau import Bureau, Conversation, open_bureau, serve
from tests.unit.signaling.service import Client, Pair, Service, offer

SECRET = "秘密内容"
CODES = set(ErrorCode)
NASTY: tuple[Any, ...] = (
    None, True, -1, 0, 2**31, 2**63, 1.5, "", " ", "\x00", "\ud800", "x" * 5_000, "../..", "张三", [], {}, [None], {"a": 1},
)  # fmt: skip
FREELY = RateLimits(
    messages=RateLimit(1_000_000, 1_000),
    texts=RateLimit(1_000_000, 1_000),
    costly=RateLimit(1_000_000, 1_000),
    refusals=RateLimit(1_000_000, 1_000),
    connects=RateLimit(1_000_000, 1_000),
)
ROUNDS = 4


@dataclass
class Scene:
    """A conversation of taxpayer01 with agent01 of centre gd, or on its way there; ``id`` is of both it and its ticket."""

    service: Service
    id: str
    people: dict[str, Client]

    def truth(self) -> tuple[object, ...]:
        """All there is of it."""
        gateway = self.service.gateway
        room = gateway._rooms.get(self.id)
        ticket = gateway._reception.state.tickets.get(self.id)
        return (room.state if room is not None else None, ticket)


@asynccontextmanager
async def bureau() -> AsyncIterator[tuple[Service, dict[str, Client]]]:
    own = Bureau()
    own.files["f1"] = ("i", "taxpayer01", FileRef("f1", SECRET, "text/plain", 5))
    async with open_bureau(own, rates=FREELY, direct_calls=False) as service:
        names = ("taxpayer02", "agent02", "agent11", "lead01", "lead11")
        yield service, {name: await service.sign_in(name) for name in names}


async def nothing_yet(service: Service) -> Conversation:
    agent = await service.sign_in("agent01")
    await agent.do("agent.sign_in", status="away")
    return Conversation(service, await service.sign_in("taxpayer01"), agent, "none")


async def waiting(service: Service) -> Conversation:
    talk = await nothing_yet(service)
    talk.id = (await talk.taxpayer.do("queue.join", business=SECRET))["ticket"]["ticket_id"]
    return talk


async def offered(service: Service) -> Conversation:
    talk = await waiting(service)
    await talk.agent.do("agent.set_status", status="free")
    await talk.agent.wait_for("offer.rang")
    return talk


async def talking(service: Service) -> Conversation:
    talk = await serve(service, business=SECRET)
    await talk.say(talk.taxpayer, SECRET, "m1")
    return talk


async def transferring(service: Service) -> Conversation:
    talk = await talking(service)
    target = await service.sign_in("agent03")
    await target.do("agent.sign_in")
    await talk.agent.do("transfer.offer", interaction_id=talk.id, to_agent="agent03", note=SECRET)
    await target.wait_for("offer.rang")
    return talk


async def in_calls(service: Service) -> Conversation:
    talk = await talking(service)
    pair = Pair(service, talk.taxpayer, talk.agent, talk.id, "taxpayer01", "agent01")
    await pair.share()
    await pair.talk(Source.SCREEN)
    return talk


async def closed(service: Service) -> Conversation:
    talk = await talking(service)
    await talk.agent.do("interaction.close", interaction_id=talk.id)
    await talk.taxpayer.wait_for("interaction.changed", lambda m: m["interaction"]["phase"] == "closed")
    return talk


State = Callable[[Service], Awaitable[Conversation]]
STATES: tuple[State, ...] = (nothing_yet, waiting, offered, talking, transferring, in_calls, closed)


@asynccontextmanager
async def scene_of(state: State) -> AsyncIterator[Scene]:
    async with bureau() as (service, people):
        talk = await state(service)
        yield Scene(service, talk.id, {"taxpayer01": talk.taxpayer, "agent01": talk.agent, **people})


def payload_of(model: type[Request], own_id: str, dice: random.Random) -> dict[str, Any]:
    """Of the right shape."""
    values: dict[str, tuple[Any, ...]] = {
        "interaction_id": (own_id,),
        "ticket_id": (own_id,),
        "agent_id": ("agent01", "nobody"),
        "to_agent": ("agent02", "agent01", "nobody"),
        "to_centre": ("ah", "nowhere"),
        "client_message_id": ("m1", f"g{dice.random()}"),
        "text": ("好",),
        "file_id": ("f1", "none"),
        "seq": (0, 1, 2**31 - 1),
        "before_seq": (0, 1, 5),
        "after_seq": (0, 1, 2**31 - 1),
        "limit": (1, 100),
        "problem": ("device_busy", "permission_denied"),
        "source": tuple(Source),
        "muted": (True, False),
        "given": (True, False),
        "typing": (True, False),
        "resolved": (True, False),
        "comment": ("很好",),
        "code": ("other",),
        "note": ("", "注"),
        "mode": ("listen", "whisper", "barge"),
        "status": ("free", "busy", "away", "after_work"),
        "cause": ("button", "window"),
        "page": ("首页",),
        "business": ("发票",),
        "authority": ("340000", "nowhere"),
        "parent": ("340000",),
        "words": ("", "合肥"),
        "share_history": (True, False),
        "confirmation_id": (own_id, "none"),
        "filling": ({}, {"content": "内容", "contact": "1", "materials": ["f1"]}),
        "request": ("请填写",),
        "required": ([], ["执照"]),
        "decision": ("complete", "pass_on", "supplement", "refuse"),
        "result": ("", "办结"),
        "reasons": ([], ["缺"]),
        "handler": ("agent11", "nobody"),
        "due_at": (0, 2**50),
        "skill": ("general", "none"),
        "sdp": ("v=0\r\n", offer(Source.CAMERA), offer(Source.SCREEN, Source.MICROPHONE)),
        "tracks": ([], [{"mid": "0", "source": "camera"}], [{"mid": "7", "source": "screen"}]),
        "fresh": (True, False),
        "transport": ("publish", "subscribe"),
        "candidate": ("", "candidate:1 1 udp 1 127.0.0.1 9 typ host", "x"),
        "publisher_id": ("taxpayer01", "agent01", "nobody"),
        "width": (0, 640),
        "height": (0, 8192),
        "meeting_id": (own_id,),
        "check_id": (own_id,),
        "person_id": ("agent01", "agent02", "taxpayer01", "taxpayer02", "nobody"),
        "meeting_role": ("participant", "observer"),
        "locked": (True, False),
        "hold": (True, False),
        "take_over": (True, False),
        "raised": (True, False),
        "vector": ("AA==", "gICAcQ==", ""),
        "update": ("AAA=", "gICAcQ==", "AQID"),
    }
    alternatives = (("text", "file_id"), ("to_agent", "to_centre"), ("before_seq", "after_seq"))
    left_out = {dice.choice(pair) for pair in alternatives}
    made = {}
    for name, field in model.model_fields.items():
        assert name in values, f"{model.EVENT} has a new field: {name}"
        if name in left_out and not field.is_required():
            continue
        if field.is_required() or any(name in pair for pair in alternatives) or dice.random() < 0.5:
            made[name] = dice.choice(values[name])
    return made


def broken(payload: dict[str, Any], model: type[Request], dice: random.Random) -> list[Any]:
    """The same, wrong in one place each."""
    made: list[Any] = [{**payload, "unknown": 1}, [payload], "text", 5]
    for name in payload:
        if model.model_fields[name].is_required():
            made.append({key: value for key, value in payload.items() if key != name})
        # A value of the right type may be right; an object never is, nor half a character.
        made += [{**payload, name: {"a": dice.choice(NASTY)}}, {**payload, name: {"\x00": []}}]
    return made


async def answer_of(client: Client, event: str, payload: Any) -> dict[str, Any]:
    acknowledged: dict[str, Any] = await client.socket.call(event, payload, timeout=10)
    if not acknowledged["ok"]:
        assert acknowledged["error"]["code"] in CODES
        assert acknowledged["error"]["code"] != ErrorCode.INTERNAL_ERROR, (event, payload)
    return acknowledged


def no_fault(caplog: pytest.LogCaptureFixture) -> None:
    assert [r.getMessage() for r in caplog.records if r.levelname in ("ERROR", "CRITICAL")] == []


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_what_is_broken_changes_nothing(state: State, caplog: pytest.LogCaptureFixture) -> None:
    dice = random.Random(state.__name__)
    async with scene_of(state) as scene:
        before = scene.truth()
        for name in ("taxpayer01", "agent01", "lead01"):
            client = scene.people[name]
            for model in REQUESTS:
                for payload in broken(payload_of(model, scene.id, dice), model, dice):
                    acknowledged = await answer_of(client, model.EVENT, payload)
                    assert acknowledged["error"]["code"] == ErrorCode.BAD_MESSAGE, (model.EVENT, payload)
        assert scene.truth() == before
    no_fault(caplog)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_strangers_reach_nothing_and_change_nothing(
    state: State, caplog: pytest.LogCaptureFixture
) -> None:
    """Another taxpayer, an agent and a supervisor of another centre, with every id of the conversation."""
    dice = random.Random(f"stranger {state.__name__}")
    async with scene_of(state) as scene:
        before = scene.truth()
        for name in ("taxpayer02", "agent11", "lead11"):
            client = scene.people[name]
            for model in REQUESTS:
                for _ in range(ROUNDS):
                    acknowledged = await answer_of(client, model.EVENT, payload_of(model, scene.id, dice))
                    if issubclass(model, InteractionRequest | TicketRequest):
                        assert not acknowledged["ok"], (name, model.EVENT)
                    assert SECRET not in str(acknowledged), (name, model.EVENT)
            assert SECRET not in str(client.told), name
        assert scene.truth() == before
        if state in (talking, transferring, in_calls):
            own = await scene.people["taxpayer01"].do("interaction.get", interaction_id=scene.id)
            assert SECRET in str(own), "it was there to be found"
    no_fault(caplog)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_whatever_people_of_it_send_is_answered(state: State, caplog: pytest.LogCaptureFixture) -> None:
    dice = random.Random(f"party {state.__name__}")
    async with scene_of(state) as scene:
        wishes = [
            (name, model)
            for name in ("taxpayer01", "agent01", "agent02", "lead01")
            for model in REQUESTS
            for _ in range(ROUNDS)
        ]
        dice.shuffle(wishes)
        for name, model in wishes:
            await answer_of(scene.people[name], model.EVENT, payload_of(model, scene.id, dice))
        for name in ("taxpayer01", "agent01"):
            again = scene.service.client(name)
            await again.connect()
            await again.do("media.ice_servers")
    no_fault(caplog)
