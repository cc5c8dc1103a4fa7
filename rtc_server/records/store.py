"""Stores records in the two ways of ``base``, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import Insert

from rtc_server.records.base import Kind

R = TypeVar("R")


async def store(connection: AsyncConnection, kind: Kind[R], records: Sequence[R]) -> None:
    """As often as one likes: a row that is there already stays, unless the record is a newer revision of it."""
    await store_rows(connection, kind, [kind.row(record) for record in records])


async def store_rows(connection: AsyncConnection, kind: Kind[Any], rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        statement = _insert(kind.table, kind.revisioned, connection.dialect.name)
        await connection.execute(statement, list(rows))


async def put(connection: AsyncConnection, kind: Kind[R], record: R) -> None:
    """Insert or replace: for what administrators edit, where the last one to save wins."""
    table = kind.table
    statement = _dialect_insert(table, connection.dialect.name)
    keys = [column.name for column in table.primary_key]
    rest = {
        column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys
    }
    made = (
        statement.on_conflict_do_update(index_elements=keys, set_=rest)
        if rest
        else statement.on_conflict_do_nothing(index_elements=keys)
    )
    await connection.execute(made, kind.row(record))


def _dialect_insert(table: Table, dialect: str) -> Any:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@cache
def _insert(table: Table, revisioned: bool, dialect: str) -> Insert:
    statement = _dialect_insert(table, dialect)
    if not revisioned:
        made: Insert = statement.on_conflict_do_nothing()
        return made
    keys = [column.name for column in table.primary_key]
    newer: Insert = statement.on_conflict_do_update(
        index_elements=keys,
        set_={
            column.name: statement.excluded[column.name]
            for column in table.columns
            if column.name not in keys
        },
        where=statement.excluded.revision > table.c.revision,
    )
    return newer
