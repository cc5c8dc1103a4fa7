"""A bureau of two centres with agents and supervisors, and people of it as real Socket.IO clients."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from signaling.rooms.memory import MemoryRecords
from signaling.rooms.ports import AuthorityEntry, CentreEntry, Profile, StaffEntry
from signaling.sessions.model import FileRef
from signaling.sessions.queue_states import CentreSettings
from signaling.sessions.states import Role
from tests.unit.signaling.service import Client, Message, Service, running_service

GD, AH = "gd", "ah"
SETTINGS = CentreSettings(after_work_ms=0)


@dataclass
class Bureau:
    """``OrganisationPort``, ``ProfilePort`` and ``FilesPort``."""

    open_centres: set[str] = field(default_factory=lambda: {GD, AH})
    settings: CentreSettings = SETTINGS
    capacity: int = 2
    files: dict[str, tuple[str, str, FileRef]] = field(default_factory=dict)
    """By file id: interaction, sender, file."""

    def centre_for(self, authority: str | None) -> CentreEntry | None:
        by_authority = {None: GD, "guangdong": GD, "anhui": AH, "440000": GD, "340000": AH, "340100": AH}
        wanted = by_authority.get(authority)
        return next((c for c in self.centres() if c.centre_id == wanted), None)

    def centres(self) -> Sequence[CentreEntry]:
        return [
            CentreEntry(GD, "广东服务运营中心", self.settings),
            CentreEntry(AH, "安徽服务运营中心", self.settings),
        ]

    def authorities(self) -> Sequence[AuthorityEntry]:
        return [
            AuthorityEntry("340000", "安徽省税务局"),
            AuthorityEntry("340100", "合肥市税务局", "340000"),
            AuthorityEntry("440000", "广东省税务局"),
        ]

    def agents_of_province(self, authority: str) -> Sequence[StaffEntry]:
        names = ("agent11", "agent12", "agent13") if authority.startswith("34") else ("agent01", "agent02")
        found = [self.staff(name) for name in names]
        return [entry for entry in found if entry is not None]

    def is_open(self, centre_id: str, now_ms: int) -> bool:
        return centre_id in self.open_centres

    def staff(self, person_id: str) -> StaffEntry | None:
        number = person_id.removeprefix("agent").removeprefix("lead")
        centre = AH if number.startswith("1") else GD
        if person_id.startswith("agent"):
            skills = frozenset({"general"})
            authority = "340000" if centre == AH else "440000"
            return StaffEntry(
                person_id, number, Role.AGENT, frozenset({centre}), skills, self.capacity, authority
            )
        if person_id.startswith("lead"):
            return StaffEntry(person_id, number, Role.SUPERVISOR, frozenset({centre}))
        return None

    def profile(self, person_id: str) -> Profile | None:
        return Profile(person_id, f"shown {person_id}", phone="134****3624", region="广东")

    async def stored(self, file_id: str, interaction_id: str, sender_id: str) -> FileRef | None:
        known = self.files.get(file_id)
        return known[2] if known is not None and known[:2] == (interaction_id, sender_id) else None


@dataclass
class Conversation:
    service: Service
    taxpayer: Client
    agent: Client
    id: str

    async def say(self, client: Client, text: str, number: str) -> Message:
        sent = await client.do("message.send", interaction_id=self.id, client_message_id=number, text=text)
        return dict(sent["message"])


@contextlib.asynccontextmanager
async def open_bureau(
    bureau: Bureau | None = None, records: MemoryRecords | None = None, **changes: Any
) -> AsyncIterator[Service]:
    own = bureau or Bureau()
    async with running_service(organisation=own, records=records, **changes) as service:
        yield service


async def serve(
    service: Service, taxpayer: str = "taxpayer01", agent: str = "agent01", **context: Any
) -> Conversation:
    """Both signed in, offered, accepted, in a conversation."""
    second = await service.sign_in(agent)
    await second.do("agent.sign_in")
    first = await service.sign_in(taxpayer)
    ticket = (await first.do("queue.join", **context))["ticket"]
    own = ticket["ticket_id"]
    await second.wait_for("offer.rang", lambda m: m["offer"]["ticket_id"] == own)
    await second.do("offer.accept", ticket_id=own)
    await first.wait_for("interaction.changed", lambda m: m["interaction"]["interaction_id"] == own)
    await second.wait_for("interaction.changed", lambda m: m["interaction"]["interaction_id"] == own)
    return Conversation(service, first, second, own)
