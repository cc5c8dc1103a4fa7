"""Whose interactions a person may see. Whatever they may not see does not exist for them: ``not_found``."""

from __future__ import annotations

import time

from rtc_server.records import interactions
from rtc_server.records.conversion import interaction_of
from rtc_server.rest.service import ServiceDesk
from signaling.errors import ErrorCode, Refused
from signaling.rooms.kept import KeptInteraction
from signaling.rooms.ports import Person
from signaling.sessions.states import InteractionPhase, Role

AFTERCARE_MS = 60 * 60 * 1000
"""So long after the end the agent who served it may still look at it, for wrap-up."""


async def find(desk: ServiceDesk, interaction_id: str) -> KeptInteraction:
    """Raises ``Refused`` with ``not_found``."""
    live = desk.recording.live.get(interaction_id)
    if live is not None:
        return live.interaction
    async with desk.recording.read() as connection:
        row = await interactions.get(connection, interaction_id)
    if row is None:
        raise Refused(ErrorCode.NOT_FOUND)
    return interaction_of(row)


async def visible(desk: ServiceDesk, person: Person, interaction_id: str) -> KeptInteraction:
    """Whose messages, files and — for staff — taxpayer this person may see. Raises ``Refused``."""
    found = await find(desk, interaction_id)
    if not _may_see(desk, person, found):
        raise Refused(ErrorCode.NOT_FOUND)
    return found


async def open_member(desk: ServiceDesk, person: Person, interaction_id: str) -> KeptInteraction:
    """An open interaction this person takes part in now. Raises ``Refused``: ``not_found``, ``interaction_closed``."""
    found = await visible(desk, person, interaction_id)
    live = desk.recording.live.get(interaction_id)
    if live is None or found.phase is not InteractionPhase.OPEN:
        raise Refused(ErrorCode.INTERACTION_CLOSED)
    if not live.has_present(person.person_id):
        raise Refused(ErrorCode.NOT_A_MEMBER)
    return found


def _may_see(desk: ServiceDesk, person: Person, found: KeptInteraction) -> bool:
    match person.role:
        case Role.TAXPAYER:
            return found.taxpayer_id == person.person_id
        case Role.AGENT:
            return _served_lately(person, found) or desk.recording.live.serves(
                person.person_id, found.taxpayer_id
            )
        case Role.SUPERVISOR:
            return found.centre_id in desk.organisation.centres_of(person.person_id)
        case _:
            return False


def _served_lately(person: Person, found: KeptInteraction) -> bool:
    if found.agent_id != person.person_id:
        return False
    closed_at = found.closed_at
    return closed_at is None or closed_at + AFTERCARE_MS > time.time_ns() // 1_000_000
