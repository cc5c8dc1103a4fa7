"""Any order of transfers, lost agents, supervisors, lines and calls in one conversation: what must hold after each step."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from media.types import TransportKind, TransportState
from signaling.errors import DomainError
from signaling.rooms import keeping
from signaling.rooms.kept import OpenWork
from signaling.rooms.memory import MemoryRecords
from signaling.sessions import commands as c
from signaling.sessions import interaction, policy
from signaling.sessions.model import InteractionState, Member, TransferState
from signaling.sessions.policy import SCREEN, SessionKind
from signaling.sessions.states import (
    InteractionPhase,
    Presence,
    Role,
    SupervisionMode,
    TransferPhase,
)
from signaling.wire.present import interaction_view
from tests.unit.signaling.desk import AGENT, TAXPAYER, Desk

AGENTS = st.sampled_from([AGENT, "agent02", "agent03"])
LEADS = st.sampled_from(["lead01", "lead02"])
PEOPLE = st.sampled_from([TAXPAYER, AGENT, "agent02", "agent03", "lead01", "lead02"])
DEEDS = st.sampled_from(
    [
        c.RequestAssistance,
        c.AcceptAssistance,
        c.PauseAssistance,
        c.HangUpAssistance,
        c.AskCall,
        c.StartCall,
        c.AcceptCall,
        c.HangUpCall,
    ]
)


class Conversation(RuleBasedStateMachine):
    """As the room runs it: every step is kept, and the record must tell the same story."""

    @initialize(running=st.sampled_from(["nothing", "call", "share", "both"]))
    def open(self, running: str) -> None:
        self.desk = Desk(centre_id="gd")
        self.records = MemoryRecords()
        self.records.keep(*keeping.of_opening(self.desk.state))
        self.told: list[int] = [m.seq for m in self.desk.state.messages]
        self.number = 0
        if running in ("share", "both"):
            self.run(c.RequestAssistance(TAXPAYER))
            self.run(c.AcceptAssistance(AGENT))
            self.publish(TAXPAYER)
        if running in ("call", "both"):
            self.run(c.StartCall(AGENT))
            self.run(c.AcceptCall(TAXPAYER))
            self.publish(TAXPAYER)
            self.publish(AGENT)

    def run(self, command: c.Command) -> None:
        old = self.desk.state
        try:
            self.desk.do(command)
        except DomainError:
            assert self.desk.state is old
            return
        new = self.desk.state
        if isinstance(command, c.OF_WORDS):
            whole, effects = interaction.change(old, command, self.desk.now_ms)
            assert (whole, set(effects)) == (new, set(interaction.handle(old, command, self.desk.now_ms)[1]))
        self.records.keep(*keeping.between(old, new, self.desk.now_ms))
        self.told += [m.seq for m in new.messages if m.seq >= old.next_seq]

    @rule(who=PEOPLE, kind=DEEDS)
    def deed(self, who: str, kind: type[c.Deed]) -> None:
        self.run(kind(who))

    @rule(who=PEOPLE)
    def say(self, who: str) -> None:
        self.number += 1
        self.run(c.PostMessage(who, f"m{self.number}", "..."))

    @rule(who=PEOPLE, seq=st.integers(0, 200))
    def read(self, who: str, seq: int) -> None:
        known = self.desk.state.find(who)
        self.run(c.ReadUpTo(who, seq))
        after = self.desk.state.find(who)
        if known is not None and after is not None:
            assert known.read_seq <= after.read_seq < self.desk.state.next_seq

    @rule(to=AGENTS)
    def transfer(self, to: str) -> None:
        state = self.desk.state
        if state.vacant or state.transferring or state.of_role(Role.AGENT).person_id == to:
            return  # the queue refuses these
        self.number += 1
        own = state.of_role(Role.AGENT).person_id
        transfer = TransferState(f"x{self.number}", own, to, None, to, "", self.desk.now_ms)
        self.run(c.TransferOffered(transfer))

    @rule(phase=st.sampled_from([TransferPhase.DECLINED, TransferPhase.TIMED_OUT, TransferPhase.CANCELLED]))
    def transfer_fails(self, phase: TransferPhase) -> None:
        self.run(c.TransferEnded(phase))

    @rule(who=AGENTS, seats=st.frozensets(st.sampled_from([SessionKind.ASSISTANCE, SessionKind.CALL])))
    def replaced(self, who: str, seats: frozenset[SessionKind]) -> None:
        agent = Member(who, Role.AGENT, who[-2:], joined_at=self.desk.now_ms)
        self.run(c.AgentReplaced(agent, "hello", seats))

    @rule(who=AGENTS)
    def lost(self, who: str) -> None:
        self.run(c.AgentLost(who))

    @rule(who=LEADS, mode=st.sampled_from(SupervisionMode))
    def supervise(self, who: str, mode: SupervisionMode) -> None:
        self.run(c.SupervisorJoined(Member(who, Role.SUPERVISOR, who[-2:], supervision=mode)))

    @rule(who=LEADS)
    def leave(self, who: str) -> None:
        self.run(c.SupervisorLeft(who))

    @rule(who=PEOPLE, resumed=st.booleans())
    def connect(self, who: str, resumed: bool) -> None:
        self.run(c.MemberConnected(who, resumed))

    @rule(who=PEOPLE)
    def disconnect(self, who: str) -> None:
        self.run(c.MemberDisconnected(who))

    @rule(who=PEOPLE, kind=st.sampled_from(TransportKind), to=st.sampled_from(TransportState))
    def transport(self, who: str, kind: TransportKind, to: TransportState) -> None:
        self.run(c.TransportMoved(who, kind, to))

    @rule(who=PEOPLE)
    def offers_what_is_granted(self, who: str) -> None:
        self.publish(who)

    def publish(self, who: str) -> None:
        member = self.desk.state.find(who)
        if member is None:
            return
        sources = policy.grant(self.desk.state, member)
        self.run(c.OfferMedia(who, sources, False))
        for source in sorted(sources):
            self.run(c.TrackStarted(who, source))

    @rule(ms=st.sampled_from([1, 1_000, 30_000, 60_000, 600_000]))
    def wait(self, ms: int) -> None:
        desk = self.desk
        until = desk.now_ms + ms
        while due := sorted((at, str(key), key) for key, at in desk.timers.items() if at <= until):
            desk.now_ms = max(desk.now_ms, due[0][0])
            del desk.timers[due[0][2]]
            self.run(c.TimerFired(due[0][2]))
        desk.now_ms = until

    @rule(cause=st.sampled_from([TAXPAYER, AGENT]), sure=st.integers(0, 9))
    def close(self, cause: str, sure: int) -> None:
        if sure == 0:
            self.run(c.CloseInteraction(cause))

    # What must hold

    @invariant()
    def one_taxpayer_and_one_agent(self) -> None:
        state = self.desk.state
        assert [m.person_id for m in state.members if m.role is Role.TAXPAYER] == [TAXPAYER]
        agents = [m for m in state.members if m.role is Role.AGENT]
        assert len(agents) == 1
        assert not (state.vacant and agents[0].presence is not Presence.LEFT)
        assert len({m.person_id for m in state.members}) == len(state.members)

    @invariant()
    def lines_are_told_once_in_order(self) -> None:
        assert self.told == list(range(1, self.desk.state.next_seq))

    @invariant()
    def the_taxpayer_knows_no_hidden_supervisor(self) -> None:
        state = self.desk.state
        # What they said while they were seen stays said.
        shown = interaction_view(state, outside=True).model_copy(update={"messages": []}).model_dump_json()
        for member in state.members:
            if member.hidden:
                assert member.person_id not in shown

    @invariant()
    def media_is_what_the_table_says_and_a_whisper_reaches_the_agent_alone(self) -> None:
        state, engine = self.desk.state, self.desk.engine
        if state.phase is InteractionPhase.CLOSED:
            assert not engine.open
            return
        present = {m.person_id for m in state.members if m.presence is not Presence.LEFT}
        assert set(engine.grants) == present, "the peers are the members who are there"
        for member in state.members:
            if member.person_id not in present:
                continue
            granted = policy.grant(state, member)
            assert engine.grants[member.person_id] == granted
            mine = {s: who for (p, s), who in engine.audiences.items() if p == member.person_id}
            assert {s: w for s, w in mine.items() if s in granted} == policy.audiences(state, member)
            if member.hidden:
                assert all(mine[s] <= {state.of_role(Role.AGENT).person_id} for s in granted)
            if member.supervision is SupervisionMode.LISTEN:
                assert not granted
            if member.role is not Role.TAXPAYER:
                assert not granted & SCREEN
            assert not granted or state.call.running or state.assistance.running

    @invariant()
    def timers_are_those_of_the_state(self) -> None:
        if self.desk.state.phase is InteractionPhase.CLOSED:
            assert not self.desk.timers

    @invariant()
    def the_record_tells_the_same(self) -> None:
        state = self.desk.state
        work = restored_work(self.records)
        if state.phase is InteractionPhase.CLOSED:
            assert not work.interactions
            return
        back = keeping.restored(work.interactions[0], state.settings, None, self.desk.now_ms)
        assert back is not None
        assert back.messages == state.messages
        assert back.next_seq == state.next_seq
        assert back.vacant == state.vacant
        assert [m.person_id for m in back.members] == [m.person_id for m in state.parties]
        assert back.call.running == state.call.running
        assert back.assistance.running == state.assistance.running
        held = policy.silenced(state, state.of_role(Role.TAXPAYER)) & SCREEN
        if held and not state.of_role(Role.TAXPAYER).muted & SCREEN:
            assert SCREEN & policy.silenced(back, there(back)) == SCREEN, "a paused share stays held back"


def restored_work(records: MemoryRecords) -> OpenWork:
    """``MemoryRecords`` never waits."""
    restoring = records.restore(200)
    try:
        restoring.send(None)
    except StopIteration as done:
        work = done.value
        assert isinstance(work, OpenWork)
        return work
    raise AssertionError("it waited")


def there(state: InteractionState) -> Member:
    return state.of_role(Role.TAXPAYER)


TestConversation = Conversation.TestCase
TestConversation.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
