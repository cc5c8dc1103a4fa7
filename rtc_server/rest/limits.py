"""Requests an address may make (RFC 6585 §4)."""

from __future__ import annotations

import time

import limits
from aiohttp import web
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from rtc_server.rest.context import SETTINGS, limit_key
from rtc_server.rest.errors import Handler
from signaling.errors import RateLimited

LIMITER = web.AppKey("limiter", MovingWindowRateLimiter)
SUGGESTIONS_PATH = "/api/assistant/suggestions"
_UNLIMITED = ("/healthz", "/metrics", "/socket.io/", "/assets/")
"""Health is asked by load balancers; the gateway has limits of its own; assets are cached by browsers."""


def new_limiter() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(MemoryStorage())


@web.middleware
async def rate_limit(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Raises ``RateLimited``."""
    if not request.path.startswith(_UNLIMITED):
        kind, rate = _rate(request)
        await count(request, rate, kind, limit_key(request))
    return await handler(request)


async def count(request: web.Request, rate: str, kind: str, key: str) -> None:
    """One more of this kind by this address or person. Raises ``RateLimited``."""
    limiter = request.app[LIMITER]
    item = limits.parse(rate)
    if not await limiter.hit(item, kind, key):
        window = await limiter.get_window_stats(item, kind, key)
        raise RateLimited(max(1, int((window.reset_time - time.time()) * 1000)))


def _rate(request: web.Request) -> tuple[str, str]:
    settings = request.app[SETTINGS].limits
    if request.method == "POST" and request.path in {"/api/session", "/sign-in"}:
        return "sign_in", settings.sign_in
    if request.path == SUGGESTIONS_PATH:
        return "suggestions", settings.suggestions
    if request.path.startswith("/api/"):
        return "api", settings.api
    return "pages", settings.pages
