"""The relay as the application uses it: our own coturn or an operator's, who gets credentials, how it is doing."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

import structlog

from rtc_server.certificates import demo_certificate
from rtc_server.config import Settings, TurnPeers
from signaling.rooms.ports import IceServer
from turn import credentials
from turn.client import TurnTransport
from turn.config import CoturnConfig, write
from turn.credentials import Credentials
from turn.probe import Endpoint, ProbeResult, endpoint_of, probe, probe_until_answered
from turn.stun import Address
from turn.supervisor import CoturnSupervisor, RelayState

DEFAULT_PORT = 3478
DEFAULT_TLS_PORT = 5349
FIRST_PROBE_S = 3.0
_PROBE_USER = "probe"
_DISCARD_PORT = 9
"""A permission is for an address; its port does not matter (RFC 8656 §9)."""

log = structlog.get_logger(__name__)


class RelayError(Exception):
    """The settings of the relay contradict each other; the text is for the operator."""


@dataclass(frozen=True, slots=True)
class _Tls:
    certificate: Path
    key: Path
    authority: Path | None


class Relay:
    """Implements ``signaling.rooms.ports.IceServerSource``. ``up`` is told 1.0 or 0.0 after every probe."""

    def __init__(
        self,
        settings: Settings,
        secret: str | None,
        *,
        up: Callable[[float], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._secret = secret
        self._up = up
        self._clock = clock
        self._endpoints: tuple[Endpoint, ...] = ()
        self._tls_trust: ssl.SSLContext | None = None
        self._supervisor: CoturnSupervisor | None = None
        self._results: dict[Endpoint, ProbeResult] = {}
        self._prober: asyncio.Task[None] | None = None
        self._state = "off"

    def ice_servers(self, person_id: str) -> Sequence[IceServer]:
        if self._secret is None or not self._endpoints:
            return []
        issued = self._credentials(credentials.pseudonym(self._secret, person_id))
        urls = tuple(endpoint.url for endpoint in self._endpoints)
        return [IceServer(urls, issued.username, issued.password)]

    async def start(self) -> None:
        """Raises ``RelayError``. A relay that does not answer stops nothing: ``report`` tells."""
        turn = self._settings.turn
        if turn.urls:
            self.use_existing(turn.urls)
        elif self._wants_own():
            await self._start_own()
        if self._endpoints:
            first = self._endpoints[0]
            if self._supervisor is not None:
                await probe_until_answered(
                    first, self._credentials(_PROBE_USER), timeout_s=FIRST_PROBE_S, tls=self._tls_trust
                )
            self._prober = asyncio.create_task(self._keep_probing(), name="relay-probe")

    async def stop(self) -> None:
        """Idempotent."""
        prober, self._prober = self._prober, None
        if prober is not None:
            prober.cancel()
            await asyncio.gather(prober, return_exceptions=True)
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            await supervisor.stop()

    def report(self) -> Mapping[str, Any]:
        """For ``/healthz``: ``ok`` is None where no relay is wanted, or before the first probe."""
        state = self._supervisor.state.value if self._supervisor is not None else self._state
        if state == RelayState.MISSING:
            wanted = self._settings.turn.start is True
            return {
                "ok": False if wanted else None,
                "state": state,
                "message": f"{self._settings.turn.binary} is not installed; calls go without a relay",
            }
        if not self._endpoints:
            return {"ok": None, "state": state}
        return {
            "ok": all(result.ok for result in self._results.values()) if self._results else None,
            "state": state,
            "endpoints": [_line(endpoint, self._results.get(endpoint)) for endpoint in self._endpoints],
        }

    async def probe_all(self) -> Sequence[ProbeResult]:
        """A real allocation over every endpoint, and a permission for every media address."""
        peers = [Address(ip, _DISCARD_PORT) for ip in self._settings.media_ips]
        issued = self._credentials(_PROBE_USER)
        return await asyncio.gather(
            *(probe(endpoint, issued, peers, tls=self._tls_trust) for endpoint in self._endpoints)
        )

    def _credentials(self, user: str) -> Credentials:
        return credentials.issue(
            self._secret or "",
            user,
            now=self._clock(),
            lifetime_s=self._settings.turn.credential_lifetime_s,
        )

    def _wants_own(self) -> bool:
        turn = self._settings.turn
        if turn.start is None and self._settings.demo and shutil.which(turn.binary) is None:
            self._state = RelayState.MISSING
            return False
        return self._settings.demo if turn.start is None else turn.start

    def use_existing(self, urls: Sequence[str]) -> None:
        """Serve these addresses instead of a coturn of our own. Raises ``RelayError``."""
        try:
            self._endpoints = tuple(endpoint_of(url) for url in urls)
        except ValueError as error:
            raise RelayError(f"RTC_TURN_URLS: {error}") from error
        self._state = "external"
        authority = self._settings.data / "tls" / "ca.pem"
        if self._settings.demo and authority.exists():
            self._tls_trust = ssl.create_default_context(cafile=authority)

    async def _start_own(self) -> None:
        settings, turn = self._settings, self._settings.turn
        if not self._secret:
            raise RelayError("RTC_TURN_SECRET is needed to start coturn")
        listen = turn.listen_ips or _bind_ips(settings)
        port = _port(turn.port, DEFAULT_PORT, listen, may_choose=settings.demo)
        tls = self._certificate() if turn.tls_port != 0 else None
        tls_port = (
            _port(turn.tls_port, DEFAULT_TLS_PORT, listen, may_choose=settings.demo, taken=port)
            if tls
            else None
        )
        config = CoturnConfig(
            secret=self._secret,
            realm=turn.realm,
            listen_ips=listen,
            relay_ips=turn.relay_ips or listen,
            port=port,
            tls_port=tls_port,
            media_ips=settings.media_ips,
            media_only=turn.peers is TurnPeers.MEDIA,
            min_port=turn.min_port,
            max_port=turn.max_port,
            user_quota=turn.user_quota,
            total_quota=turn.total_quota,
            external_ip=str(turn.external_ip) if turn.external_ip else None,
            tls_cert=tls.certificate.resolve() if tls else None,
            tls_key=tls.key.resolve() if tls else None,
            state_folder=(settings.data / "turn").resolve(),
        )
        try:
            path = write(config)
        except ValueError as error:
            raise RelayError(str(error)) from error
        self._supervisor = CoturnSupervisor(turn.binary, path)
        await self._supervisor.start()
        if self._supervisor.state is RelayState.MISSING:
            return
        host = turn.host or str(settings.media_ips[0])
        via = str(listen[0]) if listen else "127.0.0.1"
        endpoints = [
            Endpoint(TurnTransport.UDP, host, port, via),
            Endpoint(TurnTransport.TCP, host, port, via),
        ]
        if tls_port is not None:
            endpoints.append(Endpoint(TurnTransport.TLS, host, tls_port, via))
        self._endpoints = tuple(endpoints)
        log.info("relay_started", port=port, tls_port=tls_port)

    def _certificate(self) -> _Tls | None:
        """The relay's own, else that of HTTPS, else in demo mode one of our own making."""
        settings, turn = self._settings, self._settings.turn
        if turn.tls_cert is not None and turn.tls_key is not None:
            return _Tls(turn.tls_cert, turn.tls_key, None)
        if settings.tls_cert is not None and settings.tls_key is not None:
            return _Tls(settings.tls_cert, settings.tls_key, None)
        if not settings.demo:
            return None
        names = ["localhost", *([turn.host] if turn.host and not _is_ip(turn.host) else [])]
        files = demo_certificate(
            settings.data / "tls", names, [IPv4Address("127.0.0.1"), *settings.media_ips]
        )
        self._tls_trust = ssl.create_default_context(cafile=files.authority)
        return _Tls(files.certificate, files.key, files.authority)

    async def _keep_probing(self) -> None:
        while True:
            results = {result.endpoint: result for result in await self.probe_all()}
            for endpoint, result in results.items():
                before = self._results.get(endpoint)
                if before is None or before.ok != result.ok:
                    level = log.info if result.ok else log.warning
                    level(
                        "relay_probed", transport=endpoint.transport.value, ok=result.ok, reason=result.reason
                    )
            self._results = results
            self._up(1.0 if all(result.ok for result in results.values()) else 0.0)
            await asyncio.sleep(self._settings.turn.probe_interval_s)


