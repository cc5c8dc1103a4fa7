"""The people of a call run: they sign in through the ordinary wire and go through an assistance or a call as people do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

from media.types import Source
from rtc_server.loadtest.endpoints import Endpoint
from rtc_server.loadtest.wire import Wire

STEP_S = 30.0
"""The longest a step of a conversation may take; the server's own deadline for ringing."""


@dataclass(slots=True)
class Times:
    """Of one person, seconds of ``time.monotonic``."""

    sign_in_s: float | None = None
    """How long it took until the server had said welcome."""
    accepted_at: float | None = None
    """When media was agreed on: what a first picture is counted from."""
    joined_at: float | None = None
    """When the server said that the call or share runs."""


class Caller:
    """One person on the wire. Keeps the last state of each thing."""

    def __init__(self, person_id: str) -> None:
        self.person_id = person_id
        self.wire = Wire(self._on_event)
        self.times = Times()
        self.endpoint: Endpoint | None = None
        self.interaction_id = ""
        self.phases: dict[str, str] = {}
        self.ended: dict[str, str | None] = {}
        self.offers: list[str] = []
        self.invitations: list[str] = []
        self.failed_transports = 0
        self._changed = asyncio.Event()

    async def ask(self, event: str, body: dict[str, Any] | None = None) -> Any:
        """About this person's interaction. Raises ``WireFailed``."""
        return await self.wire.ask(event, {"interaction_id": self.interaction_id} | (body or {}))

    def _on_event(self, event: str, body: Any) -> None:
        match event:
            case "session.welcome":
                self.phases["session"] = "welcome"
            case "interaction.changed":
                view = body["interaction"]
                self.interaction_id = self.interaction_id or view["interaction_id"]
                self.phases["interaction"] = view["phase"]
            case "call.changed" | "assistance.changed":
                thing = event.partition(".")[0]
                self.phases[thing] = body[thing]["phase"]
                self.ended[thing] = body[thing]["end_reason"]
            case "offer.rang":
                self.offers.append(body["offer"]["ticket_id"])
            case "invitation.rang":
                self.invitations.append(body["ring"]["interaction_id"])
            case "media.slot" if self.endpoint is not None:
                self.endpoint.slot_changed(body["mid"], body["publisher_id"], body["source"])
            case "media.transport" if body["state"] == "failed":
                self.failed_transports += 1
            case _:
                return
        self._changed.set()

    async def until(self, what: str, done: Callable[[Caller], bool]) -> None:
        """Raises ``TimeoutError`` with what did not happen."""
        try:
            async with asyncio.timeout(STEP_S):
                while not done(self):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"never happened: {what}") from None

    async def until_phase(self, thing: str, *phases: str) -> None:
        await self.until(f"{thing} {'/'.join(phases)}", lambda who: who.phases.get(thing) in phases)


@dataclass(slots=True)
class Pair:
    """A taxpayer and an agent in a room of their own, and the agent of another authority in a call of three."""

    number: int
    taxpayer: Caller
    agent: Caller
    guest: Caller | None = None
    failure: str | None = None
    joined: bool = False
    publishes: dict[str, tuple[Source, ...]] = field(default_factory=dict)
    """By person."""

    @property
    def people(self) -> tuple[Caller, ...]:
        return (self.taxpayer, self.agent, *((self.guest,) if self.guest is not None else ()))

    def expected(self) -> Iterable[tuple[str, str, str]]:
        """(receiver, publisher, source) of every track that must arrive."""
        for receiver, publisher in permutations(self.people, 2):
            for source in self.publishes.get(publisher.person_id, ()):
                yield receiver.person_id, publisher.person_id, source.value


async def open_directly(pair: Pair) -> None:
    """The taxpayer chooses the agent from the list (``RTC_DIRECT_CALLS``)."""
    opened = await pair.taxpayer.wire.ask("interaction.open", {"agent_id": pair.agent.person_id})
    pair.taxpayer.interaction_id = opened["interaction"]["interaction_id"]
    await pair.agent.until_phase("interaction", "open")


