"""The media side of one room: effects and requests to the engine, and what each receive slot carries."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping, Sequence

from media.control import EngineError, MediaControl
from media.events import LayersWanted, Reply, SlotAssigned
from media.types import Slots, Source, TrackRef, TransportKind
from signaling.errors import ErrorCode, MediaError
from signaling.sessions import effects
from signaling.wire import requests
from signaling.wire.requests import SlotView

_log = logging.getLogger(__name__)

_CODES: Mapping[str, ErrorCode] = {
    "bad_sdp": ErrorCode.BAD_SDP,
    "bad_candidate": ErrorCode.BAD_CANDIDATE,
    "bad_argument": ErrorCode.BAD_MESSAGE,
    "outside_grant": ErrorCode.OUTSIDE_GRANT,
    "wrong_state": ErrorCode.WRONG_STATE,
}
_NOTHING_THERE = ("room_unknown", "peer_unknown", "closed")
"""Nothing can flow where there is no peer: whatever was to be taken away is."""
_MID = re.compile(r"^a=mid:(\S+)\s*$", re.MULTILINE)

MediaEffect = (
    effects.AddPeer
    | effects.RemovePeer
    | effects.SetGrant
    | effects.SetAudience
    | effects.SetMuted
    | effects.CloseMedia
)


def media_error(error: EngineError) -> MediaError:
    """The engine's code as a code of the wire; what a person cannot mend is ``media_unavailable``."""
    return MediaError(_CODES.get(error.code, ErrorCode.MEDIA_UNAVAILABLE))


class MediaDesk:
    """One per room. Effects are handed to the engine without waiting: it keeps their order. ``on_stuck`` is called
    when something could not be taken away from a member."""

    def __init__(
        self, room_id: str, control: MediaControl, slots: Slots, on_stuck: Callable[[], None]
    ) -> None:
        self._room_id = room_id
        self._control = control
        self._slots = slots
        self._on_stuck = on_stuck
        self._carried: dict[str, dict[str, SlotAssigned]] = {}
        self._wanted: dict[str, dict[Source, LayersWanted]] = {}

    async def open(self) -> None:
        """Make the media room. Raises ``MediaError``."""
        await self._wait(self._control.create_room(self._room_id))

    def run(self, effect: MediaEffect) -> None:
        match effect:
            case effects.AddPeer(person_id=person_id):
                self._forget(person_id)
                self._send(self._control.add_peer(self._room_id, person_id, (), self._slots))
            case effects.RemovePeer(person_id=person_id):
                self._forget(person_id)
                self._send(self._control.remove_peer(self._room_id, person_id), self._on_stuck)
            case effects.SetGrant(person_id=person_id, publish=publish, narrows=narrows):
                mend = self._remover(person_id) if narrows else None
                self._send(self._control.set_grant(self._room_id, person_id, publish), mend)
            case effects.SetAudience(person_id=person_id, source=source, audience=audience, narrows=narrows):
                mend = self._remover(person_id) if narrows else None
                self._send(self._control.set_audience(self._room_id, person_id, source, audience), mend)
            case effects.SetMuted(person_id=person_id, source=source, muted=muted):
                mend = self._remover(person_id) if muted else None
                self._send(self._control.set_muted(self._room_id, person_id, source, muted), mend)
            case effects.CloseMedia():
                self._send(self._control.close_room(self._room_id))

    async def publish(self, person_id: str, request: requests.Publish) -> requests.Answer:
        tracks = [(track.mid, track.source) for track in request.tracks]
        return requests.Answer(
            sdp=await self.publish_offer(person_id, request.sdp, tracks, fresh=request.fresh)
        )

    async def publish_offer(
        self, person_id: str, sdp: str, tracks: Sequence[tuple[str, Source]], *, fresh: bool
    ) -> str:
        """The answer."""
        if fresh:
            # A new connection begins with all layers.
            self._wanted.pop(person_id, None)
        publish = self._control.publish(self._room_id, person_id, sdp, tracks, fresh=fresh)
        return (await self._wait(publish)).sdp or ""

    async def subscribe_offered(self, person_id: str, sdp: str, *, fresh: bool) -> str:
        """The answer to a receiver that offers."""
        subscribe = self._control.subscribe_offered(self._room_id, person_id, sdp, fresh=fresh)
        return (await self._wait(subscribe)).sdp or ""

    async def subscribe(self, person_id: str, fresh: bool) -> tuple[str, list[SlotView]]:
        """The offer and what its slots carry."""
        if fresh:
            self._carried.pop(person_id, None)
        reply = await self._wait(self._control.subscribe(self._room_id, person_id, fresh=fresh))
        sdp = reply.sdp or ""
        carried = self._carried.setdefault(person_id, {})
        return sdp, [
            SlotView(
                mid=mid,
                publisher_id=None if slot is None else slot.publisher_id,
                source=None if slot is None else slot.source,
            )
            for mid in _MID.findall(sdp)
            for slot in [carried.get(mid)]
        ]

    async def answer(self, person_id: str, sdp: str) -> None:
        await self._wait(self._control.answer(self._room_id, person_id, sdp))

    async def add_candidate(self, person_id: str, transport: TransportKind, candidate: str) -> None:
        await self._wait(self._control.add_candidate(self._room_id, person_id, transport, candidate))

    async def set_view(self, person_id: str, request: requests.View) -> None:
        track = TrackRef(request.publisher_id, request.source)
        await self._wait(
            self._control.set_view(
                self._room_id, person_id, track, width=request.width, height=request.height
            )
        )

    def hear(self, event: SlotAssigned | LayersWanted) -> None:
        match event:
            case SlotAssigned(mid=mid):
                self._carried.setdefault(event.peer_id, {})[mid] = event
            case LayersWanted(source=source):
                self._wanted.setdefault(event.peer_id, {})[source] = event

    def holds_for(self, person_id: str) -> list[SlotAssigned | LayersWanted]:
        """The last of each kind about this person's transports."""
        return [*self._carried.get(person_id, {}).values(), *self._wanted.get(person_id, {}).values()]

    def _forget(self, person_id: str) -> None:
        self._carried.pop(person_id, None)
        self._wanted.pop(person_id, None)

    async def _wait(self, future: asyncio.Future[Reply]) -> Reply:
        try:
            return await future
        except EngineError as error:
            _log.info("media request refused", extra={"room_id": self._room_id, "reason": str(error)})
            raise media_error(error) from None

    def _send(self, future: asyncio.Future[Reply], on_failure: Callable[[], None] | None = None) -> None:
        future.add_done_callback(lambda done: self._sent(done, on_failure))

    def _sent(self, future: asyncio.Future[Reply], on_failure: Callable[[], None] | None) -> None:
        if future.cancelled():
            return
        error = future.exception()
        if error is None:
            return
        code = error.code if isinstance(error, EngineError) else type(error).__name__
        if code in _NOTHING_THERE:
            return
        _log.error("media effect failed", extra={"room_id": self._room_id, "code": code})
        if on_failure is not None:
            on_failure()

    def _remover(self, person_id: str) -> Callable[[], None]:
        """What could not be narrowed is cut: media must not outlive its grant (CLOSURES.md)."""
        return lambda: self._send(self._control.remove_peer(self._room_id, person_id), self._on_stuck)
