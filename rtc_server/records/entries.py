"""Records as payloads of the journal: one line of JSON with the kind and its values."""

from __future__ import annotations

from typing import Any

from pydantic_core import PydanticSerializationError, from_json, to_json

from rtc_server.records.base import Kind
from rtc_server.records.schema import JOURNALED

_BY_TYPE: dict[type[Any], Kind[Any]] = {kind.record: kind for kind in JOURNALED.values()}


class EntryInvalid(ValueError):
    """Not a record of this version."""


def encode(record: object) -> bytes:
    """UTF-8 without a line feed. Raises KeyError for an object that is no journaled record."""
    kind = _BY_TYPE[type(record)]
    values = kind.values(record)
    try:
        return to_json([kind.name, values])
    except PydanticSerializationError:
        # Half a surrogate pair, which no database takes either.
        return to_json([kind.name, {name: _whole(value) for name, value in values.items()}])


def decode(payload: bytes) -> tuple[Kind[Any], dict[str, Any]]:
    """The kind and the row. Raises EntryInvalid."""
    try:
        name, values = from_json(payload)
        kind = JOURNALED[name]
        return kind, kind.row(kind.of(values))
    except (ValueError, KeyError, TypeError) as error:
        raise EntryInvalid(type(error).__name__) from error


def _whole(value: Any) -> Any:
    return value.encode(errors="replace").decode() if isinstance(value, str) else value
