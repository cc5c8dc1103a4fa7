"""Recording a meeting: who may start it, who is asked, who is recorded, and when that changes."""

from __future__ import annotations

import pytest

from media.types import Source
from signaling.errors import ErrorCode
from signaling.rooms import meeting_keeping
from signaling.rooms.kept_meetings import KeptMeetingConsent, KeptMeetingRecording
from signaling.sessions import meeting_commands as c
from signaling.sessions.commands import TrackStarted
from signaling.sessions.effects import (
    BeginRecording,
    EndRecording,
    LeaveTrack,
    Record,
    RecordTrack,
    TellRecording,
)
from signaling.sessions.meeting_recording import recorded
from signaling.sessions.meeting_states import MeetingRole
from signaling.sessions.states import Consent, RecordingPhase
from tests.unit.signaling.chamber import DEPUTY, EXPERT, HOST, TAXPAYER, Chamber


def recording(*people: str) -> Chamber:
    """A meeting of the host and these, all heard, that is being recorded."""
    room = Chamber().admitted(*people)
    for person_id in (HOST, *people):
        heard(room, person_id)
    room.run(c.StartMeetingRecording(HOST, "r1"))
    return room


def heard(room: Chamber, person_id: str) -> None:
    room.run(c.OfferMeetingMedia(person_id, frozenset({Source.MICROPHONE}), True))
    room.run(TrackStarted(person_id, Source.MICROPHONE))


def who(room: Chamber) -> set[str]:
    return {track.person_id for track in recorded(room.state)}


def consents(room: Chamber) -> dict[str, Consent]:
    return dict(room.state.recording.consents)


def test_off_by_default_and_the_host_alone_starts_and_stops() -> None:
    room = Chamber().admitted(TAXPAYER, DEPUTY)
    assert room.state.recording.phase is RecordingPhase.IDLE
    for person_id in (TAXPAYER, DEPUTY):
        assert room.refused(c.StartMeetingRecording(person_id, "r")) is ErrorCode.NOT_ALLOWED
    room.run(c.StartMeetingRecording(HOST, "r1"))
    assert room.refused(c.StopMeetingRecording(TAXPAYER)) is ErrorCode.NOT_ALLOWED
    told = room.run(c.StopMeetingRecording(HOST))
    assert EndRecording("r1") in told
    assert room.state.recording.phase is RecordingPhase.ENDED


def test_everybody_else_is_asked_and_who_has_not_agreed_is_not_recorded() -> None:
    room = recording(TAXPAYER, EXPERT)
    assert consents(room) == {HOST: Consent.GIVEN, TAXPAYER: Consent.ASKED, EXPERT: Consent.ASKED}
    assert BeginRecording("r1") in room.told
    assert TellRecording() in room.told
    assert who(room) == {HOST}
    room.run(c.AnswerMeetingRecording(EXPERT, given=False))
    told = room.run(c.AnswerMeetingRecording(TAXPAYER, given=True))
    assert [e.track.person_id for e in told if isinstance(e, RecordTrack)] == [TAXPAYER]
    assert Record("recording_consent_given", TAXPAYER) in told
    assert who(room) == {HOST, TAXPAYER}
    told = room.run(c.AnswerMeetingRecording(TAXPAYER, given=False))
    assert [e.track.person_id for e in told if isinstance(e, LeaveTrack)] == [TAXPAYER]
    assert who(room) == {HOST}


def test_who_comes_later_is_asked_and_who_comes_back_is_not_asked_again() -> None:
    room = recording(TAXPAYER)
    room.run(c.AnswerMeetingRecording(TAXPAYER, given=True))
    room.enter(EXPERT)
    room.run(c.Admit(HOST, EXPERT))
    assert consents(room)[EXPERT] is Consent.ASKED
    heard(room, EXPERT)
    assert EXPERT not in who(room)
    room.run(c.Leave(TAXPAYER))
    assert who(room) == {HOST}
    room.enter(TAXPAYER)
    heard(room, TAXPAYER)
    assert consents(room)[TAXPAYER] is Consent.GIVEN
    assert who(room) == {HOST, TAXPAYER}


def test_an_observer_is_not_asked_until_they_may_be_heard() -> None:
    room = recording(TAXPAYER)
    room.run(c.SetMeetingRole(HOST, TAXPAYER, MeetingRole.OBSERVER))
    assert TAXPAYER not in consents(room)
    assert room.refused(c.AnswerMeetingRecording(TAXPAYER, given=True)) is ErrorCode.NOT_ALLOWED
    room.run(c.SetMeetingRole(HOST, TAXPAYER, MeetingRole.PARTICIPANT))
    assert consents(room)[TAXPAYER] is Consent.ASKED


def test_the_next_host_leads_it_and_without_one_it_ends() -> None:
    room = recording(TAXPAYER, DEPUTY)
    room.run(c.HandOver(HOST, DEPUTY))
    assert room.state.recording.running
    assert room.refused(c.StopMeetingRecording(HOST)) is ErrorCode.NOT_ALLOWED
    room.run(c.Leave(HOST))
    assert room.state.recording.running
    room.run(c.Leave(DEPUTY))
    assert room.state.host_id is None
    assert room.state.recording.phase is RecordingPhase.ENDED


@pytest.mark.parametrize("deed", [c.StopMeetingRecording(HOST), c.EndMeeting(HOST)])
def test_it_ends_with_the_button_and_with_the_meeting(deed: c.MeetingDeed) -> None:
    room = recording(TAXPAYER)
    told = room.run(deed)
    assert [e for e in told if isinstance(e, EndRecording)] == [EndRecording("r1")]
    assert who(room) == set()
    assert Record("recording_ended", None) in told


def test_the_chat_says_so_and_every_answer_is_kept() -> None:
    room = Chamber().admitted(TAXPAYER)
    before = room.state
    room.run(c.StartMeetingRecording(HOST, "r1"))
    assert "开始录制" in room.state.messages[-1].text
    kept = meeting_keeping.between(before, room.state, 5)
    assert KeptMeetingRecording("r1", "m1", HOST, room.now_ms) in kept
    assert KeptMeetingConsent("r1", "m1", TAXPAYER, Consent.ASKED, 5) in kept
    before = room.state
    room.run(c.AnswerMeetingRecording(TAXPAYER, given=False))
    assert meeting_keeping.between(before, room.state, 6) == (
        KeptMeetingConsent("r1", "m1", TAXPAYER, Consent.REFUSED, 6),
    )
    before = room.state
    room.run(c.StopMeetingRecording(HOST))
    ended = KeptMeetingRecording("r1", "m1", HOST, before.recording.started_at or 0, 7)
    assert ended in meeting_keeping.between(before, room.state, 7)
