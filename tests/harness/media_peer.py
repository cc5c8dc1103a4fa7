"""A WebRTC endpoint that is not a browser: aiortc's two peer connections, publish and subscribe, against any media port."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import aioice.ice
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError

from media.types import Source, TrackRef
from signaling.wire.requests import SlotView
from tests.harness.reception import Reception

# aioice leaves loopback out; the server under test listens nowhere else.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"] if use_ipv4 else []


class MediaPort(Protocol):
    """Where the endpoint's offers and answers go: a server through its wire, or an engine directly."""

    async def publish(self, sdp: str, tracks: Sequence[tuple[str, Source]], fresh: bool) -> str: ...

    async def subscribe(self, fresh: bool) -> tuple[str, Sequence[SlotView]]: ...

    async def answer(self, sdp: str) -> None: ...


def peer_connection(configuration: RTCConfiguration | None = None) -> RTCPeerConnection:
    """No STUN server but those named. ``max-compat``, because otherwise aiortc takes the candidates of the last m-line
    of a bundle, and RFC 8843 §10.3 has them in the first alone."""
    return RTCPeerConnection(
        configuration or RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_COMPAT)
    )


class MediaPeer:
    """Publishes tracks by source and receives what its slots carry. ``video_codec`` ("VP8", "H264") restricts the offer."""

    def __init__(
        self,
        port: MediaPort,
        *,
        configuration: RTCConfiguration | None = None,
        video_codec: str | None = None,
    ) -> None:
        self._port = port
        self._configuration = configuration
        self._video_codec = video_codec
        self.publisher = peer_connection(configuration)
        self.subscriber = peer_connection(configuration)
        self.transceivers: dict[Source, RTCRtpTransceiver] = {}
        self.sending: set[Source] = set()
        self._published = False
        self._slots: dict[str, TrackRef | None] = {}
        self._by_slot: dict[str, Reception] = {}
        self._by_track: dict[TrackRef, Reception] = {}
        self._slot_news = asyncio.Event()
        self._pumps: list[asyncio.Task[None]] = []

    # Publishing

    async def prepare(self, sources: Iterable[Source]) -> None:
        """Offer inactive m-lines, so that ICE and DTLS are done before there is anything to send."""
        for source in sources:
            self._transceiver(source, "inactive")
        await self._offer()

    async def publish(self, tracks: Mapping[Source, MediaStreamTrack]) -> None:
        """Begin to send these, beside what is sent already."""
        for source, track in tracks.items():
            transceiver = self._transceiver(source, "sendonly")
            transceiver.direction = "sendonly"
            transceiver.sender.replaceTrack(track)
            self.sending.add(source)
        await self._offer()

    async def unpublish(self, sources: Iterable[Source]) -> None:
        for source in sources:
            self.transceivers[source].direction = "inactive"
            self.transceivers[source].sender.replaceTrack(None)
            self.sending.discard(source)
        await self._offer()

    def _transceiver(self, source: Source, direction: str) -> RTCRtpTransceiver:
        if source not in self.transceivers:
            transceiver = self.publisher.addTransceiver(source.kind.value, direction=direction)
            if self._video_codec and source.kind == "video":
                wanted = {f"video/{self._video_codec}".lower(), "video/rtx"}
                transceiver.setCodecPreferences(
                    [
                        codec
                        for codec in RTCRtpSender.getCapabilities("video").codecs
                        if codec.mimeType.lower() in wanted
                    ]
                )
            self.transceivers[source] = transceiver
        return self.transceivers[source]

    async def _offer(self) -> None:
        await self.publisher.setLocalDescription(await self.publisher.createOffer())
        tracks = [(_mid(self.transceivers[source]), source) for source in self.sending]
        answer = await self._port.publish(self.publisher.localDescription.sdp, tracks, not self._published)
        self._published = True
        await self.publisher.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    # Subscribing

    async def subscribe(self) -> None:
        offer, slots = await self._port.subscribe(fresh=True)
        await self.subscriber.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        for transceiver in self.subscriber.getTransceivers():
            mid = _mid(transceiver)
            self._by_slot.setdefault(mid, Reception())
            self._slots.setdefault(mid, None)
            if transceiver.receiver.track is not None:
                self._pumps.append(asyncio.create_task(self._pump(mid, transceiver.receiver.track)))
        for slot in slots:
            self.slot_changed(slot.mid, slot.publisher_id, slot.source)
        await self.subscriber.setLocalDescription(await self.subscriber.createAnswer())
        await self._port.answer(self.subscriber.localDescription.sdp)

    def slot_changed(self, mid: str, publisher_id: str | None, source: Source | None) -> None:
        """A slot carries something else from now on. What came before its name was known belongs to the new one."""
        now = TrackRef(publisher_id, source) if publisher_id is not None and source is not None else None
        before = self._slots.get(mid)
        if now != before and before is not None:
            self._by_slot[mid] = Reception()
        reception = self._by_slot.setdefault(mid, Reception())
        self._slots[mid] = now
        if now is not None:
            self._by_track[now] = reception
        self._slot_news.set()

    def carries(self, publisher_id: str, source: Source) -> bool:
        """Whether a slot carries this track now."""
        return TrackRef(publisher_id, source) in self._slots.values()

    async def reception(self, publisher_id: str, source: Source, within: float = 15) -> Reception:
        """What comes of a track, once a slot carries it."""
        ref = TrackRef(publisher_id, source)
        try:
            async with asyncio.timeout(within):
                while ref not in self._by_track:
                    self._slot_news.clear()
                    await self._slot_news.wait()
        except TimeoutError:
            raise TimeoutError(f"no slot for {ref} within {within} s: {self._slots}") from None
        return self._by_track[ref]

    async def _pump(self, mid: str, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            self._by_slot[mid].add(frame)

    async def close(self) -> None:
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        await asyncio.gather(self.publisher.close(), self.subscriber.close())


def _mid(transceiver: RTCRtpTransceiver) -> str:
    assert transceiver.mid is not None, "not offered yet"
    return transceiver.mid


async def connected(connection: RTCPeerConnection, within: float = 15) -> None:
    """Until ICE and DTLS are up. Raises ``ConnectionError`` when they failed."""
    changed = asyncio.Event()
    connection.on("connectionstatechange", changed.set)
    async with asyncio.timeout(within):
        while connection.connectionState != "connected":
            if connection.connectionState in {"failed", "closed"}:
                raise ConnectionError(connection.connectionState)
            changed.clear()
            await changed.wait()
