"""A call is recorded in real browsers (R9): asked, refused, agreed, marked, composed and played with a seek."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import pytest_asyncio

from rtc_server.recordings.index import Index, load
from tests.e2e.conftest import Pair
from tests.e2e.office import Story
from tests.harness.browser import screenshot

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def pair(story: Story) -> Pair:
    return Pair(*await story.meet())


def data_of(story: Story) -> Path:
    return story.office.data


async def folder_with(data: Path, *, seconds: float) -> Path:
    """The recording, once both people's tracks are so long: files tell nobody when they grow."""
    while True:
        for folder in (data / "recordings").glob("*"):
            if _long_enough(load(folder), seconds):
                return folder
        await asyncio.sleep(0.2)


def _long_enough(index: Index | None, seconds: float) -> bool:
    tracks = index.tracks if index is not None else []
    people = {track.person_id for track in tracks}
    return len(people) == 2 and all(track.ended_us - track.began_us > seconds * 1e6 for track in tracks)


async def test_asked_refused_agreed_and_played(story: Story, pair: Pair) -> None:
    taxpayer, agent = pair.taxpayer, pair.agent
    await agent.press("call-start")
    await taxpayer.sees("call-accept")
    await taxpayer.press("call-accept")
    for person in (taxpayer, agent):
        await person.sees_moving("remote-video")
    await agent.sees_no("recording-mark")

    await agent.press("recording-toggle")
    await taxpayer.sees("recording-mark")
    await taxpayer.sees("recording-agree")
    await screenshot(taxpayer.page, "recording-asked-taxpayer")
    await taxpayer.press("recording-refuse")
    await agent.reads("不同意，未被录制")
    await taxpayer.reads("您未被录制")
    await screenshot(agent.page, "recording-refused-agent")
    await taxpayer.press("recording-agree")
    await agent.reads("已同意")
    folder = await asyncio.wait_for(folder_with(data_of(story), seconds=4), 60)
    await agent.press("recording-toggle")
    await taxpayer.sees_no("recording-mark")
    await agent.press("call-hangup")

    await agent.press("recording-compose")
    await agent.sees("recording-play", timeout_ms=180_000)
    await agent.press("recording-play")
    player = agent.page.get_by_test_id("recording-player")
    await player.wait_for()
    length = await player.evaluate(
        """async (video) => {
          while (video.readyState < 2) await new Promise((done) => video.addEventListener('loadeddata', done, { once: true }));
          video.pause();
          const sought = new Promise((done) => video.addEventListener('seeked', done, { once: true }));
          video.currentTime = 2;
          await sought;
          return { duration: video.duration, at: video.currentTime, width: video.videoWidth };
        }"""
    )
    assert length["duration"] > 3, json.dumps(length)
    assert length["at"] == pytest.approx(2, abs=0.1)
    assert length["width"] == 1280
    await screenshot(agent.page, "recording-played-agent")
    await agent.press("recording-close")

    # A shared screen takes the place of the taxpayer's card; the recordings are still there.
    await taxpayer.shares(agent)
    await agent.sees_moving("screen-video")
    await agent.press("recording-play")
    await player.wait_for()
    await agent.press("recording-close")
    await screenshot(agent.page, "recording-while-sharing-agent")

    index = load(folder)
    assert index is not None
    assert index.finished
    assert index.lost_packets == 0
    assert {track.source for track in index.tracks} >= {"camera", "microphone"}
    assert len({track.person_id for track in index.tracks}) == 2
