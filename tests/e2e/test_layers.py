"""A camera encodes what somebody looks at: layers stop and start with the size the other shows it at, without a freeze."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.office import Story
from tests.e2e.people import Person

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]

SMALL = {"width": 700, "height": 560}
LARGE = {"width": 1920, "height": 1080}
PATIENCE_MS = 60_000

_SENDS = """async (wanted) => {
  const grown = async () => {
    const frames = {};
    for (const room of await window.__rtc.stats())
      for (const one of room.publish ?? [])
        if (one.type === 'outbound-rtp' && one.rid !== undefined) frames[one.rid] = one.framesEncoded;
    return frames;
  };
  const before = await grown();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const after = await grown();
  const sent = Object.keys(after).filter((rid) => after[rid] > (before[rid] ?? 0)).sort();
  return sent.join() === [...wanted].sort().join();
}"""
_WATCH = """(video) => {
  const seen = { last: null, longest: 0, width: 0 };
  window.__pictures = seen;
  const shown = (now) => {
    if (seen.last !== null) seen.longest = Math.max(seen.longest, now - seen.last);
    [seen.last, seen.width] = [now, video.videoWidth];
    video.requestVideoFrameCallback(shown);
  };
  video.requestVideoFrameCallback(shown);
}"""


async def sends_layers(person: Person, rids: list[str]) -> None:
    """Wait until these layers of the camera are encoded and no others."""
    await person.page.wait_for_function(_SENDS, arg=rids, timeout=PATIENCE_MS)


async def sees_wide(person: Person, least: int, most: int) -> None:
    await person.page.wait_for_function(
        "([least, most]) => window.__pictures.width >= least && window.__pictures.width <= most",
        arg=[least, most],
        timeout=PATIENCE_MS,
    )


async def test_layers_stop_and_start_with_what_is_looked_at(story: Story) -> None:
    taxpayer, agent = await story.meet()
    await agent.page.set_viewport_size(LARGE)
    await agent.press("call-start")
    await taxpayer.press("call-accept")
    await agent.sees_moving("remote-video")
    await sends_layers(taxpayer, ["q", "h", "f"])
    await agent.at("remote-video").evaluate(_WATCH)
    await sees_wide(agent, 1000, 2000)

    await agent.page.set_viewport_size(SMALL)
    await sees_wide(agent, 100, 700)
    await sends_layers(taxpayer, ["q", "h"])

    await agent.page.set_viewport_size(LARGE)
    await sees_wide(agent, 1000, 2000)
    await sends_layers(taxpayer, ["q", "h", "f"])
    seen: dict[str, Any] = await agent.page.evaluate("window.__pictures")
    assert seen["longest"] < 1000, seen

    # An offer made while layers pause (here for ICE) does not lose them.
    await agent.page.set_viewport_size(SMALL)
    await sends_layers(taxpayer, ["q", "h"])
    await taxpayer.page.evaluate("window.dispatchEvent(new Event('online'))")
    await agent.page.set_viewport_size(LARGE)
    await sees_wide(agent, 1000, 2000)
    await sends_layers(taxpayer, ["q", "h", "f"])
