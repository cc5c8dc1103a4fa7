"""What strangers, and members of bad will, send to the media ports. Seeded, so that a failure comes again."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import AsyncIterator, Iterable, Iterator

from aioice import stun
from aiortc import RTCDtlsTransport

Address = tuple[str, int]
SEED = 20_26


class Stranger:
    """A UDP socket nobody knows. ``answers`` are the datagrams that came back."""

    def __init__(self, target: Address) -> None:
        self.target = target
        self.answers: list[bytes] = []
        self.sent_bytes = 0
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect(target)

    def __enter__(self) -> Stranger:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    async def send(self, datagrams: Iterable[bytes], pause_every: int = 32) -> int:
        """Send them all, giving way to the call now and then; how many it were."""
        count = 0
        for datagram in datagrams:
            with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
                self._socket.send(datagram)
            self.sent_bytes += len(datagram)
            count += 1
            if count % pause_every == 0:
                await asyncio.sleep(0)
                self._drain()
        await asyncio.sleep(0.1)  # answers on the way
        self._drain()
        return count

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            while True:
                self.answers.append(self._socket.recv(65_536))


def garbage() -> Iterator[bytes]:
    """Every first byte with every kind of length, after an empty one."""
    rng = random.Random(SEED)
    yield b""
    for first in range(256):
        for length in (1, 2, 4, 12, 20, 60, 300, 1200, 1472, 9000):
            yield bytes([first]) + rng.randbytes(length - 1)


def binding_request(
    username: str, password: str | None, *, use_candidate: bool = True, fingerprint: bool = True
) -> stun.Message:
    """A connectivity check (RFC 8445 §7.2.2). Without a password it has no MESSAGE-INTEGRITY."""
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = username
    request.attributes["PRIORITY"] = 0x7E7F1EFF
    request.attributes["ICE-CONTROLLING"] = 1
    if use_candidate:
        request.attributes["USE-CANDIDATE"] = None
    if password is not None:
        request.add_message_integrity(password.encode())
    elif fingerprint:
        request.add_fingerprint()
    return request


def wrong_integrity(username: str, count: int = 200) -> Iterator[bytes]:
    """The right user name, another password, each time as the nominated pair."""
    for number in range(count):
        yield bytes(binding_request(username, f"not the password {number}"))


def no_integrity(username: str, count: int = 100) -> Iterator[bytes]:
    for _ in range(count):
        yield bytes(binding_request(username, None))


def unknown_ufrag(count: int = 200) -> Iterator[bytes]:
    rng = random.Random(SEED)
    for _ in range(count):
        yield bytes(
            binding_request(f"{rng.randbytes(8).hex()}:{rng.randbytes(4).hex()}", "a password nobody has")
        )


def broken_stun(username: str, password: str) -> Iterator[bytes]:
    """A good request cut at every length, and with every byte of it changed once."""
    whole = bytes(binding_request(username, password, use_candidate=False))
    for length in range(len(whole)):
        yield whole[:length]
    for index in range(len(whole)):
        if index not in range(8, 20):  # another transaction id with a broken integrity is `wrong_integrity`
            yield whole[:index] + bytes([whole[index] ^ 0x5A]) + whole[index + 1 :]


def client_hello(count: int = 50) -> Iterator[bytes]:
    """The first flight of a DTLS 1.2 client (RFC 6347 §4.2) that has not passed any ICE check."""
    rng = random.Random(SEED)
    for number in range(count):
        hello = b"\xfe\xfd" + rng.randbytes(32) + b"\x00\x00" + b"\x00\x02\xc0\x2b" + b"\x01\x00"
        length = len(hello).to_bytes(3, "big")
        handshake = b"\x01" + length + b"\x00\x00" + bytes(3) + length + hello
        record = b"\x16\xfe\xff" + bytes(2) + number.to_bytes(6, "big")
        yield record + len(handshake).to_bytes(2, "big") + handshake


def broken_rtp(ssrc: int) -> Iterator[bytes]:
    """RTP whose header promises more than there is: CSRCs, extension, padding (RFC 3550 §5.1)."""
    rng = random.Random(SEED)
    for _ in range(100):
        header = struct.pack(
            "!BBHII", rng.choice((0x80, 0x90, 0xA0, 0xB0, 0x8F, 0xBF)), rng.randrange(128), 1, 2, ssrc
        )
        extension = (
            b"\xbe\xde" + struct.pack("!H", rng.choice((0, 1, 3, 0xFFFF))) + rng.randbytes(rng.randrange(16))
        )
        yield (header + extension + rng.randbytes(rng.randrange(40)))[: rng.randrange(12, 64)]


def broken_rtcp(ssrc: int) -> Iterator[bytes]:
    """Every packet type with counts and lengths that do not fit what follows (RFC 3550 §6.4, RFC 4585 §6.1)."""
    rng = random.Random(SEED)
    for packet_type in range(192, 224):
        for length in (0, 1, 2, 7, 255, 0xFFFF):
            body = struct.pack("!I", ssrc) + rng.randbytes(4 * rng.randrange(8))
            yield struct.pack("!BBH", 0x80 | rng.randrange(32), packet_type, length) + body


def key_frame_requests(media_ssrc: int, count: int = 1000) -> Iterator[bytes]:
    """Picture loss indications (RFC 4585 §6.3.1)."""
    for _ in range(count):
        yield struct.pack("!BBHII", 0x81, 206, 2, 1, media_ssrc)


async def send_in_clear(transport: RTCDtlsTransport, datagrams: Iterable[bytes]) -> int:
    """From a member's own address, past its SRTP."""
    count = 0
    for datagram in datagrams:
        if datagram:
            await transport.transport._send(datagram)
            count += 1
            if count % 32 == 0:
                await asyncio.sleep(0)
    return count


async def send_encrypted(transport: RTCDtlsTransport, packets: Iterable[bytes]) -> int:
    """From a member's own address, properly encrypted: the engine must read what is inside."""
    count = 0
    for packet in packets:
        with contextlib.suppress(Exception):  # libsrtp itself refuses some
            await transport._send_rtp(packet)
            count += 1
        if count % 32 == 0:
            await asyncio.sleep(0)
    return count


@contextlib.asynccontextmanager
async def tcp_connections(
    target: Address, count: int
) -> AsyncIterator[list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]:
    """So many open connections to the TCP media port, or as many as were taken."""
    opened: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    try:
        for _ in range(count):
            try:
                opened.append(await asyncio.wait_for(asyncio.open_connection(*target), 5))
            except (OSError, TimeoutError):
                break
        yield opened
    finally:
        for _, writer in opened:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in opened), return_exceptions=True)


async def drip(writer: asyncio.StreamWriter, length: int) -> None:
    """A frame of which one byte comes every half a second, until the connection ends or the task is cancelled."""
    writer.write(struct.pack("!H", length))
    for _ in range(length):
        writer.write(b"\x00")
        await asyncio.sleep(0.5)


async def closed_by_server(reader: asyncio.StreamReader, within: float) -> bool:
    """Whether the other side ended the connection in this time."""
    try:
        async with asyncio.timeout(within):
            while await reader.read(4096):
                pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


def frame(data: bytes) -> bytes:
    """RFC 4571 §2."""
    return struct.pack("!H", len(data)) + data
