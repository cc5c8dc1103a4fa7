"""``rtc-server loadtest call``: rooms of synthetic peers with real media against a server of the run's own."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from rtc_server.identity.accounts import Account
from rtc_server.identity.tokens import TokenMinter
from rtc_server.loadtest import callers, clips, meeting
from rtc_server.loadtest.callers import Caller, Group
from rtc_server.loadtest.endpoints import Endpoint, Heard, House, NativeEndpoint, NativeHouse
from rtc_server.loadtest.house import AUTHORITIES, ServerUnderLoad, prepare
from rtc_server.loadtest.impairment import Impairment, Side
from rtc_server.loadtest.relay import ImpairedLine
from rtc_server.loadtest.wire import WireFailed
from signaling.sessions.states import Role

if TYPE_CHECKING:
    from rtc_server.loadtest.aiortc_endpoint import AiortcHouse

SAMPLE_S = 0.5
"""Between two looks at the server and the endpoints."""
_SETTLE_S = 1.0
"""After the last room joined, before figures are taken: first key frames and the first rise of the estimate are over."""
_FIRST_ARRIVAL_S = 10.0
"""How long the first packet of a track is waited for."""
_ARRIVAL_STEP_S = 0.1
_FAILURES = (WireFailed, TimeoutError, ConnectionError, aiohttp.ClientError, OSError, ValueError)


class Kind(StrEnum):
    ASSIST = "assist"
    AV = "av"
    MEETING = "meeting"
    THREE_PARTY = "three-party"


_PEOPLE = {
    Kind.ASSIST: (2, 2, "a taxpayer and an agent"),
    Kind.AV: (2, 2, "a taxpayer and an agent"),
    Kind.THREE_PARTY: (3, 3, "a taxpayer, an agent and a guest"),
    Kind.MEETING: (2, meeting.MAX_PEOPLE, "a host, the applicant and whoever else attends"),
}
_USUAL_MEETING = 6


def people_in(kind: Kind) -> int:
    """How many are in a room of this kind unless it is said."""
    return _USUAL_MEETING if kind is Kind.MEETING else _PEOPLE[kind][0]


class EndpointKind(StrEnum):
    """``MIXED``: the taxpayer of each room is aiortc, everybody else native."""

    NATIVE = "native"
    AIORTC = "aiortc"
    MIXED = "mixed"


class Way(StrEnum):
    """How a taxpayer comes to an agent."""

    DIRECT = "direct"
    QUEUE = "queue"


class CallRefused(Exception):
    """The run cannot be as it was asked for; the text says why."""


@dataclass(frozen=True, slots=True)
class Plan:
    kind: Kind = Kind.AV
    rooms: int = 2
    peers: int = 2
    """In a room."""
    seconds: float = 10.0
    """Of measuring, after all have joined."""
    endpoint: EndpointKind = EndpointKind.NATIVE
    way: Way = Way.DIRECT
    impairment: Impairment | None = None
    rooms_per_s: float = 10.0
    """How fast rooms come."""
    people_per_s: float = 10.0
    """How fast people come into a meeting."""

    @property
    def people(self) -> int:
        """In all rooms."""
        return self.rooms * self.peers

    @property
    def coming_s(self) -> float:
        """Until the last has come."""
        in_a_room = self.peers / self.people_per_s if self.kind is Kind.MEETING else 0.0
        return self.rooms / self.rooms_per_s + in_a_room

    def check(self) -> None:
        """Raises ``CallRefused``."""
        least, most, who = _PEOPLE[self.kind]
        if not least <= self.peers <= most:
            count = str(least) if least == most else f"{least} to {most}"
            raise CallRefused(f"peers_invalid: {self.kind.value} has {who}: --peers {count}")
        if self.kind is Kind.MEETING and self.way is Way.QUEUE:
            raise CallRefused("way_invalid: nobody comes to a meeting from the queue")
        if self.endpoint is not EndpointKind.NATIVE and find_spec("aiortc") is None:
            raise CallRefused("aiortc_missing: the packages for tests are not installed (aiortc)")
        if self.rooms < 1 or self.seconds <= 0 or self.rooms_per_s <= 0 or self.people_per_s <= 0:
            raise CallRefused("plan_invalid: at least one room and a second")


@dataclass(frozen=True, slots=True)
class Look:
    """The server and the endpoints at one moment, seconds since the run began."""

    at_s: float
    joined: int
    """People."""
    processor_s: float
    media_processor_s: float
    """Of the engine's worker threads, a part of the former."""
    memory_mb: float
    client_processor_s: float
    bytes: int
    video_frames: int


