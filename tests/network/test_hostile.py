"""While two people are in a call, strangers and bad members send everything else to the media ports.

The call loses nothing, what was sent is counted under its reason, the server does not grow, and nobody is answered
with more than they sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from aiortc import RTCDtlsTransport

from media.types import Source
from tests.harness.flows import CallTracks, Pair, pair, start_call
from tests.harness.metrics import Metrics, read_metrics
from tests.harness.reception import Reception
from tests.harness.sdp import IceSide, attribute, ice_side
from tests.harness.server import ServerProcess, start_server
from tests.network import attacks

pytestmark = pytest.mark.asyncio(loop_scope="session")

LARGEST_GAP_S = 1.0
GROWTH_BYTES = 48 << 20


@dataclass(frozen=True, slots=True)
class RunningCall:
    server: ServerProcess
    people: Pair
    tracks: CallTracks
    of_taxpayer: Reception
    of_agent: Reception

    @property
    def side(self) -> IceSide:
        """The engine's end of the taxpayer's publish transport."""
        return ice_side(self.people.taxpayer_media.publisher.remoteDescription.sdp)

    @property
    def username(self) -> str:
        """Of the taxpayer's checks on that transport (RFC 8445 §7.2.2)."""
        return f"{self.side.ufrag}:{attribute(self.people.taxpayer_media.publisher.localDescription.sdp, 'ice-ufrag')}"

    @property
    def publish_transport(self) -> RTCDtlsTransport:
        return self.people.taxpayer_media.transceivers[Source.CAMERA].sender.transport

    @property
    def subscribe_transport(self) -> RTCDtlsTransport:
        return self.people.agent_media.subscriber.getTransceivers()[0].receiver.transport

    async def metrics(self) -> Metrics:
        return await read_metrics(self.server.url)

    def memory_bytes(self) -> int:
        """Resident memory of the server."""
        status = Path(f"/proc/{self.server.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) * 1024


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def call(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningCall]:
    server = await start_server(tmp_path_factory.mktemp("hostile"), RTC_TURN_START="false")
    try:
        # The assistant's index takes 75 MB some seconds after the start; it is no stranger's doing.
        await server.says("index built")
        async with pair(server.url) as people:
            tracks = await start_call(people)
            yield RunningCall(
                server,
                people,
                tracks,
                await people.agent_media.reception(people.taxpayer_id, Source.CAMERA),
                await people.taxpayer_media.reception(people.agent_id, Source.CAMERA),
            )
    finally:
        await server.stop()


@contextlib.asynccontextmanager
async def undisturbed(call: RunningCall, lost: int = 0) -> AsyncIterator[None]:
    """The call goes on through what happens inside and for ten pictures more; ``lost`` pictures are noise."""
    both = (call.of_taxpayer, call.of_agent)
    await asyncio.gather(*(reception.more_pictures(2) for reception in both))
    before = [(len(r.pictures), len(r.numbers), r.unreadable, call.memory_bytes()) for r in both]
    yield
    await asyncio.gather(*(reception.more_pictures(10) for reception in both))
    for reception, (pictures, numbers, unreadable, memory) in zip(both, before, strict=True):
        assert len(reception.missing(first=numbers)) <= lost
        assert reception.unreadable - unreadable <= lost
        moments = [picture.at for picture in reception.pictures[pictures - 1 :]]
        assert max(later - earlier for earlier, later in itertools.pairwise(moments)) < LARGEST_GAP_S
        assert call.memory_bytes() - memory < GROWTH_BYTES


def of_strangers(username: str) -> dict[str, tuple[Iterator[bytes], str]]:
    return {
        "stun with a wrong integrity": (attacks.wrong_integrity(username), "bad_stun"),
        "stun without integrity": (attacks.no_integrity(username), "bad_stun"),
        "stun for an unknown ufrag": (attacks.unknown_ufrag(), "unknown_address"),
        "dtls of a stranger": (attacks.client_hello(), "unknown_address"),
        "rtp of a stranger": (attacks.broken_rtp(1), "unknown_address"),
        "rtcp of a stranger": (attacks.broken_rtcp(1), "unknown_address"),
    }


@pytest.mark.parametrize("name", list(of_strangers("")))
async def test_a_stranger_is_counted_and_not_answered(call: RunningCall, name: str) -> None:
    datagrams, reason = of_strangers(call.username)[name]
    before = (await call.metrics()).dropped(reason)
    async with undisturbed(call):
        with attacks.Stranger(call.side.udp) as stranger:
            sent = await stranger.send(datagrams)
            assert stranger.answers == []
    assert (await call.metrics()).dropped(reason) - before >= sent


async def test_garbage_with_every_first_byte(call: RunningCall) -> None:
    async with undisturbed(call):
        with attacks.Stranger(call.side.udp) as stranger:
            sent = await stranger.send(attacks.garbage())
            assert sum(map(len, stranger.answers)) == 0
    assert sent > 2500


async def test_broken_checks_do_not_move_the_path(call: RunningCall) -> None:
    """Some are still a good request (a bit that says nothing changed): answered, never more than was sent."""
    async with undisturbed(call):
        with attacks.Stranger(call.side.udp) as stranger:
            await stranger.send(attacks.broken_stun(call.username, call.side.password))
            assert sum(map(len, stranger.answers)) <= stranger.sent_bytes


async def test_garbage_from_a_members_own_address(call: RunningCall) -> None:
    """Whoever can forge the source address gets so far; it is not theirs to end the call."""
    before = await call.metrics()
    rng = random.Random(attacks.SEED)
    datagrams = [as_rtp(rng.randbytes(rng.randrange(12, 1472))) for _ in range(200)]
    async with undisturbed(call):
        sent = await attacks.send_in_clear(call.publish_transport, datagrams)
        sent += await attacks.send_in_clear(call.subscribe_transport, datagrams)
    after = await call.metrics()
    reasons = ("bad_srtp", "malformed", "replay", "outside_grant")
    assert sum(after.dropped(reason) - before.dropped(reason) for reason in reasons) >= sent


def as_rtp(noise: bytes) -> bytes:
    """With the first bytes of RTP (RFC 3550 §5.1): no padding and no retransmission, for a browser's probes are these
    and are not counted."""
    return bytes([noise[0] & 0x1F | 0x80, 96]) + noise[2:]


async def test_forged_dtls_from_a_members_own_address(call: RunningCall) -> None:
    """Alerts and records in clear after the handshake are not believed (RFC 6347 §4.1.2.7)."""
    rng = random.Random(attacks.SEED)
    alert = b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02" + b"\x02\x28"
    close_notify = b"\x15\xfe\xfd" + b"\x00\x01" + bytes(6) + b"\x00\x02" + b"\x01\x00"
    noise = [
        bytes([first]) + rng.randbytes(rng.randrange(1, 200)) for first in range(20, 64) for _ in range(3)
    ]
    async with undisturbed(call):
        for transport in (call.publish_transport, call.subscribe_transport):
            await attacks.send_in_clear(transport, [alert, close_notify, *attacks.client_hello(5), *noise])


async def test_broken_packets_a_member_encrypted(call: RunningCall) -> None:
    async with undisturbed(call):
        for transport in (call.publish_transport, call.subscribe_transport):
            await attacks.send_encrypted(transport, attacks.broken_rtp(0x1234_5678))
            await attacks.send_encrypted(transport, attacks.broken_rtcp(0x1234_5678))


async def test_a_replayed_packet_is_counted_and_not_forwarded(
    call: RunningCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    ice = call.publish_transport.transport
    send = ice._send

    async def twice(data: bytes) -> None:
        await send(data)
        await send(data)

    before = (await call.metrics()).dropped("replay")
    async with undisturbed(call):
        monkeypatch.setattr(ice, "_send", twice)
        await call.tracks.taxpayer_camera.more(15)
        monkeypatch.undo()
    assert (await call.metrics()).dropped("replay") > before
    assert call.of_taxpayer.numbers == sorted(set(call.of_taxpayer.numbers))


async def test_a_flood_of_key_frame_requests_reaches_the_sender_at_a_sane_rate(
    call: RunningCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = call.people.taxpayer_media.transceivers[Source.CAMERA].sender
    asked = 0

    def count() -> None:
        nonlocal asked
        asked += 1

    monkeypatch.setattr(sender, "_send_keyframe", count)
    receivers = call.people.agent_media.subscriber.getReceivers()
    ssrcs = {s.source for receiver in receivers for s in receiver.getSynchronizationSources()}
    assert ssrcs
    async with undisturbed(call):
        for ssrc in ssrcs:
            await attacks.send_encrypted(call.subscribe_transport, attacks.key_frame_requests(ssrc))
        await call.tracks.taxpayer_camera.more(15)
    assert 1 <= asked <= 6


class TestTcp:
    """The port of ICE-TCP (RFC 6544), framed by RFC 4571."""

    async def test_garbage_is_closed(self, call: RunningCall) -> None:
        assert call.side.tcp is not None
        rng = random.Random(attacks.SEED)
        async with undisturbed(call), attacks.tcp_connections(call.side.tcp, 20) as connections:
            for _, writer in connections:
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + rng.randbytes(3000))
            ended = await asyncio.gather(*(attacks.closed_by_server(r, 15) for r, _ in connections))
        assert all(ended)

    async def test_framed_garbage_is_closed(self, call: RunningCall) -> None:
        assert call.side.tcp is not None
        rng = random.Random(attacks.SEED)
        async with undisturbed(call), attacks.tcp_connections(call.side.tcp, 20) as connections:
            for _, writer in connections:
                for _ in range(50):
                    writer.write(attacks.frame(rng.randbytes(rng.randrange(0, 1500))))
            ended = await asyncio.gather(*(attacks.closed_by_server(r, 15) for r, _ in connections))
        assert all(ended)

    async def test_an_oversized_frame_is_closed(self, call: RunningCall) -> None:
        """65,535 bytes promised (the largest length there is), one byte sent."""
        assert call.side.tcp is not None
        async with undisturbed(call), attacks.tcp_connections(call.side.tcp, 5) as connections:
            for _, writer in connections:
                writer.write(b"\xff\xff\x00")
            ended = await asyncio.gather(*(attacks.closed_by_server(r, 15) for r, _ in connections))
        assert all(ended)

    async def test_a_frame_that_comes_by_drops_is_not_waited_for(self, call: RunningCall) -> None:
        assert call.side.tcp is not None
        async with undisturbed(call), attacks.tcp_connections(call.side.tcp, 5) as connections:
            drips = [asyncio.create_task(attacks.drip(writer, 1200)) for _, writer in connections]
            ended = await asyncio.gather(*(attacks.closed_by_server(r, 15) for r, _ in connections))
            for task in drips:
                task.cancel()
        assert all(ended)

    async def test_a_flood_of_connections_leaves_room_for_a_member(self, call: RunningCall) -> None:
        assert call.side.tcp is not None
        async with undisturbed(call), attacks.tcp_connections(call.side.tcp, 1500):
            pass
        check = attacks.binding_request(call.username, call.side.password, use_candidate=False)
        async with attacks.tcp_connections(call.side.tcp, 1) as connections:
            reader, writer = connections[0]
            writer.write(attacks.frame(bytes(check)))
            length = int.from_bytes(await asyncio.wait_for(reader.readexactly(2), 5), "big")
            answer = await asyncio.wait_for(reader.readexactly(length), 5)
        assert check.transaction_id in answer


async def test_a_flood_of_datagrams_is_survived(call: RunningCall) -> None:
    """As fast as one process can send. Pictures may be late, a few may be lost; the call comes back by itself."""
    rng = random.Random(attacks.SEED)
    datagrams = [rng.randbytes(1200) for _ in range(20_000)]
    async with undisturbed(call, lost=5):
        with attacks.Stranger(call.side.udp) as stranger:
            await stranger.send(datagrams)


async def test_the_server_says_it_is_well_afterwards(call: RunningCall) -> None:
    output = "\n".join(call.server.output)
    assert "panicked" not in output
    assert "Traceback" not in output
    assert (await call.metrics()).dropped("session_failed") == 0