async def call(pair: Pair) -> None:
    """The agent rings, the taxpayer agrees, both send camera and microphone."""
    taxpayer, agent = pair.taxpayer, pair.agent
    await agent.ask("call.start")
    await taxpayer.until_phase("call", "ringing")
    endpoints = _endpoints(pair)
    await asyncio.gather(*(one.subscribe() for one in endpoints))
    _agreed(pair)
    await taxpayer.ask("call.accept")
    await asyncio.gather(*(one.until_phase("call", "connecting", "active") for one in pair.people))
    sources = (Source.MICROPHONE, Source.CAMERA)
    pair.publishes = {one.person_id: sources for one in pair.people}
    await asyncio.gather(*(one.publish(sources) for one in endpoints))
    await _joined(pair, "call", "active")


async def three_party(pair: Pair, authority: str) -> None:
    """The agent invites one of another authority, who accepts; the call begins between the two, and the third joins it."""
    guest = pair.guest
    assert guest is not None
    endpoint = guest.endpoint
    assert endpoint is not None
    await guest.wire.ask("agent.sign_in", {"status": "free"})
    await pair.agent.ask("invitation.offer", {"to_agent": guest.person_id, "authority": authority})
    await guest.until("the invitation rings", lambda who: bool(who.invitations))
    guest.interaction_id = guest.invitations[-1]
    await guest.ask("invitation.accept")
    await guest.until_phase("interaction", "open")
    await pair.agent.ask("call.start")
    await pair.taxpayer.until_phase("call", "ringing")
    endpoints = (*_endpoints(pair), endpoint)
    await asyncio.gather(*(one.subscribe() for one in endpoints))
    _agreed(pair)
    await pair.taxpayer.ask("call.accept")
    await asyncio.gather(*(one.until_phase("call", "connecting", "active") for one in pair.people))
    await guest.ask("call.accept")
    sources = (Source.MICROPHONE, Source.CAMERA)
    pair.publishes = {one.person_id: sources for one in pair.people}
    await asyncio.gather(*(one.publish(sources) for one in endpoints))
    await _joined(pair, "call", "active")


async def assist(pair: Pair) -> None:
    """The taxpayer asks for help, the agent accepts, the taxpayer's screen is shown."""
    taxpayer, agent = pair.taxpayer, pair.agent
    await taxpayer.ask("assistance.request")
    await agent.until_phase("assistance", "requested")
    of_taxpayer, of_agent = _endpoints(pair)
    await of_agent.subscribe()
    _agreed(pair)
    await agent.ask("assistance.accept")
    await taxpayer.until_phase("assistance", "accepted")
    pair.publishes = {taxpayer.person_id: (Source.SCREEN,)}
    await of_taxpayer.publish((Source.SCREEN,))
    await _joined(pair, "assistance", "sharing")


async def part_ways(pair: Pair) -> None:
    if pair.taxpayer.interaction_id:
        await pair.taxpayer.ask("interaction.close", {"cause": "button"})


def _endpoints(pair: Pair) -> tuple[Endpoint, Endpoint]:
    first, second = pair.taxpayer.endpoint, pair.agent.endpoint
    assert first is not None
    assert second is not None
    return first, second


def _agreed(pair: Pair) -> None:
    now = time.monotonic()
    for one in pair.people:
        one.times.accepted_at = now


async def _joined(pair: Pair, thing: str, phase: str) -> None:
    for one in pair.people:
        await one.until_phase(thing, phase)
        one.times.joined_at = time.monotonic()
    pair.joined = True


async def open_by_queue(pair: Pair, authority: str) -> None:
    """The taxpayer takes a number, it rings at the agent, who accepts. One pair of a centre at a time: then it can ring at
    nobody else's agent."""
    taxpayer, agent = pair.taxpayer, pair.agent
    await agent.wire.ask("agent.sign_in", {"status": "free"})
    await taxpayer.wire.ask("queue.join", {"page": "办税首页", "business": "申报", "authority": authority})
    await agent.until("the visit rings", lambda who: bool(who.offers))
    await agent.wire.ask("offer.accept", {"ticket_id": agent.offers[-1]})
    await agent.wire.ask("agent.set_status", {"status": "away"})
    await asyncio.gather(*(one.until_phase("interaction", "open") for one in (taxpayer, agent)))
