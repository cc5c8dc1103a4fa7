"""Who is offered what, who serves whom, and what becomes of a ticket nobody has: the rules all commands share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from signaling.sessions import queue_messages as q
from signaling.sessions.queue_states import (
    Agent,
    AssignedBy,
    GoneReason,
    Offer,
    OfferEnd,
    Place,
    PlaceClass,
    Ticket,
    TicketPhase,
)
from signaling.sessions.queue_table import QueueTable, is_offerable


class QueueOffers(QueueTable):
    # Who is offered what

    def _match_ticket(self, ticket_id: str) -> None:
        ticket = self._tickets.get(ticket_id)
        if ticket is None or not is_offerable(ticket):
            return
        chosen = None
        last = self._agents.get(ticket.last_agent) if ticket.last_agent is not None else None
        if last is not None and last.available and self._suits(ticket, last):
            chosen = last
        else:
            for _, _, agent_id in self._centres[ticket.centre_id].available:
                agent = self._agents[agent_id]
                if self._suits(ticket, agent):
                    chosen = agent
                    break
        if chosen is not None:
            self._offer(ticket, chosen)

    def _match_agent(self, agent_id: str) -> None:
        agent = self._agents.get(agent_id)
        if agent is None or not agent.available:
            return
        turn = self._whose_turn(agent)
        if turn is None:
            return
        preferred = self._first_suited(agent, self._returning.get(agent_id) or ())
        may_pass = (
            turn.place[0] != PlaceClass.HEAD
            and turn.passed_over < self._settings(turn.centre_id).max_passed_over
        )
        if may_pass and preferred is not None and preferred.place != turn.place:
            self._put_ticket(replace(turn, passed_over=turn.passed_over + 1))
            self._offer(preferred, agent)
        else:
            self._offer(turn, agent)

    def _whose_turn(self, agent: Agent) -> Ticket | None:
        found: Ticket | None = None
        for centre_id in agent.centres:
            centre = self._centres.get(centre_id)
            for skills, group in centre.groups.items() if centre is not None else ():
                if skills <= agent.skills:
                    first = self._first_suited(agent, group)
                    if first is not None and (found is None or first.place < found.place):
                        found = first
        return found

    def _first_suited(self, agent: Agent, places: Iterable[Place]) -> Ticket | None:
        for place in places:
            ticket = self._tickets[place[2]]
            if self._suits(ticket, agent):
                return ticket
        return None

    def _suits(self, ticket: Ticket, agent: Agent) -> bool:
        return (
            ticket.centre_id in agent.centres
            and ticket.skills <= agent.skills
            and ticket.agent_id != agent.agent_id
            and all(agent_id != agent.agent_id or until <= self._now for agent_id, until in ticket.declined)
        )

    # Offers

    def _offer(self, ticket: Ticket, agent: Agent, *, directed: bool = False) -> None:
        deadline_ms = self._now + max(1, self._settings(ticket.centre_id).offer_ring_ms)
        offer = Offer(agent.agent_id, deadline_ms, directed)
        self._put_ticket(replace(ticket, phase=TicketPhase.OFFERED, offer=offer))
        self._put_agent(replace(agent, offered=ticket.ticket_id))
        self._effects.append(
            q.OfferMade(
                ticket.ticket_id, ticket.taxpayer_id, ticket.centre_id, agent.agent_id, deadline_ms, directed
            )
        )

    def _end_offer(self, ticket: Ticket, reason: OfferEnd) -> None:
        """The offer is over and nobody accepted: back to the old place, or to the agent who holds it."""
        offer = ticket.offer
        if offer is None:
            return
        self._clear_offer(ticket, reason)
        ticket = self._tickets[ticket.ticket_id]
        if offer.directed:
            if ticket.agent_id is not None:
                self._keep(ticket, ticket.agent_id)
            else:
                self._to_head(ticket)
        else:
            if reason is OfferEnd.DECLINED:
                until = self._now + max(1, self._settings(ticket.centre_id).decline_pause_ms)
                self._put_ticket(replace(ticket, declined=(*ticket.declined, (offer.agent_id, until))))
            self._tell_queued(ticket.ticket_id, back=True)
        self._match_ticket(ticket.ticket_id)
        self._match_agent(offer.agent_id)

    def _clear_offer(self, ticket: Ticket, reason: OfferEnd) -> None:
        if ticket.offer is None:
            return
        agent = self._agents[ticket.offer.agent_id]
        self._put_agent(replace(agent, offered=None))
        phase = TicketPhase.ASSIGNED if ticket.offer.directed else TicketPhase.WAITING
        self._put_ticket(replace(ticket, phase=phase, offer=None))
        self._effects.append(q.OfferEnded(ticket.ticket_id, agent.agent_id, reason))

    # Who serves

    def _assign(self, ticket: Ticket, agent_id: str, by: AssignedBy) -> None:
        previous = ticket.agent_id
        agent = self._agents[agent_id]
        offered = None if agent.offered == ticket.ticket_id else agent.offered
        self._put_agent(replace(agent, offered=offered, tickets=agent.tickets | {ticket.ticket_id}))
        self._put_ticket(
            replace(
                ticket,
                phase=TicketPhase.ASSIGNED,
                offer=None,
                agent_id=agent_id,
                served_by=(*ticket.served_by, agent_id),
                declined=(),
                passed_over=0,
                wait_deadline_ms=None,
                gone_deadline_ms=None,
            )
        )
        self._effects.append(
            q.Assigned(
                ticket.ticket_id,
                ticket.taxpayer_id,
                ticket.centre_id,
                agent_id,
                by,
                self._now - ticket.joined_ms,
                previous,
            )
        )
        if previous is not None:
            self._release(previous, ticket.ticket_id)
        self._match_agent(agent_id)

    def _keep(self, ticket: Ticket, agent_id: str) -> None:
        """A transfer came to nothing: the agent who holds the conversation goes on with it."""
        self._put_ticket(
            replace(
                ticket,
                phase=TicketPhase.ASSIGNED,
                offer=None,
                declined=(),
                wait_deadline_ms=None,
                gone_deadline_ms=None,
            )
        )
        self._effects.append(
            q.Assigned(
                ticket.ticket_id,
                ticket.taxpayer_id,
                ticket.centre_id,
                agent_id,
                AssignedBy.TRANSFER_FAILED,
                0,
            )
        )

    def _give_back(self, ticket: Ticket, reason: OfferEnd) -> None:
        ringing = ticket.offer.agent_id if ticket.offer is not None else None
        self._clear_offer(ticket, reason)
        if ticket.agent_id is not None:
            self._keep(self._tickets[ticket.ticket_id], ticket.agent_id)
        if ringing is not None:
            self._match_agent(ringing)

    def _release(self, agent_id: str, ticket_id: str) -> None:
        agent = self._agents.get(agent_id)
        if agent is None:
            return
        after_work_ms = self._agent_settings(agent).after_work_ms
        wrapping = agent.wrapping
        if after_work_ms > 0 and agent.connected:
            wrapping = (*wrapping, (self._now + after_work_ms, ticket_id))
        self._put_agent(
            replace(agent, tickets=agent.tickets - {ticket_id}, wrapping=wrapping, idle_since_ms=self._now)
        )
        self._match_agent(agent_id)

    def _to_head(self, ticket: Ticket) -> None:
        """Nobody has this conversation any more: before all ordinary tickets of its centre."""
        if ticket.centre_id not in self._centres:
            self._gone(ticket, GoneReason.CENTRE_REMOVED)
            return
        settings = self._settings(ticket.centre_id)
        self._put_ticket(
            replace(
                ticket,
                phase=TicketPhase.WAITING,
                offer=None,
                agent_id=None,
                place=self._next_place(PlaceClass.HEAD, ticket.ticket_id),
                joined_ms=self._now,
                wait_deadline_ms=self._now + settings.wait_timeout_ms,
            )
        )
        self._moved.add(ticket.centre_id)
        self._tell_queued(ticket.ticket_id, back=True)

    def _gone(self, ticket: Ticket, reason: GoneReason) -> None:
        ringing = ticket.offer.agent_id if ticket.offer is not None else None
        self._clear_offer(ticket, OfferEnd.TICKET_GONE)
        ticket = self._tickets[ticket.ticket_id]
        self._put_ticket(None, ticket)
        self._by_taxpayer = self._by_taxpayer.remove(ticket.taxpayer_id)
        self._effects.append(q.Gone(ticket.ticket_id, ticket.taxpayer_id, ticket.centre_id, reason))
        if ticket.agent_id is not None:
            self._release(ticket.agent_id, ticket.ticket_id)
        if ringing is not None:
            self._match_agent(ringing)
