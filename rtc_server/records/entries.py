"""Records as payloads of the journal: one line of JSON with the kind and its values."""

from __future__ import annotations

import json
from typing import Any

from rtc_server.records.base import Kind
from rtc_server.records.schema import JOURNALED

_ENCODER = json.JSONEncoder(separators=(",", ":"), check_circular=False)
_BY_TYPE: dict[type[Any], Kind[Any]] = {kind.record: kind for kind in JOURNALED.values()}


class EntryInvalid(ValueError):
    """Not a record of this version."""


def encode(record: object) -> bytes:
    """Raises KeyError for an object that is no journaled record."""
    kind = _BY_TYPE[type(record)]
    # ASCII: no line feed in it, and a half character in it after damage is still found by the CRC alone.
    return _ENCODER.encode([kind.name, kind.row(record)]).encode()


def decode(payload: bytes) -> tuple[Kind[Any], dict[str, Any]]:
    """The kind and the row. Raises EntryInvalid."""
    try:
        name, values = json.loads(payload)
        kind = JOURNALED[name]
        return kind, kind.row(kind.of(values))
    except (ValueError, KeyError, TypeError) as error:
        raise EntryInvalid(type(error).__name__) from error
