"""A packet engine without packets, for tests of what stands on it.

It keeps rooms, peers, grants, audiences, mutes and slots by the rules of ``media._engine`` and passes the same contract
tests. Nothing connects and nothing flows by itself: a test says so (``connect``, ``send``, ``stop_sending``), and the
grant, the audience and the mutes decide what comes of it.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from media.types import MediaKind, Source, TransportKind, TransportState

_MAX_SLOTS = 32
_MAX_SLOTS_TOGETHER = 48
_SENDING = ("a=sendonly", "a=sendrecv")
_RECEIVING = ("a=recvonly", "a=sendrecv")
_DIRECTIONS = (*_SENDING, "a=recvonly", "a=inactive")


class _Fault(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class FakeSlot:
    mid: str
    kind: MediaKind
    carries: tuple[str, Source] | None = None


@dataclass(slots=True)
class FakePeer:
    grant: set[Source]
    audio_slots: int
    video_slots: int
    publish: bool = False
    subscribe: bool = False
    answered: bool = False
    bound: set[Source] = field(default_factory=set)
    """Sources of the last offer, within the grant."""
    live: set[Source] = field(default_factory=set)
    muted: set[Source] = field(default_factory=set)
    audience: dict[Source, set[str] | None] = field(default_factory=dict)
    slots: list[FakeSlot] = field(default_factory=list)


class FakeEngine:
    """See ``media/_engine.pyi``."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._events: deque[dict[str, Any]] = deque()
        self._next_id = 0
        self._closed = False
        self.rooms: dict[str, dict[str, FakePeer]] = {}
        self.dropped_outside_grant = 0
        self.taps: dict[tuple[int, int], tuple[str, Source]] = {}
        """What is copied to which sink, under which number."""
        self.sinks: dict[int, int] = {}
        self.silent = False
        """Set by a test: commands are taken and never answered."""

    @property
    def event_fd(self) -> int:
        return self._reader

    def poll_events(self, max_events: int = 1024) -> bytes:
        batch = [self._events.popleft() for _ in range(min(max_events, len(self._events)))]
        if not self._events and not self._closed:
            with contextlib.suppress(BlockingIOError):
                os.read(self._reader, 4096)
        return json.dumps(batch).encode()

    def create_room(self, room_id: str) -> int:
        def run() -> dict[str, Any]:
            if room_id in self.rooms:
                raise _Fault("room_exists")
            self.rooms[room_id] = {}
            return {"worker": 0}

        return self._command(run)

    def close_room(self, room_id: str) -> int:
        def run() -> dict[str, Any]:
            for peer_id in list(self._room(room_id)):
                self._remove(room_id, peer_id)
            del self.rooms[room_id]
            return {}

        return self._command(run)

    def add_peer(
        self, room_id: str, peer_id: str, publish: list[str], audio_slots: int, video_slots: int
    ) -> int:
        def run() -> dict[str, Any]:
            room = self._room(room_id)
            if peer_id in room:
                raise _Fault("peer_exists")
            if max(audio_slots, video_slots) > _MAX_SLOTS or audio_slots + video_slots > _MAX_SLOTS_TOGETHER:
                raise _Fault("bad_argument")
            room[peer_id] = FakePeer({Source(name) for name in publish}, audio_slots, video_slots)
            return {}

        return self._command(run)

    def remove_peer(self, room_id: str, peer_id: str) -> int:
        def run() -> dict[str, Any]:
            self._peer(room_id, peer_id)
            self._remove(room_id, peer_id)
            return {}

        return self._command(run)

    def set_grant(self, room_id: str, peer_id: str, publish: list[str]) -> int:
        def run() -> dict[str, Any]:
            peer = self._peer(room_id, peer_id)
            peer.grant = {Source(name) for name in publish}
            for source in sorted(peer.bound - peer.grant):
                self._unbind(room_id, peer_id, source)
            return {}

        return self._command(run)

    def publish(
        self, room_id: str, peer_id: str, sdp: str, tracks: list[tuple[str, str]], fresh: bool
    ) -> int:
        def run() -> dict[str, Any]:
            peer = self._peer(room_id, peer_id)
            sections = {section.mid: section for section in _sections(sdp)}
            named = {mid: Source(source) for mid, source in tracks}
            if set(named.values()) - peer.grant:
                raise _Fault("outside_grant")
            for mid, source in named.items():
                if mid not in sections or sections[mid].kind is not source.kind:
                    raise _Fault("bad_argument")
            if any(section.sends and mid not in named for mid, section in sections.items()):
                raise _Fault("outside_grant")
            bound = {source for mid, source in named.items() if sections[mid].sends}
            if not (fresh or peer.publish):
                raise _Fault("wrong_state")
            if fresh:
                self._close_transport(room_id, peer_id, TransportKind.PUBLISH)
            if not peer.publish:
                peer.publish = True
                self._moved(room_id, peer_id, TransportKind.PUBLISH, TransportState.CONNECTING)
            for source in sorted(peer.bound - bound):
                self._unbind(room_id, peer_id, source)
            peer.bound = bound
            return {"sdp": _description(list(sections), "recvonly")}

        return self._command(run)

    def subscribe(self, room_id: str, peer_id: str, fresh: bool) -> int:
        def run() -> dict[str, Any]:
            peer = self._peer(room_id, peer_id)
            if not (fresh or peer.subscribe):
                raise _Fault("wrong_state")
            if fresh:
                self._close_transport(room_id, peer_id, TransportKind.SUBSCRIBE)
            if not peer.subscribe:
                peer.subscribe, peer.answered = True, False
                kinds = [MediaKind.AUDIO] * peer.audio_slots + [MediaKind.VIDEO] * peer.video_slots
                peer.slots = [FakeSlot(str(index), kind) for index, kind in enumerate(kinds)]
                self._moved(room_id, peer_id, TransportKind.SUBSCRIBE, TransportState.CONNECTING)
            return {"sdp": _description([slot.mid for slot in peer.slots], "sendonly")}

        return self._command(run)

    def subscribe_offered(self, room_id: str, peer_id: str, sdp: str, fresh: bool) -> int:
        def run() -> dict[str, Any]:
            peer = self._peer(room_id, peer_id)
            sections = _sections(sdp)
            if not fresh and not peer.subscribe:
                raise _Fault("wrong_state")
            left = {MediaKind.AUDIO: peer.audio_slots, MediaKind.VIDEO: peer.video_slots}
            taken: list[FakeSlot] = []
            for section in sections:
                if section.kind is not None and section.receives and left[section.kind] > 0:
                    left[section.kind] -= 1
                    taken.append(FakeSlot(section.mid, section.kind))
            if not taken:
                raise _Fault("bad_sdp")
            if fresh:
                self._close_transport(room_id, peer_id, TransportKind.SUBSCRIBE)
                peer.subscribe, peer.answered, peer.slots = True, True, taken
                self._moved(room_id, peer_id, TransportKind.SUBSCRIBE, TransportState.CONNECTING)
                self._assign(room_id)
            return {"sdp": _description([slot.mid for slot in taken], "sendonly")}

        return self._command(run)

    def answer(self, room_id: str, peer_id: str, sdp: str) -> int:
        def run() -> dict[str, Any]:
            peer = self._peer(room_id, peer_id)
            if not peer.subscribe:
                raise _Fault("wrong_state")
            _sections(sdp)
            peer.answered = True
            self._assign(room_id)
            return {}

        return self._command(run)

    def add_candidate(self, room_id: str, peer_id: str, transport: str, candidate: str) -> int:
        def run() -> dict[str, Any]:
            peer = self._peer(room_id, peer_id)
            exists = peer.publish if transport == TransportKind.PUBLISH else peer.subscribe
            if not exists:
                raise _Fault("wrong_state")
            if candidate and not (candidate.startswith("candidate:") and len(candidate.split()) >= 8):
                raise _Fault("bad_candidate")
            return {}

        return self._command(run)

    def set_muted(self, room_id: str, peer_id: str, source: str, muted: bool) -> int:
        def run() -> dict[str, Any]:
            peer = self._peer(room_id, peer_id)
            (peer.muted.add if muted else peer.muted.discard)(Source(source))
            return {}

        return self._command(run)

    def set_audience(self, room_id: str, peer_id: str, source: str, audience: list[str] | None) -> int:
        def run() -> dict[str, Any]:
            peer = self._peer(room_id, peer_id)
            peer.audience[Source(source)] = None if audience is None else set(audience)
            self._assign(room_id)
            return {}

        return self._command(run)

    def set_view(  # noqa: PLR0917
        self, room_id: str, peer_id: str, publisher_id: str, source: str, width: int, height: int
    ) -> int:
        def run() -> dict[str, Any]:
            self._peer(room_id, peer_id)
            Source(source)
            return {}

        return self._command(run)

    def open_sink(self, room_id: str, fd: int) -> int:
        if room_id not in self.rooms:
            raise ValueError("no such room")
        self._next_id += 1
        self.sinks[self._next_id] = os.dup(fd)
        return self._next_id

    def close_sink(self, sink: int) -> None:
        pipe = self.sinks.pop(sink, None)
        if pipe is not None:
            os.close(pipe)

    def start_tap(self, room_id: str, peer_id: str, source: str, sink: int, track: int) -> int:
        def run() -> dict[str, Any]:
            if Source(source) not in self._peer(room_id, peer_id).live:
                raise _Fault("wrong_state")
            if (sink, track) in self.taps:
                raise _Fault("bad_argument")
            self.taps[sink, track] = (peer_id, Source(source))
            return {}

        return self._command(run)

    def stop_tap(self, room_id: str, sink: int, track: int) -> int:
        def run() -> dict[str, Any]:
            self._room(room_id)
            self.taps.pop((sink, track), None)
            return {}

        return self._command(run)

    def metrics(self) -> str:
        peers = sum(len(room) for room in self.rooms.values())
        return json.dumps({"rooms": len(self.rooms), "peers": peers})

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            os.close(self._reader)
            os.close(self._writer)

    # What a test makes happen

    def connect(
        self,
        room_id: str,
        peer_id: str,
        transport: TransportKind,
        state: TransportState = TransportState.CONNECTED,
    ) -> None:
        """A transport reaches a state."""
        self._moved(room_id, peer_id, transport, state)

    def send(self, room_id: str, peer_id: str, source: Source) -> bool:
        """The browser sends packets of a source; False when they are dropped for the grant."""
        peer = self.rooms.get(room_id, {}).get(peer_id)
        if peer is None or source not in peer.bound or source not in peer.grant:
            self.dropped_outside_grant += 1
            return False
        if source not in peer.live:
            peer.live.add(source)
            self._emit(
                type="track_published",
                room_id=room_id,
                peer_id=peer_id,
                source=source,
                kind=source.kind,
                codec="opus" if source.kind is MediaKind.AUDIO else "VP8",
                layers=1,
            )
            self._assign(room_id)
        return True

    def want_layers(self, room_id: str, peer_id: str, source: Source, rids: list[str]) -> None:
        """Somebody looks at these layers, nobody at the others."""
        self._emit(type="layers_wanted", room_id=room_id, peer_id=peer_id, source=source, rids=rids)

    def measure(self, room_id: str, peer_id: str, transport: TransportKind, quality: int) -> None:
        self._emit(
            type="transport_stats",
            room_id=room_id,
            peer_id=peer_id,
            transport=transport,
            rtt_ms=20.0,
            loss=0.0,
            bitrate_in=0,
            bitrate_out=0,
            estimate=None,
            quality=quality,
        )

    def speak(self, room_id: str, peer_ids: list[str]) -> None:
        self._emit(type="active_speakers", room_id=room_id, peer_ids=peer_ids)

    def fail(self, room_id: str, peer_id: str, transport: TransportKind) -> None:
        """A session of the engine hits a fault."""
        self._emit(
            type="session_failed", room_id=room_id, peer_id=peer_id, transport=transport, reason="test"
        )

    def receives(self, room_id: str, peer_id: str) -> set[tuple[str, Source]]:
        """The tracks whose packets reach this peer now."""
        room = self.rooms.get(room_id, {})
        if peer_id not in room:
            return set()
        carried = {slot.carries for slot in room[peer_id].slots if slot.carries is not None}
        return {(publisher, s) for publisher, s in carried if s not in room[publisher].muted}

    def _command(self, run: Any) -> int:
        self._next_id += 1
        reply: dict[str, Any] = {"type": "reply", "request_id": self._next_id}
        try:
            outcome = run()
        except _Fault as fault:
            outcome = {"error": {"code": fault.code, "message": "refused by the fake"}}
        except ValueError:
            outcome = {"error": {"code": "bad_argument", "message": "refused by the fake"}}
        if not self.silent:
            self._emit(**reply, **outcome)
        return self._next_id

    def _emit(self, **event: Any) -> None:
        if self._closed:
            return
        self._events.append(event)
        with contextlib.suppress(BlockingIOError):  # full: it is readable already
            os.write(self._writer, b"!")

    def _room(self, room_id: str) -> dict[str, FakePeer]:
        if room_id not in self.rooms:
            raise _Fault("room_unknown")
        return self.rooms[room_id]

    def _peer(self, room_id: str, peer_id: str) -> FakePeer:
        room = self._room(room_id)
        if peer_id not in room:
            raise _Fault("peer_unknown")
        return room[peer_id]

    def _remove(self, room_id: str, peer_id: str) -> None:
        for transport in TransportKind:
            self._close_transport(room_id, peer_id, transport)
        del self.rooms[room_id][peer_id]

    def _close_transport(self, room_id: str, peer_id: str, transport: TransportKind) -> None:
        peer = self.rooms[room_id][peer_id]
        if transport is TransportKind.PUBLISH:
            if not peer.publish:
                return
            peer.publish = False
            for source in sorted(peer.bound):
                self._unbind(room_id, peer_id, source)
        else:
            if not peer.subscribe:
                return
            peer.subscribe, peer.answered, peer.slots = False, False, []
        self._moved(room_id, peer_id, transport, TransportState.CLOSED)

    def _unbind(self, room_id: str, peer_id: str, source: Source) -> None:
        peer = self.rooms[room_id][peer_id]
        peer.bound.discard(source)
        if source in peer.live:
            peer.live.discard(source)
            self._emit(type="track_unpublished", room_id=room_id, peer_id=peer_id, source=source)
            self._assign(room_id)

    def _moved(self, room_id: str, peer_id: str, transport: TransportKind, state: TransportState) -> None:
        self._emit(
            type="transport_changed",
            room_id=room_id,
            peer_id=peer_id,
            transport=transport,
            state=state,
        )

    def _assign(self, room_id: str) -> None:
        """Deal every receiver's slots: what one may no longer see goes first, then what is new comes in."""
        room = self.rooms[room_id]
        for peer_id, peer in room.items():
            if not peer.answered:
                continue
            wanted = self._audible(room, peer_id)
            for slot in peer.slots:
                if slot.carries is not None and slot.carries not in wanted:
                    self._carry(room_id, peer_id, slot, None)
            carried = {slot.carries for slot in peer.slots}
            for track in sorted(wanted - carried):
                free = next((s for s in peer.slots if s.carries is None and s.kind is track[1].kind), None)
                if free is not None:
                    self._carry(room_id, peer_id, free, track)

    @staticmethod
    def _audible(room: dict[str, FakePeer], receiver_id: str) -> set[tuple[str, Source]]:
        return {
            (peer_id, source)
            for peer_id, peer in room.items()
            if peer_id != receiver_id
            for source in peer.live
            for audience in [peer.audience.get(source)]
            if audience is None or receiver_id in audience
        }

    def _carry(self, room_id: str, peer_id: str, slot: FakeSlot, track: tuple[str, Source] | None) -> None:
        slot.carries = track
        self._emit(
            type="slot_assigned",
            room_id=room_id,
            peer_id=peer_id,
            mid=slot.mid,
            publisher_id=track[0] if track else None,
            source=track[1] if track else None,
        )


