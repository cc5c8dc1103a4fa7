"""Who is in which open interaction, from what is being kept: true at once, while the database follows a moment later."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from signaling.rooms.kept import KeptInteraction, KeptMember
from signaling.sessions.states import InteractionPhase

_LAST_AGENTS = 50_000


@dataclass(slots=True)
class LiveInteraction:
    """``closed_number`` is the journal entry that closed it; None while it is open."""

    interaction: KeptInteraction
    members: dict[str, KeptMember] = field(default_factory=dict)
    closed_number: int | None = None

    def has_present(self, person_id: str) -> bool:
        member = self.members.get(person_id)
        return member is not None and member.left_at is None

    def is_guest(self, person_id: str) -> bool:
        member = self.members.get(person_id)
        return member is not None and member.left_at is None and member.guest_of is not None

    def has_serving(self, person_id: str) -> bool:
        """A guest is present and serves nobody here."""
        member = self.members.get(person_id)
        return member is not None and member.left_at is None and member.guest_of is None


class LastAgents:
    """Who served each taxpayer last, of those served lately."""

    def __init__(self, remembered: int = _LAST_AGENTS) -> None:
        self._remembered = remembered
        self._by_taxpayer: OrderedDict[str, str] = OrderedDict()

    def note(self, taxpayer_id: str, agent_id: str) -> None:
        self._by_taxpayer[taxpayer_id] = agent_id
        self._by_taxpayer.move_to_end(taxpayer_id)
        if len(self._by_taxpayer) > self._remembered:
            self._by_taxpayer.popitem(last=False)

    def get(self, taxpayer_id: str) -> str | None:
        return self._by_taxpayer.get(taxpayer_id)


class LiveInteractions:
    """Open interactions, and closed ones until the database has them."""

    def __init__(self) -> None:
        self.last_agents = LastAgents()
        self._by_id: dict[str, LiveInteraction] = {}
        self._closed: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, interaction_id: str) -> LiveInteraction | None:
        return self._by_id.get(interaction_id)

    def serves(self, agent_id: str, taxpayer_id: str) -> bool:
        """Whether they are in an open interaction together, in which the agent is no guest."""
        return any(
            live.interaction.taxpayer_id == taxpayer_id
            for live in self._by_id.values()
            if live.closed_number is None and live.has_serving(agent_id)
        )

    def is_served(self, taxpayer_id: str) -> bool:
        """Whether they are in an open interaction."""
        return any(
            live.interaction.taxpayer_id == taxpayer_id
            for live in self._by_id.values()
            if live.closed_number is None
        )

    def note(self, kept: KeptInteraction | KeptMember, number: int) -> None:
        """``number`` is the journal entry it went with."""
        if isinstance(kept, KeptMember):
            live = self._by_id.get(kept.interaction_id)
            if live is not None:
                live.members[kept.person_id] = kept
            return
        if kept.agent_id is not None and kept.taxpayer_id:
            self.last_agents.note(kept.taxpayer_id, kept.agent_id)
        live = self._by_id.get(kept.interaction_id)
        closed = kept.phase is InteractionPhase.CLOSED
        if live is not None:
            live.interaction = kept
        elif not closed:
            live = self._by_id[kept.interaction_id] = LiveInteraction(kept)
        if closed and live is not None:
            live.closed_number = number
            self._closed.append((number, kept.interaction_id))

    def forget_stored(self, stored_number: int) -> None:
        while self._closed and self._closed[0][0] <= stored_number:
            number, interaction_id = self._closed.pop(0)
            live = self._by_id.get(interaction_id)
            if live is not None and live.closed_number == number:
                del self._by_id[interaction_id]
