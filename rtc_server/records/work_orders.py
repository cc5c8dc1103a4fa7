"""Work orders (工单) and their steps."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.casework.work_orders import WorkOrder, WorkOrderStep
from rtc_server.records import changes
from rtc_server.records.base import Kind, metadata
from rtc_server.records.lists import Filter, ListSpec, Match

work_order = Table(
    "work_order",
    metadata,
    Column("work_order_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("number", Text, nullable=False),
    Column("taxpayer_id", Text, nullable=False),
    Column("taxpayer_name", Text, nullable=False),
    Column("centre_id", Text, nullable=False),
    Column("authority", Text),
    Column("interaction_id", Text),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("progress", Text, nullable=False),
    Column("agent_id", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("urged", Integer, nullable=False),
    Column("urged_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("resolved", Boolean),
    Column("rated_at", BigInteger),
    Index("ix_work_order_number", "number", unique=True),
    Index(None, "taxpayer_id", "created_at", "work_order_id"),
    Index(None, "centre_id", "created_at", "work_order_id"),
    Index("ix_work_order_centre_state", "centre_id", "state", "created_at", "work_order_id"),
)

work_order_step = Table(
    "work_order_step",
    metadata,
    Column("work_order_id", Text, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("text", Text, nullable=False),
)

WORK_ORDER = Kind(work_order, WorkOrder, revisioned=True)
STEP = Kind(work_order_step, WorkOrderStep)

_c = work_order.c
WORK_ORDERS: ListSpec[WorkOrder] = ListSpec(
    WORK_ORDER,
    _c.work_order_id,
    {
        "number": Filter(_c.number, Match.PREFIX),
        "subject": Filter(_c.subject, Match.CONTAINS),
        "state": Filter(_c.state),
        "agent_id": Filter(_c.agent_id),
        "created_from": Filter(_c.created_at, Match.FROM),
        "created_before": Filter(_c.created_at, Match.BEFORE),
    },
    {"created_at": _c.created_at},
)


async def steps(connection: AsyncConnection, work_order_id: str) -> list[WorkOrderStep]:
    query = (
        select(work_order_step)
        .where(work_order_step.c.work_order_id == work_order_id)
        .order_by(work_order_step.c.seq)
        .limit(500)
    )
    return [STEP.of_row(row) for row in await connection.execute(query)]


async def add_step(
    connection: AsyncConnection, work_order_id: str, at: int, actor_id: str, text: str
) -> None:
    """In the transaction that changes the work order, whose revision keeps two from writing the same step."""
    query = select(func.coalesce(func.max(work_order_step.c.seq), 0)).where(
        work_order_step.c.work_order_id == work_order_id
    )
    last = int((await connection.execute(query)).scalar_one())
    await changes.add(connection, STEP, WorkOrderStep(work_order_id, last + 1, at, actor_id, text))
