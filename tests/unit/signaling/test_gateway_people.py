"""Signing in, signing in twice, coming back, going away."""

from __future__ import annotations

import asyncio

import pytest

from media.types import Source, TransportKind, TransportState
from signaling.errors import ErrorCode
from tests.unit.signaling.service import BAD_TOKENS, TIMEOUT_S, Service, running_service


async def test_the_welcome_tells_who_one_is(service: Service) -> None:
    client = service.client("taxpayer01")
    welcome = await client.connect()
    assert welcome["person"] == {
        "person_id": "taxpayer01",
        "role": "taxpayer",
        "display_name": "shown taxpayer01",
        "authority": None,
        "region": None,
    }
    assert welcome["interactions"] == []
    assert welcome["resumed"] is False
    assert welcome["ice_servers"][0]["username"] == "until:taxpayer01"
    assert client.told[0][0] == "session.welcome"


@pytest.mark.parametrize(("token", "code"), BAD_TOKENS.items())
async def test_a_bad_token_is_refused_with_its_code(service: Service, token: str, code: ErrorCode) -> None:
    assert await service.client(token).refused() == code
    assert service.books.connected == 0


async def test_no_token(service: Service) -> None:
    assert await service.client(None).refused() == ErrorCode.TOKEN_MISSING


async def test_another_version(service: Service) -> None:
    assert await service.client("taxpayer01").refused(version=999) == ErrorCode.VERSION_UNSUPPORTED


@pytest.mark.parametrize(
    ("auth", "code"),
    [
        ({"token": "taxpayer01"}, ErrorCode.BAD_MESSAGE),
        ({"version": "1", "token": "taxpayer01"}, ErrorCode.BAD_MESSAGE),
        ({"version": 1, "token": 5}, ErrorCode.BAD_MESSAGE),
        ({"version": 1, "token": "taxpayer01", "extra": True}, ErrorCode.BAD_MESSAGE),
        ({"version": 2, "token": "taxpayer01", "extra": True}, ErrorCode.VERSION_UNSUPPORTED),
        (["taxpayer01"], ErrorCode.BAD_MESSAGE),
    ],
)
async def test_a_handshake_of_another_shape(service: Service, auth: object, code: ErrorCode) -> None:
    assert await service.client("taxpayer01").refused(auth=auth) == code


