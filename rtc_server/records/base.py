"""What every record kind has in common: its table, its frozen dataclass, and the way between them.

A record kind is written to the journal first and stored later, perhaps twice after a crash. So each row has a key of its
own, and there are only two ways to store one:

- append-only: the first row of a key stays (``ON CONFLICT DO NOTHING``);
- revisioned: the row is the whole state as of ``revision``, and only a higher revision replaces it.

Either way, storing the same record twice, or an older one after a newer one, changes nothing. Times are milliseconds since
the epoch, as in the rules of sessions. Text has no length in the tables: limits are checked where it comes in, and a
record that was acknowledged must never be refused for its length.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from sqlalchemy import MetaData, Row, Table

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

R = TypeVar("R")


@dataclass(frozen=True)
class Kind(Generic[R]):
    """``name`` is the table's name and the word in the journal."""

    table: Table
    record: type[R]
    revisioned: bool = False

    @property
    def name(self) -> str:
        return self.table.name

    def values(self, record: R) -> dict[str, Any]:
        """As they are, for the journal: ``of`` takes them back."""
        return {name: getattr(record, name) for name in _decoders(self.record)}

    def row(self, record: R) -> dict[str, Any]:
        """Plain values for the table."""
        return {name: plain(getattr(record, name)) for name in _decoders(self.record)}

    def of(self, values: Mapping[str, Any]) -> R:
        """What an older version of the program did not know has its default. Raises KeyError, TypeError or ValueError
        when ``values`` are not of this kind."""
        optional = _optional(self.record)
        return self.record(
            **{
                name: decode(values[name])
                for name, decode in _decoders(self.record).items()
                if name in values or name not in optional
            }
        )

    def of_row(self, row: Row[Any]) -> R:
        return self.of({str(name): value for name, value in row._mapping.items()})


def plain(value: object) -> Any:
    if isinstance(value, str):
        # PostgreSQL cannot store a NUL, and nobody can type it.
        return value.value if isinstance(value, StrEnum) else value.replace("\x00", "")
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return list(value)
    return value


def _same(value: Any) -> Any:
    return value


def _decoder(hint: Any) -> Callable[[Any], Any]:
    """How a plain value becomes what the dataclass says: enums, tuples and sets of strings; the rest as it is."""
    for each in (hint, *get_args(hint)):
        if isinstance(each, type) and issubclass(each, StrEnum):
            enum = each
            return lambda value: None if value is None else enum(value)
    if get_origin(hint) in (tuple, frozenset):
        return get_origin(hint)  # type: ignore[no-any-return]
    return _same


_OPTIONAL: dict[type[Any], frozenset[str]] = {}


def _optional(record: type[Any]) -> frozenset[str]:
    known = _OPTIONAL.get(record)
    if known is None:
        known = _OPTIONAL[record] = _with_default(record)
    return known


def _with_default(record: type[Any]) -> frozenset[str]:
    return frozenset(
        field.name
        for field in dataclasses.fields(record)
        if field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
    )


_DECODERS: dict[type[Any], dict[str, Callable[[Any], Any]]] = {}


def _decoders(record: type[Any]) -> dict[str, Callable[[Any], Any]]:
    known = _DECODERS.get(record)
    if known is None:
        hints = get_type_hints(record)
        known = {field.name: _decoder(hints[field.name]) for field in dataclasses.fields(record)}
        _DECODERS[record] = known
    return known


_CHUNK = 500


def chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """For ``IN``: databases limit the number of parameters."""
    for at in range(0, len(ids), _CHUNK):
        yield ids[at : at + _CHUNK]
