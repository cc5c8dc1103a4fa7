"""What the signalling floor needs from outside; the top floor implements it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from signaling.sessions.policy import SessionKind
from signaling.sessions.states import Role
from signaling.wire.base import Notification


@dataclass(frozen=True, slots=True)
class Person:
    """Who is on the other end of a connection, as the signed token said.

    ``display_name`` is already what others may see: masked for a taxpayer, a staff number for staff.
    ``expires_at`` is in seconds since the epoch.
    """

    person_id: str
    role: Role
    display_name: str
    authority: str | None
    region: str | None
    expires_at: int


@dataclass(frozen=True, slots=True)
class AgentEntry:
    """An agent of the directory, signed in or not."""

    person_id: str
    staff_number: str
    authority: str


@dataclass(frozen=True, slots=True)
class IceServer:
    """RTCIceServer (W3C WebRTC §4.2.4)."""

    urls: Sequence[str]
    username: str | None = None
    credential: str | None = None


class Authenticator(Protocol):
    async def authenticate(self, token: str) -> Person:
        """Raises ``signaling.errors.DomainError`` with ``token_invalid``, ``token_expired`` or ``token_foreign``."""


class AgentDirectory(Protocol):
    async def agents(self) -> Sequence[AgentEntry]:
        """Agents one can call directly."""


class IceServerSource(Protocol):
    def ice_servers(self, person_id: str) -> Sequence[IceServer]:
        """STUN/TURN servers with time-limited credentials for this person; empty without a relay."""


class SeatStore(Protocol):
    """Who sits with which agent. One node keeps it in memory, several in a shared store."""

    async def claim(self, agent_id: str, kind: SessionKind, interaction_id: str) -> bool:
        """Take the seat unless another interaction holds it; taking it twice is once."""

    async def is_free(self, agent_id: str, kind: SessionKind, interaction_id: str) -> bool:
        """Whether ``claim`` would succeed now."""

    def release(self, agent_id: str, kind: SessionKind, interaction_id: str) -> None:
        """Nothing when another holds it. Never fails: a store that is away releases when it is back."""

    async def is_busy(self, agent_id: str) -> bool:
        """Whether any seat of the agent is taken."""


class Outbound(Protocol):
    """The way to a person, wherever connected; to nobody when they are not."""

    def notify(self, person_id: str, notification: Notification) -> None:
        """Never blocks, never raises; what one person is told arrives in the order it was told."""

    def is_online(self, person_id: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened in a session, for the record: never a name, a text or an address.

    ``kind`` is e.g. ``interaction_opened``, ``assistance_started``, ``call_ended``.
    """

    kind: str
    interaction_id: str
    person_id: str | None
    at_ms: int
    reason: str | None = None


class Recorder(Protocol):
    def record(self, fact: Fact) -> None:
        """Never blocks, never raises."""


class SignalingMetrics(Protocol):
    """Figures the signalling floor reports; the top floor turns them into Prometheus series."""

    def connections(self, delta: int) -> None: ...

    def interactions(self, delta: int) -> None: ...

    def request(self, event: str, outcome: str, seconds: float) -> None:
        """``outcome`` is ``ok`` or an error code."""

    def joined(self, seconds: float) -> None:
        """From ``media.publish`` or ``media.subscribe`` to the transport being connected."""
