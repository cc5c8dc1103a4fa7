from __future__ import annotations

import contextlib
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turn.stun import (
    Address,
    Attribute,
    MalformedStun,
    Message,
    MessageClass,
    Method,
    decode,
    decode_address,
    encode,
    encode_address,
    has_valid_integrity,
    long_term_key,
    message_type,
)

# RFC 5769 §2.2: sample IPv4 response
RFC5769_RESPONSE = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004c07d4c96"
)
RFC5769_PASSWORD = b"VOkJxbRl1RmTxUk/WvJxBt"

# RFC 5769 §2.4: sample request with long-term authentication
RFC5769_LONG_TERM = bytes.fromhex(
    "000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382af e382b90000".replace(
        " ", ""
    )
    + "0015001c662f2f3439396b39353464364f4c33346f4c39465354767936347341"
    + "0014000b6578616d706c652e6f726700"
    + "00080014f67024656dd64a3e02b8e0712e85c9a28ca89666"
)


def test_the_response_of_rfc_5769() -> None:
    message = decode(RFC5769_RESPONSE)
    assert (message.method, message.message_class) == (Method.BINDING, MessageClass.SUCCESS)
    assert message.get(Attribute.SOFTWARE) == b"test vector"
    assert message.address(Attribute.XOR_MAPPED_ADDRESS) == Address(ip_address("192.0.2.1"), 32853)
    assert has_valid_integrity(RFC5769_RESPONSE, RFC5769_PASSWORD)
    assert not has_valid_integrity(RFC5769_RESPONSE, b"another")


def test_the_long_term_request_of_rfc_5769() -> None:
    message = decode(RFC5769_LONG_TERM)
    username = (message.get(Attribute.USERNAME) or b"").decode()
    assert username == "\u30de\u30c8\u30ea\u30c3\u30af\u30b9"
    assert message.get(Attribute.REALM) == b"example.org"
    key = long_term_key(username, "example.org", "TheMatrIX")
    assert has_valid_integrity(RFC5769_LONG_TERM, key)


def test_message_types_of_rfc_8656() -> None:
    """§17 of RFC 5766 lists them: Allocate 0x003, its success 0x103, its error 0x113."""
    assert message_type(Method.ALLOCATE, MessageClass.REQUEST) == 0x003
    assert message_type(Method.ALLOCATE, MessageClass.SUCCESS) == 0x103
    assert message_type(Method.ALLOCATE, MessageClass.ERROR) == 0x113
    assert message_type(Method.CREATE_PERMISSION, MessageClass.REQUEST) == 0x008


methods = st.integers(0, 0xFFF)
transaction_ids = st.binary(min_size=12, max_size=12)
plain_attributes = st.lists(
    st.tuples(
        st.integers(0, 0xFFFF).filter(
            lambda kind: kind not in {Attribute.MESSAGE_INTEGRITY, Attribute.FINGERPRINT}
        ),
        st.binary(max_size=40),
    ),
    max_size=6,
)


@given(
    methods,
    st.sampled_from(MessageClass),
    transaction_ids,
    plain_attributes,
    st.binary(min_size=1, max_size=20),
)
def test_what_is_encoded_is_decoded(
    method: int, kind: MessageClass, transaction_id: bytes, attributes: list[tuple[int, bytes]], key: bytes
) -> None:
    data = encode(Message(method, kind, transaction_id, attributes), key=key)
    message = decode(data)
    assert (message.method, message.message_class, message.transaction_id) == (method, kind, transaction_id)
    assert list(message.attributes[: len(attributes)]) == attributes
    assert has_valid_integrity(data, key)
    assert not has_valid_integrity(data, key + b"!")


@given(st.ip_addresses(), st.integers(0, 65535), transaction_ids)
def test_addresses_come_back(ip: object, port: int, transaction_id: bytes) -> None:
    address = Address(ip, port)  # type: ignore[arg-type]
    assert decode_address(encode_address(address, transaction_id), transaction_id) == address


@given(st.binary(max_size=200))
def test_garbage_is_refused_and_nothing_else(data: bytes) -> None:
    with contextlib.suppress(MalformedStun):
        decode(data)


@given(st.binary(max_size=60), st.integers(0, 120))
def test_a_damaged_message_is_refused_or_read(noise: bytes, at: int) -> None:
    damaged = RFC5769_RESPONSE[:at] + noise + RFC5769_RESPONSE[at + len(noise) :]
    with contextlib.suppress(MalformedStun):
        decode(damaged).address(Attribute.XOR_MAPPED_ADDRESS)
    has_valid_integrity(damaged, RFC5769_PASSWORD)


@pytest.mark.parametrize("cut", [0, 1, 19, 20, 40, len(RFC5769_RESPONSE) - 1])
def test_truncated_messages_are_refused(cut: int) -> None:
    with pytest.raises(MalformedStun):
        decode(RFC5769_RESPONSE[:cut])


def test_the_number_of_an_error() -> None:
    message = Message(
        Method.ALLOCATE, MessageClass.ERROR, bytes(12), [(Attribute.ERROR_CODE, b"\x00\x00\x04\x01no")]
    )
    assert message.error_code == 401
    assert (
        Message(Method.ALLOCATE, MessageClass.ERROR, bytes(12), [(Attribute.ERROR_CODE, b"\x00")]).error_code
        is None
    )
