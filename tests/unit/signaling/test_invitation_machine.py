"""Any order of what three people and the world may do to a conversation with a guest; what must always hold."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from media.types import Source, TransportKind, TransportState
from signaling.sessions import commands as c
from signaling.sessions import policy
from signaling.sessions.model import InvitationState, Member
from signaling.sessions.states import InteractionPhase, InvitationPhase, Presence, Role
from tests.unit.signaling.desk import AGENT, TAXPAYER, Desk

GUEST, NEXT = "agent11", "agent02"
PEOPLE = (TAXPAYER, AGENT, GUEST, NEXT)
DEEDS = (
    c.StartCall,
    c.AskCall,
    c.AcceptCall,
    c.HangUpCall,
    c.RequestAssistance,
    c.AcceptAssistance,
    c.EndInvitation,
    c.LeaveInvited,
)


class Guests(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(centre_id="gd")
        self.count = 0

    @rule(by=st.sampled_from(PEOPLE), to=st.sampled_from((GUEST, NEXT)), share=st.booleans())
    def invite(self, by: str, to: str, share: bool) -> None:
        self.count += 1
        asked = InvitationState(f"v{self.count}", by, "101", to, "211", "安徽", 0, share_history=share)
        self.desk.refusal(c.Invite(by, asked))

    @rule(by=st.sampled_from((GUEST, NEXT)), accepted=st.booleans())
    def answer(self, by: str, accepted: bool) -> None:
        rung = self.desk.state.inviting and self.desk.state.invitation.to_agent == by  # type: ignore[union-attr]
        refused = self.desk.refusal(c.AnswerInvitation(Member(by, Role.AGENT, ""), accepted))
        if self.desk.state.phase is InteractionPhase.OPEN:
            assert (refused is None) == rung

    @rule(by=st.sampled_from(PEOPLE), deed=st.sampled_from(DEEDS))
    def act(self, by: str, deed: type[c.Deed]) -> None:
        self.desk.refusal(deed(by))

    @rule(by=st.sampled_from(PEOPLE), sources=st.frozensets(st.sampled_from(list(Source))))
    def send(self, by: str, sources: frozenset[Source]) -> None:
        if self.desk.refusal(c.OfferMedia(by, sources, fresh=False)) is None:
            for kind in TransportKind:
                self.desk.do(c.TransportMoved(by, kind, TransportState.CONNECTED))
            for source in sources:
                self.desk.do(c.TrackStarted(by, source))

    @rule(by=st.sampled_from(PEOPLE), resumed=st.booleans(), there=st.booleans())
    def line(self, by: str, resumed: bool, there: bool) -> None:
        self.desk.do(c.MemberConnected(by, resumed) if there else c.MemberDisconnected(by))

    @rule(ms=st.sampled_from((1_000, 15_000, 31_000)))
    def wait(self, ms: int) -> None:
        self.desk.advance(ms)

    @rule()
    def lose_agent(self) -> None:
        self.desk.do(c.AgentLost(self.desk.state.of_role(Role.AGENT).person_id))

    @rule(to=st.sampled_from((AGENT, NEXT, GUEST)))
    def replace_agent(self, to: str) -> None:
        known = self.desk.state.find(to)
        if known is None or known.is_guest or self.desk.state.vacant:
            self.desk.do(c.AgentReplaced(Member(to, Role.AGENT, to), None))

    @invariant()
    def one_guest_who_was_invited(self) -> None:
        state = self.desk.state
        guests = [m for m in state.members if m.is_guest]
        assert len(guests) <= 1
        if state.phase is not InteractionPhase.OPEN:
            return
        asked = state.invitation
        accepted = asked is not None and asked.phase is InvitationPhase.ACCEPTED
        assert bool(guests) == accepted
        if guests:
            assert asked is not None
            assert guests[0].person_id == asked.to_agent
            assert guests[0].presence is not Presence.LEFT
            assert guests[0].history_from > 1 or asked.share_history

    @invariant()
    def two_parties_stay(self) -> None:
        roles = [m.role for m in self.desk.state.parties]
        assert sorted(roles) == [Role.AGENT, Role.TAXPAYER]
        assert len({m.person_id for m in self.desk.state.members}) == len(self.desk.state.members)

    @invariant()
    def a_guest_sends_only_in_a_call_they_joined(self) -> None:
        state, engine = self.desk.state, self.desk.engine
        if not engine.open:
            return
        for member in state.members:
            assert engine.grants.get(member.person_id, frozenset()) == policy.grant(state, member)
            if member.is_guest and not member.in_call:
                assert not engine.grants[member.person_id]
            if member.in_call:
                assert state.call.running

    @invariant()
    def it_rings_for_a_time_only(self) -> None:
        state = self.desk.state
        asked = state.invitation
        if asked is not None:
            assert (asked.deadline is not None) == (asked.phase is InvitationPhase.RINGING)
            assert not (state.inviting and (state.vacant or state.find(asked.to_agent) in state.parties))


TestGuests = Guests.TestCase
TestGuests.settings = settings(max_examples=150, stateful_step_count=40, deadline=None, derandomize=True)
