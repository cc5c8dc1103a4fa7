"""The audit log: who did what to whom, when and from where. Rows are only ever added."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Index, Table, Text

from rtc_server.records.base import Kind, metadata
from rtc_server.records.lists import Filter, ListSpec, Match


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
    # Counted, filtered and paged from this one alone.
    Index("ix_audit_log_list", "at", "entry_id", "action", "actor_id", "subject"),
    Index(None, "actor_id", "at"),
    Index(None, "subject", "at"),
)

AUDIT_ENTRY = Kind(audit_log, AuditEntry)
AUDIT = ListSpec(
    kind=AUDIT_ENTRY,
    key=audit_log.c.entry_id,
    filters={
        "actor_id": Filter(audit_log.c.actor_id),
        "subject": Filter(audit_log.c.subject),
        "action": Filter(audit_log.c.action),
        "actions": Filter(audit_log.c.action),
        "at_from": Filter(audit_log.c.at, Match.FROM),
        "at_before": Filter(audit_log.c.at, Match.BEFORE),
    },
    sorts={"at": audit_log.c.at},
)
"""``actions``: any of them."""
