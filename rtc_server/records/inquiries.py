"""Inquiries (留言)."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Index, Table, Text, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.casework.inquiries import Inquiry
from rtc_server.casework.states import InquiryState
from rtc_server.records.base import Kind, metadata
from rtc_server.records.lists import Filter, ListSpec, Match

inquiry = Table(
    "inquiry",
    metadata,
    Column("inquiry_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("number", Text, nullable=False),
    Column("taxpayer_id", Text, nullable=False),
    Column("taxpayer_name", Text, nullable=False),
    Column("centre_id", Text, nullable=False),
    Column("authority", Text),
    Column("kind", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("attachments", JSON, nullable=False),
    Column("agent_id", Text),
    Column("assigned_at", BigInteger),
    Column("assigned_by", Text),
    Column("answer", Text),
    Column("answer_attachments", JSON, nullable=False),
    Column("decided_at", BigInteger),
    Column("decided_by", Text),
    Index("ix_inquiry_number", "number", unique=True),
    Index(None, "taxpayer_id", "created_at", "inquiry_id"),
    Index(None, "centre_id", "created_at", "inquiry_id"),
    Index("ix_inquiry_centre_state", "centre_id", "state", "created_at", "inquiry_id"),
    Index(None, "agent_id", "created_at", "inquiry_id"),
)

INQUIRY = Kind(inquiry, Inquiry, revisioned=True)

_c = inquiry.c
INQUIRIES: ListSpec[Inquiry] = ListSpec(
    INQUIRY,
    _c.inquiry_id,
    {
        "number": Filter(_c.number, Match.PREFIX),
        "kind": Filter(_c.kind),
        "content": Filter(_c.content, Match.CONTAINS),
        "state": Filter(_c.state),
        "agent_id": Filter(_c.agent_id),
        "created_from": Filter(_c.created_at, Match.FROM),
        "created_before": Filter(_c.created_at, Match.BEFORE),
    },
    {"created_at": _c.created_at},
)


async def open_count(connection: AsyncConnection, taxpayer_id: str) -> int:
    query = (
        select(func.count())
        .select_from(inquiry)
        .where(
            _c.taxpayer_id == taxpayer_id,
            _c.state.in_([InquiryState.SUBMITTED.value, InquiryState.ASSIGNED.value]),
        )
    )
    return int((await connection.execute(query)).scalar_one())
