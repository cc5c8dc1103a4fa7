"""Lists over HTTP: what every list takes in its address, what it answers, and its export as a sheet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import Field, StringConstraints

from rtc_server.casework.service import new_id, now_ms
from rtc_server.organisation.centres import DEFAULT_TIME_ZONE
from rtc_server.records.audit import AuditEntry
from rtc_server.records.lists import Asked, ListSpec, Scope, everything, find
from rtc_server.rest.context import client_address
from rtc_server.rest.resource import Call, Query, View
from signaling.errors import BadInput, ErrorCode, Refused

R = TypeVar("R")
V = TypeVar("V")

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_EXPORTED = 10_000

SearchWords = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")
]
Moment = Annotated[int, Field(ge=0, le=2**52)]
"""Milliseconds since the epoch."""


class ListQuery(Query):
    """Pages begin with 1. A page behind the last is the last. A filter that is left away or empty does not limit."""

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    size: Literal[10, 20, 50, "10", "20", "50"] = 10
    sort: SearchWords | None = None
    order: Literal["asc", "desc"] = "desc"


class StaffListQuery(ListQuery):
    """``centre_id``: one of one's own; the first of them when it is left away."""

    centre_id: SearchWords | None = None


class Listing(View, Generic[V]):
    """``page`` is the page that is shown. ``within``: words were looked for in so many of the newest rows at most."""

    items: list[V]
    total: int
    page: int
    size: int
    within: int | None = None


def asked_of(spec: ListSpec[Any], query: ListQuery) -> Asked:
    return Asked(
        values={name: getattr(query, name, None) for name in spec.filters},
        sort=query.sort,
        descending=query.order == "desc",
        page=query.page,
        size=int(query.size),
    )


async def listing(
    call: Call,
    spec: ListSpec[R],
    scope: Scope,
    query: ListQuery,
    view: Callable[[R], V],
    *,
    caught_up: bool = False,
) -> Listing[V]:
    """``caught_up``: what goes through the journal is waited for."""
    async with call.desk.recording.read(caught_up=caught_up) as connection:
        found = await find(connection, spec, scope, asked_of(spec, query))
    return Listing(
        items=[view(one) for one in found.items],
        total=found.total,
        page=found.page,
        size=found.size,
        within=found.within,
    )


def own_centre(call: Call, centre_id: str | None) -> str | None:
    """The centre of a member of staff whose list is asked for; None: they work for none. Raises ``Refused``."""
    mine = sorted(call.desk.organisation.centres_of(call.person.person_id))
    if not centre_id:
        return mine[0] if mine else None
    if centre_id not in mine:
        raise Refused(ErrorCode.RECORD_NOT_FOUND)
    return centre_id


def check_centre(call: Call, centre_id: str) -> None:
    """Raises ``Refused`` for a case of a centre the member of staff does not work for."""
    if centre_id not in call.desk.organisation.centres_of(call.person.person_id):
        raise Refused(ErrorCode.RECORD_NOT_FOUND)


@dataclass(frozen=True, slots=True)
class SheetColumn(Generic[V]):
    heading: str
    width: int
    text: Callable[[V], str]


async def export(  # noqa: PLR0917 - as its neighbour, and what one sees
    call: Call,
    spec: ListSpec[R],
    scope: Scope,
    query: ListQuery,
    view: Callable[[R], V],
    sheet: tuple[str, Sequence[SheetColumn[V]]],
    *,
    caught_up: bool = False,
) -> web.Response:
    """All pages of the list as it is asked for; ``sheet`` is its title and columns. Recorded in the audit log."""
    title, columns = sheet
    rows: list[list[str]] = []
    async with call.desk.recording.read(caught_up=caught_up) as connection:
        async for one in everything(connection, spec, scope, asked_of(spec, query), MAX_EXPORTED):
            shown = view(one)
            rows.append([column.text(shown) for column in columns])
    audit(call, f"export_{spec.kind.name}", None, f"{len(rows)}")
    return await sheet_response(title, title, [(one.heading, one.width) for one in columns], rows)


async def sheet_response(
    name: str, title: str, columns: Sequence[tuple[str, int]], rows: Sequence[Sequence[str]]
) -> web.Response:
    """A workbook of one sheet to be saved as ``name``; columns are headings and widths in characters."""
    content = await asyncio.to_thread(_sheet, title, columns, rows)
    return web.Response(
        body=content,
        content_type=XLSX,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}.xlsx",
            "Cache-Control": "no-store",
        },
    )


def _sheet(title: str, columns: Sequence[tuple[str, int]], rows: Sequence[Sequence[str]]) -> bytes:
    from io import BytesIO

    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    for number, (_, width) in enumerate(columns):
        sheet.column_dimensions[get_column_letter(number + 1)].width = width
    sheet.freeze_panes = "A2"
    bold, wrapped = Font(bold=True), Alignment(vertical="top", wrap_text=True)

    def cell(text: str, *, heading: bool = False) -> Any:
        made = WriteOnlyCell(sheet)
        made.value = _printable(text)
        # Text whatever it begins with, so that nothing runs as a formula where it is opened.
        made.data_type = "s"
        made.alignment = wrapped
        if heading:
            made.font = bold
        return made

    sheet.append([cell(heading, heading=True) for heading, _ in columns])
    for row in rows:
        sheet.append([cell(text) for text in row])
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _printable(text: str) -> str:
    return "".join(one for one in text if one >= " " or one in "\n\t")


def local_time(at: int | None) -> str:
    """For a sheet."""
    if at is None:
        return ""
    return (
        datetime.fromtimestamp(at / 1000, UTC)
        .astimezone(ZoneInfo(DEFAULT_TIME_ZONE))
        .strftime("%Y-%m-%d %H:%M")
    )


def audit(call: Call, action: str, subject: str | None, detail: str | None = None) -> None:
    call.desk.recording.keep_rows(
        AuditEntry(
            entry_id=new_id(),
            at=now_ms(),
            actor_id=call.person.person_id,
            action=action,
            subject=subject,
            origin=str(client_address(call.request)),
            detail=detail,
        )
    )


def required(value: V | None) -> V:
    """Raises ``Refused`` for what is not there."""
    if value is None:
        raise Refused(ErrorCode.RECORD_NOT_FOUND)
    return value


def taxpayer_centre(call: Call, centre_id: str | None) -> tuple[str, str | None]:
    """The centre a taxpayer turns to, their own or one they name, and the region code of their authority.

    Raises ``Refused`` with ``queue_no_centre``.
    """
    region = call.desk.casework.authority_of(call.person)
    if centre_id is not None:
        if call.desk.organisation.centre(centre_id) is None:
            raise BadInput(ErrorCode.BAD_MESSAGE)
        return centre_id, region
    own = call.desk.organisation.centre_for(region)
    if own is None:
        raise Refused(ErrorCode.QUEUE_NO_CENTRE)
    return own.centre_id, region
