"""A second implementation of a peer's media: aiortc, with real encoders and decoders. It is heavy: a few peers are plenty.

A picture carries its number (``barcode``), and the number tells when it left. Of audio no latency is told.
"""

from __future__ import annotations

import asyncio
import fractions
import math
import time
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

import aioice.ice
import av
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError

from media.types import Source
from rtc_server.loadtest.barcode import MAX_NUMBER, Painter, read
from rtc_server.loadtest.clips import OPUS_FRAME_S, OPUS_RATE, padded
from rtc_server.loadtest.endpoints import Ask, Heard, seen_through
from rtc_server.loadtest.playout import Arrival
from rtc_server.loadtest.relay import ImpairedLine

_WIDTH, _HEIGHT, _FRAME_RATE = 320, 180, 15
_VIDEO_CLOCK = 90_000
_PER_PACKET = int(OPUS_RATE * OPUS_FRAME_S)
_TONE_HZ = 250
"""A whole number of periods in 20 ms, so that packets join without a click."""
_FULL_SCALE = 32_767
_REMEMBERED = 1_000
"""Pictures whose departure is remembered, more than a minute of them."""
_CLOCKS = {"video": _VIDEO_CLOCK, "audio": OPUS_RATE}


class AiortcHouse:
    """What the aiortc endpoints of a run share."""

    def __init__(self, heard: Heard) -> None:
        # aioice leaves loopback out, and the server of a run listens nowhere else.
        aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"] if use_ipv4 else []
        self.heard = heard
        self.endpoints: dict[str, AiortcEndpoint] = {}
        self.numbers: list[tuple[float, int | None]] = []
        """When a picture came, and the number read from it; None when it could not be read."""
        self.departures: dict[tuple[str, str], OrderedDict[int, float]] = {}
        """By peer and source: when a picture left."""
        self._received = 0

    async def collect(self) -> None:
        """Arrivals are noted as they come; how many bytes they were only the transports know."""
        received = sum([await endpoint.bytes_received() for endpoint in list(self.endpoints.values())])
        self.heard.bytes += max(0, received - self._received)
        self._received = received

    async def reports(self) -> list[dict[str, Any]]:
        return [await endpoint.report() for endpoint in self.endpoints.values()]

    async def close(self) -> None:
        await asyncio.gather(*(endpoint.close() for endpoint in list(self.endpoints.values())))


class AiortcEndpoint:
    def __init__(self, house: AiortcHouse, peer: str, ask: Ask, line: ImpairedLine | None) -> None:
        self._house, self._peer, self._ask, self._line = house, peer, ask, line
        self._publisher, self._subscriber = _connection(), _connection()
        self._tone = _Tone()
        self._carried: dict[str, tuple[str, str]] = {}
        self._pumps: list[asyncio.Task[None]] = []
        house.endpoints[peer] = self

    async def subscribe(self) -> None:
        given = await self._ask("media.subscribe", {"fresh": True})
        for slot in given["slots"]:
            self.slot_changed(slot["mid"], slot["publisher_id"], slot["source"])
        offer = await seen_through(self._line, given["sdp"])
        await self._subscriber.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        for transceiver in self._subscriber.getTransceivers():
            track = transceiver.receiver.track
            if track is not None:
                self._pumps.append(asyncio.create_task(self._pump(str(transceiver.mid), track)))
        await self._subscriber.setLocalDescription(await self._subscriber.createAnswer())
        await self._ask("media.answer", {"sdp": self._subscriber.localDescription.sdp})

    async def publish(self, sources: Iterable[Source]) -> None:
        lines = {
            source: self._publisher.addTransceiver(self._track(source), "sendonly") for source in sources
        }
        for source, line in lines.items():
            if source.kind == "video":
                capabilities = RTCRtpSender.getCapabilities("video").codecs
                line.setCodecPreferences(
                    [c for c in capabilities if c.mimeType in ("video/VP8", "video/rtx")]
                )
        await self._publisher.setLocalDescription(await self._publisher.createOffer())
        tracks = [{"mid": line.mid, "source": source.value} for source, line in lines.items()]
        sdp = self._publisher.localDescription.sdp
        given: Mapping[str, Any] = await self._ask(
            "media.publish", {"sdp": sdp, "tracks": tracks, "fresh": True}
        )
        answer = await seen_through(self._line, given["sdp"])
        await self._publisher.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    def speak(self, level: int) -> None:
        self._tone.level = level

    def layers_wanted(self, source: str, rids: list[str]) -> None:
        """It sends one layer."""

    def slot_changed(self, mid: str, publisher_id: str | None, source: str | None) -> None:
        if publisher_id is not None and source is not None:
            # Kept when the slot is emptied: what is still under way belongs to it.
            self._carried[mid] = publisher_id, source

    async def bytes_received(self) -> int:
        transceivers = self._subscriber.getTransceivers()
        stats = (await transceivers[0].receiver.getStats()).values() if transceivers else ()
        return sum(one.bytesReceived for one in stats if one.type == "transport")

    async def report(self) -> dict[str, Any]:
        receptions = []
        for transceiver in self._subscriber.getTransceivers():
            for one in (await transceiver.receiver.getStats()).values():
                if one.type == "inbound-rtp":
                    receptions.append(
                        {
                            "mid": transceiver.mid,
                            "packets": one.packetsReceived,
                            "missing": max(0, one.packetsLost),
                            "nacks": 0,
                            "jitter_ms": one.jitter / _CLOCKS[one.kind] * 1000,
                        }
                    )
        return {"peer": self._peer, "key_frames_asked": 0, "receptions": receptions}

    async def close(self) -> None:
        self._house.endpoints.pop(self._peer, None)
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        await asyncio.gather(self._publisher.close(), self._subscriber.close())

    def _track(self, source: Source) -> MediaStreamTrack:
        if source.kind == "audio":
            return self._tone
        departures = self._house.departures.setdefault((self._peer, source.value), OrderedDict())
        return _Pictures(departures)

    async def _pump(self, mid: str, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            carried, now = self._carried.get(mid), time.monotonic()
            if carried is None:
                continue
            if isinstance(frame, av.VideoFrame):
                self._picture(carried, frame, now)
            else:
                arrival = Arrival(now, (frame.pts or 0) // _PER_PACKET, None, 0)
                self._house.heard.add(self._peer, *carried, arrival, video=False)

    def _picture(self, carried: tuple[str, str], frame: av.VideoFrame, now: float) -> None:
        plane = frame.planes[0]
        number = read(memoryview(plane), plane.line_size, frame.width, frame.height)
        self._house.numbers.append((now, number))
        departures = self._house.departures.get(carried)
        left = None if departures is None or number is None else departures.get(number)
        latency = None if left is None else now - left
        # A decoder tells no number of the packet: pictures are counted as they come.
        count = len(self._house.heard.tracks.get((self._peer, *carried), ()))
        self._house.heard.add(self._peer, *carried, Arrival(now, count, latency, 0), video=True)


def _connection() -> RTCPeerConnection:
    """No STUN server. ``max-compat``: otherwise aiortc takes the candidates of the last m-line of a bundle, and RFC 8843
    §10.3 has them in the first alone."""
    return RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_COMPAT))


