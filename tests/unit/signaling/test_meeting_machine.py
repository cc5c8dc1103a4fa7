"""Looks for a sequence of deeds, reports and waiting that breaks what must always hold of a meeting."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from media.types import Source, TransportKind, TransportState
from signaling.errors import DomainError
from signaling.rooms import meeting_keeping
from signaling.rooms.meeting_memory import MemoryMeetings
from signaling.sessions import meeting_commands as c
from signaling.sessions import meeting_derive
from signaling.sessions.commands import (
    MemberConnected,
    MemberDisconnected,
    TrackStarted,
    TrackStopped,
    TransportMoved,
)
from signaling.sessions.effects import (
    AddPeer,
    BeginRecording,
    CloseMedia,
    EndRecording,
    LeaveTrack,
    RecordTrack,
    RemovePeer,
    SetGrant,
    SetMuted,
)
from signaling.sessions.meeting_model import STAFF
from signaling.sessions.meeting_recording import recorded
from signaling.sessions.meeting_rights import grant, silenced
from signaling.sessions.meeting_states import MediationPhase, MeetingPhase, MeetingRole
from signaling.sessions.model import RecordedTrack
from signaling.sessions.policy import SCREEN
from signaling.sessions.states import Consent, Presence
from tests.unit.signaling.chamber import ROLES, Chamber

PEOPLE = st.sampled_from([*ROLES, "p5", "p6"])
SOURCES = st.sampled_from(list(Source))
SOME = st.one_of(st.none(), PEOPLE)

DEEDS = st.one_of(
    st.builds(c.Admit, PEOPLE, SOME, st.sampled_from([MeetingRole.PARTICIPANT, MeetingRole.OBSERVER])),
    st.builds(c.RefuseEntry, PEOPLE, PEOPLE),
    st.builds(c.RemoveMember, PEOPLE, PEOPLE),
    st.builds(c.SetLock, PEOPLE, st.booleans()),
    st.builds(
        c.SetMeetingRole,
        PEOPLE,
        PEOPLE,
        st.sampled_from([MeetingRole.PARTICIPANT, MeetingRole.OBSERVER]),
    ),
    st.builds(c.HandOver, PEOPLE, PEOPLE),
    st.builds(c.MuteMember, PEOPLE, SOME, SOURCES, st.booleans()),
    st.builds(c.AskUnmute, PEOPLE, SOME, SOURCES),
    st.builds(c.StartShare, PEOPLE, st.booleans()),
    st.builds(c.StopShare, PEOPLE),
    st.builds(c.RaiseHand, PEOPLE, st.booleans(), SOME),
    st.builds(c.SayInMeeting, PEOPLE, st.sampled_from(["c1", "c2"]), st.just("您好")),
    st.builds(c.OfferMeetingMedia, PEOPLE, st.frozensets(SOURCES), st.booleans()),
    st.builds(c.MuteSelf, PEOPLE, SOURCES, st.booleans()),
    st.builds(c.StartMeetingRecording, PEOPLE, st.sampled_from(["r1", "r2", "r3"])),
    st.builds(c.StopMeetingRecording, PEOPLE),
    st.builds(c.AnswerMeetingRecording, PEOPLE, st.booleans()),
    st.builds(c.AnswerMeetingRecording, PEOPLE, st.booleans()),
)
REPORTS = st.one_of(
    st.builds(c.Leave, PEOPLE),
    st.builds(MemberConnected, PEOPLE, st.booleans()),
    st.builds(MemberDisconnected, PEOPLE),
    st.builds(TrackStarted, PEOPLE, SOURCES),
    st.builds(TrackStopped, PEOPLE, SOURCES),
    st.builds(
        TransportMoved, PEOPLE, st.sampled_from(list(TransportKind)), st.sampled_from(list(TransportState))
    ),
)


class Engine:
    """What the packet engine holds after the effects, as far as they say."""

    def __init__(self) -> None:
        self.grants: dict[str, frozenset[Source]] = {}
        self.muted: set[tuple[str, Source]] = set()
        self.recording: str | None = None
        self.tapped: set[RecordedTrack] = set()

    def take(self, effect: object) -> None:
        match effect:
            case AddPeer(person_id=person_id):
                assert person_id not in self.grants
                self.grants[person_id] = frozenset()
            case RemovePeer(person_id=person_id):
                del self.grants[person_id]
                self.muted = {m for m in self.muted if m[0] != person_id}
            case SetGrant(person_id=person_id, publish=publish, narrows=narrows):
                before = self.grants[person_id]
                assert publish < before if narrows else publish > before
                self.grants[person_id] = publish
            case SetMuted(person_id=person_id, source=source, muted=muted):
                assert ((person_id, source) in self.muted) is not muted
                (self.muted.add if muted else self.muted.discard)((person_id, source))
            case BeginRecording(recording_id=recording_id):
                assert self.recording is None
                self.recording = recording_id
            case RecordTrack(recording_id=recording_id, track=track):
                assert self.recording == recording_id
                assert track not in self.tapped
                self.tapped.add(track)
            case LeaveTrack(recording_id=recording_id, track=track):
                assert self.recording == recording_id
                self.tapped.remove(track)
            case EndRecording(recording_id=recording_id):
                assert self.recording == recording_id
                assert not self.tapped
                self.recording = None
            case CloseMedia():
                self.grants.clear()
                self.muted.clear()
        # At no moment, also between two effects, may two share a screen.
        assert sum(bool(g & SCREEN) for g in self.grants.values()) <= 1


class MeetingMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.room = Chamber()
        self.engine = Engine()
        self.records = MemoryMeetings()
        self.records.keep_meeting(*meeting_keeping.of_opening(self.room.state))
        self.said: dict[tuple[str, str], int] = {}

    def _run(self, command: c.MeetingCommand) -> None:
        before, told = self.room.state, len(self.room.told)
        try:
            self.room.run(command)
        except DomainError:
            assert self.room.state is before
            return
        self._follow(before, told)

    def _follow(self, before: object, told: int) -> None:
        for effect in self.room.told[told:]:
            self.engine.take(effect)
        self.records.keep_meeting(
            *meeting_keeping.between(before, self.room.state, self.room.now_ms)  # type: ignore[arg-type]
        )

    @rule(person=PEOPLE)
    def enter(self, person: str) -> None:
        role = ROLES.get(person, ROLES["taxpayer01"])
        self._run(c.Enter(person, role, person))

    @initialize(early=PEOPLE)
    def begin(self, early: str) -> None:
        for person in (early, "agent01", "agent02", "taxpayer01"):
            self.enter(person)

    @rule(deed=DEEDS)
    def anybody_does(self, deed: c.MeetingDeed) -> None:
        self._run(deed)

    @rule(deed=DEEDS)
    def the_host_does(self, deed: c.MeetingDeed) -> None:
        self._run(replace(deed, actor_id=self.room.state.host_id or deed.actor_id))

    @rule(deed=DEEDS, index=st.integers(0, 5))
    def a_member_does(self, deed: c.MeetingDeed, index: int) -> None:
        there = self.room.state.present
        self._run(replace(deed, actor_id=there[index % len(there)].person_id if there else deed.actor_id))

    @rule()
    def everybody_is_admitted(self) -> None:
        self._run(c.Admit(self.room.state.host_id or "nobody", None))

    @rule(index=st.integers(0, 5), take_over=st.booleans())
    def somebody_shares(self, index: int, take_over: bool) -> None:
        there = self.room.state.present
        if there:
            person_id = there[index % len(there)].person_id
            self._run(c.StartShare(person_id, take_over))
            self._run(TrackStarted(person_id, Source.SCREEN))

    @rule(number=st.integers(0, 2), answers=st.lists(st.booleans(), min_size=6, max_size=6))
    def the_host_records(self, number: int, answers: list[bool]) -> None:
        state = self.room.state
        self._run(c.StartMeetingRecording(state.host_id or "nobody", f"r{number}"))
        for member, given in zip(state.present, answers, strict=False):
            self._run(TrackStarted(member.person_id, Source.MICROPHONE))
            self._run(c.AnswerMeetingRecording(member.person_id, given))

    @rule(report=REPORTS)
    def report(self, report: c.MeetingReport) -> None:
        self._run(report)

    @rule(person=st.sampled_from(["agent01", "agent02"]), sure=st.sampled_from([False] * 15 + [True]))
    def end(self, person: str, sure: bool) -> None:
        if sure:
            self._run(c.EndMeeting(person))

    @rule(ms=st.sampled_from([1, 29_999, 30_000, 60_000, 600_000]))
    def wait(self, ms: int) -> None:
        until = self.room.now_ms + ms
        while self.room.timers:
            key, at_ms = min(self.room.timers.items(), key=lambda each: each[1])
            if at_ms > until:
                break
            self.room.now_ms = max(self.room.now_ms, at_ms)
            self._run(c.MeetingTimerFired(key))
            assert self.room.timers.get(key) != at_ms
        self.room.now_ms = until

    @invariant()
    def the_host_is_staff_and_there(self) -> None:
        state = self.room.state
        if state.host_id is not None:
            host = state.find(state.host_id)
            assert host is not None
            assert host.present
            assert host.role in STAFF
            assert state.hostless_since is None
        elif state.phase is MeetingPhase.RUNNING:
            assert state.hostless_since is not None
            assert not [m for m in state.present if m.may_host and m.presence is Presence.ONLINE]

    @invariant()
    def nobody_is_in_two_places(self) -> None:
        state = self.room.state
        waiting, members = [w.person_id for w in state.waiting], [m.person_id for m in state.members]
        assert len(set(waiting)) == len(waiting)
        assert len(set(members)) == len(members)
        assert not set(waiting) & set(members)
        assert not [m for m in state.members if m.removed and m.present]

    @invariant()
    def the_engine_holds_what_the_rules_say(self) -> None:
        state = self.room.state
        assert self.engine.grants == {m.person_id: grant(state, m) for m in state.present}
        assert self.engine.muted == {(m.person_id, s) for m in state.present for s in silenced(state, m)}
        for member in state.members:
            assert member.tracks | member.offered <= grant(state, member)
            assert member.held <= member.muted

    @invariant()
    def the_screen_is_with_somebody_who_may_share_it(self) -> None:
        state = self.room.state
        sharer = state.find(state.sharer_id)
        if sharer is None:
            assert (state.sharer_id, state.share_by) == (None, None)
        else:
            assert Source.SCREEN in grant(state, sharer)
            assert (state.share_by is None) is (Source.SCREEN in sharer.tracks)

    @invariant()
    def timers_are_those_of_the_state(self) -> None:
        assert self.room.timers == dict(meeting_derive.timers(self.room.state))
        waited_for = [
            p for p in (*self.room.state.members, *self.room.state.waiting) if p.reconnect_by is not None
        ]
        assert all(p.presence is Presence.RECONNECTING for p in waited_for)

    @invariant()
    def who_agreed_is_recorded_and_nobody_else(self) -> None:
        state = self.room.state
        assert self.engine.tapped == recorded(state)
        assert (self.engine.recording is not None) is state.recording.running
        if not state.recording.running:
            return
        assert state.host_id is not None
        consents = state.recording.consents
        for track in self.engine.tapped:
            assert consents[track.person_id] is Consent.GIVEN
        asked = {m.person_id for m in state.present if state.seat(m) is not MeetingRole.OBSERVER}
        assert asked <= set(consents)
        people = [m for m in state.members if m.person_id in consents]
        assert not [m for m in people if state.seat(m) is MeetingRole.OBSERVER]

    @invariant()
    def every_answer_is_kept(self) -> None:
        recording = self.room.state.recording
        if recording.recording_id is None:
            assert not self.records.recordings
            return
        kept = self.records.recordings[recording.recording_id]
        assert (kept.ended_at is None) is recording.running
        for person_id, consent in recording.consents.items():
            assert self.records.consents[(recording.recording_id, person_id)] is consent

    @invariant()
    def the_application_follows(self) -> None:
        wanted = {
            MeetingPhase.SCHEDULED: MediationPhase.DISPATCHED,
            MeetingPhase.RUNNING: MediationPhase.IN_PROGRESS,
            MeetingPhase.ENDED: MediationPhase.DONE,
        }
        assert self.room.state.application.phase is wanted[self.room.state.phase]

    @invariant()
    def what_is_kept_is_what_is(self) -> None:
        state = self.room.state
        assert self.records._meetings["m1"] == meeting_keeping.meeting_of(state)
        assert self.records.applications["app1"] == state.application
        kept = self.records._members.get("m1", {})
        assert kept == {m.person_id: meeting_keeping.member_of("m1", m) for m in state.members}
        lobby = self.records._waiting.get("m1", {}).values()
        assert {w for w in lobby if w.left_at is None} == {
            meeting_keeping.waiting_of("m1", w) for w in state.waiting
        }
        links = self.records._streams.get("m1", {}).values()
        assert {s for s in links if s.ended_at is None} == {
            meeting_keeping.stream_of("m1", s) for s in state.streams
        }
        assert [m.seq for m in self.records._messages.get("m1", [])] == list(range(1, state.next_seq))

    @invariant()
    def nothing_is_said_twice(self) -> None:
        ids = [(m.sender_id, m.client_message_id) for m in self.room.state.messages if m.sender_id]
        assert len(set(ids)) == len(ids)


MeetingMachine.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestMeetingMachine = MeetingMachine.TestCase
