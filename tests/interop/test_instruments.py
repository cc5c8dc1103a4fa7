"""The instruments first: what they send through a codec and read back is what they claim, without any server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from aiortc import RTCSessionDescription
from av import VideoFrame

from media.types import Source
from signaling.wire.requests import SlotView
from tests.harness import barcode
from tests.harness.media_peer import MediaPeer, peer_connection
from tests.harness.tracks import BarcodeTrack, ToneTrack, dominant_frequency


@pytest.mark.parametrize("number", [0, 1, 0x5555, barcode.MAX_NUMBER])
def test_a_number_is_read_at_another_size(number: int) -> None:
    drawn = barcode.draw(number, 640, 360)
    assert barcode.read(drawn) == number
    assert barcode.read(drawn.reformat(214, 120)) == number


def test_a_damaged_picture_is_not_a_number() -> None:
    pixels = barcode.draw(77, 320, 180).to_ndarray()
    pixels[45:90, 40:160] = 251 - pixels[45:90, 40:160]  # three blocks the other way round
    assert barcode.read(VideoFrame.from_ndarray(pixels, format="yuv420p")) is None
    assert barcode.read(VideoFrame.from_ndarray(np.full((270, 320), 16, np.uint8), format="yuv420p")) is None


def test_silence_has_no_frequency() -> None:
    assert dominant_frequency(np.zeros(4800), 48_000) == 0.0


class _Straight:
    """A media port that is simply another aiortc endpoint sending back what it gets."""

    def __init__(self) -> None:
        self.far = peer_connection()
        self.back = peer_connection()

    async def publish(self, sdp: str, tracks: Sequence[tuple[str, Source]], fresh: bool) -> str:
        await self.far.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await self.far.setLocalDescription(await self.far.createAnswer())
        return self.far.localDescription.sdp

    async def subscribe(self, fresh: bool) -> tuple[str, Sequence[SlotView]]:
        for transceiver in self.far.getTransceivers():
            self.back.addTransceiver(transceiver.receiver.track, direction="sendonly")
        await self.back.setLocalDescription(await self.back.createOffer())
        sources = [Source.CAMERA, Source.MICROPHONE]
        slots = [
            SlotView(mid=transceiver.mid or "", publisher_id="far", source=source)
            for transceiver, source in zip(self.back.getTransceivers(), sources, strict=True)
        ]
        return self.back.localDescription.sdp, slots

    async def answer(self, sdp: str) -> None:
        await self.back.setRemoteDescription(RTCSessionDescription(sdp, "answer"))


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_numbers_and_tone_come_through_aiortc_alone(codec: str) -> None:
    port = _Straight()
    peer = MediaPeer(port, video_codec=codec)
    await peer.publish({Source.CAMERA: BarcodeTrack(), Source.MICROPHONE: ToneTrack(440)})
    await peer.subscribe()
    camera = await peer.reception("far", Source.CAMERA)
    microphone = await peer.reception("far", Source.MICROPHONE)
    await camera.more_pictures(10)
    await microphone.more_audio(50)
    assert camera.numbers == sorted(set(camera.numbers))
    assert camera.unreadable == 0
    assert microphone.frequency() == pytest.approx(440, abs=3)
    await asyncio.gather(peer.close(), port.far.close(), port.back.close())
