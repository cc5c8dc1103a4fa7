"""Transfers end to end (H6), and what becomes of a conversation whose agent is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from media.types import Source, TransportKind
from signaling.errors import ErrorCode
from tests.unit.signaling.bureau import SETTINGS, Bureau, Conversation, open_bureau, serve
from tests.unit.signaling.service import Client, Message, Pair, Service


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with open_bureau() as running:
        yield running


async def colleague(service: Service, name: str = "agent02") -> Client:
    client = await service.sign_in(name)
    await client.do("agent.sign_in")
    return client


async def phase(client: Client, wanted: str) -> Message:
    told = await client.wait_for("transfer.changed", lambda m: m["transfer"]["phase"] == wanted)
    return dict(told["transfer"])


def as_pair(talk: Conversation) -> Pair:
    return Pair(talk.service, talk.taxpayer, talk.agent, talk.id, "taxpayer01", "agent01")


async def test_a_transfer_is_offered_accepted_and_seen_by_all(service: Service) -> None:
    talk = await serve(service)
    await talk.say(talk.taxpayer, "第一句", "m1")
    second = await colleague(service)
    targets = await talk.agent.do("transfer.targets")
    assert [a["agent_id"] for a in targets["agents"]] == ["agent02"]
    assert [c["centre_id"] for c in targets["centres"]] == ["gd", "ah"]
    await talk.agent.do("transfer.offer", interaction_id=talk.id, to_agent="agent02", note="问出口退税")
    rang = (await second.wait_for("offer.rang"))["offer"]
    assert (rang["transfer"], rang["note"], rang["from_staff_number"]) == (True, "问出口退税", "01")
    offered = await phase(talk.taxpayer, "offered")
    assert (offered["target"], offered["note"]) == ("02", ""), "the note is for staff"
    assert (await phase(talk.agent, "offered"))["note"] == "问出口退税"
    await talk.say(talk.agent, "我还在", "m1")
    await second.do("offer.accept", ticket_id=talk.id)
    told = (await second.wait_for("interaction.changed"))["interaction"]
    assert {m["person_id"] for m in told["members"]} == {"taxpayer01", "agent02"}
    assert told["agent_id"] == "agent02"
    assert [m["text"] for m in told["messages"] if m["kind"] == "text"] == ["第一句", "我还在"]
    await phase(talk.taxpayer, "accepted")
    left = await talk.agent.wait_for("interaction.left")
    assert left["reason"] == "transferred"
    say = {"interaction_id": talk.id, "client_message_id": "m9", "text": "我走了吗"}
    assert await talk.agent.fails("message.send", **say) == ErrorCode.NOT_FOUND
    greeting = await talk.taxpayer.wait_for("message.posted", lambda m: m["message"]["card"] == "greeting")
    assert greeting["message"]["sender_name"] == "02"
    sent = await second.do("message.send", **say)
    seqs = [m["message"]["seq"] for name, m in talk.taxpayer.told if name == "message.posted"]
    assert [*seqs, sent["message"]["seq"]][: len(seqs)] == list(range(3, 3 + len(seqs)))
    desk = await talk.agent.wait_for("desk.changed", lambda m: m["desk"]["load"] == 0)
    assert desk["desk"]["interactions"] == []


@pytest.mark.parametrize("how", ["declined", "timed_out", "cancelled"])
async def test_a_transfer_that_comes_to_nothing_leaves_all_as_it_was(service: Service, how: str) -> None:
    talk = await serve(service)
    second = await colleague(service)
    await talk.agent.do("transfer.offer", interaction_id=talk.id, to_agent="agent02")
    await second.wait_for("offer.rang")
    if how == "declined":
        await second.do("offer.decline", ticket_id=talk.id)
    elif how == "timed_out":
        service.clock.advance(SETTINGS.offer_ring_ms)
    else:
        await talk.agent.do("transfer.cancel", interaction_id=talk.id)
    for client in (talk.taxpayer, talk.agent):
        await phase(client, how)
    await second.wait_for("offer.ended")
    await talk.say(talk.agent, "继续", "m1")
    assert await second.fails("interaction.get", interaction_id=talk.id) == ErrorCode.NOT_FOUND
    assert await second.fails("offer.accept", ticket_id=talk.id) == ErrorCode.OFFER_ENDED
    again = await talk.agent.call("transfer.offer", interaction_id=talk.id, to_agent="agent02")
    assert again["ok"] is (how != "timed_out"), "who was silent is away"


async def test_a_transfer_is_refused_where_nobody_could_take_it(service: Service) -> None:
    talk = await serve(service)
    offer = {"interaction_id": talk.id}
    assert await talk.agent.fails("transfer.offer", to_agent="agent02", **offer) == ErrorCode.AGENT_OFFLINE
    assert await talk.agent.fails("transfer.offer", to_agent="agent01", **offer) == ErrorCode.NOT_ALLOWED
    assert await talk.agent.fails("transfer.offer", to_centre="ah", **offer) == ErrorCode.QUEUE_NO_AGENT
    assert await talk.agent.fails("transfer.offer", to_centre="none", **offer) == ErrorCode.NOT_FOUND
    assert await talk.agent.fails("transfer.offer", **offer) == ErrorCode.BAD_MESSAGE
    assert await talk.taxpayer.fails("transfer.offer", to_centre="ah", **offer) == ErrorCode.NOT_ALLOWED


async def test_a_transfer_to_a_centre_rings_there_until_somebody_takes_it(service: Service) -> None:
    talk = await serve(service)
    first = await colleague(service, "agent11")
    await talk.agent.do("transfer.offer", interaction_id=talk.id, to_centre="ah")
    await first.wait_for("offer.rang")
    second = await colleague(service, "agent12")
    await first.do("offer.decline", ticket_id=talk.id)
    assert (await second.wait_for("offer.rang"))["offer"]["transfer"]
    await second.do("offer.accept", ticket_id=talk.id)
    assert (await phase(talk.taxpayer, "accepted"))["target"] == "安徽服务运营中心"
    await talk.agent.wait_for("interaction.left")


async def test_a_transfer_to_a_centre_nobody_takes_comes_back(service: Service) -> None:
    talk = await serve(service)
    other = await colleague(service, "agent11")
    await talk.agent.do("transfer.offer", interaction_id=talk.id, to_centre="ah")
    await other.wait_for("offer.rang")
    await other.do("agent.set_status", status="away")
    service.clock.advance(SETTINGS.wait_timeout_ms)
    service.clock.advance(1)
    await phase(talk.agent, "timed_out")
    await talk.say(talk.agent, "继续", "m1")


async def test_closing_the_window_cancels_the_transfer_and_ends_it(service: Service) -> None:
    talk = await serve(service)
    second = await colleague(service)
    await talk.agent.do("transfer.offer", interaction_id=talk.id, to_agent="agent02")
    await second.wait_for("offer.rang")
    await talk.taxpayer.do("interaction.close", interaction_id=talk.id, cause="window")
    assert (await second.wait_for("offer.ended"))["reason"] == "ticket_gone"
    closed = await talk.agent.wait_for("interaction.changed", lambda m: m["interaction"]["phase"] == "closed")
    assert closed["interaction"]["close_reason"] == "window_closed"
    assert closed["interaction"]["transfer"]["phase"] == "cancelled"


async def test_a_running_call_and_a_shared_screen_go_along(service: Service) -> None:
    talk = await serve(service)
    pair = as_pair(talk)
    await pair.share()
    await pair.talk(Source.SCREEN)
    second = await colleague(service)
    await talk.agent.do("transfer.offer", interaction_id=talk.id, to_agent="agent02")
    await second.wait_for("offer.rang")
    await second.do("offer.accept", ticket_id=talk.id)
    told = (await second.wait_for("interaction.changed"))["interaction"]
    assert (told["call"]["phase"], told["assistance"]["phase"]) == ("active", "sharing")
    assert set(service.engine.rooms[talk.id]) == {"taxpayer01", "agent02"}
    mine = Pair(service, talk.taxpayer, second, talk.id, "taxpayer01", "agent02")
    await mine.subscribe(second)
    await second.wait_for("media.slot", lambda m: m["source"] == "screen")
    await mine.publish(second, Source.MICROPHONE, fresh=True)
    service.engine.connect(talk.id, "agent02", TransportKind.PUBLISH)
    assert service.engine.send(talk.id, "agent02", Source.MICROPHONE)
    assert not service.engine.send(talk.id, "agent01", Source.MICROPHONE)
    # The old agent's seats are free again, the new one's are taken.
    other = await service.sign_in("taxpayer02")
    await other.do("queue.join")
    await talk.agent.wait_for("offer.rang", lambda m: m["offer"]["ticket_id"] != talk.id)


async def test_a_call_ends_where_the_new_agent_has_no_seat_for_it() -> None:
    async with open_bureau(Bureau(capacity=3)) as service:
        busy = await serve(service, "taxpayer02", "agent02")
        await busy.agent.do("call.start", interaction_id=busy.id)
        await busy.agent.do("agent.set_status", status="away")
        talk = await serve(service)
        await as_pair(talk).talk()
        await busy.agent.do("agent.set_status", status="free")
        await talk.agent.do("transfer.offer", interaction_id=talk.id, to_agent="agent02")
        await busy.agent.wait_for("offer.rang", lambda m: m["offer"]["ticket_id"] == talk.id)
        await busy.agent.do("offer.accept", ticket_id=talk.id)
        ended = await talk.taxpayer.phase_of("call", "ended")
        assert ended["end_reason"] == "member_left"
        still = (await busy.agent.do("interaction.get", interaction_id=busy.id))["interaction"]
        assert still["call"]["phase"] == "ringing"


async def test_a_lost_agent_s_conversation_goes_to_the_head_and_on_with_the_next(service: Service) -> None:
    talk = await serve(service)
    await talk.say(talk.taxpayer, "第一句", "m1")
    await talk.agent.do("agent.sign_out")
    left = await talk.agent.wait_for("interaction.left")
    assert left["reason"] == "signed_out"
    vacant = await talk.taxpayer.wait_for(
        "interaction.changed", lambda m: m["interaction"]["agent_id"] is None
    )
    assert vacant["interaction"]["phase"] == "open"
    await talk.taxpayer.wait_for("queue.changed", lambda m: m["ticket"]["phase"] == "waiting")
    await talk.say(talk.taxpayer, "还有人吗", "m2")
    assert await talk.taxpayer.fails("assistance.request", interaction_id=talk.id) == ErrorCode.AGENT_OFFLINE
    assert await talk.agent.fails("interaction.get", interaction_id=talk.id) == ErrorCode.NOT_FOUND
    second = await colleague(service)
    await second.wait_for("offer.rang")
    await second.do("offer.accept", ticket_id=talk.id)
    told = (await second.wait_for("interaction.changed"))["interaction"]
    assert [m["text"] for m in told["messages"] if m["kind"] == "text"] == ["第一句", "还有人吗"]


async def test_an_agent_who_does_not_come_back_is_lost(service: Service) -> None:
    talk = await serve(service)
    await talk.agent.cut()
    await talk.taxpayer.wait_for("member.changed", lambda m: m["member"]["presence"] == "reconnecting")
    service.clock.advance(SETTINGS.grace_ms)
    await talk.taxpayer.wait_for("interaction.changed", lambda m: m["interaction"]["agent_id"] is None)
    back = service.client("agent01")
    welcome = await back.connect()
    assert welcome["interactions"] == []
    assert not welcome["desk"]["signed_in"]
    await back.do("agent.sign_in")
    await back.wait_for("offer.rang")
    await back.do("offer.accept", ticket_id=talk.id)
    told = await talk.taxpayer.wait_for(
        "interaction.changed",
        lambda m: m["interaction"]["agent_id"] == "agent01",
        after=len(talk.taxpayer.told) - 8,
    )
    assert told["interaction"]["phase"] == "open"
    await back.do("message.send", interaction_id=talk.id, client_message_id="m1", text="我回来了")


async def test_cancelling_the_wait_for_the_next_agent_ends_it(service: Service) -> None:
    talk = await serve(service)
    await talk.agent.do("agent.sign_out")
    await talk.taxpayer.wait_for("queue.changed", lambda m: m["ticket"]["phase"] == "waiting")
    await talk.taxpayer.do("queue.cancel")
    told = await talk.taxpayer.wait_for(
        "interaction.changed", lambda m: m["interaction"]["phase"] == "closed"
    )
    assert told["interaction"]["close_reason"] == "queue_left"
