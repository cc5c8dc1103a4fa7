"""SDP that is broken in every way one thinks of, and in those one does not, straight into a real engine.

Whatever comes in, exactly one reply goes out: an answer, or a refusal by one of the codes of the contract. No session
fails by a fault of the engine, and a good offer is answered afterwards.
"""

from __future__ import annotations

import asyncio
import json
import re
import select
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from aiortc import RTCSessionDescription
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media._engine import Engine
from media.events import MediaEvent, Reply, SessionFailed, parse_events
from media.types import EngineConfig, Source
from tests.harness.media_peer import peer_connection

CAPTURES = Path(__file__).parents[1] / "captures"
OFFERS = sorted(CAPTURES.glob("*_offer.sdp"))
PUBLISH_CODES = {"bad_sdp", "outside_grant", "bad_argument"}
ANSWER_CODES = {"bad_sdp", "wrong_state"}


class Driver:
    """One command at a time, and what the engine said meanwhile."""

    def __init__(self) -> None:
        self.engine = Engine(json.dumps(asdict(EngineConfig())))
        self.events: list[MediaEvent] = []

    def reply(self, request_id: int) -> Reply:
        while True:
            ready, _, _ = select.select([self.engine.event_fd], [], [], 10)
            assert ready, "the engine did not answer"
            for event in parse_events(self.engine.poll_events()):
                if isinstance(event, Reply) and event.request_id == request_id:
                    return event
                self.events.append(event)

    def publish(self, sdp: str, tracks: list[tuple[str, str]], fresh: bool = True) -> Reply:
        return self.reply(self.engine.publish("room", "peer", sdp, tracks, fresh))

    def offered(self) -> Reply:
        return self.reply(self.engine.subscribe("room", "peer", True))

    def answer(self, sdp: str) -> Reply:
        return self.reply(self.engine.answer("room", "peer", sdp))


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    driver = Driver()
    driver.reply(driver.engine.create_room("room"))
    driver.reply(driver.engine.add_peer("room", "peer", [source.value for source in Source], 2, 2))
    yield driver
    assert [event for event in driver.events if isinstance(event, SessionFailed)] == []
    driver.engine.close()


@pytest.fixture(scope="module")
def good_answer(driver: Driver) -> str:
    """What aiortc answers to the engine's offer; a fresh offer differs only in its credentials."""
    offer = driver.offered().sdp
    assert offer is not None

    async def make() -> str:
        connection = peer_connection()
        await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        sdp = connection.localDescription.sdp
        await connection.close()
        return sdp

    return asyncio.run(make())


def text_of(capture: Path) -> str:
    return capture.read_bytes().decode()  # with its line ends


def named(sdp: str) -> list[tuple[str, str]]:
    """A source for every sending m-line, as a browser names them."""
    free = {"audio": ["microphone", "screen_audio"], "video": ["camera", "screen"]}
    tracks = []
    for section in re.split(r"(?m)^(?=m=)", sdp)[1:]:
        kind = section[2:].split(" ", 1)[0]
        mid = re.search(r"(?m)^a=mid:(\S+)", section)
        sends = re.search(r"(?m)^a=(sendonly|sendrecv)\s*$", section)
        if mid and sends and free.get(kind):
            tracks.append((mid[1], free[kind].pop(0)))
    return tracks


JUNK = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["", "-1", "0", "65536", "4294967296", "9" * 40, "a" * 5000, "\x00", "\u202e", " ", "*"]),
)
LINES = st.one_of(
    st.sampled_from(
        [
            "m=video 9 UDP/TLS/RTP/SAVPF",
            "m=audio 0 RTP/AVP 0",
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
            "a=mid:",
            "a=ice-ufrag:x",
            "a=ice-pwd:short",
            "a=fingerprint:sha-256 00",
            "a=fingerprint:md5 AA:BB",
            "a=setup:holdconn",
            "a=rtpmap:96 VP8/0",
            "a=rtpmap:300 VP8/90000",
            "a=fmtp:96 apt=96",
            "a=fmtp:97 apt=97",
            "a=extmap:0 urn:ietf:params:rtp-hdrext:sdes:mid",
            "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
            "a=ssrc:0 cname:x",
            "a=ssrc-group:FID 1",
            "a=ssrc-group:SIM 1 2 3",
            "a=rid:h send",
            "a=simulcast:send h;m;l",
            "a=simulcast:send ;;;~",
            "a=group:BUNDLE 0 0 0 9",
            "a=candidate:1 1 tcp 1 127.0.0.1 9 typ host tcptype active",
            "a=msid:- -",
            "a=sendrecv",
            "b=AS:-1",
        ]
    ),
    st.text(max_size=60),
)


