"""What every live room is: one task with one mailbox. Everything that happens to it happens there, one by one, and a
crash stays in its room (CLOSURES.md). ``room`` is that of an interaction, ``meeting_room`` that of a meeting."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from media import events as media_events
from media.control import MediaControl
from media.types import Slots
from signaling.errors import DomainError, ErrorCode, RateLimited, Refused
from signaling.rooms import call_recording
from signaling.rooms.clock import Clock
from signaling.rooms.inbox import Inbox
from signaling.rooms.media_desk import MediaEffect
from signaling.rooms.ports import (
    CallRecorder,
    Fact,
    IceServerSource,
    Outbound,
    Recorder,
    RecordsPort,
    SeatStore,
    SignalingMetrics,
)
from signaling.rooms.room_media import MediaReport, RoomMedia
from signaling.sessions import effects
from signaling.settings import SignalingSettings
from signaling.wire.base import WireModel
from signaling.wire.translate import place_of

_log = logging.getLogger(__name__)

_FULL_RETRY_MS = 1000

Respond = Callable[[WireModel | DomainError], None]
"""Called once, from the room's task, before anything that happens after the request is told."""


@dataclass(frozen=True, slots=True)
class RoomPorts:
    """What every room of a node shares."""

    settings: SignalingSettings
    media: MediaControl
    outbound: Outbound
    recorder: Recorder
    records: RecordsPort
    metrics: SignalingMetrics
    seats: SeatStore
    ice_servers: IceServerSource
    clock: Clock
    call_recorder: CallRecorder | None = None
    """None: calls cannot be recorded here."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """The engine did not take something away: media must not outlive its grant."""


@dataclass(frozen=True, slots=True)
class Suspend:
    """The node stops."""


class RoomStuckError(Exception):
    """See CLOSURES.md, "The engine stops answering a command"."""


class Asking(Protocol):
    """A request that waits for its answer."""

    @property
    def respond(self) -> Respond: ...


RecordingEffect = effects.BeginRecording | effects.EndRecording | effects.RecordTrack | effects.LeaveTrack
SharedEffect = effects.Record | effects.Dissolve | MediaEffect | RecordingEffect
"""What every room does alike."""

A = TypeVar("A", bound=Asking)
"""Its requests."""
I = TypeVar("I")  # noqa: E741
"""What else comes into its mailbox."""


class LiveRoom(ABC, Generic[A, I]):
    """``start`` begins it; it ends by itself. ``last_word``: why a request is refused that comes after the end."""

    def __init__(self, room_id: str, ports: RoomPorts, slots: Slots, last_word: ErrorCode) -> None:
        self._room_id = room_id
        self._ports = ports
        self._inbox: Inbox[A | I | media_events.MediaEvent | Stuck | Suspend] = Inbox(
            ports.settings.inbox_commands
        )
        self._media = RoomMedia(
            room_id,
            slots,
            control=ports.media,
            outbound=ports.outbound,
            ice_servers=ports.ice_servers,
            metrics=ports.metrics,
            clock=ports.clock,
            on_stuck=lambda: self._inbox.force(Stuck()),
        )
        self._task: asyncio.Task[None] | None = None
        self._asked: A | None = None
        self._last_word = last_word
        self._suspended = False
        self._buried = False

    def start(self) -> None:
        """Begin at once; the media room is made meanwhile, and if that fails the room goes on without media."""
        self._ports.media.listen(self._room_id, self._media_event)
        self._go(self._run_anyhow())

    def ask(self, asked: A) -> None:
        """Raises ``RateLimited`` when too much waits already, ``Refused`` when the room has ended."""
        self._offer(asked)

    def suspend(self) -> None:
        """The node stops: the room ends, what it is stays open in the record and goes on after the restart."""
        self._inbox.force(Suspend())

    async def ended(self) -> None:
        """Wait until the room has ended."""
        if self._task is not None:
            await asyncio.wait({self._task})

    # What the one or the other room does

    @property
    @abstractmethod
    def _over(self) -> bool:
        """Nothing more can happen."""

    @property
    @abstractmethod
    def _recording_id(self) -> str | None:
        """Of the recording that runs."""

    @abstractmethod
    def _begin(self) -> None:
        """The first that its task does."""

    @abstractmethod
    async def _handle(self, item: A | I) -> None: ...

    @abstractmethod
    async def _response_to(self, asked: A) -> WireModel: ...

    @abstractmethod
    def _reported(self, report: MediaReport) -> None: ...

    @abstractmethod
    def _tell_speakers(self, person_ids: list[str]) -> None: ...

    @abstractmethod
    def _crash(self) -> None:
        """Close by hand, without the rules: one of them may be what failed."""

    @abstractmethod
    def _ended(self) -> None:
        """The last that happens, also in a room that could not be opened; requests that still wait are refused after."""

    @abstractmethod
    def _refuse(self, item: object) -> None:
        """Answer what waited when the room ended, if it waits for an answer."""

    def _suspending(self) -> None:
        """Before the media of a room goes that is to be taken up again."""

    # The loop

    def _go(self, run: Coroutine[None, None, None]) -> None:
        self._task = asyncio.create_task(run, name=f"room {self._room_id}")

    def _offer(self, item: A | I) -> None:
        if self._buried:
            raise Refused(self._last_word)
        if not self._inbox.offer(item):
            raise RateLimited(_FULL_RETRY_MS)

    def _media_event(self, event: media_events.MediaEvent) -> None:
        if isinstance(event, media_events.TransportStats | media_events.ActiveSpeakers):
            self._inbox.offer(event)
        else:
            self._inbox.force(event)

    async def _run_anyhow(self) -> None:
        try:
            await self._media.desk.open()
        except DomainError:
            _log.error("no media room", extra={"room_id": self._room_id})
        await self._run()

    async def _run(self) -> None:
        try:
            self._begin()
            while not self._over and not self._suspended:
                await self._take(await self._inbox.take())
        except Exception as error:  # whatever it is, it must not leave this room
            _log.error(
                "room crashed",
                extra={
                    "room_id": self._room_id,
                    "error_type": type(error).__name__,
                    "at": place_of(error),
                },
            )
            self._crash()
        finally:
            self._bury()

    async def _take(self, item: A | I | media_events.MediaEvent | Stuck | Suspend) -> None:
        match item:
            case Stuck():
                raise RoomStuckError
            case Suspend():
                self._suspended = True
                self._last_word = ErrorCode.SERVER_STOPPING
                self._suspending()
                self._media.desk.run(effects.CloseMedia())
            case media_events.SlotAssigned() | media_events.LayersWanted():
                self._media.hear(item)
            case media_events.ActiveSpeakers(peer_ids=peer_ids):
                self._tell_speakers(peer_ids)
            case media_events.Reply() | media_events.StatsDropped():
                pass
            case (
                media_events.TransportChanged()
                | media_events.TrackPublished()
                | media_events.TrackUnpublished()
                | media_events.TransportStats()
                | media_events.SessionFailed()
            ):
                self._reported(self._media.report_of(item))
            case _:
                await self._handle(item)

    async def _answer(self, asked: A) -> None:
        self._asked = asked
        try:
            response = await self._response_to(asked)
        except DomainError as error:
            asked.respond(error)
        else:
            asked.respond(response)
        self._asked = None

    def _run_shared(self, effect: SharedEffect) -> None:
        match effect:
            case effects.Record(kind=kind, person_id=person_id, reason=reason):
                at_ms = self._ports.clock.now_ms()
                self._ports.recorder.record(Fact(kind, self._room_id, person_id, at_ms, reason))
            case effects.Dissolve():
                pass  # the loop sees the phase
            case (
                effects.BeginRecording()
                | effects.EndRecording()
                | effects.RecordTrack()
                | effects.LeaveTrack()
            ):
                call_recording.run(self._ports.call_recorder, self._room_id, effect)
            case _:
                self._media.desk.run(effect)

    def _bury(self) -> None:
        self._buried = True
        self._ports.media.forget(self._room_id)
        if self._recording_id is not None:
            ended = effects.EndRecording(self._recording_id)
            call_recording.run(self._ports.call_recorder, self._room_id, ended)
        self._ended()
        for item in self._inbox.drain():
            self._refuse(item)