@dataclass(frozen=True, slots=True)
class _Section:
    mid: str
    kind: MediaKind | None
    sends: bool
    receives: bool


def _sections(sdp: str) -> list[_Section]:
    """The m-lines (RFC 8866 §5.14). Raises ``bad_sdp``."""
    if not sdp.startswith("v=0"):
        raise _Fault("bad_sdp")
    found: list[_Section] = []
    for section in sdp.replace("\r\n", "\n").split("\nm=")[1:]:
        lines = section.split("\n")
        media, port, *_ = lines[0].split(" ")
        mid = next((line.removeprefix("a=mid:") for line in lines if line.startswith("a=mid:")), None)
        if mid is None:
            raise _Fault("bad_sdp")
        kind = MediaKind(media) if media in tuple(MediaKind) else None
        direction = next((line for line in lines if line in _DIRECTIONS), "a=sendrecv")
        sends = kind is not None and port != "0" and direction in _SENDING
        receives = kind is not None and port != "0" and direction in _RECEIVING
        found.append(_Section(mid, kind, sends, receives))
    return found


def _description(mids: list[str], direction: str) -> str:
    lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0"]
    for mid in mids:
        lines += ["m=audio 9 UDP/TLS/RTP/SAVPF 111", f"a=mid:{mid}", f"a={direction}"]
    return "\r\n".join([*lines, ""])
