"""Settings of the signalling floor, read once at start."""

from __future__ import annotations

from dataclasses import dataclass, field

from signaling.sessions.meeting_model import MeetingSettings
from signaling.sessions.settings import SessionSettings


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A token bucket: ``burst`` at once, then ``per_second``."""

    burst: int
    per_second: float


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Per connection, except ``connects``, which is per person, and ``bad_tokens``."""

    messages: RateLimit = RateLimit(burst=120, per_second=30)
    """Every message of a connection, whatever it says."""
    texts: RateLimit = RateLimit(burst=10, per_second=2)
    """``message.send``."""
    costly: RateLimit = RateLimit(burst=20, per_second=2)
    """``media.publish``, ``media.subscribe`` and ``media.answer``, each of which costs the engine an SDP, and
    ``interaction.get``, ``message.list`` and ``supervise.list``, whose answers may be long."""
    refusals: RateLimit = RateLimit(burst=300, per_second=5)
    """Refusals for rate one may collect; beyond it the connection is closed."""
    connects: RateLimit = RateLimit(burst=20, per_second=0.5)
    bad_tokens: RateLimit = RateLimit(burst=30, per_second=0.5)
    """Handshakes with a token that is not taken, per address; beyond it no token from there is looked at."""


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """Checks of devices and network. Each costs the engine two transports and up to 3 Mbit/s both ways."""

    max_s: int = 60
    """So long a check lasts at most."""
    max_running: int = 50
    """On this node at once; beyond it one is asked to wait."""
    starts: RateLimit = RateLimit(burst=5, per_second=0.1)
    """Of one person."""


@dataclass(frozen=True, slots=True)
class SignalingSettings:
    """Everything the gateway needs to know. Times end in ``_s`` or ``_ms``, sizes in ``_bytes``."""

    path: str = "socket.io"
    cors_allowed_origins: tuple[str, ...] | None = None
    """Origins of pages that embed the window; None is the same origin alone; ``("*",)`` is any (demo only)."""
    ping_interval_s: float = 10.0
    ping_timeout_s: float = 8.0
    """A dead connection is noticed after the sum of both at the latest."""
    handshake_timeout_s: float = 10.0
    """A transport that has not sent its token by then is closed."""
    outbox_messages: int = 512
    """Messages waiting for one slow consumer, long ones counted once for every 16 KiB; beyond it the connection is
    closed and the page resumes."""
    inbox_commands: int = 512
    """Commands waiting for one room; beyond it a request is refused with ``rate_limited``."""
    media_timeout_s: float = 5.0
    """How long the engine may take for one command before it counts as ``media_unavailable``."""
    direct_calls: bool = False
    """Whether a taxpayer may choose an agent from a list and begin without the queue: demonstrations and tests."""
    max_collaborations_per_agent: int = 3
    max_interactions_per_taxpayer: int = 3
    audio_slots: int = 3
    video_slots: int = 3
    """Fixed receive slots of each member: microphone and screen audio of the other and a supervisor's microphone; camera
    and screen of the taxpayer and the agent's camera for a supervisor."""
    meeting_audio_slots: int = 6
    """Of each member of a meeting: the five loudest of the others and the sound of a shared screen."""
    meeting_video_slots: int = 17
    """A page of sixteen tiles and a shared screen. The engine takes up to 32 of a kind."""
    meetings: MeetingSettings = field(default_factory=MeetingSettings)
    sessions: SessionSettings = field(default_factory=SessionSettings)
    rates: RateLimits = field(default_factory=RateLimits)
    checks: CheckSettings = field(default_factory=CheckSettings)
