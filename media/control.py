"""The packet engine as asyncio sees it: commands are awaited, events go to the listener of their room.

``MediaControl`` works over anything with the surface of ``media._engine.Engine``; ``media.fake.FakeEngine`` has it too,
and both pass the same contract tests.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from media.events import EngineFault, MediaEvent, Reply, StatsDropped, parse_events
from media.types import EngineConfig, Slots, Source, TrackRef, TransportKind

_log = logging.getLogger(__name__)

_EVENTS_PER_POLL = 1024
_POLLS_PER_WAKE = 8
"""After so many batches other tasks get their turn; the descriptor stays readable."""


class PacketEngine(Protocol):
    """The surface of ``media._engine.Engine`` (see its stub for what each call means)."""

    @property
    def event_fd(self) -> int: ...
    def poll_events(self, max_events: int = 1024) -> bytes: ...
    def create_room(self, room_id: str) -> int: ...
    def close_room(self, room_id: str) -> int: ...
    def add_peer(
        self, room_id: str, peer_id: str, publish: list[str], audio_slots: int, video_slots: int
    ) -> int: ...
    def remove_peer(self, room_id: str, peer_id: str) -> int: ...
    def set_grant(self, room_id: str, peer_id: str, publish: list[str]) -> int: ...
    def publish(
        self, room_id: str, peer_id: str, sdp: str, tracks: list[tuple[str, str]], fresh: bool
    ) -> int: ...
    def subscribe(self, room_id: str, peer_id: str, fresh: bool) -> int: ...
    def subscribe_offered(self, room_id: str, peer_id: str, sdp: str, fresh: bool) -> int: ...
    def answer(self, room_id: str, peer_id: str, sdp: str) -> int: ...
    def add_candidate(self, room_id: str, peer_id: str, transport: str, candidate: str) -> int: ...
    def set_muted(self, room_id: str, peer_id: str, source: str, muted: bool) -> int: ...
    def set_audience(self, room_id: str, peer_id: str, source: str, audience: list[str] | None) -> int: ...
    def set_view(  # noqa: PLR0917
        self, room_id: str, peer_id: str, publisher_id: str, source: str, width: int, height: int
    ) -> int: ...
    def open_sink(self, room_id: str, fd: int) -> int: ...
    def close_sink(self, sink: int) -> None: ...
    def start_tap(self, room_id: str, peer_id: str, source: str, sink: int, track: int) -> int: ...
    def stop_tap(self, room_id: str, sink: int, track: int) -> int: ...
    def metrics(self) -> str: ...
    def close(self) -> None: ...


RoomEvent = MediaEvent
Listener = Callable[[RoomEvent], None]
"""Takes an event of one room; must not block and must not raise."""


class EngineError(Exception):
    """A command failed. ``code`` is stable: a code of the engine, ``timeout`` or ``closed``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code

    @classmethod
    def of(cls, fault: EngineFault) -> EngineError:
        return cls(fault.code, fault.message)


