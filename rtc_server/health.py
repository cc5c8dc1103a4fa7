"""Whether the server is well, for load balancers and people."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aiohttp import web

from rtc_server import VERSION
from rtc_server.config import Settings
from rtc_server.metrics import Metrics
from rtc_server.rest.context import SETTINGS, is_loopback
from rtc_server.rest.errors import Handler
from signaling.errors import DomainError, ErrorCode, Refused


class Status(StrEnum):
    OK = "ok"
    DEGRADED = "degraded"
    """Serves, with something missing: without a relay some networks cannot reach the media ports."""
    UNHEALTHY = "unhealthy"
    DRAINING = "draining"


@dataclass
class Health:
    """Asks its parts when it is asked. ``engine`` raises when the engine does not answer; ``relay`` tells its state
    and has ``ok``: true, false, or None where no relay is wanted; ``records`` has ``ok`` false while the database is
    away and the journal keeps everything."""

    engine_version: str
    engine: Callable[[], Mapping[str, Any]]
    relay: Callable[[], Mapping[str, Any]]
    records: Callable[[], Mapping[str, Any]] = dict
    clock: Callable[[], float] = time.monotonic
    draining: bool = False
    _started: float = field(init=False)

    def __post_init__(self) -> None:
        self._started = self.clock()

    def report(self) -> tuple[Status, dict[str, Any]]:
        """The status and the body of ``/healthz``."""
        try:
            self.engine()
            engine_state = "running"
        except Exception as error:  # whatever the reason: the report must say it, not fail itself
            engine_state = f"failed: {type(error).__name__}"
        relay = dict(self.relay())
        records = dict(self.records())
        status = self._status(engine_state, relay, records)
        return status, {
            "status": status.value,
            "version": VERSION,
            "uptime_s": round(self.clock() - self._started, 1),
            "engine": {"version": self.engine_version, "state": engine_state},
            "turn": relay,
            "records": records,
        }

    def _status(self, engine_state: str, relay: Mapping[str, Any], records: Mapping[str, Any]) -> Status:
        if self.draining:
            return Status.DRAINING
        if engine_state != "running":
            return Status.UNHEALTHY
        missing = relay.get("ok") is False or records.get("ok") is False
        return Status.DEGRADED if missing else Status.OK


_STILL_SERVED = (
    "/healthz",
    "/metrics",
    "/socket.io/",
    "/assets/",
    "/api/whip/sessions/",
    "/api/whep/sessions/",
)
"""While draining: whoever is in a call keeps what the page needs."""
HEALTH = web.AppKey("health", Health)
METRICS = web.AppKey("metrics", Metrics)


@web.middleware
async def refuse_while_draining(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Raises ``DomainError`` with ``server_stopping``: nobody begins anything here any more."""
    if request.app[HEALTH].draining and not request.path.startswith(_STILL_SERVED):
        raise DomainError(ErrorCode.SERVER_STOPPING)
    return await handler(request)


async def _healthz(request: web.Request) -> web.Response:
    status, body = request.app[HEALTH].report()
    serving = status in {Status.OK, Status.DEGRADED}
    return web.json_response(body, status=200 if serving else 503, headers={"Cache-Control": "no-store"})


async def _metrics(request: web.Request) -> web.Response:
    if not _may_scrape(request):
        raise Refused(ErrorCode.NOT_ALLOWED)
    return web.Response(
        body=request.app[METRICS].exposition(),
        headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8", "Cache-Control": "no-store"},
    )


def _may_scrape(request: web.Request) -> bool:
    settings: Settings = request.app[SETTINGS]
    if settings.metrics_token is None:
        return is_loopback(request)
    given = request.headers.get("Authorization", "")
    expected = f"Bearer {settings.metrics_token.get_secret_value()}"
    return hmac.compare_digest(given.encode(), expected.encode()) or is_loopback(request)


def add_routes(app: web.Application, health: Health, metrics: Metrics) -> None:
    app[HEALTH] = health
    app[METRICS] = metrics
    app.router.add_get("/healthz", _healthz)
    app.router.add_get("/metrics", _metrics)
