"""Seats of agents on a single node: at most one running assistance and one running call each."""

from __future__ import annotations

from signaling.sessions.policy import SessionKind


class LocalSeats:
    """``ports.SeatStore`` in memory."""

    def __init__(self) -> None:
        self._holders: dict[tuple[str, SessionKind], str] = {}

    async def claim(self, agent_id: str, kind: SessionKind, interaction_id: str) -> bool:
        return self._holders.setdefault((agent_id, kind), interaction_id) == interaction_id

    async def is_free(self, agent_id: str, kind: SessionKind, interaction_id: str) -> bool:
        return self._holders.get((agent_id, kind), interaction_id) == interaction_id

    def release(self, agent_id: str, kind: SessionKind, interaction_id: str) -> None:
        if self._holders.get((agent_id, kind)) == interaction_id:
            del self._holders[(agent_id, kind)]

    async def is_busy(self, agent_id: str) -> bool:
        return any((agent_id, kind) in self._holders for kind in SessionKind)
