"""Agents one can call: those of demo mode, and those who have signed in since the start."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from signaling.rooms.ports import AgentEntry, Authenticator, Person
from signaling.sessions.states import Role

MAX_AGENTS = 10_000


class KnownAgents:
    """Implements ``signaling.rooms.ports.AgentDirectory``."""

    def __init__(self, entries: Iterable[AgentEntry] = ()) -> None:
        self._entries = {entry.person_id: entry for entry in entries}

    async def agents(self) -> Sequence[AgentEntry]:
        return sorted(self._entries.values(), key=lambda entry: (entry.authority, entry.staff_number))

    def note(self, person: Person) -> None:
        if person.role is not Role.AGENT or person.authority is None:
            return
        if person.person_id not in self._entries and len(self._entries) >= MAX_AGENTS:
            return
        self._entries[person.person_id] = AgentEntry(person.person_id, person.display_name, person.authority)


class NotingAuthenticator:
    """An authenticator that lets ``agents`` know of every agent who signs in, and ``arrived`` say of everybody who they
    are for the service."""

    def __init__(
        self,
        inner: Authenticator,
        agents: KnownAgents,
        arrived: Callable[[Person], Person] = lambda person: person,
    ) -> None:
        self._inner = inner
        self._agents = agents
        self._arrived = arrived

    async def authenticate(self, token: str) -> Person:
        person = await self._inner.authenticate(token)
        self._agents.note(person)
        return self._arrived(person)
