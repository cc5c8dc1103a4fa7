"""Meetings through the gateway: real Socket.IO clients, a fake engine, a record that outlives the process."""

from __future__ import annotations

import contextlib
import random
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from pycrdt import Doc, Text

from media.types import Source, TransportKind
from signaling.rooms.kept_meetings import KeptMeetingMessage, KeptNotesUpdate
from signaling.rooms.meeting_memory import MemoryMeetings
from signaling.rooms.meeting_streams import MeetingStreams, NewStream
from signaling.rooms.meetings import NewApplication
from signaling.rooms.ports import Person, RecordsUnavailable
from signaling.sessions.mediation import Asked
from signaling.sessions.meeting_states import MediationPhase
from signaling.sessions.meeting_streams import Stream, StreamAccess
from signaling.sessions.states import Role
from signaling.settings import RateLimit, RateLimits
from signaling.wire.requests import REQUESTS
from tests.unit.signaling.bureau import Bureau, open_bureau
from tests.unit.signaling.clock import ManualClock
from tests.unit.signaling.service import Client, Message, Service, offer
from tests.unit.signaling.test_generated_messages import FREELY, answer_of, broken, no_fault, payload_of

HOST, DEPUTY, TAXPAYER, EXPERT = "agent01", "agent02", "taxpayer01", "taxpayer02"


class Records(MemoryMeetings):
    def __init__(self) -> None:
        super().__init__()
        self.killed = False
        self.away = False
        self.kept: list[object] = []

    def keep_meeting(self, *things: Any) -> None:
        if self.away:
            raise RecordsUnavailable
        if not self.killed:
            self.kept += things
            super().keep_meeting(*things)


@contextlib.asynccontextmanager
async def started(records: Records, clock: ManualClock, **changes: Any) -> AsyncIterator[Service]:
    """Killed at the end of the block."""
    records.killed = False
    async with open_bureau(Bureau(), clock=clock, meeting_records=records, **changes) as service:
        yield service
        records.killed = True


def dispatched(service: Service, agent: str = HOST) -> str:
    meetings = service.gateway.meetings
    asked = NewApplication("TJSQ1", Asked("税务争议", "详情"), None)
    applied = meetings.apply(Person(TAXPAYER, Role.TAXPAYER, "张*", None, None, 0), asked)
    lead = Person("lead01", Role.SUPERVISOR, "001", None, None, 0)
    given = meetings.dispatch(lead, applied.application_id, agent)
    assert given.meeting_id is not None
    return given.meeting_id


async def page(service: Service, person: str, **more: Any) -> Client:
    client = service.client(person)
    await client.connect(scope="meeting", **more)
    return client


async def enter(service: Service, meeting_id: str, *people: str) -> list[Client]:
    """The host first; the others are admitted."""
    clients = [await page(service, person) for person in people]
    host = clients[0]
    for client, person in zip(clients, people, strict=True):
        entered = await client.do("meeting.enter", meeting_id=meeting_id)
        if client is not host:
            assert entered["meeting"]["place"] == "lobby"
            await host.do("meeting.admit", meeting_id=meeting_id, person_id=person)
            await client.wait_for("meeting.changed", lambda m: m["meeting"]["place"] == "room")
    return clients


async def publish(client: Client, meeting_id: str, *sources: Source) -> Message:
    tracks = [{"mid": str(index), "source": source} for index, source in enumerate(sources)]
    return await client.do(
        "media.publish", interaction_id=meeting_id, sdp=offer(*sources), tracks=tracks, fresh=True
    )


