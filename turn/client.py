"""A small TURN client over UDP, TCP or TLS: enough to ask a relay whether it really relays."""

from __future__ import annotations

import asyncio
import secrets
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from turn.stun import (
    HEADER_BYTES,
    UDP_TRANSPORT,
    Address,
    Attribute,
    MalformedStun,
    Message,
    MessageClass,
    Method,
    decode,
    encode,
    encode_address,
    has_valid_integrity,
    long_term_key,
)

_UNAUTHENTICATED = 401
_STALE_NONCE = 438
_RETRANSMIT_S = (0.25, 0.5, 1.0, 2.0)
"""RFC 8489 §6.2.1, with a shorter RTO: a probe is near its relay."""


Attributes = Callable[[bytes], Sequence[tuple[int, bytes]]]
"""Of the transaction id, with which addresses are masked."""


class TurnTransport(StrEnum):
    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class TurnRefused(Exception):
    """The relay answered with an error. ``code`` is STUN's (RFC 8656 §19)."""

    def __init__(self, method: Method, code: int | None) -> None:
        super().__init__(f"{method.name.lower()}: {code}")
        self.method = method
        self.code = code


class TurnProtocolError(Exception):
    """An answer nobody who speaks the protocol would give."""


@dataclass(frozen=True, slots=True)
class Allocation:
    relayed: Address
    mapped: Address | None
    lifetime_s: int


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.received: asyncio.Queue[bytes | OSError] = asyncio.Queue(maxsize=64)

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not self.received.full():
            self.received.put_nowait(data)

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, OSError) and not self.received.full():
            self.received.put_nowait(exc)


class _UdpLink:
    reliable = False

    def __init__(self, transport: asyncio.DatagramTransport, protocol: _Datagrams) -> None:
        self._transport = transport
        self._protocol = protocol

    def send(self, data: bytes) -> None:
        self._transport.sendto(data)

    async def receive(self) -> bytes:
        got = await self._protocol.received.get()
        if isinstance(got, OSError):
            raise got
        return got

    def close(self) -> None:
        self._transport.close()


class _StreamLink:
    reliable = True

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def receive(self) -> bytes:
        """STUN over a stream frames itself by the length in its header (RFC 8489 §6.2.2)."""
        header = await self._reader.readexactly(HEADER_BYTES)
        (length,) = struct.unpack_from("!H", header, 2)
        return header + await self._reader.readexactly(length)

    def close(self) -> None:
        self._writer.close()


class TurnClient:
    """One connection to a relay. Not for media: it makes an allocation, asks for permissions, and gives it back."""

    def __init__(self, link: _UdpLink | _StreamLink, username: str, password: str) -> None:
        self._link = link
        self._username = username
        self._password = password
        self._realm: bytes = b""
        self._nonce: bytes = b""
        self._key: bytes | None = None

    async def allocate(self) -> Allocation:
        """Raises ``TurnRefused``, ``TurnProtocolError``, ``OSError`` or ``EOFError``; bound it in time."""
        wanted = (Attribute.REQUESTED_TRANSPORT, struct.pack("!Bxxx", UDP_TRANSPORT))
        reply = await self._authenticated(Method.ALLOCATE, lambda _: [wanted])
        relayed = reply.address(Attribute.XOR_RELAYED_ADDRESS)
        if relayed is None:
            raise TurnProtocolError("an allocation without a relayed address")
        return Allocation(relayed, reply.address(Attribute.XOR_MAPPED_ADDRESS), _lifetime(reply))

    async def permit(self, peer: Address) -> None:
        """CreatePermission (RFC 8656 §10). Raises ``TurnRefused`` (403: the relay does not go there)."""
        await self._authenticated(
            Method.CREATE_PERMISSION,
            lambda transaction_id: [(Attribute.XOR_PEER_ADDRESS, encode_address(peer, transaction_id))],
        )

    async def release(self) -> None:
        """Refresh with lifetime 0 (RFC 8656 §7): the relay forgets the allocation."""
        await self._authenticated(Method.REFRESH, lambda _: [(Attribute.LIFETIME, struct.pack("!I", 0))])

    async def _authenticated(self, method: Method, attributes: Attributes) -> Message:
        reply = await self._exchange(method, attributes)
        if reply.error_code == _STALE_NONCE or (reply.error_code == _UNAUTHENTICATED and self._key is None):
            # The long-term credential mechanism's challenge (RFC 8489 §9.2): once, with its realm and nonce.
            self._realm = reply.get(Attribute.REALM) or self._realm
            self._nonce = reply.get(Attribute.NONCE) or b""
            self._key = long_term_key(self._username, self._realm.decode(errors="replace"), self._password)
            reply = await self._exchange(method, attributes)
        if reply.message_class is not MessageClass.SUCCESS:
            raise TurnRefused(method, reply.error_code)
        return reply

    async def _exchange(self, method: Method, attributes: Attributes) -> Message:
        transaction_id = secrets.token_bytes(12)
        sent = list(attributes(transaction_id))
        if self._key is not None:
            sent += [
                (Attribute.USERNAME, self._username.encode()),
                (Attribute.REALM, self._realm),
                (Attribute.NONCE, self._nonce),
            ]
        request = Message(method, MessageClass.REQUEST, transaction_id, sent)
        data = encode(request, key=self._key)
        if self._link.reliable:
            self._link.send(data)
            return await self._reply_to(request)
        for wait in _RETRANSMIT_S:
            self._link.send(data)
            try:
                async with asyncio.timeout(wait):
                    return await self._reply_to(request)
            except TimeoutError:
                continue
        raise TimeoutError("the relay does not answer")

    async def _reply_to(self, request: Message) -> Message:
        while True:
            data = await self._link.receive()
            try:
                reply = decode(data)
            except MalformedStun as error:
                if self._link.reliable:
                    raise TurnProtocolError("the relay does not speak STUN") from error
                continue
            if reply.transaction_id != request.transaction_id or reply.method != request.method:
                continue
            if (
                reply.message_class is MessageClass.SUCCESS
                and self._key is not None
                and not has_valid_integrity(data, self._key)
            ):
                raise TurnProtocolError("the answer is not from the relay that knows the secret")
            return reply


@asynccontextmanager
async def connect(
    transport: TurnTransport,
    host: str,
    port: int,
    *,
    username: str,
    password: str,
    tls: ssl.SSLContext | None = None,
    server_name: str | None = None,
) -> AsyncIterator[TurnClient]:
    """A client connected to a relay. ``tls`` None: the system's trust. ``server_name``: the certificate's, when it
    is not ``host``. Raises ``OSError``."""
    link = await _open(transport, host, port, tls, server_name or host)
    try:
        yield TurnClient(link, username, password)
    finally:
        link.close()


async def _open(
    transport: TurnTransport, host: str, port: int, tls: ssl.SSLContext | None, server_name: str
) -> _UdpLink | _StreamLink:
    if transport is TurnTransport.UDP:
        loop = asyncio.get_running_loop()
        udp, protocol = await loop.create_datagram_endpoint(_Datagrams, remote_addr=(host, port))
        return _UdpLink(udp, protocol)
    if transport is TurnTransport.TLS:
        context = tls or ssl.create_default_context()
        return _StreamLink(
            *await asyncio.open_connection(host, port, ssl=context, server_hostname=server_name)
        )
    return _StreamLink(*await asyncio.open_connection(host, port))


def _lifetime(reply: Message) -> int:
    value = reply.get(Attribute.LIFETIME)
    if value is None or len(value) != 4:
        return 0
    return int(struct.unpack("!I", value)[0])
