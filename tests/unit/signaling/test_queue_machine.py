"""Any order of events: nobody lost, doubled, starved or misled (Hypothesis state machine)."""

from __future__ import annotations

import os
from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from signaling.sessions import queue_messages as q
from signaling.sessions.queue import handle, restore
from signaling.sessions.queue_states import (
    Agent,
    AgentStatus,
    CentreSettings,
    DeadlineKind,
    PlaceClass,
    QueueState,
    Ticket,
    TicketPhase,
)

CENTRES = ("c1", "c2")
AGENTS = ("a1", "a2", "a3", "a4")
TAXPAYERS = ("p1", "p2", "p3", "p4", "p5", "p6")
SKILLS = st.frozensets(st.sampled_from(["vat", "invoice"]), max_size=2)
SETTINGS = CentreSettings(
    wait_timeout_ms=60_000,
    offer_ring_ms=20_000,
    grace_ms=30_000,
    decline_pause_ms=15_000,
    after_work_ms=5_000,
    positions_interval_ms=1_000,
    max_passed_over=2,
)


class QueueMachine(RuleBasedStateMachine):
    tickets = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.state = QueueState()
        self.now = 0
        self.issued = 0
        self.alive: dict[str, str] = {}
        """Ticket → taxpayer, from the effects alone: what the outside believes."""
        self.told: dict[str, int] = {}
        self.ringing: dict[str, str] = {}
        self.serving: dict[str, str] = {}
        self.asked_at: dict[str, int] = {}
        self.guests: dict[str, frozenset[str]] = {}

    @initialize()
    def open_centres(self) -> None:
        for centre in CENTRES:
            self.do(q.ConfigureCentre(centre, SETTINGS))

    def do(self, command: q.Command) -> tuple[q.Effect, ...]:
        before = self.state
        kept = (dict(before.tickets.items()), dict(before.agents.items()), before.deadlines)
        self.state, effects = handle(before, command, self.now)
        assert kept == (dict(before.tickets.items()), dict(before.agents.items()), before.deadlines)
        for effect in effects:
            self.believe(effect)
        assert handle(before, command, self.now) == (self.state, effects)
        for effect in effects:
            if isinstance(effect, q.OfferMade) and not effect.directed:
                self.check_turn(effect)
        return effects

    def check_turn(self, offer: q.OfferMade) -> None:
        """Order of arrival among those the agent may serve, except for whom they served last."""
        ticket, agent = self.state.tickets.get(offer.ticket_id), self.state.agents.get(offer.agent_id)
        if ticket is None or agent is None or ticket.offer is None:
            return
        earlier = [
            other.ticket_id
            for other in self.state.tickets.values()
            if other.place < ticket.place and self.may_be_offered(other) and self.suits(other, agent)
        ]
        assert not earlier or ticket.last_agent == agent.agent_id, f"{earlier} came before"

    def believe(self, effect: q.Effect) -> None:
        match effect:
            case q.Queued():
                self.alive[effect.ticket_id] = effect.taxpayer_id
                self.told[effect.ticket_id] = effect.ahead
            case q.PositionsChanged():
                for position in effect.positions:
                    assert self.told.get(position.ticket_id) != position.ahead, (
                        "told although nothing changed"
                    )
                    self.told[position.ticket_id] = position.ahead
            case q.OfferMade():
                assert effect.ticket_id not in self.ringing
                assert effect.agent_id not in self.ringing.values(), "two rings at one agent"
                assert effect.deadline_ms > self.now
                self.ringing[effect.ticket_id] = effect.agent_id
            case q.OfferEnded():
                assert self.ringing.pop(effect.ticket_id) == effect.agent_id
            case q.Assigned():
                if effect.by.value == "accepted":
                    assert self.ringing.pop(effect.ticket_id) == effect.agent_id
                assert effect.ticket_id not in self.ringing
                self.serving[effect.ticket_id] = effect.agent_id
                self.told.pop(effect.ticket_id, None)
            case q.AgentLost():
                assert self.serving.pop(effect.ticket_id) == effect.agent_id
            case q.Gone():
                assert effect.ticket_id not in self.ringing
                del self.alive[effect.ticket_id]
                self.told.pop(effect.ticket_id, None)
                self.serving.pop(effect.ticket_id, None)
            case _:
                pass

    @rule(target=tickets, who=st.sampled_from(TAXPAYERS), centre=st.sampled_from((*CENTRES, None)), skills=SKILLS,
          hours_open=st.sampled_from([True, True, True, False]), last=st.sampled_from((*AGENTS, None)))  # fmt: skip
    def join(
        self, who: str, centre: str | None, skills: frozenset[str], hours_open: bool, last: str | None
    ) -> object:
        self.issued += 1
        ticket = f"t{self.issued}"
        effects = self.do(q.Join(ticket, who, centre, hours_open, skills, last))
        joined = any(isinstance(effect, q.Queued) and effect.ticket_id == ticket for effect in effects)
        return ticket if joined else multiple()

    @rule(who=st.sampled_from(TAXPAYERS))
    def cancel(self, who: str) -> None:
        self.do(q.Cancel(who))

    @rule(who=st.sampled_from(TAXPAYERS))
    def taxpayer_drops(self, who: str) -> None:
        self.do(q.TaxpayerDropped(who))

    @rule(who=st.sampled_from(TAXPAYERS))
    def taxpayer_returns(self, who: str) -> None:
        self.do(q.TaxpayerReturned(who))

    @rule(agent=st.sampled_from(AGENTS), centres=st.sets(st.sampled_from(CENTRES), min_size=1), skills=SKILLS,
          capacity=st.integers(1, 3), status=st.sampled_from([AgentStatus.FREE, AgentStatus.FREE, AgentStatus.AWAY]))  # fmt: skip
    def sign_in(
        self, agent: str, centres: set[str], skills: frozenset[str], capacity: int, status: AgentStatus
    ) -> None:
        known = self.state.agents.get(agent)
        if (
            known is not None
        ):  # An administrator lowers the capacity below what runs: not this machine's subject.
            capacity = max(capacity, known.capacity)
        guesting = self.guests.get(agent, frozenset())
        self.do(q.AgentSignedIn(agent, frozenset(centres), skills, capacity, status, guesting))

    @rule(agent=st.sampled_from(AGENTS), where=st.sampled_from(["g1", "g2"]), present=st.booleans())
    def guest(self, agent: str, where: str, present: bool) -> None:
        known = self.guests.get(agent, frozenset())
        self.guests[agent] = known | {where} if present else known - {where}
        self.do(q.GuestChanged(agent, where, present))

    @rule(agent=st.sampled_from(AGENTS))
    def sign_out(self, agent: str) -> None:
        self.do(q.AgentSignedOut(agent))
        assert agent not in self.serving.values()

    @rule(agent=st.sampled_from(AGENTS), status=st.sampled_from(AgentStatus))
    def set_status(self, agent: str, status: AgentStatus) -> None:
        self.do(q.SetAgentStatus(agent, status))

    @rule(agent=st.sampled_from(AGENTS))
    def agent_drops(self, agent: str) -> None:
        self.do(q.AgentDropped(agent))
        assert agent not in self.ringing.values()

    @rule(agent=st.sampled_from(AGENTS))
    def agent_returns(self, agent: str) -> None:
        self.do(q.AgentReturned(agent))

    @rule(ticket=tickets)
    def accept(self, ticket: str) -> None:
        agent = self.ringing.get(ticket)
        if agent is not None:
            self.do(q.AcceptOffer(agent, ticket))

    @rule(ticket=tickets, agent=st.sampled_from(AGENTS))
    def accept_of_anybody(self, ticket: str, agent: str) -> None:
        self.do(q.AcceptOffer(agent, ticket))

    @rule(ticket=tickets)
    def decline(self, ticket: str) -> None:
        agent = self.ringing.get(ticket)
        if agent is not None:
            self.do(q.DeclineOffer(agent, ticket))
            assert self.ringing.get(ticket) != agent, "offered again to the agent who has just declined"

    @rule(ticket=tickets, agent=st.sampled_from(AGENTS))
    def pick(self, ticket: str, agent: str) -> None:
        self.do(q.Pick(agent, ticket))

    @rule(ticket=tickets, centre=st.sampled_from((*CENTRES, None)), skills=SKILLS)
    def transfer_to_centre(self, ticket: str, centre: str | None, skills: frozenset[str]) -> None:
        self.do(q.TransferToCentre(self.serving.get(ticket, "a1"), ticket, centre, True, skills))

    @rule(ticket=tickets, to=st.sampled_from(AGENTS))
    def transfer_to_agent(self, ticket: str, to: str) -> None:
        self.do(q.TransferToAgent(self.serving.get(ticket, "a1"), ticket, to))

    @rule(ticket=tickets)
    def cancel_transfer(self, ticket: str) -> None:
        self.do(q.CancelTransfer(self.serving.get(ticket, "a1"), ticket))

    @rule(ticket=consumes(tickets))
    def end(self, ticket: str) -> None:
        self.do(q.ConversationEnded(ticket))
        assert ticket not in self.alive

    @rule(ticket=tickets, agent=st.sampled_from(AGENTS))
    def wrap_up(self, ticket: str, agent: str) -> None:
        self.do(q.WrapUpDone(agent, ticket))

    @rule(ms=st.sampled_from([1, 900, 1_000, 5_000, 15_000, 20_000, 30_000, 61_000]))
    def time_passes(self, ms: int) -> None:
        self.now += ms
        self.do(q.Tick())

    @rule()
    def next_timer_fires(self) -> None:
        deadline = self.state.next_deadline_ms()
        if deadline is not None:
            self.now = max(self.now, deadline)
            self.do(q.Tick())

    @rule(centre=st.sampled_from(CENTRES))
    def centre_removed_and_made_anew(self, centre: str) -> None:
        self.do(q.RemoveCentre(centre))
        self.do(q.ConfigureCentre(centre, SETTINGS))

    @rule()
    def restart(self) -> None:
        """Nobody is lost; everybody comes back."""
        before = {ticket.ticket_id: ticket for ticket in self.state.tickets.values()}
        self.ringing.clear()
        self.told.clear()
        signed_in = [
            q.AgentSignedIn(
                agent.agent_id,
                agent.centres,
                agent.skills,
                agent.capacity,
                agent.status,
                self.guests.get(agent.agent_id, frozenset()),
            )
            for _, agent in self.state.agents.items()
        ]
        self.state, effects = restore(dict.fromkeys(CENTRES, SETTINGS), before.values(), signed_in, self.now)
        assert {agent.agent_id for agent in signed_in} <= {a for a, _ in self.state.agents.items()}
        for effect in effects:
            self.believe(effect)
        assert {ticket.ticket_id for ticket in self.state.tickets.values()} == set(before)
        for centre in CENTRES:
            line = [place[2] for place in self.state.centres[centre].line]
            assert line == sorted(line, key=lambda ticket_id: before[ticket_id].place)

    # What is always true

    @invariant()
    def the_outside_believes_the_truth(self) -> None:
        tickets = {ticket.ticket_id: ticket for ticket in self.state.tickets.values()}
        assert {ticket_id: ticket.taxpayer_id for ticket_id, ticket in tickets.items()} == self.alive
        assert {t: ticket.offer.agent_id for t, ticket in tickets.items() if ticket.offer} == self.ringing
        assert {t: ticket.agent_id for t, ticket in tickets.items() if ticket.agent_id} == self.serving

    @invariant()
    def a_taxpayer_is_in_one_queue_at_most(self) -> None:
        owners = Counter(ticket.taxpayer_id for ticket in self.state.tickets.values())
        assert set(owners.values()) <= {1}
        assert dict(self.state.by_taxpayer.items()) == {
            ticket.taxpayer_id: ticket.ticket_id for ticket in self.state.tickets.values()
        }

    @invariant()
    def a_ticket_is_in_exactly_one_phase(self) -> None:
        for ticket in self.state.tickets.values():
            lines = [c.centre_id for c in self.state.centres.values() if ticket.place in c.line]
            groups = [c.centre_id for c in self.state.centres.values()
                      if any(ticket.place in group for group in c.groups.values())]  # fmt: skip
            holders = {a.agent_id for a in self.state.agents.values() if ticket.ticket_id in a.tickets}
            ringers = {a.agent_id for a in self.state.agents.values() if a.offered == ticket.ticket_id}
            assert holders == ({ticket.agent_id} if ticket.agent_id else set())
            assert ringers == ({ticket.offer.agent_id} if ticket.offer else set())
            match ticket.phase:
                case TicketPhase.WAITING:
                    assert ticket.offer is None
                    assert lines == [ticket.centre_id]
                    assert groups == ([] if ticket.dropped else [ticket.centre_id])
                case TicketPhase.OFFERED:
                    assert ticket.offer is not None
                    assert lines == ([] if ticket.offer.directed else [ticket.centre_id])
                    assert groups == []
                case TicketPhase.ASSIGNED:
                    assert ticket.agent_id is not None
                    assert ticket.offer is None
                    assert lines == groups == []

    @invariant()
    def nobody_is_above_capacity(self) -> None:
        for agent in self.state.agents.values():
            assert len(agent.tickets) + (agent.offered is not None) <= agent.capacity

    @invariant()
    def a_guest_is_rung_only_with_a_place_left(self) -> None:
        for agent in self.state.agents.values():
            assert agent.guesting == self.guests.get(agent.agent_id, frozenset())
            assert agent.offered is None or agent.live <= agent.capacity

    @invariant()
    def whoever_can_be_served_is_being_served(self) -> None:
        """No starvation by idleness: a free agent and somebody they may serve never sit side by side."""
        for ticket in self.state.tickets.values():
            for agent in self.state.agents.values():
                assert not (self.may_be_offered(ticket) and agent.available and self.suits(ticket, agent))

    def may_be_offered(self, ticket: Ticket) -> bool:
        return ticket.phase is TicketPhase.WAITING and not ticket.dropped

    def suits(self, ticket: Ticket, agent: Agent) -> bool:
        return (
            ticket.centre_id in agent.centres
            and ticket.skills <= agent.skills
            and ticket.agent_id != agent.agent_id
            and all(who != agent.agent_id for who, _ in ticket.declined)
        )

    @invariant()
    def nobody_is_passed_over_too_often(self) -> None:
        for ticket in self.state.tickets.values():
            assert ticket.passed_over <= SETTINGS.max_passed_over
            assert not (ticket.passed_over and ticket.place[0] == PlaceClass.HEAD and ticket.offer is None
                        and ticket.agent_id is not None)  # fmt: skip

    @invariant()
    def told_positions_are_true_or_about_to_be_told(self) -> None:
        for centre in self.state.centres.values():
            for ahead, place in enumerate(centre.line):
                assert self.state.ahead(place[2]) == ahead
                if centre.flush_ms is None:
                    assert self.told[place[2]] == ahead
            if centre.flush_ms is not None:
                assert centre.flush_ms <= self.now + SETTINGS.positions_interval_ms

    @invariant()
    def every_deadline_is_kept_and_none_is_left_over(self) -> None:
        entries = set(self.state.deadlines)
        assert all(at > self.now for at, _, _ in entries)
        offers = {
            (t.offer.deadline_ms, DeadlineKind.OFFER, t.ticket_id)
            for t in self.state.tickets.values()
            if t.offer
        }
        assert {entry for entry in entries if entry[1] == DeadlineKind.OFFER} == offers
        waits = {(t.wait_deadline_ms, DeadlineKind.WAIT, t.ticket_id) for t in self.state.tickets.values()
                 if t.wait_deadline_ms is not None}  # fmt: skip
        assert {entry for entry in entries if entry[1] == DeadlineKind.WAIT} == waits
        for ticket in self.state.tickets.values():
            assert (
                ticket.phase is TicketPhase.ASSIGNED
                or ticket.wait_deadline_ms
                or (ticket.offer and ticket.offer.directed)
            )

    def teardown(self) -> None:
        """Whatever happened: with enough agents and time, everybody is served."""
        for who in {ticket.taxpayer_id for ticket in self.state.tickets.values()}:
            self.do(q.TaxpayerReturned(who))
        for number in range(20):
            self.do(q.AgentSignedIn(f"new{number:02}", frozenset(CENTRES), frozenset({"vat", "invoice"}), 1))
        for _ in range(200):
            for ticket_id, agent_id in list(self.ringing.items()):
                self.do(q.AcceptOffer(agent_id, ticket_id))
            for ticket_id in list(self.serving):
                if self.state.tickets[ticket_id].phase is TicketPhase.ASSIGNED:
                    self.do(q.ConversationEnded(ticket_id))
            if not self.alive:
                break
            self.now += 1_000
            self.do(q.Tick())
        assert not self.alive


QueueMachine.TestCase.settings = settings(
    max_examples=int(os.environ.get("QUEUE_MACHINE_EXAMPLES", "150")),
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestQueueMachine = QueueMachine.TestCase
