"""The organisation in memory, as the queue asks it, and its changes by an administrator."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.organisation.authorities import AuthorityTree
from rtc_server.organisation.centres import OperatingCentre, Organisation
from rtc_server.organisation.people import Skill, StaffMember
from rtc_server.records import organisation as rows
from rtc_server.records.recording import Recording
from signaling.rooms.ports import AuthorityEntry, CentreEntry, StaffEntry
from signaling.sessions.states import Role

Edit = Callable[[AsyncConnection], Awaitable[None]]


class OrganisationConflict(ValueError):
    """The change would make the organisation contradict itself; nothing was changed."""


class OrganisationService:
    """Implements ``signaling.rooms.ports.OrganisationPort``. ``await load()`` before it is asked."""

    def __init__(self, recording: Recording | None = None) -> None:
        self.on_changed: Callable[[], None] = lambda: None
        self.whole = Organisation(AuthorityTree(()), (), ())
        self.skills: tuple[Skill, ...] = ()
        self._recording = recording
        self._editing = asyncio.Lock()

    def attach(self, recording: Recording) -> None:
        self._recording = recording

    async def load(self, first: tuple[Organisation, tuple[Skill, ...]] | None = None) -> None:
        """Read everything; ``first`` is stored when there is nothing yet."""
        recording = self._records()
        async with recording.write() as connection:
            if first is not None and await rows.is_empty(connection):
                await rows.save_all(connection, *first)
            self.whole = await rows.load(connection)
            self.skills = await rows.skills(connection)

    async def edit(self, change: Edit) -> None:
        """One change in one transaction, refused whole when the organisation would contradict itself.

        Raises ``OrganisationConflict`` and ``RecordsUnavailable``.
        """
        async with self._editing:
            try:
                async with self._records().write() as connection:
                    await change(connection)
                    whole = await rows.load(connection)
                    skills = await rows.skills(connection)
            except (ValueError, IntegrityError) as error:
                raise OrganisationConflict(type(error).__name__) from error
            self.whole, self.skills = whole, skills
        self.on_changed()

    def centre_for(self, authority: str | None) -> CentreEntry | None:
        centre = self.whole.centre_for(authority) if authority else None
        return _entry(centre) if centre is not None else None

    def centres(self) -> Sequence[CentreEntry]:
        return [_entry(centre) for centre in self.whole.centres.values()]

    def authorities(self) -> Sequence[AuthorityEntry]:
        return [AuthorityEntry(each.code, each.name, each.parent) for each in self.whole.authorities]

    def agents_of_province(self, authority: str) -> Sequence[StaffEntry]:
        found = [
            self.staff(member.person_id)
            for member in sorted(self.whole.staff.values(), key=lambda member: member.staff_number)
            if member.role is Role.AGENT and member.authority[:2] == authority[:2]
        ]
        return [entry for entry in found if entry is not None]

    def is_open(self, centre_id: str, now_ms: int) -> bool:
        centre = self.whole.centres.get(centre_id)
        return centre is not None and centre.is_open(datetime.fromtimestamp(now_ms / 1000, UTC))

    def staff(self, person_id: str) -> StaffEntry | None:
        member = self.whole.staff.get(person_id)
        if member is None or member.role not in (Role.AGENT, Role.SUPERVISOR):
            return None
        return StaffEntry(
            person_id=member.person_id,
            staff_number=member.staff_number,
            role=member.role,
            centres=member.centres,
            skills=member.skills,
            capacity=self.whole.capacity_of(member),
            authority=member.authority,
        )

    def staff_number(self, person_id: str) -> str | None:
        member = self.whole.staff.get(person_id)
        return member.staff_number if member is not None else None

    def centre(self, centre_id: str | None) -> OperatingCentre | None:
        return self.whole.centres.get(centre_id) if centre_id is not None else None

    def centres_of(self, person_id: str) -> frozenset[str]:
        member = self.whole.staff.get(person_id)
        return member.centres if member is not None else frozenset()

    def _records(self) -> Recording:
        if self._recording is None:
            raise RuntimeError("attach() first")
        return self._recording


def without_centre(whole: Organisation, centre_id: str) -> list[StaffMember]:
    """The people who worked there, as they are when it is gone."""
    return [
        replace(member, centres=member.centres - {centre_id})
        for member in whole.staff.values()
        if centre_id in member.centres
    ]


def _entry(centre: OperatingCentre) -> CentreEntry:
    return CentreEntry(centre.centre_id, centre.name, centre.settings.queue, centre.settings.greeting)
