"""A call over a line that loses: browsers send and take redundant audio (RFC 2198), and hear each other whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from rtc_server.loadtest.impairment import parse
from rtc_server.loadtest.relay import ImpairedLine
from tests.e2e.office import Story
from tests.e2e.people import Person

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]

PATIENCE_MS = 60_000

_BY_THE_LINE = """(() => {
  const original = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = async function (description) {
    const sdp = await window.throughTheLine(description.sdp);
    return original.call(this, { type: description.type, sdp });
  };
})()"""
_AUDIO = """async () => {
  const found = { redundant: 0, received: 0, lost: 0 };
  for (const room of await window.__rtc.stats())
    for (const one of room.subscribe ?? [])
      if (one.type === 'inbound-rtp' && one.kind === 'audio' && one.packetsReceived > found.received)
        Object.assign(found, { redundant: one.fecPacketsReceived, received: one.packetsReceived, lost: one.packetsLost });
  return found;
}"""


@pytest_asyncio.fixture(loop_scope="module")
async def line() -> AsyncIterator[ImpairedLine]:
    one = ImpairedLine(parse("loss=10%,delay=20ms,seed=3"), "taxpayer")
    yield one
    await one.close()


async def audio_of(person: Person) -> dict[str, Any]:
    found: dict[str, Any] = await person.page.evaluate(_AUDIO)
    return found


def share_lost(audio: dict[str, Any]) -> float:
    return float(audio["lost"] / (audio["lost"] + audio["received"]))


async def test_redundant_audio_where_packets_are_lost(story: Story, line: ImpairedLine) -> None:
    agent = await story.agent()
    taxpayer = await story.taxpayer(opened=False)
    await taxpayer.page.expose_function("throughTheLine", line.through)
    await taxpayer.page.evaluate(_BY_THE_LINE)
    await taxpayer.press("open-window")
    await taxpayer.press("human")
    await agent.accepts()
    await taxpayer.sees("greeting-card")
    await agent.press("call-start")
    await taxpayer.press("call-accept")
    for person in (taxpayer, agent):
        await person.sees_moving("remote-video", timeout_ms=PATIENCE_MS)
        await person.hears_others(timeout_ms=PATIENCE_MS)
    await taxpayer.page.wait_for_function(
        f"async () => (await ({_AUDIO})()).redundant > 200", timeout=PATIENCE_MS, polling=500
    )
    lossy, clean = await audio_of(taxpayer), await audio_of(agent)
    assert clean["redundant"] == 0, "nothing is lost on this line"
    assert share_lost(lossy) > 0.05, "the line, as it is"
    # What was lost on the way to the server came with the next packet.
    assert share_lost(clean) < 0.05
