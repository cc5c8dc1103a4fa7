"""Lists over HTTP: what every list takes in its address, what it answers, and the declaration of one.

A module declares who sees which rows once. The pages, the sheet and the reading of one row all ask the same, so nobody
opens what their list would not show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, Protocol, TypeVar

from aiohttp import web
from pydantic import Field, StringConstraints
from sqlalchemy import Column, select

from rtc_server.records.lists import Asked, ListSpec, Scope, everything, find
from rtc_server.rest.audit import audit
from rtc_server.rest.centres import own_centre
from rtc_server.rest.resource import Call, Query, View
from rtc_server.rest.sheets import Sheet
from signaling.errors import ErrorCode, Refused

R = TypeVar("R")
V = TypeVar("V")

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

    def wanted(self) -> Mapping[str, Any]:
        """By the name of the filter of the list's ``ListSpec``; other names are for whoever declares the list."""
        return dict(self)

    def asked(self, spec: ListSpec[Any]) -> Asked:
        return Asked(
            values={name: value for name, value in self.wanted().items() if name in spec.filters},
            sort=self.sort,
            descending=self.order == "desc",
            page=self.page,
            size=int(self.size),
        )


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


class Visible(Protocol):
    """Which rows somebody sees: of those ``listed``, and by the id of ``one``."""

    def listed(self, call: Call) -> Scope: ...

    def one(self, call: Call) -> Scope: ...


@dataclass(frozen=True, slots=True)
class OwnedBy:
    """Rows of the person who asks for which ``also`` holds; ``owner`` is the column of their id."""

    owner: Column[Any]
    also: Scope = ()

    def listed(self, call: Call) -> Scope:
        return [self.owner == call.person.person_id, *self.also]

    one = listed


@dataclass(frozen=True, slots=True)
class OfCentre:
    """Rows of a centre the member of staff works for: one centre at a time in the list, which takes a ``StaffListQuery``,
    and any of theirs by its id."""

    centre: Column[Any]
    also: Scope = ()

    def listed(self, call: Call) -> Scope:
        return [self.centre == own_centre(call, call.query(StaffListQuery).centre_id), *self.also]

    def one(self, call: Call) -> Scope:
        mine = sorted(call.desk.organisation.centres_of(call.person.person_id))
        return [self.centre.in_(mine), *self.also]


def _asked_for(call: Call) -> ListQuery:
    return call.query(ListQuery)


@dataclass(frozen=True, slots=True)
class ListResource(Generic[R, V]):
    """``caught_up``: its rows go through the journal, which is waited for. ``query``: what is asked for, when it is not
    what stands in the address."""

    spec: ListSpec[R]
    view: Callable[[Call, R], V]
    visible: Visible
    sheet: Sheet[V] | None = None
    caught_up: bool = False
    query: Callable[[Call], ListQuery] = _asked_for

    async def page(self, call: Call) -> Listing[V]:
        asked, scope = self.query(call).asked(self.spec), self.visible.listed(call)
        async with call.desk.recording.read(caught_up=self.caught_up) as connection:
            found = await find(connection, self.spec, scope, asked)
        return Listing(
            items=[self.view(call, one) for one in found.items],
            total=found.total,
            page=found.page,
            size=found.size,
            within=found.within,
        )

    async def export(self, call: Call) -> web.Response:
        """All pages of the list as it is asked for, recorded in the audit log."""
        if self.sheet is None:
            raise TypeError(f"{self.spec.kind.name} has no sheet")
        asked, scope = self.query(call).asked(self.spec), self.visible.listed(call)
        async with call.desk.recording.read(caught_up=self.caught_up) as connection:
            rows = everything(connection, self.spec, scope, asked, MAX_EXPORTED)
            items = [self.view(call, one) async for one in rows]
        audit(call, f"export_{self.spec.kind.name}", None, f"{len(items)}")
        return await self.sheet.response(items)

    async def one(self, call: Call) -> R:
        """The row the address names by its key. Raises ``Refused`` for one that is not there or not for this person."""
        kind, key = self.spec.kind, self.spec.key
        query = select(kind.table).where(key == call.id(key.name), *self.visible.one(call))
        async with call.desk.recording.read(caught_up=self.caught_up) as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise Refused(ErrorCode.RECORD_NOT_FOUND)
        return kind.of_row(row)
