"""语音播报 by the server: answers read aloud, each made once and kept in memory while there is room."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib.util
import sys
from collections import OrderedDict
from collections.abc import Sequence

import structlog

from rtc_server.config import SpeechSettings
from signaling.errors import ErrorCode, Refused

SYNTHESIS_S = 45.0
_AT_ONCE = 2
_WAITING = 20
"""Texts to be made at the same time; what is more is refused, as a browser has the text anyway."""

log = structlog.get_logger("rtc_server.speech")


class VoiceService:
    """``await stop()`` at the end."""

    def __init__(self, settings: SpeechSettings, command: Sequence[str] | None = None) -> None:
        self.available = settings.voice and importlib.util.find_spec("espeakng_loader") is not None
        self._command = tuple(command or (sys.executable, "-m", "rtc_server.speech.voice_worker"))
        self._room = settings.voice_cache_megabytes * 1_000_000
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._making: dict[str, asyncio.Task[bytes]] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self.made = 0

    async def read_out(self, markdown: str) -> bytes:
        """MP3. Raises ``Refused``: ``voice_unavailable``."""
        from rtc_server.speech.reading import words_of

        text = words_of(markdown)
        if not self.available or not text:
            raise Refused(ErrorCode.VOICE_UNAVAILABLE)
        key = hashlib.sha256(text.encode()).hexdigest()
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept
        making = self._making.get(key)
        if making is None:
            if len(self._making) >= _WAITING:
                raise Refused(ErrorCode.VOICE_UNAVAILABLE, retry_after_ms=5_000)
            making = asyncio.create_task(self._make(key, text))
            self._making[key] = making
            making.add_done_callback(lambda _: self._making.pop(key, None))
        try:
            # Who asked may go away; others wait for the same.
            return await asyncio.shield(making)
        except (OSError, TimeoutError) as error:
            raise Refused(ErrorCode.VOICE_UNAVAILABLE) from error

    async def stop(self) -> None:
        tasks = list(self._making.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _make(self, key: str, text: str) -> bytes:
        async with self._turns:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
            try:
                async with asyncio.timeout(SYNTHESIS_S):
                    sound, _ = await process.communicate(text.encode())
            except (TimeoutError, asyncio.CancelledError):
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
                log.error("voice_hung")
                raise
        if process.returncode != 0 or not sound:
            log.error("voice_failed", code=process.returncode)
            raise OSError("no sound")
        self.made += 1
        self._keep(key, sound)
        return sound

    def _keep(self, key: str, sound: bytes) -> None:
        self._kept[key] = sound
        while sum(map(len, self._kept.values())) > self._room and len(self._kept) > 1:
            self._kept.popitem(last=False)
