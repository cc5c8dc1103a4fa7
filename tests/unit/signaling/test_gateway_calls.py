"""The two calls through a real Socket.IO connection."""

from __future__ import annotations

from media.types import Source, TransportKind
from tests.unit.signaling.service import Service


async def test_assistance_from_the_request_to_hanging_up(service: Service) -> None:
    pair = await service.pair()
    await pair.taxpayer.do("assistance.request", interaction_id=pair.id)
    ringing = await pair.agent.phase_of("assistance", "requested")
    assert ringing["deadline"] == service.clock.now_ms() + 30_000
    await pair.subscribe(pair.agent)
    await pair.agent.do("assistance.accept", interaction_id=pair.id)
    await pair.taxpayer.phase_of("assistance", "accepted")
    await pair.publish(pair.taxpayer, Source.SCREEN)
    service.engine.connect(pair.id, pair.taxpayer_id, TransportKind.PUBLISH)
    assert service.engine.send(pair.id, pair.taxpayer_id, Source.SCREEN)
    await pair.agent.phase_of("assistance", "sharing")
    slot = await pair.agent.wait_for("media.slot", lambda m: m["source"] == "screen")
    assert slot["publisher_id"] == pair.taxpayer_id
    await pair.agent.do("assistance.hang_up", interaction_id=pair.id)
    ended = await pair.taxpayer.phase_of("assistance", "ended")
    assert (ended["end_reason"], ended["ended_by"]) == ("hung_up", pair.agent_id)
    assert not service.engine.send(pair.id, pair.taxpayer_id, Source.SCREEN)
    assert service.engine.receives(pair.id, pair.agent_id) == set()


async def test_call_from_asking_to_hanging_up(service: Service) -> None:
    pair = await service.pair()
    await pair.taxpayer.do("call.ask", interaction_id=pair.id)
    await pair.agent.phase_of("call", "asked")
    await pair.agent.do("call.start", interaction_id=pair.id)
    await pair.taxpayer.phase_of("call", "ringing")
    await pair.subscribe(pair.taxpayer)
    await pair.publish(pair.agent, Source.MICROPHONE, Source.CAMERA)
    assert service.engine.send(pair.id, pair.agent_id, Source.MICROPHONE)
    await pair.agent.wait_for("member.changed", lambda m: m["member"]["media"] != [])
    assert service.engine.receives(pair.id, pair.taxpayer_id) == set(), "warm media is not heard yet"
    await pair.taxpayer.do("call.accept", interaction_id=pair.id)
    await pair.taxpayer.wait_for("media.slot", lambda m: m["source"] == "microphone")
    await pair.publish(pair.taxpayer, Source.MICROPHONE, Source.CAMERA)
    assert service.engine.send(pair.id, pair.taxpayer_id, Source.CAMERA)
    active = await pair.agent.phase_of("call", "active")
    assert active["started_at"] == service.clock.now_ms()
    await pair.taxpayer.do("call.hang_up", interaction_id=pair.id)
    ended = await pair.agent.phase_of("call", "ended")
    assert (ended["end_reason"], ended["ended_by"]) == ("hung_up", pair.taxpayer_id)
    assert not service.engine.send(pair.id, pair.agent_id, Source.CAMERA)


async def test_both_at_once_with_text_beside_them(service: Service) -> None:
    pair = await service.pair()
    await pair.share()
    await pair.talk(Source.SCREEN)
    await pair.subscribe(pair.agent)
    sent = await pair.taxpayer.do(
        "message.send", interaction_id=pair.id, client_message_id="m1", text="这里怎么填？"
    )
    told = await pair.agent.wait_for("message.posted", lambda m: m["message"]["client_message_id"] == "m1")
    assert told["message"] == sent["message"]
    await pair.agent.do("call.hang_up", interaction_id=pair.id)
    await pair.taxpayer.phase_of("call", "ended")
    view = (await pair.agent.do("interaction.get", interaction_id=pair.id))["interaction"]
    assert view["assistance"]["phase"] == "sharing"