class MediaControl:
    """Asyncio face of one engine. Every command may raise ``EngineError``.

    A command is handed to the engine at the call itself, before the first ``await``: two commands made one after
    the other reach a room in that order even if nobody awaits them.
    """

    def __init__(self, engine: PacketEngine, *, timeout_s: float = 5.0) -> None:
        self._engine = engine
        self._timeout_s = timeout_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pending: dict[int, asyncio.Future[Reply]] = {}
        self._listeners: dict[str, Listener] = {}
        self._stats_dropped = 0

    @classmethod
    def create(cls, config: EngineConfig, *, timeout_s: float = 5.0) -> MediaControl:
        """Start the real engine. Raises ``ImportError`` when it is not built, ``OSError`` when a port is taken."""
        from media._engine import Engine

        return cls(Engine(json.dumps(asdict(config))), timeout_s=timeout_s)

    async def start(self) -> None:
        """Begin to take events in the running loop."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._engine.event_fd, self._take_events)

    async def stop(self) -> None:
        """Stop the engine; commands still waiting fail with ``closed``. Idempotent."""
        if self._loop is None:
            return
        self._loop.remove_reader(self._engine.event_fd)
        loop, self._loop = self._loop, None
        await loop.run_in_executor(None, self._engine.close)
        pending, self._pending = self._pending, {}
        for future in pending.values():
            if not future.done():
                future.set_exception(EngineError("closed", "the engine was stopped"))
        self._listeners.clear()

    def listen(self, room_id: str, listener: Listener) -> None:
        """Give the room's events to ``listener`` from now on; one listener a room."""
        self._listeners[room_id] = listener

    def forget(self, room_id: str) -> None:
        """Stop giving the room's events to anybody. Idempotent."""
        self._listeners.pop(room_id, None)

    def metrics(self) -> dict[str, Any]:
        """Counters and gauges of the engine, and ``stats_dropped`` of the event queue."""
        figures: dict[str, Any] = json.loads(self._engine.metrics())
        figures["stats_dropped"] = self._stats_dropped
        return figures

    def create_room(self, room_id: str) -> asyncio.Future[Reply]:
        return self._command(self._engine.create_room(room_id))

    def close_room(self, room_id: str) -> asyncio.Future[Reply]:
        return self._command(self._engine.close_room(room_id))

    def add_peer(
        self, room_id: str, peer_id: str, publish: Collection[Source], slots: Slots
    ) -> asyncio.Future[Reply]:
        return self._command(
            self._engine.add_peer(room_id, peer_id, _names(publish), slots.audio, slots.video)
        )

    def remove_peer(self, room_id: str, peer_id: str) -> asyncio.Future[Reply]:
        return self._command(self._engine.remove_peer(room_id, peer_id))

    def set_grant(self, room_id: str, peer_id: str, publish: Collection[Source]) -> asyncio.Future[Reply]:
        return self._command(self._engine.set_grant(room_id, peer_id, _names(publish)))

    def publish(
        self, room_id: str, peer_id: str, sdp: str, tracks: Sequence[tuple[str, Source]], *, fresh: bool
    ) -> asyncio.Future[Reply]:
        """``reply.sdp`` is the answer."""
        named = [(mid, source.value) for mid, source in tracks]
        return self._command(self._engine.publish(room_id, peer_id, sdp, named, fresh))

    def subscribe(self, room_id: str, peer_id: str, *, fresh: bool) -> asyncio.Future[Reply]:
        """``reply.sdp`` is the offer."""
        return self._command(self._engine.subscribe(room_id, peer_id, fresh))

    def subscribe_offered(
        self, room_id: str, peer_id: str, sdp: str, *, fresh: bool
    ) -> asyncio.Future[Reply]:
        """The receiver offers (WHEP); ``reply.sdp`` is the answer."""
        return self._command(self._engine.subscribe_offered(room_id, peer_id, sdp, fresh))

    def answer(self, room_id: str, peer_id: str, sdp: str) -> asyncio.Future[Reply]:
        return self._command(self._engine.answer(room_id, peer_id, sdp))

    def add_candidate(
        self, room_id: str, peer_id: str, transport: TransportKind, candidate: str
    ) -> asyncio.Future[Reply]:
        return self._command(self._engine.add_candidate(room_id, peer_id, transport.value, candidate))

    def set_muted(self, room_id: str, peer_id: str, source: Source, muted: bool) -> asyncio.Future[Reply]:
        return self._command(self._engine.set_muted(room_id, peer_id, source.value, muted))

    def set_audience(
        self, room_id: str, peer_id: str, source: Source, audience: Collection[str] | None
    ) -> asyncio.Future[Reply]:
        names = None if audience is None else sorted(audience)
        return self._command(self._engine.set_audience(room_id, peer_id, source.value, names))

    def set_view(
        self, room_id: str, peer_id: str, track: TrackRef, *, width: int, height: int
    ) -> asyncio.Future[Reply]:
        return self._command(
            self._engine.set_view(room_id, peer_id, track.peer_id, track.source.value, width, height)
        )

    def open_sink(self, room_id: str, fd: int) -> int:
        """See ``media._engine``. Raises ``ValueError`` without the room, ``OSError`` without a thread."""
        return self._engine.open_sink(room_id, fd)

    def close_sink(self, sink: int) -> None:
        self._engine.close_sink(sink)

    def start_tap(self, room_id: str, track: TrackRef, sink: int, number: int) -> asyncio.Future[Reply]:
        return self._command(self._engine.start_tap(room_id, track.peer_id, track.source.value, sink, number))

    def stop_tap(self, room_id: str, sink: int, number: int) -> asyncio.Future[Reply]:
        return self._command(self._engine.stop_tap(room_id, sink, number))

    def _command(self, request_id: int) -> asyncio.Future[Reply]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Reply] = loop.create_future()
        if self._loop is None:
            future.set_exception(EngineError("closed", "the engine is not running"))
            return future
        self._pending[request_id] = future
        timer = loop.call_later(self._timeout_s, self._time_out, request_id)
        future.add_done_callback(lambda _: timer.cancel())
        return future

    def _time_out(self, request_id: int) -> None:
        future = self._pending.pop(request_id, None)
        if future is not None and not future.done():
            _log.error("media engine did not answer", extra={"request_id": request_id})
            future.set_exception(EngineError("timeout", "the engine did not answer"))

    def _take_events(self) -> None:
        for _ in range(_POLLS_PER_WAKE):
            batch = self._engine.poll_events(_EVENTS_PER_POLL)
            if len(batch) <= len(b"[]"):
                return
            for event in parse_events(batch):
                self._deliver(event)

    def _deliver(self, event: MediaEvent) -> None:
        if isinstance(event, Reply):
            self._settle(event)
        elif isinstance(event, StatsDropped):
            self._stats_dropped += event.count
        else:
            listener = self._listeners.get(event.room_id)
            if listener is not None:
                listener(event)

    def _settle(self, reply: Reply) -> None:
        future = self._pending.pop(reply.request_id, None)
        if future is None or future.done():
            return
        if reply.error is None:
            future.set_result(reply)
        else:
            future.set_exception(EngineError.of(reply.error))


def _names(sources: Collection[Source]) -> list[str]:
    return sorted(source.value for source in sources)
