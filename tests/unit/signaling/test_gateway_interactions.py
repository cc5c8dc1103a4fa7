"""Interactions through the gateway: opening, membership, limits, seats, media requests."""

from __future__ import annotations

import re

import pytest

from media.types import Source, TransportKind
from signaling.errors import SENTENCES, ErrorCode
from tests.unit.signaling.service import Service, offer, running_service

ABOUT_ONE: list[tuple[str, dict[str, object]]] = [
    ("interaction.get", {}),
    ("interaction.close", {}),
    ("message.send", {"client_message_id": "m", "text": "您好"}),
    ("assistance.request", {}),
    ("assistance.accept", {}),
    ("assistance.decline", {}),
    ("assistance.problem", {"problem": "picker_cancelled"}),
    ("assistance.pause", {}),
    ("assistance.resume", {}),
    ("assistance.hang_up", {}),
    ("call.ask", {}),
    ("call.start", {}),
    ("call.accept", {}),
    ("call.decline", {}),
    ("call.hang_up", {}),
    ("call.problem", {"problem": None}),
    ("media.publish", {"sdp": "v=0", "tracks": [], "fresh": True}),
    ("media.subscribe", {"fresh": True}),
    ("media.answer", {"sdp": "v=0"}),
    ("media.candidate", {"transport": "publish", "candidate": ""}),
    ("media.mute", {"source": "camera", "muted": True}),
    ("media.view", {"publisher_id": "agent01", "source": "camera", "width": 1, "height": 1}),
]


@pytest.mark.parametrize(("event", "fields"), ABOUT_ONE, ids=[event for event, _ in ABOUT_ONE])
async def test_a_stranger_learns_nothing_about_an_interaction(
    service: Service, event: str, fields: dict[str, object]
) -> None:
    pair = await service.pair()
    stranger = await service.sign_in("taxpayer02")
    for interaction_id in (pair.id, "no-such-thing"):
        code = await stranger.fails(event, interaction_id=interaction_id, **fields)
        assert code == ErrorCode.NOT_FOUND
    view = (await pair.agent.do("interaction.get", interaction_id=pair.id))["interaction"]
    assert view["assistance"]["phase"] == view["call"]["phase"] == "idle"


@pytest.mark.parametrize(("event", "fields"), ABOUT_ONE, ids=[event for event, _ in ABOUT_ONE])
async def test_a_closed_interaction_says_so_to_its_members(
    service: Service, event: str, fields: dict[str, object]
) -> None:
    pair = await service.pair()
    await pair.agent.do("interaction.close", interaction_id=pair.id)
    await pair.taxpayer.wait_for("interaction.changed", lambda m: m["interaction"]["phase"] == "closed")
    code = await pair.taxpayer.fails(event, interaction_id=pair.id, **fields)
    assert code == ErrorCode.INTERACTION_CLOSED
    stranger = await service.sign_in("taxpayer02")
    assert await stranger.fails(event, interaction_id=pair.id, **fields) == ErrorCode.NOT_FOUND


async def test_opening_twice_gives_the_same(service: Service) -> None:
    pair = await service.pair()
    again = await pair.taxpayer.do("interaction.open", agent_id=pair.agent_id)
    assert again["interaction"]["interaction_id"] == pair.id
    assert service.books.open_interactions == 1


async def test_who_can_be_called(service: Service) -> None:
    pair = await service.pair()
    await pair.taxpayer.do("assistance.request", interaction_id=pair.id)
    agents = (await pair.taxpayer.do("agent.list"))["agents"]
    seen = {a["person_id"]: (a["online"], a["busy"]) for a in agents}
    assert seen["agent01"] == (True, True)
    assert seen["agent02"] == (False, False)


async def test_an_agent_who_is_not_there(service: Service) -> None:
    client = await service.sign_in("taxpayer01")
    assert await client.fails("interaction.open", agent_id="agent01") == ErrorCode.AGENT_OFFLINE
    assert await client.fails("interaction.open", agent_id="nobody") == ErrorCode.NOT_FOUND


@pytest.mark.parametrize("person", ["agent02", "lead01"])
async def test_only_a_taxpayer_opens(service: Service, person: str) -> None:
    await service.sign_in("agent01")
    client = await service.sign_in(person)
    assert await client.fails("interaction.open", agent_id="agent01") == ErrorCode.NOT_ALLOWED


