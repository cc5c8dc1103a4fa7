"""A server that was killed and started again: the same record, everything else gone."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from media.types import Source, TransportKind
from signaling.errors import ErrorCode
from signaling.rooms.memory import MemoryRecords
from signaling.rooms.ports import RecordsUnavailable
from signaling.sessions.queue_states import CentreSettings
from signaling.sessions.states import TransferPhase
from tests.unit.signaling.bureau import Bureau, open_bureau, serve
from tests.unit.signaling.clock import ManualClock
from tests.unit.signaling.service import Pair, Service


class Frozen(MemoryRecords):
    """A process that was killed keeps nothing more: what a stopping gateway still wants to say is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.killed = False
        self.away = False

    def keep(self, *things: object) -> None:
        if self.away:
            raise RecordsUnavailable
        if not self.killed:
            super().keep(*things)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def started(records: Frozen, clock: ManualClock) -> AsyncIterator[Service]:
    """Killed at the end of the block."""
    records.killed = False
    async with open_bureau(Bureau(), records, clock=clock) as service:
        yield service
        records.killed = True


async def test_a_conversation_goes_on_with_every_message_once() -> None:
    records, clock = Frozen(), ManualClock()
    async with started(records, clock) as service:
        talk = await serve(service, business="发票")
        for number in range(5):
            await talk.say(talk.taxpayer, f"第{number}句", f"m{number}")
        before = (await talk.agent.do("interaction.get", interaction_id=talk.id))["interaction"]
    async with started(records, clock) as service:
        taxpayer, agent = service.client("taxpayer01"), service.client("agent01")
        mine, theirs = await taxpayer.connect(), await agent.connect()
        for welcome in (mine, theirs):
            found = welcome["interactions"][0]
            assert found["interaction_id"] == talk.id
            assert found["messages"] == before["messages"]
            assert (found["context"], found["centre_name"]) == (before["context"], before["centre_name"])
        assert mine["ticket"]["phase"] == "serving"
        assert theirs["desk"]["signed_in"]
        assert theirs["desk"]["interactions"] == [talk.id]
        assert theirs["desk"]["capacity"] == 2
        again = await taxpayer.do(
            "message.send", interaction_id=talk.id, client_message_id="m4", text="第4句"
        )
        assert again["message"] == before["messages"][-1], (
            "sent again after the restart, it is the same message"
        )
        new = await agent.do("message.send", interaction_id=talk.id, client_message_id="n", text="我在")
        assert new["message"]["seq"] == before["last_seq"] + 1
        await taxpayer.do("interaction.close", interaction_id=talk.id)
        await agent.wait_for("desk.changed", lambda m: m["desk"]["load"] == 0)
        await taxpayer.do("interaction.rate", interaction_id=talk.id, resolved=True)
    async with started(records, clock) as service:
        taxpayer = service.client("taxpayer01")
        assert (await taxpayer.connect())["interactions"] == []
        rate = {"interaction_id": talk.id, "resolved": True}
        assert await taxpayer.fails("interaction.rate", **rate) == ErrorCode.ALREADY_RATED


async def test_a_call_and_a_share_come_back_with_fresh_transports() -> None:
    records, clock = Frozen(), ManualClock()
    async with started(records, clock) as service:
        talk = await serve(service)
        pair = Pair(service, talk.taxpayer, talk.agent, talk.id, "taxpayer01", "agent01")
        await pair.share()
        await pair.talk(Source.SCREEN)
        await talk.taxpayer.do("assistance.pause", interaction_id=talk.id)
    async with started(records, clock) as service:
        taxpayer, agent = service.client("taxpayer01"), service.client("agent01")
        found = (await taxpayer.connect())["interactions"][0]
        await agent.connect()
        assert (found["call"]["phase"], found["assistance"]["phase"]) == ("active", "accepted")
        pair = Pair(service, taxpayer, agent, talk.id, "taxpayer01", "agent01")
        await pair.subscribe(agent)
        await pair.publish(taxpayer, Source.MICROPHONE, Source.SCREEN, fresh=True)
        service.engine.connect(talk.id, "taxpayer01", TransportKind.PUBLISH)
        assert service.engine.send(talk.id, "taxpayer01", Source.MICROPHONE)
        assert service.engine.send(talk.id, "taxpayer01", Source.SCREEN)
        await agent.phase_of("assistance", "paused")
        received = service.engine.receives(talk.id, "agent01")
        assert ("taxpayer01", Source.MICROPHONE) in received
        assert ("taxpayer01", Source.SCREEN) not in received, "what was paused stays so"
        busy = await service.sign_in("taxpayer02")
        await busy.do("queue.join")
        await agent.wait_for("offer.rang")
        await agent.do("offer.accept", ticket_id=(await busy.do("queue.get"))["ticket"]["ticket_id"])
        other = (await busy.do("queue.get"))["ticket"]["ticket_id"]
        assert await agent.fails("call.start", interaction_id=other) == ErrorCode.AGENT_BUSY


