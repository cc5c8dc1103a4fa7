"""Operating centres (服务运营中心): which authorities each serves, its hours and its settings.

A taxpayer of an authority is served by the centre of that authority, or else of the nearest authority above it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from rtc_server.organisation.authorities import AuthorityTree
from rtc_server.organisation.hours import SpecialDay, WorkingHours, is_open, next_opening
from rtc_server.organisation.people import StaffMember
from signaling.sessions.queue_states import CentreSettings
from signaling.sessions.states import Role

DEFAULT_TIME_ZONE = "Asia/Shanghai"
GREETING = "您好，工号{staff_number}为您服务，请问有什么可以帮您？"
ARCHIVES = frozenset(["zip", "rar", "7z", "tar", "gz", "bz2", "xz", "iso"])
EXECUTABLES = frozenset(["exe", "msi", "bat", "cmd", "com", "ps1", "sh", "js", "vbs", "jar", "apk", "lnk"])


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """What an administrator sets for a centre. Durations in ms."""

    queue: CentreSettings = field(default_factory=CentreSettings)
    greeting: str = GREETING
    """``{staff_number}`` is replaced by the number of the agent."""
    blocked_file_types: frozenset[str] = ARCHIVES | EXECUTABLES
    """Endings of file names, lower case, without the dot."""
    default_capacity: int = 3


@dataclass(frozen=True, slots=True)
class OperatingCentre:
    centre_id: str
    name: str
    hours: WorkingHours
    authorities: frozenset[str]
    """Region codes it serves, with everything below them that has no centre of its own."""
    holidays: tuple[SpecialDay, ...] = ()
    settings: ServiceSettings = field(default_factory=ServiceSettings)
    time_zone: str = DEFAULT_TIME_ZONE

    def is_open(self, now: datetime) -> bool:
        """``now`` knows its time zone."""
        return is_open(self.hours, self.holidays, now.astimezone(ZoneInfo(self.time_zone)))

    def next_opening(self, now: datetime) -> datetime | None:
        return next_opening(self.hours, self.holidays, now.astimezone(ZoneInfo(self.time_zone)))


class Organisation:
    """Everything of one installation, checked: raises ValueError when two centres serve one authority directly, or a
    reference leads nowhere."""

    def __init__(
        self, authorities: AuthorityTree, centres: Iterable[OperatingCentre], staff: Iterable[StaffMember]
    ) -> None:
        self.authorities = authorities
        self.centres: Mapping[str, OperatingCentre] = MappingProxyType({c.centre_id: c for c in centres})
        self.staff: Mapping[str, StaffMember] = MappingProxyType(
            {member.person_id: member for member in staff}
        )
        self._serving: dict[str, OperatingCentre] = {}
        for centre in self.centres.values():
            for code in centre.authorities:
                if authorities.get(code) is None:
                    raise ValueError(f"centre {centre.centre_id} serves the unknown authority {code}")
                if code in self._serving:
                    raise ValueError(f"authority {code} has two centres")
                self._serving[code] = centre
        for member in self.staff.values():
            unknown = member.centres - set(self.centres)
            if unknown or authorities.get(member.authority) is None:
                raise ValueError(f"{member.person_id} works for an unknown authority or centre")

    def centre_for(self, authority: str) -> OperatingCentre | None:
        """``authority`` by code or name. The nearest centre upwards, or None: "暂无可受理运营中心"."""
        found = self.authorities.find(authority)
        if found is None:
            return None
        return next(
            (self._serving[a.code] for a in self.authorities.upwards(found.code) if a.code in self._serving),
            None,
        )

    def capacity_of(self, member: StaffMember) -> int:
        if member.capacity is not None:
            return member.capacity
        defaults = [self.centres[centre_id].settings.default_capacity for centre_id in member.centres]
        return max(defaults, default=1)

    def agents_of(self, centre_id: str) -> list[StaffMember]:
        return sorted(
            (m for m in self.staff.values() if m.role is Role.AGENT and centre_id in m.centres),
            key=lambda member: member.staff_number,
        )
