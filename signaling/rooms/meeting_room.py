"""The live room of a meeting: command → rules → kept → effects, one by one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from media.types import Slots
from signaling.errors import BadInput, DomainError, ErrorCode, Refused
from signaling.rooms import meeting_keeping
from signaling.rooms.kept import KeptAudit
from signaling.rooms.kept_meetings import KeptNotes, KeptNotesUpdate, KeptOfMeetings
from signaling.rooms.live_room import LiveRoom, Respond, RoomPorts, SharedEffect
from signaling.rooms.meeting_notes import MeetingNotes
from signaling.rooms.meeting_streams import MeetingStreams
from signaling.rooms.meeting_telling import tell, tell_all
from signaling.rooms.ports import MeetingRecordsPort, Person, RecordsUnavailable
from signaling.rooms.room_media import MediaReport, sources_of
from signaling.rooms.timers import RoomTimers
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
from signaling.wire.present import message_view

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


class MeetingRoom(LiveRoom[MeetingAsk, StreamWork | c.MeetingReport | c.Leave]):
    """A meeting, alive. ``start`` begins it; it ends by itself and then calls ``on_end`` once. ``on_gone`` is called when
    somebody has left the room or the lobby, ``on_moved`` with the state before when the meeting or its application has
    gone on."""

    def __init__(
        self,
        state: MeetingState,
        ports: RoomPorts,
        records: MeetingRecordsPort,
        notes: KeptDocument,
        *,
        on_end: Callable[[MeetingRoom], None],
        on_gone: Callable[[MeetingRoom, str], None],
        on_moved: Callable[[MeetingRoom, MeetingState], None],
    ) -> None:
        slots = Slots(ports.settings.meeting_audio_slots, ports.settings.meeting_video_slots)
        super().__init__(state.meeting_id, ports, slots, ErrorCode.MEETING_ENDED)
        self._state = state
        self._records = records
        self._notes = notes.notes
        self._notes_seq = notes.seq
        self._notes_kept = notes.kept_seq
        self._on_end = on_end
        self._on_gone = on_gone
        self._on_moved = on_moved
        self._unkept: tuple[Keepable, ...] = ()
        self._timers: RoomTimers[e.MeetingTimer] = RoomTimers(
            ports.clock, lambda key: self._inbox.force(c.MeetingTimerFired(key))
        )
        self._streams = MeetingStreams(
            lambda: self._state, self._apply, self._media.desk, ports.ice_servers, ports.clock
        )

    @property
    def meeting_id(self) -> str:
        return self._state.meeting_id

    @property
    def state(self) -> MeetingState:
        return self._state

    async def do(self, work: Callable[[MeetingStreams], Awaitable[T]]) -> T:
        """Run ``work`` in the room's order and give back what it does. Raises what it raises, and as ``ask``."""
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

        self._offer(StreamWork(run, refuse))
        return await answered

    def report(self, report: c.MeetingReport | c.Leave) -> None:
        self._inbox.force(report)

    @property
    def _over(self) -> bool:
        return self._state.phase is MeetingPhase.ENDED

    @property
    def _recording_id(self) -> str | None:
        return self._state.recording.recording_id

    def _begin(self) -> None:
        self._run_effects(meeting_derive.effects_of_restoring(self._state))

    async def _handle(self, item: MeetingAsk | StreamWork | c.MeetingReport | c.Leave) -> None:
        match item:
            case MeetingAsk():
                await self._answer(item)
            case StreamWork(run=run):
                await run(self._streams)
            case commands.MemberConnected(person_id=person_id, resumed=True):
                self._apply(item)
                self._media.tell_again(person_id)
            case _:
                self._apply(item)

    def _reported(self, report: MediaReport) -> None:
        self._apply(report)

    def _tell_speakers(self, person_ids: list[str]) -> None:
        speakers = notifications.ActiveSpeakersChanged(interaction_id=self.meeting_id, person_ids=person_ids)
        tell_all(self._ports.outbound, self._state, speakers)

    def _suspending(self) -> None:
        self._keep_notes()

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
        if new.phase is not old.phase or new.application != old.application:
            self._on_moved(self, old)
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
        if isinstance(request, requests.View):
            self._state.member(request.publisher_id)
        return await self._media.negotiate(person_id, request)

    async def _publish(self, person_id: str, request: requests.Publish) -> requests.Answer:
        offer = c.OfferMeetingMedia(person_id, sources_of(request), request.fresh)
        meeting.check_offer(self._state, offer)
        answer = await self._media.publish(person_id, request)
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

    # Effects

    def _run_effects(self, found: e.MeetingEffects) -> None:
        for effect in found:
            self._run_effect(effect)

    def _run_effect(self, effect: e.MeetingEffect) -> None:
        if isinstance(effect, SharedEffect):
            self._run_shared(effect)
            return
        match effect:
            case e.SetMeetingTimer(key=key, at_ms=at_ms):
                self._timers.set(key, at_ms)
            case e.CancelMeetingTimer(key=key):
                self._timers.cancel(key)
            case _:
                tell(self._ports.outbound, self._state, effect)

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
        self._media.desk.run(effects.CloseMedia())
        for person_id in [*(m.person_id for m in old.present), *(w.person_id for w in old.waiting)]:
            with contextlib.suppress(Exception):
                left = e.TellMeetingLeft(person_id, MeetingLeft.ENDED)
                tell(self._ports.outbound, self._state, left)
        self._on_moved(self, old)

    def _ended(self) -> None:
        self._timers.cancel_all()
        self._on_end(self)

    def _refuse(self, item: object) -> None:
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
