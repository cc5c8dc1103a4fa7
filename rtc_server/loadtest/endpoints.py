"""Where a synthetic peer's media goes in and out: the native endpoint, and the shape another one must have."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol

from media._engine import SyntheticPeers
from media.types import Source
from rtc_server.loadtest.clips import Clips, Layer
from rtc_server.loadtest.playout import Arrival
from rtc_server.loadtest.relay import ImpairedLine

Ask = Callable[[str, dict[str, Any]], Awaitable[Any]]
"""A request of the wire about this endpoint's interaction."""


class Endpoint(Protocol):
    """Media of one person in one interaction."""

    async def subscribe(self) -> None:
        """The subscribe connection is answered; it comes up by itself."""

    async def publish(self, sources: Iterable[Source]) -> None:
        """Begin to send."""

    def speak(self, level: int) -> None:
        """How loud the microphone is from now on, dBov: -127 is silence."""

    def slot_changed(self, mid: str, publisher_id: str | None, source: str | None) -> None: ...

    def layers_wanted(self, source: str, rids: list[str]) -> None:
        """Nobody looks at layers that are not among these."""

    async def close(self) -> None: ...


class House(Protocol):
    """What all endpoints of one implementation have in common."""

    async def collect(self) -> None:
        """What was received since the last time goes to ``Heard``."""

    async def reports(self) -> list[dict[str, Any]]:
        """Of every transport: ``peer``, ``key_frames_asked``, and ``receptions`` with ``mid``, ``packets``, ``missing``,
        ``nacks``, ``jitter_ms``."""

    async def close(self) -> None: ...


class Heard:
    """What an endpoint received, by peer, publisher and source."""

    def __init__(self) -> None:
        self.tracks: dict[tuple[str, str, str], list[Arrival]] = {}
        self.first_video_s: dict[str, float] = {}
        """By peer: when the first decodable picture was there."""
        self.bytes = 0
        self.video_frames = 0

    def add(self, peer: str, publisher: str, source: str, arrival: Arrival, *, video: bool) -> None:
        self.tracks.setdefault((peer, publisher, source), []).append(arrival)
        self.bytes += arrival.bytes
        if video:
            self.video_frames += 1
            self.first_video_s.setdefault(peer, arrival.at_s)


class NativeHouse:
    """All native endpoints of a run: one thread of the engine's module drives them."""

    def __init__(self, clips: Clips, heard: Heard) -> None:
        self.peers = SyntheticPeers()
        self.heard = heard
        self.slots: dict[tuple[str, str], tuple[str, str]] = {}
        self.own: set[str] = set()
        """Whose frames are known by their bytes: other implementations encode their own."""
        self.clips = {
            Source.CAMERA: self._add(clips.camera, video=True),
            Source.SCREEN: self._add(clips.screen, video=True),
            Source.MICROPHONE: self._add(clips.microphone, video=False),
        }

    def _add(self, layers: tuple[Layer, ...], *, video: bool) -> int:
        return self.peers.add_clip(video, [layer.for_engine() for layer in layers])

    async def collect(self) -> None:
        """What was received since the last time goes to ``heard``."""
        samples = await asyncio.to_thread(self.peers.take_samples)
        for peer, mid, video, at_us, sequence, latency_us, whole, size in samples:
            carried = self.slots.get((peer, mid))
            if carried is None:
                continue
            arrival = Arrival(
                at_us / 1e6,
                sequence,
                None if latency_us is None else latency_us / 1e6,
                size,
                whole or carried[0] not in self.own,
            )
            self.heard.add(peer, *carried, arrival, video=video)

    async def reports(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(await asyncio.to_thread(self.peers.reports))
        return found

    async def close(self) -> None:
        await asyncio.to_thread(self.peers.close)


class NativeEndpoint:
    def __init__(self, house: NativeHouse, peer: str, ask: Ask, line: ImpairedLine | None) -> None:
        self._house, self._peer, self._ask, self._line = house, peer, ask, line
        house.own.add(peer)

    async def subscribe(self) -> None:
        given = await self._ask("media.subscribe", {"fresh": True})
        for slot in given["slots"]:
            self.slot_changed(slot["mid"], slot["publisher_id"], slot["source"])
        offer = await seen_through(self._line, given["sdp"])
        answer = await asyncio.to_thread(self._house.peers.answer, self._peer, offer)
        await self._ask("media.answer", {"sdp": answer})

    async def publish(self, sources: Iterable[Source]) -> None:
        wanted = [(source.value, self._house.clips[source]) for source in sources]
        offer, lines = await asyncio.to_thread(self._house.peers.offer, self._peer, wanted)
        tracks = [{"mid": mid, "source": source} for mid, source in lines]
        given: Mapping[str, Any] = await self._ask(
            "media.publish", {"sdp": offer, "tracks": tracks, "fresh": True}
        )
        answer = await seen_through(self._line, given["sdp"])
        await asyncio.to_thread(self._house.peers.accept, self._peer, answer)

    def speak(self, level: int) -> None:
        self._house.peers.speak(self._peer, level)

    def layers_wanted(self, source: str, rids: list[str]) -> None:
        self._house.peers.layers_wanted(self._peer, source, rids)

    def slot_changed(self, mid: str, publisher_id: str | None, source: str | None) -> None:
        carried = (publisher_id, source) if publisher_id is not None and source is not None else None
        if carried is not None:
            # Kept when the slot is emptied: what is still under way belongs to it.
            self._house.slots[self._peer, mid] = carried
        self._house.peers.carries(self._peer, mid, carried)

    async def close(self) -> None:
        await asyncio.to_thread(self._house.peers.remove, self._peer)


async def seen_through(line: ImpairedLine | None, sdp: str) -> str:
    """The server's description as it is from behind the line."""
    return sdp if line is None else await line.through(sdp)
