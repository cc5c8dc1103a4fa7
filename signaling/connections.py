"""Who is connected: one connection a person and scope, the newest; of the personal centre some tabs side by side."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field

from signaling.outbox import Outbox
from signaling.ratelimit import TokenBucket
from signaling.rooms.clock import TimerHandle
from signaling.rooms.ports import Person
from signaling.wire.base import ConnectionScope, Notification

_REMEMBERED_PAGES = 20_000
"""Of so many people the last page is known again; those longest away are forgotten first."""


@dataclass(slots=True)
class Limits:
    """Buckets of one connection."""

    messages: TokenBucket
    texts: TokenBucket
    costly: TokenBucket
    refusals: TokenBucket


@dataclass(slots=True, eq=False)
class Connection:
    """One signed-in page."""

    transport_id: str
    person: Person
    outbox: Outbox
    limits: Limits
    resume_token: str
    resumed: bool
    scope: ConnectionScope = ConnectionScope.SERVICE
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Requests of a connection are handled one at a time, in order, also when a client sends them side by side."""
    expiry: TimerHandle | None = None


class Connections:
    """``ports.Outbound`` on a single node, for the pages of one scope. ``tabs``: so many pages a person has at once."""

    def __init__(self, tabs: int = 1) -> None:
        self._tabs = tabs
        self._by_person: dict[str, tuple[Connection, ...]] = {}
        self._by_transport: dict[str, Connection] = {}
        self._resume_tokens: OrderedDict[str, str] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_transport)

    def notify(self, person_id: str, notification: Notification) -> None:
        for connection in self._by_person.get(person_id, ()):
            connection.outbox.notify(notification)

    def is_online(self, person_id: str) -> bool:
        return person_id in self._by_person

    def person(self, person_id: str) -> Person | None:
        """As the token of their newest page says, while it is connected."""
        connections = self._by_person.get(person_id)
        return connections[-1].person if connections is not None else None

    def people(self) -> list[str]:
        """Everybody who is connected."""
        return list(self._by_person)

    def find(self, transport_id: str) -> Connection | None:
        return self._by_transport.get(transport_id)

    def all(self) -> list[Connection]:
        return list(self._by_transport.values())

    def resume(self, person_id: str, presented: str | None) -> bool:
        """Whether ``presented`` is what the person's last page was given, with no other page in between."""
        known = self._resume_tokens.get(person_id)
        return known is not None and presented is not None and secrets.compare_digest(known, presented)

    def add(self, connection: Connection) -> Connection | None:
        """The newer connection takes the place of the person's oldest when there is none left; that one is returned."""
        person_id = connection.person.person_id
        known = self._by_person.get(person_id, ())
        older = known[0] if len(known) == self._tabs else None
        self._by_person[person_id] = (*(known if older is None else known[1:]), connection)
        self._by_transport[connection.transport_id] = connection
        self._resume_tokens[person_id] = connection.resume_token
        self._resume_tokens.move_to_end(person_id)
        if len(self._resume_tokens) > _REMEMBERED_PAGES:
            self._resume_tokens.popitem(last=False)
        return older

    def remove(self, connection: Connection) -> bool:
        """Whether the person is gone with it; False when another connection of theirs is there."""
        self._by_transport.pop(connection.transport_id, None)
        person_id = connection.person.person_id
        known = self._by_person.get(person_id, ())
        if connection not in known:
            return False
        left = tuple(one for one in known if one is not connection)
        if left:
            self._by_person[person_id] = left
            return False
        del self._by_person[person_id]
        return True