async def test_a_meeting_from_the_lobby_to_the_end() -> None:
    records = Records()
    async with started(records, ManualClock()) as service:
        own = dispatched(service)
        taxpayer = await page(service, TAXPAYER)
        knocked = await taxpayer.do("meeting.enter", meeting_id=own)
        assert knocked["meeting"] == {
            **knocked["meeting"], "place": "lobby", "phase": "scheduled", "subject": None, "members": []
        }  # fmt: skip
        assert knocked["messages"] == []
        host = await page(service, HOST)
        entered = await host.do("meeting.enter", meeting_id=own)
        assert entered["meeting"]["host_id"] == HOST
        assert [w["person_id"] for w in entered["waiting"]] == [TAXPAYER]
        await taxpayer.wait_for("meeting.changed", lambda m: m["meeting"]["phase"] == "running")
        assert await taxpayer.fails("meeting.admit", meeting_id=own, person_id=TAXPAYER) == "not_found"
        await host.do("meeting.admit", meeting_id=own, person_id=None)
        await taxpayer.wait_for("meeting.changed", lambda m: m["meeting"]["place"] == "room")
        inside = await taxpayer.do("meeting.enter", meeting_id=own)
        assert [m["person_id"] for m in inside["meeting"]["members"]] == [HOST, TAXPAYER]
        assert inside["waiting"] == []

        sent = await taxpayer.do("message.send", interaction_id=own, client_message_id="c1", text="各位好")
        again = await taxpayer.do("message.send", interaction_id=own, client_message_id="c1", text="各位好")
        assert sent == again
        await host.wait_for("message.posted", lambda m: m["message"]["text"] == "各位好")
        listed = await host.do("message.list", interaction_id=own)
        assert [m["text"] for m in listed["messages"]].count("各位好") == 1

        await host.do("meeting.end", meeting_id=own)
        left = await taxpayer.wait_for("meeting.left")
        assert left == {"meeting_id": own, "reason": "ended"}
        assert await taxpayer.fails("meeting.enter", meeting_id=own) == "meeting_ended"
        stranger = await page(service, EXPERT)
        assert await stranger.fails("meeting.enter", meeting_id=own) == "not_found"
        (application,) = records.applications.values()
        assert application.phase is MediationPhase.DONE
        assert service.engine.metrics() is not None


async def test_the_desk_and_the_meeting_are_two_pages_of_one_person() -> None:
    async with started(Records(), ManualClock()) as service:
        own = dispatched(service)
        desk = await service.sign_in(HOST)
        (meeting,) = await enter(service, own, HOST)
        assert not (await desk.do("desk.get"))["desk"]["signed_in"]
        assert await meeting.fails("desk.get") == "unknown_message"
        assert await meeting.fails("interaction.get", interaction_id=own) == "unknown_message"
        assert await desk.fails("meeting.enter", meeting_id=own) == "unknown_message"
        assert await desk.fails("message.send", interaction_id=own, client_message_id="c", text="x") == (
            "not_found"
        )
        newer = await page(service, HOST)
        closed = await meeting.wait_for("session.closed")
        assert closed["reason"]["code"] == "signed_in_elsewhere"
        assert (await newer.do("meeting.enter", meeting_id=own))["meeting"]["host_id"] == HOST


