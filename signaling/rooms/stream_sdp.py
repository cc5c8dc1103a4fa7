"""What of a device's descriptions is read before the engine sees them: its offer (RFC 8866) and the fragments of trickle ICE
(RFC 8840). Pure and bounded; nothing of a description reaches a log."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from media.types import MediaKind, Source
from signaling.errors import BadInput, ErrorCode
from signaling.sessions.meeting_streams import Stream, StreamAccess

MAX_OFFER_BYTES = 32 * 1024
MAX_FRAGMENT_BYTES = 16 * 1024
MAX_FRAGMENT_CANDIDATES = 32

_UFRAG = re.compile(r"^[A-Za-z0-9+/]{4,256}$")
_PWD = re.compile(r"^[A-Za-z0-9+/]{22,256}$")
"""RFC 8839 section 5.4."""
_LINE = re.compile(r"^[a-z]=[^\x00-\x08\x0a-\x1f\x7f]*$")
_SENDING = frozenset({"sendrecv", "sendonly"})
_RECEIVING = frozenset({"sendrecv", "recvonly"})
_DIRECTIONS = _SENDING | _RECEIVING | {"inactive"}


@dataclass(frozen=True, slots=True)
class OfferLine:
    """``kind`` None: neither audio nor video."""

    kind: MediaKind | None
    mid: str
    direction: str = "sendrecv"
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class StreamOffer:
    sdp: str
    ufrag: str
    pwd: str
    lines: tuple[OfferLine, ...]


@dataclass(frozen=True, slots=True)
class Fragment:
    """``candidates`` are values of ``a=candidate``, with the attribute's name."""

    ufrag: str | None
    pwd: str | None
    mids: tuple[str, ...]
    candidates: tuple[str, ...]


def read_offer(sdp: str) -> StreamOffer:  # noqa: PLR0912 - one arm per attribute
    """Raises ``BadInput``: ``bad_message`` for what is no offer, ``sdp_unsupported`` for one without a single transport
    (RFC 9725 section 4.4.1: max-bundle)."""
    lines = _with_bundled_ports(_lines(sdp))
    if not lines or lines[0] != "v=0":
        raise BadInput(ErrorCode.BAD_MESSAGE)
    found: list[OfferLine] = []
    ufrags: list[str] = []
    pwds: list[str] = []
    bundle: frozenset[str] = frozenset()
    session_direction = "sendrecv"
    fingerprint = False
    for line in lines:
        name, _, value = line[2:].partition(":")
        if line.startswith("m="):
            media, port = [*line[2:].split(" "), "", ""][:2]
            kind = MediaKind(media) if media in tuple(MediaKind) else None
            found.append(OfferLine(kind, "", session_direction, port == "0"))
        elif not line.startswith("a="):
            continue
        elif name == "group" and value.startswith("BUNDLE"):
            bundle = bundle or frozenset(value.split(" ")[1:])
        elif name == "ice-ufrag":
            ufrags.append(_matched(_UFRAG, value))
        elif name == "ice-pwd":
            pwds.append(_matched(_PWD, value))
        elif name == "fingerprint":
            fingerprint = True
        elif name in _DIRECTIONS and not value:
            if found:
                found[-1] = replace(found[-1], direction=name)
            else:
                session_direction = name
        elif name == "mid" and found:
            found[-1] = replace(found[-1], mid=value)
    mids = [line.mid for line in found]
    if not found or not ufrags or not pwds or not fingerprint or "" in mids or len(set(mids)) < len(mids):
        raise BadInput(ErrorCode.BAD_MESSAGE)
    if len(found) > 1 and not bundle.issuperset(line.mid for line in found if not line.stopped):
        raise BadInput(ErrorCode.SDP_UNSUPPORTED)
    return StreamOffer("\r\n".join([*lines, ""]), ufrags[0], pwds[0], tuple(found))


def tracks_of(offer: StreamOffer, stream: Stream) -> list[tuple[str, Source]]:
    """Which m-line is which source. All of the offer or nothing (RFC 9725 section 4.4.3). Raises ``BadInput``."""
    unsupported = BadInput(ErrorCode.SDP_UNSUPPORTED)
    live = [line for line in offer.lines if not line.stopped and line.direction != "inactive"]
    if not live or any(line.kind is None for line in live):
        raise unsupported
    if stream.access is StreamAccess.VIEW:
        if any(line.direction not in _RECEIVING for line in live):
            raise unsupported
        return []
    if any(line.direction not in _SENDING for line in live):
        raise unsupported
    found = [
        (line.mid, next(source for source in stream.sources if source.kind is line.kind)) for line in live
    ]
    if len({source for _, source in found}) < len(found):
        raise unsupported  # one picture and one sound
    return found


