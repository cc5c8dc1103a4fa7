"""The instrument first: a blocked port is blocked, and free again afterwards."""

from __future__ import annotations

import contextlib
import socket
import subprocess

import pytest

from tests.harness.firewall import TABLE, blocked_udp, firewall_missing


@pytest.mark.skipif(firewall_missing() is not None, reason=firewall_missing() or "")
def test_a_blocked_port_hears_nothing_and_is_free_again() -> None:
    with (
        socket.socket(type=socket.SOCK_DGRAM) as receiver,
        socket.socket(type=socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(0.2)
        address = receiver.getsockname()
        with contextlib.suppress(RuntimeError), blocked_udp(address[1]):
            sender.sendto(b"lost", address)
            with pytest.raises(TimeoutError):
                receiver.recv(10)
            raise RuntimeError("a fault of the test")
        sender.sendto(b"heard", address)
        assert receiver.recv(10) == b"heard"
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
    assert TABLE not in tables