async def test_media_follows_admission_mute_and_the_one_screen() -> None:
    async with started(Records(), ManualClock()) as service:
        own, engine = dispatched(service), service.engine
        waiting = await page(service, EXPERT)
        host, deputy, taxpayer = await enter(service, own, HOST, DEPUTY, TAXPAYER)
        await waiting.do("meeting.enter", meeting_id=own)
        for event in ("media.subscribe",):
            assert await waiting.fails(event, interaction_id=own, fresh=True) == "not_found"
        await publish(taxpayer, own, Source.MICROPHONE)
        engine.connect(own, TAXPAYER, TransportKind.PUBLISH)
        assert engine.send(own, TAXPAYER, Source.MICROPHONE)
        offered = await host.do("media.subscribe", interaction_id=own, fresh=True)
        assert len(offered["slots"]) == 23
        await host.do("media.answer", interaction_id=own, sdp="v=0\r\n")
        engine.connect(own, HOST, TransportKind.SUBSCRIBE)
        slot = await host.wait_for("media.slot", lambda m: m["publisher_id"] == TAXPAYER)
        assert (slot["interaction_id"], slot["source"]) == (own, "microphone")

        assert (TAXPAYER, Source.MICROPHONE) in engine.receives(own, HOST)
        await host.do("meeting.mute", meeting_id=own, person_id=TAXPAYER, source="microphone", hold=True)
        assert engine.receives(own, HOST) == set()
        unmute = {"interaction_id": own, "source": "microphone", "muted": False}
        assert await taxpayer.fails("media.mute", **unmute) == "muted_by_host"
        await host.do("meeting.ask_unmute", meeting_id=own, person_id=None, source="microphone")
        asked = await taxpayer.wait_for("meeting.unmute_asked")
        assert asked["source"] == "microphone"
        await taxpayer.do("media.mute", **unmute)
        assert (TAXPAYER, Source.MICROPHONE) in engine.receives(own, HOST)

        screen = [{"mid": "0", "source": "screen"}]
        wanted = {"interaction_id": own, "sdp": offer(Source.SCREEN), "tracks": screen, "fresh": True}
        assert await deputy.fails("media.publish", **wanted) == "outside_grant"
        await deputy.do("meeting.share", meeting_id=own)
        await deputy.do("media.publish", **wanted)
        engine.connect(own, DEPUTY, TransportKind.PUBLISH)
        assert engine.send(own, DEPUTY, Source.SCREEN)
        assert await taxpayer.fails("meeting.share", meeting_id=own) == "share_taken"
        await host.do("meeting.share", meeting_id=own, take_over=True)
        assert not engine.send(own, DEPUTY, Source.SCREEN)
        assert await deputy.fails("media.publish", **wanted) == "outside_grant"

        engine.speak(own, [TAXPAYER])
        speakers = await deputy.wait_for("media.speakers")
        assert speakers["person_ids"] == [TAXPAYER]
        view = {"publisher_id": TAXPAYER, "source": "camera", "width": 0, "height": 0}
        await host.do("media.view", interaction_id=own, **view)
        assert await host.fails("media.view", interaction_id=own, **{**view, "publisher_id": EXPERT}) == (
            "not_found"
        )
        await host.do("meeting.remove", meeting_id=own, person_id=TAXPAYER)
        assert not engine.send(own, TAXPAYER, Source.MICROPHONE)
        assert (await taxpayer.wait_for("meeting.left"))["reason"] == "removed"
        assert await taxpayer.fails("meeting.enter", meeting_id=own) == "meeting_removed"


class Writer:
    """The notes of one page."""

    def __init__(self, client: Client, meeting_id: str) -> None:
        self.client, self.own = client, meeting_id
        self.doc: Doc[Text] = Doc()
        self.text = self.doc.get("notes", type=Text)
        self.known = b"\x00"

    async def pull(self) -> str:
        vector = b64encode(self.doc.get_state()).decode()
        found = await self.client.do("meeting.notes", meeting_id=self.own, vector=vector)
        self.doc.apply_update(b64decode(found["update"]))
        self.known = b64decode(found["vector"])
        return str(self.text)

    @property
    def update(self) -> str:
        return b64encode(self.doc.get_update(self.known)).decode()

    async def push(self) -> None:
        kept = await self.client.do("meeting.edit_notes", meeting_id=self.own, update=self.update)
        self.known = b64decode(kept["vector"])


