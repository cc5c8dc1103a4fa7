"""Who may dictate now: one stream a person, a few at once, and whether there is a model at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

import structlog

from chatbot.knowledge import KnowledgeBase
from rtc_server.config import SpeechSettings
from rtc_server.speech.dictation import Partial
from rtc_server.speech.listening import Listening
from rtc_server.speech.recogniser import Recogniser, fault_of
from signaling.errors import ErrorCode, Refused

BUSY_RETRY_MS = 10_000

log = structlog.get_logger("rtc_server.speech")


class Recognition(StrEnum):
    READY = "ready"
    NOT_CONFIGURED = "not_configured"
    UNAVAILABLE = "unavailable"
    """The model is not there or its process fails again and again."""


class SpeechService:
    """``await stop()`` at the end."""

    def __init__(
        self,
        settings: SpeechSettings,
        knowledge: Callable[[], KnowledgeBase],
        *,
        recogniser: Recogniser | None = None,
    ) -> None:
        self.settings = settings
        self._knowledge = knowledge
        self._speaking: set[str] = set()
        self._fault: str | None = None
        self._prompt: tuple[KnowledgeBase, str] | None = None
        self._recogniser = recogniser
        if recogniser is None and settings.model is not None:
            self._fault = fault_of(settings.model)
            if self._fault is not None:
                log.error("speech_model_unusable", reason=self._fault)
            else:
                self._recogniser = Recogniser.of_model(settings.model, settings.threads, settings.nice)

    @property
    def recognition(self) -> Recognition:
        if self._recogniser is None:
            return Recognition.NOT_CONFIGURED if self._fault is None else Recognition.UNAVAILABLE
        return Recognition.READY if self._recogniser.works else Recognition.UNAVAILABLE

    @property
    def speaking(self) -> int:
        return len(self._speaking)

    @contextmanager
    def listen(self, person_id: str, tell: Callable[[Partial], Awaitable[None]]) -> Iterator[Listening]:
        """Raises ``Refused``: ``speech_not_configured``, ``speech_unavailable``, ``speech_busy``."""
        recogniser = self._recogniser
        if recogniser is None or not recogniser.works:
            known = recogniser is None and self._fault is None
            raise Refused(ErrorCode.SPEECH_NOT_CONFIGURED if known else ErrorCode.SPEECH_UNAVAILABLE)
        if person_id in self._speaking or len(self._speaking) >= self.settings.streams:
            raise Refused(ErrorCode.SPEECH_BUSY, retry_after_ms=BUSY_RETRY_MS)
        self._speaking.add(person_id)
        try:
            recogniser.expect()
            yield Listening(recogniser, self._prompt_now(), self.settings.max_seconds, tell)
        finally:
            self._speaking.discard(person_id)

    async def stop(self) -> None:
        if self._recogniser is not None:
            await self._recogniser.stop()

    def _prompt_now(self) -> str:
        from rtc_server.speech.prompt import prompt_of

        base = self._knowledge()
        if self._prompt is None or self._prompt[0] is not base:
            self._prompt = (base, prompt_of(base, self.settings.words))
        return self._prompt[1]
