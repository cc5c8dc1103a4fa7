"""A real coturn, configured and started by our own code."""

from __future__ import annotations

import shutil
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from rtc_server.certificates import CertificateFiles, demo_certificate
from turn.client import TurnTransport
from turn.config import CoturnConfig, write
from turn.credentials import Credentials, issue
from turn.probe import Endpoint, probe_until_answered
from turn.supervisor import CoturnSupervisor, RelayState

SECRET = "a secret for tests alone, not used anywhere"
LOOPBACK = IPv4Address("127.0.0.1")


def free_port() -> int:
    """A port free for UDP and TCP now."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = int(tcp.getsockname()[1])
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@dataclass(frozen=True)
class Coturn:
    config: CoturnConfig
    supervisor: CoturnSupervisor
    tls: ssl.SSLContext

    def endpoint(self, transport: TurnTransport) -> Endpoint:
        port = self.config.tls_port if transport is TurnTransport.TLS else self.config.port
        assert port is not None
        return Endpoint(transport, "127.0.0.1", port)

    def credentials(self, user: str = "tester", lifetime_s: int = 600) -> Credentials:
        return issue(SECRET, user, now=time.time(), lifetime_s=lifetime_s)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> CertificateFiles:
    return demo_certificate(tmp_path_factory.mktemp("tls"), ["localhost"], [LOOPBACK])


@asynccontextmanager
async def running_coturn(
    folder: Path, certificate: CertificateFiles, **changes: object
) -> AsyncIterator[Coturn]:
    """coturn up and answering. ``changes`` are fields of ``CoturnConfig``."""
    if shutil.which("turnserver") is None:
        pytest.fail("coturn is not installed: make system-packages")
    settings: dict[str, object] = {
        "secret": SECRET,
        "realm": "test",
        "listen_ips": [LOOPBACK],
        "relay_ips": [LOOPBACK],
        "port": free_port(),
        "tls_port": free_port(),
        "media_ips": [LOOPBACK],
        "tls_cert": certificate.certificate,
        "tls_key": certificate.key,
        "state_folder": folder,
        **changes,
    }
    config = CoturnConfig(**settings)  # type: ignore[arg-type]
    supervisor = CoturnSupervisor("turnserver", write(config))
    coturn = Coturn(config, supervisor, ssl.create_default_context(cafile=certificate.authority))
    await supervisor.start()
    try:
        await supervisor.changed(RelayState.RUNNING)
        started = await probe_until_answered(
            coturn.endpoint(TurnTransport.UDP), coturn.credentials("starting"), timeout_s=10
        )
        assert started.ok, started.reason
        yield coturn
    finally:
        await supervisor.stop()
