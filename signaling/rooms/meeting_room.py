"""A live meeting: one task with one mailbox, as ``room`` is for an interaction. Everything that happens to a meeting
happens here, one by one: command → rules → kept → effects. A crash stays in its room (CLOSURES.md)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from media import events as media_events
from media.types import Slots, TransportKind, TransportState
from signaling.errors import BadInput, DomainError, ErrorCode, RateLimited, Refused
from signaling.rooms import call_recording, meeting_keeping
from signaling.rooms.clock import TimerHandle
from signaling.rooms.inbox import Inbox
from signaling.rooms.kept import KeptAudit
from signaling.rooms.kept_meetings import KeptNotes, KeptNotesUpdate, KeptOfMeetings
from signaling.rooms.media_desk import MediaDesk
from signaling.rooms.meeting_notes import MeetingNotes
from signaling.rooms.meeting_streams import MeetingStreams
from signaling.rooms.meeting_telling import tell, tell_all
from signaling.rooms.ports import Fact, MeetingRecordsPort, Person, RecordsUnavailable
from signaling.rooms.room import Respond, RoomPorts, RoomStuckError
from signaling.sessions import commands, effects, meeting, meeting_derive
from signaling.sessions import meeting_commands as c
from signaling.sessions import meeting_effects as e
from signaling.sessions.meeting_model import MeetingState
from signaling.sessions.meeting_states import MeetingLeft, MeetingPhase
from signaling.wire import meeting_notifications as told
from signaling.wire import notifications, requests
from signaling.wire.base import Empty, Request, WireModel
from signaling.wire.meeting_present import entered
from signaling.wire.meeting_translate import to_deed
from signaling.wire.present import ice_server_views, message_view
from signaling.wire.translate import place_of

_log = logging.getLogger(__name__)

_FULL_RETRY_MS = 1000
_MAX_UNKEPT = 1000
_EDITS_A_SNAPSHOT = 50
"""So many edits of the notes are kept one by one before they are kept whole."""

Keepable = KeptOfMeetings | KeptAudit
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MeetingAsk:
    """A request of somebody, to be answered."""

    person: Person
    request: Request
    respond: Respond


@dataclass(frozen=True, slots=True)
class StreamWork:
    """Something about the devices of the meeting, in its turn. ``refuse`` when the room ends before."""

    run: Callable[[MeetingStreams], Awaitable[None]]
    refuse: Callable[[DomainError], None]


@dataclass(frozen=True, slots=True)
class KeptDocument:
    """Notes with every edit up to ``seq``; up to ``kept_seq`` they are kept whole."""

    notes: MeetingNotes
    seq: int = 0
    kept_seq: int = 0


@dataclass(frozen=True, slots=True)
class _Stuck:
    """The engine did not take something away: media must not outlive its grant."""


@dataclass(frozen=True, slots=True)
class _Suspend:
    """The node stops."""


Item = MeetingAsk | StreamWork | c.MeetingReport | c.Leave | media_events.MediaEvent | _Stuck | _Suspend


class MeetingRoom:
    """``start`` begins it; it ends by itself and then calls ``on_end`` once. ``on_gone`` is called when somebody has left
    the room or the lobby, ``on_phase`` when it has begun or ended or another agent holds it."""

    def __init__(
        self,
        state: MeetingState,
        ports: RoomPorts,
        records: MeetingRecordsPort,
        notes: KeptDocument,
        *,
        on_end: Callable[[MeetingRoom], None],
        on_gone: Callable[[MeetingRoom, str], None],
        on_phase: Callable[[MeetingRoom], None],
    ) -> None:
        self._state = state
        self._ports = ports
        self._records = records
        self._notes = notes.notes
        self._notes_seq = notes.seq
        self._notes_kept = notes.kept_seq
        self._on_end = on_end
        self._on_gone = on_gone
        self._on_phase = on_phase
        self._unkept: tuple[Keepable, ...] = ()
        self._suspended = False
        self._buried = False
        self._inbox: Inbox[Item] = Inbox(ports.settings.inbox_commands)
        self._timers: dict[e.MeetingTimer, TimerHandle] = {}
        self._joining: dict[tuple[str, TransportKind], int] = {}
        slots = Slots(ports.settings.meeting_audio_slots, ports.settings.meeting_video_slots)
        self._desk = MediaDesk(state.meeting_id, ports.media, slots, lambda: self._inbox.force(_Stuck()))
        self._streams = MeetingStreams(
            lambda: self._state, self._apply, self._desk, ports.ice_servers, ports.clock
        )
        self._task: asyncio.Task[None] | None = None
        self._asked: MeetingAsk | None = None
        self._last_word = ErrorCode.MEETING_ENDED

    @property
    def meeting_id(self) -> str:
        return self._state.meeting_id

    @property
    def state(self) -> MeetingState:
        return self._state

    def start(self) -> None:
        """Begin at once; the media room is made meanwhile, and if that fails there is chat and notes alone."""
        self._ports.media.listen(self.meeting_id, self._media_event)
        self._task = asyncio.create_task(self._run(), name=f"meeting {self.meeting_id}")

    def ask(self, asked: MeetingAsk) -> None:
        """Raises ``RateLimited`` when too much waits already, ``Refused`` when the meeting has ended."""
        if self._buried:
            raise Refused(self._last_word)
        if not self._inbox.offer(asked):
            raise RateLimited(_FULL_RETRY_MS)

    async def do(self, work: Callable[[MeetingStreams], Awaitable[T]]) -> T:
        """Run ``work`` in the room's order and give back what it does. Raises what it raises, and as ``ask``."""
        if self._buried:
            raise Refused(self._last_word)
        answered: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def refuse(error: DomainError) -> None:
            if not answered.done():
                answered.set_exception(error)

        async def run(streams: MeetingStreams) -> None:
            try:
                outcome = await work(streams)
            except DomainError as error:
                refuse(error)
            except BaseException:
                refuse(Refused(ErrorCode.INTERNAL_ERROR))
                raise
            else:
                if not answered.done():
                    answered.set_result(outcome)

        if not self._inbox.offer(StreamWork(run, refuse)):
            raise RateLimited(_FULL_RETRY_MS)
        return await answered

    def report(self, report: c.MeetingReport | c.Leave) -> None:
        self._inbox.force(report)

    def suspend(self) -> None:
        """The node stops: the room ends, the meeting stays open in the record and goes on after the restart."""
        self._inbox.force(_Suspend())

    async def ended(self) -> None:
        if self._task is not None:
            await asyncio.wait({self._task})

    def _media_event(self, event: media_events.MediaEvent) -> None:
        if isinstance(event, media_events.TransportStats | media_events.ActiveSpeakers):
            self._inbox.offer(event)
        else:
            self._inbox.force(event)

    async def _run(self) -> None:
        try:
            try:
                await self._desk.open()
            except DomainError:
                _log.error("no media room", extra={"room_id": self.meeting_id})
            self._run_effects(meeting_derive.effects_of_restoring(self._state))
            while self._state.phase is not MeetingPhase.ENDED and not self._suspended:
                await self._handle(await self._inbox.take())
        except Exception as error:  # whatever it is, it must not leave this room
            _log.error(
                "meeting crashed",
                extra={
                    "room_id": self.meeting_id,
                    "error_type": type(error).__name__,
                    "at": place_of(error),
                },
            )
            self._crash()
        finally:
            self._bury()

    async def _handle(self, item: Item) -> None:
        match item:
            case MeetingAsk():
                self._asked = item
                await self._answer(item)
                self._asked = None
            case StreamWork(run=run):
                await run(self._streams)
            case _Stuck():
                raise RoomStuckError
            case _Suspend():
                self._suspended = True
                self._last_word = ErrorCode.SERVER_STOPPING
                self._keep_notes()
                self._desk.run(effects.CloseMedia())
            case media_events.SlotAssigned():
                self._slot_assigned(item)
            case media_events.ActiveSpeakers(peer_ids=peer_ids):
                speakers = notifications.ActiveSpeakersChanged(
                    interaction_id=self.meeting_id, person_ids=peer_ids
                )
                tell_all(self._ports.outbound, self._state, speakers)
            case media_events.Reply() | media_events.StatsDropped():
                pass
            case (
                media_events.TransportChanged()
                | media_events.TrackPublished()
                | media_events.TrackUnpublished()
                | media_events.TransportStats()
                | media_events.SessionFailed()
            ):
                self._apply(self._from_media(item))
            case _:
                self._apply(item)

    # Commands

    def _apply(self, command: c.MeetingCommand) -> None:
        """What follows is kept before anybody hears of it. What somebody does and cannot be kept is refused; what the
        world reports happened all the same and is kept with the next."""
        now_ms = self._ports.clock.now_ms()
        old = self._state
        new, found = meeting.handle(old, command, now_ms)
        changed = meeting_keeping.between(old, new, now_ms)
        ending = new.phase is MeetingPhase.ENDED and old.phase is not MeetingPhase.ENDED
        if ending:
            changed = (*changed, *self._notes_whole())
        self._keep(changed, must=isinstance(command, c.MeetingDeed | c.Enter | c.EnterStream) and not ending)
        self._state = new
        self._run_effects(found)
        if old.phase is not new.phase or old.application.agent_id != new.application.agent_id:
            self._on_phase(self)
        for member in old.members:
            after = new.find(member.person_id)
            if member.present and (after is None or not after.present):
                self._on_gone(self, member.person_id)
        for waits in old.waiting:
            if new.find_waiting(waits.person_id) is None and new.find(waits.person_id) is None:
                self._on_gone(self, waits.person_id)

    def _keep(self, things: tuple[Keepable, ...], *, must: bool) -> None:
        kept = (*self._unkept, *things)
        if not kept:
            return
        try:
            self._records.keep_meeting(*kept)
        except RecordsUnavailable:
            if must:
                raise Refused(ErrorCode.RECORDS_UNAVAILABLE) from None
            self._unkept = kept[-_MAX_UNKEPT:]
        else:
            self._unkept = ()

    # Requests

    async def _answer(self, asked: MeetingAsk) -> None:
        try:
            response = await self._response_to(asked)
        except DomainError as error:
            asked.respond(error)
        else:
            asked.respond(response)

    async def _response_to(self, asked: MeetingAsk) -> WireModel:
        person, request = asked.person, asked.request
        person_id = person.person_id
        match request:
            case requests.EnterMeeting():
                self._apply(c.Enter(person_id, person.role, person.display_name))
                return entered(self._state, person_id)
            case requests.LeaveMeeting():
                self._apply(c.Leave(person_id))
                return Empty()
            case requests.GetNotes(vector=vector):
                meeting.check_deed(self._state, c.ReadMeeting(person_id))
                return self._notes_since(_decoded(vector) if vector is not None else None)
            case requests.EditNotes(update=update):
                return self._edit_notes(person_id, update)
            case requests.Publish():
                return await self._publish(person_id, request)
            case _:
                pass
        deed = to_deed(request, person_id)
        if deed is None:
            return await self._negotiate(person_id, request)
        if isinstance(deed, c.StartMeetingRecording):
            if self._ports.call_recorder is None:
                raise Refused(ErrorCode.RECORDING_UNAVAILABLE)
            deed = replace(deed, recording_id=secrets.token_hex(12))
        self._apply(deed)
        if isinstance(deed, c.SayInMeeting):
            sent = self._state.sent_before(person_id, deed.client_message_id)
            if sent is None:
                raise Refused(ErrorCode.INTERNAL_ERROR)
            return requests.Sent(message=message_view(sent))
        return Empty()

    async def _negotiate(self, person_id: str, request: Request) -> WireModel:
        meeting.check_deed(self._state, c.UseMeetingMedia(person_id))
        match request:
            case requests.Subscribe(fresh=fresh):
                if fresh:
                    self._joining[(person_id, TransportKind.SUBSCRIBE)] = self._ports.clock.now_ms()
                sdp, slots = await self._desk.subscribe(person_id, fresh)
                servers = ice_server_views(self._ports.ice_servers.ice_servers(person_id))
                return requests.Offer(sdp=sdp, slots=slots, ice_servers=servers)
            case requests.AnswerSubscribe(sdp=sdp):
                await self._desk.answer(person_id, sdp)
            case requests.AddCandidate(transport=transport, candidate=candidate):
                await self._desk.add_candidate(person_id, transport, candidate)
            case requests.View():
                self._state.member(request.publisher_id)
                await self._desk.set_view(person_id, request)
            case _:
                raise BadInput(ErrorCode.UNKNOWN_MESSAGE)
        return Empty()

    async def _publish(self, person_id: str, request: requests.Publish) -> requests.Answer:
        sources = [track.source for track in request.tracks]
        mids = {track.mid for track in request.tracks}
        if len(set(sources)) != len(sources) or len(mids) != len(sources):
            raise BadInput(ErrorCode.BAD_MESSAGE)
        offer = c.OfferMeetingMedia(person_id, frozenset(sources), request.fresh)
        meeting.check_offer(self._state, offer)
        if request.fresh:
            self._joining[(person_id, TransportKind.PUBLISH)] = self._ports.clock.now_ms()
        answer = await self._desk.publish(person_id, request)
        self._apply(offer)
        return answer

    # Notes

    def _notes_since(self, vector: bytes | None) -> requests.Notes:
        return requests.Notes(
            update=_encoded(self._notes.since(vector)), vector=_encoded(self._notes.vector())
        )

    def _edit_notes(self, person_id: str, update: str) -> requests.NotesKept:
        """Kept before it is acknowledged; what cannot be kept is taken out again."""
        meeting.check_deed(self._state, c.EditNotes(person_id))
        edit, before = _decoded(update), self._notes.since()
        self._notes.merge(edit)
        now_ms = self._ports.clock.now_ms()
        kept = KeptNotesUpdate(self.meeting_id, self._notes_seq + 1, person_id, now_ms, edit)
        try:
            self._keep((kept,), must=True)
        except DomainError:
            self._notes = MeetingNotes(before)
            raise
        self._notes_seq += 1
        if self._notes_seq - self._notes_kept >= _EDITS_A_SNAPSHOT:
            self._keep_notes()
        changed = told.NotesChanged(meeting_id=self.meeting_id, update=update)
        tell_all(self._ports.outbound, self._state, changed, but=person_id)
        return requests.NotesKept(vector=_encoded(self._notes.vector()))

    def _notes_whole(self) -> tuple[KeptNotes, ...]:
        if self._notes_seq == self._notes_kept:
            return ()
        self._notes_kept = self._notes_seq
        return (KeptNotes(self.meeting_id, self._notes_seq, self._notes.since(), self._notes.text()),)

    def _keep_notes(self) -> None:
        self._keep(self._notes_whole(), must=False)

    # Media

    def _from_media(
        self,
        event: media_events.TransportChanged
        | media_events.TrackPublished
        | media_events.TrackUnpublished
        | media_events.TransportStats
        | media_events.SessionFailed,
    ) -> c.MemberReport:
        match event:
            case media_events.TransportChanged():
                if event.state is TransportState.CONNECTED:
                    began = self._joining.pop((event.peer_id, event.transport), None)
                    if began is not None:
                        self._ports.metrics.joined((self._ports.clock.now_ms() - began) / 1000)
                return commands.TransportMoved(event.peer_id, event.transport, event.state)
            case media_events.SessionFailed():
                _log.warning(
                    "media session failed", extra={"room_id": self.meeting_id, "reason": event.reason}
                )
                return commands.TransportMoved(event.peer_id, event.transport, TransportState.FAILED)
            case media_events.TrackPublished():
                return commands.TrackStarted(event.peer_id, event.source)
            case media_events.TrackUnpublished():
                return commands.TrackStopped(event.peer_id, event.source)
            case media_events.TransportStats():
                return commands.QualityMeasured(event.peer_id, event.transport, event.quality)

    def _slot_assigned(self, event: media_events.SlotAssigned) -> None:
        self._desk.slot_assigned(event)
        changed = notifications.SlotChanged(
            interaction_id=self.meeting_id,
            mid=event.mid,
            publisher_id=event.publisher_id,
            source=event.source,
        )
        self._ports.outbound.notify(event.peer_id, changed)

    # Effects

    def _run_effects(self, found: e.MeetingEffects) -> None:
        for effect in found:
            self._run_effect(effect)

    def _run_effect(self, effect: e.MeetingEffect) -> None:
        match effect:
            case e.SetMeetingTimer(key=key, at_ms=at_ms):
                self._cancel_timer(key)
                self._timers[key] = self._ports.clock.call_at(at_ms, lambda: self._fired(key))
            case e.CancelMeetingTimer(key=key):
                self._cancel_timer(key)
            case effects.Record(kind=kind, person_id=person_id, reason=reason):
                at_ms = self._ports.clock.now_ms()
                self._ports.recorder.record(Fact(kind, self.meeting_id, person_id, at_ms, reason))
            case effects.Dissolve():
                pass  # the loop sees the phase
            case (
                effects.AddPeer()
                | effects.RemovePeer()
                | effects.SetGrant()
                | effects.SetMuted()
                | effects.CloseMedia()
            ):
                self._desk.run(effect)
            case (
                effects.BeginRecording()
                | effects.EndRecording()
                | effects.RecordTrack()
                | effects.LeaveTrack()
            ):
                call_recording.run(self._ports.call_recorder, self.meeting_id, effect)
            case _:
                tell(self._ports.outbound, self._state, effect)

    def _fired(self, key: e.MeetingTimer) -> None:
        self._inbox.force(c.MeetingTimerFired(key))

    def _cancel_timer(self, key: e.MeetingTimer) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    def _crash(self) -> None:
        """Close by hand, without the rules: one of them may be what failed."""
        old, now_ms = self._state, self._ports.clock.now_ms()
        self._state = meeting.fail(old, now_ms)
        self._last_word = ErrorCode.INTERNAL_ERROR
        with contextlib.suppress(RecordsUnavailable):
            whole: tuple[Keepable, ...] = meeting_keeping.of_opening(self._state)
            self._records.keep_meeting(*self._unkept, *whole, *self._notes_whole())
        if self._asked is not None:
            self._asked.respond(Refused(self._last_word))
        self._desk.run(effects.CloseMedia())
        for person_id in [*(m.person_id for m in old.present), *(w.person_id for w in old.waiting)]:
            with contextlib.suppress(Exception):
                left = e.TellMeetingLeft(person_id, MeetingLeft.ENDED)
                tell(self._ports.outbound, self._state, left)

    def _bury(self) -> None:
        self._buried = True
        for key in list(self._timers):
            self._cancel_timer(key)
        self._ports.media.forget(self.meeting_id)
        if self._state.recording.recording_id is not None:
            ended = effects.EndRecording(self._state.recording.recording_id)
            call_recording.run(self._ports.call_recorder, self.meeting_id, ended)
        self._on_end(self)
        for item in self._inbox.drain():
            if isinstance(item, MeetingAsk):
                item.respond(Refused(self._last_word))
            elif isinstance(item, StreamWork):
                item.refuse(Refused(self._last_word))


def _encoded(data: bytes) -> str:
    return b64encode(data).decode()


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise BadInput(ErrorCode.BAD_MESSAGE) from None
