"""The human service end to end: real Socket.IO clients, the queue, the conversation, and what follows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from signaling.errors import ErrorCode
from signaling.sessions.model import FileRef
from signaling.sessions.settings import SessionSettings
from tests.unit.signaling.bureau import AH, SETTINGS, Bureau, open_bureau, serve
from tests.unit.signaling.service import Service


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with open_bureau() as running:
        yield running


# The queue


async def test_from_the_button_to_the_greeting(service: Service) -> None:
    agent = await service.sign_in("agent01")
    desk = (await agent.do("agent.sign_in"))["desk"]
    assert (desk["signed_in"], desk["status"], desk["capacity"], desk["load"]) == (True, "free", 2, 0)
    taxpayer = await service.sign_in("taxpayer01")
    ticket = (await taxpayer.do("queue.join", page="申报", business="增值税"))["ticket"]
    assert ticket["centre"] == {"centre_id": "gd", "name": "广东服务运营中心"}
    rang = (await agent.wait_for("offer.rang"))["offer"]
    assert rang["ticket_id"] == ticket["ticket_id"]
    assert rang["profile"]["phone"] == "134****3624"
    assert rang["context"] == {"page": "申报", "business": "增值税", "authority": None}
    await agent.do("offer.accept", ticket_id=ticket["ticket_id"])
    for client in (taxpayer, agent):
        told = (await client.wait_for("interaction.changed"))["interaction"]
        assert told["interaction_id"] == ticket["ticket_id"]
        assert [(m["kind"], m["seq"]) for m in told["messages"]] == [("system", 1), ("card", 2)]
        card = told["messages"][1]
        assert (card["card"], card["sender_name"], card["sender_role"]) == ("greeting", "01", "agent")
        assert "工号01" in card["text"]
    served = await taxpayer.wait_for("queue.changed", lambda m: m["ticket"]["phase"] == "serving")
    assert served["ticket"]["ahead"] is None
    changed = await agent.wait_for(
        "desk.changed", lambda m: m["desk"]["load"] == 1 and not m["desk"]["offer"]
    )
    assert changed["desk"]["interactions"] == [ticket["ticket_id"]]


async def test_refusals_say_which_way_out(service: Service) -> None:
    taxpayer = await service.sign_in("taxpayer01")
    assert await taxpayer.fails("queue.join") == ErrorCode.QUEUE_NO_AGENT
    assert await taxpayer.fails("queue.join", authority="nowhere") == ErrorCode.QUEUE_NO_CENTRE
    agent = await service.sign_in("agent01")
    assert await agent.fails("queue.join") == ErrorCode.NOT_ALLOWED
    assert await agent.fails("agent.set_status", status="free") == ErrorCode.AGENT_SIGNED_OUT
    assert await taxpayer.fails("agent.sign_in") == ErrorCode.NOT_ALLOWED


async def test_closed_centres_take_nobody() -> None:
    async with open_bureau(Bureau(open_centres={AH})) as service:
        agent = await service.sign_in("agent01")
        await agent.do("agent.sign_in")
        taxpayer = await service.sign_in("taxpayer01")
        assert await taxpayer.fails("queue.join") == ErrorCode.QUEUE_CLOSED


async def test_the_number_before_one_falls_live_and_cancelling_frees_the_place(service: Service) -> None:
    agent = await service.sign_in("agent01")
    await agent.do("agent.sign_in", status="away")
    people = [await service.sign_in(f"taxpayer0{number}") for number in (1, 2, 3)]
    tickets = [(await person.do("queue.join"))["ticket"] for person in people]
    assert [ticket["ahead"] for ticket in tickets] == [0, 1, 2]
    again = (await people[2].do("queue.join"))["ticket"]
    assert again["ticket_id"] == tickets[2]["ticket_id"], "one place a person"
    await people[0].do("queue.cancel")
    gone = await people[0].wait_for("queue.changed", lambda m: m["ticket"]["phase"] == "gone")
    assert gone["ticket"]["gone_reason"] == "cancelled"
    service.clock.advance(1_000)
    told = await people[2].wait_for("queue.changed", lambda m: m["ticket"]["ahead"] == 1)
    assert told["ticket"]["phase"] == "waiting"
    assert (await people[0].do("queue.get"))["ticket"] is None
    assert await people[0].fails("queue.cancel") == ErrorCode.NOT_FOUND


async def test_waiting_too_long_offers_another_way_and_keeps_the_place(service: Service) -> None:
    agent = await service.sign_in("agent01")
    await agent.do("agent.sign_in", status="away")
    taxpayer = await service.sign_in("taxpayer01")
    await taxpayer.do("queue.join")
    service.clock.advance(SETTINGS.wait_timeout_ms)
    told = await taxpayer.wait_for("queue.changed", lambda m: m["ticket"]["wait_notice"] == "timeout")
    assert told["ticket"]["ahead"] == 0
    await taxpayer.do("queue.stay")
    assert (await taxpayer.do("queue.get"))["ticket"]["wait_notice"] is None
    await agent.do("agent.set_status", status="free")
    await agent.wait_for("offer.rang")


async def test_a_silent_agent_is_away_and_the_ticket_rings_at_the_next(service: Service) -> None:
    first = await service.sign_in("agent01")
    await first.do("agent.sign_in")
    taxpayer = await service.sign_in("taxpayer01")
    own = (await taxpayer.do("queue.join"))["ticket"]["ticket_id"]
    await first.wait_for("offer.rang")
    second = await service.sign_in("agent02")
    await second.do("agent.sign_in")
    service.clock.advance(SETTINGS.offer_ring_ms)
    assert (await first.wait_for("offer.ended"))["reason"] == "silent"
    told = await first.wait_for("agent.status", lambda m: m["status"] == "away")
    assert told["reason"] == "missed_offer"
    assert (await second.wait_for("offer.rang"))["offer"]["ticket_id"] == own
    assert await first.fails("offer.accept", ticket_id=own) == ErrorCode.OFFER_ENDED
    await second.do("offer.decline", ticket_id=own)
    assert await second.fails("offer.decline", ticket_id=own) == ErrorCode.OFFER_ENDED


async def test_an_agent_picks_from_the_waiting_list(service: Service) -> None:
    agent = await service.sign_in("agent01")
    await agent.do("agent.sign_in", status="busy")
    taxpayer = await service.sign_in("taxpayer01")
    own = (await taxpayer.do("queue.join", business="发票"))["ticket"]["ticket_id"]
    service.clock.advance(1_000)
    told = await agent.wait_for("waiting.changed", lambda m: m["waiting"]["total"] == 1)
    row = told["waiting"]["rows"][0]
    assert (row["ticket_id"], row["name"], row["context"]["business"]) == (own, "shown taxpayer01", "发票")
    await agent.do("queue.pick", ticket_id=own)
    await taxpayer.wait_for("interaction.changed")
    assert await agent.fails("queue.pick", ticket_id="unknown") == ErrorCode.NOT_FOUND


async def test_a_place_survives_a_reload_and_is_given_up_after_the_grace_period(service: Service) -> None:
    agent = await service.sign_in("agent01")
    await agent.do("agent.sign_in", status="away")
    taxpayer = await service.sign_in("taxpayer01")
    own = (await taxpayer.do("queue.join"))["ticket"]["ticket_id"]
    await taxpayer.cut()
    back = service.client("taxpayer01")
    welcome = await back.connect()
    assert welcome["ticket"]["ticket_id"] == own
    await back.cut()
    await agent.do("desk.get")  # the server has heard of the cut before this
    service.clock.advance(SETTINGS.grace_ms + 1_000)
    await agent.wait_for("waiting.changed", lambda m: m["waiting"]["total"] == 0)


# The conversation


async def test_messages_reach_both_once_in_order_and_are_marked_read(service: Service) -> None:
    talk = await serve(service)
    first = await talk.say(talk.taxpayer, "您好", "m1")
    again = await talk.say(talk.taxpayer, "您好", "m1")
    assert first == again
    second = await talk.say(talk.agent, "请讲", "m1")
    assert (first["seq"], second["seq"]) == (3, 4)
    assert (second["sender_name"], second["sender_role"]) == ("01", "agent")
    for client in (talk.taxpayer, talk.agent):
        await client.wait_for("message.posted", lambda m: m["message"]["seq"] == 4)
        posted = [m["message"]["seq"] for name, m in client.told if name == "message.posted"]
        assert posted == [3, 4]
    await talk.agent.do("message.read", interaction_id=talk.id, seq=3)
    read = await talk.taxpayer.wait_for("read.changed")
    assert (read["person_id"], read["seq"]) == ("agent01", 3)
    await talk.agent.do("message.read", interaction_id=talk.id, seq=1)
    view = (await talk.agent.do("interaction.get", interaction_id=talk.id))["interaction"]
    assert view["read"]["agent01"] == 3, "a mark never goes back"
    await talk.agent.do("message.typing", interaction_id=talk.id, typing=True)
    typing = await talk.taxpayer.wait_for("typing.changed")
    assert typing["person_id"] == "agent01"
    assert not [m for name, m in talk.agent.told if name == "typing.changed"]


async def test_a_gap_is_filled_and_older_lines_are_paged() -> None:
    records_of = SessionSettings(kept_messages=5)
    async with open_bureau(sessions=records_of) as service:
        talk = await serve(service)
        for number in range(10):
            service.clock.advance(1_000)
            await talk.say(talk.taxpayer, f"第{number}句", f"m{number}")
        asked = {"interaction_id": talk.id}
        missed = await talk.agent.do("message.list", after_seq=9, **asked)
        assert [m["seq"] for m in missed["messages"]] == [10, 11, 12]
        assert (missed["last_seq"], missed["more"]) == (12, False)
        early = await talk.agent.do("message.list", after_seq=0, limit=4, **asked)
        assert [m["seq"] for m in early["messages"]] == [1, 2, 3, 4]
        assert early["more"]
        page = await talk.agent.do("message.list", before_seq=5, limit=3, **asked)
        assert [m["seq"] for m in page["messages"]] == [2, 3, 4]
        assert page["more"]
        assert await talk.agent.fails("message.list", before_seq=5, after_seq=1, **asked) == "bad_message"
        stranger = await service.sign_in("taxpayer02")
        assert await stranger.fails("message.list", **asked) == ErrorCode.NOT_FOUND


async def test_files_are_sent_by_their_sender_into_their_conversation_alone() -> None:
    bureau = Bureau()
    async with open_bureau(bureau) as service:
        talk = await serve(service)
        picture = FileRef("f1", "发票.png", "image/png", 12_345, 640, 480)
        bureau.files["f1"] = (talk.id, "taxpayer01", picture)
        send = {"interaction_id": talk.id, "client_message_id": "m1", "file_id": "f1"}
        assert await talk.agent.fails("message.send", **send) == ErrorCode.FILE_NOT_FOUND
        sent = (await talk.taxpayer.do("message.send", **send))["message"]
        assert (sent["kind"], sent["text"], sent["file"]["width"]) == ("picture", "发票.png", 640)
        told = await talk.agent.wait_for("message.posted", lambda m: m["message"]["file"] is not None)
        assert told["message"] == sent
        both = {**send, "client_message_id": "m2", "text": "看图"}
        assert await talk.taxpayer.fails("message.send", **both) == ErrorCode.BAD_MESSAGE


@pytest.mark.parametrize(
    ("who", "cause", "reason"),
    [
        ("taxpayer", "button", "taxpayer_ended"),
        ("taxpayer", "window", "window_closed"),
        ("agent", "button", "agent_ended"),
    ],
)
async def test_the_end_is_told_rated_once_and_wrapped_up(
    service: Service, who: str, cause: str, reason: str
) -> None:
    talk = await serve(service)
    own = {"interaction_id": talk.id}
    assert await talk.taxpayer.fails("interaction.rate", resolved=True, **own) == ErrorCode.NOT_FOUND
    ender = talk.taxpayer if who == "taxpayer" else talk.agent
    await ender.do("interaction.close", cause=cause, **own)
    for client in (talk.taxpayer, talk.agent):
        told = await client.wait_for("interaction.changed", lambda m: m["interaction"]["phase"] == "closed")
        assert told["interaction"]["close_reason"] == reason
    await talk.taxpayer.wait_for("queue.changed", lambda m: m["ticket"]["phase"] == "gone")
    await talk.agent.wait_for("desk.changed", lambda m: m["desk"]["load"] == 0)
    assert await talk.agent.fails("interaction.rate", resolved=True, **own) == ErrorCode.NOT_ALLOWED
    stranger = await service.sign_in("taxpayer02")
    assert await stranger.fails("interaction.rate", resolved=True, **own) == ErrorCode.NOT_FOUND
    await talk.taxpayer.do("interaction.rate", resolved=False, comment="等太久", **own)
    assert await talk.taxpayer.fails("interaction.rate", resolved=True, **own) == ErrorCode.ALREADY_RATED
    assert await talk.taxpayer.fails("interaction.wrap_up", code="vat", **own) == ErrorCode.NOT_ALLOWED
    await talk.agent.do("interaction.wrap_up", code="vat", note="已说明", **own)


async def test_after_work_time_ends_with_the_wrap_up() -> None:
    async with open_bureau(Bureau(settings=replace(SETTINGS, after_work_ms=60_000), capacity=1)) as service:
        talk = await serve(service)
        await talk.taxpayer.do("interaction.close", interaction_id=talk.id)
        told = await talk.agent.wait_for("desk.changed", lambda m: m["desk"]["status"] == "after_work")
        assert told["desk"]["wrapping"] == [talk.id]
        unrated = service.client("taxpayer01")
        welcome = await unrated.connect()
        assert [a["interaction_id"] for a in welcome["aftercare"]] == [talk.id]
        await talk.agent.do("interaction.wrap_up", code="vat", interaction_id=talk.id)
        await talk.agent.wait_for(
            "desk.changed", lambda m: m["desk"]["status"] == "free" and not m["desk"]["wrapping"]
        )


async def test_silence_is_warned_of_and_then_ends_it(service: Service) -> None:
    talk = await serve(service)
    times = SessionSettings()
    service.clock.advance(times.silence_warn_ms)
    warned = await talk.taxpayer.wait_for("silence.changed")
    assert warned["ends_at"] == service.clock.now_ms() + times.silence_end_ms
    await talk.say(talk.taxpayer, "还在", "m1")
    await talk.agent.wait_for("silence.changed", lambda m: m["ends_at"] is None)
    service.clock.advance(times.silence_warn_ms)
    await talk.taxpayer.wait_for(
        "silence.changed", lambda m: m["ends_at"] == service.clock.now_ms() + times.silence_end_ms
    )
    service.clock.advance(times.silence_end_ms)
    told = await talk.taxpayer.wait_for(
        "interaction.changed", lambda m: m["interaction"]["phase"] == "closed"
    )
    assert told["interaction"]["close_reason"] == "silence"


async def test_nobody_but_members_learns_anything(service: Service) -> None:
    talk = await serve(service)
    stranger, agent = await service.sign_in("taxpayer02"), await service.sign_in("agent02")
    await agent.do("agent.sign_in")
    own = {"interaction_id": talk.id}
    for client in (stranger, agent):
        for event, fields in (
            ("interaction.get", {}),
            ("interaction.close", {}),
            ("message.send", {"client_message_id": "m", "text": "?"}),
            ("message.list", {}),
            ("message.read", {"seq": 1}),
            ("message.typing", {"typing": True}),
            ("interaction.profile", {}),
            ("interaction.rate", {"resolved": True}),
            ("interaction.wrap_up", {"code": "c"}),
            ("supervise.leave", {}),
        ):
            assert await client.fails(event, **own, **fields) == ErrorCode.NOT_FOUND, event
    assert await stranger.fails("supervise.join", mode="listen", **own) == ErrorCode.NOT_ALLOWED
    assert await agent.fails("transfer.offer", to_centre="ah", **own) == ErrorCode.NOT_FOUND
    assert await agent.fails("transfer.cancel", **own) == ErrorCode.NOT_FOUND
    assert await talk.taxpayer.fails("interaction.profile", **own) == ErrorCode.NOT_ALLOWED
    profile = (await talk.agent.do("interaction.profile", **own))["profile"]
    assert profile["phone"] == "134****3624"