def one_way(offer: StreamOffer, access: StreamAccess) -> StreamOffer:
    """An offer may say ``sendrecv``, the answer never does (RFC 9725 section 4.2): what would go the other way is taken
    out before it is answered. Where nothing is said, ``sendrecv`` is meant (RFC 8866 section 6.7)."""
    wanted = "sendonly" if access is StreamAccess.PUBLISH else "recvonly"
    sections: list[list[str]] = [[]]
    for line in _lines(offer.sdp):
        if line.startswith("m="):
            sections.append([])
        if line != "a=sendrecv":
            sections[-1].append(line)
    for section, described in zip(sections[1:], offer.lines, strict=True):
        if described.direction == "sendrecv":
            section.append(f"a={wanted}")
    return read_offer("\r\n".join(line for section in sections for line in section))


def restarted(offer: StreamOffer, fragment: Fragment) -> StreamOffer:
    """The same offer with the new ICE credentials and without the candidates of the old ones."""
    if fragment.ufrag is None or fragment.pwd is None:
        raise BadInput(ErrorCode.BAD_MESSAGE)
    lines: list[str] = []
    for line in _lines(offer.sdp):
        if line.startswith("a=ice-ufrag:"):
            lines.append(f"a=ice-ufrag:{fragment.ufrag}")
        elif line.startswith("a=ice-pwd:"):
            lines.append(f"a=ice-pwd:{fragment.pwd}")
        elif line.startswith("o="):
            lines.append(_next_version(line))
        elif not line.startswith(("a=candidate:", "a=end-of-candidates")):
            lines.append(line)
    return replace(offer, sdp="\r\n".join([*lines, ""]), ufrag=fragment.ufrag, pwd=fragment.pwd)


def read_fragment(text: str) -> Fragment:
    """Raises ``BadInput`` with ``bad_message``."""
    ufrag: str | None = None
    pwd: str | None = None
    mids: list[str] = []
    candidates: list[str] = []
    for line in _lines(text):
        name, _, value = line[2:].partition(":")
        if not line.startswith(("a=", "m=")):
            raise BadInput(ErrorCode.BAD_MESSAGE)
        if line.startswith("m="):
            continue
        if name == "ice-ufrag":
            ufrag = _matched(_UFRAG, value)
        elif name == "ice-pwd":
            pwd = _matched(_PWD, value)
        elif name == "mid":
            mids.append(value)
        elif name == "candidate":
            candidates.append(line[2:])
    if (ufrag is None) != (pwd is None) or len(candidates) > MAX_FRAGMENT_CANDIDATES:
        raise BadInput(ErrorCode.BAD_MESSAGE)
    if ufrag is None and not candidates and "a=end-of-candidates" not in _lines(text):
        raise BadInput(ErrorCode.BAD_MESSAGE)
    return Fragment(ufrag, pwd, tuple(mids), tuple(candidates))


def fragment_of(answer: str) -> str:
    """The server's side of an ICE restart: credentials and candidates of its answer."""
    lines = _lines(answer)

    def first(prefix: str) -> list[str]:
        return next(([line] for line in lines if line.startswith(prefix)), [])

    kept = [
        *first("a=ice-lite"),
        *first("a=ice-ufrag:"),
        *first("a=ice-pwd:"),
        *first("m="),
        *first("a=mid:"),
        *dict.fromkeys(line for line in lines if line.startswith("a=candidate:")),
        "a=end-of-candidates",
        "",
    ]
    return "\r\n".join(kept)


def _lines(text: str) -> list[str]:
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line]
    if not all(_LINE.match(line) for line in lines):
        raise BadInput(ErrorCode.BAD_MESSAGE)
    return lines


def _with_bundled_ports(lines: list[str]) -> list[str]:
    """Port 0 of a line that is ``bundle-only`` refuses nothing (RFC 8843 section 6): it is written as any other."""
    found = list(lines)
    head: int | None = None
    for index, line in enumerate(lines):
        if line.startswith("m="):
            head = index
        elif line == "a=bundle-only" and head is not None:
            media, port, *rest = [*found[head].split(" "), ""]
            if port == "0":
                found[head] = " ".join([media, "9", *rest]).rstrip()
    return found


def _matched(pattern: re.Pattern[str], value: str) -> str:
    if not pattern.match(value):
        raise BadInput(ErrorCode.BAD_MESSAGE)
    return value


def _next_version(origin: str) -> str:
    """RFC 3264 section 8: an offer that differs counts on."""
    fields = origin.split(" ")
    if len(fields) > 2 and fields[2].isdigit():
        fields[2] = str(int(fields[2]) + 1)
    return " ".join(fields)
