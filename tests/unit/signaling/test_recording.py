"""Recording a call: who is asked, who is recorded, and when that changes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.types import Source
from signaling.errors import DomainError, ErrorCode
from signaling.rooms import keeping
from signaling.rooms.kept import KeptConsent, KeptRecording
from signaling.sessions import commands as c
from signaling.sessions.effects import (
    BeginRecording,
    EndRecording,
    LeaveTrack,
    Record,
    RecordTrack,
    TellRecording,
)
from signaling.sessions.model import Member
from signaling.sessions.recording import recorded
from signaling.sessions.states import Consent, Presence, RecordingPhase, Role, SupervisionMode
from tests.unit.signaling.desk import AGENT, TAXPAYER, Desk

LEAD = "lead01"


def recording() -> Desk:
    desk = Desk().active()
    desk.do(c.StartRecording(AGENT, "r1"))
    return desk


def who(desk: Desk) -> set[str]:
    return {track.person_id for track in recorded(desk.state)}


def test_off_by_default_and_only_the_agent_starts_in_an_active_call() -> None:
    assert Desk().active().state.recording.phase is RecordingPhase.IDLE
    assert Desk().refusal(c.StartRecording(AGENT, "r")) is ErrorCode.WRONG_PHASE
    assert Desk().connecting().refusal(c.StartRecording(AGENT, "r")) is ErrorCode.WRONG_PHASE
    assert Desk().active().refusal(c.StartRecording(TAXPAYER, "r")) is ErrorCode.NOT_ALLOWED


def test_who_starts_agrees_and_the_other_is_asked_and_not_recorded() -> None:
    desk = recording()
    assert desk.state.recording.consents == {AGENT: Consent.GIVEN, TAXPAYER: Consent.ASKED}
    assert who(desk) == {AGENT}
    assert desk.of_last(BeginRecording) == [BeginRecording("r1")]
    assert {effect.track.source for effect in desk.of_last(RecordTrack)} == {Source.MICROPHONE, Source.CAMERA}
    assert desk.of_last(TellRecording)


def test_consent_begins_refusal_ends_and_both_are_facts() -> None:
    desk = recording()
    desk.do(c.AnswerRecording(TAXPAYER, given=True))
    assert who(desk) == {AGENT, TAXPAYER}
    assert Record("recording_consent_given", TAXPAYER) in desk.last
    desk.do(c.AnswerRecording(TAXPAYER, given=False))
    assert who(desk) == {AGENT}
    assert {effect.track.person_id for effect in desk.of_last(LeaveTrack)} == {TAXPAYER}
    assert Record("recording_consent_refused", TAXPAYER) in desk.last


def test_a_second_start_changes_nothing() -> None:
    desk = recording()
    desk.do(c.StartRecording(AGENT, "r2"))
    assert desk.state.recording.recording_id == "r1"


@pytest.mark.parametrize("end", [c.StopRecording(AGENT), c.HangUpCall(TAXPAYER), c.CloseInteraction(AGENT)])
def test_it_ends_with_the_button_the_call_and_the_interaction(end: c.Deed) -> None:
    desk = recording()
    desk.do(end)
    assert desk.state.recording.phase is RecordingPhase.ENDED
    assert desk.of_last(EndRecording) == [EndRecording("r1")]
    assert who(desk) == set()


def test_a_supervisor_who_joins_is_asked_and_one_who_listens_is_not() -> None:
    desk = recording()
    lead = Member(LEAD, Role.SUPERVISOR, "班长", Presence.ONLINE, supervision=SupervisionMode.LISTEN)
    desk.do(c.SupervisorJoined(lead))
    assert LEAD not in desk.state.recording.consents
    with pytest.raises(DomainError):
        desk.do(c.AnswerRecording(LEAD, given=True))
    desk.do(c.SupervisorJoined(Member(LEAD, Role.SUPERVISOR, "班长", supervision=SupervisionMode.BARGE)))
    assert desk.state.recording.consents[LEAD] is Consent.ASKED
    desk.send(LEAD, Source.MICROPHONE)
    assert LEAD not in who(desk)
    desk.do(c.AnswerRecording(LEAD, given=True))
    assert LEAD in who(desk)


def test_what_comes_later_from_who_agreed_is_recorded_as_well() -> None:
    desk = recording()
    desk.do(c.TrackStopped(AGENT, Source.CAMERA))
    assert [effect.track.source for effect in desk.of_last(LeaveTrack)] == [Source.CAMERA]
    desk.do(c.TrackStarted(AGENT, Source.CAMERA))
    assert [effect.track.source for effect in desk.of_last(RecordTrack)] == [Source.CAMERA]


def test_every_answer_is_kept() -> None:
    desk = Desk().active()
    before = desk.state
    desk.do(c.StartRecording(AGENT, "r1"))
    kept = keeping.between(before, desk.state, 5)
    assert KeptRecording("r1", "i", AGENT, desk.now_ms) in kept
    assert {(one.person_id, one.consent) for one in kept if isinstance(one, KeptConsent)} == {
        (AGENT, Consent.GIVEN),
        (TAXPAYER, Consent.ASKED),
    }
    before = desk.state
    desk.do(c.AnswerRecording(TAXPAYER, given=False))
    assert keeping.between(before, desk.state, 6) == (KeptConsent("r1", "i", TAXPAYER, Consent.REFUSED, 6),)
    before = desk.state
    desk.do(c.HangUpCall(AGENT))
    assert KeptRecording("r1", "i", AGENT, before.recording.started_at or 0, 7) in keeping.between(
        before, desk.state, 7
    )


DEEDS: list[c.Command] = [
    c.StartRecording(AGENT, "a"),
    c.StopRecording(AGENT),
    c.AnswerRecording(TAXPAYER, given=True),
    c.AnswerRecording(TAXPAYER, given=False),
    c.AnswerRecording(AGENT, given=False),
    c.TrackStopped(TAXPAYER, Source.CAMERA),
    c.TrackStarted(TAXPAYER, Source.CAMERA),
    c.TrackStarted(AGENT, Source.CAMERA),
    c.MemberConnected(TAXPAYER, resumed=False),
    c.MemberDisconnected(TAXPAYER),
    c.HangUpCall(TAXPAYER),
    c.StartCall(AGENT),
    c.AcceptCall(TAXPAYER),
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(DEEDS), max_size=25))
def test_what_is_tapped_is_always_what_may_be_recorded(deeds: list[c.Command]) -> None:
    desk = Desk().active()
    tapped: set[object] = set()
    running: str | None = None
    for deed in deeds:
        if desk.refusal(deed) is not None:
            continue
        for effect in desk.last:
            match effect:
                case BeginRecording(recording_id=recording_id):
                    assert running is None
                    running = recording_id
                case RecordTrack(recording_id=recording_id, track=track):
                    assert running == recording_id
                    assert track not in tapped
                    tapped.add(track)
                case LeaveTrack(track=track):
                    tapped.remove(track)
                case EndRecording(recording_id=recording_id):
                    assert running == recording_id
                    running, tapped = None, set()
        assert tapped == recorded(desk.state)
        assert (running is not None) == desk.state.recording.running
        for track in recorded(desk.state):
            assert desk.state.recording.consents[track.person_id] is Consent.GIVEN
