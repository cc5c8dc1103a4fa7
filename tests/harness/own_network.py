"""A browser whose machine has a network of its own (a Linux network namespace), so that its line alone can be bad.

The server is on this machine, at an address the namespace reaches over a bridge. What is cut there is cut for signalling and
media alike, and for nobody else.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.harness.browser import CHROMIUM

_TAG = f"{os.getpid() % 10_000:04d}"
_BRIDGE = f"rtcbr{_TAG}"
_SPACE = f"rtc_own_{_TAG}"
_NET = f"198.18.{os.getpid() % 250}"
"""RFC 2544 §C.2.2: for tests, on no machine's route."""
SERVER_IP = f"{_NET}.1"
FIRST_IP, SECOND_IP = f"{_NET}.2", f"{_NET}.3"


def _run(*command: str, stdin: str | None = None) -> str:
    done = subprocess.run(command, input=stdin, text=True, check=False, capture_output=True)
    if done.returncode != 0:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


@cache
def own_network_missing() -> str | None:
    """Why no network can be made here, or None when one can."""
    for tool in ("ip", "nft"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    try:
        with own_network(Path("/dev/null").parent, probe=True):
            return None
    except OSError as fault:
        return f"no network namespace may be made here ({fault}); run as root"


@dataclass
class OwnNetwork:
    """``chromium`` is the program to launch: a browser within this network."""

    chromium: str

    def cut(self) -> None:
        """Nothing goes through any more, and nobody is told: a tunnel, a lift, a switch that died."""
        self._filter("drop")

    def mend(self) -> None:
        self._nft("delete table inet line\n")

    def block_udp(self) -> None:
        """Media by UDP vanishes; signalling is as it was."""
        self._filter("meta l4proto udp drop")

    def block_media(self, tcp_port: int) -> None:
        """Media vanishes whichever way it takes; signalling (another TCP port) is as it was."""
        self._filter("meta l4proto udp drop", f"tcp dport {tcp_port} drop", f"tcp sport {tcp_port} drop")

    def unplug(self) -> None:
        """The cable is out: the machine itself knows."""
        self._ip("link", "set", "line", "down")

    def plug_in(self) -> None:
        self._ip("link", "set", "line", "up")
        self._ip("route", "replace", "default", "via", SERVER_IP)

    def change_address(self) -> None:
        """Another address, as between an office's network and a telephone's: what was open can only die."""
        self._ip("addr", "del", f"{FIRST_IP}/24", "dev", "line")
        self._ip("addr", "add", f"{SECOND_IP}/24", "dev", "line")
        self._ip("route", "replace", "default", "via", SERVER_IP)

    def rebind(self) -> None:
        """A NAT on the way forgets its bindings: the server sees another address, the machine knows nothing. What was
        open over TCP is dropped."""
        self._ip("addr", "add", f"{SECOND_IP}/32", "dev", "line")
        self._nft(
            f"""table ip nat {{
                chain out {{
                    type filter hook postrouting priority raw;
                    ip saddr {FIRST_IP} meta l4proto udp counter ip saddr set {SECOND_IP}
                }}
                chain back {{
                    type filter hook prerouting priority raw;
                    ip daddr {SECOND_IP} meta l4proto udp counter ip daddr set {FIRST_IP}
                }}
            }}
            """
        )
        _run("ip", "netns", "exec", _SPACE, "ss", "-K", "dst", SERVER_IP)

    def rebound_packets(self) -> int:
        """How many came from the other address since, and went back to it: the fewer of the two."""
        listed = _run("ip", "netns", "exec", _SPACE, "nft", "list", "table", "ip", "nat")
        return min(int(count) for count in re.findall(r"counter packets (\d+)", listed))

    def sleep(self) -> None:
        """Every process of the browser stands still, as when a laptop is closed."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for pid in _run("ip", "netns", "pids", _SPACE).split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), number)

    def _filter(self, *rules: str) -> None:
        def chain(hook: str, loopback: str) -> str:
            lines = "\n".join((f"type filter hook {hook} priority filter;", f"{loopback} lo accept", *rules))
            return f"chain {hook} {{\n{lines}\n}}\n"

        self._nft(f"table inet line {{\n{chain('input', 'iif')}{chain('output', 'oif')}}}\n")

    def _nft(self, rules: str) -> None:
        _run("ip", "netns", "exec", _SPACE, "nft", "-f", "-", stdin=rules)

    def _ip(self, *command: str) -> None:
        _run("ip", "-n", _SPACE, *command)


@contextlib.contextmanager
def own_network(folder: Path, *, probe: bool = False) -> Iterator[OwnNetwork]:
    """One at a time in a process. ``folder`` keeps the script that starts the browser."""
    end = f"rtcend{_TAG}"
    program = folder / "chromium"
    try:
        _run("ip", "netns", "add", _SPACE)
        _run("ip", "link", "add", _BRIDGE, "type", "bridge")
        _run("ip", "addr", "add", f"{SERVER_IP}/24", "dev", _BRIDGE)
        _run("ip", "link", "set", _BRIDGE, "up")
        _run("ip", "link", "add", end, "type", "veth", "peer", "name", "line", "netns", _SPACE)
        _run("ip", "link", "set", end, "master", _BRIDGE, "up")
        network = OwnNetwork(str(program))
        network._ip("link", "set", "lo", "up")
        network._ip("addr", "add", f"{FIRST_IP}/24", "dev", "line")
        network.plug_in()
        if not probe:
            program.write_text(f'#!/bin/sh\nexec ip netns exec {_SPACE} {CHROMIUM} "$@"\n')
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
        yield network
    finally:
        for undo in (("link", "del", _BRIDGE), ("link", "del", end), ("netns", "del", _SPACE)):
            subprocess.run(["ip", *undo], check=False, capture_output=True)
