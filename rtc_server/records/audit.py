"""The audit log: who did what to whom, when and from where. Rows are only ever added."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Index, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records.base import Kind, metadata
from rtc_server.records.paging import Page, newest_first, to_page


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """``action`` e.g. ``reveal_phone``; ``subject`` is the id it was done to; ``origin`` the network address."""

    entry_id: str
    at: int
    actor_id: str
    action: str
    subject: str | None
    origin: str | None
    detail: str | None = None


audit_log = Table(
    "audit_log",
    metadata,
    Column("entry_id", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text),
    Column("origin", Text),
    Column("detail", Text),
    Index(None, "at", "entry_id"),
    Index(None, "actor_id", "at"),
    Index(None, "subject", "at"),
)

AUDIT_ENTRY = Kind(audit_log, AuditEntry)

_NEWEST = (audit_log.c.at, audit_log.c.entry_id)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What is None does not limit. ``at_from`` is inside, ``at_to`` outside."""

    actor_id: str | None = None
    subject: str | None = None
    action: str | None = None
    at_from: int | None = None
    at_to: int | None = None


async def search(
    connection: AsyncConnection, wanted: AuditFilter, cursor: str | None = None, limit: int = 50
) -> Page[AuditEntry]:
    """Newest first. Raises CursorInvalid."""
    query = select(audit_log)
    for column, value in (
        (audit_log.c.actor_id, wanted.actor_id),
        (audit_log.c.subject, wanted.subject),
        (audit_log.c.action, wanted.action),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.at_from is not None:
        query = query.where(audit_log.c.at >= wanted.at_from)
    if wanted.at_to is not None:
        query = query.where(audit_log.c.at < wanted.at_to)
    query, limit = newest_first(query, _NEWEST, cursor, limit)
    return to_page((await connection.execute(query)).all(), limit, AUDIT_ENTRY.of_row, _NEWEST)
