"""The asyncio face of the engine when the engine misbehaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from media.control import EngineError, MediaControl
from media.events import ActiveSpeakers, MediaEvent, Reply, StatsDropped, parse_events
from media.fake import FakeEngine


@pytest_asyncio.fixture
async def engine() -> FakeEngine:
    return FakeEngine()


@pytest_asyncio.fixture
async def control(engine: FakeEngine) -> AsyncIterator[MediaControl]:
    made = MediaControl(engine, timeout_s=0.05)
    await made.start()
    yield made
    await made.stop()


async def test_a_command_that_is_not_answered_fails_in_time(
    engine: FakeEngine, control: MediaControl
) -> None:
    engine.silent = True
    with pytest.raises(EngineError) as caught:
        await control.create_room("r")
    assert caught.value.code == "timeout"


async def test_stopping_fails_what_waits(engine: FakeEngine) -> None:
    control = MediaControl(engine, timeout_s=5)
    await control.start()
    engine.silent = True
    waiting = control.create_room("r")
    await control.stop()
    with pytest.raises(EngineError) as caught:
        await waiting
    assert caught.value.code == "closed"


async def test_an_answer_nobody_waits_for_is_no_fault(engine: FakeEngine, control: MediaControl) -> None:
    waiting = control.create_room("r")
    waiting.cancel()
    await control.create_room("s")
    engine._emit(type="reply", request_id=9999)
    await control.create_room("t")


async def test_events_go_to_their_room_alone_and_to_nobody_after_forgetting(
    engine: FakeEngine, control: MediaControl
) -> None:
    heard: dict[str, list[MediaEvent]] = {"a": [], "b": []}
    for room, events in heard.items():
        control.listen(room, events.append)
    engine.speak("a", ["x"])
    engine.speak("c", ["y"])
    await control.create_room("a")
    assert heard == {"a": [ActiveSpeakers("active_speakers", "a", ["x"])], "b": []}
    control.forget("a")
    control.forget("a")
    engine.speak("a", ["x"])
    await control.create_room("b")
    assert len(heard["a"]) == 1


async def test_many_events_are_taken_in_order(engine: FakeEngine, control: MediaControl) -> None:
    heard: list[MediaEvent] = []
    done = asyncio.Event()

    def hear(event: MediaEvent) -> None:
        heard.append(event)
        if len(heard) == 20_000:
            done.set()

    control.listen("a", hear)
    for number in range(20_000):
        engine.speak("a", [str(number)])
    await asyncio.wait_for(done.wait(), 5)
    assert [e.peer_ids[0] for e in heard if isinstance(e, ActiveSpeakers)] == [
        str(number) for number in range(20_000)
    ]


async def test_dropped_statistics_are_counted(engine: FakeEngine, control: MediaControl) -> None:
    engine._emit(type="stats_dropped", count=3)
    engine._emit(type="stats_dropped", count=4)
    await control.create_room("r")
    assert control.metrics()["stats_dropped"] == 7


def test_an_event_that_cannot_be_read_does_not_take_the_others_with_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    batch = [
        {"type": "reply", "request_id": 1},
        {"type": "from_the_future", "room_id": "r", "secret": "candidate"},
        {"type": "stats_dropped", "count": "many"},
        {"type": "stats_dropped", "count": 2},
    ]
    events = parse_events(json.dumps(batch).encode())
    assert events == [Reply("reply", 1), StatsDropped("stats_dropped", 2)]
    assert [record.event_type for record in caplog.records] == ["from_the_future", "stats_dropped"]  # type: ignore[attr-defined]
    assert "candidate" not in str([vars(record) for record in caplog.records])