async def test_everybody_keeps_the_place_in_the_queue() -> None:
    records, clock = Frozen(), ManualClock()
    async with started(records, clock) as service:
        agent = await service.sign_in("agent01")
        await agent.do("agent.sign_in", status="away")
        people = [await service.sign_in(f"taxpayer0{n}") for n in (1, 2, 3)]
        tickets = [(await p.do("queue.join", page="首页"))["ticket"]["ticket_id"] for p in people]
        await people[1].do("queue.cancel")
    async with started(records, clock) as service:
        third = service.client("taxpayer03")
        welcome = await third.connect()
        assert (welcome["ticket"]["ticket_id"], welcome["ticket"]["ahead"]) == (tickets[2], 1)
        first = service.client("taxpayer01")
        await first.connect()
        agent = service.client("agent01")
        desk = (await agent.connect())["desk"]
        assert (desk["signed_in"], desk["status"]) == (True, "away")
        await agent.do("agent.set_status", status="free")
        rang = (await agent.wait_for("offer.rang"))["offer"]
        assert (rang["ticket_id"], rang["context"]["page"]) == (tickets[0], "首页")


async def test_agents_are_signed_in_again_as_they_were() -> None:
    records, clock = Frozen(), ManualClock()
    async with started(records, clock) as service:
        talk = await serve(service)
        for agent_id, status in (("agent02", "free"), ("agent03", "busy"), ("agent04", "free")):
            await (await service.sign_in(agent_id)).do("agent.sign_in", status=status)
        await service.clients[-1].do("agent.sign_out")
        await talk.agent.do("agent.set_status", status="busy")
    async with started(records, clock) as service:
        desks = {
            agent_id: (await service.client(agent_id).connect())["desk"]
            for agent_id in ("agent01", "agent02", "agent03", "agent04")
        }
        assert {a: (d["signed_in"], d["status"]) for a, d in desks.items()} == {
            "agent01": (True, "busy"),
            "agent02": (True, "free"),
            "agent03": (True, "busy"),
            "agent04": (False, "offline"),
        }
        assert desks["agent01"]["interactions"] == [talk.id]
        other = await service.sign_in("taxpayer02")
        await other.do("queue.join")
        await service.clients[1].wait_for("offer.rang")
    async with started(records, clock) as service:
        clock.advance(31_000)
        assert not (await service.client("agent02").connect())["desk"]["signed_in"], (
            "did not come back in time"
        )


async def test_after_work_time_goes_on() -> None:
    records, clock = Frozen(), ManualClock()
    own = Bureau(settings=CentreSettings(after_work_ms=60_000), capacity=1)
    async with open_bureau(own, records, clock=clock) as service:
        talk = await serve(service)
        await talk.agent.do("interaction.close", interaction_id=talk.id)
        await talk.agent.wait_for("desk.changed", lambda m: m["desk"]["wrapping"] == [talk.id])
        records.killed = True
    records.killed = False
    clock.advance(10_000)
    async with open_bureau(own, records, clock=clock) as service:
        agent = service.client("agent01")
        desk = (await agent.connect())["desk"]
        assert (desk["status"], desk["wrapping"]) == ("after_work", [talk.id])
        other = await service.sign_in("taxpayer02")
        await other.do("queue.join")
        assert (await agent.do("desk.get"))["desk"]["offer"] is None
        clock.advance(50_000)
        await agent.wait_for("offer.rang")
        records.killed = True
    records.killed = False
    async with open_bureau(own, records, clock=clock) as service:
        assert (await service.client("agent01").connect())["desk"]["wrapping"] == []


async def test_a_transfer_to_a_centre_waits_on_with_its_note() -> None:
    records, clock = Frozen(), ManualClock()
    async with started(records, clock) as service:
        talk = await serve(service)
        other = await service.sign_in("agent11")
        await other.do("agent.sign_in", status="away")
        clock.advance(60_000)
        asked_at = clock.now_ms()
        await talk.agent.do("transfer.offer", interaction_id=talk.id, to_centre="ah", note="发票红冲，已核对")
        await talk.agent.wait_for("transfer.changed")
    async with started(records, clock) as service:
        taxpayer, agent, other = (service.client(who) for who in ("taxpayer01", "agent01", "agent11"))
        await taxpayer.connect()
        found = (await agent.connect())["interactions"][0]["transfer"]
        assert (found["phase"], found["target"]) == ("offered", "安徽服务运营中心")
        await other.connect()
        await other.do("agent.set_status", status="free")
        rang = (await other.wait_for("offer.rang"))["offer"]
        assert (rang["note"], rang["transfer"]) == ("发票红冲，已核对", True)
        assert rang["waiting_since"] == asked_at
        await other.do("offer.accept", ticket_id=talk.id)
        await taxpayer.wait_for("interaction.changed", lambda m: m["interaction"]["agent_id"] == "agent11")


