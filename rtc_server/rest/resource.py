"""Entries of the REST interface as one table each module fills: who may, what goes in, what comes out.

From the table come the routes, the checks before a handler runs, and the OpenAPI document (``GET /api/openapi.json``).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from rtc_server import VERSION
from rtc_server.identity.policy import Permission, may
from rtc_server.rest.service import SERVICE_DESK, ServiceDesk
from rtc_server.rest.session import AUTHENTICATOR, current, same_origin_only
from signaling.errors import BadInput, ErrorCode, Refused
from signaling.rooms.ports import Person

M = TypeVar("M", bound=BaseModel)
V = TypeVar("V")

_BEARER = "Bearer "
_IDENTIFIER = re.compile(r"^[A-Za-z0-9_.:-]{1,64}$")

_PRINTABLE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$"),
]
Prose = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000, pattern=_PRINTABLE)
]
Words = Annotated[str, StringConstraints(max_length=100, pattern=_PRINTABLE)]
Cursor = Annotated[str, StringConstraints(max_length=512, pattern=r"^[A-Za-z0-9_-]*$")]


class Body(BaseModel):
    """JSON that comes in: unknown fields are refused, nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Query(BaseModel):
    """The part of an address behind the question mark: everything is text there."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class View(BaseModel):
    """JSON that goes out."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True, slots=True)
class Call:
    """One request that may proceed: the person may, and what came in can be read."""

    request: web.Request
    person: Person
    desk: ServiceDesk
    _body: BaseModel | None = None
    _query: BaseModel | None = None

    def id(self, name: str) -> str:
        """Of the path. Raises ``Refused`` with ``not_found`` for what can be no id."""
        value = self.request.match_info[name]
        if not _IDENTIFIER.match(value):
            raise Refused(ErrorCode.NOT_FOUND)
        return value

    def body(self, kind: type[M]) -> M:
        if not isinstance(self._body, kind):
            raise TypeError(f"the entry declares no {kind.__name__}")
        return self._body

    def query(self, kind: type[M]) -> M:
        if not isinstance(self._query, kind):
            raise TypeError(f"the entry declares no {kind.__name__}")
        return self._query


Handler = Callable[[Call], Awaitable[BaseModel | web.StreamResponse | None]]


@dataclass(frozen=True, slots=True)
class Entry:
    """``answer`` None: 204, or a response of the handler's own. ``permission`` None: a signed link instead of a person."""

    method: str
    path: str
    permission: Permission
    handler: Handler
    summary: str
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    status: int = 200


@dataclass(slots=True)
class Resources:
    """The table."""

    entries: list[Entry] = field(default_factory=list)

    def add(self, entries: Iterable[Entry]) -> None:
        self.entries.extend(entries)

    def add_routes(self, app: web.Application) -> None:
        for entry in self.entries:
            app.router.add_route(entry.method, entry.path, _route(entry))


def required(value: V | None) -> V:
    """Raises ``Refused`` with ``record_not_found`` for what is not there."""
    if value is None:
        raise Refused(ErrorCode.RECORD_NOT_FOUND)
    return value


async def caller(request: web.Request) -> Person:
    """By the token of the window, or by the session of our own pages. Raises ``IdentityError`` and ``Refused``."""
    given = request.headers.get("Authorization")
    if given is not None and given.startswith(_BEARER):
        return await request.app[AUTHENTICATOR].authenticate(given.removeprefix(_BEARER).strip())
    same_origin_only(request)
    return (await current(request))[1]


def json_response(view: BaseModel, status: int = 200) -> web.Response:
    return web.Response(
        text=view.model_dump_json(),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _route(entry: Entry) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        person = await caller(request)
        if not may(person.role, entry.permission):
            raise Refused(ErrorCode.NOT_ALLOWED)
        call = Call(
            request,
            person,
            request.app[SERVICE_DESK],
            await _read_body(request, entry),
            _read_query(request, entry),
        )
        answer = await entry.handler(call)
        if isinstance(answer, web.StreamResponse):
            return answer
        if answer is None:
            return web.Response(status=204, headers={"Cache-Control": "no-store"})
        return json_response(answer, entry.status)

    return handle


async def _read_body(request: web.Request, entry: Entry) -> BaseModel | None:
    if entry.body is None:
        return None
    if request.content_type != "application/json":
        raise BadInput(ErrorCode.BAD_MESSAGE)
    try:
        return entry.body.model_validate_json(await request.read())
    except ValidationError as error:
        raise BadInput(ErrorCode.BAD_MESSAGE) from error


def _read_query(request: web.Request, entry: Entry) -> BaseModel | None:
    if entry.query is None:
        return None
    values = dict(request.query)
    if len(values) != len(request.query):
        raise BadInput(ErrorCode.BAD_MESSAGE)
    try:
        return entry.query.model_validate(values)
    except ValidationError as error:
        raise BadInput(ErrorCode.BAD_MESSAGE) from error


def openapi(entries: Iterable[Entry]) -> dict[str, Any]:
    """OpenAPI 3.1 of the table."""
    paths: dict[str, dict[str, Any]] = {}
    for entry in entries:
        parameters = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"{(\w+)}", entry.path)
        ]
        if entry.query is not None:
            schema = entry.query.model_json_schema()
            parameters += [
                {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": part}
                for name, part in schema.get("properties", {}).items()
            ]
        operation: dict[str, Any] = {
            "summary": entry.summary,
            "security": [{"token": []}, {"session": []}],
            "parameters": parameters,
            "responses": {
                str(entry.status if entry.answer else 204): {"description": "done"}
                | ({"content": _json(entry.answer)} if entry.answer else {}),
                "4XX": {
                    "description": "refused, with a stable code: {error: {code, message, retry_after_ms}}"
                },
            },
        }
        if entry.body is not None:
            operation["requestBody"] = {"required": True, "content": _json(entry.body)}
        paths.setdefault(entry.path, {})[entry.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "rtc-server", "version": VERSION},
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "session": {"type": "apiKey", "in": "cookie", "name": "rtc_session"},
            }
        },
    }


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": model.model_json_schema()}}


def openapi_route(resources: Resources) -> Callable[[web.Request], Awaitable[web.Response]]:
    @cache
    def text() -> str:
        return json.dumps(openapi(resources.entries), ensure_ascii=False)

    async def handle(_request: web.Request) -> web.Response:
        # Made when first asked for: it takes a tenth of the whole start.
        return web.Response(text=await asyncio.to_thread(text), content_type="application/json")

    return handle
