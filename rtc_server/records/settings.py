"""Settings an administrator changes while the server runs. A value is any JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Table, Text, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records.base import Kind, metadata
from rtc_server.records.store import put

INSTALLATION = ""
"""The scope of settings of the whole installation; other scopes are ids, e.g. of a person."""


@dataclass(frozen=True, slots=True)
class Setting:
    scope: str
    name: str
    value: Any
    updated_at: int
    updated_by: str


setting = Table(
    "setting",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", JSON, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
)

SETTING = Kind(setting, Setting)


async def save(connection: AsyncConnection, value: Setting) -> None:
    await put(connection, SETTING, value)


async def get(connection: AsyncConnection, scope: str, name: str) -> Setting | None:
    query = select(setting).where(setting.c.scope == scope, setting.c.name == name)
    row = (await connection.execute(query)).one_or_none()
    return SETTING.of_row(row) if row is not None else None


async def of_scope(connection: AsyncConnection, scope: str) -> dict[str, Any]:
    query = select(setting).where(setting.c.scope == scope).order_by(setting.c.name)
    return {row.name: row.value for row in await connection.execute(query)}


async def remove(connection: AsyncConnection, scope: str, name: str) -> None:
    await connection.execute(delete(setting).where(setting.c.scope == scope, setting.c.name == name))
