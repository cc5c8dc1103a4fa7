"""STUN messages (RFC 8489) with the attributes TURN needs (RFC 8656): bytes in, bytes out, no I/O."""

from __future__ import annotations

import hashlib
import hmac
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address, ip_address

MAGIC_COOKIE = 0x2112A442
HEADER_BYTES = 20
MAX_MESSAGE_BYTES = 0xFFFF
_FINGERPRINT_XOR = 0x5354554E
_INTEGRITY_BYTES = 24
_FAMILY_IPV4 = 1
_FAMILY_IPV6 = 2
UDP_TRANSPORT = 17
"""REQUESTED-TRANSPORT (RFC 8656 §18.8): the protocol number of UDP."""


class Method(IntEnum):
    BINDING = 0x001
    ALLOCATE = 0x003
    REFRESH = 0x004
    CREATE_PERMISSION = 0x008


class MessageClass(IntEnum):
    REQUEST = 0b00
    INDICATION = 0b01
    SUCCESS = 0b10
    ERROR = 0b11


class Attribute(IntEnum):
    USERNAME = 0x0006
    MESSAGE_INTEGRITY = 0x0008
    ERROR_CODE = 0x0009
    LIFETIME = 0x000D
    XOR_PEER_ADDRESS = 0x0012
    REALM = 0x0014
    NONCE = 0x0015
    XOR_RELAYED_ADDRESS = 0x0016
    REQUESTED_ADDRESS_FAMILY = 0x0017
    REQUESTED_TRANSPORT = 0x0019
    XOR_MAPPED_ADDRESS = 0x0020
    SOFTWARE = 0x8022
    FINGERPRINT = 0x8028


class MalformedStun(ValueError):
    """Not a STUN message, or one that contradicts itself."""


@dataclass(frozen=True, slots=True)
class Address:
    """A transport address."""

    ip: IPv4Address | IPv6Address
    port: int


@dataclass(frozen=True, slots=True)
class Message:
    """``attributes`` in order, without MESSAGE-INTEGRITY and FINGERPRINT, which encoding adds."""

    method: int
    message_class: MessageClass
    transaction_id: bytes
    attributes: Sequence[tuple[int, bytes]] = ()

    def get(self, attribute: Attribute) -> bytes | None:
        """The first of its kind: later ones are ignored (RFC 8489 §14)."""
        return next((value for kind, value in self.attributes if kind == attribute), None)

    @property
    def error_code(self) -> int | None:
        """ERROR-CODE as a number of three digits (§14.8)."""
        value = self.get(Attribute.ERROR_CODE)
        if value is None or len(value) < 4:
            return None
        return (value[2] & 0x07) * 100 + value[3]

    def address(self, attribute: Attribute) -> Address | None:
        value = self.get(attribute)
        return None if value is None else decode_address(value, self.transaction_id)


def message_type(method: int, message_class: MessageClass) -> int:
    """The class bits stand between the method's (RFC 8489 §5)."""
    spread = (method & 0x00F) | (method & 0x070) << 1 | (method & 0xF80) << 2
    return spread | (message_class & 0b01) << 4 | (message_class & 0b10) << 7


def encode(message: Message, *, key: bytes | None = None) -> bytes:
    """The message with FINGERPRINT, and before it MESSAGE-INTEGRITY when there is a ``key``."""
    body = b"".join(_attribute(kind, value) for kind, value in message.attributes)
    if key is not None:
        covered = _header(message, len(body) + _INTEGRITY_BYTES) + body
        body += _attribute(Attribute.MESSAGE_INTEGRITY, hmac.new(key, covered, hashlib.sha1).digest())
    covered = _header(message, len(body) + 8) + body
    body += _attribute(Attribute.FINGERPRINT, struct.pack("!I", zlib.crc32(covered) ^ _FINGERPRINT_XOR))
    return _header(message, len(body)) + body


def decode(data: bytes) -> Message:
    """Raises ``MalformedStun``."""
    if len(data) < HEADER_BYTES:
        raise MalformedStun("short header")
    kind, length, cookie = struct.unpack_from("!HHI", data)
    if kind & 0xC000 or cookie != MAGIC_COOKIE or length % 4 or length + HEADER_BYTES != len(data):
        raise MalformedStun("not a STUN message")
    attributes: list[tuple[int, bytes]] = []
    position = HEADER_BYTES
    while position < len(data):
        name, size = struct.unpack_from("!HH", data, position)
        end = position + 4 + size
        if end > len(data):
            raise MalformedStun("attribute beyond the end")
        attributes.append((name, data[position + 4 : end]))
        position = end + (-size % 4)
    method = (kind & 0x000F) | (kind & 0x00E0) >> 1 | (kind & 0x3E00) >> 2
    message_class = MessageClass((kind >> 4 & 0b01) | (kind >> 7 & 0b10))
    return Message(method, message_class, data[8:20], tuple(attributes))


def has_valid_integrity(data: bytes, key: bytes) -> bool:
    """Whether MESSAGE-INTEGRITY is there and right for the raw message (§14.5)."""
    position = HEADER_BYTES
    while position + 4 <= len(data):
        name, size = struct.unpack_from("!HH", data, position)
        if name == Attribute.MESSAGE_INTEGRITY:
            length = position + _INTEGRITY_BYTES - HEADER_BYTES
            covered = data[:2] + struct.pack("!H", length) + data[4:position]
            digest = hmac.new(key, covered, hashlib.sha1).digest()
            return hmac.compare_digest(digest, data[position + 4 : position + 4 + size])
        position += 4 + size + (-size % 4)
    return False


def long_term_key(username: str, realm: str, password: str) -> bytes:
    """RFC 8489 §9.2.2: MD5 is what the protocol says."""
    return hashlib.md5(f"{username}:{realm}:{password}".encode(), usedforsecurity=False).digest()


def encode_address(address: Address, transaction_id: bytes) -> bytes:
    """XOR-MAPPED-ADDRESS and its like (§14.2)."""
    family = _FAMILY_IPV4 if address.ip.version == 4 else _FAMILY_IPV6
    packed = bytes(a ^ b for a, b in zip(address.ip.packed, _mask(transaction_id), strict=False))
    return struct.pack("!BBH", 0, family, address.port ^ (MAGIC_COOKIE >> 16)) + packed


def decode_address(value: bytes, transaction_id: bytes) -> Address:
    """Raises ``MalformedStun``."""
    if len(value) not in {8, 20}:
        raise MalformedStun("address of a strange length")
    family, port = struct.unpack_from("!xBH", value)
    if (family, len(value)) not in {(_FAMILY_IPV4, 8), (_FAMILY_IPV6, 20)}:
        raise MalformedStun("address of a strange family")
    packed = bytes(a ^ b for a, b in zip(value[4:], _mask(transaction_id), strict=False))
    return Address(ip_address(packed), port ^ (MAGIC_COOKIE >> 16))


def _mask(transaction_id: bytes) -> bytes:
    return struct.pack("!I", MAGIC_COOKIE) + transaction_id


def _header(message: Message, length: int) -> bytes:
    kind = message_type(message.method, message.message_class)
    return struct.pack("!HHI", kind, length, MAGIC_COOKIE) + message.transaction_id


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)
