"""Times of the rules. All in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How long each state may last."""

    ring_timeout_ms: int = 30_000
    """An assistance requested, a call asked for or ringing."""
    invitation_timeout_ms: int = 30_000
    """An invitation rings for so long at the agent of another authority."""
    permission_timeout_ms: int = 60_000
    """From 【同意】 until the browser offers its media: a person may be reading the permission prompt."""
    connecting_timeout_ms: int = 20_000
    """From that offer until media flows."""
    reconnect_grace_ms: int = 30_000
    """A member whose signalling connection is gone counts as reconnecting for so long, then as left."""
    abandoned_timeout_ms: int = 120_000
    """An interaction whose taxpayer has left closes after this."""
    media_lost_timeout_ms: int = 30_000
    """A transport that was connected may be down for so long before what it carries ends."""
    silence_warn_ms: int = 600_000
    """Nobody wrote and nothing ran for so long: it is said that it will end. 0: never."""
    silence_end_ms: int = 120_000
    """From that until it ends."""
    kept_messages: int = 200
    """Lines of the conversation kept in memory."""
