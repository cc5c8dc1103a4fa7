"""The record in memory: for a service without a database, and for tests of what a restart finds."""

from __future__ import annotations

from collections.abc import Sequence

from signaling.rooms.kept import (
    OPEN_INVITATIONS,
    ClosedInteraction,
    Kept,
    KeptAgentStatus,
    KeptCall,
    KeptInteraction,
    KeptInvitation,
    KeptMember,
    KeptMessage,
    KeptRating,
    KeptTicket,
    KeptTransfer,
    OpenInteraction,
    OpenWork,
)
from signaling.sessions.model import Message
from signaling.sessions.queue_states import AgentStatus
from signaling.sessions.states import InteractionPhase, TransferPhase

_REMEMBERED = 5_000
"""Interactions; the oldest closed ones are forgotten first."""


class MemoryRecords:
    """Implements ``ports.RecordsPort``."""

    def __init__(self, remembered: int = _REMEMBERED) -> None:
        self._remembered = remembered
        self._interactions: dict[str, KeptInteraction] = {}
        self._members: dict[str, dict[str, KeptMember]] = {}
        self._messages: dict[str, list[Message]] = {}
        self._calls: dict[str, dict[str, KeptCall]] = {}
        self._transfers: dict[str, KeptTransfer] = {}
        self._invitations: dict[str, KeptInvitation] = {}
        self._ratings: dict[str, KeptRating] = {}
        self._tickets: dict[str, KeptTicket] = {}
        self._last_agents: dict[str, str] = {}
        self._statuses: dict[str, KeptAgentStatus] = {}

    def keep(self, *things: Kept) -> None:
        for thing in things:
            self._keep(thing)

    def _keep(self, thing: Kept) -> None:  # noqa: PLR0912 - one arm per kind
        match thing:
            case KeptInteraction(interaction_id=own):
                self._interactions[own] = thing
                if thing.agent_id is not None and thing.taxpayer_id:
                    self._last_agents[thing.taxpayer_id] = thing.agent_id
                self._forget()
            case KeptMember(interaction_id=own):
                self._members.setdefault(own, {})[thing.person_id] = thing
            case KeptMessage(interaction_id=own):
                self._messages.setdefault(own, []).append(thing.message)
            case KeptCall(interaction_id=own):
                self._calls.setdefault(own, {})[thing.call_id] = thing
            case KeptTransfer(interaction_id=own):
                self._transfers[own] = thing
            case KeptInvitation(interaction_id=own):
                self._invitations[own] = thing
            case KeptRating(interaction_id=own):
                self._ratings.setdefault(own, thing)
            case KeptTicket():
                if thing.gone_at is None:
                    self._tickets[thing.ticket.ticket_id] = thing
                else:
                    self._tickets.pop(thing.ticket.ticket_id, None)
            case KeptAgentStatus(agent_id=agent_id):
                self._statuses[agent_id] = thing
            case _:
                pass

    async def restore(self, kept_messages: int) -> OpenWork:
        return OpenWork(
            interactions=tuple(
                OpenInteraction(
                    interaction=kept,
                    members=tuple(self._members.get(own, {}).values()),
                    messages=tuple(self._messages.get(own, ())[-kept_messages:]),
                    last_seq=len(self._messages.get(own, ())),
                    calls=tuple(c for c in self._calls.get(own, {}).values() if c.ended_at is None),
                    transfer=self._running_transfer(own),
                    invitation=self._open_invitation(own),
                )
                for own, kept in self._interactions.items()
                if kept.phase is InteractionPhase.OPEN
            ),
            tickets=tuple(self._tickets.values()),
            to_wrap_up=tuple(
                kept
                for kept in self._interactions.values()
                if kept.phase is InteractionPhase.CLOSED and kept.wrap_up_code is None
            ),
            agents=tuple(s for s in self._statuses.values() if s.chosen is not AgentStatus.OFFLINE),
        )

    async def last_agent(self, taxpayer_id: str) -> str | None:
        return self._last_agents.get(taxpayer_id)

    async def messages(
        self, interaction_id: str, *, before_seq: int | None, after_seq: int | None, limit: int
    ) -> Sequence[Message]:
        known = self._messages.get(interaction_id, [])
        if after_seq is not None:
            return [m for m in known if m.seq > after_seq][:limit]
        return [m for m in known if before_seq is None or m.seq < before_seq][-limit:]

    async def closed(self, interaction_id: str) -> ClosedInteraction | None:
        kept = self._interactions.get(interaction_id)
        if kept is None or kept.phase is not InteractionPhase.CLOSED:
            return None
        agent = self._members.get(interaction_id, {}).get(kept.agent_id or "")
        return ClosedInteraction(
            kept, agent.display_name if agent is not None else None, self._ratings.get(interaction_id)
        )

    async def to_finish(self, person_id: str, closed_after: int) -> Sequence[ClosedInteraction]:
        found: list[ClosedInteraction] = []
        for own, kept in reversed(self._interactions.items()):
            if (kept.closed_at or 0) < closed_after or len(found) == 10:
                continue
            unrated = kept.taxpayer_id == person_id and own not in self._ratings
            unwrapped = kept.agent_id == person_id and kept.wrap_up_code is None
            closed = await self.closed(own) if unrated or unwrapped else None
            if closed is not None:
                found.append(closed)
        return found

    def _running_transfer(self, interaction_id: str) -> KeptTransfer | None:
        known = self._transfers.get(interaction_id)
        return known if known is not None and known.phase is TransferPhase.OFFERED else None

    def _open_invitation(self, interaction_id: str) -> KeptInvitation | None:
        known = self._invitations.get(interaction_id)
        return known if known is not None and known.phase in OPEN_INVITATIONS else None

    def _forget(self) -> None:
        if len(self._interactions) <= self._remembered:
            return
        over = (own for own, kept in self._interactions.items() if kept.phase is InteractionPhase.CLOSED)
        oldest = next(over, None)
        if oldest is not None:
            del self._interactions[oldest]
            self._members.pop(oldest, None)
            self._messages.pop(oldest, None)
            self._calls.pop(oldest, None)
            self._transfers.pop(oldest, None)
            self._invitations.pop(oldest, None)
            self._ratings.pop(oldest, None)
