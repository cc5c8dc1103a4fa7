"""What is taken out as a sheet (XLSX): columns of a list, and the workbook."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

from aiohttp import web

from rtc_server.organisation.centres import DEFAULT_TIME_ZONE

V = TypeVar("V")

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class SheetColumn(Generic[V]):
    """``width`` in characters."""

    heading: str
    width: int
    text: Callable[[V], str]


@dataclass(frozen=True, slots=True)
class Sheet(Generic[V]):
    """How a list is taken out; ``title`` is also the name of the file."""

    title: str
    columns: tuple[SheetColumn[V], ...]

    async def response(self, items: Sequence[V]) -> web.Response:
        rows = [[column.text(one) for column in self.columns] for one in items]
        headings = [(column.heading, column.width) for column in self.columns]
        return await sheet_response(self.title, self.title, headings, rows)


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
