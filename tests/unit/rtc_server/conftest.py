"""The HTTP application with everything real but the packet engine and Socket.IO, which it does not contain."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient

from rtc_server.app import http_app
from rtc_server.config import Settings
from rtc_server.health import Health
from rtc_server.identity.accounts import ACCOUNTS
from rtc_server.identity.tokens import TokenAuthenticator, TokenMinter, trusted_issuers
from rtc_server.metrics import Metrics

OWN_SECRET = "the server's own secret, in tests alone"

OpenClient = Callable[..., Awaitable[TestClient[Any, Any]]]


@pytest.fixture(autouse=True)
def no_operator_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of whoever runs the tests must not leak in."""
    import os

    for name in [name for name in os.environ if name.startswith("RTC_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def open_client(aiohttp_client: AiohttpClient, tmp_path: Path) -> OpenClient:
    """``await open_client(demo=True, …)``: settings are ``Settings`` fields."""

    async def open_it(health: Health | None = None, **settings: Any) -> TestClient[Any, Any]:
        defaults = {"demo": True, "data": tmp_path / "data", "client_dist": tmp_path / "dist"}
        chosen = Settings(**(defaults | settings))
        state = health or Health("engine 1.2.3", dict, lambda: {"ok": None, "state": "off"})
        tokens = TokenAuthenticator(trusted_issuers(chosen, OWN_SECRET))
        app = http_app(chosen, tokens, state, Metrics(), TokenMinter(OWN_SECRET))
        app.on_cleanup.append(lambda _: tokens.close())
        return await aiohttp_client(app)

    return open_it


@pytest.fixture
def token_of() -> Callable[[str], str]:
    """A demo account's token."""
    return lambda account: TokenMinter(OWN_SECRET).mint(ACCOUNTS[account], 3600)