async def test_a_transfer_has_waited_since_it_was_asked_for() -> None:
    """Not since the taxpayer first joined the queue."""
    records, clock = Frozen(), ManualClock()
    async with started(records, clock) as service:
        talk = await serve(service)
        other = await service.sign_in("agent02")
        await other.do("agent.sign_in")
        clock.advance(60_000)
        await talk.agent.do("transfer.offer", interaction_id=talk.id, to_agent="agent02", note="请接")
        rang = (await other.wait_for("offer.rang"))["offer"]
        assert rang["waiting_since"] == clock.now_ms()


async def test_a_transfer_that_rang_at_an_agent_has_timed_out() -> None:
    records, clock = Frozen(), ManualClock()
    async with started(records, clock) as service:
        talk = await serve(service)
        other = await service.sign_in("agent02")
        await other.do("agent.sign_in")
        await talk.agent.do("transfer.offer", interaction_id=talk.id, to_agent="agent02", note="请接")
        await other.wait_for("offer.rang")
    for _ in range(2):
        async with started(records, clock) as service:
            agent = service.client("agent01")
            found = (await agent.connect())["interactions"][0]
            assert found["agent_id"] == "agent01"
            assert found["transfer"] is None or found["transfer"]["phase"] == "timed_out"
            told = [m["text"] for m in found["messages"] if m["kind"] == "system"]
            assert len([text for text in told if "转接" in text]) == 2, "asked, and what became of it, once"
            assert (await service.client("agent02").connect())["desk"]["offer"] is None
    (kept,) = records._transfers.values()
    assert (kept.phase, kept.note) == (TransferPhase.TIMED_OUT, "请接")


async def test_who_does_not_come_back_loses_the_place_and_the_conversation_its_agent() -> None:
    records, clock = Frozen(), ManualClock()
    async with started(records, clock) as service:
        talk = await serve(service)
    async with started(records, clock) as service:
        taxpayer = service.client("taxpayer01")
        await taxpayer.connect()
        clock.advance(31_000)
        await taxpayer.wait_for("interaction.changed", lambda m: m["interaction"]["agent_id"] is None)
        second = await service.sign_in("agent02")
        await second.do("agent.sign_in")
        await second.wait_for("offer.rang")
        await second.do("offer.accept", ticket_id=talk.id)
        await taxpayer.wait_for("interaction.changed", lambda m: m["interaction"]["agent_id"] == "agent02")
    async with started(records, clock) as service:
        second = service.client("agent02")
        found = (await second.connect())["interactions"][0]
        assert found["agent_id"] == "agent02"


async def test_what_cannot_be_kept_is_refused_and_changes_nothing() -> None:
    records, clock = Frozen(), ManualClock()
    async with started(records, clock) as service:
        talk = await serve(service)
        records.away = True
        say = {"interaction_id": talk.id, "client_message_id": "m1", "text": "喂"}
        assert await talk.taxpayer.fails("message.send", **say) == ErrorCode.RECORDS_UNAVAILABLE
        assert await talk.agent.fails("call.start", interaction_id=talk.id) == ErrorCode.RECORDS_UNAVAILABLE
        other = await service.sign_in("taxpayer02")
        assert await other.fails("queue.join") == ErrorCode.RECORDS_UNAVAILABLE
        assert await talk.agent.fails("agent.set_status", status="away") == ErrorCode.RECORDS_UNAVAILABLE
        records.away = False
        assert (await talk.taxpayer.do("message.send", **say))["message"]["seq"] == 3
        await other.do("queue.join")
        await talk.agent.wait_for("offer.rang", lambda m: m["offer"]["ticket_id"] != talk.id)
    async with started(records, clock) as service:
        back = service.client("taxpayer01")
        found = (await back.connect())["interactions"][0]
        assert [m["text"] for m in found["messages"] if m["kind"] == "text"] == ["喂"]


async def test_a_server_that_is_stopped_in_order_suspends_conversations() -> None:
    records, clock = Frozen(), ManualClock()
    async with open_bureau(Bureau(), records, clock=clock) as service:
        talk = await serve(service)
        await service.gateway.stop()
        told = await talk.taxpayer.wait_for("session.closed")
        assert told["reason"]["code"] == ErrorCode.SERVER_STOPPING
        assert talk.id not in service.engine.rooms
    async with started(records, clock) as service:
        found = (await service.client("taxpayer01").connect())["interactions"][0]
        assert (found["interaction_id"], found["phase"]) == (talk.id, "open")
