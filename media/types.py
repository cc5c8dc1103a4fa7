"""Words of the media floor. It knows rooms, peers, sources and grants, and no taxpayer."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Source(StrEnum):
    """What a track shows. A peer has at most one track per source."""

    MICROPHONE = "microphone"
    CAMERA = "camera"
    SCREEN = "screen"
    SCREEN_AUDIO = "screen_audio"

    @property
    def kind(self) -> MediaKind:
        """The kind of m-line that carries this source."""
        return MediaKind.AUDIO if self in _AUDIO_SOURCES else MediaKind.VIDEO


class MediaKind(StrEnum):
    AUDIO = "audio"
    VIDEO = "video"


_AUDIO_SOURCES = frozenset({Source.MICROPHONE, Source.SCREEN_AUDIO})


class TransportKind(StrEnum):
    """The two peer connections of a browser: it offers ``publish``, the server offers ``subscribe``."""

    PUBLISH = "publish"
    SUBSCRIBE = "subscribe"


class TransportState(StrEnum):
    """RTCPeerConnectionState as the engine sees it (W3C WebRTC §4.3.3)."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    FAILED = "failed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Slots:
    """Fixed receive slots of a subscribe transport: so many audio and video m-lines."""

    audio: int = 4
    video: int = 4


@dataclass(frozen=True, slots=True)
class TrackRef:
    """A track by name: who publishes it and what it shows."""

    peer_id: str
    source: Source


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Settings of the packet engine.

    Ports: worker *i* owns UDP and TCP port ``port_base + i`` on ``bind_ip``; ``port_base`` 0 lets the
    system choose. ``advertised_ips`` are put into SDP as ICE host candidates.
    """

    bind_ip: str = "127.0.0.1"
    advertised_ips: tuple[str, ...] = ("127.0.0.1",)
    port_base: int = 0
    workers: int = 1
    event_capacity: int = 8192
    """Events kept for Python; when full, statistics are dropped first, state changes never."""
    stats_interval_ms: int = 2000
    ice_tcp: bool = True
    video_codecs: tuple[str, ...] = field(default=("VP8", "H264", "VP9", "AV1"))
    """Preference order offered to subscribers and answered to publishers."""
