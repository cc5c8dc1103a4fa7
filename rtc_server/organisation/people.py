"""Staff as the organisation knows them: where they work, what they can do, how many conversations at once."""

from __future__ import annotations

from dataclasses import dataclass

from signaling.sessions.states import Role


@dataclass(frozen=True, slots=True)
class Skill:
    """``code`` is stable and used in the queue; ``name`` is shown."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class StaffMember:
    """``capacity`` None means the default of the centre. Only agents are offered tickets."""

    person_id: str
    staff_number: str
    role: Role
    authority: str
    centres: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()
    capacity: int | None = None

    def __post_init__(self) -> None:
        if self.role is Role.TAXPAYER:
            raise ValueError("a taxpayer is not staff")
        if self.capacity is not None and self.capacity < 1:
            raise ValueError(f"capacity of {self.capacity}")