def _line(endpoint: Endpoint, result: ProbeResult | None) -> dict[str, Any]:
    if result is None:
        return {"url": endpoint.url, "ok": None}
    return {
        "url": endpoint.url,
        "ok": result.ok,
        "relayed_family": result.relayed_family,
        "rtt_ms": result.rtt_ms,
        "reason": result.reason,
    }


def _bind_ips(settings: Settings) -> tuple[IPv4Address | IPv6Address, ...]:
    """Where coturn listens; empty is everywhere."""
    if settings.media.bind_ip is not None:
        return () if settings.media.bind_ip.is_unspecified else (settings.media.bind_ip,)
    return (IPv4Address("127.0.0.1"),) if settings.demo else ()


def _port(
    wanted: int | None,
    default: int,
    listen: Sequence[IPv4Address | IPv6Address],
    *,
    may_choose: bool,
    taken: int | None = None,
) -> int:
    """The port asked for; else the default one, or in demo mode, where a second server may run, any free one."""
    if wanted:
        return wanted
    if not may_choose:
        return default
    ip = str(listen[0]) if listen else "0.0.0.0"  # noqa: S104 - only tried
    if wanted is None and default != taken and _is_free(ip, default):
        return default
    while True:
        with socket.socket(_family(ip), socket.SOCK_STREAM) as probe_socket:
            probe_socket.bind((ip, 0))
            port = int(probe_socket.getsockname()[1])
        if port != taken and _is_free(ip, port):
            return port


def _is_free(ip: str, port: int) -> bool:
    """For UDP and TCP. coturn binds with SO_REUSEPORT, so only a bind without it tells."""
    try:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(_family(ip), kind) as tried:
                tried.bind((ip, port))
    except OSError:
        return False
    return True


def _family(ip: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in ip else socket.AF_INET


def _is_ip(text: str) -> bool:
    try:
        IPv4Address(text)
    except ValueError:
        return ":" in text
    return True
