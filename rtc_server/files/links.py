"""Short-lived signed links to stored files: whoever holds one may fetch that file until it expires."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass

from signaling.errors import BadInput, ErrorCode, Refused

_BUCKET_S = 60
"""Links to one file within a minute are the same, so that a browser shows a picture from its cache."""


@dataclass(frozen=True, slots=True)
class Link:
    """``expires_at`` in seconds since the epoch."""

    path: str
    expires_at: int


class Links:
    def __init__(self, key: bytes, lifetime_s: int, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._lifetime_s = lifetime_s
        self._clock = clock

    def make(self, file_id: str) -> Link:
        now = int(self._clock())
        expires_at = now - now % _BUCKET_S + _BUCKET_S + self._lifetime_s
        path = (
            f"/api/files/{file_id}/content?expires={expires_at}&signature={self._sign(file_id, expires_at)}"
        )
        return Link(path, expires_at)

    def check(self, file_id: str, expires_at: int, signature: str) -> None:
        """Raises ``Refused`` with ``not_allowed`` or ``link_expired``."""
        try:
            good = hmac.compare_digest(self._sign(file_id, expires_at).encode(), signature.encode())
        except UnicodeEncodeError as error:
            raise BadInput(ErrorCode.BAD_MESSAGE) from error
        if not good:
            raise Refused(ErrorCode.NOT_ALLOWED)
        if self._clock() >= expires_at:
            raise Refused(ErrorCode.LINK_EXPIRED)

    def _sign(self, file_id: str, expires_at: int) -> str:
        return hmac.digest(self._key, f"{file_id}\n{expires_at}".encode(), "sha256").hex()
