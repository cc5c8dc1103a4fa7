"""Rules of devices in a meeting, and what of their descriptions is read."""

from __future__ import annotations

import pytest

from media.types import Source, TransportKind, TransportState
from signaling.errors import BadInput, ErrorCode
from signaling.rooms.stream_sdp import fragment_of, one_way, read_fragment, read_offer, restarted, tracks_of
from signaling.sessions import meeting_commands as c
from signaling.sessions.commands import TransportMoved
from signaling.sessions.meeting_rights import grant
from signaling.sessions.meeting_states import MeetingRole
from signaling.sessions.meeting_streams import Stream, StreamAccess
from signaling.sessions.states import Presence, Role
from tests.unit.signaling.chamber import HOST, TAXPAYER, Chamber

HOUR_MS = 3_600_000


def a_stream(
    chamber: Chamber,
    stream_id: str = "s1",
    access: StreamAccess = StreamAccess.PUBLISH,
    source: Source = Source.CAMERA,
) -> Stream:
    now = chamber.now_ms
    return Stream(stream_id, access, "演播室", source, HOST, Role.AGENT, now, now + HOUR_MS)


def entered(chamber: Chamber, stream: Stream) -> Stream:
    chamber.run(c.AddStream(HOST, stream))
    chamber.run(c.EnterStream(stream.stream_id))
    connected = TransportMoved(stream.person_id, TransportKind.PUBLISH, TransportState.CONNECTED)
    chamber.run(connected)
    return stream


def test_a_device_comes_by_a_link_of_the_host_alone() -> None:
    chamber = Chamber().admitted(TAXPAYER)
    stream = a_stream(chamber)
    assert chamber.refused(c.AddStream(TAXPAYER, stream)) is ErrorCode.NOT_ALLOWED
    assert chamber.refused(c.EnterStream("s1")) is ErrorCode.STREAM_REVOKED
    entered(chamber, stream)
    member = chamber.member(stream.person_id)
    assert member.presence is Presence.ONLINE
    assert grant(chamber.state, member) == {Source.CAMERA, Source.MICROPHONE}
    assert chamber.state.messages[-1].text == "推流 演播室 已进入会议。"


def test_a_viewer_publishes_nothing_and_is_seen() -> None:
    chamber = Chamber().admitted()
    stream = entered(chamber, a_stream(chamber, access=StreamAccess.VIEW))
    member = chamber.member(stream.person_id)
    assert grant(chamber.state, member) == frozenset()
    assert chamber.state.seat(member) is MeetingRole.OBSERVER
    refused = chamber.refused(c.SetMeetingRole(HOST, stream.person_id, MeetingRole.PARTICIPANT))
    assert refused is ErrorCode.NOT_ALLOWED


def test_a_device_never_hosts_although_its_link_is_of_staff() -> None:
    chamber = Chamber().admitted()
    stream = entered(chamber, a_stream(chamber))
    assert chamber.refused(c.HandOver(HOST, stream.person_id)) is ErrorCode.HOST_MUST_BE_STAFF
    chamber.run(c.Leave(HOST))
    assert chamber.state.host_id is None
    assert chamber.refused(c.Enter(stream.person_id, Role.TAXPAYER, "x")) is ErrorCode.NOT_ALLOWED


def test_its_link_ends_it() -> None:
    chamber = Chamber().admitted()
    stream = entered(chamber, a_stream(chamber))
    chamber.wait(HOUR_MS)
    assert not chamber.member(stream.person_id).present
    assert chamber.refused(c.EnterStream("s1")) is ErrorCode.STREAM_REVOKED
    second = entered(chamber, a_stream(chamber, "s2"))
    chamber.run(c.RevokeStream(HOST, "s2"))
    assert not chamber.member(second.person_id).present
    third = entered(chamber, a_stream(chamber, "s3"))
    chamber.run(c.RemoveMember(HOST, third.person_id))
    assert chamber.refused(c.EnterStream("s3")) is ErrorCode.STREAM_REVOKED


def test_a_device_whose_transport_is_gone_leaves_after_the_grace_period() -> None:
    chamber = Chamber().admitted()
    stream = entered(chamber, a_stream(chamber))
    chamber.run(TransportMoved(stream.person_id, TransportKind.PUBLISH, TransportState.DISCONNECTED))
    assert chamber.member(stream.person_id).presence is Presence.RECONNECTING
    chamber.wait(chamber.state.settings.reconnect_grace_ms)
    assert not chamber.member(stream.person_id).present
    before = chamber.member(stream.person_id).peer_epoch
    chamber.run(c.EnterStream("s1"))
    assert chamber.member(stream.person_id).peer_epoch == before + 1


def test_a_screen_is_there_while_it_is_its_own() -> None:
    chamber = Chamber().admitted(TAXPAYER)
    chamber.shares(TAXPAYER)
    stream = a_stream(chamber, source=Source.SCREEN)
    chamber.run(c.AddStream(HOST, stream))
    assert chamber.refused(c.EnterStream("s1")) is ErrorCode.SHARE_TAKEN
    chamber.run(c.StopShare(TAXPAYER))
    chamber.run(c.EnterStream("s1"))
    assert grant(chamber.state, chamber.member(stream.person_id)) == {Source.SCREEN, Source.SCREEN_AUDIO}
    chamber.run(c.StartShare(HOST, True))
    assert not chamber.member(stream.person_id).present


def test_what_the_host_muted_of_a_device_the_host_frees() -> None:
    chamber = Chamber().admitted()
    stream = entered(chamber, a_stream(chamber))
    chamber.run(c.MuteMember(HOST, stream.person_id, Source.MICROPHONE, True))
    assert Source.MICROPHONE in chamber.member(stream.person_id).muted
    chamber.run(c.AskUnmute(HOST, stream.person_id, Source.MICROPHONE))
    assert chamber.member(stream.person_id).muted == frozenset()


