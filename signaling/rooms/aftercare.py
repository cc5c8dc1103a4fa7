"""What follows a conversation: its rating by the taxpayer, its wrap-up by the agent (H5, H7)."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import replace

from signaling.errors import ErrorCode, Refused
from signaling.rooms.clock import Clock
from signaling.rooms.keeping import interaction_of
from signaling.rooms.kept import ClosedInteraction, KeptRating
from signaling.rooms.ports import RecordsPort, RecordsUnavailable
from signaling.rooms.room import Room
from signaling.sessions.states import InteractionPhase, Role
from signaling.wire.views import AftercareView, RatingView

_REMEMBERED = 5_000
_READ_TIMEOUT_S = 3.0
SHOWN_FOR_MS = 1_800_000
"""For so long whoever comes back is shown what they have not finished."""


class Aftercare:
    """The conversations closed lately are in memory, older ones are read from the record."""

    def __init__(self, records: RecordsPort, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._closed: OrderedDict[str, ClosedInteraction] = OrderedDict()
        self._by_person: dict[str, dict[str, None]] = {}

    def add(self, room: Room) -> None:
        state = room.state
        if state.phase is InteractionPhase.CLOSED:
            agent = state.of_role(Role.AGENT)
            self._remember(ClosedInteraction(interaction_of(state), agent.display_name))

    async def rate(self, person_id: str, interaction_id: str, resolved: bool, comment: str | None) -> None:
        """Raises ``already_rated``, ``not_found``, ``not_allowed``, ``records_unavailable``."""
        closed = await self._find(interaction_id, person_id)
        kept = closed.interaction
        if kept.taxpayer_id != person_id:
            raise Refused(ErrorCode.NOT_ALLOWED)
        if closed.rating is not None:
            raise Refused(ErrorCode.ALREADY_RATED)
        rating = KeptRating(interaction_id, person_id, kept.agent_id, resolved, comment, self._clock.now_ms())
        try:
            self._records.keep(rating)
        except RecordsUnavailable:
            raise Refused(ErrorCode.RECORDS_UNAVAILABLE) from None
        self._remember(replace(closed, rating=rating))

    async def wrap_up(self, person_id: str, interaction_id: str, code: str, note: str) -> None:
        """Saying it again replaces it. Raises ``not_found``, ``not_allowed``, ``records_unavailable``."""
        closed = await self._find(interaction_id, person_id)
        if closed.interaction.agent_id != person_id:
            raise Refused(ErrorCode.NOT_ALLOWED)
        kept = replace(closed.interaction, wrap_up_code=code, wrap_up_note=note)
        try:
            self._records.keep(kept)
        except RecordsUnavailable:
            raise Refused(ErrorCode.RECORDS_UNAVAILABLE) from None
        self._remember(replace(closed, interaction=kept))

    async def views(self, person_id: str, role: Role) -> list[AftercareView]:
        """For the welcome. What cannot be read now is left out: nobody is kept waiting for it."""
        since = self._clock.now_ms() - SHOWN_FOR_MS
        try:
            async with asyncio.timeout(_READ_TIMEOUT_S):
                stored = await self._records.to_finish(person_id, since)
        except (RecordsUnavailable, TimeoutError):
            stored = []
        found = {c.interaction.interaction_id: c for c in stored}
        # The record may lag behind what is in memory.
        for own in self._by_person.get(person_id, ()):
            found[own] = self._closed[own]
        mine = [c for c in found.values() if _unfinished(c, person_id, role, since)]
        mine.sort(key=lambda c: c.interaction.closed_at or 0, reverse=True)
        return [_view(closed, role) for closed in mine[:10]]

    async def _find(self, interaction_id: str, person_id: str) -> ClosedInteraction:
        """A stranger is told the same as for an unknown id."""
        closed = self._closed.get(interaction_id)
        if closed is None:
            try:
                async with asyncio.timeout(_READ_TIMEOUT_S):
                    closed = await self._records.closed(interaction_id)
            except (RecordsUnavailable, TimeoutError):
                raise Refused(ErrorCode.RECORDS_UNAVAILABLE) from None
            # Somebody may have been quicker while it was read.
            closed = self._closed.get(interaction_id, closed)
        kept = closed.interaction if closed is not None else None
        if closed is None or kept is None or person_id not in (kept.taxpayer_id, kept.agent_id):
            raise Refused(ErrorCode.NOT_FOUND)
        return closed

    def _remember(self, closed: ClosedInteraction) -> None:
        own = closed.interaction.interaction_id
        self._closed[own] = closed
        self._closed.move_to_end(own)
        for person_id in _people(closed):
            self._by_person.setdefault(person_id, {})[own] = None
        if len(self._closed) > _REMEMBERED:
            oldest, forgotten = self._closed.popitem(last=False)
            for person_id in _people(forgotten):
                theirs = self._by_person[person_id]
                del theirs[oldest]
                if not theirs:
                    del self._by_person[person_id]


def _people(closed: ClosedInteraction) -> list[str]:
    kept = closed.interaction
    return [person_id for person_id in (kept.taxpayer_id, kept.agent_id) if person_id is not None]


def _unfinished(closed: ClosedInteraction, person_id: str, role: Role, since: int) -> bool:
    kept = closed.interaction
    if (kept.closed_at or 0) < since:
        return False
    if role is Role.TAXPAYER:
        return kept.taxpayer_id == person_id and closed.rating is None
    return kept.agent_id == person_id and kept.wrap_up_code is None and kept.centre_id is not None


def _view(closed: ClosedInteraction, role: Role) -> AftercareView:
    kept, rating = closed.interaction, closed.rating
    return AftercareView(
        interaction_id=kept.interaction_id,
        staff_number=closed.staff_number,
        taxpayer_name=None if role is Role.TAXPAYER else kept.taxpayer_name,
        closed_at=kept.closed_at or 0,
        close_reason=kept.close_reason,
        rating=None if rating is None else RatingView(resolved=rating.resolved, rated_at=rating.rated_at),
        wrapped_up=kept.wrap_up_code is not None,
    )
