"""An agent of another authority in a conversation: rung, in it, gone; what they may do and see (R7)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from media.types import Source, TransportKind
from signaling.errors import ErrorCode
from signaling.rooms.memory import MemoryRecords
from tests.unit.signaling.bureau import Conversation, open_bureau, serve
from tests.unit.signaling.service import Client, Pair, Service

GUEST = "agent11"
AUTHORITY = "340100"


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with open_bureau() as service:
        yield service


async def on_duty(service: Service, name: str = GUEST) -> Client:
    client = await service.sign_in(name)
    await client.do("agent.sign_in")
    return client


async def offer(talk: Conversation, **fields: object) -> None:
    body = {"to_agent": GUEST, "authority": AUTHORITY, "note": "企业在合肥", **fields}
    await talk.agent.do("invitation.offer", interaction_id=talk.id, **body)


async def invited(service: Service, **fields: object) -> tuple[Conversation, Client]:
    talk, guest = await serve(service), await on_duty(service)
    await offer(talk, **fields)
    await guest.wait_for("invitation.rang")
    await guest.do("invitation.accept", interaction_id=talk.id)
    await guest.wait_for("interaction.changed")
    return talk, guest


async def test_the_tree_is_searched_and_tells_who_is_on_duty(service: Service) -> None:
    talk, guest = await serve(service), await on_duty(service)
    top = (await talk.agent.do("invitation.targets"))["authorities"]
    assert [(a["code"], a["children"], a["free"]) for a in top] == [("340000", 1, 1), ("440000", 0, 0)]
    found = (await talk.agent.do("invitation.targets", words="合肥"))["authorities"]
    assert [a["name"] for a in found] == ["合肥市税务局"]
    answer = await talk.agent.do("invitation.agents", authority=AUTHORITY)
    assert [(a["agent_id"], a["status"]) for a in answer["agents"]] == [(GUEST, "free")]
    await guest.do("agent.set_status", status="busy")
    offer_it = {"interaction_id": talk.id, "to_agent": GUEST, "authority": AUTHORITY}
    assert await talk.agent.fails("invitation.offer", **offer_it) == ErrorCode.AGENT_BUSY
    await guest.do("agent.sign_out")
    assert await talk.agent.fails("invitation.offer", **offer_it) == ErrorCode.AGENT_OFFLINE
    assert (
        await talk.agent.fails("invitation.offer", **{**offer_it, "authority": "440000"})
        == ErrorCode.NOT_FOUND
    )
    assert await talk.taxpayer.fails("invitation.targets") == ErrorCode.NOT_ALLOWED
    assert await talk.taxpayer.fails("invitation.offer", **offer_it) == ErrorCode.NOT_ALLOWED


async def test_accepted_they_are_three_and_the_guest_reads_from_then_on(service: Service) -> None:
    talk, guest = await serve(service), await on_duty(service)
    await talk.say(talk.taxpayer, "此前的秘密", "m1")
    await offer(talk)
    ring = (await guest.wait_for("invitation.rang"))["ring"]
    assert (ring["from_number"], ring["note"], ring["taxpayer_name"]) == (
        "01",
        "企业在合肥",
        "shown taxpayer01",
    )
    assert await guest.fails("message.list", interaction_id=talk.id) == ErrorCode.NOT_FOUND
    told = await talk.taxpayer.wait_for("invitation.changed")
    assert (told["invitation"]["phase"], told["invitation"]["note"]) == ("ringing", "")
    await guest.do("invitation.accept", interaction_id=talk.id)
    view = (await guest.wait_for("interaction.changed"))["interaction"]
    assert [m["guest_of"] for m in view["members"]] == [None, None, "合肥市税务局"]
    await talk.taxpayer.wait_for(
        "message.posted", lambda m: m["message"]["text"] == "合肥市税务局坐席 11 加入会话。"
    )
    await talk.say(guest, "您好", "m2")
    await talk.taxpayer.wait_for("message.posted", lambda m: m["message"]["text"] == "您好")
    await talk.say(talk.taxpayer, "请看", "m3")
    await guest.wait_for("message.posted", lambda m: m["message"]["text"] == "请看")
    listed = await guest.do("message.list", interaction_id=talk.id, before_seq=100)
    assert listed["messages"][0]["seq"] == view["history_from"]
    assert not listed["more"]
    assert (await guest.do("message.list", interaction_id=talk.id, after_seq=0))["messages"][0][
        "seq"
    ] == view["history_from"]
    assert "此前的秘密" not in json.dumps(guest.told, ensure_ascii=False)
    again = service.client(GUEST)
    assert "此前的秘密" not in json.dumps(await again.connect(), ensure_ascii=False)


async def test_the_whole_history_where_the_inviting_agent_says_so(service: Service) -> None:
    talk, guest = await invited(service, share_history=True)
    view = (await guest.do("interaction.get", interaction_id=talk.id))["interaction"]
    assert view["messages"][0]["seq"] == 1
    await talk.taxpayer.wait_for(
        "message.posted", lambda m: "此前的会话内容已向其展示" in m["message"]["text"]
    )


async def test_declined_timed_out_and_cancelled(service: Service) -> None:
    talk, guest = await serve(service), await on_duty(service)
    own = {"interaction_id": talk.id}
    await offer(talk)
    await guest.wait_for("invitation.rang")
    assert (
        await talk.agent.fails("invitation.offer", to_agent=GUEST, authority=AUTHORITY, **own)
        == "wrong_phase"
    )
    await guest.do("invitation.decline", **own)
    await talk.agent.wait_for("invitation.changed", lambda m: m["invitation"]["phase"] == "declined")
    assert await guest.fails("invitation.accept", **own) == ErrorCode.INVITATION_ENDED
    await offer(talk)
    await guest.wait_for("invitation.rang", after=len(guest.told) - 1)
    service.clock.advance(30_000)
    await guest.wait_for("invitation.ended", lambda m: m["phase"] == "timed_out")
    await talk.taxpayer.wait_for("message.posted", lambda m: "无人应答" in m["message"]["text"])
    await offer(talk)
    await talk.agent.do("invitation.cancel", **own)
    await guest.wait_for("invitation.ended", lambda m: m["phase"] == "cancelled")
    assert await guest.fails("invitation.accept", **own) == ErrorCode.INVITATION_ENDED
    stranger = await on_duty(service, "agent12")
    assert await stranger.fails("invitation.accept", **own) == ErrorCode.NOT_FOUND
    assert await stranger.fails("invitation.accept", interaction_id="nothing") == ErrorCode.NOT_FOUND


async def test_it_rings_again_after_a_reload(service: Service) -> None:
    talk, guest = await serve(service), await on_duty(service)
    await offer(talk)
    await guest.wait_for("invitation.rang")
    again = service.client(GUEST)
    welcome = await again.connect()
    assert [ring["interaction_id"] for ring in welcome["rings"]] == [talk.id]
    await again.do("invitation.accept", interaction_id=talk.id)
    assert (await again.do("interaction.get", interaction_id=talk.id))["interaction"]["members"][2][
        "guest_of"
    ]


async def test_three_talk_and_the_guest_goes_out_of_the_call_alone(service: Service) -> None:
    talk, guest = await invited(service)
    pair = Pair(service, talk.taxpayer, talk.agent, talk.id, "taxpayer01", "agent01")
    await pair.share()
    await pair.talk(Source.SCREEN)
    engine = service.engine
    tracks = [{"mid": "0", "source": "microphone"}, {"mid": "1", "source": "camera"}]
    sdp = "\r\n".join(["v=0", "m=audio 9 UDP/TLS/RTP/SAVPF 96", "a=mid:0", "a=sendonly",
                       "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:1", "a=sendonly", ""])  # fmt: skip
    publish = {"interaction_id": talk.id, "sdp": sdp, "tracks": tracks, "fresh": True}
    assert await guest.fails("media.publish", **publish) == ErrorCode.OUTSIDE_GRANT
    await pair.subscribe(guest)
    await guest.wait_for("media.slot", lambda m: m["source"] == "screen")
    await guest.do("call.accept", interaction_id=talk.id)
    await guest.do("media.publish", **publish)
    engine.connect(talk.id, GUEST, TransportKind.PUBLISH)
    assert engine.send(talk.id, GUEST, Source.CAMERA)
    told = await talk.taxpayer.wait_for(
        "member.changed", lambda m: m["member"]["person_id"] == GUEST and m["member"]["media"]
    )
    assert told["member"]["in_call"]
    await guest.do("call.hang_up", interaction_id=talk.id)
    view = (await talk.taxpayer.do("interaction.get", interaction_id=talk.id))["interaction"]
    assert (view["call"]["phase"], view["members"][2]["in_call"]) == ("active", False)
    assert not engine.send(talk.id, GUEST, Source.CAMERA)
    await guest.do("call.accept", interaction_id=talk.id)
    await talk.taxpayer.do("call.hang_up", interaction_id=talk.id)
    view = (await guest.do("interaction.get", interaction_id=talk.id))["interaction"]
    assert not view["members"][2]["in_call"]
    for event in ("call.start", "interaction.close", "invitation.cancel"):
        assert await guest.fails(event, interaction_id=talk.id) == ErrorCode.NOT_ALLOWED


@pytest.mark.parametrize("by", ["guest", "agent", "line"])
async def test_the_guest_goes_and_the_two_go_on(service: Service, by: str) -> None:
    talk, guest = await invited(service)
    pair = Pair(service, talk.taxpayer, talk.agent, talk.id, "taxpayer01", "agent01")
    await pair.talk()
    if by == "guest":
        await guest.do("invitation.leave", interaction_id=talk.id)
    elif by == "agent":
        await talk.agent.do("invitation.cancel", interaction_id=talk.id)
    else:
        await guest.cut()
        await talk.agent.wait_for("member.changed", lambda m: m["member"]["presence"] == "reconnecting")
        service.clock.advance(31_000)
    await talk.taxpayer.wait_for("message.posted", lambda m: "坐席 11 已离开会话" in m["message"]["text"])
    if by != "line":
        await guest.wait_for("interaction.left", lambda m: m["reason"] == "invitation_ended")
        assert await guest.fails("message.list", interaction_id=talk.id) == ErrorCode.NOT_FOUND
    view = (await talk.taxpayer.do("interaction.get", interaction_id=talk.id))["interaction"]
    assert (view["call"]["phase"], view["invitation"]["phase"], len(view["members"])) == (
        "active",
        "ended",
        2,
    )
    assert set(service.engine.rooms[talk.id]) == {"taxpayer01", "agent01"}


async def test_the_guest_is_told_of_no_hidden_supervisor(service: Service) -> None:
    talk, guest = await invited(service)
    lead = await service.sign_in("lead01")
    await lead.do("supervise.join", interaction_id=talk.id, mode="whisper")
    await talk.agent.wait_for("interaction.changed", lambda m: len(m["interaction"]["members"]) == 4)
    await guest.do("interaction.get", interaction_id=talk.id)
    assert "lead01" not in json.dumps(guest.told)


async def test_a_conversation_without_a_taxpayer(service: Service) -> None:
    first, guest = await on_duty(service, "agent01"), await on_duty(service)
    body = {"to_agent": GUEST, "authority": AUTHORITY, "business": "跨区域涉税事项报验"}
    opened = (await first.do("collaboration.open", **body))["interaction"]
    own = {"interaction_id": opened["interaction_id"]}
    assert (opened["kind"], opened["invitation"]["phase"]) == ("collaboration", "ringing")
    assert await first.fails("call.start", **own) == ErrorCode.AGENT_OFFLINE
    await guest.wait_for("invitation.rang", lambda m: m["ring"]["business"] == "跨区域涉税事项报验")
    await guest.do("invitation.accept", **own)
    await guest.do("message.send", client_message_id="a", text="收到", **own)
    await first.wait_for("message.posted", lambda m: m["message"]["text"] == "收到")
    await first.do("call.start", **own)
    await guest.phase_of("call", "connecting")
    await guest.do("call.accept", **own)
    told = [data["message"]["text"] for event, data in first.told if event == "message.posted"]
    assert "税务人员 01 发起音视频互动。" in told
    assert not any("纳税人" in line or "此前的会话" in line for line in told)
    assert await guest.fails("interaction.profile", **own) == ErrorCode.NOT_FOUND
    await guest.do("invitation.leave", **own)
    await first.phase_of("call", "ended")
    await first.do("interaction.close", **own)
    told = await first.wait_for("interaction.changed", lambda m: m["interaction"]["phase"] == "closed")
    assert told["interaction"]["close_reason"] == "agent_ended"


async def test_a_collaboration_whose_agent_does_not_come_back_ends(service: Service) -> None:
    first, guest = await on_duty(service, "agent01"), await on_duty(service)
    body = {"to_agent": GUEST, "authority": AUTHORITY, "business": "报验"}
    own = (await first.do("collaboration.open", **body))["interaction"]["interaction_id"]
    await guest.do("invitation.accept", interaction_id=own)
    await guest.wait_for("interaction.changed")
    await first.cut()
    await guest.wait_for("member.changed", lambda m: m["member"]["presence"] == "reconnecting")
    service.clock.advance(31_000)
    await guest.wait_for("member.changed", lambda m: m["member"]["presence"] == "left")
    service.clock.advance(121_000)
    told = await guest.wait_for("interaction.changed", lambda m: m["interaction"]["phase"] == "closed")
    assert told["interaction"]["close_reason"] == "abandoned"


async def test_a_restart_finds_the_guest_and_what_rings() -> None:
    records = MemoryRecords()
    async with open_bureau(records=records) as service:
        talk, guest = await invited(service)
        await talk.say(guest, "我看到了", "m1")
        body = {"to_agent": GUEST, "authority": AUTHORITY, "business": "报验"}
        second = await on_duty(service, "agent02")
        rung = (await second.do("collaboration.open", **body))["interaction"]["interaction_id"]
        work = await records.restore(200)
    kept = {one.interaction.interaction_id: one for one in work.interactions}
    assert kept[talk.id].invitation is not None
    assert kept[rung].invitation is not None
    restored = MemoryRecords()
    for one in work.interactions:
        restored.keep(one.interaction, *one.members, one.invitation)  # type: ignore[arg-type]
    async with open_bureau(records=restored) as service:
        back = service.client(GUEST)
        welcome = await back.connect()
        views = {view["interaction_id"]: view for view in welcome["interactions"]}
        assert views[talk.id]["members"][2]["guest_of"] == "合肥市税务局"
        assert [ring["interaction_id"] for ring in welcome["rings"]] == [rung]
        await back.do("invitation.accept", interaction_id=rung)


async def test_a_guest_has_a_place_less_for_their_own_queue(service: Service) -> None:
    talk, guest = await invited(service)

    def places() -> tuple[int, frozenset[str]]:
        agent = service.gateway._reception.state.agents[GUEST]
        return agent.load, agent.guesting

    assert places() == (1, frozenset({talk.id}))
    await guest.do("agent.sign_out")
    await guest.do("agent.sign_in")
    assert places() == (1, frozenset({talk.id})), "signed in anew, still in it"
    await guest.do("invitation.leave", interaction_id=talk.id)
    assert places() == (0, frozenset())
    before = len(guest.told)
    await offer(talk)
    await guest.wait_for("invitation.rang", after=before)
    await guest.do("invitation.accept", interaction_id=talk.id)
    assert places()[0] == 1
    await talk.agent.do("interaction.close", interaction_id=talk.id)
    await guest.wait_for("interaction.changed", lambda m: m["interaction"]["phase"] == "closed")
    assert places() == (0, frozenset()), "closed with the guest in it"
