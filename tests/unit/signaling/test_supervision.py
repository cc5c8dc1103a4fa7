"""Supervisors end to end (R18): the whole centre live, listening, whispering, joining; the taxpayer knows what they may."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from media.types import Source, TransportKind
from signaling.errors import ErrorCode
from signaling.rooms.kept import KeptAudit
from signaling.rooms.memory import MemoryRecords
from tests.unit.signaling.bureau import Conversation, open_bureau, serve
from tests.unit.signaling.service import Client, Pair, Service, offer


class AuditedRecords(MemoryRecords):
    """Remembers the audit log too."""

    def __init__(self) -> None:
        super().__init__()
        self.audit: list[tuple[str, str, str | None]] = []

    def keep(self, *things: object) -> None:
        super().keep(*things)  # type: ignore[arg-type]
        self.audit += [(t.actor_id, t.action, t.detail) for t in things if isinstance(t, KeptAudit)]


RECORDS = AuditedRecords


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with open_bureau(records=RECORDS()) as running:
        yield running


async def supervise(service: Service, talk: Conversation, mode: str, name: str = "lead01") -> Client:
    lead = await service.sign_in(name)
    await lead.do("supervise.join", interaction_id=talk.id, mode=mode)
    return lead


def heard_of(client: Client, name: str) -> bool:
    return name in json.dumps(client.told)


async def test_the_centre_is_seen_live(service: Service) -> None:
    lead = await service.sign_in("lead01")
    centres = (await lead.do("supervise.list"))["centres"]
    assert [c["waiting"]["centre"]["centre_id"] for c in centres] == ["gd"]
    talk = await serve(service)
    service.clock.advance(1_000)
    told = await lead.wait_for("supervise.changed", lambda m: m["centre"]["conversations"])
    row = told["centre"]["conversations"][0]
    assert (row["interaction_id"], row["staff_number"], row["taxpayer_name"]) == (
        talk.id,
        "01",
        "shown taxpayer01",
    )
    assert [a["agent_id"] for a in told["centre"]["agents"]] == ["agent01"]
    await talk.agent.do("call.start", interaction_id=talk.id)
    service.clock.advance(1_000)
    await lead.wait_for("supervise.changed", lambda m: m["centre"]["conversations"][0]["call"] == "ringing")
    await talk.taxpayer.do("interaction.close", interaction_id=talk.id)
    service.clock.advance(1_000)
    await lead.wait_for("supervise.changed", lambda m: not m["centre"]["conversations"], after=3)


@pytest.mark.parametrize("mode", ["listen", "whisper"])
async def test_the_taxpayer_never_hears_of_a_hidden_supervisor(service: Service, mode: str) -> None:
    talk = await serve(service)
    pair = Pair(service, talk.taxpayer, talk.agent, talk.id, "taxpayer01", "agent01")
    await pair.talk()
    lead = await supervise(service, talk, mode)
    seen = await talk.agent.wait_for("interaction.changed", lambda m: len(m["interaction"]["members"]) == 3)
    assert seen["interaction"]["members"][2]["supervision"] == mode
    await pair.subscribe(talk.taxpayer)
    await pair.subscribe(lead)
    await lead.wait_for("media.slot", lambda m: m["source"] == "microphone")
    tracks = [{"mid": "0", "source": "microphone"}]
    publish = {"interaction_id": talk.id, "sdp": offer(Source.MICROPHONE), "tracks": tracks, "fresh": True}
    if mode == "listen":
        assert await lead.fails("media.publish", **publish) == ErrorCode.OUTSIDE_GRANT
    else:
        await lead.do("media.publish", **publish)
        service.engine.connect(talk.id, "lead01", TransportKind.PUBLISH)
        assert service.engine.send(talk.id, "lead01", Source.MICROPHONE)
        await pair.subscribe(talk.agent)
        assert ("lead01", Source.MICROPHONE) in service.engine.receives(talk.id, "agent01")
        assert ("lead01", Source.MICROPHONE) not in service.engine.receives(talk.id, "taxpayer01")
        service.engine.speak(talk.id, ["lead01", "agent01"])
        await talk.taxpayer.wait_for("media.speakers", lambda m: m["person_ids"] == ["agent01"])
    send = {"interaction_id": talk.id, "client_message_id": "m", "text": "小声"}
    assert await lead.fails("message.send", **send) == ErrorCode.NOT_ALLOWED
    assert await lead.fails("interaction.close", interaction_id=talk.id) == ErrorCode.NOT_ALLOWED
    assert await lead.fails("call.hang_up", interaction_id=talk.id) == ErrorCode.NOT_ALLOWED
    view = {
        "interaction_id": talk.id,
        "publisher_id": "lead01",
        "source": "microphone",
        "width": 1,
        "height": 1,
    }
    assert await talk.taxpayer.fails("media.view", **view) == ErrorCode.NOT_FOUND
    await lead.do("supervise.leave", interaction_id=talk.id)
    await lead.wait_for("interaction.left", lambda m: m["reason"] == "supervision_ended")
    await talk.taxpayer.do("interaction.get", interaction_id=talk.id)
    assert not heard_of(talk.taxpayer, "lead01")
    back = service.client("taxpayer01")
    assert "lead01" not in json.dumps(await back.connect())


async def test_a_supervisor_who_joins_is_a_member_like_others(service: Service) -> None:
    talk = await serve(service)
    lead = await supervise(service, talk, "listen")
    await lead.do("supervise.join", interaction_id=talk.id, mode="barge")
    told = await talk.taxpayer.wait_for(
        "interaction.changed", lambda m: len(m["interaction"]["members"]) == 3
    )
    assert told["interaction"]["members"][2]["supervision"] == "barge"
    await talk.taxpayer.wait_for("message.posted", lambda m: "已加入会话" in m["message"]["text"])
    await lead.do("message.send", interaction_id=talk.id, client_message_id="m", text="我来协助")
    posted = await talk.taxpayer.wait_for("message.posted", lambda m: m["message"]["text"] == "我来协助")
    assert posted["message"]["sender_role"] == "supervisor"
    await lead.do("supervise.leave", interaction_id=talk.id)
    await talk.taxpayer.wait_for("message.posted", lambda m: "已离开会话" in m["message"]["text"])


async def test_only_one_s_own_centres_and_each_step_is_recorded() -> None:
    records = RECORDS()
    async with open_bureau(records=records) as service:
        talk = await serve(service)
        stranger = await service.sign_in("lead11")
        own = {"interaction_id": talk.id}
        assert await stranger.fails("supervise.join", mode="listen", **own) == ErrorCode.NOT_FOUND
        assert await talk.agent.fails("supervise.list") == ErrorCode.NOT_ALLOWED
        lead = await supervise(service, talk, "listen")
        await lead.do("supervise.join", mode="whisper", **own)
        await lead.do("supervise.leave", **own)
        await lead.wait_for("interaction.left")
        assert records.audit == [
            ("lead01", "supervision_started", "listen"),
            ("lead01", "supervision_started", "whisper"),
            ("lead01", "supervision_ended", "whisper"),
        ]


async def test_a_supervisor_s_lost_line_ends_nothing(service: Service) -> None:
    talk = await serve(service)
    pair = Pair(service, talk.taxpayer, talk.agent, talk.id, "taxpayer01", "agent01")
    await pair.talk()
    lead = await supervise(service, talk, "listen")
    await lead.cut()
    await talk.agent.wait_for("member.changed", lambda m: m["member"]["presence"] == "reconnecting")
    service.clock.advance(31_000)
    await talk.agent.wait_for(
        "interaction.changed", lambda m: len(m["interaction"]["members"]) == 2, after=12
    )
    view = (await talk.taxpayer.do("interaction.get", interaction_id=talk.id))["interaction"]
    assert view["call"]["phase"] == "active"
    assert set(service.engine.rooms[talk.id]) == {"taxpayer01", "agent01"}