@dataclass(slots=True)
class Course:
    """What a run left behind, to be counted by ``figures``."""

    plan: Plan
    began_at: float
    measured_from: float = 0.0
    measured_to: float = 0.0
    groups: list[Group] = field(default_factory=list)
    heard: Heard = field(default_factory=Heard)
    looks: list[Look] = field(default_factory=list)
    reports_begin: list[dict[str, Any]] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)
    tapped: list[int | None] = field(default_factory=list)
    """Numbers a decoder read from the pictures of one receiver."""
    relayed: tuple[int, int] = (0, 0)
    """Datagrams the relays let pass, and dropped."""
    load_before: float = 0.0


async def drive(plan: Plan, show: Callable[[str], None]) -> Course:
    """A server, its people, their media. Raises ``CallRefused``."""
    plan.check()
    loop_clips = await asyncio.to_thread(clips.load)
    with tempfile.TemporaryDirectory(prefix="rtc-call-") as folder:
        data = Path(folder)
        # The guest of a room is an agent of the next city: twice as many agents, one of each kind a room.
        agents = plan.rooms * (2 if plan.kind is Kind.THREE_PARTY else 1)
        await prepare(data, None, agents + _spare(plan))
        secret = secrets.token_urlsafe(48)
        course = Course(plan, time.monotonic(), load_before=os.getloadavg()[0])
        server = await ServerUnderLoad.start(data, None, secret)
        course.began_at = time.monotonic()
        try:
            await _Run(course, server, TokenMinter(secret), loop_clips, show).go()
        finally:
            await server.stop()
    return course


