"""Lists as a person pages through them: filters, single and combined, one column that sorts, a total, any page.

Keyset paging (``paging``) is for lists one reads on in; here one jumps. The rows of a page are found by their keys in an
index that begins with the scope, and only those rows are read, so that page 9 000 costs little more than page 1.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from sqlalchemy import Column, ColumnElement, Select, and_, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records.base import Kind, plain

R = TypeVar("R")

PAGE_SIZE = 10
MAX_PAGE_SIZE = 100
_EXPORTED_AT_ONCE = 500


class Match(StrEnum):
    """How what was asked is compared with the column."""

    EQUAL = "equal"
    PREFIX = "prefix"
    CONTAINS = "contains"
    FROM = "from"
    BEFORE = "before"


@dataclass(frozen=True, slots=True)
class Filter:
    column: Column[Any]
    match: Match = Match.EQUAL


@dataclass(frozen=True, slots=True)
class ListSpec(Generic[R]):
    """``key`` is unique; ``sorts`` by name, the first of them is the default. Every one of them must have an index that
    begins with the columns of the scope."""

    kind: Kind[R]
    key: Column[str]
    filters: Mapping[str, Filter]
    sorts: Mapping[str, Column[Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """``values`` by name of the filter; None does not limit. Pages begin with 1."""

    values: Mapping[str, Any] = field(default_factory=dict)
    sort: str | None = None
    descending: bool = True
    page: int = 1
    size: int = PAGE_SIZE


@dataclass(frozen=True, slots=True)
class Listed(Generic[R]):
    """``page`` is the one shown: the last there is when one behind it was asked for."""

    items: tuple[R, ...]
    total: int
    page: int
    size: int


Scope = Sequence[ColumnElement[bool]]


async def find(connection: AsyncConnection, spec: ListSpec[R], scope: Scope, asked: Asked) -> Listed[R]:
    """``scope``: what the asker may see at all."""
    where = and_(true(), *scope, *conditions(spec, asked.values))
    table, size = spec.kind.table, max(1, min(asked.size, MAX_PAGE_SIZE))
    counting = select(func.count()).select_from(table).where(where)
    total = int((await connection.execute(counting)).scalar_one())
    page = max(1, min(asked.page, -(-total // size)))
    if total == 0:
        return Listed((), 0, 1, size)
    keys = _ordered(select(spec.key).where(where), spec, asked).limit(size).offset((page - 1) * size)
    query = _ordered(select(table).where(spec.key.in_(keys)), spec, asked)
    rows = (await connection.execute(query)).all()
    return Listed(tuple(spec.kind.of_row(row) for row in rows), total, page, size)


async def everything(
    connection: AsyncConnection, spec: ListSpec[R], scope: Scope, asked: Asked, limit: int
) -> AsyncIterator[R]:
    """For an export: what the list shows over all its pages, in its order, ``limit`` at most."""
    where = and_(true(), *scope, *conditions(spec, asked.values))
    for offset in range(0, limit, _EXPORTED_AT_ONCE):
        size = min(_EXPORTED_AT_ONCE, limit - offset)
        keys = _ordered(select(spec.key).where(where), spec, asked).limit(size).offset(offset)
        query = _ordered(select(spec.kind.table).where(spec.key.in_(keys)), spec, asked)
        rows = (await connection.execute(query)).all()
        for row in rows:
            yield spec.kind.of_row(row)
        if len(rows) < size:
            return


def conditions(spec: ListSpec[Any], values: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """Of what was asked for. Raises KeyError for a filter the list does not have."""
    made = []
    for name, value in values.items():
        if value is None or value == "":
            continue
        made.append(_condition(spec.filters[name], plain(value)))
    return made


def _condition(wanted: Filter, value: Any) -> ColumnElement[bool]:
    column = wanted.column
    match wanted.match:
        case Match.EQUAL:
            return column.in_(value) if isinstance(value, list) else column == value
        case Match.PREFIX:
            return _begins_with(column, value)
        case Match.CONTAINS:
            return column.icontains(value, autoescape=True)
        case Match.FROM:
            later: ColumnElement[bool] = column >= value
            return later
        case Match.BEFORE:
            earlier: ColumnElement[bool] = column < value
            return earlier


def _begins_with(column: Column[Any], text: str) -> ColumnElement[bool]:
    """Of numbers made of digits and capitals: a range, which an index serves under every collation."""
    prefix = text.upper()
    if not (prefix.isascii() and prefix.isalnum()):
        return column == text
    head = prefix.rstrip("Z")
    if not head:
        return column >= prefix
    following = "A" if head[-1] == "9" else chr(ord(head[-1]) + 1)
    return and_(column >= prefix, column < head[:-1] + following)


def _ordered(query: Select[Any], spec: ListSpec[Any], asked: Asked) -> Select[Any]:
    chosen = asked.sort if asked.sort is not None and asked.sort in spec.sorts else next(iter(spec.sorts))
    columns = (spec.sorts[chosen], spec.key)
    return query.order_by(*(column.desc() if asked.descending else column.asc() for column in columns))
