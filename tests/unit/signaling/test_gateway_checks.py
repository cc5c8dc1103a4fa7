"""Checks of devices and network through the gateway: one's own media comes back, for a bounded time, to nobody else."""

from __future__ import annotations

import asyncio
from typing import Any

from media.types import Source, TransportKind
from signaling.rooms.checks import RECEIVER, SENDER
from signaling.settings import CheckSettings, RateLimit
from tests.unit.signaling.service import TIMEOUT_S, Client, Service, offer, running_service


async def page(service: Service, person: str = "taxpayer01") -> Client:
    return await service.sign_in(person, scope="check")


async def publish(client: Client, check_id: str, *sources: Source) -> dict[str, Any]:
    tracks = [{"mid": str(index), "source": source} for index, source in enumerate(sources)]
    return dict(
        await client.call(
            "media.publish", interaction_id=check_id, sdp=offer(*sources), tracks=tracks, fresh=True
        )
    )


async def test_what_one_sends_comes_back_and_its_figures_are_told() -> None:
    async with running_service() as service:
        client = await page(service)
        started = await client.do("check.start")
        check_id = started["check_id"]
        assert started["ends_at"] == service.clock.now_ms() + 60_000
        assert started["ice_servers"]
        offered = await client.do("media.subscribe", interaction_id=check_id, fresh=True)
        assert len(offered["slots"]) == 3
        await client.do("media.answer", interaction_id=check_id, sdp="v=0\r\n")
        sent = await publish(client, check_id, Source.MICROPHONE, Source.CAMERA, Source.SCREEN)
        assert sent["ok"], sent
        for transport in TransportKind:
            candidate = "candidate:1 1 udp 1 127.0.0.1 9 typ host"
            await client.do(
                "media.candidate", interaction_id=check_id, transport=transport, candidate=candidate
            )
        engine = service.engine
        engine.connect(check_id, SENDER, TransportKind.PUBLISH)
        engine.connect(check_id, RECEIVER, TransportKind.SUBSCRIBE)
        for source in (Source.MICROPHONE, Source.CAMERA, Source.SCREEN):
            assert engine.send(check_id, SENDER, source)
            slot = await client.wait_for("media.slot", lambda m, own=source: m["source"] == own)
            assert slot["publisher_id"] == "sender"
        view = {"publisher_id": "sender", "source": "screen", "width": 1280, "height": 720}
        await client.do("media.view", interaction_id=check_id, **view)
        engine.measure(check_id, RECEIVER, TransportKind.SUBSCRIBE, 4)
        figures = await client.wait_for("check.figures")
        assert figures["transport"] == "subscribe"
        await client.do("check.end", check_id=check_id)
        await client.do("check.end", check_id=check_id)
        assert not engine.rooms
        assert await client.fails("media.subscribe", interaction_id=check_id, fresh=True) == "not_found"


async def test_no_more_may_be_sent_than_a_check_needs() -> None:
    async with running_service() as service:
        client = await page(service)
        check_id = (await client.do("check.start"))["check_id"]
        refused = await publish(client, check_id, Source.SCREEN_AUDIO)
        assert refused["error"]["code"] == "outside_grant"
        mute = {"source": "camera", "muted": True}
        assert await client.fails("media.mute", interaction_id=check_id, **mute) == "unknown_message"
        assert await client.fails("agent.list") == "unknown_message"


async def test_a_check_ends_with_its_time_and_says_so() -> None:
    async with running_service() as service:
        client = await page(service)
        check_id = (await client.do("check.start"))["check_id"]
        service.clock.advance(60_000)
        ended = await client.wait_for("check.ended")
        assert ended == {"check_id": check_id, "reason": "time_over"}
        assert not service.engine.rooms


async def test_a_check_ends_with_its_page_and_a_second_one_replaces_it() -> None:
    async with running_service() as service:
        window = await service.sign_in("taxpayer01")
        client = await page(service)
        first = (await client.do("check.start"))["check_id"]
        second = (await client.do("check.start"))["check_id"]
        assert first != second
        assert list(service.engine.rooms) == [second]
        other = await page(service)
        assert (await client.wait_for("session.closed"))["reason"]["code"] == "signed_in_elsewhere"
        third = (await other.do("check.start"))["check_id"]
        assert list(service.engine.rooms) == [third]
        assert not window.closed.is_set()
        await window.leave()
        await other.leave()
        await asyncio.wait_for(service.books.nobody.wait(), TIMEOUT_S)
        assert not service.engine.rooms


async def test_nobody_reaches_the_check_of_another_and_it_is_for_those_who_call() -> None:
    async with running_service() as service:
        own, stranger = await page(service), await page(service, "taxpayer02")
        check_id = (await own.do("check.start"))["check_id"]
        assert await stranger.fails("media.subscribe", interaction_id=check_id, fresh=True) == "not_found"
        await stranger.do("check.end", check_id=check_id)
        assert list(service.engine.rooms) == [check_id]
        editor = await page(service, "editor01")
        assert await editor.fails("check.start") == "not_allowed"
        for person in ("agent01", "lead01"):
            await (await page(service, person)).do("check.start")


async def test_checks_are_bounded_for_one_person_and_for_the_node() -> None:
    settings = CheckSettings(max_running=1, starts=RateLimit(burst=2, per_second=0.1))
    async with running_service(checks=settings) as service:
        own, other = await page(service), await page(service, "taxpayer02")
        await own.do("check.start")
        assert await other.fails("check.start") == "rate_limited"
        await own.do("check.start")
        acknowledged = await own.call("check.start")
        assert acknowledged["error"]["code"] == "rate_limited"
        assert acknowledged["error"]["retry_after_ms"] == 10_000


async def test_a_server_that_stops_begins_none_and_ends_what_runs() -> None:
    async with running_service() as service:
        own, other = await page(service), await page(service, "taxpayer02")
        await own.do("check.start")
        await service.gateway.drain(0)
        assert await other.fails("check.start") == "server_stopping"
        await service.gateway.stop()
        assert not service.engine.rooms
