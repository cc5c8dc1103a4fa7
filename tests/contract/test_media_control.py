"""What signalling relies on in a packet engine: the real one and the fake pass the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from media._engine import Engine
from media.control import EngineError, MediaControl, PacketEngine
from media.events import MediaEvent, TransportChanged
from media.fake import FakeEngine
from media.types import EngineConfig, Slots, Source, TrackRef, TransportKind, TransportState

CAPTURES = Path(__file__).parents[1] / "captures"
CALL_OFFER = (CAPTURES / "chromium_call_offer.sdp").read_text()
SCREEN_OFFER = (CAPTURES / "chromium_screen_offer.sdp").read_text()
CALL_TRACKS = [("0", Source.MICROPHONE), ("1", Source.CAMERA)]
SCREEN_TRACKS = [("1", Source.SCREEN)]
VOICE_AND_FACE = {Source.MICROPHONE, Source.CAMERA}
CANDIDATE = "candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host generation 0"
SLOTS = Slots(audio=2, video=2)


def fake_engine() -> PacketEngine:
    return FakeEngine()


def real_engine() -> PacketEngine:
    return Engine(json.dumps(asdict(EngineConfig())))


class Room:
    """A media room with what it has told."""

    def __init__(self, control: MediaControl) -> None:
        self.control = control
        self.told: list[MediaEvent] = []
        self._news = asyncio.Condition()
        control.listen("room", self._hear)

    def _hear(self, event: MediaEvent) -> None:
        self.told.append(event)

        async def wake() -> None:
            async with self._news:
                self._news.notify_all()

        task = asyncio.get_running_loop().create_task(wake())
        task.add_done_callback(lambda done: done.result())

    async def wait_for(self, wanted: Callable[[MediaEvent], bool]) -> MediaEvent:
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: any(map(wanted, self.told))), 5)
        return next(filter(wanted, self.told))


@pytest_asyncio.fixture(params=[fake_engine, real_engine], ids=["fake", "real"])
async def control(request: pytest.FixtureRequest) -> AsyncIterator[MediaControl]:
    made = MediaControl(request.param(), timeout_s=5)
    await made.start()
    yield made
    await made.stop()


@pytest_asyncio.fixture
async def room(control: MediaControl) -> Room:
    room = Room(control)
    await control.create_room("room")
    return room


async def code_of(awaitable: Any) -> str:
    with pytest.raises(EngineError) as caught:
        await awaitable
    return caught.value.code


async def test_a_room_is_made_once_and_closed_once(control: MediaControl) -> None:
    reply = await control.create_room("r")
    assert reply.worker == 0
    assert await code_of(control.create_room("r")) == "room_exists"
    await control.close_room("r")
    assert await code_of(control.close_room("r")) == "room_unknown"
    await control.create_room("r")


async def test_a_peer_enters_once_and_leaves_once(room: Room) -> None:
    control = room.control
    await control.add_peer("room", "a", (), SLOTS)
    assert await code_of(control.add_peer("room", "a", (), SLOTS)) == "peer_exists"
    assert await code_of(control.add_peer("nowhere", "a", (), SLOTS)) == "room_unknown"
    assert await code_of(control.add_peer("room", "b", (), Slots(1000, 1000))) == "bad_argument"
    await control.remove_peer("room", "a")
    assert await code_of(control.remove_peer("room", "a")) == "peer_unknown"
    await control.add_peer("room", "a", (), SLOTS)


async def test_an_offer_within_the_grant_is_answered(room: Room) -> None:
    control = room.control
    await control.add_peer("room", "a", VOICE_AND_FACE, SLOTS)
    reply = await control.publish("room", "a", CALL_OFFER, CALL_TRACKS, fresh=True)
    assert reply.sdp is not None
    assert reply.sdp.startswith("v=0")
    assert "a=mid:0" in reply.sdp
    assert "a=mid:1" in reply.sdp
    told = await room.wait_for(lambda e: isinstance(e, TransportChanged))
    assert isinstance(told, TransportChanged)
    assert (told.peer_id, told.transport, told.state) == (
        "a",
        TransportKind.PUBLISH,
        TransportState.CONNECTING,
    )


async def test_a_source_outside_the_grant_is_refused(room: Room) -> None:
    control = room.control
    await control.add_peer("room", "agent", VOICE_AND_FACE, SLOTS)
    publishing = control.publish("room", "agent", SCREEN_OFFER, SCREEN_TRACKS, fresh=True)
    assert await code_of(publishing) == "outside_grant"


async def test_a_sending_line_without_a_source_is_refused(room: Room) -> None:
    control = room.control
    await control.add_peer("room", "a", VOICE_AND_FACE, SLOTS)
    publishing = control.publish("room", "a", CALL_OFFER, CALL_TRACKS[:1], fresh=True)
    assert await code_of(publishing) == "outside_grant"


async def test_nothing_may_be_published_once_the_grant_is_taken_away(room: Room) -> None:
    control = room.control
    await control.add_peer("room", "a", VOICE_AND_FACE, SLOTS)
    await control.publish("room", "a", CALL_OFFER, CALL_TRACKS, fresh=True)
    await control.set_grant("room", "a", ())
    publishing = control.publish("room", "a", CALL_OFFER, CALL_TRACKS, fresh=True)
    assert await code_of(publishing) == "outside_grant"
    await control.set_grant("room", "a", VOICE_AND_FACE)
    await control.publish("room", "a", CALL_OFFER, CALL_TRACKS, fresh=True)


@pytest.mark.parametrize(
    ("tracks", "code"),
    [
        ([("0", Source.MICROPHONE), ("7", Source.CAMERA)], "bad_argument"),
        ([("1", Source.MICROPHONE), ("0", Source.CAMERA)], "bad_argument"),
    ],
    ids=["a mid that is not there", "sources on lines of the other kind"],
)
async def test_tracks_that_do_not_fit_the_offer(
    room: Room, tracks: list[tuple[str, Source]], code: str
) -> None:
    control = room.control
    await control.add_peer("room", "a", VOICE_AND_FACE, SLOTS)
    assert await code_of(control.publish("room", "a", CALL_OFFER, tracks, fresh=True)) == code


async def test_garbage_is_no_sdp(room: Room) -> None:
    control = room.control
    await control.add_peer("room", "a", VOICE_AND_FACE, SLOTS)
    assert await code_of(control.publish("room", "a", "hello", [], fresh=True)) == "bad_sdp"
    await control.subscribe("room", "a", fresh=True)
    assert await code_of(control.answer("room", "a", "hello")) == "bad_sdp"


async def test_a_new_publish_transport_closes_the_old_one(room: Room) -> None:
    control = room.control
    await control.add_peer("room", "a", VOICE_AND_FACE, SLOTS)
    await control.publish("room", "a", CALL_OFFER, CALL_TRACKS, fresh=True)
    await control.publish("room", "a", CALL_OFFER, CALL_TRACKS, fresh=True)
    await room.wait_for(lambda e: isinstance(e, TransportChanged) and e.state is TransportState.CLOSED)
    states = [e.state for e in room.told if isinstance(e, TransportChanged)]
    assert states == [TransportState.CONNECTING, TransportState.CLOSED, TransportState.CONNECTING]


async def test_a_connection_the_engine_does_not_know_is_not_gone_on_with(room: Room) -> None:
    control = room.control
    await control.add_peer("room", "a", VOICE_AND_FACE, SLOTS)
    going_on = control.publish("room", "a", CALL_OFFER, CALL_TRACKS, fresh=False)
    assert await code_of(going_on) == "wrong_state"
    assert await code_of(control.subscribe("room", "a", fresh=False)) == "wrong_state"


async def test_the_offer_has_a_line_for_every_slot(room: Room) -> None:
    control = room.control
    await control.add_peer("room", "a", (), SLOTS)
    reply = await control.subscribe("room", "a", fresh=True)
    assert reply.sdp is not None
    assert reply.sdp.count("\nm=") == SLOTS.audio + SLOTS.video
    assert reply.sdp.count("a=mid:") == SLOTS.audio + SLOTS.video
    again = await control.subscribe("room", "a", fresh=False)
    assert again.sdp is not None
    assert again.sdp.count("\nm=") == SLOTS.audio + SLOTS.video


async def test_answers_and_candidates_need_their_transport(room: Room) -> None:
    control = room.control
    await control.add_peer("room", "a", (), SLOTS)
    assert await code_of(control.answer("room", "a", "v=0\r\n")) == "wrong_state"
    for transport in TransportKind:
        adding = control.add_candidate("room", "a", transport, CANDIDATE)
        assert await code_of(adding) == "wrong_state"


async def test_candidates(room: Room) -> None:
    control = room.control
    await control.add_peer("room", "a", (), SLOTS)
    await control.subscribe("room", "a", fresh=True)
    subscribe = TransportKind.SUBSCRIBE
    await control.add_candidate("room", "a", subscribe, CANDIDATE)
    await control.add_candidate("room", "a", subscribe, "")
    assert await code_of(control.add_candidate("room", "a", subscribe, "hello")) == "bad_candidate"


async def test_mute_audience_and_view_need_no_track(room: Room) -> None:
    control = room.control
    await control.add_peer("room", "a", VOICE_AND_FACE, SLOTS)
    await control.add_peer("room", "b", (), SLOTS)
    await control.set_muted("room", "a", Source.CAMERA, True)
    await control.set_audience("room", "a", Source.CAMERA, ())
    await control.set_audience("room", "a", Source.CAMERA, ["b"])
    await control.set_audience("room", "a", Source.CAMERA, None)
    await control.set_view("room", "b", TrackRef("a", Source.CAMERA), width=640, height=360)
    assert await code_of(control.set_muted("room", "c", Source.CAMERA, True)) == "peer_unknown"


async def test_commands_of_a_room_are_run_in_order_without_waiting(room: Room) -> None:
    control = room.control
    waiting = [
        control.add_peer("room", "a", VOICE_AND_FACE, SLOTS),
        control.set_muted("room", "a", Source.CAMERA, True),
        control.publish("room", "a", CALL_OFFER, CALL_TRACKS, fresh=True),
        control.set_grant("room", "a", ()),
        control.remove_peer("room", "a"),
    ]
    replies = await asyncio.gather(*waiting)
    assert [r.error for r in replies] == [None] * len(waiting)


async def test_a_removed_peer_tells_that_its_transports_closed(room: Room) -> None:
    control = room.control
    await control.add_peer("room", "a", VOICE_AND_FACE, SLOTS)
    await control.publish("room", "a", CALL_OFFER, CALL_TRACKS, fresh=True)
    await control.subscribe("room", "a", fresh=True)
    await control.remove_peer("room", "a")
    for transport in TransportKind:
        await room.wait_for(
            lambda e, kind=transport: (  # type: ignore[misc]
                isinstance(e, TransportChanged) and (e.transport, e.state) == (kind, TransportState.CLOSED)
            )
        )


async def test_metrics_are_an_object(control: MediaControl) -> None:
    assert control.metrics()["stats_dropped"] == 0


async def test_nothing_is_answered_after_the_end(control: MediaControl) -> None:
    await control.stop()
    await control.stop()
    assert await code_of(control.create_room("r")) in ("closed", "internal")