async def test_no_more_than_three_at_once(service: Service) -> None:
    for agent in ("agent01", "agent02", "agent03", "agent04"):
        await service.sign_in(agent)
    client = await service.sign_in("taxpayer01")
    opened = [await client.do("interaction.open", agent_id=f"agent0{n}") for n in (1, 2, 3)]
    assert await client.fails("interaction.open", agent_id="agent04") == ErrorCode.TOO_MANY_INTERACTIONS
    await client.do("interaction.close", interaction_id=opened[0]["interaction"]["interaction_id"])
    await client.do("interaction.open", agent_id="agent04")


async def test_an_agent_has_one_assistance_at_a_time(service: Service) -> None:
    first = await service.pair()
    second_taxpayer = await service.sign_in("taxpayer02")
    second = (await second_taxpayer.do("interaction.open", agent_id="agent01"))["interaction"]
    other = second["interaction_id"]
    await first.taxpayer.do("assistance.request", interaction_id=first.id)
    busy = await second_taxpayer.fails("assistance.request", interaction_id=other)
    assert busy == ErrorCode.AGENT_BUSY
    await first.taxpayer.do("assistance.hang_up", interaction_id=first.id)
    await second_taxpayer.do("assistance.request", interaction_id=other)


async def test_an_agent_has_one_call_at_a_time_and_may_assist_beside_it(service: Service) -> None:
    first = await service.pair()
    second_taxpayer = await service.sign_in("taxpayer02")
    second = (await second_taxpayer.do("interaction.open", agent_id="agent01"))["interaction"]
    other = second["interaction_id"]
    await first.agent.do("call.start", interaction_id=first.id)
    assert await first.agent.fails("call.start", interaction_id=other) == ErrorCode.AGENT_BUSY
    assert await second_taxpayer.fails("call.ask", interaction_id=other) == ErrorCode.AGENT_BUSY
    await second_taxpayer.do("assistance.request", interaction_id=other)
    await first.taxpayer.do("call.decline", interaction_id=first.id)
    await second_taxpayer.do("call.ask", interaction_id=other)


async def test_a_seat_claimed_in_vain_is_free_again(service: Service) -> None:
    pair = await service.pair()
    await pair.agent.fails("assistance.request", interaction_id=pair.id)
    agents = (await pair.taxpayer.do("agent.list"))["agents"]
    assert agents[0]["busy"] is False


async def test_a_taxpayer_may_not_start_a_call(service: Service) -> None:
    pair = await service.pair()
    refused = await pair.taxpayer.call("call.start", interaction_id=pair.id)
    assert refused["error"] == {
        "code": "call_start_not_allowed",
        "message": "您暂时无法主动向坐席人员发起音视频互动，仅能由坐席人员向您发起音视频互动。",
        "retry_after_ms": None,
    }


async def test_ringing_stops_by_itself(service: Service) -> None:
    pair = await service.pair()
    await pair.taxpayer.do("assistance.request", interaction_id=pair.id)
    service.clock.advance(29_999)
    view = await pair.agent.do("interaction.get", interaction_id=pair.id)
    assert view["interaction"]["assistance"]["phase"] == "requested"
    service.clock.advance(1)
    ended = await pair.taxpayer.phase_of("assistance", "ended")
    assert ended["end_reason"] == "ring_timeout"
    assert service.clock.pending() == 2, "only the expiries of the two tokens are left"


async def test_the_same_message_twice_is_one(service: Service) -> None:
    pair = await service.pair()
    say = {"interaction_id": pair.id, "client_message_id": "m1", "text": "您好"}
    first = await pair.taxpayer.do("message.send", **say)
    again = await pair.taxpayer.do("message.send", **say)
    assert first == again
    same_id_of_another = await pair.agent.do("message.send", **say)
    assert same_id_of_another["message"]["seq"] > first["message"]["seq"]
    view = (await pair.agent.do("interaction.get", interaction_id=pair.id))["interaction"]
    seqs = [m["seq"] for m in view["messages"]]
    assert seqs == list(range(1, len(seqs) + 1))


async def test_facts_are_recorded_without_words_or_names(service: Service) -> None:
    pair = await service.pair()
    await pair.share()
    await pair.taxpayer.do("message.send", interaction_id=pair.id, client_message_id="m", text="我的身份证号")
    await pair.taxpayer.do("interaction.close", interaction_id=pair.id)
    await pair.agent.wait_for("interaction.changed", lambda m: m["interaction"]["phase"] == "closed")
    kinds = [(fact.kind, fact.person_id, fact.reason) for fact in service.books.facts]
    assert kinds == [
        ("interaction_opened", "taxpayer01", None),
        ("assistance_requested", "taxpayer01", None),
        ("assistance_accepted", "agent01", None),
        ("assistance_started", "taxpayer01", None),
        ("assistance_ended", "taxpayer01", "interaction_closed"),
        ("interaction_closed", "taxpayer01", "taxpayer_ended"),
    ]
    assert "身份证" not in repr(service.books.facts)


