"""Synthetic peers against a real server: real ICE, DTLS and media, through the ordinary wire."""

from __future__ import annotations

import json

import pytest

from rtc_server.loadtest import figures
from rtc_server.loadtest.call import EndpointKind, Kind, Plan, Way, drive
from rtc_server.loadtest.impairment import parse

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]


async def test_two_calls_send_and_receive_everything_whole() -> None:
    course = await drive(Plan(kind=Kind.AV, rooms=2, seconds=5), lambda _: None)
    found = figures.figures(course)
    assert figures.missed(found, figures.Thresholds()) == []
    assert found.tracks_received == 8
    assert found.pictures_read > 20
    assert found.loss_percent == 0
    assert found.latency_video_p50_ms is not None
    assert found.server_memory_mb > 0
    json.dumps(figures.as_json(course, found, []))


async def test_an_assistance_from_the_queue_over_a_bad_line() -> None:
    plan = Plan(kind=Kind.ASSIST, rooms=1, seconds=3, way=Way.QUEUE, impairment=parse("loss=5%,delay=20ms"))
    course = await drive(plan, lambda _: None)
    found = figures.figures(course)
    assert figures.missed(found, figures.Thresholds()) == []
    assert found.datagrams_dropped > 0
    assert found.latency_video_p50_ms is not None
    assert found.latency_video_p50_ms >= 20


async def test_a_meeting_of_native_peers_and_a_second_implementation() -> None:
    """The applicant is aiortc: real encoders and decoders on both sides of the lobby."""
    plan = Plan(kind=Kind.MEETING, rooms=1, peers=6, seconds=4, endpoint=EndpointKind.MIXED)
    course = await drive(plan, lambda _: None)
    found = figures.figures(course)
    assert figures.missed(found, figures.Thresholds()) == []
    # Everybody sees the five others and hears those of the four speakers who are not themselves.
    assert found.tracks_expected == 6 * 5 + 4 * 3 + 2 * 4
    assert found.bitrate > 0
    (room,) = course.groups
    second = room.taxpayer.person_id
    seen = {one.publisher: one for one in figures.tracks(course) if one.receiver == second and one.video}
    assert len(seen) == 5
    for publisher, track in seen.items():
        assert track.video is not None
        assert track.video.frames > 20, f"{publisher} stood still"
    told = [one for one in figures.tracks(course) if one.publisher == second and one.video]
    assert len(told) == 5


@pytest.mark.long
async def test_a_call_of_three_of_the_second_implementation_alone() -> None:
    """Each receives two pictures and tells the bandwidth of each by itself: neither keeps the other from being sent."""
    plan = Plan(kind=Kind.THREE_PARTY, rooms=1, peers=3, seconds=8, endpoint=EndpointKind.AIORTC)
    found = figures.figures(course := await drive(plan, lambda _: None))
    assert figures.missed(found, figures.Thresholds()) == []
    assert found.latency_video_p50_ms is not None
    assert found.pictures_read > 100
    for track in figures.tracks(course):
        if track.video is not None:
            assert track.video.frames > 40, f"{track.publisher} to {track.receiver} stood still"
