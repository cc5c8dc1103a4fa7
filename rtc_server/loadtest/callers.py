"""The people of a call run: they sign in through the ordinary wire and go through an assistance or a call as people do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

from media.types import Source
from rtc_server.loadtest.endpoints import Endpoint
from rtc_server.loadtest.wire import Wire

_TILE_OF_TWO = (320, 180)
"""How large each of the two others is shown in a call of three, 640 × 360, in a quarter of the pixels as the clips are."""
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
        self.token = ""
        self.members: set[str] = set()
        """Of the meeting, oneself included."""
        self.links: dict[str, str] = {}
        """What the server says of the two transports."""
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
            case "media.layers_wanted" if self.endpoint is not None:
                self.endpoint.layers_wanted(body["source"], body["rids"])
            case "media.transport":
                self.links[body["transport"]] = body["state"]
            case "meeting.changed":
                self.meets(body["meeting"])
            case "meeting.member":
                member = body["member"]
                change = self.members.discard if member["presence"] == "left" else self.members.add
                change(member["person_id"])
            case _:
                return
        self._changed.set()

    def meets(self, view: dict[str, Any]) -> None:
        """Take in a view of the meeting."""
        self.phases["meeting"] = view["place"]
        self.members.update(member["person_id"] for member in view["members"])

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
class Group:
    """The people of one room: a taxpayer and an agent, the agent of another authority in a call of three, whoever else
    attends a meeting."""

    number: int
    taxpayer: Caller
    agent: Caller
    guest: Caller | None = None
    attendees: tuple[Caller, ...] = ()
    meeting_id: str = ""
    failure: str | None = None
    joined: bool = False
    publishes: dict[str, tuple[Source, ...]] = field(default_factory=dict)
    """By person."""
    wanted: Mapping[str, Collection[tuple[str, str]]] | None = None
    """By person: the (publisher, source) that must reach them; None: everything."""

    @property
    def people(self) -> tuple[Caller, ...]:
        guest = (self.guest,) if self.guest is not None else ()
        return (self.taxpayer, self.agent, *guest, *self.attendees)

    def expected(self) -> Iterable[tuple[str, str, str]]:
        """(receiver, publisher, source) of every track that must arrive."""
        for receiver, publisher in permutations(self.people, 2):
            for source in self.publishes.get(publisher.person_id, ()):
                track = publisher.person_id, source.value
                if self.wanted is None or track in self.wanted[receiver.person_id]:
                    yield receiver.person_id, *track


async def open_directly(group: Group) -> None:
    """The taxpayer chooses the agent from the list (``RTC_DIRECT_CALLS``)."""
    opened = await group.taxpayer.wire.ask("interaction.open", {"agent_id": group.agent.person_id})
    group.taxpayer.interaction_id = opened["interaction"]["interaction_id"]
    await group.agent.until_phase("interaction", "open")


async def call(group: Group) -> None:
    """The agent rings, the taxpayer agrees, both send camera and microphone."""
    taxpayer, agent = group.taxpayer, group.agent
    await agent.ask("call.start")
    await taxpayer.until_phase("call", "ringing")
    endpoints = _endpoints(group)
    await asyncio.gather(*(one.subscribe() for one in endpoints))
    _agreed(group)
    await taxpayer.ask("call.accept")
    await asyncio.gather(*(one.until_phase("call", "connecting", "active") for one in group.people))
    sources = (Source.MICROPHONE, Source.CAMERA)
    group.publishes = {one.person_id: sources for one in group.people}
    await asyncio.gather(*(one.publish(sources) for one in endpoints))
    await _joined(group, "call", "active")


async def three_party(group: Group, authority: str) -> None:
    """The agent invites one of another authority, who accepts; the call begins between the two, and the third joins it."""
    guest = group.guest
    assert guest is not None
    endpoint = guest.endpoint
    assert endpoint is not None
    await guest.wire.ask("agent.sign_in", {"status": "free"})
    await group.agent.ask("invitation.offer", {"to_agent": guest.person_id, "authority": authority})
    await guest.until("the invitation rings", lambda who: bool(who.invitations))
    guest.interaction_id = guest.invitations[-1]
    await guest.ask("invitation.accept")
    await guest.until_phase("interaction", "open")
    await group.agent.ask("call.start")
    await group.taxpayer.until_phase("call", "ringing")
    endpoints = (*_endpoints(group), endpoint)
    await asyncio.gather(*(one.subscribe() for one in endpoints))
    for receiver, publisher in permutations(group.people, 2):
        width, height = _TILE_OF_TWO
        view = {"publisher_id": publisher.person_id, "source": "camera", "width": width, "height": height}
        await receiver.ask("media.view", view)
    _agreed(group)
    await group.taxpayer.ask("call.accept")
    await asyncio.gather(*(one.until_phase("call", "connecting", "active") for one in group.people))
    await guest.ask("call.accept")
    sources = (Source.MICROPHONE, Source.CAMERA)
    group.publishes = {one.person_id: sources for one in group.people}
    await asyncio.gather(*(one.publish(sources) for one in endpoints))
    await _joined(group, "call", "active")


async def assist(group: Group) -> None:
    """The taxpayer asks for help, the agent accepts, the taxpayer's screen is shown."""
    taxpayer, agent = group.taxpayer, group.agent
    await taxpayer.ask("assistance.request")
    await agent.until_phase("assistance", "requested")
    of_taxpayer, of_agent = _endpoints(group)
    await of_agent.subscribe()
    _agreed(group)
    await agent.ask("assistance.accept")
    await taxpayer.until_phase("assistance", "accepted")
    group.publishes = {taxpayer.person_id: (Source.SCREEN,)}
    await of_taxpayer.publish((Source.SCREEN,))
    await _joined(group, "assistance", "sharing")


async def part_ways(group: Group) -> None:
    if group.meeting_id:
        await group.agent.wire.ask("meeting.end", {"meeting_id": group.meeting_id})
    elif group.taxpayer.interaction_id:
        await group.taxpayer.ask("interaction.close", {"cause": "button"})


def _endpoints(group: Group) -> tuple[Endpoint, Endpoint]:
    first, second = group.taxpayer.endpoint, group.agent.endpoint
    assert first is not None
    assert second is not None
    return first, second


def _agreed(group: Group) -> None:
    now = time.monotonic()
    for one in group.people:
        one.times.accepted_at = now


async def _joined(group: Group, thing: str, phase: str) -> None:
    for one in group.people:
        await one.until_phase(thing, phase)
        one.times.joined_at = time.monotonic()
    group.joined = True


async def open_by_queue(group: Group, authority: str) -> None:
    """The taxpayer takes a number, it rings at the agent, who accepts. One group of a centre at a time: then it can ring at
    nobody else's agent."""
    taxpayer, agent = group.taxpayer, group.agent
    await agent.wire.ask("agent.sign_in", {"status": "free"})
    await taxpayer.wire.ask("queue.join", {"page": "办税首页", "business": "申报", "authority": authority})
    await agent.until("the visit rings", lambda who: bool(who.offers))
    await agent.wire.ask("offer.accept", {"ticket_id": agent.offers[-1]})
    await agent.wire.ask("agent.set_status", {"status": "away"})
    await asyncio.gather(*(one.until_phase("interaction", "open") for one in (taxpayer, agent)))
