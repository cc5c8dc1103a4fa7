"""A real coturn with the configuration we write, asked by our own client."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from ipaddress import IPv4Address, ip_address
from pathlib import Path

import pytest
import pytest_asyncio

from rtc_server.certificates import CertificateFiles
from tests.turn.conftest import LOOPBACK, SECRET, Coturn, free_port, running_coturn
from turn.client import TurnRefused, TurnTransport, connect
from turn.credentials import Credentials, issue
from turn.probe import Endpoint, probe, probe_until_answered
from turn.stun import Address, Attribute, Message, MessageClass, decode, encode
from turn.supervisor import CoturnSupervisor, RelayState

MEDIA = Address(LOOPBACK, 9)


@pytest_asyncio.fixture
async def coturn(tmp_path: Path, certificate: CertificateFiles) -> AsyncIterator[Coturn]:
    async with running_coturn(tmp_path / "turn", certificate) as running:
        yield running


@pytest.mark.parametrize("transport", TurnTransport)
async def test_an_allocation_over_every_transport(coturn: Coturn, transport: TurnTransport) -> None:
    result = await probe(coturn.endpoint(transport), coturn.credentials(), [MEDIA], tls=coturn.tls)
    assert (result.ok, result.reason, result.relayed_family) == (True, None, "ipv4")
    assert result.rtt_ms is not None
    assert 0 < result.rtt_ms < 1000


async def test_the_relayed_address_lies_in_the_port_range(coturn: Coturn) -> None:
    credentials = coturn.credentials()
    async with connect(
        TurnTransport.UDP,
        "127.0.0.1",
        coturn.config.port,
        username=credentials.username,
        password=credentials.password,
    ) as client:
        allocation = await client.allocate()
        assert allocation.relayed.ip == LOOPBACK
        assert coturn.config.min_port <= allocation.relayed.port <= coturn.config.max_port
        assert allocation.mapped is not None
        assert allocation.lifetime_s > 0
        await client.release()


async def test_wrong_and_expired_credentials_are_refused(coturn: Coturn) -> None:
    wrong = issue("another secret", "tester", now=time.time(), lifetime_s=600)
    expired = coturn.credentials(lifetime_s=-10)
    good = coturn.credentials()
    later = Credentials(f"{good.expires_at + 99999}:tester", good.password, good.expires_at + 99999)
    for credentials in (wrong, expired, later):
        result = await probe(coturn.endpoint(TurnTransport.UDP), credentials, [])
        assert (result.ok, result.reason) == (False, "allocate_refused_401")


@pytest.mark.parametrize(
    "peer",
    [
        "127.0.0.2",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "0.0.0.0",
        "8.8.8.8",
    ],
)
async def test_it_relays_nowhere_but_to_media(coturn: Coturn, peer: str) -> None:
    result = await probe(
        coturn.endpoint(TurnTransport.UDP), coturn.credentials(), [Address(ip_address(peer), 9)]
    )
    assert (result.ok, result.reason) == (False, "create_permission_refused_403")


async def test_with_public_media_even_loopback_is_denied(
    tmp_path: Path, certificate: CertificateFiles
) -> None:
    async with running_coturn(tmp_path, certificate, media_ips=[IPv4Address("192.0.2.9")]) as coturn:
        endpoint, credentials = coturn.endpoint(TurnTransport.UDP), coturn.credentials()
        assert (await probe(endpoint, credentials, [Address(IPv4Address("192.0.2.9"), 9)])).ok
        assert (await probe(endpoint, credentials, [MEDIA])).reason == "create_permission_refused_403"


async def test_public_peers_when_told(tmp_path: Path, certificate: CertificateFiles) -> None:
    async with running_coturn(tmp_path, certificate, media_only=False) as coturn:
        endpoint, credentials = coturn.endpoint(TurnTransport.UDP), coturn.credentials()
        assert (await probe(endpoint, credentials, [Address(IPv4Address("8.8.8.8"), 9)])).ok
        for private in ("10.0.0.1", "127.0.0.2", "169.254.169.254"):
            denied = await probe(endpoint, credentials, [Address(IPv4Address(private), 9)])
            assert denied.reason == "create_permission_refused_403"


async def test_a_person_has_a_quota(tmp_path: Path, certificate: CertificateFiles) -> None:
    async with running_coturn(tmp_path, certificate, user_quota=2) as coturn:
        await _hold_until_refused(coturn, "greedy", 2)
        assert (await probe(coturn.endpoint(TurnTransport.UDP), coturn.credentials("another"), [])).ok


async def _hold_until_refused(coturn: Coturn, user: str, allowed: int) -> None:
    from contextlib import AsyncExitStack

    async with AsyncExitStack() as stack:
        for number in range(allowed + 1):
            # A later expiry makes another user name; the quota must count the person all the same.
            credentials = coturn.credentials(user, lifetime_s=600 + number)
            client = await stack.enter_async_context(
                connect(
                    TurnTransport.UDP,
                    "127.0.0.1",
                    coturn.config.port,
                    username=credentials.username,
                    password=credentials.password,
                )
            )
            if number < allowed:
                await client.allocate()
                stack.push_async_callback(client.release)
            else:
                with pytest.raises(TurnRefused) as caught:
                    await client.allocate()
                assert caught.value.code == 486  # Allocation Quota Reached (RFC 8656 §19)


async def test_a_certificate_nobody_trusts_is_told(coturn: Coturn) -> None:
    result = await probe(coturn.endpoint(TurnTransport.TLS), coturn.credentials(), [])
    assert (result.ok, result.reason) == (False, "tls_failed")


async def test_nobody_there_is_told() -> None:
    credentials = issue(SECRET, "x", now=time.time(), lifetime_s=60)
    for transport in (TurnTransport.UDP, TurnTransport.TCP):
        result = await probe(Endpoint(transport, "127.0.0.1", free_port()), credentials, [])
        assert (result.ok, result.reason) == (False, "connection_refused")


async def test_a_silent_relay_is_told() -> None:
    loop = asyncio.get_running_loop()
    silent, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
    port = silent.get_extra_info("sockname")[1]
    credentials = issue(SECRET, "x", now=time.time(), lifetime_s=60)
    result = await probe(Endpoint(TurnTransport.UDP, "127.0.0.1", port), credentials, [], timeout_s=0.3)
    silent.close()
    assert (result.ok, result.reason) == (False, "timeout")


async def test_something_else_behind_the_port_is_told() -> None:
    async def http(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n" + b" " * 40_000)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(http, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    credentials = issue(SECRET, "x", now=time.time(), lifetime_s=60)
    result = await probe(Endpoint(TurnTransport.TCP, "127.0.0.1", port), credentials, [])
    server.close()
    assert (result.ok, result.reason) == (False, "protocol_error")


async def test_a_relay_that_answers_nonsense_is_told() -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = decode(await reader.readexactly(20) + await reader.readexactly(16))
        broken = [(Attribute.XOR_RELAYED_ADDRESS, b"\x00\x09\x00")]
        writer.write(encode(Message(request.method, MessageClass.SUCCESS, request.transaction_id, broken)))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(nonsense, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    credentials = issue(SECRET, "x", now=time.time(), lifetime_s=60)
    result = await probe(Endpoint(TurnTransport.TCP, "127.0.0.1", port), credentials, [])
    server.close()
    assert (result.ok, result.reason) == (False, "protocol_error")


# Supervision


async def test_a_killed_coturn_comes_back(coturn: Coturn) -> None:
    first = coturn.supervisor.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await coturn.supervisor.changed(RelayState.RESTARTING)
    await coturn.supervisor.changed(RelayState.RUNNING)
    assert coturn.supervisor.restarts == 1
    assert coturn.supervisor.pid not in {None, first}
    result = await probe_until_answered(
        coturn.endpoint(TurnTransport.UDP), coturn.credentials(), timeout_s=10
    )
    assert result.ok


async def test_stopping_ends_the_process(coturn: Coturn) -> None:
    pid = coturn.supervisor.pid
    assert pid is not None
    await coturn.supervisor.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert coturn.supervisor.state is RelayState.STOPPED
    await coturn.supervisor.stop()


async def test_a_missing_binary_stops_nothing(tmp_path: Path) -> None:
    supervisor = CoturnSupervisor("no-such-relay", tmp_path / "x.conf")
    await supervisor.start()
    assert supervisor.state is RelayState.MISSING
    await supervisor.stop()


async def test_one_that_cannot_start_is_tried_again_and_again(tmp_path: Path) -> None:
    supervisor = CoturnSupervisor("false", tmp_path / "x.conf", first_backoff_s=0.01, jitter=lambda: 0)
    await supervisor.start()
    while supervisor.restarts < 3:
        await supervisor.changed(RelayState.RESTARTING)
        await supervisor.changed(RelayState.RUNNING)
    await supervisor.stop()
    assert supervisor.state is RelayState.STOPPED
