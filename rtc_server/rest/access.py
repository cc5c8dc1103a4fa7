"""Whose interactions a person may see. Whatever they may not see does not exist for them: ``not_found``."""

from __future__ import annotations

import time

from rtc_server.records import interactions, messages
from rtc_server.records.conversion import interaction_of
from rtc_server.records.files import File
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
    """Whose messages, files and — for staff — taxpayer this person may see. Raises ``Refused``. A guest sees nothing
    here: what they may read the conversation itself tells them."""
    found = await find(desk, interaction_id)
    if not _may_see(desk, person, found):
        raise Refused(ErrorCode.NOT_FOUND)
    return found


async def with_taxpayer(desk: ServiceDesk, person: Person, interaction_id: str) -> KeptInteraction:
    """The same, of one that has a taxpayer: a collaboration of agents has no history, notes and tags of anybody."""
    found = await visible(desk, person, interaction_id)
    if not found.taxpayer_id:
        raise Refused(ErrorCode.NOT_FOUND)
    return found


async def read_as_guest(desk: ServiceDesk, person: Person, file: File) -> bool:
    """Whether this person is a guest of the conversation and may read the line the file was sent with, or sent it."""
    if file.interaction_id is None:
        return False
    live = desk.recording.live.get(file.interaction_id)
    member = live.members.get(person.person_id) if live is not None else None
    if live is None or member is None or member.guest_of is None or member.left_at is not None:
        return False
    if live.interaction.phase is not InteractionPhase.OPEN:
        return False
    if file.sender_id == person.person_id or member.history_from == 1:
        return True
    async with desk.recording.read() as connection:
        seq = await messages.seq_of_file(connection, file.interaction_id, file.file_id)
    return seq is not None and seq >= member.history_from


async def open_member(desk: ServiceDesk, person: Person, interaction_id: str) -> KeptInteraction:
    """An open interaction this person takes part in now. Raises ``Refused``: ``not_found``, ``interaction_closed``."""
    live = desk.recording.live.get(interaction_id)
    if live is not None and live.is_guest(person.person_id):
        found = live.interaction
    else:
        found = await visible(desk, person, interaction_id)
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
            return _served_lately(person, found) or (
                found.taxpayer_id != "" and desk.recording.live.serves(person.person_id, found.taxpayer_id)
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
