"""What a line does to datagrams: the same twice, in order, and no more than was asked for."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtc_server.loadtest.impairment import Impairment, ImpairmentInvalid, Line, Side, Window, parse
from rtc_server.loadtest.relay import ImpairedLine

pytestmark = pytest.mark.unit


def fates(what: Impairment, count: int = 500, size: int = 1000) -> list[float | None]:
    line = Line(what, "someone/up")
    line.began_s = 0.0
    return [line.arrival(number * 0.01, size) for number in range(count)]


def test_the_same_seed_loses_the_same_datagrams_and_another_does_not() -> None:
    once, twice = fates(Impairment(loss=0.1)), fates(Impairment(loss=0.1))
    assert once == twice
    assert once != fates(Impairment(loss=0.1, seed=2))
    assert 25 <= once.count(None) <= 80


def test_two_directions_do_not_lose_the_same() -> None:
    up, down = Line(Impairment(loss=0.5), "someone/up"), Line(Impairment(loss=0.5), "someone/down")
    assert [up.arrival(0, 1) is None for _ in range(64)] != [down.arrival(0, 1) is None for _ in range(64)]


@given(
    st.integers(0, 2**32),
    st.floats(0, 0.2),
    st.floats(0, 0.1),
    st.one_of(st.none(), st.integers(50_000, 5_000_000)),
)
def test_nothing_is_overtaken_or_early(seed: int, delay_s: float, jitter_s: float, rate: int | None) -> None:
    came = fates(Impairment(delay_s=delay_s, jitter_s=jitter_s, rate=rate, seed=seed), 100)
    arrived = [one for one in came if one is not None]
    assert arrived == sorted(arrived)
    assert all(one is None or one >= number * 0.01 + delay_s for number, one in enumerate(came))


def test_a_rate_lets_through_what_it_says_and_queues_no_longer_than_allowed() -> None:
    what = Impairment(rate=400_000, queue_s=0.2)  # 100 datagrams of 1,028 bytes a second are 822 kbit/s
    came = fates(what)
    passed = [one for one in came if one is not None]
    assert len(passed) * 1028 * 8 == pytest.approx(400_000 * 5, rel=0.06)
    waited = [one - number * 0.01 for number, one in enumerate(came) if one is not None]
    assert max(waited) <= 0.2 + 2 * 1028 * 8 / 400_000
    assert max(waited) > 0.19


def test_a_blackout_and_a_fall_of_the_rate_begin_and_end_when_they_should() -> None:
    came = fates(Impairment(windows=(Window(1, 2),)))
    assert [number for number, one in enumerate(came) if one is None] == list(range(100, 200))
    slow = fates(Impairment(windows=(Window(1, 2, 100_000),), queue_s=0.1))
    lost = [number for number, one in enumerate(slow) if one is None]
    assert lost
    assert 100 < lost[0] <= lost[-1] < 200


def test_windows_wait_for_the_measuring_to_begin() -> None:
    line = Line(Impairment(windows=(Window(0, 10),)), "x")
    assert line.arrival(5, 100) == 5
    line.began_s = 6.0
    assert line.arrival(7, 100) is None


def test_it_is_said_in_words() -> None:
    assert parse("loss=5%,delay=80ms,rate=1M,queue=0.2s,jitter=5ms,side=both,seed=7") == Impairment(
        loss=0.05, delay_s=0.08, rate=1_000_000, queue_s=0.2, jitter_s=0.005, side=Side.BOTH, seed=7
    )
    assert parse("blackout=3s@5s,rate=500k@3s-11s").windows == (Window(5, 8), Window(3, 11, 500_000))
    assert parse("") == Impairment()


@pytest.mark.parametrize(
    "text",
    [
        "loss",
        "loss=5",
        "loss=101%",
        "delay=80",
        "rate=0",
        "rate=x",
        "blackout=3s",
        "rate=1M@5s-2s",
        "fog=1",
        "side=left",
    ],
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ImpairmentInvalid):
        parse(text)


class Echo(asyncio.DatagramProtocol):
    """Answers every datagram in capitals."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(data.upper(), addr)


class Inbox(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.came: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.came.put_nowait(data)


async def test_the_relay_takes_the_servers_place_in_a_description_and_passes_both_ways() -> None:
    loop = asyncio.get_running_loop()
    server, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    port = server.get_extra_info("sockname")[1]
    line = ImpairedLine(Impairment(), "someone")
    try:
        sdp = (
            "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
            f"a=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host\r\n"
            f"a=candidate:2 1 tcp 1 127.0.0.1 {port} typ host tcptype passive\r\na=mid:0\r\n"
        )
        seen = await line.through(sdp)
        assert "tcp" not in seen
        assert f" {port} " not in seen
        assert seen.endswith("a=mid:0\r\n")
        assert await line.through(sdp) == seen, "the same server is found at the same place"
        relay_port = int(seen.split("127.0.0.1 ")[1].split()[0])
        peers = [
            await loop.create_datagram_endpoint(Inbox, remote_addr=("127.0.0.1", relay_port))
            for _ in range(2)
        ]
        for number, (transport, _) in enumerate(peers):
            transport.sendto(b"hello %d" % number)
        for number, (transport, inbox) in enumerate(peers):
            assert await asyncio.wait_for(inbox.came.get(), 10) == b"HELLO %d" % number
            transport.close()
        assert (line.up.passed, line.down.passed) == (2, 2)
    finally:
        await line.close()
        server.close()
