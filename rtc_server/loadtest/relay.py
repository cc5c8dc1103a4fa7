"""A UDP relay between a synthetic peer and the server, that does to datagrams what ``impairment`` says.

The peer is given the relay's address in place of the server's; every socket of the peer has one of its own towards the
server, as behind a home router. All sockets of a person share one line in each direction.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable

from rtc_server.loadtest.impairment import Impairment, Line

Address = tuple[str, int]

_CANDIDATE = re.compile(
    r"^(a=candidate:\S+ \d+ )(\S+)( \d+ )(\S+) (\d+)( typ host.*)$", re.MULTILINE | re.IGNORECASE
)


class ImpairedLine:
    """The access line of one person."""

    def __init__(self, impairment: Impairment, name: str, bind_ip: str = "127.0.0.1") -> None:
        self.up, self.down = Line(impairment, f"{name}/up"), Line(impairment, f"{name}/down")
        self._bind_ip = bind_ip
        self._inner: dict[Address, tuple[asyncio.DatagramTransport, Address]] = {}
        self._outer: dict[tuple[Address, Address], asyncio.DatagramTransport] = {}
        self._opening: dict[tuple[Address, Address], list[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """The time of the windows begins now."""
        self.up.began_s = self.down.began_s = time.monotonic()

    async def through(self, sdp: str) -> str:
        """The same description with the relay in place of the server's UDP candidates, and without those over TCP."""
        servers = {
            (found[4], int(found[5])) for found in _CANDIDATE.finditer(sdp) if found[2].lower() == "udp"
        }
        here = {server: await self._towards(server) for server in servers}

        def put(found: re.Match[str]) -> str:
            if found[2].lower() != "udp":
                return ""
            ip, port = here[found[4], int(found[5])]
            return f"{found[1]}{found[2]}{found[3]}{ip} {port}{found[6]}"

        return (
            "\r\n".join(line for line in _CANDIDATE.sub(put, sdp.replace("\r\n", "\n")).split("\n") if line)
            + "\r\n"
        )

    async def _towards(self, server: Address) -> Address:
        """The address at which the peer finds this server."""
        if server not in self._inner:

            def from_peer(data: bytes, peer: Address) -> None:
                self._pass(self.up, data, lambda late: self._up(late, peer, server))

            transport = await self._open(from_peer)
            self._inner[server] = transport, transport.get_extra_info("sockname")[:2]
        return self._inner[server][1]

    def _up(self, data: bytes, peer: Address, server: Address) -> None:
        transport = self._outer.get((peer, server))
        if transport is not None:
            _send(transport, data, server)
            return
        waiting = self._opening.get((peer, server))
        if waiting is not None:
            waiting.append(data)
            return
        self._opening[peer, server] = [data]
        task = asyncio.get_running_loop().create_task(self._meet(peer, server))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _meet(self, peer: Address, server: Address) -> None:
        def from_server(data: bytes, _: Address) -> None:
            inner = self._inner[server][0]
            self._pass(self.down, data, lambda late: _send(inner, late, peer))

        self._outer[peer, server] = transport = await self._open(from_server)
        for data in self._opening.pop((peer, server)):
            _send(transport, data, server)

    def _pass(self, line: Line, data: bytes, deliver: Callable[[bytes], None]) -> None:
        now = time.monotonic()
        arrival = line.arrival(now, len(data))
        if arrival is None:
            return
        if arrival <= now:
            deliver(data)
        else:
            asyncio.get_running_loop().call_later(arrival - now, deliver, data)

    async def _open(self, received: Callable[[bytes, Address], None]) -> asyncio.DatagramTransport:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Port(received), local_addr=(self._bind_ip, 0)
        )
        return transport

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for transport in (*(inner for inner, _ in self._inner.values()), *self._outer.values()):
            transport.close()


def _send(transport: asyncio.DatagramTransport, data: bytes, to: Address) -> None:
    """What is still under way when the line is closed goes nowhere."""
    if not transport.is_closing():
        transport.sendto(data, to)


class _Port(asyncio.DatagramProtocol):
    def __init__(self, received: Callable[[bytes, Address], None]) -> None:
        self._received = received

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._received(data, addr[:2])
