"""Tickets of the queue, as they stood last, so that a restart finds everybody's place."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records.base import Kind, metadata
from signaling.sessions.queue_states import GoneReason, Offer, Ticket, TicketPhase


@dataclass(frozen=True, slots=True)
class TicketRecord:
    """``gone_at`` None while it is in the queue or served. ``offered_to`` and ``directed`` describe a running offer."""

    ticket_id: str
    revision: int
    taxpayer_id: str
    centre_id: str
    skills: frozenset[str]
    place_class: int
    place_number: int
    joined_at: int
    phase: TicketPhase
    last_agent: str | None
    agent_id: str | None
    served_by: tuple[str, ...]
    directed_to: str | None = None
    gone_at: int | None = None
    gone_reason: GoneReason | None = None
    taxpayer_name: str | None = None
    context: str | None = None


ticket = Table(
    "ticket",
    metadata,
    Column("ticket_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("taxpayer_id", Text, nullable=False),
    Column("centre_id", Text, nullable=False),
    Column("skills", JSON, nullable=False),
    Column("place_class", Integer, nullable=False),
    Column("place_number", BigInteger, nullable=False),
    Column("joined_at", BigInteger, nullable=False),
    Column("phase", Text, nullable=False),
    Column("last_agent", Text),
    Column("agent_id", Text),
    Column("served_by", JSON, nullable=False),
    Column("directed_to", Text),
    Column("gone_at", BigInteger),
    Column("gone_reason", Text),
    Column("taxpayer_name", Text),
    Column("context", Text),
    Index(None, "gone_at"),
    Index(None, "centre_id", "joined_at"),
    Index(None, "taxpayer_id", "joined_at"),
)

TICKET = Kind(ticket, TicketRecord, revisioned=True)


def record_of(
    live: Ticket,
    revision: int,
    gone_at: int | None = None,
    gone_reason: GoneReason | None = None,
    *,
    taxpayer_name: str | None = None,
    context: str | None = None,
) -> TicketRecord:
    """The row of a ticket of the queue."""
    directed = live.offer.agent_id if live.offer is not None and live.offer.directed else None
    return TicketRecord(
        ticket_id=live.ticket_id,
        revision=revision,
        taxpayer_id=live.taxpayer_id,
        centre_id=live.centre_id,
        skills=live.skills,
        place_class=live.place[0],
        place_number=live.place[1],
        joined_at=live.joined_ms,
        phase=live.phase,
        last_agent=live.last_agent,
        agent_id=live.agent_id,
        served_by=live.served_by,
        directed_to=directed,
        gone_at=gone_at,
        gone_reason=gone_reason,
        taxpayer_name=taxpayer_name,
        context=context,
    )


def ticket_of(record: TicketRecord) -> Ticket:
    """The ticket as ``signaling.sessions.queue.restore`` takes it; its deadlines begin anew there."""
    offer = Offer(record.directed_to, 0, directed=True) if record.directed_to is not None else None
    return Ticket(
        ticket_id=record.ticket_id,
        taxpayer_id=record.taxpayer_id,
        centre_id=record.centre_id,
        skills=record.skills,
        place=(record.place_class, record.place_number, record.ticket_id),
        joined_ms=record.joined_at,
        phase=record.phase,
        last_agent=record.last_agent,
        offer=offer,
        agent_id=record.agent_id,
        served_by=record.served_by,
    )


async def in_queue(connection: AsyncConnection) -> tuple[TicketRecord, ...]:
    """Everybody who waits, rings or is served, in order."""
    query = (
        select(ticket).where(ticket.c.gone_at.is_(None)).order_by(ticket.c.place_class, ticket.c.place_number)
    )
    return tuple(TICKET.of_row(row) for row in await connection.execute(query))
