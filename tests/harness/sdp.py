"""What tests look up in an SDP of the server."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CANDIDATE = re.compile(
    r"^a=candidate:\S+ 1 (?P<protocol>udp|tcp) \d+ (?P<ip>\S+) (?P<port>\d+) typ (?P<type>\w+)",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class IceSide:
    """One side's ICE parameters and the media ports in its description."""

    ufrag: str
    password: str
    udp: tuple[str, int]
    tcp: tuple[str, int] | None


def ice_side(sdp: str) -> IceSide:
    """The first of each. Raises ``ValueError`` when there is no UDP candidate."""
    udp = tcp = None
    for candidate in _CANDIDATE.finditer(sdp):
        address = (candidate["ip"], int(candidate["port"]))
        if candidate["protocol"].lower() == "udp":
            udp = udp or address
        else:
            tcp = tcp or address
    if udp is None:
        raise ValueError("no UDP candidate")
    return IceSide(attribute(sdp, "ice-ufrag"), attribute(sdp, "ice-pwd"), udp, tcp)


def attribute(sdp: str, name: str) -> str:
    """The value of the first ``a=name:value``."""
    for line in sdp.splitlines():
        if line.startswith(f"a={name}:"):
            return line.split(":", 1)[1]
    raise ValueError(f"no a={name}")
