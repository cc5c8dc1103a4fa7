"""Numbers people call things by: letters of the kind, region, day, and four digits that count within these.

The last number is a row of the database, raised in the transaction that stores what it is for: two nodes never give the
same number, and one that is not used leaves no gap. After 9999 a day there is a fifth digit.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Column, Table, Text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records.base import metadata

MEDIATION = "TJSQ"
APPOINTMENT = "YYFW"
INQUIRY = "LYZX"
WORK_ORDER = "GDBL"

_NO_REGION = "000000"
_TIME_ZONE = "Asia/Shanghai"

number_sequence = Table(
    "number_sequence",
    metadata,
    Column("prefix", Text, primary_key=True),
    Column("last", BigInteger, nullable=False),
)


async def next_number(connection: AsyncConnection, letters: str, region: str | None, now_ms: int) -> str:
    """``region``: six digits of GB/T 2260, or None. In a transaction that writes."""
    day = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(ZoneInfo(_TIME_ZONE)).strftime("%Y%m%d")
    prefix = f"{letters}{region or _NO_REGION}{day}"
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(number_sequence).values(prefix=prefix, last=1)
    raised = statement.on_conflict_do_update(
        index_elements=["prefix"], set_={"last": number_sequence.c.last + 1}
    ).returning(number_sequence.c.last)
    last = int((await connection.execute(raised)).scalar_one())
    return f"{prefix}{last:04}"