class _Pace:
    """Moments ``interval_s`` apart; what a stall missed is not made up for."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._next_s = 0.0

    async def wait(self) -> None:
        now = time.monotonic()
        if self._next_s > now:
            await asyncio.sleep(self._next_s - now)
            now = self._next_s
        self._next_s = now + self._interval_s


class _Pictures(MediaStreamTrack):
    """Numbered pictures; when each left goes into ``departures``."""

    kind = "video"

    def __init__(self, departures: OrderedDict[int, float]) -> None:
        super().__init__()
        self._departures = departures
        self._painter = Painter(_WIDTH, _HEIGHT)
        self._chroma = self._painter.chroma()
        self._pace = _Pace(1 / _FRAME_RATE)
        self._count = 0

    async def recv(self) -> av.VideoFrame:
        await self._pace.wait()
        number = self._count % (MAX_NUMBER + 1)
        picture = av.VideoFrame(_WIDTH, _HEIGHT, "yuv420p")
        content = (self._painter.luma(number), self._chroma, self._chroma)
        for plane, samples in zip(picture.planes, content, strict=True):
            plane.update(padded(samples, plane.width, plane.height, plane.line_size))
        picture.pts = self._count * _VIDEO_CLOCK // _FRAME_RATE
        picture.time_base = fractions.Fraction(1, _VIDEO_CLOCK)
        self._count += 1
        self._departures[number] = time.monotonic()
        if len(self._departures) > _REMEMBERED:
            self._departures.popitem(last=False)
        return picture


class _Tone(MediaStreamTrack):
    """A tone of ``level`` dBov, from which aiortc works out what it tells of the loudness (RFC 6464)."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.level = -30
        self._pace = _Pace(OPUS_FRAME_S)
        self._count = 0

    async def recv(self) -> av.AudioFrame:
        await self._pace.wait()
        # The level of a sine is 3 dB below that of its peak.
        peak = min(1.0, 10 ** ((self.level + 3) / 20)) * _FULL_SCALE
        turn = 2 * math.pi * _TONE_HZ / OPUS_RATE
        samples = array("h", (int(peak * math.sin(turn * number)) for number in range(_PER_PACKET)))
        frame = av.AudioFrame("s16", "mono", _PER_PACKET)
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate, frame.pts = OPUS_RATE, self._count * _PER_PACKET
        frame.time_base = fractions.Fraction(1, OPUS_RATE)
        self._count += 1
        return frame
