"""Presence, conversation, closing: the rules around the two calls."""

from __future__ import annotations

import pytest

from media.types import Source, TransportKind, TransportState
from signaling.errors import ErrorCode
from signaling.sessions import commands as c
from signaling.sessions.effects import (
    AddPeer,
    CancelTimer,
    CloseMedia,
    Dissolve,
    Record,
    RemovePeer,
    TellInteraction,
    TellMember,
    TellMessage,
    TellTransport,
    TimerKind,
)
from signaling.sessions.policy import SCREEN, VOICE_AND_FACE
from signaling.sessions.settings import SessionSettings
from signaling.sessions.states import DeviceProblem, EndReason, Presence
from tests.unit.signaling.desk import AGENT, TAXPAYER, Desk


def presence(desk: Desk, person: str) -> Presence:
    return desk.state.member(person).presence


def test_a_stranger_may_not_even_know() -> None:
    assert Desk().refusal(c.HangUpCall("somebody")) is ErrorCode.NOT_FOUND


def test_both_at_once_grant_the_union_and_each_end_takes_its_own() -> None:
    desk = Desk().sharing()
    desk.active()
    assert desk.engine.grants == {TAXPAYER: SCREEN | VOICE_AND_FACE, AGENT: VOICE_AND_FACE}
    desk.do(c.HangUpAssistance(AGENT))
    assert desk.engine.grants[TAXPAYER] == VOICE_AND_FACE
    assert desk.call == "active"
    desk.sharing()
    desk.do(c.HangUpCall(TAXPAYER))
    assert desk.engine.grants == {TAXPAYER: SCREEN, AGENT: frozenset()}
    assert desk.assistance == "sharing"


def test_a_lost_connection_is_waited_for() -> None:
    desk = Desk().active()
    desk.do(c.MemberDisconnected(TAXPAYER))
    assert presence(desk, TAXPAYER) is Presence.RECONNECTING
    assert desk.engine.grants[TAXPAYER] == VOICE_AND_FACE, "media lives on"
    desk.advance(desk.settings.reconnect_grace_ms - 1)
    desk.do(c.MemberConnected(TAXPAYER, resumed=True))
    desk.advance(desk.settings.reconnect_grace_ms)
    assert presence(desk, TAXPAYER) is Presence.ONLINE
    assert desk.call == "active"
    assert desk.timers == {}


@pytest.mark.parametrize("who", [TAXPAYER, AGENT])
def test_who_does_not_come_back_has_left_and_what_ran_is_over(who: str) -> None:
    desk = Desk().sharing().active()
    desk.do(c.MemberDisconnected(who))
    desk.advance(desk.settings.reconnect_grace_ms)
    assert presence(desk, who) is Presence.LEFT
    for ended in (desk.state.assistance, desk.state.call):
        assert (ended.end_reason, ended.ended_by) == (EndReason.MEMBER_LEFT, who)
    assert who not in desk.engine.grants
    assert desk.state.member(who).tracks == frozenset()


def test_a_second_disconnect_does_not_put_the_end_off() -> None:
    desk = Desk()
    desk.do(c.MemberDisconnected(TAXPAYER))
    desk.advance(20_000)
    desk.do(c.MemberDisconnected(TAXPAYER))
    desk.advance(10_000)
    assert presence(desk, TAXPAYER) is Presence.LEFT


def test_who_left_may_do_nothing_until_they_come_back() -> None:
    desk = Desk()
    desk.do(c.MemberDisconnected(TAXPAYER))
    desk.advance(desk.settings.reconnect_grace_ms)
    assert desk.refusal(c.RequestAssistance(TAXPAYER)) is ErrorCode.NOT_A_MEMBER
    effects = desk.do(c.MemberConnected(TAXPAYER, resumed=True))
    assert AddPeer(TAXPAYER) in effects
    assert Record("member_returned", TAXPAYER) in effects
    assert desk.refusal(c.RequestAssistance(TAXPAYER)) is None


def test_an_abandoned_interaction_closes() -> None:
    desk = Desk()
    desk.do(c.MemberDisconnected(TAXPAYER))
    desk.advance(desk.settings.reconnect_grace_ms + desk.settings.abandoned_timeout_ms - 1)
    assert desk.state.phase == "open"
    desk.advance(1)
    assert desk.state.phase == "closed"
    assert desk.state.closed_by is None


def test_a_taxpayer_who_comes_back_late_finds_it_open() -> None:
    desk = Desk()
    desk.do(c.MemberDisconnected(TAXPAYER))
    desk.advance(desk.settings.reconnect_grace_ms + 60_000)
    desk.do(c.MemberConnected(TAXPAYER, resumed=False))
    desk.advance(desk.settings.abandoned_timeout_ms)
    assert desk.state.phase == "open"


def test_an_agent_who_left_does_not_close_it() -> None:
    desk = Desk()
    desk.do(c.MemberDisconnected(AGENT))
    desk.advance(3_600_000)
    assert desk.state.phase == "open"