def test_no_more_links_than_allowed_and_none_after_the_end() -> None:
    chamber = Chamber().admitted()
    for number in range(chamber.state.settings.max_streams):
        chamber.run(c.AddStream(HOST, a_stream(chamber, f"s{number}")))
    assert chamber.refused(c.AddStream(HOST, a_stream(chamber, "more"))) is ErrorCode.TOO_MANY_STREAMS
    chamber.run(c.EndMeeting(HOST))
    assert chamber.state.streams == ()
    assert chamber.refused(c.EnterStream("s0")) is ErrorCode.MEETING_ENDED


OFFER = (
    "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=ice-ufrag:abcd\r\n"
    "a=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 AA:BB\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=sendonly\r\na=candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=sendonly\r\n"
)


def code_of(text: str) -> ErrorCode:
    try:
        tracks_of(read_offer(text), a_stream(Chamber()))
    except BadInput as refused:
        return refused.code
    raise AssertionError("was taken")


def test_which_line_is_which_source() -> None:
    chamber = Chamber()
    offer = read_offer(OFFER)
    assert tracks_of(offer, a_stream(chamber)) == [("0", Source.MICROPHONE), ("1", Source.CAMERA)]
    screen = a_stream(chamber, source=Source.SCREEN)
    assert tracks_of(offer, screen) == [("0", Source.SCREEN_AUDIO), ("1", Source.SCREEN)]
    watching = read_offer(OFFER.replace("sendonly", "recvonly"))
    assert tracks_of(watching, a_stream(chamber, access=StreamAccess.VIEW)) == []


def test_a_line_that_is_bundle_only_is_not_refused() -> None:
    bundled = OFFER.replace("m=video 9", "m=video 0").replace("a=mid:1", "a=bundle-only\r\na=mid:1")
    offer = read_offer(bundled)
    assert not any(line.stopped for line in offer.lines)
    assert "m=video 9 UDP/TLS/RTP/SAVPF 96" in offer.sdp


@pytest.mark.parametrize(
    "both_ways",
    [
        OFFER.replace("sendonly", "sendrecv"),
        OFFER.replace("a=sendonly\r\n", ""),
        OFFER.replace("a=sendonly\r\n", "").replace("t=0 0\r\n", "t=0 0\r\na=sendrecv\r\n"),
    ],
)
def test_an_offer_both_ways_is_taken_one_way(both_ways: str) -> None:
    offer = read_offer(both_ways)
    for access, direction in ((StreamAccess.PUBLISH, "sendonly"), (StreamAccess.VIEW, "recvonly")):
        taken = one_way(offer, access)
        assert [line.direction for line in taken.lines] == [direction] * 2
        assert "sendrecv" not in taken.sdp
        assert taken.sdp.count(f"a={direction}\r\n") == 2
        assert (taken.ufrag, [line.mid for line in taken.lines]) == ("abcd", ["0", "1"])
        assert one_way(taken, access) == taken


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", ErrorCode.BAD_MESSAGE),
        (OFFER.replace("v=0", "v=1"), ErrorCode.BAD_MESSAGE),
        (OFFER.replace("a=mid:1", "a=mid:0"), ErrorCode.BAD_MESSAGE),
        (OFFER.replace("a=ice-pwd:", "a=ice-pwd:short "), ErrorCode.BAD_MESSAGE),
        (OFFER.replace("a=fingerprint", "a=print"), ErrorCode.BAD_MESSAGE),
        (OFFER + "rubbish\r\n", ErrorCode.BAD_MESSAGE),
        (OFFER.replace("BUNDLE 0 1", "BUNDLE 0"), ErrorCode.SDP_UNSUPPORTED),
        (OFFER.replace("sendonly", "recvonly"), ErrorCode.SDP_UNSUPPORTED),
        (OFFER.replace("sendonly", "inactive"), ErrorCode.SDP_UNSUPPORTED),
        (OFFER.replace("m=audio", "m=video"), ErrorCode.SDP_UNSUPPORTED),
        (OFFER.replace("m=audio", "m=application"), ErrorCode.SDP_UNSUPPORTED),
    ],
)
def test_offers_that_are_refused(text: str, code: ErrorCode) -> None:
    assert code_of(text) is code


def test_a_restart_is_the_same_offer_with_new_credentials() -> None:
    fragment = read_fragment("a=ice-ufrag:efgh\r\na=ice-pwd:" + "9" * 22 + "\r\n")
    again = restarted(read_offer(OFFER), fragment)
    read = read_offer(again.sdp)
    assert (read.ufrag, read.pwd) == ("efgh", "9" * 22)
    assert read.lines == read_offer(OFFER).lines
    assert "candidate" not in again.sdp
    assert "o=- 1 3 IN" in again.sdp


def test_fragments() -> None:
    text = "a=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\na=end-of-candidates\r\n"
    read = read_fragment(text)
    assert (read.mids, len(read.candidates), read.ufrag) == (("0",), 1, None)
    answer = OFFER.replace("a=ice-ufrag", "a=ice-lite\r\na=ice-ufrag")
    assert read_fragment(fragment_of(answer)).candidates == read.candidates
    for bad in (
        "",
        "a=mid:0\r\n",
        "v=0\r\n",
        "a=ice-ufrag:efgh\r\n",
        "a=candidate:x\r\n" * 33,
        "a=x\x00\r\n",
    ):
        with pytest.raises(BadInput):
            read_fragment(bad)