async def test_a_fault_while_signing_in_is_no_fault_of_the_browser(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.people.broken = True
    assert await service.client("taxpayer01").refused() == ErrorCode.INTERNAL_ERROR
    assert "secret detail" not in caplog.text


async def test_before_the_start_and_after_the_stop_nobody_gets_in(service: Service) -> None:
    await service.gateway.stop()
    assert await service.client("taxpayer01").refused() == ErrorCode.SERVER_STOPPING


async def test_long_polling_is_taken_too() -> None:
    async with running_service(ping_interval_s=0.3, ping_timeout_s=0.3) as own:
        client = own.client("taxpayer01")
        await client.connect(transports=("polling",))
        assert (await client.do("agent.list"))["agents"][0]["online"] is False


async def test_a_second_sign_in_takes_the_first_one_s_place(service: Service) -> None:
    pair = await service.pair()
    second = await service.sign_in(pair.taxpayer_id)
    closed = await pair.taxpayer.wait_for("session.closed")
    assert closed["reason"]["code"] == ErrorCode.SIGNED_IN_ELSEWHERE
    await asyncio.wait_for(pair.taxpayer.closed.wait(), TIMEOUT_S)
    welcome = await second.wait_for("session.welcome")
    assert [i["interaction_id"] for i in welcome["interactions"]] == [pair.id]
    presences = [m["member"]["presence"] for name, m in pair.agent.told if name == "member.changed"]
    assert "reconnecting" not in presences, "the person was never away"
    assert service.books.connected == 2


async def test_a_second_sign_in_cuts_the_media_of_the_first_page(service: Service) -> None:
    pair = await service.pair()
    await pair.share()
    await service.sign_in(pair.taxpayer_id)
    interrupted = await pair.agent.wait_for(
        "assistance.changed", lambda m: m["assistance"]["problem"] == "capture_ended"
    )
    assert interrupted["assistance"]["phase"] == "accepted"
    assert not service.engine.send(pair.id, pair.taxpayer_id, Source.SCREEN)


async def test_coming_back_with_the_resume_token_finds_the_call_as_it_was(service: Service) -> None:
    pair = await service.pair()
    welcome = await pair.taxpayer.wait_for("session.welcome")
    await pair.talk()
    await pair.taxpayer.cut()
    await pair.agent.wait_for("member.changed", lambda m: m["member"]["presence"] == "reconnecting")
    assert service.engine.send(pair.id, pair.taxpayer_id, Source.MICROPHONE), "media lives on"
    back = service.client(pair.taxpayer_id)
    again = await back.connect(resume_token=welcome["resume_token"])
    assert again["resumed"] is True
    assert again["interactions"][0]["call"]["phase"] == "active"
    assert again["interactions"][0]["members"][0]["media"] != []
    await pair.agent.wait_for(
        "member.changed", lambda m: m["member"]["presence"] == "online", after=len(pair.agent.told) - 1
    )
    service.clock.advance(60_000)
    view = (await back.do("interaction.get", interaction_id=pair.id))["interaction"]
    assert view["call"]["phase"] == "active"


async def test_what_changed_of_ones_media_while_one_was_away_is_told_again(service: Service) -> None:
    pair = await service.pair()
    welcome = await pair.taxpayer.wait_for("session.welcome")
    await pair.talk()
    await pair.subscribe(pair.taxpayer)
    assert service.engine.send(pair.id, pair.agent_id, Source.CAMERA)
    service.engine.want_layers(pair.id, pair.taxpayer_id, Source.CAMERA, ["q"])
    assert (await pair.taxpayer.wait_for("media.layers_wanted"))["rids"] == ["q"]
    await pair.taxpayer.cut()
    await pair.agent.wait_for("member.changed", lambda m: m["member"]["presence"] == "reconnecting")
    service.engine.want_layers(pair.id, pair.taxpayer_id, Source.CAMERA, ["q", "h"])
    await pair.publish(pair.agent, Source.MICROPHONE, fresh=False)
    back = service.client(pair.taxpayer_id)
    assert (await back.connect(resume_token=welcome["resume_token"]))["resumed"] is True
    wanted = await back.wait_for("media.layers_wanted")
    assert (wanted["interaction_id"], wanted["source"], wanted["rids"]) == (pair.id, "camera", ["q", "h"])
    slots = [body["source"] for event, body in back.told if event == "media.slot"]
    assert sorted(filter(None, slots)) == ["microphone"]
    assert None in slots, "the camera went meanwhile"
    assert not any(event == "media.layers_wanted" for event, _ in pair.agent.told), "the sender's alone"


async def test_a_resume_token_is_good_for_its_person_and_once(service: Service) -> None:
    pair = await service.pair()
    token = (await pair.taxpayer.wait_for("session.welcome"))["resume_token"]
    stranger = service.client("taxpayer02")
    assert (await stranger.connect(resume_token=token))["resumed"] is False
    again = service.client(pair.taxpayer_id)
    assert (await again.connect(resume_token=token))["resumed"] is True
    third = service.client(pair.taxpayer_id)
    assert (await third.connect(resume_token=token))["resumed"] is False


async def test_a_reload_keeps_the_call_and_starts_media_anew(service: Service) -> None:
    pair = await service.pair()
    await pair.talk()
    await pair.taxpayer.cut()
    back = service.client(pair.taxpayer_id)
    welcome = await back.connect()
    assert welcome["interactions"][0]["call"]["phase"] == "active"
    assert not service.engine.send(pair.id, pair.taxpayer_id, Source.MICROPHONE)
    await pair.publish(back, Source.MICROPHONE, fresh=True)
    assert service.engine.send(pair.id, pair.taxpayer_id, Source.MICROPHONE)


async def test_who_does_not_come_back_has_left(service: Service) -> None:
    pair = await service.pair()
    await pair.share()
    await pair.taxpayer.leave()
    await pair.agent.wait_for("member.changed", lambda m: m["member"]["presence"] == "reconnecting")
    service.clock.advance(30_000)
    ended = await pair.agent.phase_of("assistance", "ended")
    assert (ended["end_reason"], ended["ended_by"]) == ("member_left", pair.taxpayer_id)
    service.clock.advance(120_000)
    closed = await pair.agent.wait_for("interaction.changed", lambda m: m["interaction"]["phase"] == "closed")
    assert closed["interaction"]["closed_by"] is None
    assert service.books.open_interactions == 0


async def test_the_token_runs_out_during_the_connection(service: Service) -> None:
    service.people.lifetime_s = 60
    client = await service.sign_in("taxpayer01")
    service.clock.advance(59_000)
    await client.do("agent.list")
    service.clock.advance(1_000)
    closed = await client.wait_for("session.closed")
    assert closed["reason"]["code"] == ErrorCode.TOKEN_EXPIRED
    await asyncio.wait_for(client.closed.wait(), TIMEOUT_S)


async def test_connecting_over_and_over_is_refused(service: Service) -> None:
    async with running_service() as own:
        burst = own.gateway._settings.rates.connects.burst
        for _ in range(burst):
            await own.client("taxpayer01").connect()
        assert await own.client("taxpayer01").refused() == ErrorCode.RATE_LIMITED
        own.clock.advance(60_000)
        await own.client("taxpayer01").connect()
        await own.client("taxpayer02").connect()


async def test_stopping_ends_everything_and_tells_why(service: Service) -> None:
    pair = await service.pair()
    await pair.talk()
    stopping = asyncio.create_task(service.gateway.stop())
    ended = await pair.taxpayer.phase_of("call", "ended")
    assert ended["end_reason"] == "server_stopping"
    closed = await pair.taxpayer.wait_for("session.closed")
    assert closed["reason"]["code"] == ErrorCode.SERVER_STOPPING
    await stopping
    assert service.engine.rooms == {}
    assert service.clock.pending() == 0


async def test_draining_lets_what_runs_end_and_begins_nothing(service: Service) -> None:
    pair = await service.pair()
    await pair.talk()
    draining = asyncio.create_task(service.gateway.drain(TIMEOUT_S))
    await asyncio.sleep(0)
    fails = pair.taxpayer.fails
    assert await fails("interaction.open", agent_id="agent02") == ErrorCode.SERVER_STOPPING
    assert await fails("assistance.request", interaction_id=pair.id) == ErrorCode.SERVER_STOPPING
    assert not draining.done()
    await pair.taxpayer.do("call.hang_up", interaction_id=pair.id)
    await asyncio.wait_for(draining, TIMEOUT_S)


async def test_a_transport_going_and_coming_is_told_to_its_owner_and_the_other(
    service: Service,
) -> None:
    pair = await service.pair()
    await pair.talk()
    engine = service.engine
    engine.connect(pair.id, pair.taxpayer_id, TransportKind.PUBLISH, TransportState.FAILED)
    own = await pair.taxpayer.wait_for("media.transport", lambda m: m["state"] == "failed")
    assert own["transport"] == "publish"
    await pair.agent.wait_for("member.changed", lambda m: m["member"]["media_connected"] is False)
    mark = len(pair.agent.told)
    engine.connect(pair.id, pair.taxpayer_id, TransportKind.PUBLISH)
    await pair.agent.wait_for("member.changed", lambda m: m["member"]["media_connected"] is True, after=mark)
    service.clock.advance(60_000)
    engine.connect(pair.id, pair.taxpayer_id, TransportKind.PUBLISH, TransportState.FAILED)
    await pair.agent.wait_for("member.changed", lambda m: m["member"]["media_connected"] is False, after=mark)
    service.clock.advance(30_000)
    assert (await pair.agent.phase_of("call", "ended"))["end_reason"] == "network_lost"
