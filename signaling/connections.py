"""Who is connected: one connection a person and scope, the newest."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field

from signaling.outbox import Outbox
from signaling.ratelimit import TokenBucket
from signaling.rooms.clock import TimerHandle
from signaling.rooms.ports import Person
from signaling.sessions.states import Role
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
    """``ports.Outbound`` on a single node, for the pages of one scope."""

    def __init__(self) -> None:
        self._by_person: dict[str, Connection] = {}
        self._by_transport: dict[str, Connection] = {}
        self._resume_tokens: OrderedDict[str, str] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_transport)

    def notify(self, person_id: str, notification: Notification) -> None:
        connection = self._by_person.get(person_id)
        if connection is not None:
            connection.outbox.notify(notification)

    def is_online(self, person_id: str) -> bool:
        return person_id in self._by_person

    def person(self, person_id: str) -> Person | None:
        """As their page's token says, while it is connected."""
        connection = self._by_person.get(person_id)
        return connection.person if connection is not None else None

    def people(self, role: Role) -> list[str]:
        """Everybody of this role who is connected."""
        return [own for own, connection in self._by_person.items() if connection.person.role is role]

    def find(self, transport_id: str) -> Connection | None:
        return self._by_transport.get(transport_id)

    def all(self) -> list[Connection]:
        return list(self._by_transport.values())

    def resume(self, person_id: str, presented: str | None) -> bool:
        """Whether ``presented`` is what the person's last page was given, with no other page in between."""
        known = self._resume_tokens.get(person_id)
        return known is not None and presented is not None and secrets.compare_digest(known, presented)

    def add(self, connection: Connection) -> Connection | None:
        """The newer connection takes the person's place; the older one is returned."""
        person_id = connection.person.person_id
        older = self._by_person.get(person_id)
        self._by_person[person_id] = connection
        self._by_transport[connection.transport_id] = connection
        self._resume_tokens[person_id] = connection.resume_token
        self._resume_tokens.move_to_end(person_id)
        if len(self._resume_tokens) > _REMEMBERED_PAGES:
            self._resume_tokens.popitem(last=False)
        return older

    def remove(self, connection: Connection) -> bool:
        """Whether the person is gone with it; False when a newer connection has their place."""
        self._by_transport.pop(connection.transport_id, None)
        person_id = connection.person.person_id
        if self._by_person.get(person_id) is not connection:
            return False
        del self._by_person[person_id]
        return True
