from __future__ import annotations

import pytest

from turn.client import TurnTransport
from turn.credentials import issue, password_of, pseudonym
from turn.probe import Endpoint, endpoint_of


def test_against_openssl() -> None:
    """printf '1795257844:alice' | openssl dgst -sha1 -hmac north -binary | base64"""
    assert password_of("north", "1795257844:alice") == OPENSSL


OPENSSL = "BjDwip+UtRe9V/v+uMmDFHlm05s="


def test_credentials_expire_and_name_their_user() -> None:
    issued = issue("s", "alice", now=1000.9, lifetime_s=60)
    assert (issued.username, issued.expires_at) == ("1060:alice", 1060)
    assert issued.password == password_of("s", "1060:alice")
    assert issued.password not in repr(issued)


def test_a_pseudonym_is_stable_and_tells_nothing() -> None:
    name = pseudonym("s", "taxpayer-4401")
    assert name == pseudonym("s", "taxpayer-4401")
    assert name != pseudonym("s", "taxpayer-4402")
    assert name != pseudonym("t", "taxpayer-4401")
    assert "4401" not in name
    assert ":" not in name


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("turn:relay.example", Endpoint(TurnTransport.UDP, "relay.example", 3478)),
        ("turn:relay.example:80?transport=tcp", Endpoint(TurnTransport.TCP, "relay.example", 80)),
        ("turns:relay.example?transport=tcp", Endpoint(TurnTransport.TLS, "relay.example", 5349)),
        ("turn:[2001:db8::1]:3479?transport=udp", Endpoint(TurnTransport.UDP, "2001:db8::1", 3479)),
    ],
)
def test_urls_of_rfc_7065(url: str, endpoint: Endpoint) -> None:
    assert endpoint_of(url) == endpoint
    assert endpoint_of(endpoint.url) == endpoint


@pytest.mark.parametrize(
    "url", ["stun:a", "turn:", "http://a", "turn:a?transport=sctp", "turn::3478", "turn:a:port", "a"]
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        endpoint_of(url)