# Media requests


@pytest.mark.parametrize("source", [Source.SCREEN, Source.SCREEN_AUDIO, Source.CAMERA])
async def test_an_agent_never_publishes_into_an_assistance(service: Service, source: Source) -> None:
    pair = await service.pair()
    await pair.share()
    tracks = [{"mid": "0", "source": source}]
    code = await pair.agent.fails(
        "media.publish", interaction_id=pair.id, sdp=offer(source), tracks=tracks, fresh=True
    )
    assert code == ErrorCode.OUTSIDE_GRANT


async def test_a_source_by_another_name_does_not_help(service: Service) -> None:
    pair = await service.pair()
    await pair.talk()
    code = await pair.agent.fails(
        "media.publish",
        interaction_id=pair.id,
        sdp=offer(Source.CAMERA, Source.SCREEN),
        tracks=[{"mid": "0", "source": "camera"}],
        fresh=True,
    )
    assert code == ErrorCode.OUTSIDE_GRANT, "a sending line without a source"


async def test_one_source_twice(service: Service) -> None:
    pair = await service.pair()
    await pair.talk()
    for tracks in (
        [{"mid": "0", "source": "camera"}, {"mid": "1", "source": "camera"}],
        [{"mid": "0", "source": "camera"}, {"mid": "0", "source": "microphone"}],
    ):
        code = await pair.agent.fails(
            "media.publish",
            interaction_id=pair.id,
            sdp=offer(Source.CAMERA, Source.CAMERA),
            tracks=tracks,
            fresh=True,
        )
        assert code == ErrorCode.BAD_MESSAGE


async def test_sdp_and_candidates_that_do_not_parse(service: Service) -> None:
    pair = await service.pair()
    fails = pair.taxpayer.fails
    assert (
        await fails("media.publish", interaction_id=pair.id, sdp="hello", tracks=[], fresh=True)
        == ErrorCode.BAD_SDP
    )
    assert await fails("media.answer", interaction_id=pair.id, sdp="v=0") == ErrorCode.WRONG_STATE
    candidate = {"interaction_id": pair.id, "transport": "subscribe", "candidate": "hello"}
    assert await fails("media.candidate", **candidate) == ErrorCode.WRONG_STATE
    await pair.subscribe(pair.taxpayer)
    assert await fails("media.candidate", **candidate) == ErrorCode.BAD_CANDIDATE
    await pair.taxpayer.do("media.candidate", **{**candidate, "candidate": ""})


async def test_a_view_of_somebody_who_is_not_there(service: Service) -> None:
    pair = await service.pair()
    fields = {"interaction_id": pair.id, "source": "screen", "width": 800, "height": 600}
    await pair.agent.do("media.view", publisher_id=pair.taxpayer_id, **fields)
    assert await pair.agent.fails("media.view", publisher_id="taxpayer02", **fields) == ErrorCode.NOT_FOUND


async def test_the_offer_tells_what_its_slots_carry(service: Service) -> None:
    pair = await service.pair()
    await pair.share()
    await pair.subscribe(pair.agent)
    told = await pair.agent.wait_for("media.slot", lambda m: m["source"] == "screen")
    again = await pair.agent.do("media.subscribe", interaction_id=pair.id, fresh=False)
    carried = {slot["mid"]: slot["source"] for slot in again["slots"]}
    assert carried[told["mid"]] == "screen"
    assert len(carried) == 6
    assert again["ice_servers"][0]["urls"] == ["turn:relay.example:3478"]
    fresh = await pair.agent.do("media.subscribe", interaction_id=pair.id, fresh=True)
    assert {slot["source"] for slot in fresh["slots"]} == {None}


async def test_muting_is_the_engine_s_and_told(service: Service) -> None:
    pair = await service.pair()
    await pair.talk()
    await pair.subscribe(pair.taxpayer)
    heard = (pair.agent_id, Source.MICROPHONE)
    await pair.taxpayer.wait_for("media.slot", lambda m: m["source"] == "microphone")
    assert heard in service.engine.receives(pair.id, pair.taxpayer_id)
    mute = {"interaction_id": pair.id, "source": "microphone"}
    await pair.agent.do("media.mute", muted=True, **mute)
    told = await pair.taxpayer.wait_for(
        "member.changed", lambda m: any(media["muted"] for media in m["member"]["media"])
    )
    assert told["member"]["person_id"] == pair.agent_id
    assert heard not in service.engine.receives(pair.id, pair.taxpayer_id)
    await pair.agent.do("media.mute", muted=False, **mute)
    assert heard in service.engine.receives(pair.id, pair.taxpayer_id)
    assert (
        await pair.agent.fails("media.mute", interaction_id=pair.id, source="screen", muted=False)
        == ErrorCode.OUTSIDE_GRANT
    )


