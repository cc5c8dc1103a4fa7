"""Synthetic peers against a real server: real ICE, DTLS and media, through the ordinary wire."""

from __future__ import annotations

import json

import pytest

from rtc_server.loadtest import figures
from rtc_server.loadtest.call import Kind, Plan, Way, drive
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