async def test_notes_are_merged_told_and_kept() -> None:
    records, clock = Records(), ManualClock()
    many = RateLimits(costly=RateLimit(burst=200, per_second=1))
    async with started(records, clock, rates=many) as service:
        own = dispatched(service)
        host, taxpayer = await enter(service, own, HOST, TAXPAYER)
        first, second = Writer(host, own), Writer(taxpayer, own)
        first.text.insert(0, "host ")
        second.text.insert(0, "taxpayer ")
        await first.push()
        await second.push()
        told = await host.wait_for("meeting.notes_changed")
        first.doc.apply_update(b64decode(told["update"]))
        assert str(first.text) == await second.pull()
        # The record is away: nothing is acknowledged, nobody is told, and it goes in when it is sent again.
        records.away = True
        first.text.insert(0, "late ")
        failed = await host.fails("meeting.edit_notes", meeting_id=own, update=first.update)
        assert failed == "records_unavailable"
        assert "late" not in await second.pull()
        records.away = False
        await first.push()
        assert "late" in await second.pull()
        for number in range(60):
            first.text.insert(0, f"{number} ")
            await first.push()
        edits = sum(isinstance(k, KeptNotesUpdate) for k in records.kept)
        assert edits == 63
        bad = b64encode(b"\x01\x02\x03").decode()
        assert await host.fails("meeting.edit_notes", meeting_id=own, update=bad) == "bad_message"
        assert await host.fails("meeting.edit_notes", meeting_id=own, update="%%%") == "bad_message"
        await host.do("meeting.set_role", meeting_id=own, person_id=TAXPAYER, meeting_role="observer")
        refused = await taxpayer.fails("meeting.edit_notes", meeting_id=own, update=second.update)
        assert refused == "not_allowed"
        whole = str(first.text)
    async with started(records, clock) as service:
        (host,) = await enter(service, own, HOST)
        assert await Writer(host, own).pull() == whole
        await host.do("meeting.end", meeting_id=own)
        kept = records.notes(own)
        assert kept is not None
        assert kept.text == whole


async def test_a_restart_finds_the_meeting_as_it_was() -> None:
    records, clock = Records(), ManualClock()
    async with started(records, clock) as service:
        own = dispatched(service)
        host, _, taxpayer = await enter(service, own, HOST, DEPUTY, TAXPAYER)
        await host.do("meeting.lock", meeting_id=own, locked=True)
        await taxpayer.do("message.send", interaction_id=own, client_message_id="c1", text="您好")
        before = (await host.do("meeting.enter", meeting_id=own))["messages"]
    async with started(records, clock) as service:
        taxpayer = await page(service, TAXPAYER)
        entered = await taxpayer.do("meeting.enter", meeting_id=own)
        assert entered["meeting"]["host_id"] == HOST
        assert entered["meeting"]["locked"]
        assert entered["messages"] == before
        again = await taxpayer.do("message.send", interaction_id=own, client_message_id="c1", text="您好")
        assert again["message"] == before[-1]
        deputy = await page(service, DEPUTY)
        await deputy.do("meeting.enter", meeting_id=own)
        # The host does not come back: the next agent follows.
        clock.advance(30_000)
        changed = await taxpayer.wait_for("meeting.changed", lambda m: m["meeting"]["host_id"] == DEPUTY)
        assert changed["meeting"]["phase"] == "running"
        stranger = await page(service, EXPERT)
        assert await stranger.fails("meeting.enter", meeting_id=own) == "meeting_locked"


def _adding(host: Person, asked: NewStream) -> Callable[[MeetingStreams], Awaitable[Stream]]:
    async def add(streams: MeetingStreams) -> Stream:
        return streams.add(host, asked)

    return add


def _revoking(host: Person, stream_id: str) -> Callable[[MeetingStreams], Awaitable[None]]:
    async def revoke(streams: MeetingStreams) -> None:
        streams.revoke(host, stream_id)

    return revoke


