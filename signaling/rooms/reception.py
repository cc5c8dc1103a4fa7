"""The queue, alive: who waits, who is offered what, and the conversations that come of it.

The rules (``sessions.queue``) are one state over all centres of the node, since agents may work for several and tickets go
from one to another; a command is handled whole, without waiting for anything, so it needs no mailbox: what the loop runs
next finds a true state. Every change of a ticket is kept before anybody hears of it. What one person is told costs the same
however many wait; what everybody is told (waiting lists, positions) is told once a second at most, in small portions.

Long because commands and what follows from their effects are read side by side; what is shown of the one state is in
``reception_views``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from signaling.errors import ErrorCode, Refused
from signaling.rooms import keeping
from signaling.rooms.boards import Boards
from signaling.rooms.clock import TimerHandle
from signaling.rooms.directory import RoomDirectory
from signaling.rooms.kept import Kept, KeptAgentStatus, KeptTicket, OpenWork
from signaling.rooms.ports import (
    Person,
    RecordsUnavailable,
    StaffEntry,
)
from signaling.rooms.positions import Positions
from signaling.rooms.reception_views import Handover, ReceptionPorts, ReceptionViews, Visitor
from signaling.rooms.room import Room
from signaling.sessions import commands, queue
from signaling.sessions import queue_messages as q
from signaling.sessions.effects import Effects
from signaling.sessions.interaction import open_interaction
from signaling.sessions.model import InteractionContext, InteractionState, Member, TransferState
from signaling.sessions.queue_states import (
    AgentStatus,
    AssignedBy,
    GoneReason,
    OfferEnd,
    QueueErrorCode,
    QueueState,
    StatusReason,
    Ticket,
)
from signaling.sessions.states import (
    CloseReason,
    EndReason,
    Presence,
    QueuePhase,
    Role,
    StatusChoice,
    TransferPhase,
)
from signaling.wire import notifications
from signaling.wire.base import Notification
from signaling.wire.queue_views import (
    TicketView,
    WaitingView,
)

_log = logging.getLogger(__name__)

_RETRY_MS = 1_000

_TRANSFER_ENDS = {
    OfferEnd.SILENT: TransferPhase.TIMED_OUT,
    OfferEnd.DECLINED: TransferPhase.DECLINED,
    OfferEnd.AGENT_DROPPED: TransferPhase.DECLINED,
    OfferEnd.AGENT_UNAVAILABLE: TransferPhase.DECLINED,
    OfferEnd.TICKET_GONE: TransferPhase.CANCELLED,
    OfferEnd.TRANSFER_CANCELLED: TransferPhase.CANCELLED,
}
_OWN_CODES = {
    (q.AcceptOffer, QueueErrorCode.WRONG_PHASE): ErrorCode.OFFER_ENDED,
    (q.AcceptOffer, QueueErrorCode.NOT_FOUND): ErrorCode.OFFER_ENDED,
    (q.DeclineOffer, QueueErrorCode.WRONG_PHASE): ErrorCode.OFFER_ENDED,
    (q.DeclineOffer, QueueErrorCode.NOT_FOUND): ErrorCode.OFFER_ENDED,
    (q.SetAgentStatus, QueueErrorCode.AGENT_OFFLINE): ErrorCode.AGENT_SIGNED_OUT,
    (q.Pick, QueueErrorCode.AGENT_OFFLINE): ErrorCode.AGENT_SIGNED_OUT,
}


class Reception(ReceptionViews):
    """One a node. Every method that changes something may raise ``Refused``."""

    def __init__(self, ports: ReceptionPorts, rooms: RoomDirectory, new_id: Callable[[], str]) -> None:
        super().__init__(ports)
        self._rooms = rooms
        self._new_id = new_id
        self._timed_out: set[str] = set()
        self._offer_ends: dict[str, OfferEnd] = {}
        self._timer: tuple[int, TimerHandle] | None = None
        self._positions = Positions(self._tell_ticket_id)
        self.boards = Boards(ports.outbound, ports.clock, self, rooms)
        rooms.on_change = self.boards.conversation_changed
        rooms.on_guest = lambda agent_id, own, present: self._guest_changed(agent_id, own, present=present)

    # Centres

    def configure(self) -> None:
        """Take the centres as the organisation has them now; also after it has changed."""
        self._centres = known = {c.centre_id: c for c in self._ports.organisation.centres()}
        for centre_id, centre in known.items():
            self._apply(q.ConfigureCentre(centre_id, centre.queue))
        for centre_id, _ in list(self._state.centres.items()):
            if centre_id not in known:
                self._apply(q.RemoveCentre(centre_id))

    def restore(self, work: OpenWork) -> None:
        """After a restart, when the rooms are there again: everybody's place, and who was serving."""
        mine: list[Ticket] = []
        over: list[Kept] = []
        now_ms = self._ports.clock.now_ms()
        for kept in work.tickets:
            ticket = kept.ticket
            held = ticket.agent_id is not None
            if held and self._rooms.get(ticket.ticket_id) is None:
                over.append(replace(kept, gone_at=now_ms, gone_reason=GoneReason.SERVED))
                continue
            mine.append(ticket)
            self._visitors[ticket.ticket_id] = Visitor(
                ticket.taxpayer_id, kept.taxpayer_name, kept.context, ticket.joined_ms
            )
            room = self._rooms.get(ticket.ticket_id)
            if room is not None and room.state.transfer is not None:
                transfer = room.state.transfer
                self._handovers[ticket.ticket_id] = Handover(transfer.note, transfer.asked_at)
        if over:
            self._ports.records.keep(*over)
        self._centres = {c.centre_id: c for c in self._ports.organisation.centres()}
        centres = {centre_id: centre.queue for centre_id, centre in self._centres.items()}
        self._state, effects = queue.restore(
            centres, mine, self._agents_back(work, mine), now_ms, self._wrapping_back(work, now_ms)
        )
        for ticket_id in list(self._visitors):
            live = self._state.tickets.get(ticket_id)
            if live is None:
                del self._visitors[ticket_id]
            elif self._rooms.get(ticket_id) is not None:
                self.boards.conversation_moved(ticket_id, live.centre_id)
        self._run(QueueState(), effects)
        self._set_timer()

    def _agents_back(self, work: OpenWork, tickets: list[Ticket]) -> list[q.AgentSignedIn]:
        """Who was signed in, with the status they had chosen and the rights they have now."""
        chosen = {ticket.agent_id: AgentStatus.FREE for ticket in tickets if ticket.agent_id is not None}
        chosen |= {kept.agent_id: kept.chosen for kept in work.agents}
        staff = {agent_id: self._ports.organisation.staff(agent_id) for agent_id in chosen}
        return [
            _signed_in(entry, chosen[agent_id], self._rooms.guesting(agent_id))
            for agent_id, entry in staff.items()
            if entry is not None and entry.role is Role.AGENT and entry.centres
        ]

    def _wrapping_back(self, work: OpenWork, now_ms: int) -> dict[str, tuple[tuple[int, str], ...]]:
        """After-work time that is not over, unless the agent said since that it is."""
        free_since = {
            kept.agent_id: kept.at
            for kept in work.agents
            if kept.reason is StatusReason.CHOSEN and kept.chosen is AgentStatus.FREE
        }
        found: dict[str, tuple[tuple[int, str], ...]] = {}
        for one in work.to_wrap_up:
            centre = self._centres.get(one.centre_id or "")
            if centre is None or one.agent_id is None or one.closed_at is None:
                continue
            until = one.closed_at + centre.queue.after_work_ms
            if until > now_ms and free_since.get(one.agent_id, 0) < one.closed_at:
                found[one.agent_id] = (*found.get(one.agent_id, ()), (until, one.interaction_id))
        return found

    # Taxpayers

    def join(
        self,
        person: Person,
        context: InteractionContext,
        skill: str | None,
        last_agent: str | None,
    ) -> TicketView:
        if person.role is not Role.TAXPAYER:
            raise Refused(ErrorCode.NOT_ALLOWED)
        known = self.ticket_view(person.person_id)
        if known is not None:
            return known
        now_ms = self._ports.clock.now_ms()
        centre = self._ports.organisation.centre_for(context.authority)
        ticket_id = self._new_id()
        visitor = Visitor(person.person_id, person.display_name, context, now_ms)
        self._visitors[ticket_id] = visitor
        command = q.Join(
            ticket_id=ticket_id,
            taxpayer_id=person.person_id,
            centre_id=centre.centre_id if centre is not None else None,
            hours_open=centre is not None and self._ports.organisation.is_open(centre.centre_id, now_ms),
            skills=frozenset({skill} if skill is not None else ()),
            last_agent=last_agent,
        )
        try:
            self._do(person.person_id, command)
        finally:
            if ticket_id not in self._state.tickets:
                self._visitors.pop(ticket_id, None)
        view = self.ticket_view(person.person_id)
        if view is None:
            raise Refused(ErrorCode.INTERNAL_ERROR)
        return view

    def cancel(self, person_id: str) -> None:
        self._do(person_id, q.Cancel(person_id))

    def stay(self, person_id: str) -> None:
        ticket = self._ticket_of(person_id)
        if ticket is None:
            raise Refused(ErrorCode.NOT_FOUND)
        visitor = self._visitors[ticket.ticket_id]
        if visitor.notice is not None:
            self._visitors[ticket.ticket_id] = replace(visitor, notice=None)
            self._tell_ticket(ticket)

    def connected(self, person: Person) -> None:
        person_id = person.person_id
        if person.role is Role.TAXPAYER:
            if person_id in self._state.by_taxpayer:
                self._apply(q.TaxpayerReturned(person_id))
        elif person_id in self._state.agents:
            self._apply(q.AgentReturned(person_id))

    def disconnected(self, person: Person) -> None:
        self.boards.unwatch(person.person_id)
        if person.role is Role.TAXPAYER:
            if person.person_id in self._state.by_taxpayer:
                self._apply(q.TaxpayerDropped(person.person_id))
        elif person.person_id in self._state.agents:
            self._apply(q.AgentDropped(person.person_id))

    # Agents

    def sign_in(self, person: Person, status: StatusChoice) -> None:
        staff = self._ports.organisation.staff(person.person_id)
        if person.role is not Role.AGENT or staff is None or not staff.centres:
            raise Refused(ErrorCode.NOT_ALLOWED)
        guesting = self._rooms.guesting(person.person_id)
        self._do(person.person_id, _signed_in(staff, AgentStatus(status), guesting))

    def _guest_changed(self, agent_id: str, interaction_id: str, *, present: bool) -> None:
        if agent_id in self._state.agents:
            self._apply(q.GuestChanged(agent_id, interaction_id, present))

    def sign_out(self, person_id: str) -> None:
        self._do(person_id, q.AgentSignedOut(person_id))

    def set_status(self, agent_id: str, status: StatusChoice) -> None:
        self._do(agent_id, q.SetAgentStatus(agent_id, AgentStatus(status)))

    def accept(self, agent_id: str, ticket_id: str) -> None:
        self._do(agent_id, q.AcceptOffer(agent_id, ticket_id))

    def decline(self, agent_id: str, ticket_id: str) -> None:
        self._do(agent_id, q.DeclineOffer(agent_id, ticket_id))

    def pick(self, agent_id: str, ticket_id: str) -> None:
        self._do(agent_id, q.Pick(agent_id, ticket_id))

    def wrapped_up(self, agent_id: str, ticket_id: str) -> None:
        self._do(agent_id, q.WrapUpDone(agent_id, ticket_id))

    def conversation_ended(self, room: Room) -> None:
        if room.interaction_id in self._state.tickets:
            self._apply(q.ConversationEnded(room.interaction_id))
        self.boards.conversation_changed(room)

    # Transfers

    def transfer(
        self, agent_id: str, interaction_id: str, to_agent: str | None, to_centre: str | None, note: str
    ) -> None:
        room = self._rooms.find(interaction_id, agent_id)
        organisation, now_ms = self._ports.organisation, self._ports.clock.now_ms()
        command: q.Command
        if to_agent is not None:
            staff = organisation.staff(to_agent)
            if staff is None:
                raise Refused(ErrorCode.NOT_FOUND)
            target = staff.staff_number
            command = q.TransferToAgent(agent_id, interaction_id, to_agent)
        else:
            centre = self._centre(to_centre or "")
            if centre is None:
                raise Refused(ErrorCode.NOT_FOUND)
            target = centre.name
            is_open = organisation.is_open(centre.centre_id, now_ms)
            command = q.TransferToCentre(agent_id, interaction_id, centre.centre_id, is_open)
        self._handovers[interaction_id] = Handover(note, now_ms)
        effects = self._do(agent_id, command)
        offered = next((e for e in effects if isinstance(e, q.OfferMade)), None)
        room.report(
            commands.TransferOffered(
                TransferState(
                    transfer_id=self._new_id(),
                    from_agent=agent_id,
                    to_agent=to_agent,
                    to_centre=to_centre,
                    target=target,
                    note=note,
                    asked_at=now_ms,
                    deadline=offered.deadline_ms if offered is not None and to_agent is not None else None,
                )
            )
        )

    def cancel_transfer(self, agent_id: str, interaction_id: str) -> None:
        self._do(agent_id, q.CancelTransfer(agent_id, interaction_id))

    # The command, and what follows

    def _do(self, person_id: str, command: q.Command) -> tuple[q.Effect, ...]:
        """For somebody: raises what the rules refuse."""
        effects = self._apply(command, must_be_kept=True)
        for effect in effects:
            if isinstance(effect, q.Refused) and effect.person_id == person_id:
                own = _OWN_CODES.get((type(command), effect.code))
                raise Refused(own or ErrorCode(effect.code.value))
        return effects

    def _apply(self, command: q.Command, *, must_be_kept: bool = False) -> tuple[q.Effect, ...]:
        old = self._state
        new, effects = queue.handle(old, command, self._ports.clock.now_ms())
        openings = self._openings(effects, new)
        kept = [*self._kept(new, effects), *(k for s, _ in openings.values() for k in keeping.of_opening(s))]
        if kept:
            try:
                self._ports.records.keep(*kept)
            except RecordsUnavailable:
                if must_be_kept:
                    raise Refused(ErrorCode.RECORDS_UNAVAILABLE) from None
                # Nothing was changed: the same deadlines pass again in a moment; only a ticket's own report is late.
                _log.error("queue could not be kept")
                self._again(command)
                return ()
        self._state = new
        self._run(old, effects, openings)
        self._set_timer()
        return effects

    def _again(self, command: q.Command) -> None:
        at_ms = self._ports.clock.now_ms() + _RETRY_MS
        self._ports.clock.call_at(at_ms, lambda: self._retry(command))

    def _retry(self, command: q.Command) -> None:
        self._apply(command)

    def _set_timer(self) -> None:
        at_ms = self._state.next_deadline_ms()
        if self._timer is not None:
            if self._timer[0] == at_ms:
                return
            self._timer[1].cancel()
            self._timer = None
        if at_ms is not None:
            self._timer = (at_ms, self._ports.clock.call_at(at_ms, self._tick))

    def _tick(self) -> None:
        self._timer = None
        self._apply(q.Tick())

    def stop(self) -> None:
        if self._timer is not None:
            self._timer[1].cancel()
            self._timer = None
        self.boards.stop()

    def _kept(self, new: QueueState, effects: tuple[q.Effect, ...]) -> list[Kept]:
        now_ms = self._ports.clock.now_ms()
        found: list[Kept] = []
        tickets: dict[str, None] = {}
        for effect in effects:
            match effect:
                case q.Gone(ticket_id=ticket_id, reason=reason):
                    tickets.pop(ticket_id, None)
                    old = self._state.tickets.get(ticket_id)
                    visitor = self._visitors.get(ticket_id)
                    if old is not None and visitor is not None:
                        found.append(KeptTicket(old, visitor.name, visitor.context, now_ms, reason))
                case q.AgentChanged(agent_id=agent_id, status=status, reason=why, chosen=chosen):
                    found.append(KeptAgentStatus(agent_id, status, why, now_ms, chosen))
                case q.Queued() | q.OfferMade() | q.OfferEnded() | q.Assigned() | q.AgentLost():
                    tickets[effect.ticket_id] = None
                case _:
                    pass
        for ticket_id in tickets:
            ticket, visitor = new.tickets.get(ticket_id), self._visitors.get(ticket_id)
            if ticket is not None and visitor is not None and ticket != self._state.tickets.get(ticket_id):
                found.append(KeptTicket(ticket, visitor.name, visitor.context))
        return found

    def _openings(
        self, effects: tuple[q.Effect, ...], new: QueueState
    ) -> dict[str, tuple[InteractionState, Effects]]:
        """The conversations that begin with these effects, to be kept together with their tickets."""
        found: dict[str, tuple[InteractionState, Effects]] = {}
        for effect in effects:
            if not isinstance(effect, q.Assigned) or effect.ticket_id not in new.tickets:
                continue
            if self._rooms.get(effect.ticket_id) is None:
                found[effect.ticket_id] = self._opening(effect)
        return found

    def _opening(self, assigned: q.Assigned) -> tuple[InteractionState, Effects]:
        visitor = self._visitors[assigned.ticket_id]
        centre = self._centre(assigned.centre_id)
        taxpayer = self._member(visitor.person_id, Role.TAXPAYER, visitor.name)
        agent = self._agent_member(assigned.agent_id)
        return open_interaction(
            assigned.ticket_id,
            (taxpayer, agent),
            self._ports.settings.sessions,
            self._ports.clock.now_ms(),
            centre_id=assigned.centre_id,
            centre_name=centre.name if centre is not None else None,
            context=visitor.context,
            greeting=self._greeting(assigned.centre_id, agent.display_name),
        )

    def _member(self, person_id: str, role: Role, name: str) -> Member:
        online = self._ports.outbound.is_online(person_id)
        grace_ms = self._ports.settings.sessions.reconnect_grace_ms
        return Member(
            person_id=person_id,
            role=role,
            display_name=name,
            presence=Presence.ONLINE if online else Presence.RECONNECTING,
            reconnect_by=None if online else self._ports.clock.now_ms() + grace_ms,
            joined_at=self._ports.clock.now_ms(),
        )

    def _agent_member(self, agent_id: str) -> Member:
        return self._member(agent_id, Role.AGENT, self.staff_number(agent_id))

    def _greeting(self, centre_id: str, staff_number: str) -> str | None:
        centre = self._centre(centre_id)
        return centre.greeting.replace("{staff_number}", staff_number) if centre is not None else None

    def _run(
        self,
        old: QueueState,
        effects: tuple[q.Effect, ...],
        openings: dict[str, tuple[InteractionState, Effects]] | None = None,
    ) -> None:
        for effect in effects:
            self._run_one(effect, openings or {})
        for agent_id in self._state.agents.changed_since(old.agents):
            self._tell_desk(agent_id)

    def _run_one(
        self,
        effect: q.Effect,
        openings: dict[str, tuple[InteractionState, Effects]],
    ) -> None:
        match effect:
            case q.Queued(ticket_id=ticket_id, centre_id=centre_id):
                self.boards.waiting_changed(centre_id)
                self._tell_ticket_id(ticket_id)
            case q.PositionsChanged(centre_id=centre_id, positions=positions):
                self.boards.waiting_changed(centre_id)
                self._positions.put(position.ticket_id for position in positions)
            case q.OfferMade():
                self._offer_made(effect)
            case q.OfferEnded(ticket_id=ticket_id, agent_id=agent_id, reason=reason):
                self._offer_ends[ticket_id] = reason
                self._notify(agent_id, notifications.OfferEnded(ticket_id=ticket_id, reason=reason))
            case q.Assigned():
                self._assigned(effect, openings.get(effect.ticket_id))
            case q.Gone():
                self._gone(effect)
            case q.WaitedTooLong():
                self._waited(effect)
            case q.AgentLost():
                self._agent_lost(effect)
            case q.AgentChanged(agent_id=agent_id, status=status, reason=why):
                self.boards.agent_changed(agent_id)
                self._notify(agent_id, notifications.AgentStatusChanged(status=status, reason=why))
            case q.Refused():
                pass

    def _offer_made(self, made: q.OfferMade) -> None:
        self._offer_ends.pop(made.ticket_id, None)
        self.boards.waiting_changed(made.centre_id)
        offer = self._offer_view(made.ticket_id)
        if offer is not None:
            self._notify(made.agent_id, notifications.OfferRang(offer=offer))
            if not offer.transfer:
                self._tell_ticket_id(made.ticket_id)

    def _assigned(self, assigned: q.Assigned, opening: tuple[InteractionState, Effects] | None) -> None:
        own = assigned.ticket_id
        self.boards.waiting_changed(assigned.centre_id)
        room = self._rooms.get(own)
        if assigned.by is AssignedBy.TRANSFER_FAILED:
            reason = self._offer_ends.pop(own, OfferEnd.TRANSFER_CANCELLED)
            phase = TransferPhase.TIMED_OUT if own in self._timed_out else _TRANSFER_ENDS[reason]
            self._timed_out.discard(own)
            if room is not None:
                room.report(commands.TransferEnded(phase))
            return
        self._handovers.pop(own, None)
        visitor = self._visitors[own]
        self._visitors[own] = replace(visitor, notice=None)
        if room is None:
            if opening is not None:
                self._rooms.begin(*opening)
        else:
            agent = self._agent_member(assigned.agent_id)
            greeting = self._greeting(assigned.centre_id, agent.display_name)
            room.report(commands.AgentReplaced(agent, greeting))
            self._rooms.admit(room, assigned.agent_id)
        self.boards.conversation_moved(own, assigned.centre_id)
        self._tell_ticket_id(own)

    def _gone(self, gone: q.Gone) -> None:
        own = gone.ticket_id
        visitor = self._visitors.pop(own, None)
        self._handovers.pop(own, None)
        self._offer_ends.pop(own, None)
        self.boards.waiting_changed(gone.centre_id)
        self.boards.conversation_moved(own, None)
        room = self._rooms.get(own)
        if room is not None and gone.reason is not GoneReason.SERVED:
            cancelled = gone.reason is GoneReason.CANCELLED
            reason = CloseReason.QUEUE_LEFT if cancelled else CloseReason.ABANDONED
            room.report(commands.Shutdown(reason, EndReason.INTERACTION_CLOSED))
        if visitor is not None:
            self._notify(
                gone.taxpayer_id,
                notifications.QueueChanged(
                    ticket=TicketView(
                        ticket_id=own,
                        phase=QueuePhase.GONE,
                        centre=self.centre_view(gone.centre_id),
                        ahead=None,
                        waiting_since=visitor.waiting_since,
                        gone_reason=gone.reason,
                    )
                ),
            )

    def _waited(self, waited: q.WaitedTooLong) -> None:
        ticket = self._state.tickets.get(waited.ticket_id)
        if ticket is None:
            return
        if ticket.agent_id is not None:
            # A transfer nobody took: the agent who holds the conversation goes on with it.
            self._timed_out.add(ticket.ticket_id)
            command = q.CancelTransfer(ticket.agent_id, ticket.ticket_id)
            self._ports.clock.call_at(self._ports.clock.now_ms(), lambda: self._retry(command))
            return
        visitor = self._visitors[ticket.ticket_id]
        self._visitors[ticket.ticket_id] = replace(visitor, notice=waited.notice)
        self._tell_ticket(ticket)

    def _agent_lost(self, lost: q.AgentLost) -> None:
        room = self._rooms.get(lost.ticket_id)
        if room is not None:
            room.report(commands.AgentLost(lost.agent_id))
            self._rooms.dismiss(room, lost.agent_id)

    def waiting_views(self, agent_id: str) -> list[WaitingView]:
        agent = self._state.agents.get(agent_id)
        return [self.boards.waiting(c) for c in sorted(agent.centres)] if agent is not None else []

    # Telling

    def _tell_ticket_id(self, ticket_id: str) -> None:
        ticket = self._state.tickets.get(ticket_id)
        if ticket is not None and ticket_id in self._visitors:
            self._tell_ticket(ticket)

    def _tell_ticket(self, ticket: Ticket) -> None:
        if self._ports.outbound.is_online(ticket.taxpayer_id):
            view = self._ticket_view(ticket)
            self._notify(ticket.taxpayer_id, notifications.QueueChanged(ticket=view))

    def _tell_desk(self, agent_id: str) -> None:
        if self._ports.outbound.is_online(agent_id):
            self._notify(agent_id, notifications.DeskChanged(desk=self.desk_view(agent_id)))

    def _notify(self, person_id: str, notification: Notification) -> None:
        self._ports.outbound.notify(person_id, notification)


def _signed_in(staff: StaffEntry, status: AgentStatus, guesting: frozenset[str]) -> q.AgentSignedIn:
    return q.AgentSignedIn(staff.person_id, staff.centres, staff.skills, staff.capacity, status, guesting)