def test_another_page_is_another_peer() -> None:
    desk = Desk().sharing()
    effects = desk.do(c.MemberConnected(TAXPAYER, resumed=False))
    kinds = [type(e) for e in effects if isinstance(e, RemovePeer | AddPeer)]
    assert kinds == [RemovePeer, AddPeer]
    assert desk.state.assistance.problem is DeviceProblem.CAPTURE_ENDED
    assert not [e for e in effects if isinstance(e, TellTransport)], "they were the older page's"
    desk.send(TAXPAYER, Source.SCREEN)
    assert desk.assistance == "sharing"


def test_a_reload_that_brings_no_media_back_ends_what_ran() -> None:
    desk = Desk().active()
    desk.do(c.MemberConnected(TAXPAYER, resumed=False))
    assert desk.call == "active"
    desk.advance(desk.settings.media_lost_timeout_ms)
    assert desk.state.call.end_reason is EndReason.NETWORK_LOST


@pytest.mark.parametrize("who", [TAXPAYER, AGENT])
def test_either_closes_and_everything_ends_in_order(who: str) -> None:
    desk = Desk().sharing().active()
    effects = desk.do(c.CloseInteraction(who))
    assert desk.state.closed_by == who
    for ended in (desk.state.assistance, desk.state.call):
        assert (ended.end_reason, ended.ended_by) == (EndReason.INTERACTION_CLOSED, who)
    assert not desk.engine.open
    kinds = [type(effect) for effect in effects]
    assert kinds.index(CloseMedia) < kinds.index(TellInteraction) < kinds.index(Dissolve)
    assert kinds[-1] is Dissolve
    assert CancelTimer not in kinds[kinds.index(CloseMedia) :]
    assert desk.timers == {}


def test_nothing_happens_after_the_end() -> None:
    desk = Desk()
    desk.do(c.CloseInteraction(AGENT))
    state = desk.state
    assert desk.refusal(c.RequestAssistance(TAXPAYER)) is ErrorCode.INTERACTION_CLOSED
    for report in (
        c.MemberDisconnected(TAXPAYER),
        c.MemberConnected(TAXPAYER, resumed=False),
        c.TrackStarted(TAXPAYER, Source.SCREEN),
        c.Shutdown(),
    ):
        assert desk.do(report) == ()
    assert desk.state is state


def test_the_server_stops() -> None:
    desk = Desk().active()
    desk.do(c.Shutdown())
    assert desk.state.call.end_reason is EndReason.SERVER_STOPPING
    assert desk.state.phase == "closed"


def test_messages_are_numbered_without_gaps_and_the_last_are_kept() -> None:
    desk = Desk(SessionSettings(kept_messages=5))
    for number in range(10):
        effects = desk.do(c.PostMessage(TAXPAYER, f"m{number}", f"第 {number} 句"))
        assert len([e for e in effects if isinstance(e, TellMessage)]) == 1
    assert [m.seq for m in desk.state.messages] == [7, 8, 9, 10, 11]


def test_a_repeated_message_adds_nothing() -> None:
    desk = Desk()
    desk.do(c.PostMessage(TAXPAYER, "m", "您好"))
    assert desk.do(c.PostMessage(TAXPAYER, "m", "您好")) == ()
    desk.do(c.PostMessage(AGENT, "m", "您好"))
    assert [m.sender_id for m in desk.state.messages if m.sender_id] == [TAXPAYER, AGENT]


def test_what_others_see_of_a_member_is_told_once_it_changes() -> None:
    desk = Desk().active()
    measured = c.QualityMeasured(TAXPAYER, TransportKind.PUBLISH, 3)
    assert desk.do(measured) == (TellMember(TAXPAYER),)
    assert desk.do(measured) == ()
    assert desk.do(c.TrackStarted(TAXPAYER, Source.CAMERA)) == ()
    worse = c.QualityMeasured(TAXPAYER, TransportKind.SUBSCRIBE, 1)
    assert desk.do(worse) == (TellMember(TAXPAYER),)
    assert desk.state.member(TAXPAYER).quality == 1


def test_a_timer_too_early_changes_nothing() -> None:
    desk = Desk().sharing().active()
    desk.do(c.MemberDisconnected(TAXPAYER))
    desk.do(c.TransportMoved(AGENT, TransportKind.PUBLISH, TransportState.FAILED))
    for kind in TimerKind:
        for person in (None, TAXPAYER, AGENT):
            if (kind in (TimerKind.RECONNECT, TimerKind.MEDIA_LOST)) == (person is not None):
                before = desk.state
                desk.do(c.TimerFired(type(next(iter(desk.timers)))(kind, person)))
                assert desk.state == before


def test_between_two_calls_transports_may_go() -> None:
    desk = Desk().active()
    desk.do(c.HangUpCall(AGENT))
    for person in (TAXPAYER, AGENT):
        for kind in TransportKind:
            desk.do(c.TransportMoved(person, kind, TransportState.CLOSED))
    desk.connecting()
    desk.advance(desk.settings.media_lost_timeout_ms)
    assert desk.call == "connecting"
