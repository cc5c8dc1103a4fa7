"""coturn's configuration file, as safe as it can be made: it relays for nobody without our credentials, and to
nowhere but where media is."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from pathlib import Path

from turn.database import prepare

IpAddress = IPv4Address | IPv6Address

SPECIAL_NETWORKS: tuple[IPv4Network | IPv6Network, ...] = tuple(
    ip_network(text)
    for text in (
        # IANA IPv4 Special-Purpose Address Registry (RFC 6890), multicast (RFC 5771) and class E (RFC 1112)
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        # IANA IPv6 Special-Purpose Address Registry, and those that carry an IPv4 address inside:
        # mapped, translated (RFC 6052), 6to4, Teredo
        "::1/128",
        "::ffff:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)
EVERYWHERE: tuple[IPv4Network | IPv6Network, ...] = (ip_network("0.0.0.0/0"), ip_network("::/0"))


@dataclass(frozen=True, slots=True)
class CoturnConfig:
    """What varies of a configuration. Times in seconds."""

    secret: str = field(repr=False)
    realm: str
    listen_ips: Sequence[IpAddress]
    relay_ips: Sequence[IpAddress]
    port: int
    tls_port: int | None
    """None: no TLS."""
    media_ips: Sequence[IpAddress]
    """Allowed as peers although they may be private or loopback."""
    media_only: bool = True
    """False: any public address is allowed too."""
    min_port: int = 49152
    max_port: int = 65535
    user_quota: int = 12
    total_quota: int = 1200
    stale_nonce_s: int = 600
    external_ip: str | None = None
    """The public address when the relay stands behind a 1:1 NAT."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    state_folder: Path = Path()
    """For coturn's own files; the configuration itself lies here too."""


def render(config: CoturnConfig) -> str:
    """The text of ``turnserver.conf``. Raises ``ValueError`` for a value that would begin a new line."""
    lines = [
        "# Written by rtc-server at every start; changes here are lost.",
        *(f"listening-ip={ip}" for ip in config.listen_ips),
        *(f"relay-ip={ip}" for ip in config.relay_ips),
        f"listening-port={config.port}",
        f"min-port={config.min_port}",
        f"max-port={config.max_port}",
        *([f"external-ip={config.external_ip}"] if config.external_ip else []),
        *_tls(config),
        "",
        "# Who may use it: time-limited credentials of the TURN REST API",
        "use-auth-secret",
        f"static-auth-secret={config.secret}",
        f"realm={config.realm}",
        f"stale-nonce={config.stale_nonce_s}",
        f"user-quota={config.user_quota}",
        f"total-quota={config.total_quota}",
        "",
        "# Where it relays to: allowed addresses are exceptions from denied ones",
        *(f"allowed-peer-ip={ip}" for ip in config.media_ips),
        *(["allow-loopback-peers"] if any(ip.is_loopback for ip in config.media_ips) else []),
        *(f"denied-peer-ip={_range(network)}" for network in SPECIAL_NETWORKS),
        *(f"denied-peer-ip={_range(network)}" for network in EVERYWHERE if config.media_only),
        "no-multicast-peers",
        "no-tcp-relay",
        "",
        "# What it does not offer or tell",
        "no-cli",
        "no-software-attribute",
        "no-rfc5780",
        "no-stun-backward-compatibility",
        "response-origin-only-with-rfc5780",
        "no-dynamic-ip-list",
        "no-dynamic-realms",
        "fingerprint",
        "",
        "# Its files and its log",
        f"userdb={_database(config)}",
        f"pidfile={config.state_folder / f'coturn-{config.port}.pid'}",
        "log-file=stdout",
        "simple-log",
        "",
    ]
    if any("\n" in line or "\r" in line or "\0" in line for line in lines):
        raise ValueError("a setting of the relay holds a line break")
    return "\n".join(lines)


def write(config: CoturnConfig) -> Path:
    """Write the configuration, readable by us alone, and return where. Two servers with one data folder have
    different ports, and so different files."""
    config.state_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = config.state_folder / f"turnserver-{config.port}.conf"
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(render(config))
    draft.replace(path)
    prepare(_database(config))
    return path


def _database(config: CoturnConfig) -> Path:
    return config.state_folder / f"coturn-{config.port}.db"


def _tls(config: CoturnConfig) -> list[str]:
    if config.tls_port is None or config.tls_cert is None or config.tls_key is None:
        return ["no-tls", "no-dtls"]
    return [
        f"tls-listening-port={config.tls_port}",
        f"cert={config.tls_cert}",
        f"pkey={config.tls_key}",
        "no-tlsv1",
        "no-tlsv1_1",
        "no-dtls",
    ]


def _range(network: IPv4Network | IPv6Network) -> str:
    # coturn (seen in 4.6) takes a range that begins with the unspecified address to hold every IPv4 address, and
    # refuses the unspecified address as a peer anyway.
    first = network[1] if network.version == 6 and network[0].is_unspecified else network[0]
    return f"{first}-{network[-1]}"
