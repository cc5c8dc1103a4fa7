"""Keyset paging: a page says where the next one begins by the key of its last row, so new rows shift nothing."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Row, Select, tuple_

T = TypeVar("T")

MAX_LIMIT = 200
_MAX_CURSOR = 512


class CursorInvalid(ValueError):
    """The text is not a cursor of this list."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """``next_cursor`` None: there is nothing further."""

    items: tuple[T, ...]
    next_cursor: str | None


def encode_cursor(key: Sequence[str | int]) -> str:
    return (
        base64.urlsafe_b64encode(json.dumps(list(key), separators=(",", ":")).encode()).decode().rstrip("=")
    )


def decode_cursor(text: str, types: Sequence[type[str] | type[int]]) -> list[str | int]:
    """Raises CursorInvalid; clients may send anything."""
    try:
        if len(text) > _MAX_CURSOR:
            raise CursorInvalid
        key = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error) as error:
        raise CursorInvalid from error
    if not isinstance(key, list) or [type(part) for part in key] != list(types):
        raise CursorInvalid
    if any(isinstance(part, int) and abs(part) >= 2**63 for part in key):
        raise CursorInvalid
    return key


def newest_first(
    query: Select[Any], keys: Sequence[ColumnElement[Any]], cursor: str | None, limit: int
) -> tuple[Select[Any], int]:
    """``query`` limited to one page and one row more, which tells whether there is another page."""
    limit = max(1, min(limit, MAX_LIMIT))
    if cursor is not None:
        key = decode_cursor(cursor, [_python_type(column) for column in keys])
        query = query.where(tuple_(*keys) < tuple_(*key))
    return query.order_by(*(column.desc() for column in keys)).limit(limit + 1), limit


def to_page(
    rows: Sequence[Row[Any]], limit: int, make: Callable[[Row[Any]], T], keys: Sequence[ColumnElement[Any]]
) -> Page[T]:
    kept = rows[:limit]
    more = len(rows) > limit
    names = [column.key or "" for column in keys]
    return Page(
        tuple(make(row) for row in kept),
        encode_cursor([kept[-1]._mapping[name] for name in names]) if more else None,
    )


def _python_type(column: ColumnElement[Any]) -> type[str] | type[int]:
    return int if column.type.python_type is int else str