@st.composite
def broken(draw: st.DrawFn, original: str) -> str:
    """A real description with one to six faults."""
    lines = original.split("\r\n")
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.integers(0, 7)):
            case 0:
                del lines[at : at + draw(st.integers(1, 12))]
            case 1:
                lines.insert(at, draw(LINES))
            case 2:
                lines.insert(at, lines[draw(st.integers(0, len(lines) - 1))])
            case 3:
                other = draw(st.integers(0, len(lines) - 1))
                lines[at], lines[other] = lines[other], lines[at]
            case 4:
                words = re.split(r"([ :=/;,])", lines[at])
                words[draw(st.integers(0, len(words) - 1))] = draw(JUNK)
                lines[at] = "".join(words)
            case 5:
                del lines[at:]
            case 6:
                numbers = re.sub(r"\d+", lambda _: str(draw(st.integers(0, 1 << 64))), lines[at])
                lines[at] = numbers
            case _:
                section = [line for line in lines if line][-20:]
                lines[at:at] = section * draw(st.integers(1, 5))
        if not lines:
            lines = [""]
    return draw(st.sampled_from(["\r\n", "\r\n", "\r\n", "\n"])).join(lines)


settings.register_profile("engine", deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
ENGINE = settings.get_profile("engine")


@settings(ENGINE, max_examples=400)
@given(data=st.data(), capture=st.sampled_from(OFFERS), fresh=st.booleans(), names=st.booleans())
def test_a_broken_offer_gets_an_answer_or_a_refusal(
    driver: Driver, data: st.DataObject, capture: Path, fresh: bool, names: bool
) -> None:
    sdp = data.draw(broken(text_of(capture)))
    reply = driver.publish(sdp, named(sdp) if names else [], fresh)
    if reply.error is None:
        assert reply.sdp
    else:
        assert reply.error.code in PUBLISH_CODES


@settings(ENGINE, max_examples=200)
@given(data=st.data())
def test_a_broken_answer_is_taken_or_refused(driver: Driver, good_answer: str, data: st.DataObject) -> None:
    assert driver.offered().error is None
    reply = driver.answer(data.draw(broken(good_answer)))
    assert reply.error is None or reply.error.code in ANSWER_CODES


@settings(ENGINE, max_examples=100)
@given(text=st.text(max_size=2000))
def test_text_that_is_no_sdp_is_refused(driver: Driver, text: str) -> None:
    reply = driver.publish(text, [])
    assert reply.error is not None
    assert reply.error.code == "bad_sdp"


@pytest.mark.parametrize(
    ("label", "sdp"),
    [
        ("lines without end", "v=0\r\n" + "a=x\r\n" * 25_000),
        ("one long line", "v=0\r\na=" + "x" * 99_000),
        ("m-lines without end", "v=0\r\n" + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" * 3_000),
        ("empty", ""),
    ],
)
def test_a_large_one_is_refused_soon(driver: Driver, label: str, sdp: str) -> None:
    reply = driver.publish(sdp, [])
    assert reply.error is not None, label
    assert reply.error.code == "bad_sdp"


def test_more_lines_than_the_contract_has_sources_are_refused_or_bounded(driver: Driver) -> None:
    """A description may not make the engine keep hundreds of m-lines."""
    head, *sections = re.split(r"(?m)^(?=m=)", text_of(OFFERS[0]))
    many = [re.sub(r"(?m)^a=mid:\S+", f"a=mid:x{number}", sections[-1]) for number in range(60)]
    mids = " ".join(f"x{number}" for number in range(60))
    sdp = re.sub(r"(?m)^a=group:BUNDLE.*?$", f"a=group:BUNDLE {mids}\r", head) + "".join(many)
    reply = driver.publish(sdp, [])
    assert reply.error is not None
    assert reply.error.code in PUBLISH_CODES


def test_tracks_that_do_not_fit_the_offer_are_refused(driver: Driver) -> None:
    sdp = text_of(OFFERS[0])
    good = named(sdp)
    assert good
    mid = good[0][0]
    wrong_kind = "camera" if good[0][1] == "microphone" else "microphone"
    for tracks in ([(mid, wrong_kind)], [("nowhere", "camera")], [(mid, good[0][1])] * 2, good[:-1] or []):
        reply = driver.publish(sdp, tracks)
        assert reply.error is not None, tracks
        assert reply.error.code in PUBLISH_CODES


@pytest.mark.parametrize("capture", OFFERS, ids=lambda path: path.stem)
def test_a_good_offer_is_answered_afterwards(driver: Driver, capture: Path) -> None:
    sdp = text_of(capture)
    reply = driver.publish(sdp, named(sdp))
    assert reply.error is None
    assert reply.sdp is not None
    assert reply.sdp.count("\r\nm=") == sdp.count("\r\nm=")
