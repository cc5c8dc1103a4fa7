"""All entries of the REST interface."""

from __future__ import annotations

from aiohttp import web

from rtc_server.rest import (
    administration,
    appointments,
    assistant,
    audit_log,
    centre,
    conversations,
    files,
    inbox,
    inquiries,
    knowledge,
    knowledge_exchange,
    knowledge_work,
    mediations,
    notices,
    recordings,
    replies,
    slots,
    speech,
    streams,
    voice,
    whip,
    work_orders,
)
from rtc_server.rest.resource import Resources, openapi_route
from rtc_server.rest.service import SERVICE_DESK, ServiceDesk


def resources() -> Resources:
    table = Resources()
    for part in (
        files,
        conversations,
        replies,
        recordings,
        mediations,
        streams,
        administration,
        audit_log,
        knowledge,
        knowledge_exchange,
        knowledge_work,
        assistant,
        voice,
        centre,
        slots,
        appointments,
        inquiries,
        inbox,
        notices,
        work_orders,
    ):
        table.add(part.ENTRIES)
    return table


def add_routes(app: web.Application, desk: ServiceDesk) -> None:
    app[SERVICE_DESK] = desk
    table = resources()
    table.add_routes(app)
    app.router.add_get(files.CONTENT_PATH, files.content)
    app.router.add_get(recordings.CONTENT_PATH, recordings.content)
    app.router.add_get(speech.PATH, speech.dictate)
    whip.add_routes(app)
    app.router.add_get("/api/openapi.json", openapi_route(table))