class _Run:
    def __init__(
        self,
        course: Course,
        server: ServerUnderLoad,
        minter: TokenMinter,
        media: clips.Clips,
        show: Callable[[str], None],
    ) -> None:
        self._course, self._server, self._minter, self._show = course, server, minter, show
        self._plan = course.plan
        self._media = media
        self._native = NativeHouse(media, course.heard)
        self._houses: list[House] = [self._native]
        self._second: AiortcHouse | None = None
        if self._plan.endpoint is not EndpointKind.NATIVE:
            # Only when asked for: it is a package for tests, and takes a second to load.
            from rtc_server.loadtest.aiortc_endpoint import AiortcHouse

            self._second = AiortcHouse(course.heard)
            self._houses.append(self._second)
        self._lines: list[ImpairedLine] = []
        self._collecting = asyncio.Lock()
        self._centres = {code: asyncio.Lock() for code in AUTHORITIES}

    async def go(self) -> None:
        course, plan = self._course, self._plan
        # From its first key frame on: a decoder cannot begin in the middle.
        await asyncio.to_thread(self._native.peers.tap, _agent_id(0))
        watcher = asyncio.create_task(self._watch())
        try:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
                await asyncio.gather(*(self._join(http, number) for number in range(plan.rooms)))
                if any(group.joined for group in course.groups):
                    await self._all_heard()
                    await asyncio.sleep(_SETTLE_S)
                    await self._measure()
                await self._look()
                course.reports = await self._reports()
                await asyncio.gather(*(self._part(group) for group in course.groups))
                await asyncio.gather(*(one.wire.close() for group in course.groups for one in group.people))
        finally:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
            await asyncio.gather(*(house.close() for house in self._houses))
            course.relayed = (
                sum(line.up.passed + line.down.passed for line in self._lines),
                sum(line.up.dropped + line.down.dropped for line in self._lines),
            )
            await asyncio.gather(*(line.close() for line in self._lines))

    async def _all_heard(self) -> None:
        """A handshake whose packets are lost takes seconds: that is told as the time to the first picture, and is no
        freeze. What has not come by then counts as missing."""
        wanted = {track for group in self._course.groups if group.joined for track in group.expected()}
        until = time.monotonic() + _FIRST_ARRIVAL_S
        while time.monotonic() < until and not wanted <= self._course.heard.tracks.keys():
            await asyncio.sleep(_ARRIVAL_STEP_S)
            await self._look()

    async def _measure(self) -> None:
        course = self._course
        await self._look()
        course.reports_begin = await self._reports()
        course.measured_from = time.monotonic()
        for line in self._lines:
            line.begin()
        await asyncio.sleep(self._plan.seconds)
        course.measured_to = time.monotonic()
        everything = await asyncio.to_thread(self._native.peers.take_frames)
        # In a call of three there are two pictures; a decoder is for one.
        frames = [frame for frame in everything if frame[1] == everything[0][1]]
        key = next((at for at, (_, _, data) in enumerate(frames) if not data[0] & 1), len(frames))
        course.tapped = await asyncio.to_thread(
            lambda: list(clips.decode_numbers([data for _, _, data in frames[key:]]))
        )
        if self._second is not None:
            course.tapped += [number for at, number in self._second.numbers if at >= course.measured_from]

    async def _reports(self) -> list[dict[str, Any]]:
        return [report for house in self._houses for report in await house.reports()]

    async def _meet(self, http: aiohttp.ClientSession, group: Group, authority: str) -> None:
        """A meeting. Its people connect with their own scope, as the page of a meeting does."""
        group.attendees = tuple(
            Caller(f"load-attendee-{group.number}-{seat}") for seat in range(2, self._plan.peers)
        )

        async def sign_in(person: Caller, _: int) -> None:
            host = person is group.agent
            role = Role.AGENT if host else Role.TAXPAYER
            await self._sign_in(http, person, role, authority, group.number, scope="meeting")
            person.endpoint = self._endpoint(person, Side.AGENT if host else Side.TAXPAYER)

        for person, role in ((group.agent, Role.AGENT), (group.taxpayer, Role.TAXPAYER)):
            self._name(person, role, authority, group.number)
        await meeting.dispatched(group, http, self._server.url)
        await meeting.hold(group, sign_in, self._plan.people_per_s)

    async def _join(self, http: aiohttp.ClientSession, number: int) -> None:
        group = Group(number, Caller(f"{_TAXPAYER}{number}"), Caller(_agent_id(number)))
        if self._plan.kind is Kind.THREE_PARTY:
            group.guest = Caller(_agent_id(_guest_number(self._plan, number)))
        self._course.groups.append(group)
        await asyncio.sleep(number / self._plan.rooms_per_s)
        authority = AUTHORITIES[number % len(AUTHORITIES)]
        try:
            if self._plan.kind is Kind.MEETING:
                await self._meet(http, group, authority)
                return
            for person, role in ((group.agent, Role.AGENT), (group.taxpayer, Role.TAXPAYER)):
                await self._sign_in(http, person, role, authority, number)
            if self._plan.way is Way.QUEUE:
                async with self._centres[authority]:
                    await callers.open_by_queue(group, authority)
            else:
                await callers.open_directly(group)
            for person, side in ((group.agent, Side.AGENT), (group.taxpayer, Side.TAXPAYER)):
                person.endpoint = self._endpoint(person, side)
            if group.guest is not None:
                guest_number = _guest_number(self._plan, number)
                elsewhere = AUTHORITIES[guest_number % len(AUTHORITIES)]
                await self._sign_in(http, group.guest, Role.AGENT, elsewhere, guest_number)
                group.guest.endpoint = self._endpoint(group.guest, Side.AGENT)
                await callers.three_party(group, elsewhere)
                return
            await (callers.assist if self._plan.kind is Kind.ASSIST else callers.call)(group)
        except _FAILURES as error:
            group.failure = f"{type(error).__name__}: {error}"
            self._show(f"  room {number}: {group.failure}")

    def _name(self, person: Caller, role: Role, authority: str, number: int) -> None:
        """Who they are, by a token."""
        account = Account(
            person.person_id, role, f"访客{number}", "/", "", authority, None,
            f"{1000 + number}" if role is Role.AGENT else None,
        )  # fmt: skip
        person.token = self._minter.mint(account, 3600)

    async def _sign_in(
        self,
        http: aiohttp.ClientSession,
        person: Caller,
        role: Role,
        authority: str,
        number: int,
        *,
        scope: str = "service",
    ) -> None:
        self._name(person, role, authority, number)
        began = time.monotonic()
        await person.wire.connect(http, self._server.url, person.token, scope)
        await person.until_phase("session", "welcome")
        person.times.sign_in_s = time.monotonic() - began

    def _endpoint(self, person: Caller, side: Side) -> Endpoint:
        what, line = self._plan.impairment, None
        if what is not None and what.side in {side, Side.BOTH}:
            line = ImpairedLine(what, person.person_id)
            self._lines.append(line)
        if self._second is not None and (
            self._plan.endpoint is EndpointKind.AIORTC or person.person_id.startswith(_TAXPAYER)
        ):
            from rtc_server.loadtest.aiortc_endpoint import AiortcEndpoint

            return AiortcEndpoint(self._second, person.person_id, person.ask, line)
        return NativeEndpoint(self._native, person.person_id, person.ask, line)

    async def _part(self, group: Group) -> None:
        try:
            await callers.part_ways(group)
        except _FAILURES as error:
            group.failure = group.failure or f"parting: {error}"
        for person in group.people:
            if person.endpoint is not None:
                await person.endpoint.close()

    async def _look(self) -> None:
        async with self._collecting:
            for house in self._houses:
                await house.collect()
        course = self._course
        course.looks.append(
            Look(
                at_s=time.monotonic() - course.began_at,
                joined=sum(
                    one.times.joined_at is not None for group in course.groups for one in group.people
                ),
                processor_s=self._server.processor_s(),
                media_processor_s=self._server.media_processor_s(),
                memory_mb=self._server.memory_mb(),
                client_processor_s=time.process_time(),
                bytes=course.heard.bytes,
                video_frames=course.heard.video_frames,
            )
        )

    async def _watch(self) -> None:
        shown = Look(0.0, 0, self._server.processor_s(), 0.0, 0.0, time.process_time(), 0, 0)
        while True:
            await asyncio.sleep(SAMPLE_S)
            await self._look()
            now = self._course.looks[-1]
            if now.at_s - shown.at_s >= 2.0:
                self._show(progress(shown, now, self._plan.people))
                shown = now


_TAXPAYER = "load-taxpayer-"


def _agent_id(number: int) -> str:
    """As the run's organisation has them."""
    return f"load-agent-{number}"


def _spare(plan: Plan) -> int:
    """So that the agents who are guests begin with another city than those who serve."""
    return (1 - plan.rooms) % len(AUTHORITIES) if plan.kind is Kind.THREE_PARTY else 0


def _guest_number(plan: Plan, room: int) -> int:
    return plan.rooms + _spare(plan) + room


def progress(before: Look, now: Look, people: int) -> str:
    """One line of what goes on."""
    length_s = max(now.at_s - before.at_s, 1e-9)
    return (
        f"  {now.at_s:5.1f} s  {now.joined}/{people} peers  {(now.video_frames - before.video_frames) / length_s:6.0f} frames/s  "
        f"{(now.bytes - before.bytes) * 8 / length_s / 1e6:7.2f} Mbit/s  "
        f"server {(now.processor_s - before.processor_s) / length_s * 100:4.0f} % of a core, {now.memory_mb:.0f} MB"
    )


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - progress
