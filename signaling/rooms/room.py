"""The live room of an interaction: command → rules → kept → effects, one by one."""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from media.types import Slots
from signaling.errors import DomainError, ErrorCode, Refused
from signaling.rooms import keeping
from signaling.rooms.kept import Kept
from signaling.rooms.live_room import LiveRoom, Respond, RoomPorts, SharedEffect
from signaling.rooms.ports import (
    RecordsUnavailable,
)
from signaling.rooms.room_media import MediaReport, sources_of
from signaling.rooms.telling import tell, tell_others, tell_speakers
from signaling.rooms.timers import RoomTimers
from signaling.sessions import commands, effects, facts, interaction, invitation, members
from signaling.sessions.model import FileRef, InteractionState, InvitationState, Member
from signaling.sessions.policy import SessionKind
from signaling.sessions.states import CloseReason, EndReason, InteractionPhase, Role
from signaling.wire import notifications, requests
from signaling.wire.base import Empty, Request, WireModel
from signaling.wire.present import interaction_view, message_view
from signaling.wire.translate import place_of, to_command

_log = logging.getLogger(__name__)

_FULL_RETRY_MS = 1000
_MAX_UNKEPT = 1000


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


class Room(LiveRoom[Ask, commands.Report]):
    """One interaction, alive. ``open`` or ``start`` begins it; it ends by itself and then calls ``on_end`` once. ``on_rest`` is
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
        slots = Slots(ports.settings.audio_slots, ports.settings.video_slots)
        super().__init__(state.interaction_id, ports, slots, ErrorCode.INTERACTION_CLOSED)
        self._state = state
        self._opening = opening
        self._on_rest = on_rest
        self._on_end = on_end
        self._on_left = on_left
        self._on_change = on_change
        self._on_invitation = on_invitation
        self._unkept: tuple[Kept, ...] = ()
        self._timers: RoomTimers[effects.TimerKey] = RoomTimers(
            ports.clock, lambda key: self._inbox.force(commands.TimerFired(key))
        )

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
            await self._media.desk.open()
        except DomainError:
            self._last_word = ErrorCode.MEDIA_UNAVAILABLE
            self._bury()
            raise
        self._go(self._run())

    def report(self, report: commands.Report) -> None:
        self._inbox.force(report)

    @property
    def _over(self) -> bool:
        return self._state.phase is not InteractionPhase.OPEN

    @property
    def _recording_id(self) -> str | None:
        return self._state.recording.recording_id

    def _begin(self) -> None:
        self._run_effects(self._opening)

    async def _handle(self, item: Ask | commands.Report) -> None:
        match item:
            case Ask():
                await self._answer(item)
            case commands.AgentReplaced():
                self._apply(await self._with_seats(item))
            case commands.MemberConnected(person_id=person_id, resumed=True):
                self._apply(item)
                self._media.tell_again(person_id)
            case _:
                self._apply(item)

    def _reported(self, report: MediaReport) -> None:
        if self._state.find(report.person_id) is not None:
            self._apply(report)

    def _tell_speakers(self, person_ids: list[str]) -> None:
        tell_speakers(self._ports.outbound, self._state, person_ids)

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
        if isinstance(request, requests.View):
            publisher = self._state.member(request.publisher_id)
            if publisher.hidden and not self._state.member(person_id).sees_hidden:
                raise Refused(ErrorCode.NOT_FOUND)
        return await self._media.negotiate(person_id, request)

    async def _publish(self, person_id: str, request: requests.Publish) -> requests.Answer:
        offer = commands.OfferMedia(person_id, sources_of(request), request.fresh)
        interaction.check_offer(self._state, offer)
        answer = await self._media.publish(person_id, request)
        self._apply(offer)
        return answer

    def _run_effects(self, found: effects.Effects) -> None:
        for effect in found:
            self._run_effect(effect)

    def _run_effect(self, effect: effects.Effect) -> None:
        if isinstance(effect, SharedEffect):
            self._run_shared(effect)
            return
        match effect:
            case effects.SetTimer(key=key, at_ms=at_ms):
                self._timers.set(key, at_ms)
            case effects.CancelTimer(key=key):
                self._timers.cancel(key)
            case effects.ReleaseSeat(kind=kind, agent_id=agent_id):
                self._release(kind, agent_id)
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

    def _ended(self) -> None:
        self._timers.cancel_all()
        self._on_end(self)

    def _refuse(self, item: object) -> None:
        if isinstance(item, Ask):
            item.respond(Refused(self._last_word))
