"""Scanning for viruses by clamd (INSTREAM of clamd(8)), where one is configured."""

from __future__ import annotations

import asyncio
from io import BytesIO
from pathlib import Path
from typing import Protocol

import structlog
from aioclamd import ClamdAsyncClient, ClamdError

from rtc_server.config import FileSettings
from signaling.errors import BadInput, DomainError, ErrorCode

_PIECE = 256 * 1024

log = structlog.get_logger(__name__)


class Scanner(Protocol):
    async def scan(self, path: Path) -> None:
        """Raises ``BadInput`` with ``file_infected``; ``DomainError`` with ``files_unavailable`` when nobody can tell."""


class NoScanner:
    async def scan(self, path: Path) -> None:
        return


class _Pieces(BytesIO):
    """The client asks for 1 KB at a time, each through a thread; larger pieces are as good to clamd."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(_PIECE if size is not None and size > 0 else size)


class ClamdScanner:
    """``StreamMaxLength`` of clamd must be at least the largest file taken (25 MB by default)."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        self._client = ClamdAsyncClient(host, port, timeout=timeout_s)

    async def scan(self, path: Path) -> None:
        content = await asyncio.to_thread(path.read_bytes)
        try:
            answer = await self._client.instream(_Pieces(content))
        except (ClamdError, OSError) as error:
            # A file nobody has looked at is not passed on.
            log.error("clamd_unavailable", error=type(error).__name__)
            raise DomainError(ErrorCode.FILES_UNAVAILABLE) from error
        statuses = [status for status, _ in (answer or {}).values()]
        if "FOUND" in statuses:
            log.warning("file_infected")
            raise BadInput(ErrorCode.FILE_INFECTED)
        if statuses != ["OK"]:
            raise DomainError(ErrorCode.FILES_UNAVAILABLE)


def scanner_of(settings: FileSettings) -> Scanner:
    if settings.clamd_host is None:
        return NoScanner()
    return ClamdScanner(settings.clamd_host, settings.clamd_port, settings.clamd_timeout_s)