async def test_window_and_desk_are_told_where_one_is_expected() -> None:
    """The applicant when it runs, the agent from the dispatch on, both until its end, and nobody else."""
    records, clock = Records(), ManualClock()
    async with started(records, clock) as service:
        people = {who: await service.sign_in(who) for who in (TAXPAYER, HOST, DEPUTY, EXPERT)}
        own = dispatched(service)
        expected = {"meeting_id": own, "phase": "scheduled", "subject": "税务争议"}
        await people[HOST].wait_for("mediation.changed", lambda m: m["meetings"] == [expected])
        assert not [m for e, m in people[TAXPAYER].told if e == "mediation.changed" and m["meetings"]]
        (host,) = await enter(service, own, HOST)
        running = {**expected, "phase": "running"}
        for who in (TAXPAYER, HOST):
            await people[who].wait_for("mediation.changed", lambda m: m["meetings"] == [running])
        again = service.client(TAXPAYER)
        await again.connect()
        await again.wait_for("mediation.changed", lambda m: m["meetings"] == [running])
    async with started(records, clock) as service:
        late = await service.sign_in(TAXPAYER)
        await late.wait_for("mediation.changed", lambda m: m["meetings"] == [running])
        (host,) = await enter(service, own, HOST)
        await host.do("meeting.end", meeting_id=own)
        await late.wait_for("mediation.changed", lambda m: m["meetings"] == [])
        assert not [e for who in (DEPUTY, EXPERT) for e, _ in people[who].told if e == "mediation.changed"]


async def test_a_restart_keeps_hands_holds_the_lobby_and_links() -> None:
    records, clock = Records(), ManualClock()
    async with started(records, clock) as service:
        own = dispatched(service)
        host, taxpayer = await enter(service, own, HOST, TAXPAYER)
        await host.do("meeting.mute", meeting_id=own, person_id=TAXPAYER, source="microphone", hold=True)
        await taxpayer.do("meeting.hand", meeting_id=own, raised=True)
        for who in (EXPERT, DEPUTY):
            assert (await (await page(service, who)).do("meeting.enter", meeting_id=own))["meeting"][
                "place"
            ] == "lobby"
        await host.do("meeting.refuse", meeting_id=own, person_id=DEPUTY)
        await host.do("meeting.lock", meeting_id=own, locked=True)
        room = service.gateway.meetings.room(own)
        person = Person(HOST, Role.AGENT, "101", None, None, 0)
        links: dict[str, Stream] = {}
        for name, lifetime_ms in (("kept", 3_600_000), ("late", 5_000), ("revoked", 3_600_000)):
            asked = NewStream(StreamAccess.PUBLISH, name, Source.CAMERA, lifetime_ms)
            links[name] = await room.do(_adding(person, asked))
        await room.do(_revoking(person, links["revoked"].stream_id))
    clock.advance(5_000)
    async with started(records, clock) as service:
        host = await page(service, HOST)
        entered = await host.do("meeting.enter", meeting_id=own)
        assert [w["person_id"] for w in entered["waiting"]] == [EXPERT]
        taxpayer = await page(service, TAXPAYER)
        back = await taxpayer.do("meeting.enter", meeting_id=own)
        (me,) = [m for m in back["meeting"]["members"] if m["person_id"] == TAXPAYER]
        assert (me["muted"], me["held"]) == (["microphone"], ["microphone"])
        assert me["hand_raised_at"] is not None
        refused = await taxpayer.fails("media.mute", interaction_id=own, source="microphone", muted=False)
        assert refused == "muted_by_host"
        # Locked: who waited before still waits, who comes now does not.
        waiting = await (await page(service, EXPERT)).do("meeting.enter", meeting_id=own)
        assert waiting["meeting"]["place"] == "lobby"
        assert await (await page(service, DEPUTY)).fails("meeting.enter", meeting_id=own) == "meeting_locked"
        assert service.gateway.meetings.room(own).state.streams == (links["kept"],)


async def test_who_was_gone_for_a_moment_is_still_there() -> None:
    clock = ManualClock()
    async with started(Records(), clock) as service:
        own = dispatched(service)
        host, taxpayer = await enter(service, own, HOST, TAXPAYER)
        client = service.client(TAXPAYER)
        await taxpayer.cut()
        away = await host.wait_for("meeting.member", lambda m: m["member"]["presence"] == "reconnecting")
        assert away["member"]["person_id"] == TAXPAYER
        welcome = await client.connect(scope="meeting", resume_token="wrong")
        assert not welcome["resumed"]
        after = len(host.told)
        await client.do("meeting.enter", meeting_id=own)
        back = await host.wait_for(
            "meeting.member", lambda m: m["member"]["presence"] == "online", after=after
        )
        assert back["member"]["person_id"] == TAXPAYER


