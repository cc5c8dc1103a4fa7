"""A call is recorded in real browsers (R9): asked, refused, agreed, marked, composed and played with a seek."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection
from pathlib import Path

import av
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


ONLY_AV1 = """
const add = RTCPeerConnection.prototype.addTransceiver;
RTCPeerConnection.prototype.addTransceiver = function (track, init) {
  const made = add.call(this, track, init);
  const kind = typeof track === 'string' ? track : track.kind;
  const { codecs } = RTCRtpSender.getCapabilities('video');
  if (kind === 'video') made.setCodecPreferences(codecs.filter((one) => /AV1|rtx/.test(one.mimeType)));
  return made;
};
"""


def data_of(story: Story) -> Path:
    return story.office.data


def recordings_in(data: Path) -> list[Path]:
    return list((data / "recordings").glob("*"))


async def folder_with(data: Path, *, seconds: float, but: Collection[Path] = ()) -> Path:
    """The recording, once both people's tracks are so long: files tell nobody when they grow."""
    while True:
        for folder in recordings_in(data):
            if folder not in but and _long_enough(load(folder), seconds):
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


@pytest.mark.long
async def test_a_browser_that_sends_av1_is_recorded(story: Story) -> None:
    before = recordings_in(data_of(story))
    taxpayer, agent = await story.meet()
    await taxpayer.page.context.add_init_script(ONLY_AV1)
    await taxpayer.page.reload()
    await agent.press("call-start")
    await taxpayer.press("call-accept")
    for person in (taxpayer, agent):
        await person.sees_moving("remote-video")
    await agent.press("recording-toggle")
    await taxpayer.press("recording-agree")
    folder = await asyncio.wait_for(folder_with(data_of(story), seconds=4, but=before), 60)
    await agent.press("recording-toggle")
    await taxpayer.sees_no("recording-mark")
    await agent.press("call-hangup")
    await agent.press("recording-compose")
    await agent.sees("recording-play", timeout_ms=180_000)

    index = load(folder)
    assert index is not None
    (camera,) = (one for one in index.tracks if one.source == "camera" and one.codec == "av1")
    assert camera.file is not None
    with av.open(folder / camera.file) as container:
        times = [float(frame.time) for frame in container.decode(video=0)]
    assert len(times) > 40
    assert times == sorted(times)
