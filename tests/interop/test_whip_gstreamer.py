"""WHIP and WHEP with GStreamer's webrtcbin of Debian: its ICE, DTLS, encoders and jitter buffer, over the HTTP exchange."""

from __future__ import annotations

from pathlib import Path

import pytest

from media.types import MediaKind
from tests.harness.gst import GstDevice, gst_device
from tests.harness.media_peer import connected
from tests.harness.meeting_host import hosted_meeting
from tests.harness.server import ServerProcess
from tests.harness.tracks import BarcodeTrack, ToneTrack
from tests.harness.whip import Device

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="session")]


def numbers(device: GstDevice) -> list[int]:
    return [int(number) for number in device.heard("picture") if number != "None"]


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_gstreamer_publishes(shared_server: ServerProcess, codec: str, tmp_path: Path) -> None:
    async with hosted_meeting(shared_server.url) as host:
        camera, screen = await host.link("publish", "GStreamer"), await host.link("view", "大厅屏幕")
        async with (
            gst_device("publish", codec, camera, tmp_path) as gst,
            Device(screen["url"], screen["token"]) as player,
        ):
            await gst.until(lambda: "connected" in gst.heard("state"))
            await player.watch(MediaKind.AUDIO, MediaKind.VIDEO)
            await connected(player.connection)
            seen, heard = player.received["video"], player.received["audio"]
            await seen.more_pictures(30)
            assert seen.unreadable == 0
            assert seen.numbers == sorted(set(seen.numbers))
            assert len(seen.missing()) <= 2  # a live encoder may leave one out
            await heard.more_audio(50)
            assert heard.frequency() == pytest.approx(440, abs=5)
            assert gst.heard("trickled"), gst.said
            await gst.finish()
            assert "deleted" in gst.said
            await host.until(lambda: (host.member(camera) or {}).get("presence") == "left")


async def test_gstreamer_watches(shared_server: ServerProcess, tmp_path: Path) -> None:
    async with hosted_meeting(shared_server.url) as host:
        camera, screen = await host.link("publish", "演播室"), await host.link("view", "GStreamer")
        async with Device(camera["url"], camera["token"]) as obs:
            await obs.publish(BarcodeTrack(), ToneTrack(440))
            await connected(obs.connection)
            async with gst_device("view", "VP8", screen, tmp_path) as gst:
                await gst.until(lambda: len(numbers(gst)) >= 30)
                found = numbers(gst)
                assert "None" not in gst.heard("picture")
                assert found == sorted(set(found))
                await gst.until(lambda: any(float(level) > -20 for level in gst.heard("sound")))
                shown = host.member(screen)
                assert shown is not None
                assert (shown["stream"], shown["display_name"]) == ("view", "GStreamer")
                await gst.finish()
            await host.until(lambda: (host.member(screen) or {}).get("presence") == "left")