async def test_what_cannot_be_kept_is_not_said() -> None:
    records = Records()
    async with started(records, ManualClock()) as service:
        own = dispatched(service)
        host, taxpayer = await enter(service, own, HOST, TAXPAYER)
        records.away = True
        said = {"interaction_id": own, "client_message_id": "c9", "text": "没有记录"}
        assert await taxpayer.fails("message.send", **said) == "records_unavailable"
        records.away = False
        await taxpayer.do("message.send", **said)
        texts = [k.message.text for k in records.kept if isinstance(k, KeptMeetingMessage)]
        assert texts.count("没有记录") == 1
        posted = [m for e, m in host.told if e == "message.posted" and m["message"]["text"] == "没有记录"]
        assert len(posted) <= 1


async def test_a_crash_stays_in_its_meeting(monkeypatch: Any) -> None:
    from signaling.sessions import meeting as rules

    records = Records()
    async with started(records, ManualClock()) as service:
        desk = await service.sign_in(HOST)
        own, other = dispatched(service), dispatched(service)
        host, taxpayer = await enter(service, own, HOST, TAXPAYER)
        real = rules.handle

        def broken(state: Any, command: Any, now_ms: int) -> Any:
            if state.meeting_id == own:
                raise RuntimeError("secret detail")
            return real(state, command, now_ms)

        monkeypatch.setattr(rules, "handle", broken)
        assert await host.fails("meeting.hand", meeting_id=own, raised=True) == "internal_error"
        assert (await taxpayer.wait_for("meeting.left"))["reason"] == "ended"
        await desk.wait_for(
            "mediation.changed", lambda m: [one["meeting_id"] for one in m["meetings"]] == [other]
        )
        assert (await host.do("meeting.enter", meeting_id=other))["meeting"]["place"] == "room"
        phases = {a.meeting_id: a.phase for a in records.applications.values()}
        assert phases[own] is MediationPhase.DONE


async def test_whatever_is_sent_to_a_meeting_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    """By the host, an agent, a taxpayer, an observer, somebody in the lobby and somebody outside."""
    dice = random.Random("meeting")
    names = (HOST, DEPUTY, TAXPAYER, EXPERT, "taxpayer03", "agent11")
    async with started(Records(), ManualClock(), rates=FREELY) as service:
        own = dispatched(service)
        clients = dict(zip(names[:4], await enter(service, own, *names[:4]), strict=True))
        host = clients[HOST]
        await host.do("meeting.set_role", meeting_id=own, person_id=EXPERT, meeting_role="observer")
        for name in names[4:]:
            clients[name] = await page(service, name)
        await clients["taxpayer03"].do("meeting.enter", meeting_id=own)
        room = service.gateway.meetings._rooms[own]
        before = room.state
        for name, client in clients.items():
            for model in REQUESTS:
                for payload in broken(payload_of(model, own, dice), model, dice):
                    answer = await answer_of(client, model.EVENT, payload)
                    assert answer["error"]["code"] == "bad_message", (name, model.EVENT, payload)
        assert room.state is before
        for model in REQUESTS:
            if model.EVENT in ("meeting.enter", "meeting.leave"):
                continue
            for name in ("taxpayer03", "agent11"):
                answer = await answer_of(clients[name], model.EVENT, payload_of(model, own, dice))
                if model.EVENT != "media.ice_servers":
                    assert not answer["ok"], (name, model.EVENT)
        assert room.state.members == before.members
        wishes = [(n, m) for n in names for m in REQUESTS if m.EVENT != "meeting.end" for _ in range(6)]
        dice.shuffle(wishes)
        for name, model in wishes:
            await answer_of(clients[name], model.EVENT, payload_of(model, own, dice))
    no_fault(caplog)
