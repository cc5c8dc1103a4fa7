"""Whether a relay really relays, by a real allocation, and where it refuses to go."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass

from turn.client import Allocation, TurnProtocolError, TurnRefused, TurnTransport, connect
from turn.credentials import Credentials
from turn.stun import Address, MalformedStun

PROBE_TIMEOUT_S = 5.0
_RETRY_S = 0.05


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One way to reach a relay. ``via``: the address a probe takes instead of ``host``, when it is on this machine."""

    transport: TurnTransport
    host: str
    port: int
    via: str | None = None

    @property
    def url(self) -> str:
        """RTCIceServer URL (RFC 7065)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.transport is TurnTransport.TLS:
            return f"turns:{host}:{self.port}?transport=tcp"
        return f"turn:{host}:{self.port}?transport={self.transport.value}"


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """``rtt_ms``: from the authenticated request to its answer. ``reason``: why not, in a stable word."""

    endpoint: Endpoint
    ok: bool
    relayed_family: str | None = None
    rtt_ms: float | None = None
    reason: str | None = None


def endpoint_of(url: str) -> Endpoint:
    """Read ``turn:host[:port][?transport=…]`` or ``turns:…`` (RFC 7065 §3.1). Raises ``ValueError``."""
    scheme, _, rest = url.partition(":")
    if scheme not in {"turn", "turns"} or not rest:
        raise ValueError(f"{url!r} is not a turn: or turns: URL")
    address, _, query = rest.partition("?")
    wanted = query.removeprefix("transport=") if query else ""
    if wanted not in {"", "udp", "tcp"}:
        raise ValueError(f"{url!r}: transport must be udp or tcp")
    plain = TurnTransport.TCP if wanted == "tcp" else TurnTransport.UDP
    transport = TurnTransport.TLS if scheme == "turns" else plain
    host, port = _split_host(address)
    if not host:
        raise ValueError(f"{url!r} names no host")
    return Endpoint(transport, host, port or (5349 if scheme == "turns" else 3478))


def _split_host(address: str) -> tuple[str, int | None]:
    if address.startswith("["):
        host, _, after = address[1:].partition("]")
        return host, int(after[1:]) if after.startswith(":") else None
    host, _, port = address.partition(":")
    return host, int(port) if port else None


async def probe(
    endpoint: Endpoint,
    credentials: Credentials,
    peers: Sequence[Address],
    *,
    tls: ssl.SSLContext | None = None,
    timeout_s: float = PROBE_TIMEOUT_S,
) -> ProbeResult:
    """Allocate, ask permission for every one of ``peers`` (the media addresses), give the allocation back.
    Never raises."""
    try:
        async with asyncio.timeout(timeout_s):
            allocation, rtt_ms = await _allocate_and_permit(endpoint, credentials, peers, tls)
    except TurnRefused as refusal:
        return ProbeResult(endpoint, ok=False, reason=f"{refusal.method.name.lower()}_refused_{refusal.code}")
    except (TurnProtocolError, MalformedStun):
        return ProbeResult(endpoint, ok=False, reason="protocol_error")
    except ssl.SSLError:
        return ProbeResult(endpoint, ok=False, reason="tls_failed")
    except TimeoutError:
        return ProbeResult(endpoint, ok=False, reason="timeout")
    except ConnectionRefusedError:
        return ProbeResult(endpoint, ok=False, reason="connection_refused")
    except (OSError, EOFError):
        return ProbeResult(endpoint, ok=False, reason="connection_failed")
    family = f"ipv{allocation.relayed.ip.version}"
    return ProbeResult(endpoint, ok=True, relayed_family=family, rtt_ms=round(rtt_ms, 2))


async def probe_until_answered(
    endpoint: Endpoint, credentials: Credentials, *, timeout_s: float, tls: ssl.SSLContext | None = None
) -> ProbeResult:
    """Probe a relay that is just starting, which tells nobody when it listens, until it answers or time is up."""
    deadline = time.monotonic() + timeout_s
    while True:
        left = deadline - time.monotonic()
        result = await probe(endpoint, credentials, (), tls=tls, timeout_s=max(left, _RETRY_S))
        if result.reason not in {"connection_refused", "connection_failed"} or left <= 0:
            return result
        await asyncio.sleep(_RETRY_S)


async def _allocate_and_permit(
    endpoint: Endpoint, credentials: Credentials, peers: Sequence[Address], tls: ssl.SSLContext | None
) -> tuple[Allocation, float]:
    async with connect(
        endpoint.transport,
        endpoint.via or endpoint.host,
        endpoint.port,
        username=credentials.username,
        password=credentials.password,
        tls=tls,
        server_name=endpoint.host,
    ) as client:
        began = time.perf_counter()
        allocation = await client.allocate()
        rtt_ms = (time.perf_counter() - began) * 1000
        try:
            for peer in peers:
                if peer.ip.version == allocation.relayed.ip.version:
                    await client.permit(peer)
        finally:
            await client.release()
        return allocation, rtt_ms
