"""Public keys of an issuer, from its JWKS address (RFC 7517): cached, rotated, bounded in time, size and rate."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from rtc_server.config import Algorithm

MAX_BYTES = 256 * 1024
MAX_KEYS = 64
MIN_RSA_BITS = 2048
"""RFC 7518 §3.3."""

log = structlog.get_logger(__name__)


class KeysUnavailable(Exception):
    """There are no keys and none can be fetched now."""


@dataclass(frozen=True, slots=True)
class JwksTiming:
    """In seconds. ``fresh``: how long a fetched set is used without asking again. ``cooldown``: the least time
    between two fetches, so that tokens with invented key ids cannot make us hammer the issuer. ``stale``: how
    long a set lives on while the issuer cannot be reached."""

    fresh: float = 600.0
    cooldown: float = 30.0
    stale: float = 24 * 3600.0
    timeout: float = 5.0


class Jwks:
    """The keys behind one address, for one pinned algorithm."""

    def __init__(
        self,
        url: str,
        algorithm: Algorithm,
        http: Callable[[], aiohttp.ClientSession],
        *,
        timing: JwksTiming | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._algorithm = algorithm
        self._http = http
        self._timing = timing or JwksTiming()
        self._clock = clock
        self._keys: dict[str | None, PyJWK] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._fetching = asyncio.Lock()

    async def key(self, key_id: str | None) -> PyJWK | None:
        """The key of this id; with no id, the only key there is. None when the issuer has no such key.

        Raises ``KeysUnavailable``.
        """
        underway_and_needed = self._fetching.locked() and self._find(key_id) is None
        if underway_and_needed or self._wants_fetch(key_id):
            async with self._fetching:
                if self._wants_fetch(key_id):
                    await self._fetch()
        age = None if self._fetched_at is None else self._clock() - self._fetched_at
        if age is None or age > self._timing.stale:
            raise KeysUnavailable
        return self._find(key_id)

    def _find(self, key_id: str | None) -> PyJWK | None:
        if key_id is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(key_id)

    def _wants_fetch(self, key_id: str | None) -> bool:
        now = self._clock()
        if self._tried_at is not None and now - self._tried_at < self._timing.cooldown:
            return False
        if self._fetched_at is None or now - self._fetched_at >= self._timing.fresh:
            return True
        return self._find(key_id) is None

    async def _fetch(self) -> None:
        self._tried_at = self._clock()
        try:
            async with self._http().get(
                self._url,
                timeout=aiohttp.ClientTimeout(total=self._timing.timeout),
                allow_redirects=False,
                headers={"Accept": "application/jwk-set+json, application/json"},
            ) as response:
                if response.status != 200:
                    log.warning("jwks_refused", status=response.status)
                    return
                body = await _bounded(response.content)
            keys = self._parse(json.loads(body))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            log.warning("jwks_failed", reason=type(error).__name__)
            return
        self._keys = keys
        self._fetched_at = self._clock()
        log.info("jwks_loaded", keys=len(keys))

    def _parse(self, document: Any) -> dict[str | None, PyJWK]:
        entries = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(entries, list):
            raise ValueError("not a JWK set")
        keys: dict[str | None, PyJWK] = {}
        for entry in entries[:MAX_KEYS]:
            if isinstance(entry, dict) and (key := self._usable(entry)) is not None:
                keys[key.key_id] = key
        return keys

    def _usable(self, entry: dict[str, Any]) -> PyJWK | None:
        """A set may hold keys for other uses; they are passed over (RFC 7517 §5)."""
        if (
            entry.get("use", "sig") != "sig"
            or entry.get("alg", self._algorithm.value) != self._algorithm.value
        ):
            return None
        if entry.get("kty") == "oct":
            return None  # a shared secret has no business in a public set
        try:
            key = PyJWK(entry, algorithm=self._algorithm.value)
        except PyJWTError:
            return None
        if isinstance(key.key, RSAPublicKey) and key.key.key_size < MIN_RSA_BITS:
            return None
        return key


async def _bounded(stream: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    async for chunk in stream.iter_any():
        body += chunk
        if len(body) > MAX_BYTES:
            raise ValueError("key set too large")
    return bytes(body)
