"""A live room: one task with one mailbox. Everything that happens to an interaction happens here, one by one:
command → rules → effects. A crash stays in its room (CLOSURES.md).

Long because the mailbox, the answers and the effects of one room share its state; what is told and what is kept have
files of their own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from media import events as media_events
from media.control import MediaControl
from media.types import Slots, TransportKind, TransportState
from signaling.errors import BadInput, DomainError, ErrorCode, RateLimited, Refused
from signaling.rooms import call_recording, keeping
from signaling.rooms.clock import Clock
from signaling.rooms.inbox import Inbox
from signaling.rooms.kept import Kept
from signaling.rooms.media_desk import MediaDesk
from signaling.rooms.media_telling import MediaTelling
from signaling.rooms.ports import (
    CallRecorder,
    Fact,
    IceServerSource,
    Outbound,
    Recorder,
    RecordsPort,
    RecordsUnavailable,
    SeatStore,
    SignalingMetrics,
)
from signaling.rooms.telling import tell, tell_others, tell_speakers
from signaling.rooms.timers import RoomTimers
from signaling.sessions import commands, effects, facts, interaction, invitation, members
from signaling.sessions.model import FileRef, InteractionState, InvitationState, Member
from signaling.sessions.policy import SessionKind
from signaling.sessions.states import CloseReason, EndReason, InteractionPhase, Role
from signaling.settings import SignalingSettings
from signaling.wire import notifications, requests
from signaling.wire.base import Empty, Request, WireModel
from signaling.wire.present import ice_server_views, interaction_view, message_view
from signaling.wire.translate import place_of, to_command

_log = logging.getLogger(__name__)

_FULL_RETRY_MS = 1000
_MAX_UNKEPT = 1000

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
class Ask:
    """A request of a member, to be answered."""

    person_id: str
    request: Request
    respond: Respond
    file: FileRef | None = None
    """Of ``message.send`` with a file: looked up before, since a room waits for no store."""
    supervisor: Member | None = None
    """Of ``supervise.join``: who may."""
    invitation: InvitationState | None = None
    """Of ``invitation.offer``: whom, looked up before."""


@dataclass(frozen=True, slots=True)
class _Stuck:
    """The engine did not take something away: media must not outlive its grant."""


@dataclass(frozen=True, slots=True)
class _Suspend:
    """The node stops."""


Item = Ask | commands.Report | media_events.MediaEvent | _Stuck | _Suspend


class RoomStuckError(Exception):
    """See CLOSURES.md, "The engine stops answering a command"."""


class Room:
    """One interaction, alive. ``open`` starts it; it ends by itself and then calls ``on_end`` once. ``on_rest`` is
    called when an assistance or a call of it is over, ``on_left`` when somebody is no member any more, ``on_change`` when
    what supervisors see of it changed, ``on_invitation`` when it began or ceased to ring at an agent of elsewhere."""

    def __init__(
        self,
        state: InteractionState,
        opening: effects.Effects,
        ports: RoomPorts,
        *,
        on_rest: Callable[[], None],
        on_end: Callable[[Room], None],
        on_left: Callable[[Room, str], None],
        on_change: Callable[[Room], None],
        on_invitation: Callable[[Room], None],
    ) -> None:
        self._state = state
        self._opening = opening
        self._ports = ports
        self._on_rest = on_rest
        self._on_end = on_end
        self._on_left = on_left
        self._on_change = on_change
        self._on_invitation = on_invitation
        self._unkept: tuple[Kept, ...] = ()
        self._suspended = False
        self._buried = False
        self._inbox: Inbox[Item] = Inbox(ports.settings.inbox_commands)
        self._timers = RoomTimers(ports.clock, lambda key: self._inbox.force(commands.TimerFired(key)))
        self._joining: dict[tuple[str, TransportKind], int] = {}
        slots = Slots(ports.settings.audio_slots, ports.settings.video_slots)
        self._desk = MediaDesk(state.interaction_id, ports.media, slots, lambda: self._inbox.force(_Stuck()))
        self._media = MediaTelling(state.interaction_id, self._desk, ports.outbound)
        self._task: asyncio.Task[None] | None = None
        self._asked: Ask | None = None
        self._last_word = ErrorCode.INTERACTION_CLOSED
        self._buried = False

    @property
    def interaction_id(self) -> str:
        return self._state.interaction_id

    @property
    def state(self) -> InteractionState:
        return self._state

    async def open(self) -> None:
        """Make the media room and begin. Raises ``MediaError``; nothing is left behind then."""
        self._ports.media.listen(self.interaction_id, self._media_event)
        try:
            await self._desk.open()
        except DomainError:
            self._last_word = ErrorCode.MEDIA_UNAVAILABLE
            self._bury()
            raise
        self._task = asyncio.create_task(self._run(), name=f"room {self.interaction_id}")

    def start(self) -> None:
        """Begin at once; the media room is made meanwhile, and if that fails the conversation is had by text."""
        self._ports.media.listen(self.interaction_id, self._media_event)
        self._task = asyncio.create_task(self._run_anyhow(), name=f"room {self.interaction_id}")

    def ask(self, asked: Ask) -> None:
        """Raises ``RateLimited`` when too much waits already, ``Refused`` when the room has ended."""
        if self._buried:
            raise Refused(self._last_word)
        if not self._inbox.offer(asked):
            raise RateLimited(_FULL_RETRY_MS)

    def report(self, report: commands.Report) -> None:
        self._inbox.force(report)

    def suspend(self) -> None:
        """The node stops: the room ends, the interaction stays open in the record and goes on after the restart."""
        self._inbox.force(_Suspend())

    async def ended(self) -> None:
        """Wait until the room has ended."""
        if self._task is not None:
            await asyncio.wait({self._task})

    def _media_event(self, event: media_events.MediaEvent) -> None:
        if isinstance(event, media_events.TransportStats | media_events.ActiveSpeakers):
            self._inbox.offer(event)
        else:
            self._inbox.force(event)

    async def _run_anyhow(self) -> None:
        try:
            await self._desk.open()
        except DomainError:
            _log.error("no media room", extra={"room_id": self.interaction_id})
        await self._run()

    async def _run(self) -> None:
        try:
            self._run_effects(self._opening)
            while self._state.phase is InteractionPhase.OPEN and not self._suspended:
                await self._handle(await self._inbox.take())
        except Exception as error:  # whatever it is, it must not leave this room
            _log.error(
                "room crashed",
                extra={
                    "room_id": self.interaction_id,
                    "error_type": type(error).__name__,
                    "at": place_of(error),
                },
            )
            self._crash()
        finally:
            self._bury()

    async def _handle(self, item: Item) -> None:
        match item:
            case Ask():
                self._asked = item
                await self._answer(item)
                self._asked = None
            case _Stuck():
                raise RoomStuckError
            case _Suspend():
                self._suspended = True
                self._last_word = ErrorCode.SERVER_STOPPING
                self._desk.run(effects.CloseMedia())
            case media_events.SlotAssigned() | media_events.LayersWanted():
                self._media.hear(item)
            case media_events.ActiveSpeakers(peer_ids=peer_ids):
                tell_speakers(self._ports.outbound, self._state, peer_ids)
            case media_events.Reply() | media_events.StatsDropped():
                pass
            case (
                media_events.TransportChanged()
                | media_events.TrackPublished()
                | media_events.TrackUnpublished()
                | media_events.TransportStats()
                | media_events.SessionFailed()
            ):
                report = self._from_media(item)
                if self._state.find(report.person_id) is not None:
                    self._apply(report)
            case commands.AgentReplaced():
                self._apply(await self._with_seats(item))
            case commands.MemberConnected(person_id=person_id, resumed=True):
                self._apply(item)
                self._media.tell_again(person_id)
            case _:
                self._apply(item)

    def _apply(self, command: commands.Command) -> None:
        """What follows from ``command`` is kept before anybody hears of it. What somebody does and cannot be kept is
        refused; what the world reports happened all the same and is kept with the next."""
        now_ms = self._ports.clock.now_ms()
        old = self._state
        new, found = interaction.handle(old, command, now_ms)
        kept = (*self._unkept, *keeping.between(old, new, now_ms))
        if kept:
            try:
                self._ports.records.keep(*kept)
            except RecordsUnavailable:
                asked = isinstance(command, commands.Deed | commands.AnswerInvitation)
                if asked and new.phase is old.phase:
                    raise Refused(ErrorCode.RECORDS_UNAVAILABLE) from None
                self._unkept = kept[-_MAX_UNKEPT:]
            else:
                self._unkept = ()
        self._state = new
        self._run_effects(found)
        if kept:
            self._on_change(self)

    async def _with_seats(self, command: commands.AgentReplaced) -> commands.AgentReplaced:
        """Of what runs, that for which the new agent has a seat."""
        running = (
            (SessionKind.ASSISTANCE, self._state.assistance.running),
            (SessionKind.CALL, self._state.call.running),
        )
        own, agent_id = self.interaction_id, command.agent.person_id
        seats = [k for k, runs in running if runs and await self._ports.seats.claim(agent_id, k, own)]
        # What was only asked for takes no seat.
        asked = [] if self._state.call.running else [SessionKind.CALL]
        return replace(command, seats=frozenset([*seats, *asked]))

    async def _answer(self, asked: Ask) -> None:
        try:
            response = await self._response_to(asked)
        except DomainError as error:
            asked.respond(error)
        else:
            asked.respond(response)

    async def _response_to(self, asked: Ask) -> WireModel:
        person_id, request = asked.person_id, asked.request
        deed = to_command(request, person_id, asked.file)
        if asked.invitation is not None:
            deed = commands.Invite(person_id, asked.invitation)
        if deed is not None:
            return await self._do(deed)
        if isinstance(request, requests.AcceptInvitation | requests.DeclineInvitation):
            accepted = isinstance(request, requests.AcceptInvitation)
            self._apply(commands.AnswerInvitation(invitation.guest_member(person_id), accepted))
            return Empty()
        if asked.supervisor is not None:
            self._apply(commands.SupervisorJoined(asked.supervisor))
        member = self._state.member(person_id)
        match request:
            case requests.GetInteraction() | requests.JoinSupervised():
                view = interaction_view(
                    self._state, outside=not member.sees_hidden, history_from=member.history_from
                )
                return requests.Opened(interaction=view)
            case requests.LeaveSupervised():
                self._apply(commands.SupervisorLeft(person_id))
                return Empty()
            case requests.Typing(typing=typing):
                self._apply(commands.Type(person_id))
                told = notifications.TypingChanged(
                    interaction_id=self.interaction_id, person_id=person_id, typing=typing
                )
                tell_others(self._ports.outbound, self._state, person_id, told)
                return Empty()
            case _:
                return await self._negotiate(person_id, request)

    async def _do(self, deed: commands.Deed) -> WireModel:
        agent_id = self._state.of_role(Role.AGENT).person_id
        seats, own = self._ports.seats, self.interaction_id
        match deed:
            case commands.RequestAssistance() | commands.StartCall():
                free = await seats.claim(agent_id, deed.KIND, own)
                deed = replace(deed, seat_free=free)
            case commands.StartRecording():
                if self._ports.call_recorder is None:
                    raise Refused(ErrorCode.RECORDING_UNAVAILABLE)
                deed = replace(deed, recording_id=secrets.token_hex(12))
            case commands.AskCall():
                deed = replace(deed, seat_free=await seats.is_free(agent_id, SessionKind.CALL, own))
            case _:
                pass
        try:
            self._apply(deed)
        finally:
            self._give_back_seats()
        if isinstance(deed, commands.PostMessage):
            sent = self._state.sent_before(deed.actor_id, deed.client_message_id)
            if sent is None:
                raise Refused(ErrorCode.INTERNAL_ERROR)
            return requests.Sent(message=message_view(sent))
        return Empty()

    def _give_back_seats(self) -> None:
        """A seat that was claimed for a command the rules then refused."""
        agent_id = self._state.of_role(Role.AGENT).person_id
        if not self._state.assistance.running:
            self._release(SessionKind.ASSISTANCE, agent_id)
        if not self._state.call.running:
            self._release(SessionKind.CALL, agent_id)

    async def _negotiate(self, person_id: str, request: Request) -> WireModel:
        if isinstance(request, requests.Publish):
            return await self._publish(person_id, request)
        self._apply(commands.UseMedia(person_id))
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
                publisher = self._state.member(request.publisher_id)
                if publisher.hidden and not self._state.member(person_id).sees_hidden:
                    raise Refused(ErrorCode.NOT_FOUND)
                await self._desk.set_view(person_id, request)
            case _:
                raise BadInput(ErrorCode.UNKNOWN_MESSAGE)
        return Empty()

    async def _publish(self, person_id: str, request: requests.Publish) -> requests.Answer:
        sources = [track.source for track in request.tracks]
        mids = {track.mid for track in request.tracks}
        if len(set(sources)) != len(sources) or len(mids) != len(sources):
            raise BadInput(ErrorCode.BAD_MESSAGE)
        offer = commands.OfferMedia(person_id, frozenset(sources), request.fresh)
        interaction.check_offer(self._state, offer)
        if request.fresh:
            self._joining[(person_id, TransportKind.PUBLISH)] = self._ports.clock.now_ms()
        answer = await self._desk.publish(person_id, request)
        self._apply(offer)
        return answer

    def _from_media(
        self,
        event: media_events.TransportChanged
        | media_events.TrackPublished
        | media_events.TrackUnpublished
        | media_events.TransportStats
        | media_events.SessionFailed,
    ) -> commands.TransportMoved | commands.TrackStarted | commands.TrackStopped | commands.QualityMeasured:
        match event:
            case media_events.TransportChanged():
                self._count_join(event)
                return commands.TransportMoved(event.peer_id, event.transport, event.state)
            case media_events.SessionFailed():
                _log.warning(
                    "media session failed",
                    extra={"room_id": self.interaction_id, "reason": event.reason},
                )
                return commands.TransportMoved(event.peer_id, event.transport, TransportState.FAILED)
            case media_events.TrackPublished():
                return commands.TrackStarted(event.peer_id, event.source)
            case media_events.TrackUnpublished():
                return commands.TrackStopped(event.peer_id, event.source)
            case media_events.TransportStats():
                return commands.QualityMeasured(event.peer_id, event.transport, event.quality)

    def _count_join(self, event: media_events.TransportChanged) -> None:
        if event.state is not TransportState.CONNECTED:
            return
        _log.info(
            "media transport connected",
            extra={
                "room_id": self.interaction_id,
                "person_id": event.peer_id,
                "transport": event.transport.value,
                "protocol": event.protocol,
                "srtp_profile": event.srtp_profile,
            },
        )
        began = self._joining.pop((event.peer_id, event.transport), None)
        if began is not None:
            self._ports.metrics.joined((self._ports.clock.now_ms() - began) / 1000)

    def _run_effects(self, found: effects.Effects) -> None:
        for effect in found:
            self._run_effect(effect)

    def _run_effect(self, effect: effects.Effect) -> None:
        match effect:
            case effects.SetTimer(key=key, at_ms=at_ms):
                self._timers.set(key, at_ms)
            case effects.CancelTimer(key=key):
                self._timers.cancel(key)
            case effects.ReleaseSeat(kind=kind, agent_id=agent_id):
                self._release(kind, agent_id)
            case effects.Record(kind=kind, person_id=person_id, reason=reason):
                at_ms = self._ports.clock.now_ms()
                self._ports.recorder.record(Fact(kind, self.interaction_id, person_id, at_ms, reason))
            case effects.Dissolve():
                pass  # the loop sees the phase
            case (
                effects.AddPeer()
                | effects.RemovePeer()
                | effects.SetGrant()
                | effects.SetAudience()
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
                call_recording.run(self._ports.call_recorder, self.interaction_id, effect)
            case effects.TellInvitation():
                tell(self._ports.outbound, self._state, effect)
                self._on_invitation(self)
            case effects.TellLeft(person_id=person_id):
                tell(self._ports.outbound, self._state, effect)
                self._on_left(self, person_id)
            case _:
                tell(self._ports.outbound, self._state, effect)

    def _release(self, kind: SessionKind, agent_id: str) -> None:
        self._ports.seats.release(agent_id, kind, self.interaction_id)
        self._on_rest()

    def _crash(self) -> None:
        """Close by hand, without the rules: one of them may be what failed."""
        ended = members.end_sessions(self._state, EndReason.INTERACTION_CLOSED, None)
        now_ms = self._ports.clock.now_ms()
        agent_id = ended.of_role(Role.AGENT).person_id
        self._state = replace(
            ended, phase=InteractionPhase.CLOSED, close_reason=CloseReason.FAILED, closed_at=now_ms
        )
        with contextlib.suppress(RecordsUnavailable):
            self._ports.records.keep(*self._unkept, keeping.interaction_of(self._state))
        self._last_word = ErrorCode.INTERNAL_ERROR
        if self._asked is not None:
            self._asked.respond(Refused(self._last_word))
        for effect in (
            effects.CloseMedia(),
            effects.TellAssistance(),
            effects.TellCall(),
            effects.TellInteraction(),
            effects.ReleaseSeat(SessionKind.ASSISTANCE, agent_id),
            effects.ReleaseSeat(SessionKind.CALL, agent_id),
            effects.Record(facts.INTERACTION_CLOSED, None, "crashed"),
        ):
            try:
                self._run_effect(effect)
            except Exception as error:
                _log.error(
                    "closing a crashed room",
                    extra={"room_id": self.interaction_id, "at": place_of(error)},
                )

    def _bury(self) -> None:
        """Also for a room that could not be opened."""
        self._buried = True
        self._timers.cancel_all()
        self._ports.media.forget(self.interaction_id)
        if self._state.recording.recording_id is not None:
            ended = effects.EndRecording(self._state.recording.recording_id)
            call_recording.run(self._ports.call_recorder, self.interaction_id, ended)
        self._on_end(self)
        for item in self._inbox.drain():
            if isinstance(item, Ask):
                item.respond(Refused(self._last_word))
