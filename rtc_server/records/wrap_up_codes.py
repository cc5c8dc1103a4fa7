"""Wrap-up codes (小结): what a conversation was about, chosen by the agent when it ends."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Boolean, Column, Integer, Table, Text, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records.base import Kind, metadata
from rtc_server.records.store import put


@dataclass(frozen=True, slots=True)
class WrapUpCode:
    """``centre_id`` None: for all centres. One that is not active stays readable in old records."""

    code: str
    centre_id: str | None
    name: str
    sort_order: int
    active: bool = True


wrap_up_code = Table(
    "wrap_up_code",
    metadata,
    Column("code", Text, primary_key=True),
    Column("centre_id", Text),
    Column("name", Text, nullable=False),
    Column("sort_order", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
)

WRAP_UP_CODE = Kind(wrap_up_code, WrapUpCode)


async def save(connection: AsyncConnection, code: WrapUpCode) -> None:
    await put(connection, WRAP_UP_CODE, code)


async def of_centre(
    connection: AsyncConnection, centre_id: str, *, with_inactive: bool = False
) -> tuple[WrapUpCode, ...]:
    query = select(wrap_up_code).where(
        or_(wrap_up_code.c.centre_id.is_(None), wrap_up_code.c.centre_id == centre_id)
    )
    if not with_inactive:
        query = query.where(wrap_up_code.c.active.is_(True))
    query = query.order_by(wrap_up_code.c.sort_order, wrap_up_code.c.code)
    return tuple(WRAP_UP_CODE.of_row(row) for row in await connection.execute(query))


async def everywhere(connection: AsyncConnection) -> tuple[WrapUpCode, ...]:
    """Of all centres, also those that are not active."""
    query = select(wrap_up_code).order_by(wrap_up_code.c.sort_order, wrap_up_code.c.code)
    return tuple(WRAP_UP_CODE.of_row(row) for row in await connection.execute(query))
