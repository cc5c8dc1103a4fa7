"""Changing a row that somebody else may be changing too: only the one who saw its present revision does."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records.base import Kind
from signaling.errors import DomainError, ErrorCode

R = TypeVar("R")


async def get(connection: AsyncConnection, kind: Kind[R], key: str) -> R | None:
    (column,) = kind.table.primary_key.columns
    row = (await connection.execute(select(kind.table).where(column == key))).one_or_none()
    return kind.of_row(row) if row is not None else None


async def add(connection: AsyncConnection, kind: Kind[R], record: R) -> None:
    """Raises IntegrityError when there is one of this key."""
    await connection.execute(insert(kind.table).values(**kind.row(record)))


async def change(connection: AsyncConnection, kind: Kind[R], old: R, new: R) -> R:
    """``new`` with the next revision. Raises ``DomainError`` with ``conflict`` when ``old`` is no longer so."""
    (key,) = kind.table.primary_key.columns
    revision = kind.table.c.revision
    before = kind.row(old)
    revised: R = dataclasses.replace(new, revision=before["revision"] + 1)  # type: ignore[type-var]
    statement = (
        update(kind.table)
        .where(key == before[key.name], revision == before["revision"])
        .values(**kind.row(revised))
    )
    if (await connection.execute(statement)).rowcount != 1:
        raise DomainError(ErrorCode.CONFLICT)
    return revised
