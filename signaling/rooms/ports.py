"""What the signalling floor needs from outside; the top floor implements it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from signaling.sessions.states import Role


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
