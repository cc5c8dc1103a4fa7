"""What stands in for ports nobody gave: nothing is there."""

from __future__ import annotations

from collections.abc import Sequence

from signaling.rooms.ports import AuthorityEntry, CentreEntry, Profile, StaffEntry
from signaling.sessions.model import FileRef


class NoOrganisation:
    """No centre, no staff: every ``queue.join`` is refused with ``queue_no_centre``."""

    def centre_for(self, authority: str | None) -> CentreEntry | None:
        return None

    def centres(self) -> Sequence[CentreEntry]:
        return ()

    def authorities(self) -> Sequence[AuthorityEntry]:
        return ()

    def agents_of_province(self, authority: str) -> Sequence[StaffEntry]:
        return ()

    def is_open(self, centre_id: str, now_ms: int) -> bool:
        return False

    def staff(self, person_id: str) -> StaffEntry | None:
        return None


class AnybodysProfile:
    """Nothing is known of anybody but the name others are shown."""

    def profile(self, person_id: str) -> Profile | None:
        return None


class NoFiles:
    async def stored(self, file_id: str, interaction_id: str, sender_id: str) -> FileRef | None:
        return None
