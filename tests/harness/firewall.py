"""Takes the UDP path to a port away, and gives it back, with nftables."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache

TABLE = f"rtc_server_test_{os.getpid()}"


def _nft(rules: str) -> None:
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True, capture_output=True)


@cache
def firewall_missing() -> str | None:
    """Why a UDP port cannot be blocked here, or None when it can."""
    if shutil.which("nft") is None:
        return "nftables is not installed"
    try:
        _nft(f"add table inet {TABLE}_probe\ndelete table inet {TABLE}_probe\n")
    except (subprocess.CalledProcessError, OSError) as fault:
        detail = fault.stderr.strip() if isinstance(fault, subprocess.CalledProcessError) else str(fault)
        return f"nftables may not be changed here ({detail}); run as root"
    return None


@contextlib.contextmanager
def narrowed_udp(port: int, *, kbytes_per_s: int) -> Iterator[None]:
    """Of the datagrams to this local port, and of those from it, so many pass a second each way; the rest vanish."""
    table = f"{TABLE}_{port}"
    limit = f"limit rate over {kbytes_per_s} kbytes/second burst {max(4, kbytes_per_s // 4)} kbytes drop"
    _nft(
        f"""table inet {table} {{
            chain input {{
                type filter hook input priority filter;
                udp dport {port} {limit}
                udp sport {port} {limit}
            }}
        }}"""
    )
    try:
        yield
    finally:
        _nft(f"delete table inet {table}\n")


@contextlib.contextmanager
def blocked_udp(*ports: int) -> Iterator[None]:
    """Datagrams to and from these local ports vanish. TCP is not touched. The table is gone afterwards, come what may."""
    listed = ", ".join(map(str, ports))
    table = f"{TABLE}_{'_'.join(map(str, ports))}"
    _nft(
        f"""table inet {table} {{
            chain input {{
                type filter hook input priority filter;
                udp dport {{ {listed} }} drop
                udp sport {{ {listed} }} drop
            }}
        }}"""
    )
    try:
        yield
    finally:
        _nft(f"delete table inet {table}\n")