async def test_a_paused_screen_does_not_leave_the_server(service: Service) -> None:
    pair = await service.pair()
    await pair.share()
    await pair.subscribe(pair.agent)
    await pair.agent.wait_for("media.slot", lambda m: m["source"] == "screen")
    screen = (pair.taxpayer_id, Source.SCREEN)
    await pair.taxpayer.do("assistance.pause", interaction_id=pair.id)
    assert screen not in service.engine.receives(pair.id, pair.agent_id)
    await pair.taxpayer.do("media.mute", interaction_id=pair.id, source="screen", muted=False)
    assert screen not in service.engine.receives(pair.id, pair.agent_id)
    await pair.publish(pair.taxpayer, Source.SCREEN, fresh=True)
    service.engine.send(pair.id, pair.taxpayer_id, Source.SCREEN)
    view = (await pair.agent.do("interaction.get", interaction_id=pair.id))["interaction"]
    assert view["assistance"]["phase"] == "paused", "a new connection does not end a pause"
    assert screen not in service.engine.receives(pair.id, pair.agent_id)
    await pair.taxpayer.do("assistance.resume", interaction_id=pair.id)
    assert screen in service.engine.receives(pair.id, pair.agent_id)


async def test_speakers_and_quality_are_told(service: Service) -> None:
    pair = await service.pair()
    await pair.talk()
    service.engine.speak(pair.id, [pair.agent_id])
    told = await pair.taxpayer.wait_for("media.speakers")
    assert told["person_ids"] == [pair.agent_id]
    service.engine.measure(pair.id, pair.agent_id, TransportKind.PUBLISH, 4)
    service.engine.measure(pair.id, pair.agent_id, TransportKind.SUBSCRIBE, 2)
    await pair.taxpayer.wait_for("member.changed", lambda m: m["member"]["quality"] == 2)


async def test_the_time_to_join_is_measured(service: Service) -> None:
    pair = await service.pair()
    await pair.taxpayer.do("assistance.request", interaction_id=pair.id)
    await pair.agent.do("media.subscribe", interaction_id=pair.id, fresh=True)
    service.clock.advance(250)
    service.engine.connect(pair.id, pair.agent_id, TransportKind.SUBSCRIBE)
    await pair.agent.wait_for("media.transport", lambda m: m["state"] == "connected")
    assert service.books.joins == [0.25]


async def test_fresh_relay_credentials(service: Service) -> None:
    client = await service.sign_in("taxpayer01")
    servers = (await client.do("media.ice_servers"))["ice_servers"]
    assert servers[0]["credential"] == "credential"


async def test_an_engine_that_does_not_answer_costs_the_media_alone() -> None:
    async with running_service(media_timeout_s=0.05) as own:
        pair = await own.pair()
        own.engine.silent = True
        code = await pair.agent.fails("media.subscribe", interaction_id=pair.id, fresh=True)
        assert code == ErrorCode.MEDIA_UNAVAILABLE
        await pair.agent.do("message.send", interaction_id=pair.id, client_message_id="m", text="在吗")
        other = await own.sign_in("taxpayer02")
        refused = await other.fails("interaction.open", agent_id=pair.agent_id)
        assert refused == ErrorCode.MEDIA_UNAVAILABLE
        assert own.books.open_interactions == 1


async def test_media_that_cannot_be_taken_away_closes_the_room() -> None:
    async with running_service(media_timeout_s=0.05) as own:
        pair = await own.pair()
        await pair.share()
        own.engine.silent = True
        await pair.taxpayer.do("assistance.hang_up", interaction_id=pair.id)
        closed = await pair.agent.wait_for(
            "interaction.changed", lambda m: m["interaction"]["phase"] == "closed"
        )
        assert closed["interaction"]["closed_by"] is None
        own.engine.silent = False


def test_every_code_has_a_sentence_for_people() -> None:
    for code in ErrorCode:
        sentence = SENTENCES[code]
        if code is not ErrorCode.QUEUE_NO_CENTRE:  # documented without
            assert sentence.endswith("。")
        plain = re.sub("20 MB|PDF|VP8|H.264|Opus", "", sentence)
        assert not any(letter.isascii() and letter.isalpha() for letter in plain)
