from __future__ import annotations

import stat
from dataclasses import replace
from ipaddress import IPv4Address, ip_address
from pathlib import Path

import pytest

from turn.config import EVERYWHERE, SPECIAL_NETWORKS, CoturnConfig, render, write

BASE = CoturnConfig(
    secret="s" * 40,
    realm="etax",
    listen_ips=[IPv4Address("192.0.2.1")],
    relay_ips=[IPv4Address("192.0.2.1")],
    port=3478,
    tls_port=5349,
    media_ips=[ip_address("192.0.2.9"), ip_address("2001:db8::9")],
    tls_cert=Path("/etc/cert.pem"),
    tls_key=Path("/etc/key.pem"),
    state_folder=Path("/var/lib/rtc/turn"),
)


def settings(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_relay_is_closed_by_default() -> None:
    lines = settings(render(BASE))
    for line in (
        "use-auth-secret",
        "no-cli",
        "no-multicast-peers",
        "no-tcp-relay",
        "no-software-attribute",
        "no-tlsv1",
        "no-tlsv1_1",
        "no-rfc5780",
        "fingerprint",
        "stale-nonce=600",
        "user-quota=12",
        "total-quota=1200",
        "denied-peer-ip=0.0.0.0-255.255.255.255",
        "denied-peer-ip=::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "allowed-peer-ip=192.0.2.9",
        "allowed-peer-ip=2001:db8::9",
    ):
        assert line in lines
    assert not any(line.startswith(("no-auth", "lt-cred-mech", "user=")) for line in lines)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.255",
        "10.1.2.3",
        "172.31.255.255",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "0.0.0.0",
        "::1",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_special_addresses_are_denied_even_where_public_ones_are_not(address: str) -> None:
    ip = ip_address(address)
    assert any(ip in network for network in SPECIAL_NETWORKS if network.version == ip.version)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "172.32.0.1"])
def test_public_addresses_are_not_special(address: str) -> None:
    ip = ip_address(address)
    assert not any(ip in network for network in SPECIAL_NETWORKS if network.version == ip.version)


def test_public_peers_only_when_told() -> None:
    lines = settings(render(replace(BASE, media_only=False)))
    assert len(EVERYWHERE) == 2
    assert len(settings(render(BASE))) - len(lines) == 2
    assert "denied-peer-ip=0.0.0.0-255.255.255.255" not in lines
    assert "denied-peer-ip=10.0.0.0-10.255.255.255" in lines


def test_loopback_only_where_media_is_there() -> None:
    assert "allow-loopback-peers" not in settings(render(BASE))
    assert "allow-loopback-peers" in settings(render(replace(BASE, media_ips=[IPv4Address("127.0.0.1")])))


def test_without_a_certificate_there_is_no_tls() -> None:
    lines = settings(render(replace(BASE, tls_cert=None)))
    assert "no-tls" in lines
    assert not any(line.startswith("tls-listening-port") for line in lines)


@pytest.mark.parametrize("field", ["secret", "realm"])
def test_a_value_cannot_add_a_line(field: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        render(replace(BASE, **{field: "x\nno-auth"}))  # type: ignore[arg-type]


def test_the_file_is_for_us_alone(tmp_path: Path) -> None:
    config = replace(BASE, state_folder=tmp_path / "turn")
    path = write(config)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == render(config)
    assert write(replace(config, port=4000)) != path, "two servers may share a data folder"


def test_the_secret_is_not_in_the_representation() -> None:
    assert BASE.secret not in repr(BASE)


def test_no_ipv6_range_begins_with_the_unspecified_address() -> None:
    """coturn would take it to hold every IPv4 address."""
    assert not any(line.startswith("denied-peer-ip=::-") for line in settings(render(BASE)))
