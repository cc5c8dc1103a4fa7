"""Lists as a person pages through them: filters, single and combined, one column that sorts, a total, any page.

Keyset paging (``paging``) is for lists one reads on in; here one jumps. The rows of a page are found by their keys in an
index that begins with the scope, and only those rows are read, so that page 5 000 costs little more than page 1.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Generic, TypeVar

from sqlalchemy import Column, ColumnElement, Index, Row, Select, and_, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records.base import Kind, plain

R = TypeVar("R")

PAGE_SIZE = 10
MAX_PAGE_SIZE = 100
WORDS_WITHIN = 5_000
"""Words are looked for in so many of the newest rows that all other filters leave: no index serves them, and a scan of
everything would make everybody wait. Whoever looks for older ones narrows the period."""
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
    """``key`` is unique; ``sorts`` by name, the first of them is the default. ``list_index`` is for the scope and the sort."""

    kind: Kind[R]
    key: Column[str]
    filters: Mapping[str, Filter]
    sorts: Mapping[str, Column[Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """``values`` by name of the filter; None does not limit. Pages begin with 1. ``scans``: the scope asks what no index
    answers."""

    values: Mapping[str, Any] = field(default_factory=dict)
    sort: str | None = None
    descending: bool = True
    page: int = 1
    size: int = PAGE_SIZE
    scans: bool = False


@dataclass(frozen=True, slots=True)
class Listed(Generic[R]):
    """``page`` is the one shown: the last there is when one behind it was asked for.
    ``within``: words were looked for in so many rows at most; None: there were none to look for."""

    items: tuple[R, ...]
    total: int
    page: int
    size: int
    within: int | None = None


Scope = Sequence[ColumnElement[bool]]


async def find(connection: AsyncConnection, spec: ListSpec[R], scope: Scope, asked: Asked) -> Listed[R]:
    """``scope``: what the asker may see at all."""
    table, size = spec.kind.table, max(1, min(asked.size, MAX_PAGE_SIZE))
    where = _where(spec, scope, asked.values)
    within = WORDS_WITHIN if _words(spec, asked.values) else None
    if within is not None or asked.scans:
        return await _scan(connection, spec, where, replace(asked, size=size), within)
    counting = select(func.count()).select_from(table).where(where)
    total = int((await connection.execute(counting)).scalar_one())
    page = max(1, min(asked.page, -(-total // size)))
    if total == 0:
        return Listed((), 0, 1, size)
    keys = keys_query(spec, [where], replace(asked, page=page, size=size), total)
    query = _ordered(select(table).where(spec.key.in_(keys)), spec, asked)
    rows = (await connection.execute(query)).all()
    return Listed(tuple(spec.kind.of_row(row) for row in rows), total, page, size)


async def _scan(
    connection: AsyncConnection,
    spec: ListSpec[R],
    where: ColumnElement[bool],
    asked: Asked,
    within: int | None,
) -> Listed[R]:
    """Looking through the rows is what costs, so they are counted where they are found (``count(*) OVER ()``); only for a
    page behind the last they are looked through again."""
    total = func.count().over().label("total")
    page, found = asked.page, await _scanned(connection, spec, where, asked, total)
    if not found and page > 1:
        first = await _scanned(connection, spec, where, replace(asked, page=1), total)
        page = -(-first[0].total // asked.size) if first else 1
        found = await _scanned(connection, spec, where, replace(asked, page=page), total)
    keys = [row[0] for row in found]
    query = _ordered(select(spec.kind.table).where(spec.key.in_(keys)), spec, asked)
    rows = (await connection.execute(query)).all()
    items = tuple(spec.kind.of_row(row) for row in rows)
    return Listed(items, int(found[0].total) if found else 0, page, asked.size, within)


async def _scanned(
    connection: AsyncConnection,
    spec: ListSpec[Any],
    where: ColumnElement[bool],
    asked: Asked,
    total: ColumnElement[int],
) -> Sequence[Row[Any]]:
    chosen = select(spec.key).add_columns(total).where(where)
    page = _ordered(chosen, spec, asked).limit(asked.size).offset((asked.page - 1) * asked.size)
    rows: Sequence[Row[Any]] = (await connection.execute(page)).all()
    return rows


def keys_query(spec: ListSpec[Any], scope: Scope, asked: Asked, total: int) -> Select[Any]:
    """The keys of one page of ``total`` rows, in any order: pages behind the middle are counted from the end, so that the
    last costs what the first does."""
    offset = (asked.page - 1) * asked.size
    size = min(asked.size, total - offset)
    behind = total - offset - size
    if behind < offset:
        asked, offset = replace(asked, descending=not asked.descending), behind
    return _ordered(select(spec.key).where(*scope), spec, asked).limit(size).offset(offset)


async def everything(
    connection: AsyncConnection, spec: ListSpec[R], scope: Scope, asked: Asked, limit: int
) -> AsyncIterator[R]:
    """For an export: what the list shows over all its pages, in its order, ``limit`` at most."""
    where = _where(spec, scope, asked.values)
    for offset in range(0, limit, _EXPORTED_AT_ONCE):
        size = min(_EXPORTED_AT_ONCE, limit - offset)
        keys = _ordered(select(spec.key).where(where), spec, asked).limit(size).offset(offset)
        query = _ordered(select(spec.kind.table).where(spec.key.in_(keys)), spec, asked)
        rows = (await connection.execute(query)).all()
        for row in rows:
            yield spec.kind.of_row(row)
        if len(rows) < size:
            return


def list_index(table: str, scope: str, sort: str, key: str, *filters: str) -> Index:
    """The one index of a list: it has everything the list is counted, filtered and paged by, so that only the rows that are
    shown are read (an index-only scan)."""
    return Index(f"ix_{table}_list", scope, sort, key, *filters)


def _words(spec: ListSpec[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """What no index serves."""
    return {
        name: value for name, value in values.items() if value and spec.filters[name].match is Match.CONTAINS
    }


def _where(spec: ListSpec[Any], scope: Scope, values: Mapping[str, Any]) -> ColumnElement[bool]:
    words = _words(spec, values)
    plain_values = {name: value for name, value in values.items() if name not in words}
    indexed = and_(true(), *scope, *conditions(spec, plain_values))
    if not words:
        return indexed
    columns = {spec.filters[name].column for name in words}
    newest = _ordered(select(spec.key, *columns).where(indexed), spec, Asked()).limit(WORDS_WITHIN).subquery()
    # Looked for in the newest rows themselves: joined to the table by key, PostgreSQL reads the words of all rows first.
    found = [
        newest.c[spec.filters[name].column.name].icontains(word, autoescape=True)
        for name, word in words.items()
    ]
    return spec.key.in_(select(newest.c[spec.key.name]).where(*found))


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
