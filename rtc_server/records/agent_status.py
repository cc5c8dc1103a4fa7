"""Changes of agents' statuses, for working times and reports."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Index, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records.base import Kind, metadata
from rtc_server.records.organisation import staff
from signaling.sessions.queue_states import AgentStatus, StatusReason


@dataclass(frozen=True, slots=True)
class AgentStatusChange:
    """``status`` as others saw it, ``chosen`` as the agent had it; ids sort in the order of writing."""

    change_id: str
    agent_id: str
    status: AgentStatus
    reason: StatusReason
    at: int
    chosen: AgentStatus | None = None


agent_status_change = Table(
    "agent_status_change",
    metadata,
    Column("change_id", Text, primary_key=True),
    Column("agent_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("chosen", Text),
    Index(None, "agent_id", "at"),
    Index(None, "at"),
)

AGENT_STATUS_CHANGE = Kind(agent_status_change, AgentStatusChange)


async def of_agent(
    connection: AsyncConnection, agent_id: str, at_from: int, at_to: int
) -> tuple[AgentStatusChange, ...]:
    """From ``at_from`` until before ``at_to``, in order."""
    query = (
        select(agent_status_change)
        .where(
            agent_status_change.c.agent_id == agent_id,
            agent_status_change.c.at >= at_from,
            agent_status_change.c.at < at_to,
        )
        .order_by(agent_status_change.c.at, agent_status_change.c.change_id)
        .limit(10_000)
    )
    return tuple(AGENT_STATUS_CHANGE.of_row(row) for row in await connection.execute(query))


async def last_of_staff(connection: AsyncConnection) -> tuple[AgentStatusChange, ...]:
    """The last change of each of the organisation's people."""
    change = agent_status_change.c
    newest = (
        select(change.change_id)
        .where(change.agent_id == staff.c.person_id)
        .order_by(change.at.desc(), change.change_id.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = select(agent_status_change).where(change.change_id.in_(select(newest).select_from(staff)))
    return tuple(AGENT_STATUS_CHANGE.of_row(row) for row in await connection.execute(query))


def time_in_status(
    changes: tuple[AgentStatusChange, ...],
    at_from: int,
    at_to: int,
    before: AgentStatus = AgentStatus.OFFLINE,
) -> dict[AgentStatus, int]:
    """Milliseconds in each status; ``before`` is the status at ``at_from``."""
    spent: dict[AgentStatus, int] = {}
    status, since = before, at_from
    for change in changes:
        spent[status] = spent.get(status, 0) + change.at - since
        status, since = change.status, change.at
    spent[status] = spent.get(status, 0) + at_to - since
    return {each: ms for each, ms in spent.items() if ms > 0}
