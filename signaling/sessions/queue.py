"""The queue for a person (H1, H2, H6, H7): who waits, who is offered what, and who serves whom.

``handle(state, command, now_ms)`` is a pure function. What is past its deadline is handled before the command, so the
result does not depend on when a timer happened to fire; the caller must send ``Tick`` at ``state.next_deadline_ms()``.

Rules of order: tickets handed on by an agent first, then order of arrival. An agent who becomes free is offered the first
ticket whose skills they have, except that somebody they served last may go before it, ``max_passed_over`` times at most, so
nobody starves. An offered ticket keeps its place until it is accepted. Whenever a ticket may be offered and an agent is
available for it, it is being offered.

All commands in one file, though it is long: they share the rules of ``queue_offers`` and are read beside each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from signaling.sessions import queue_messages as q
from signaling.sessions.persistent import SortedLine
from signaling.sessions.queue_offers import QueueOffers
from signaling.sessions.queue_states import (
    Agent,
    AgentStatus,
    AssignedBy,
    Centre,
    CentreSettings,
    Deadline,
    DeadlineKind,
    GoneReason,
    OfferEnd,
    PlaceClass,
    QueueErrorCode,
    QueueState,
    StatusReason,
    Ticket,
    TicketPhase,
    WaitNotice,
)
from signaling.sessions.queue_table import availability, is_in_line

__all__ = ["handle", "restore"]


def handle(state: QueueState, command: q.Command, now_ms: int) -> tuple[QueueState, tuple[q.Effect, ...]]:
    """The state after ``command`` and what has to be told and recorded, in order. Never raises for any command."""
    turn = _Turn(state, now_ms)
    turn.pass_deadlines()
    turn.run(command)
    return turn.finish()


def restore(
    centres: Mapping[str, CentreSettings],
    tickets: Iterable[Ticket],
    agents: Iterable[q.AgentSignedIn],
    now_ms: int,
    wrapping: Mapping[str, tuple[tuple[int, str], ...]] = MappingProxyType({}),
) -> tuple[QueueState, tuple[q.Effect, ...]]:
    """The queue after a restart. What rang waits again at its place; ``agents`` were signed in, some with after-work time
    (``wrapping``, as in ``Agent``); everybody has the grace period to come back."""
    turn = _Turn(QueueState(), now_ms)
    for centre_id in sorted(centres):
        turn.configure(centre_id, centres[centre_id])
    for agent in sorted(agents, key=lambda each: each.agent_id):
        turn.restore_agent(agent, wrapping.get(agent.agent_id, ()))
    for ticket in sorted(tickets, key=lambda each: each.place):
        turn.restore(ticket)
    return turn.finish()


class _Turn(QueueOffers):
    """The commands and the deadlines."""

    # Commands

    def run(self, command: q.Command) -> None:  # noqa: PLR0912 - one arm per command
        match command:
            case q.ConfigureCentre():
                self.configure(command.centre_id, command.settings)
            case q.RemoveCentre():
                self._remove_centre(command.centre_id)
            case q.Join():
                self._join(command)
            case q.Cancel():
                self._cancel(command.taxpayer_id)
            case q.TaxpayerDropped():
                self._taxpayer_dropped(command.taxpayer_id)
            case q.TaxpayerReturned():
                self._taxpayer_returned(command.taxpayer_id)
            case q.AgentSignedIn():
                self._sign_in(command)
            case q.AgentSignedOut():
                self._sign_out(command.agent_id, StatusReason.SIGNED_OUT)
            case q.SetAgentStatus():
                self._set_status(command.agent_id, command.status)
            case q.AgentDropped():
                self._agent_dropped(command.agent_id)
            case q.AgentReturned():
                self._agent_returned(command.agent_id)
            case q.AcceptOffer():
                self._accept(command)
            case q.DeclineOffer():
                self._decline(command)
            case q.Pick():
                self._pick(command)
            case q.TransferToCentre():
                self._transfer_to_centre(command)
            case q.TransferToAgent():
                self._transfer_to_agent(command)
            case q.CancelTransfer():
                self._cancel_transfer(command)
            case q.ConversationEnded():
                if (ticket := self._tickets.get(command.ticket_id)) is not None:
                    self._gone(ticket, GoneReason.SERVED)
            case q.WrapUpDone():
                self._wrap_up_done(command.agent_id, lambda _, ticket_id: ticket_id == command.ticket_id)
            case q.GuestChanged():
                self._guest_changed(command)
            case q.Tick():
                pass

    def pass_deadlines(self) -> None:
        while (first := self._deadlines.first()) is not None and first[0] <= self._now:
            self._deadlines = self._deadlines.remove(first)
            self._deadline(first)

    def _deadline(self, deadline: Deadline) -> None:
        _, kind, key = deadline
        ticket = self._tickets.get(key)
        match DeadlineKind(kind):
            case DeadlineKind.OFFER if ticket is not None:
                self._offer_missed(ticket)
            case DeadlineKind.TAXPAYER_GRACE if ticket is not None:
                self._gone(ticket, GoneReason.TAXPAYER_LEFT)
            case DeadlineKind.DECLINE_PAUSE if ticket is not None:
                kept = tuple(entry for entry in ticket.declined if entry[1] > self._now)
                self._put_ticket(replace(ticket, declined=kept))
                self._match_ticket(key)
            case DeadlineKind.WAIT if ticket is not None:
                self._waited(ticket)
            case DeadlineKind.AGENT_GRACE:
                self._sign_out(key, StatusReason.CONNECTION_LOST)
            case DeadlineKind.WRAP_UP:
                self._wrap_up_done(key, lambda until, _: until <= self._now)
            case DeadlineKind.POSITIONS:
                self._tell_positions(key)
            case _:
                pass

    # Centres

    def configure(self, centre_id: str, settings: CentreSettings) -> None:
        centre = self._centres.get(centre_id)
        if centre is not None:
            self._centres = self._centres.set(centre_id, replace(centre, settings=settings))
            return
        here = [agent for agent in self._agents.values() if centre_id in agent.centres]
        self._centres = self._centres.set(
            centre_id,
            Centre(
                centre_id,
                settings,
                agents=frozenset(agent.agent_id for agent in here),
                available=SortedLine(availability(agent) for agent in here if agent.available),
            ),
        )

    def _remove_centre(self, centre_id: str) -> None:
        centre = self._centres.get(centre_id)
        if centre is None:
            return
        for agent_id in sorted(centre.agents):
            agent = self._agents[agent_id]
            self._put_agent(replace(agent, centres=agent.centres - {centre_id}))
        for place in tuple(centre.line):
            ticket = self._tickets[place[2]]
            if ticket.agent_id is not None:
                self._give_back(ticket, OfferEnd.TRANSFER_CANCELLED)
            else:
                self._gone(ticket, GoneReason.CENTRE_REMOVED)
        flush_ms = self._centres[centre_id].flush_ms
        if flush_ms is not None:
            self._deadlines = self._deadlines.remove((flush_ms, DeadlineKind.POSITIONS, centre_id))
        self._moved.discard(centre_id)
        self._centres = self._centres.remove(centre_id)

    # Taxpayers

    def _join(self, command: q.Join) -> None:
        known = self._by_taxpayer.get(command.taxpayer_id)
        if known is not None:
            ticket = self._tickets[known]
            if ticket.phase is TicketPhase.ASSIGNED:
                self._refuse(command.taxpayer_id, QueueErrorCode.WRONG_PHASE, known)
            else:
                self._taxpayer_returned(command.taxpayer_id)
            return
        refusal = self._refusal(command.centre_id, command.hours_open, command.skills)
        if command.ticket_id in self._tickets:
            refusal = QueueErrorCode.NOT_ALLOWED
        if refusal is not None or command.centre_id is None:
            self._refuse(command.taxpayer_id, refusal or QueueErrorCode.QUEUE_NO_CENTRE, command.ticket_id)
            return
        settings = self._settings(command.centre_id)
        self._by_taxpayer = self._by_taxpayer.set(command.taxpayer_id, command.ticket_id)
        self._put_ticket(
            Ticket(
                ticket_id=command.ticket_id,
                taxpayer_id=command.taxpayer_id,
                centre_id=command.centre_id,
                skills=command.skills,
                place=self._next_place(PlaceClass.ORDINARY, command.ticket_id),
                joined_ms=self._now,
                last_agent=command.last_agent,
                wait_deadline_ms=self._now + settings.wait_timeout_ms,
            )
        )
        self._tell_queued(command.ticket_id)
        self._match_ticket(command.ticket_id)

    def _refusal(
        self, centre_id: str | None, hours_open: bool, skills: frozenset[str], besides: str | None = None
    ) -> QueueErrorCode | None:
        centre = self._centres.get(centre_id) if centre_id is not None else None
        if centre is None:
            return QueueErrorCode.QUEUE_NO_CENTRE
        if not hours_open:
            return QueueErrorCode.QUEUE_CLOSED
        able = (agent_id != besides and skills <= self._agents[agent_id].skills for agent_id in centre.agents)
        return None if any(able) else QueueErrorCode.QUEUE_NO_AGENT

    def _cancel(self, taxpayer_id: str) -> None:
        ticket = self._ticket_of(taxpayer_id)
        if ticket is None:
            self._refuse(taxpayer_id, QueueErrorCode.NOT_FOUND)
        elif ticket.agent_id is not None:
            self._refuse(taxpayer_id, QueueErrorCode.WRONG_PHASE, ticket.ticket_id)
        else:
            self._gone(ticket, GoneReason.CANCELLED)

    def _taxpayer_dropped(self, taxpayer_id: str) -> None:
        ticket = self._ticket_of(taxpayer_id)
        # With an agent involved, the conversation decides how long it waits for them.
        if ticket is None or ticket.agent_id is not None or ticket.dropped:
            return
        grace_ms = self._settings(ticket.centre_id).grace_ms
        self._put_ticket(replace(ticket, gone_deadline_ms=self._now + grace_ms))

    def _taxpayer_returned(self, taxpayer_id: str) -> None:
        ticket = self._ticket_of(taxpayer_id)
        if ticket is None or ticket.phase is TicketPhase.ASSIGNED:
            return
        if ticket.dropped:
            self._put_ticket(replace(ticket, gone_deadline_ms=None))
        if is_in_line(ticket):
            self._tell_queued(ticket.ticket_id)
            self._match_ticket(ticket.ticket_id)

    def _waited(self, ticket: Ticket) -> None:
        settings = self._settings(ticket.centre_id)
        if ticket.offer is not None:
            self._put_ticket(replace(ticket, wait_deadline_ms=ticket.offer.deadline_ms + 1))
            return
        self._put_ticket(replace(ticket, wait_deadline_ms=self._now + max(1, settings.wait_timeout_ms)))
        self._tell_waited(ticket, WaitNotice.TIMEOUT)

    # Agents

    def _sign_in(self, command: q.AgentSignedIn) -> None:
        known = self._agents.get(command.agent_id)
        if known is not None and known.offered is not None and command.status is not AgentStatus.FREE:
            self._end_offer(self._tickets[known.offered], OfferEnd.AGENT_UNAVAILABLE)
            known = self._agents[command.agent_id]
        self._put_agent(
            Agent(
                agent_id=command.agent_id,
                centres=command.centres,
                skills=command.skills,
                capacity=command.capacity,
                status=command.status,
                connected=True,
                idle_since_ms=self._now,
                offered=known.offered if known is not None else None,
                tickets=known.tickets if known is not None else frozenset(),
                wrapping=known.wrapping if known is not None else (),
                guesting=known.guesting if known is not None else command.guesting,
            )
        )
        self._reasons[command.agent_id] = StatusReason.SIGNED_IN
        self._match_agent(command.agent_id)

    def _sign_out(self, agent_id: str, reason: StatusReason) -> None:
        agent = self._agents.get(agent_id)
        if agent is None:
            return
        self._put_agent(replace(agent, connected=False))
        if agent.offered is not None:
            self._end_offer(self._tickets[agent.offered], OfferEnd.AGENT_UNAVAILABLE)
        lost = [self._tickets[ticket_id] for ticket_id in self._agents[agent_id].tickets]
        for ticket in sorted(lost, key=lambda each: each.place):
            self._effects.append(q.AgentLost(ticket.ticket_id, ticket.taxpayer_id, agent_id))
            if ticket.phase is TicketPhase.ASSIGNED:
                self._to_head(ticket)
            else:
                self._put_ticket(replace(ticket, agent_id=None))
        agent = self._agents[agent_id]
        centres = agent.centres
        self._put_agent(
            replace(agent, centres=frozenset(), wrapping=(), gone_deadline_ms=None, tickets=frozenset())
        )
        self._agents = self._agents.remove(agent_id)
        self._reasons[agent_id] = reason
        for ticket in lost:
            self._match_ticket(ticket.ticket_id)
        for centre_id in sorted(centres):
            centre = self._centres.get(centre_id)
            if centre is not None and not centre.agents:
                for place in centre.line:
                    self._tell_waited(self._tickets[place[2]], WaitNotice.NO_AGENT)

    def _set_status(self, agent_id: str, status: AgentStatus) -> None:
        agent = self._agents.get(agent_id)
        if agent is None:
            self._refuse(agent_id, QueueErrorCode.AGENT_OFFLINE)
            return
        if status is AgentStatus.OFFLINE:
            self._sign_out(agent_id, StatusReason.SIGNED_OUT)
            return
        self._reasons[agent_id] = StatusReason.CHOSEN
        if status is AgentStatus.FREE:
            idle_since = agent.idle_since_ms if agent.available else self._now
            self._put_agent(replace(agent, status=status, wrapping=(), idle_since_ms=idle_since))
            self._match_agent(agent_id)
            return
        self._put_agent(replace(agent, status=status))
        if agent.offered is not None:
            self._end_offer(self._tickets[agent.offered], OfferEnd.AGENT_UNAVAILABLE)

    def _agent_dropped(self, agent_id: str) -> None:
        agent = self._agents.get(agent_id)
        if agent is None or not agent.connected:
            return
        grace_ms = self._agent_settings(agent).grace_ms
        self._put_agent(replace(agent, connected=False, gone_deadline_ms=self._now + grace_ms))
        if agent.offered is not None:
            self._end_offer(self._tickets[agent.offered], OfferEnd.AGENT_DROPPED)

    def _agent_returned(self, agent_id: str) -> None:
        agent = self._agents.get(agent_id)
        if agent is None or agent.connected:
            return
        self._put_agent(replace(agent, connected=True, gone_deadline_ms=None, idle_since_ms=self._now))
        self._match_agent(agent_id)

    def _guest_changed(self, command: q.GuestChanged) -> None:
        """Nobody is offered more than they have places for; what rings already is offered to somebody else."""
        agent = self._agents.get(command.agent_id)
        if agent is None or (command.interaction_id in agent.guesting) is command.present:
            return
        own = frozenset({command.interaction_id})
        guesting = agent.guesting | own if command.present else agent.guesting - own
        idle_since = agent.idle_since_ms if command.present else self._now
        agent = replace(agent, guesting=guesting, idle_since_ms=idle_since)
        self._put_agent(agent)
        if agent.offered is not None and agent.live > agent.capacity:
            self._end_offer(self._tickets[agent.offered], OfferEnd.AGENT_UNAVAILABLE)
        self._match_agent(command.agent_id)

    def _wrap_up_done(self, agent_id: str, done: Callable[[int, str], bool]) -> None:
        agent = self._agents.get(agent_id)
        if agent is None:
            return
        left = tuple(entry for entry in agent.wrapping if not done(*entry))
        if len(left) < len(agent.wrapping):
            self._put_agent(replace(agent, wrapping=left, idle_since_ms=self._now))
            self._match_agent(agent_id)

    # Offers

    def _accept(self, command: q.AcceptOffer) -> None:
        ticket = self._offered_to(command.agent_id, command.ticket_id)
        if ticket is not None:
            self._assign(ticket, command.agent_id, AssignedBy.ACCEPTED)

    def _decline(self, command: q.DeclineOffer) -> None:
        ticket = self._offered_to(command.agent_id, command.ticket_id)
        if ticket is not None:
            self._end_offer(ticket, OfferEnd.DECLINED)

    def _offer_missed(self, ticket: Ticket) -> None:
        if ticket.offer is None:
            return
        agent = self._agents[ticket.offer.agent_id]
        self._put_agent(replace(agent, status=AgentStatus.AWAY))
        self._reasons[agent.agent_id] = StatusReason.MISSED_OFFER
        self._end_offer(ticket, OfferEnd.SILENT)

    def _pick(self, command: q.Pick) -> None:
        agent = self._agents.get(command.agent_id)
        ticket = self._tickets.get(command.ticket_id)
        if agent is None:
            self._refuse(command.agent_id, QueueErrorCode.AGENT_OFFLINE, command.ticket_id)
        elif ticket is None or ticket.centre_id not in agent.centres:
            self._refuse(command.agent_id, QueueErrorCode.NOT_FOUND, command.ticket_id)
        elif ticket.offer is not None and ticket.offer.agent_id == agent.agent_id:
            self._assign(ticket, agent.agent_id, AssignedBy.ACCEPTED)
        elif ticket.phase is not TicketPhase.WAITING or ticket.dropped or ticket.agent_id == agent.agent_id:
            self._refuse(command.agent_id, QueueErrorCode.WRONG_PHASE, command.ticket_id)
        elif agent.live >= agent.capacity:
            self._refuse(command.agent_id, QueueErrorCode.AGENT_BUSY, command.ticket_id)
        else:
            self._assign(ticket, agent.agent_id, AssignedBy.PICKED)

    def _offered_to(self, agent_id: str, ticket_id: str) -> Ticket | None:
        ticket = self._tickets.get(ticket_id)
        if ticket is None:
            self._refuse(agent_id, QueueErrorCode.NOT_FOUND, ticket_id)
        elif ticket.offer is None or ticket.offer.agent_id != agent_id:
            self._refuse(agent_id, QueueErrorCode.WRONG_PHASE, ticket_id)
        else:
            return ticket
        return None

    # Transfers

    def _held(self, agent_id: str, ticket_id: str) -> Ticket | None:
        ticket = self._tickets.get(ticket_id)
        if ticket is None or ticket.agent_id != agent_id:
            self._refuse(agent_id, QueueErrorCode.NOT_FOUND, ticket_id)
            return None
        return ticket

    def _transfer_to_centre(self, command: q.TransferToCentre) -> None:
        ticket = self._held(command.agent_id, command.ticket_id)
        if ticket is None:
            return
        refusal = self._refusal(
            command.centre_id, command.hours_open, command.skills, besides=command.agent_id
        )
        if ticket.phase is not TicketPhase.ASSIGNED:
            refusal = QueueErrorCode.WRONG_PHASE
        if refusal is not None or command.centre_id is None:
            self._refuse(command.agent_id, refusal or QueueErrorCode.QUEUE_NO_CENTRE, ticket.ticket_id)
            return
        self._put_ticket(
            replace(
                ticket,
                phase=TicketPhase.WAITING,
                centre_id=command.centre_id,
                skills=command.skills,
                place=self._next_place(PlaceClass.HEAD, ticket.ticket_id),
                joined_ms=self._now,
                wait_deadline_ms=self._now + self._settings(command.centre_id).wait_timeout_ms,
            )
        )
        self._moved.add(command.centre_id)
        self._tell_queued(ticket.ticket_id)
        self._match_ticket(ticket.ticket_id)

    def _transfer_to_agent(self, command: q.TransferToAgent) -> None:
        ticket = self._held(command.agent_id, command.ticket_id)
        if ticket is None:
            return
        target = self._agents.get(command.to_agent)
        refusal = None
        if ticket.phase is not TicketPhase.ASSIGNED:
            refusal = QueueErrorCode.WRONG_PHASE
        elif command.to_agent == command.agent_id:
            refusal = QueueErrorCode.NOT_ALLOWED
        elif target is None or not target.connected:
            refusal = QueueErrorCode.AGENT_OFFLINE
        elif not target.available:
            refusal = QueueErrorCode.AGENT_BUSY
        if refusal is not None or target is None:
            self._refuse(command.agent_id, refusal or QueueErrorCode.AGENT_OFFLINE, ticket.ticket_id)
            return
        self._offer(replace(ticket, joined_ms=self._now), target, directed=True)

    def _cancel_transfer(self, command: q.CancelTransfer) -> None:
        ticket = self._held(command.agent_id, command.ticket_id)
        if ticket is None:
            return
        if ticket.phase is TicketPhase.ASSIGNED:
            self._refuse(command.agent_id, QueueErrorCode.WRONG_PHASE, ticket.ticket_id)
        else:
            self._give_back(ticket, OfferEnd.TRANSFER_CANCELLED)

    def restore_agent(self, known: q.AgentSignedIn, wrapping: tuple[tuple[int, str], ...] = ()) -> None:
        """One agent who was signed in before a restart; see the function ``restore``."""
        agent = Agent(
            agent_id=known.agent_id,
            centres=known.centres,
            skills=known.skills,
            capacity=known.capacity,
            status=known.status,
            connected=False,
            idle_since_ms=self._now,
            wrapping=tuple(sorted(wrapping)),
            guesting=known.guesting,
        )
        self._put_agent(replace(agent, gone_deadline_ms=self._now + self._agent_settings(agent).grace_ms))

    def restore(self, ticket: Ticket) -> None:
        """One ticket of before a restart; see the function ``restore``."""
        if ticket.centre_id not in self._centres or ticket.taxpayer_id in self._by_taxpayer:
            return
        settings = self._settings(ticket.centre_id)
        self._arrivals = max(self._arrivals, ticket.place[1] + 1)
        self._by_taxpayer = self._by_taxpayer.set(ticket.taxpayer_id, ticket.ticket_id)
        held = ticket.agent_id is not None
        waiting = ticket.phase is not TicketPhase.ASSIGNED and not (
            ticket.offer is not None and ticket.offer.directed and held
        )
        self._put_ticket(
            replace(
                ticket,
                phase=TicketPhase.WAITING if waiting else TicketPhase.ASSIGNED,
                offer=None,
                declined=(),
                passed_over=0,
                wait_deadline_ms=self._now + settings.wait_timeout_ms if waiting else None,
                gone_deadline_ms=self._now + settings.grace_ms if waiting and not held else None,
            )
        )
        if ticket.agent_id is not None:
            if ticket.agent_id not in self._agents:
                # Somebody the organisation does not know any more: they may bring to an end what they have.
                own = frozenset({ticket.centre_id})
                self.restore_agent(
                    q.AgentSignedIn(ticket.agent_id, own, frozenset(), capacity=0, status=AgentStatus.AWAY)
                )
            agent = self._agents[ticket.agent_id]
            self._put_agent(replace(agent, tickets=agent.tickets | {ticket.ticket_id}))
        if waiting:
            self._moved.add(ticket.centre_id)
