"""Each rule of the queue, told as a story with a virtual clock. Long because there are many rules, each a short story."""

from __future__ import annotations

import pytest

from signaling.sessions import queue_messages as q
from signaling.sessions.queue import handle, restore
from signaling.sessions.queue_states import (
    QUEUE_SENTENCES,
    AgentStatus,
    AssignedBy,
    CentreSettings,
    GoneReason,
    OfferEnd,
    QueueErrorCode,
    QueueState,
    StatusReason,
    TicketPhase,
    WaitNotice,
)

SETTINGS = CentreSettings(
    wait_timeout_ms=180_000,
    offer_ring_ms=20_000,
    grace_ms=30_000,
    decline_pause_ms=15_000,
    positions_interval_ms=1_000,
)


class Desk:
    """A queue with one centre ``c``, its clock, and what it said last."""

    def __init__(self, settings: CentreSettings = SETTINGS) -> None:
        self.state = QueueState()
        self.now = 1_000
        self.said: tuple[q.Effect, ...] = ()
        self.do(q.ConfigureCentre("c", settings))

    def do(self, command: q.Command) -> tuple[q.Effect, ...]:
        self.state, self.said = handle(self.state, command, self.now)
        return self.said

    def later(self, ms: int) -> tuple[q.Effect, ...]:
        self.now += ms
        return self.do(q.Tick())

    def sign_in(
        self,
        agent: str,
        capacity: int = 1,
        skills: frozenset[str] = frozenset(),
        status: AgentStatus = AgentStatus.FREE,
    ) -> tuple[q.Effect, ...]:
        return self.do(q.AgentSignedIn(agent, frozenset({"c"}), skills, capacity, status))

    def join(self, who: str, *skills: str, last: str | None = None) -> tuple[q.Effect, ...]:
        return self.do(q.Join(f"t-{who}", who, "c", True, frozenset(skills), last))

    def serve(self, agent: str, who: str) -> None:
        """``agent`` accepts ``who``, who is ringing."""
        self.do(q.AcceptOffer(agent, f"t-{who}"))
        assert self.phase(who) is TicketPhase.ASSIGNED

    def end(self, who: str) -> tuple[q.Effect, ...]:
        return self.do(q.ConversationEnded(f"t-{who}"))

    def phase(self, who: str) -> TicketPhase | None:
        ticket = self.state.tickets.get(f"t-{who}")
        return ticket.phase if ticket is not None else None

    def rings(self) -> dict[str, str]:
        """Taxpayer → agent."""
        return {
            ticket.taxpayer_id: ticket.offer.agent_id
            for ticket in self.state.tickets.values()
            if ticket.offer is not None
        }

    def told(self, kind: type[q.Effect]) -> list[q.Effect]:
        return [effect for effect in self.said if isinstance(effect, kind)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def busy_desk(*waiting: str, agents: tuple[str, ...] = ("a",), settings: CentreSettings = SETTINGS) -> Desk:
    """Agents signed in but busy, so that all wait."""
    desk = Desk(settings)
    for agent in agents:
        desk.sign_in(agent, status=AgentStatus.BUSY)
    for who in waiting:
        desk.join(who)
    return desk


class TestRefusals:
    def test_no_centre_serves_the_authority(self, desk: Desk) -> None:
        assert desk.do(q.Join("t", "p", None, True)) == (q.Refused("p", QueueErrorCode.QUEUE_NO_CENTRE, "t"),)
        assert QUEUE_SENTENCES[QueueErrorCode.QUEUE_NO_CENTRE] == "暂无可受理运营中心，请联系管理员配置"

    def test_outside_hours(self, desk: Desk) -> None:
        desk.sign_in("a")
        assert desk.do(q.Join("t", "p", "c", False)) == (q.Refused("p", QueueErrorCode.QUEUE_CLOSED, "t"),)

    def test_nobody_signed_in(self, desk: Desk) -> None:
        assert desk.join("p") == (q.Refused("p", QueueErrorCode.QUEUE_NO_AGENT, "t-p"),)

    def test_nobody_signed_in_has_the_skill(self, desk: Desk) -> None:
        desk.sign_in("a", skills=frozenset({"invoice"}))
        assert desk.join("p", "vat") == (q.Refused("p", QueueErrorCode.QUEUE_NO_AGENT, "t-p"),)

    def test_a_ticket_id_is_used_once(self, desk: Desk) -> None:
        desk.sign_in("a", status=AgentStatus.BUSY)
        desk.join("p")
        assert desk.do(q.Join("t-p", "other", "c", True)) == (
            q.Refused("other", QueueErrorCode.NOT_ALLOWED, "t-p"),
        )


class TestOrder:
    def test_order_of_arrival(self) -> None:
        desk = busy_desk("p1", "p2", "p3")
        desk.do(q.SetAgentStatus("a", AgentStatus.FREE))
        served = []
        for _ in range(3):
            (who,) = desk.rings()
            served.append(who)
            desk.serve("a", who)
            desk.end(who)
        assert served == ["p1", "p2", "p3"]

    def test_skills_are_needed(self) -> None:
        desk = busy_desk(agents=())
        desk.sign_in("a", skills=frozenset({"vat"}), status=AgentStatus.BUSY)
        desk.sign_in("b")
        desk.join("p1", "vat")
        desk.join("p2")
        assert desk.rings() == {"p2": "b"}
        desk.do(q.SetAgentStatus("a", AgentStatus.FREE))
        assert desk.rings() == {"p1": "a", "p2": "b"}

    def test_whom_the_agent_served_last_goes_first(self) -> None:
        desk = busy_desk("p1", "p2")
        desk.join("p3", last="a")
        desk.do(q.SetAgentStatus("a", AgentStatus.FREE))
        assert desk.rings() == {"p3": "a"}

    def test_a_taxpayer_meets_the_agent_who_served_them_last(self, desk: Desk) -> None:
        desk.sign_in("a")
        desk.sign_in("b")
        desk.join("p", last="b")
        assert desk.rings() == {"p": "b"}

    def test_nobody_is_passed_over_for_ever(self) -> None:
        settings = CentreSettings(max_passed_over=2)
        desk = busy_desk("p", settings=settings)
        for number in range(4):
            desk.join(f"known{number}", last="a")
        desk.do(q.SetAgentStatus("a", AgentStatus.FREE))
        served = []
        for _ in range(5):
            (who,) = desk.rings()
            served.append(who)
            desk.serve("a", who)
            desk.end(who)
        assert served == ["known0", "known1", "p", "known2", "known3"]

    def test_least_loaded_then_longest_idle_agent_is_asked(self, desk: Desk) -> None:
        desk.sign_in("a", capacity=2)
        desk.now += 10
        desk.sign_in("b", capacity=2)
        desk.join("p1")
        assert desk.rings() == {"p1": "a"}
        desk.serve("a", "p1")
        desk.join("p2")
        assert desk.rings() == {"p2": "b"}
        desk.serve("b", "p2")
        desk.now += 10
        desk.end("p2")
        desk.end("p1")
        desk.now += 10
        desk.join("p3", last="b")
        desk.serve("b", "p3")
        desk.end("p3")
        desk.join("p4")
        assert desk.rings() == {"p4": "a"}


class TestCapacity:
    def test_no_more_than_the_capacity(self, desk: Desk) -> None:
        desk.sign_in("a", capacity=2)
        for who in ("p1", "p2", "p3"):
            desk.join(who)
        assert desk.rings() == {"p1": "a"}
        desk.serve("a", "p1")
        assert desk.rings() == {"p2": "a"}
        desk.serve("a", "p2")
        assert desk.rings() == {}
        assert desk.told(q.AgentChanged) == [
            q.AgentChanged("a", AgentStatus.BUSY, StatusReason.LOAD, AgentStatus.FREE)
        ]
        desk.end("p1")
        assert desk.rings() == {"p3": "a"}

    def test_one_ring_at_a_time(self, desk: Desk) -> None:
        desk.sign_in("a", capacity=5)
        desk.join("p1")
        desk.join("p2")
        assert desk.rings() == {"p1": "a"}

    def test_after_work_time_keeps_the_place_taken(self) -> None:
        desk = Desk(CentreSettings(after_work_ms=10_000))
        desk.sign_in("a")
        desk.join("p1")
        desk.serve("a", "p1")
        desk.join("p2")
        desk.end("p1")
        assert desk.state.agents["a"].presented_status is AgentStatus.AFTER_WORK
        assert desk.rings() == {}
        desk.later(9_999)
        assert desk.rings() == {}
        desk.later(1)
        assert desk.rings() == {"p2": "a"}

    def test_after_work_ends_by_the_agent(self) -> None:
        desk = Desk(CentreSettings(after_work_ms=10_000))
        desk.sign_in("a")
        desk.join("p1")
        desk.serve("a", "p1")
        desk.join("p2")
        desk.end("p1")
        desk.do(q.WrapUpDone("a", "t-p1"))
        assert desk.rings() == {"p2": "a"}


class TestOffers:
    def test_an_offer_rings_for_the_set_time(self, desk: Desk) -> None:
        desk.sign_in("a")
        desk.join("p")
        assert desk.told(q.OfferMade) == [q.OfferMade("t-p", "p", "c", "a", desk.now + 20_000, False)]
        assert desk.state.next_deadline_ms() == desk.now + 20_000

    def test_silence_puts_it_back_at_its_place_and_the_agent_away(self, desk: Desk) -> None:
        desk.sign_in("a")
        desk.join("p1")
        desk.join("p2")
        desk.later(20_000)
        assert q.OfferEnded("t-p1", "a", OfferEnd.SILENT) in desk.said
        assert q.Queued("t-p1", "p1", "c", 0, True) in desk.said
        assert desk.told(q.AgentChanged) == [
            q.AgentChanged("a", AgentStatus.AWAY, StatusReason.MISSED_OFFER, AgentStatus.AWAY)
        ]
        assert [desk.state.ahead(f"t-{who}") for who in ("p1", "p2")] == [0, 1]
        desk.do(q.SetAgentStatus("a", AgentStatus.FREE))
        assert desk.rings() == {"p1": "a"}

    def test_silence_offers_it_to_the_next_agent(self, desk: Desk) -> None:
        desk.sign_in("a")
        desk.join("p")
        desk.now += 1
        desk.sign_in("b")
        desk.later(20_000)
        assert desk.rings() == {"p": "b"}

    def test_declined_goes_to_another_free_agent(self, desk: Desk) -> None:
        desk.sign_in("a")
        desk.now += 1
        desk.sign_in("b")
        desk.join("p")
        desk.do(q.DeclineOffer("a", "t-p"))
        assert desk.rings() == {"p": "b"}
        assert desk.state.agents["a"].status is AgentStatus.FREE

    def test_declined_comes_back_to_the_only_agent_after_a_pause(self, desk: Desk) -> None:
        desk.sign_in("a")
        desk.join("p1")
        desk.join("p2")
        desk.do(q.DeclineOffer("a", "t-p1"))
        assert desk.rings() == {"p2": "a"}
        desk.do(q.DeclineOffer("a", "t-p2"))
        assert desk.rings() == {}
        desk.later(15_000)
        assert desk.rings() == {"p1": "a"}

    def test_accepting_too_late(self, desk: Desk) -> None:
        desk.sign_in("a")
        desk.join("p")
        desk.now += 20_000
        assert q.Refused("a", QueueErrorCode.WRONG_PHASE, "t-p") in desk.do(q.AcceptOffer("a", "t-p"))
        assert desk.phase("p") is TicketPhase.WAITING

    def test_another_agent_cannot_accept(self, desk: Desk) -> None:
        desk.sign_in("a")
        desk.sign_in("b", status=AgentStatus.AWAY)
        desk.join("p")
        assert desk.do(q.AcceptOffer("b", "t-p")) == (q.Refused("b", QueueErrorCode.WRONG_PHASE, "t-p"),)
        assert desk.do(q.AcceptOffer("b", "t-x")) == (q.Refused("b", QueueErrorCode.NOT_FOUND, "t-x"),)

    def test_changing_status_gives_the_offer_back(self, desk: Desk) -> None:
        desk.sign_in("a")
        desk.join("p")
        desk.do(q.SetAgentStatus("a", AgentStatus.BUSY))
        assert q.OfferEnded("t-p", "a", OfferEnd.AGENT_UNAVAILABLE) in desk.said
        assert desk.phase("p") is TicketPhase.WAITING

    def test_a_dropped_agent_gives_the_offer_back_at_once(self, desk: Desk) -> None:
        desk.sign_in("a")
        desk.join("p")
        desk.sign_in("b")
        desk.do(q.AgentDropped("a"))
        assert desk.rings() == {"p": "b"}

    def test_picking_out_of_turn(self) -> None:
        desk = busy_desk("p1", "p2")
        desk.do(q.Pick("a", "t-p2"))
        assert desk.told(q.Assigned) == [q.Assigned("t-p2", "p2", "c", "a", AssignedBy.PICKED, 0)]
        assert desk.do(q.Pick("a", "t-p1")) == (q.Refused("a", QueueErrorCode.AGENT_BUSY, "t-p1"),)

    def test_picking_what_rings_elsewhere(self, desk: Desk) -> None:
        desk.sign_in("a")
        desk.join("p")
        desk.sign_in("b", status=AgentStatus.BUSY)
        assert desk.do(q.Pick("b", "t-p")) == (q.Refused("b", QueueErrorCode.WRONG_PHASE, "t-p"),)

    def test_picking_of_another_centre(self) -> None:
        desk = busy_desk("p")
        desk.do(q.AgentSignedIn("b", frozenset({"d"}), frozenset(), 1))
        assert desk.do(q.Pick("b", "t-p")) == (q.Refused("b", QueueErrorCode.NOT_FOUND, "t-p"),)


class TestWaiting:
    def test_cancelling(self) -> None:
        desk = busy_desk("p1", "p2")
        desk.do(q.Cancel("p1"))
        assert desk.said == (
            q.Gone("t-p1", "p1", "c", GoneReason.CANCELLED),
            q.PositionsChanged("c", (q.Position("t-p2", "p2", 0),)),
        )
        assert desk.do(q.Cancel("p1")) == (q.Refused("p1", QueueErrorCode.NOT_FOUND),)

    def test_cancelling_while_it_rings(self, desk: Desk) -> None:
        desk.sign_in("a")
        desk.join("p1")
        desk.join("p2")
        desk.do(q.Cancel("p1"))
        assert q.OfferEnded("t-p1", "a", OfferEnd.TICKET_GONE) in desk.said
        assert desk.rings() == {"p2": "a"}

    def test_asking_again_keeps_the_place(self) -> None:
        desk = busy_desk("p1", "p2")
        assert desk.do(q.Join("new", "p2", "c", True)) == (q.Queued("t-p2", "p2", "c", 1),)
        assert len(desk.state.tickets) == 2

    def test_asking_again_while_served(self, desk: Desk) -> None:
        desk.sign_in("a")
        desk.join("p")
        desk.serve("a", "p")
        assert desk.do(q.Join("new", "p", "c", True)) == (q.Refused("p", QueueErrorCode.WRONG_PHASE, "t-p"),)

    def test_only_changed_positions_are_told(self) -> None:
        desk = busy_desk("p1", "p2", "p3", "p4")
        desk.do(q.Cancel("p3"))
        assert desk.told(q.PositionsChanged) == [q.PositionsChanged("c", (q.Position("t-p4", "p4", 2),))]

    def test_an_offer_changes_no_position(self) -> None:
        desk = busy_desk("p1", "p2")
        desk.do(q.SetAgentStatus("a", AgentStatus.FREE))
        assert not desk.told(q.PositionsChanged)
        desk.do(q.AcceptOffer("a", "t-p1"))
        assert desk.told(q.PositionsChanged) == [q.PositionsChanged("c", (q.Position("t-p2", "p2", 0),))]

    def test_many_changes_are_told_once_in_the_interval(self) -> None:
        desk = busy_desk("p1", "p2", "p3", "p4")
        desk.do(q.Cancel("p1"))
        assert desk.told(q.PositionsChanged)
        desk.do(q.Cancel("p2"))
        assert not desk.told(q.PositionsChanged)
        desk.do(q.Cancel("p3"))
        assert not desk.told(q.PositionsChanged)
        assert desk.state.next_deadline_ms() == desk.now + 1_000
        desk.later(1_000)
        assert desk.told(q.PositionsChanged) == [q.PositionsChanged("c", (q.Position("t-p4", "p4", 0),))]

    def test_the_configured_wait_offers_a_way_out_and_keeps_the_place(self) -> None:
        desk = busy_desk("p1", "p2")
        desk.later(179_999)
        assert desk.said == ()
        desk.later(1)
        assert desk.said == (
            q.WaitedTooLong("t-p1", "p1", WaitNotice.TIMEOUT, 180_000),
            q.WaitedTooLong("t-p2", "p2", WaitNotice.TIMEOUT, 180_000),
        )
        assert desk.state.ahead("t-p2") == 1
        desk.later(180_000)
        assert len(desk.told(q.WaitedTooLong)) == 2

    def test_no_way_out_is_offered_while_it_rings(self) -> None:
        desk = busy_desk("p")
        desk.later(179_000)
        desk.do(q.SetAgentStatus("a", AgentStatus.FREE))
        desk.later(1_000)
        assert not desk.told(q.WaitedTooLong)
        desk.later(19_000)
        assert q.OfferEnded("t-p", "a", OfferEnd.SILENT) in desk.said
        desk.later(1)
        assert desk.told(q.WaitedTooLong)

    def test_the_last_agent_signs_out(self) -> None:
        desk = busy_desk("p")
        desk.now += 5_000
        desk.do(q.AgentSignedOut("a"))
        assert q.WaitedTooLong("t-p", "p", WaitNotice.NO_AGENT, 5_000) in desk.said
        assert desk.phase("p") is TicketPhase.WAITING


class TestDroppedLines:
    def test_the_place_is_kept_for_the_grace_period(self) -> None:
        desk = busy_desk("p1", "p2")
        desk.do(q.TaxpayerDropped("p1"))
        desk.do(q.SetAgentStatus("a", AgentStatus.FREE))
        assert desk.rings() == {"p2": "a"}
        assert desk.state.ahead("t-p1") == 0
        desk.later(29_999)
        desk.do(q.TaxpayerReturned("p1"))
        assert q.Queued("t-p1", "p1", "c", 0) in desk.said
        assert desk.phase("p1") is TicketPhase.WAITING

    def test_after_the_grace_period_it_is_gone(self) -> None:
        desk = busy_desk("p")
        desk.do(q.TaxpayerDropped("p"))
        desk.later(30_000)
        assert desk.said == (q.Gone("t-p", "p", "c", GoneReason.TAXPAYER_LEFT),)

    def test_dropped_while_it_rings(self, desk: Desk) -> None:
        desk.sign_in("a")
        desk.join("p")
        desk.do(q.TaxpayerDropped("p"))
        assert desk.rings() == {"p": "a"}
        desk.do(q.DeclineOffer("a", "t-p"))
        desk.sign_in("b")
        assert desk.rings() == {}
        desk.do(q.TaxpayerReturned("p"))
        assert desk.rings() == {"p": "b"}

    def test_an_agent_lost_for_good_leaves_conversations_to_the_head(self) -> None:
        desk = Desk()
        desk.sign_in("a", capacity=2)
        desk.join("p1")
        desk.serve("a", "p1")
        desk.sign_in("b", status=AgentStatus.BUSY)
        desk.do(q.SetAgentStatus("a", AgentStatus.BUSY))
        desk.join("p2")
        desk.do(q.AgentDropped("a"))
        assert desk.phase("p1") is TicketPhase.ASSIGNED
        desk.later(30_000)
        assert q.AgentLost("t-p1", "p1", "a") in desk.said
        assert desk.told(q.AgentChanged) == [
            q.AgentChanged("a", AgentStatus.OFFLINE, StatusReason.CONNECTION_LOST, AgentStatus.OFFLINE)
        ]
        assert [desk.state.ahead(f"t-{who}") for who in ("p1", "p2")] == [0, 1]
        desk.do(q.SetAgentStatus("b", AgentStatus.FREE))
        assert desk.rings() == {"p1": "b"}

    def test_an_agent_coming_back_goes_on(self, desk: Desk) -> None:
        desk.sign_in("a", capacity=2)
        desk.join("p1")
        desk.serve("a", "p1")
        desk.do(q.AgentDropped("a"))
        desk.join("p2")
        assert desk.rings() == {}
        desk.later(29_999)
        desk.do(q.AgentReturned("a"))
        assert desk.phase("p1") is TicketPhase.ASSIGNED
        assert desk.rings() == {"p2": "a"}


class TestTransfers:
    def served(self) -> Desk:
        desk = Desk()
        desk.do(q.ConfigureCentre("d", SETTINGS))
        desk.sign_in("a")
        desk.join("p")
        desk.serve("a", "p")
        desk.do(q.AgentSignedIn("b", frozenset({"d"}), frozenset(), 1, AgentStatus.BUSY))
        return desk

    def test_to_a_centre_enters_at_the_head_with_its_history(self) -> None:
        desk = self.served()
        desk.do(q.Join("t-w", "w", "d", True))
        desk.do(q.TransferToCentre("a", "t-p", "d", True))
        assert q.Queued("t-p", "p", "d", 0) in desk.said
        assert q.PositionsChanged("d", (q.Position("t-w", "w", 1),)) in desk.said
        desk.do(q.SetAgentStatus("b", AgentStatus.FREE))
        assert desk.rings() == {"p": "b"}
        assert desk.state.agents["a"].tickets == {"t-p"}
        desk.do(q.AcceptOffer("b", "t-p"))
        assert desk.told(q.Assigned) == [q.Assigned("t-p", "p", "d", "b", AssignedBy.ACCEPTED, 0, "a")]
        assert desk.state.tickets["t-p"].served_by == ("a", "b")
        assert desk.state.agents["a"].tickets == frozenset()

    def test_who_gave_it_away_does_not_get_it_back(self) -> None:
        desk = self.served()
        desk.sign_in("x", status=AgentStatus.BUSY)
        desk.sign_in("a", capacity=5)
        desk.do(q.TransferToCentre("a", "t-p", "c", True))
        assert desk.rings() == {}

    def test_refusals(self) -> None:
        desk = self.served()
        for command, code in (
            (q.TransferToCentre("a", "t-p", None, True), QueueErrorCode.QUEUE_NO_CENTRE),
            (q.TransferToCentre("a", "t-p", "d", False), QueueErrorCode.QUEUE_CLOSED),
            (q.TransferToCentre("a", "t-p", "c", True), QueueErrorCode.QUEUE_NO_AGENT),
            (q.TransferToCentre("b", "t-p", "d", True), QueueErrorCode.NOT_FOUND),
            (q.TransferToAgent("a", "t-p", "nobody"), QueueErrorCode.AGENT_OFFLINE),
            (q.TransferToAgent("a", "t-p", "b"), QueueErrorCode.AGENT_BUSY),
            (q.TransferToAgent("a", "t-p", "a"), QueueErrorCode.NOT_ALLOWED),
            (q.CancelTransfer("a", "t-p"), QueueErrorCode.WRONG_PHASE),
        ):
            assert desk.do(command) == (q.Refused(command.agent_id, code, "t-p"),)

    def test_cancelled_by_the_agent(self) -> None:
        desk = self.served()
        desk.do(q.SetAgentStatus("b", AgentStatus.FREE))
        desk.do(q.TransferToCentre("a", "t-p", "d", True))
        assert desk.rings() == {"p": "b"}
        desk.do(q.CancelTransfer("a", "t-p"))
        assert q.OfferEnded("t-p", "b", OfferEnd.TRANSFER_CANCELLED) in desk.said
        assert q.Assigned("t-p", "p", "d", "a", AssignedBy.TRANSFER_FAILED, 0) in desk.said

    def test_the_window_is_closed_during_the_transfer(self) -> None:
        desk = self.served()
        desk.do(q.TransferToCentre("a", "t-p", "d", True))
        desk.end("p")
        assert q.Gone("t-p", "p", "d", GoneReason.SERVED) in desk.said
        assert desk.state.agents["a"].tickets == frozenset()

    @pytest.mark.parametrize("how", ["decline", "silence"])
    def test_to_an_agent_who_does_not_take_it(self, how: str) -> None:
        desk = self.served()
        desk.do(q.SetAgentStatus("b", AgentStatus.FREE))
        desk.do(q.TransferToAgent("a", "t-p", "b"))
        assert desk.told(q.OfferMade) == [q.OfferMade("t-p", "p", "c", "b", desk.now + 20_000, True)]
        if how == "decline":
            desk.do(q.DeclineOffer("b", "t-p"))
        else:
            desk.later(20_000)
        assert q.Assigned("t-p", "p", "c", "a", AssignedBy.TRANSFER_FAILED, 0) in desk.said

    def test_to_an_agent_who_takes_it(self) -> None:
        desk = self.served()
        desk.do(q.SetAgentStatus("b", AgentStatus.FREE))
        desk.do(q.TransferToAgent("a", "t-p", "b"))
        desk.do(q.AcceptOffer("b", "t-p"))
        assert q.Assigned("t-p", "p", "c", "b", AssignedBy.ACCEPTED, 0, "a") in desk.said

    def test_the_holder_is_lost_during_the_transfer(self) -> None:
        desk = self.served()
        desk.do(q.SetAgentStatus("b", AgentStatus.FREE))
        desk.do(q.TransferToAgent("a", "t-p", "b"))
        desk.sign_in("x", status=AgentStatus.BUSY)
        desk.do(q.AgentSignedOut("a"))
        assert desk.rings() == {"p": "b"}
        desk.do(q.DeclineOffer("b", "t-p"))
        assert desk.phase("p") is TicketPhase.WAITING
        assert desk.state.ahead("t-p") == 0


def test_a_removed_centre_lets_everybody_know() -> None:
    desk = busy_desk("p1", "p2")
    desk.do(q.RemoveCentre("c"))
    assert desk.said == (
        q.Gone("t-p1", "p1", "c", GoneReason.CENTRE_REMOVED),
        q.Gone("t-p2", "p2", "c", GoneReason.CENTRE_REMOVED),
    )
    assert desk.state.next_deadline_ms() is None


def test_agents_are_signed_in_again_after_a_restart_as_they_had_chosen() -> None:
    desk = Desk()
    desk.sign_in("a", capacity=2)
    desk.join("p1")
    desk.serve("a", "p1")
    before = [
        q.AgentSignedIn("a", frozenset({"c"}), frozenset(), 2, AgentStatus.FREE),
        q.AgentSignedIn("b", frozenset({"c"}), frozenset(), 1, AgentStatus.AWAY),
        q.AgentSignedIn("gone", frozenset({"c"}), frozenset(), 1, AgentStatus.FREE),
    ]
    fresh = Desk()
    fresh.now = 500
    fresh.state, fresh.said = restore({"c": SETTINGS}, desk.state.tickets.values(), before, fresh.now)
    assert {a: agent.status for a, agent in fresh.state.agents.items()} == {
        "a": AgentStatus.FREE,
        "b": AgentStatus.AWAY,
        "gone": AgentStatus.FREE,
    }
    assert fresh.state.agents["a"].tickets == {"t-p1"}
    fresh.join("p2")
    assert fresh.rings() == {}, "nobody is rung who is not there"
    fresh.do(q.AgentReturned("b"))
    assert fresh.rings() == {}
    fresh.do(q.AgentReturned("a"))
    assert fresh.rings() == {"p2": "a"}
    fresh.do(q.AcceptOffer("a", "t-p2"))
    fresh.later(SETTINGS.grace_ms)
    assert set(dict(fresh.state.agents.items())) == {"a", "b"}
    assert (
        q.AgentChanged("gone", AgentStatus.OFFLINE, StatusReason.CONNECTION_LOST, AgentStatus.OFFLINE)
        in fresh.said
    )


def test_restored_after_a_restart() -> None:
    desk = Desk()
    desk.sign_in("a", capacity=1)
    desk.join("p1")
    desk.serve("a", "p1")
    desk.sign_in("b")
    for who in ("p2", "p3"):
        desk.join(who)
    assert desk.rings() == {"p2": "b"}

    fresh = Desk()
    fresh.now = 500
    fresh.state, fresh.said = restore({"c": SETTINGS}, desk.state.tickets.values(), (), fresh.now)
    assert {who: fresh.phase(who) for who in ("p1", "p2", "p3")} == {
        "p1": TicketPhase.ASSIGNED,
        "p2": TicketPhase.WAITING,
        "p3": TicketPhase.WAITING,
    }
    assert [fresh.state.ahead(f"t-{who}") for who in ("p2", "p3")] == [0, 1]
    fresh.sign_in("a", capacity=1)
    fresh.sign_in("b")
    assert fresh.rings() == {}
    fresh.do(q.TaxpayerReturned("p2"))
    assert fresh.rings() == {"p2": "b"}
    fresh.later(30_000)
    assert q.Gone("t-p3", "p3", "c", GoneReason.TAXPAYER_LEFT) in fresh.said
    assert fresh.phase("p1") is TicketPhase.ASSIGNED
    fresh.sign_in("x", status=AgentStatus.BUSY)
    fresh.join("p4")
    assert fresh.state.ahead("t-p4") is not None


def test_a_guest_is_not_offered_more_than_they_have_places_for() -> None:
    desk = Desk()
    desk.sign_in("a", capacity=1)
    desk.join("p1")
    assert desk.rings() == {"p1": "a"}
    # Accepting an invitation takes the only place: what rings goes on to somebody else.
    desk.sign_in("b", capacity=1)
    desk.do(q.GuestChanged("a", "elsewhere", present=True))
    assert desk.rings() == {"p1": "b"}
    desk.serve("b", "p1")
    assert desk.state.agents["a"].presented_status is AgentStatus.BUSY
    desk.join("p2")
    assert desk.rings() == {}
    desk.do(q.Pick("a", "t-p2"))
    assert any(isinstance(e, q.Refused) and e.code is QueueErrorCode.AGENT_BUSY for e in desk.said)
    desk.do(q.GuestChanged("a", "elsewhere", present=False))
    assert desk.rings() == {"p2": "a"}


def test_a_guest_with_places_left_is_offered_others() -> None:
    desk = Desk()
    desk.sign_in("a", capacity=2)
    desk.do(q.GuestChanged("a", "elsewhere", present=True))
    assert desk.state.agents["a"].presented_status is AgentStatus.FREE
    desk.join("p1")
    assert desk.rings() == {"p1": "a"}
