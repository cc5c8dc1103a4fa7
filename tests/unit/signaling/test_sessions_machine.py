"""Looks for a sequence of deeds, reports and waiting that breaks what must always hold."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from media.types import Source, TransportKind, TransportState
from signaling.errors import DomainError
from signaling.rooms.seats import LocalSeats
from signaling.sessions import commands as c
from signaling.sessions import derive, policy
from signaling.sessions.effects import ReleaseSeat
from signaling.sessions.policy import SCREEN, SessionKind
from signaling.sessions.states import (
    AssistancePhase,
    CallPhase,
    DeviceProblem,
    InteractionPhase,
    Presence,
)
from tests.unit.signaling.desk import AGENT, TAXPAYER, Desk

PEOPLE = st.sampled_from([TAXPAYER, AGENT])
SOURCES = st.sampled_from(Source)
PROBLEMS = st.sampled_from(DeviceProblem)
SIMPLE = [
    c.CloseInteraction,
    c.RequestAssistance,
    c.AcceptAssistance,
    c.DeclineAssistance,
    c.PauseAssistance,
    c.ResumeAssistance,
    c.HangUpAssistance,
    c.AskCall,
    c.StartCall,
    c.AcceptCall,
    c.DeclineCall,
    c.HangUpCall,
]
RINGING = (AssistancePhase.REQUESTED, CallPhase.ASKED, CallPhase.RINGING, CallPhase.CONNECTING)


def claim(seats: LocalSeats, kind: SessionKind, room: str) -> bool:
    """``LocalSeats`` never waits: a step of its coroutine is the whole of it."""
    claiming = seats.claim(AGENT, kind, room)
    try:
        claiming.send(None)
    except StopIteration as done:
        return bool(done.value)
    raise AssertionError("it waited")


class Sessions(RuleBasedStateMachine):
    """Two interactions of one agent, each with its own taxpayer of the same name."""

    desks: list[Desk]

    @initialize()
    def open(self) -> None:
        self.desks = [Desk(), Desk()]
        self.seats = LocalSeats()

    def run(self, room: int, command: c.Command) -> None:
        desk = self.desks[room]
        before = desk.state
        if isinstance(command, c.RequestAssistance | c.StartCall):
            free = claim(self.seats, command.KIND, str(room))
            command = type(command)(command.actor_id, seat_free=free)
        try:
            desk.do(command)
        except DomainError:
            assert desk.state is before
            desk.last = ()
        for kind, running in (
            (SessionKind.ASSISTANCE, desk.state.assistance.running),
            (SessionKind.CALL, desk.state.call.running),
        ):
            if ReleaseSeat(kind, AGENT) in desk.last or not running:
                self.seats.release(AGENT, kind, str(room))
        self.check_ends(before, desk, command)

    @staticmethod
    def check_ends(before: object, desk: Desk, command: c.Command) -> None:
        old, new = before, desk.state
        assert isinstance(old, type(new))
        if old.assistance.phase is AssistancePhase.ENDED and new.assistance != old.assistance:
            assert isinstance(command, c.RequestAssistance)
        if old.call.phase is CallPhase.ENDED and new.call != old.call:
            assert isinstance(command, c.AskCall | c.StartCall)
        if old.phase is InteractionPhase.CLOSED:
            assert new == old

    @rule(room=st.integers(0, 1), kind=st.sampled_from(SIMPLE), who=PEOPLE)
    def deed(self, room: int, kind: type[c.Deed], who: str) -> None:
        self.run(room, kind(who))

    @rule(room=st.integers(0, 1), who=PEOPLE, sources=st.frozensets(SOURCES), fresh=st.booleans())
    def offer(self, room: int, who: str, sources: frozenset[Source], fresh: bool) -> None:
        self.run(room, c.OfferMedia(who, sources, fresh))

    @rule(room=st.integers(0, 1), who=PEOPLE)
    def offer_all_that_is_granted(self, room: int, who: str) -> None:
        state = self.desks[room].state
        self.run(room, c.OfferMedia(who, policy.grant(state, state.member(who)), False))

    @rule(room=st.integers(0, 1), who=PEOPLE, source=SOURCES, starts=st.booleans())
    def track(self, room: int, who: str, source: Source, starts: bool) -> None:
        self.run(room, (c.TrackStarted if starts else c.TrackStopped)(who, source))

    @rule(room=st.integers(0, 1), who=PEOPLE, source=SOURCES, muted=st.booleans())
    def mute(self, room: int, who: str, source: Source, muted: bool) -> None:
        self.run(room, c.MuteSource(who, source, muted))

    @rule(room=st.integers(0, 1), who=PEOPLE, problem=PROBLEMS, of_call=st.booleans())
    def problem(self, room: int, who: str, problem: DeviceProblem, of_call: bool) -> None:
        self.run(room, (c.ReportCallProblem if of_call else c.ReportAssistanceProblem)(who, problem))

    @rule(
        room=st.integers(0, 1),
        who=PEOPLE,
        kind=st.sampled_from(TransportKind),
        to=st.sampled_from(TransportState),
    )
    def transport(self, room: int, who: str, kind: TransportKind, to: TransportState) -> None:
        self.run(room, c.TransportMoved(who, kind, to))

    @rule(room=st.integers(0, 1), who=PEOPLE, resumed=st.booleans())
    def connect(self, room: int, who: str, resumed: bool) -> None:
        self.run(room, c.MemberConnected(who, resumed))

    @rule(room=st.integers(0, 1), who=PEOPLE)
    def disconnect(self, room: int, who: str) -> None:
        self.run(room, c.MemberDisconnected(who))

    @rule(ms=st.sampled_from([1, 1_000, 19_999, 30_000, 60_000, 120_000]))
    def wait(self, ms: int) -> None:
        for room, desk in enumerate(self.desks):
            until = desk.now_ms + ms
            while due := sorted((at, str(key), key) for key, at in desk.timers.items() if at <= until):
                desk.now_ms = max(desk.now_ms, due[0][0])
                del desk.timers[due[0][2]]
                self.run(room, c.TimerFired(due[0][2]))
            desk.now_ms = until

    @invariant()
    def the_engine_grants_what_the_table_says(self) -> None:
        for desk in self.desks:
            if desk.state.phase is InteractionPhase.CLOSED:
                assert not desk.engine.open
                continue
            for member in desk.state.members:
                known = desk.engine.grants.get(member.person_id)
                if member.presence is Presence.LEFT:
                    assert known is None, "who left is no peer"
                    continue
                assert known == policy.grant(desk.state, member)
                silenced = {s for p, s in desk.engine.muted if p == member.person_id}
                assert silenced == policy.silenced(desk.state, member)
                heard_by = {s: who for (p, s), who in desk.engine.audiences.items() if p == member.person_id}
                assert heard_by == policy.audiences(desk.state, member)

    @invariant()
    def no_media_without_something_running(self) -> None:
        for desk in self.desks:
            state = desk.state
            if not state.assistance.running and not state.call.running:
                assert all(not granted for granted in desk.engine.grants.values())
                assert all(not member.tracks for member in state.members)

    @invariant()
    def an_agent_never_has_a_screen(self) -> None:
        for desk in self.desks:
            assert not desk.engine.grants.get(AGENT, frozenset()) & SCREEN
            assert not desk.state.member(AGENT).tracks & SCREEN
            assert not desk.state.member(AGENT).offered & SCREEN

    @invariant()
    def an_agent_has_one_call_and_one_assistance_at_most(self) -> None:
        assert sum(desk.state.call.running for desk in self.desks) <= 1
        assert sum(desk.state.assistance.running for desk in self.desks) <= 1

    @invariant()
    def whatever_rings_has_a_deadline_ahead(self) -> None:
        for desk in self.desks:
            for session in (desk.state.assistance, desk.state.call):
                assert (session.phase in RINGING) == (session.deadline is not None)
                assert session.deadline is None or session.deadline >= desk.now_ms

    @invariant()
    def timers_are_those_of_the_state(self) -> None:
        for desk in self.desks:
            assert desk.timers == dict(derive.timers(desk.state))

    @invariant()
    def who_left_holds_nothing(self) -> None:
        for desk in self.desks:
            for member in desk.state.members:
                if member.presence is Presence.LEFT:
                    assert not desk.state.assistance.running
                    assert not desk.state.call.running
                    assert not (member.tracks)
                    assert not (member.offered)
                    assert not (member.muted)
                    assert not (member.links)

    @invariant()
    def an_end_has_its_reason(self) -> None:
        for desk in self.desks:
            for session in (desk.state.assistance, desk.state.call):
                ended = session.phase in (AssistancePhase.ENDED, CallPhase.ENDED)
                assert ended == (session.end_reason is not None)

    @invariant()
    def a_paused_screen_is_held_back(self) -> None:
        for desk in self.desks:
            if desk.state.assistance.phase is AssistancePhase.PAUSED:
                assert {(TAXPAYER, source) for source in SCREEN} <= desk.engine.muted

    @invariant()
    def lines_are_numbered_without_gaps(self) -> None:
        for desk in self.desks:
            seqs = [message.seq for message in desk.state.messages]
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))


TestSessions = Sessions.TestCase
TestSessions.settings = settings(
    max_examples=150, stateful_step_count=60, deadline=None, derandomize=True, print_blob=True
)
