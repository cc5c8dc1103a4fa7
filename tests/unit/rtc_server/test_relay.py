from __future__ import annotations

import socket
import stat
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from rtc_server.certificates import demo_certificate
from rtc_server.config import Settings
from rtc_server.relay import Relay, RelayError, _port
from turn.credentials import password_of

SECRET = "shared with coturn, in tests alone, long"
LOOPBACK = IPv4Address("127.0.0.1")


def relay(tmp_path: Path, secret: str | None = SECRET, **settings: Any) -> Relay:
    return Relay(Settings(**({"data": tmp_path} | settings)), secret, clock=lambda: 1000.0)


async def test_an_existing_relay_is_given_with_credentials_of_the_person(tmp_path: Path) -> None:
    urls = ["turn:relay.example:3478?transport=udp", "turns:relay.example:5349?transport=tcp"]
    existing = relay(tmp_path, turn={"urls": urls, "credential_lifetime_s": 600})
    existing.use_existing(urls)
    (server,) = existing.ice_servers("taxpayer-4401")
    assert list(server.urls) == urls
    assert server.username is not None
    assert server.username.startswith("1600:")
    assert "4401" not in server.username
    assert server.credential == password_of(SECRET, server.username)
    assert existing.ice_servers("another")[0].username != server.username


def test_without_a_relay_there_are_no_servers(tmp_path: Path) -> None:
    assert relay(tmp_path).ice_servers("p") == []
    assert relay(tmp_path).report() == {"ok": None, "state": "off"}


async def test_a_relay_asked_for_and_not_installed_is_a_fault(tmp_path: Path) -> None:
    asked = relay(
        tmp_path, turn={"start": True, "binary": "no-such-relay"}, media={"advertised_ips": ["127.0.0.1"]}
    )
    await asked.start()
    report = asked.report()
    assert (report["ok"], report["state"]) == (False, "missing")
    assert "no-such-relay is not installed" in report["message"]
    assert asked.ice_servers("p") == []
    await asked.stop()


async def test_in_demo_mode_one_that_is_not_installed_is_only_told(tmp_path: Path) -> None:
    demo = relay(tmp_path, demo=True, turn={"binary": "no-such-relay"})
    await demo.start()
    assert (demo.report()["ok"], demo.report()["state"]) == (None, "missing")
    await demo.stop()


@pytest.mark.parametrize(
    ("secret", "turn"),
    [
        (SECRET, {"urls": ["http://relay.example"]}),
        (None, {"start": True}),
        (SECRET, {"start": True, "realm": "a\nb"}),
    ],
)
async def test_contradictory_settings_are_told(
    tmp_path: Path, secret: str | None, turn: dict[str, Any]
) -> None:
    wrong = relay(tmp_path, secret, turn=turn, media={"advertised_ips": ["127.0.0.1"]})
    with pytest.raises(RelayError):
        await wrong.start()


def test_a_port_is_free_for_both_or_not_at_all() -> None:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            assert _port(None, port, [LOOPBACK], may_choose=True) != port
            assert _port(None, port, [LOOPBACK], may_choose=False) == port
            assert _port(7777, port, [LOOPBACK], may_choose=True) == 7777


def test_a_demo_certificate_is_kept_until_it_does_not_fit(tmp_path: Path) -> None:
    files = demo_certificate(tmp_path, ["localhost"], [LOOPBACK])
    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600
    first = files.certificate.read_bytes()
    assert demo_certificate(tmp_path, ["localhost"], [LOOPBACK]).certificate.read_bytes() == first
    demo_certificate(tmp_path, ["localhost", "desk.example"], [LOOPBACK])
    second = files.certificate.read_bytes()
    assert second != first
    files.key.write_text("damaged")
    demo_certificate(tmp_path, ["localhost"], [LOOPBACK])
    assert files.certificate.read_bytes() != second


def test_nothing_else_can_be_signed_with_the_demo_authority(tmp_path: Path) -> None:
    files = demo_certificate(tmp_path, ["localhost"], [LOOPBACK])
    authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
    leaf = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    leaf.verify_directly_issued_by(authority)
    assert authority.public_key() != leaf.public_key()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.pem", "server.key", "server.pem"]
