"""A mediation meeting of a load run: applied for, dispatched, entered through the lobby; who looks at whom, who speaks."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

import aiohttp

from media.types import Source
from rtc_server.loadtest.callers import STEP_S, Caller, Group
from rtc_server.loadtest.wire import WireFailed

MAX_PEOPLE = 50
"""``MeetingSettings.max_present``."""
PAGE = 16
"""Tiles on a page, one's own among them, as in the web client."""
SPEAKERS = 4
"""So many speak at the same time; the microphones of the others are open and silent."""
_TILE = (160, 90)
"""Of a page of sixteen on a full HD screen, in a quarter of the pixels as the clips are."""
_VOICE, _SILENCE = -30, -127
"""dBov (RFC 6464)."""
_SOURCES = (Source.MICROPHONE, Source.CAMERA)


def looked_at(seat: int, people: int) -> frozenset[int]:
    """The seats whose tiles are on the page of who sits here. Neighbours look at different pages, so that every camera is
    looked at; the last page is filled up with the first people."""
    first = seat % math.ceil(people / PAGE) * PAGE
    return frozenset((first + tile) % people for tile in range(min(PAGE, people))) - {seat}


def speaking(people: int) -> frozenset[int]:
    """The seats of those who speak, spread over the room."""
    return frozenset(number * people // SPEAKERS for number in range(SPEAKERS))


def wanted(ids: tuple[str, ...]) -> dict[str, frozenset[tuple[str, str]]]:
    """By person: the (publisher, source) that must reach them. Of the silent ones nobody is promised anything."""
    voices = {ids[seat] for seat in speaking(len(ids))}
    return {
        own: frozenset(
            {(ids[other], Source.CAMERA.value) for other in looked_at(seat, len(ids))}
            | {(voice, Source.MICROPHONE.value) for voice in voices - {own}}
        )
        for seat, own in enumerate(ids)
    }


async def dispatched(group: Group, http: aiohttp.ClientSession, url: str) -> None:
    """The taxpayer applies, the agent takes it, over REST as their pages do. Raises ``WireFailed``."""
    body = {"subject": "核定税额争议调解", "detail": "对核定结果有异议，申请调解。"}
    application = await _post(http, f"{url}/api/mediations", group.taxpayer, body)
    path = f"{url}/api/mediations/{application['application_id']}/dispatch"
    given = await _post(http, path, group.agent, {"agent_id": group.agent.person_id})
    group.meeting_id = given["meeting_id"]


async def _post(
    http: aiohttp.ClientSession, url: str, person: Caller, body: dict[str, str]
) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {person.token}"}
    async with http.post(url, json=body, headers=headers) as response:
        if response.status >= 400:
            raise WireFailed(f"{response.status} {(await response.text())[:200]}")
        found: dict[str, str] = await response.json()
        return found


async def hold(group: Group, sign_in: Callable[[Caller, int], Awaitable[None]], people_per_s: float) -> None:
    """The host first, then everybody through the lobby. Raises what went wrong with anybody, once all others are in."""
    people = group.people
    group.wanted = wanted(tuple(one.person_id for one in people))
    group.publishes = {one.person_id: _SOURCES for one in people}
    host = group.agent
    looking: list[asyncio.Task[None]] = []

    async def come(order: int, person: Caller) -> None:
        seat = people.index(person)
        await asyncio.sleep(order / people_per_s)
        await sign_in(person, seat)
        await _enter(person, host, group.meeting_id)
        person.times.accepted_at = time.monotonic()
        endpoint = person.endpoint
        assert endpoint is not None
        endpoint.speak(_VOICE if seat in speaking(len(people)) else _SILENCE)
        await endpoint.subscribe()
        looking.append(asyncio.create_task(_look_round(person, group)))
        await endpoint.publish(_SOURCES)
        await person.until(
            "media connects", lambda who: set(who.links.values()) == {"connected"} and len(who.links) == 2
        )
        person.times.joined_at = time.monotonic()

    try:
        await come(0, host)
        others = [one for one in people if one is not host]
        came = await asyncio.gather(
            *(come(order, one) for order, one in enumerate(others)), return_exceptions=True
        )
        for failure in came:
            if isinstance(failure, BaseException):
                raise failure
        async with asyncio.timeout(STEP_S):
            await asyncio.gather(*looking)
        group.joined = True
    finally:
        for task in looking:
            task.cancel()


async def _enter(person: Caller, host: Caller, meeting_id: str) -> None:
    person.interaction_id = meeting_id
    entered = await person.wire.ask("meeting.enter", {"meeting_id": meeting_id})
    person.meets(entered["meeting"])
    if person is not host:
        admitted = {"meeting_id": meeting_id, "person_id": person.person_id}
        await host.wire.ask("meeting.admit", admitted)
        await person.until("admitted", lambda who: who.phases["meeting"] == "room")


async def _look_round(person: Caller, group: Group) -> None:
    """Say of every camera how large it is shown, 0 × 0 when it is not, as people come."""
    shown = (group.wanted or {})[person.person_id]
    told = {person.person_id}
    while len(told) < len(group.people):
        for member in sorted(person.members - told):
            width, height = _TILE if (member, Source.CAMERA.value) in shown else (0, 0)
            view = {"publisher_id": member, "source": "camera", "width": width, "height": height}
            await person.ask("media.view", view)
            told.add(member)
        await person.until("somebody comes", lambda who: who.members > told or len(told) == len(group.people))
