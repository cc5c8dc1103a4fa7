"""Rules of a mediation meeting (R6)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from media.types import Source, TransportKind, TransportState
from signaling.errors import ErrorCode
from signaling.sessions import meeting_commands as c
from signaling.sessions.commands import (
    MemberConnected,
    MemberDisconnected,
    TrackStarted,
    TrackStopped,
    TransportMoved,
)
from signaling.sessions.effects import AddPeer, CloseMedia, RemovePeer, SetGrant, SetMuted, TellMessage
from signaling.sessions.meeting_effects import (
    TellAdmitted,
    TellLobby,
    TellMeeting,
    TellMeetingLeft,
    TellMeetingMember,
    TellMeetingTransport,
    TellUnmuteAsked,
)
from signaling.sessions.meeting_rights import grant
from signaling.sessions.meeting_states import (
    MediationPhase,
    MeetingEnd,
    MeetingLeft,
    MeetingPhase,
    MeetingRole,
)
from signaling.sessions.policy import SCREEN, VOICE_AND_FACE
from signaling.sessions.states import Presence, Role
from tests.unit.signaling.chamber import APPLICATION, DEPUTY, EXPERT, HOST, TAXPAYER, Chamber

MIC, CAMERA = Source.MICROPHONE, Source.CAMERA


def lines(room: Chamber) -> list[str]:
    return [m.text for m in room.state.messages if m.sender_id is None]


# The lobby


def test_who_comes_before_the_host_waits_and_the_dispatched_agent_is_host_at_once() -> None:
    room = Chamber()
    room.enter(TAXPAYER)
    assert room.state.phase is MeetingPhase.SCHEDULED
    assert [w.person_id for w in room.state.waiting] == [TAXPAYER]
    room.enter(HOST)
    assert room.state.phase is MeetingPhase.RUNNING
    assert room.state.host_id == HOST
    assert room.state.application.phase is MediationPhase.IN_PROGRESS
    assert room.state.find(TAXPAYER) is None
    assert lines(room)[:2] == ["会议已开始。", f"税务人员 {HOST} 已进入会议。"]
    effects = room.run(c.Admit(HOST, TAXPAYER))
    assert room.state.waiting == ()
    assert AddPeer(TAXPAYER) in effects
    assert SetGrant(TAXPAYER, VOICE_AND_FACE, narrows=False) in effects
    assert TellAdmitted(TAXPAYER) in effects
    assert TellMeetingMember(TAXPAYER) in effects
    assert TellLobby() in effects


def test_who_waits_may_nothing_but_leave() -> None:
    room = Chamber().admitted()
    room.enter(TAXPAYER)
    for deed in (
        c.SayInMeeting(TAXPAYER, "c1", "您好"),
        c.UseMeetingMedia(TAXPAYER),
        c.ReadMeeting(TAXPAYER),
        c.Admit(TAXPAYER, TAXPAYER),
        c.EndMeeting(TAXPAYER),
    ):
        assert room.refused(deed) is ErrorCode.NOT_FOUND
    room.run(c.Leave(TAXPAYER))
    assert room.state.waiting == ()


def test_a_refused_person_is_told_and_may_knock_again() -> None:
    room = Chamber().admitted()
    room.enter(TAXPAYER)
    assert TellMeetingLeft(TAXPAYER, MeetingLeft.REFUSED) in room.run(c.RefuseEntry(HOST, TAXPAYER))
    room.enter(TAXPAYER)
    assert room.state.find_waiting(TAXPAYER) is not None
    assert not [e for e in room.run(c.Leave(TAXPAYER)) if isinstance(e, TellMeetingLeft)]


def test_everybody_is_admitted_as_far_as_there_is_room() -> None:
    room = Chamber().admitted(DEPUTY)
    for person in ("p1", "p2", "p3"):
        room.enter(person)
    assert room.refused(c.Enter("p4", Role.TAXPAYER, "p4")) is ErrorCode.MEETING_FULL
    room.run(c.Admit(HOST, None))
    assert len(room.state.present) == room.state.settings.max_present
    assert [w.person_id for w in room.state.waiting] == ["p3"]
    assert room.refused(c.Admit(HOST, "p3")) is ErrorCode.MEETING_FULL


def test_a_locked_meeting_takes_nobody_new_but_whom_it_knows() -> None:
    room = Chamber().admitted(TAXPAYER)
    room.run(c.SetLock(HOST, True))
    assert room.refused(c.Enter("p9", Role.TAXPAYER, "p9")) is ErrorCode.MEETING_LOCKED
    room.run(c.Leave(TAXPAYER))
    room.enter(TAXPAYER)
    assert room.member(TAXPAYER).presence is Presence.ONLINE
    room.run(c.SetLock(HOST, False))
    room.enter("p9")
    assert lines(room)[-1] == "会议已解除锁定。"


def test_who_drops_in_the_lobby_is_forgotten_after_the_grace_period() -> None:
    room = Chamber().admitted()
    room.enter(TAXPAYER)
    room.run(MemberDisconnected(TAXPAYER))
    room.wait(29_999)
    assert room.state.find_waiting(TAXPAYER) is not None
    room.run(MemberConnected(TAXPAYER, resumed=True))
    room.wait(60_000)
    assert room.state.find_waiting(TAXPAYER) is not None
    room.run(MemberDisconnected(TAXPAYER))
    room.wait(30_000)
    assert room.state.waiting == ()


# Roles


def test_only_the_host_does_what_hosts_do() -> None:
    room = Chamber().admitted(DEPUTY, TAXPAYER)
    deeds = (
        c.Admit(DEPUTY, None),
        c.RemoveMember(DEPUTY, TAXPAYER),
        c.SetLock(DEPUTY, True),
        c.SetMeetingRole(DEPUTY, TAXPAYER, MeetingRole.OBSERVER),
        c.HandOver(DEPUTY, TAXPAYER),
        c.MuteMember(DEPUTY, TAXPAYER, MIC, False),
        c.AskUnmute(DEPUTY, TAXPAYER, MIC),
        c.EndMeeting(DEPUTY),
    )
    for deed in deeds:
        assert room.refused(deed) is ErrorCode.NOT_ALLOWED
    for deed in (
        c.RemoveMember(HOST, HOST),
        c.HandOver(HOST, HOST),
        c.MuteMember(HOST, HOST, MIC, True),
        c.SetMeetingRole(HOST, HOST, MeetingRole.OBSERVER),
    ):
        assert room.refused(deed) is ErrorCode.NOT_ALLOWED


def test_a_removed_member_is_cut_told_and_does_not_come_back() -> None:
    room = Chamber().admitted(TAXPAYER)
    effects = room.run(c.RemoveMember(HOST, TAXPAYER))
    assert effects[0] == RemovePeer(TAXPAYER)
    assert TellMeetingLeft(TAXPAYER, MeetingLeft.REMOVED) in effects
    assert room.refused(c.Enter(TAXPAYER, Role.TAXPAYER, "x")) is ErrorCode.MEETING_REMOVED
    assert room.refused(c.SayInMeeting(TAXPAYER, "c", "x")) is ErrorCode.NOT_FOUND


def test_an_observer_sends_nothing_and_loses_the_screen() -> None:
    room = Chamber().admitted(TAXPAYER)
    room.shares(TAXPAYER)
    effects = room.run(c.SetMeetingRole(HOST, TAXPAYER, MeetingRole.OBSERVER))
    assert SetGrant(TAXPAYER, frozenset(), narrows=True) in effects
    assert room.state.sharer_id is None
    assert room.member(TAXPAYER).tracks == frozenset()
    assert room.refused(c.SayInMeeting(TAXPAYER, "c", "x")) is ErrorCode.NOT_ALLOWED
    assert room.refused(c.EditNotes(TAXPAYER)) is ErrorCode.NOT_ALLOWED
    room.run(c.RaiseHand(TAXPAYER, True))
    room.run(c.UseMeetingMedia(TAXPAYER))
    room.run(c.SetMeetingRole(HOST, TAXPAYER, MeetingRole.PARTICIPANT))
    assert grant(room.state, room.member(TAXPAYER)) == VOICE_AND_FACE


def test_the_host_role_is_handed_on_to_staff_alone() -> None:
    room = Chamber().admitted(DEPUTY, TAXPAYER)
    assert room.refused(c.HandOver(HOST, TAXPAYER)) is ErrorCode.HOST_MUST_BE_STAFF
    effects = room.run(c.HandOver(HOST, DEPUTY))
    assert room.state.host_id == DEPUTY
    assert TellMeeting() in effects
    assert {TellMeetingMember(HOST), TellMeetingMember(DEPUTY)} <= set(effects)
    assert room.refused(c.EndMeeting(HOST)) is ErrorCode.NOT_ALLOWED
    assert lines(room)[-1] == f"税务人员 {DEPUTY} 已成为主持人。"


def test_when_the_host_leaves_the_next_of_staff_follows_and_never_a_taxpayer() -> None:
    room = Chamber().admitted(TAXPAYER, DEPUTY)
    room.run(c.Leave(HOST))
    assert room.state.host_id == DEPUTY
    room.enter(HOST)
    assert room.state.host_id == DEPUTY  # whoever hosts now goes on
    room.run(c.Leave(HOST))
    room.run(c.Leave(DEPUTY))
    assert room.state.host_id is None
    assert room.state.phase is MeetingPhase.RUNNING
    room.enter(HOST)
    assert room.state.host_id == HOST


def test_a_host_who_drops_keeps_the_role_for_the_grace_period() -> None:
    room = Chamber().admitted(DEPUTY, TAXPAYER)
    room.run(MemberDisconnected(HOST))
    room.wait(29_999)
    assert room.state.host_id == HOST
    assert room.member(HOST).presence is Presence.RECONNECTING
    room.wait(1)
    assert room.state.host_id == DEPUTY
    assert room.member(HOST).presence is Presence.LEFT


def test_a_meeting_nobody_hosts_ends_after_a_while() -> None:
    room = Chamber().admitted(TAXPAYER)
    room.run(c.Leave(HOST))
    room.wait(599_999)
    assert room.state.phase is MeetingPhase.RUNNING
    room.wait(1)
    assert room.state.end_reason is MeetingEnd.NO_HOST
    assert room.dissolved
    assert room.state.application.phase is MediationPhase.DONE


def test_another_agent_it_is_dispatched_to_gets_in_from_the_lobby() -> None:
    room = Chamber()
    room.enter(DEPUTY)
    again = replace(APPLICATION, agent_id=DEPUTY)
    effects = room.run(c.ApplicationDispatched(again))
    assert room.state.host_id == DEPUTY
    assert TellAdmitted(DEPUTY) in effects
    room.enter(HOST)
    assert room.state.find_waiting(HOST) is not None


def test_end_for_all() -> None:
    room = Chamber().admitted(DEPUTY)
    room.enter(TAXPAYER)
    effects = room.run(c.EndMeeting(HOST))
    assert effects[0] == CloseMedia()
    left = {e.person_id: e.reason for e in effects if isinstance(e, TellMeetingLeft)}
    assert left == dict.fromkeys((HOST, DEPUTY, TAXPAYER), MeetingLeft.ENDED)
    assert room.dissolved
    assert room.state.present == ()
    assert room.refused(c.Enter(HOST, Role.TAXPAYER, "x")) is ErrorCode.MEETING_ENDED
    assert room.refused(c.SayInMeeting(HOST, "c", "x")) is ErrorCode.MEETING_ENDED


# Microphone, camera, screen


def test_the_host_mutes_and_who_is_muted_may_speak_again() -> None:
    room = Chamber().admitted(TAXPAYER)
    room.run(TrackStarted(TAXPAYER, MIC))
    effects = room.run(c.MuteMember(HOST, TAXPAYER, MIC, False))
    assert SetMuted(TAXPAYER, MIC, muted=True) in effects
    assert SetMuted(TAXPAYER, MIC, muted=False) in room.run(c.MuteSelf(TAXPAYER, MIC, False))


def test_who_is_held_speaks_only_when_asked() -> None:
    room = Chamber().admitted(DEPUTY, TAXPAYER)
    room.run(TrackStarted(TAXPAYER, MIC))
    room.run(c.MuteMember(HOST, None, MIC, True))
    assert room.member(HOST).muted == frozenset()
    assert room.member(DEPUTY).held == {MIC}
    assert room.refused(c.MuteSelf(TAXPAYER, MIC, False)) is ErrorCode.MUTED_BY_HOST
    effects = room.run(c.AskUnmute(HOST, TAXPAYER, MIC))
    assert TellUnmuteAsked(TAXPAYER, MIC) in effects
    assert room.member(TAXPAYER).muted == {MIC}  # nobody is made to speak
    room.run(c.MuteSelf(TAXPAYER, MIC, False))
    assert room.member(TAXPAYER).muted == frozenset()
    assert room.refused(c.MuteSelf(DEPUTY, MIC, False)) is ErrorCode.MUTED_BY_HOST


def test_being_held_outlives_leaving_and_coming_back() -> None:
    room = Chamber().admitted(TAXPAYER)
    room.run(c.MuteMember(HOST, TAXPAYER, MIC, True))
    room.run(c.Leave(TAXPAYER))
    effects = room.run(c.Enter(TAXPAYER, Role.TAXPAYER, "x"))
    assert SetMuted(TAXPAYER, MIC, muted=True) in effects
    muted_at = effects.index(SetMuted(TAXPAYER, MIC, muted=True))
    assert muted_at < effects.index(SetGrant(TAXPAYER, VOICE_AND_FACE, narrows=False))


def test_a_screen_cannot_be_muted_by_others() -> None:
    room = Chamber().admitted(TAXPAYER)
    deed = c.MuteMember(HOST, TAXPAYER, Source.SCREEN, False)
    assert room.refused(deed) is ErrorCode.OUTSIDE_GRANT


def test_one_screen_at_a_time_and_the_host_takes_over() -> None:
    room = Chamber().admitted(DEPUTY, TAXPAYER)
    screen = c.OfferMeetingMedia(TAXPAYER, frozenset({Source.SCREEN}), True)
    assert room.refused(screen) is ErrorCode.OUTSIDE_GRANT
    room.shares(TAXPAYER)
    assert room.refused(c.StartShare(DEPUTY, True)) is ErrorCode.SHARE_TAKEN
    assert room.refused(c.StartShare(HOST, False)) is ErrorCode.SHARE_TAKEN
    effects = room.run(c.StartShare(HOST, True))
    taken = effects.index(SetGrant(TAXPAYER, VOICE_AND_FACE, narrows=True))
    given = effects.index(SetGrant(HOST, VOICE_AND_FACE | SCREEN, narrows=False))
    assert taken < given
    assert room.member(TAXPAYER).tracks == frozenset()
    assert room.refused(c.StopShare(TAXPAYER)) is ErrorCode.NOT_ALLOWED
    room.run(c.StopShare(HOST))
    assert room.state.sharer_id is None


def test_the_screen_is_given_back_when_no_picture_comes() -> None:
    room = Chamber().admitted(TAXPAYER)
    room.run(c.StartShare(TAXPAYER, False))
    room.wait(60_000)
    assert room.state.sharer_id is None
    room.shares(TAXPAYER)
    room.wait(600_000)
    assert room.state.sharer_id == TAXPAYER
    room.run(TrackStopped(TAXPAYER, Source.SCREEN))
    room.wait(60_000)
    assert room.state.sharer_id is None


def test_the_screen_goes_with_who_shares_it() -> None:
    for gone in (c.Leave(TAXPAYER), c.RemoveMember(HOST, TAXPAYER)):
        room = Chamber().admitted(TAXPAYER)
        room.shares(TAXPAYER)
        room.run(gone)
        assert room.state.sharer_id is None
        assert room.state.share_by is None


# Presence


def test_a_page_loaded_anew_enters_again_and_its_older_media_is_cut() -> None:
    room = Chamber().admitted(TAXPAYER)
    room.shares(TAXPAYER)
    effects = room.run(MemberConnected(TAXPAYER, resumed=False))
    assert effects[0] == RemovePeer(TAXPAYER)
    assert room.member(TAXPAYER).presence is Presence.RECONNECTING
    assert room.state.sharer_id is None
    room.enter(TAXPAYER)
    assert room.member(TAXPAYER).presence is Presence.ONLINE
    room.run(MemberDisconnected(TAXPAYER))
    effects = room.run(MemberConnected(TAXPAYER, resumed=True))
    assert RemovePeer(TAXPAYER) not in effects
    assert room.member(TAXPAYER).presence is Presence.ONLINE


def test_a_lost_transport_is_told_to_its_owner_and_shown_to_all() -> None:
    room = Chamber().admitted(TAXPAYER)
    room.run(TransportMoved(TAXPAYER, TransportKind.PUBLISH, TransportState.CONNECTED))
    effects = room.run(TransportMoved(TAXPAYER, TransportKind.PUBLISH, TransportState.FAILED))
    assert TellMeetingMember(TAXPAYER) in effects
    assert TellMeetingTransport(TAXPAYER, TransportKind.PUBLISH, TransportState.FAILED) in effects
    room.run(TransportMoved("nobody", TransportKind.PUBLISH, TransportState.FAILED))


def test_hands_are_raised_by_oneself_and_lowered_by_the_host_too() -> None:
    room = Chamber().admitted(DEPUTY, TAXPAYER)
    room.run(c.RaiseHand(TAXPAYER, True))
    raised_at = room.member(TAXPAYER).hand_raised_at
    room.now_ms += 5
    room.run(c.RaiseHand(TAXPAYER, True))
    assert room.member(TAXPAYER).hand_raised_at == raised_at
    assert room.refused(c.RaiseHand(DEPUTY, False, TAXPAYER)) is ErrorCode.NOT_ALLOWED
    assert room.refused(c.RaiseHand(HOST, True, DEPUTY)) is ErrorCode.NOT_ALLOWED
    room.run(c.RaiseHand(HOST, False, TAXPAYER))
    assert room.member(TAXPAYER).hand_raised_at is None


def test_a_text_said_twice_is_there_once() -> None:
    room = Chamber().admitted(TAXPAYER)
    first = room.run(c.SayInMeeting(TAXPAYER, "c1", "您好"))
    assert any(isinstance(e, TellMessage) and e.message.text == "您好" for e in first)
    assert room.run(c.SayInMeeting(TAXPAYER, "c1", "您好")) == []
    assert [m.text for m in room.state.messages if m.sender_id is not None] == ["您好"]


@pytest.mark.parametrize("person", [HOST, TAXPAYER])
def test_entering_twice_changes_nothing(person: str) -> None:
    room = Chamber().admitted(TAXPAYER)
    before = room.state
    room.enter(person)
    assert room.state == before
    assert room.state.find(EXPERT) is None
