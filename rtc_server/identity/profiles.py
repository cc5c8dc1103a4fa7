"""What tokens said about taxpayers, in memory alone: masked for staff, whole for a recorded reveal."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from rtc_server.identity.masking import mask_name, mask_phone
from signaling.rooms.ports import Profile

MAX_PROFILES = 50_000


@dataclass(frozen=True, slots=True)
class PersonalData:
    """Unmasked. Never logged, never sent but as the answer to a recorded reveal."""

    name: str
    phone: str | None = None
    company: str | None = None
    authority: str | None = None
    region: str | None = None

    def __repr__(self) -> str:
        return "PersonalData(…)"


class Profiles:
    """Implements ``signaling.rooms.ports.ProfilePort``. The people seen last are kept."""

    def __init__(self, limit: int = MAX_PROFILES) -> None:
        self._known: OrderedDict[str, PersonalData] = OrderedDict()
        self._limit = limit

    def note(self, person_id: str, data: PersonalData) -> None:
        self._known[person_id] = data
        self._known.move_to_end(person_id)
        while len(self._known) > self._limit:
            self._known.popitem(last=False)

    def profile(self, person_id: str) -> Profile | None:
        data = self._known.get(person_id)
        if data is None:
            return None
        return Profile(
            person_id=person_id,
            name=mask_name(data.name),
            phone=mask_phone(data.phone) if data.phone is not None else None,
            company=mask_name(data.company) if data.company is not None else None,
            authority=data.authority,
            region=data.region,
        )

    def reveal(self, person_id: str) -> PersonalData | None:
        """Whoever calls this has recorded it."""
        return self._known.get(person_id)
