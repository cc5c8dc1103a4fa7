"""What was open when the server stopped, read back so that everybody finds their conversation and their place."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records import calls, interactions, messages, tickets
from rtc_server.records.base import chunks
from rtc_server.records.calls import CallRecord
from rtc_server.records.interactions import INTERACTION, Interaction, InteractionMember, interaction
from rtc_server.records.messages import Message
from signaling.sessions.queue_states import Ticket
from signaling.sessions.states import InteractionPhase


@dataclass(frozen=True, slots=True)
class OpenInteraction:
    """``messages`` are the last ones; ``last_seq`` 0 when nothing was said. ``calls`` had not ended."""

    interaction: Interaction
    members: tuple[InteractionMember, ...]
    messages: tuple[Message, ...]
    last_seq: int
    calls: tuple[CallRecord, ...]


@dataclass(frozen=True, slots=True)
class OpenWork:
    interactions: tuple[OpenInteraction, ...]
    tickets: tuple[Ticket, ...]


async def open_work(connection: AsyncConnection, kept_messages: int = 200) -> OpenWork:
    """Call it when the journal of the last run is stored (``RecordWriter.drain``), or the newest things are missing."""
    query = (
        select(interaction)
        .where(interaction.c.phase == InteractionPhase.OPEN.value)
        .order_by(interaction.c.opened_at, interaction.c.interaction_id)
    )
    rows = [INTERACTION.of_row(row) for row in await connection.execute(query)]
    found: list[OpenInteraction] = []
    by_id = {row.interaction_id: row for row in rows}
    for ids in chunks([*by_id]):
        members = await interactions.members(connection, ids)
        tails = await messages.tails(connection, ids, kept_messages)
        running = await calls.of_interactions(connection, ids, running=True)
        calls_of: dict[str, list[CallRecord]] = {}
        for call in running:
            calls_of.setdefault(call.interaction_id, []).append(call)
        for row in (by_id[own] for own in ids):
            tail = tails.get(row.interaction_id, ())
            found.append(
                OpenInteraction(
                    interaction=row,
                    members=members.get(row.interaction_id, ()),
                    messages=tail,
                    last_seq=tail[-1].seq if tail else 0,
                    calls=tuple(calls_of.get(row.interaction_id, ())),
                )
            )
    waiting = tuple(tickets.ticket_of(record) for record in await tickets.in_queue(connection))
    return OpenWork(tuple(found), waiting)
