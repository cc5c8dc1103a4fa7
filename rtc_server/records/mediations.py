"""Mediation applications (调解申请)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import JSON, BigInteger, Column, Index, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records.base import Kind, metadata
from rtc_server.records.lists import Filter, ListSpec, Match, list_index
from rtc_server.records.paging import Page, newest_first, to_page
from signaling.sessions.meeting_states import MediationPhase


@dataclass(frozen=True, slots=True)
class MediationRecord:
    """``taxpayer_name`` is masked. ``meeting_id`` from the dispatch on. ``attachments`` None: of a
    time when there were none."""

    application_id: str
    revision: int
    number: str
    taxpayer_id: str
    taxpayer_name: str
    authority: str | None
    subject: str
    detail: str
    applied_at: int
    phase: MediationPhase
    meeting_id: str | None = None
    agent_id: str | None = None
    dispatched_at: int | None = None
    dispatched_by: str | None = None
    done_at: int | None = None
    centre_id: str | None = None
    expected_at: int | None = None
    reason: str | None = None
    contact: str | None = None
    attachments: list[str] | None = None


mediation_application = Table(
    "mediation_application",
    metadata,
    Column("application_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("number", Text, nullable=False),
    Column("taxpayer_id", Text, nullable=False),
    Column("taxpayer_name", Text, nullable=False),
    Column("authority", Text),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("applied_at", BigInteger, nullable=False),
    Column("phase", Text, nullable=False),
    Column("meeting_id", Text),
    Column("agent_id", Text),
    Column("dispatched_at", BigInteger),
    Column("dispatched_by", Text),
    Column("done_at", BigInteger),
    Column("centre_id", Text),
    Column("expected_at", BigInteger),
    Column("reason", Text),
    Column("contact", Text),
    Column("attachments", JSON(none_as_null=True)),
    Index(None, "number"),
    Index(None, "taxpayer_id", "applied_at"),
    Index(None, "agent_id", "applied_at"),
    Index(None, "phase", "applied_at"),
    list_index(
        "mediation_application",
        "centre_id",
        "applied_at",
        "application_id",
        "phase",
        "dispatched_at",
        "number",
    ),
)

MEDIATION = Kind(mediation_application, MediationRecord, revisioned=True)

_NEWEST = (mediation_application.c.applied_at, mediation_application.c.application_id)


@dataclass(frozen=True, slots=True)
class MediationFilter:
    """What is None does not limit."""

    taxpayer_id: str | None = None
    agent_id: str | None = None
    phase: MediationPhase | None = None
    submitted: bool = False
    """Without drafts."""


_c = mediation_application.c
MEDIATIONS: ListSpec[MediationRecord] = ListSpec(
    MEDIATION,
    _c.application_id,
    {
        "number": Filter(_c.number, Match.PREFIX),
        "phase": Filter(_c.phase),
        "applied_from": Filter(_c.applied_at, Match.FROM),
        "applied_before": Filter(_c.applied_at, Match.BEFORE),
        "accepted_from": Filter(_c.dispatched_at, Match.FROM),
        "accepted_before": Filter(_c.dispatched_at, Match.BEFORE),
    },
    {"applied_at": _c.applied_at},
)


async def get(connection: AsyncConnection, application_id: str) -> MediationRecord | None:
    query = select(mediation_application).where(mediation_application.c.application_id == application_id)
    row = (await connection.execute(query)).one_or_none()
    return MEDIATION.of_row(row) if row is not None else None


async def search(
    connection: AsyncConnection, wanted: MediationFilter, cursor: str | None = None, limit: int = 20
) -> Page[MediationRecord]:
    """Newest first. Raises CursorInvalid."""
    query = select(mediation_application)
    for column, value in (
        (mediation_application.c.taxpayer_id, wanted.taxpayer_id),
        (mediation_application.c.agent_id, wanted.agent_id),
        (mediation_application.c.phase, wanted.phase.value if wanted.phase is not None else None),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.submitted:
        hidden = (MediationPhase.DRAFT.value, MediationPhase.DISCARDED.value)
        query = query.where(mediation_application.c.phase.not_in(hidden))
    query, limit = newest_first(query, _NEWEST, cursor, limit)
    return to_page((await connection.execute(query)).all(), limit, MEDIATION.of_row, _NEWEST)


async def in_phases(
    connection: AsyncConnection, phases: tuple[MediationPhase, ...]
) -> tuple[MediationRecord, ...]:
    """In order of asking."""
    query = (
        select(mediation_application)
        .where(mediation_application.c.phase.in_([phase.value for phase in phases]))
        .order_by(mediation_application.c.applied_at, mediation_application.c.application_id)
    )
    return tuple(MEDIATION.of_row(row) for row in await connection.execute(query))


UNFINISHED = (MediationPhase.APPLIED, MediationPhase.DISPATCHED, MediationPhase.IN_PROGRESS)


async def unfinished(
    connection: AsyncConnection,
    authorities: Collection[str],
    phases: Collection[MediationPhase],
    agent_id: str,
    limit: int,
) -> tuple[MediationRecord, ...]:
    """The first in order of asking: those in ``phases`` of these authorities, and all that were given to this agent.

    One query for each phase: each walks an index in the order wanted and ends at ``limit``.
    """
    of_authorities = _c.authority.in_(sorted(authorities))
    wanted = [(_c.phase == phase.value) & of_authorities for phase in phases]
    wanted.append((_c.agent_id == agent_id) & _c.phase.in_([phase.value for phase in UNFINISHED]))
    order = (_c.applied_at, _c.application_id)
    keys: set[tuple[int, str]] = set()
    for condition in wanted:
        query = select(*order).where(condition).order_by(*order).limit(limit)
        keys |= {(row.applied_at, row.application_id) for row in await connection.execute(query)}
    first = [application_id for _, application_id in sorted(keys)[:limit]]
    rows = await connection.execute(
        select(mediation_application).where(_c.application_id.in_(first)).order_by(*order)
    )
    return tuple(MEDIATION.of_row(row) for row in rows)
