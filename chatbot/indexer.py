"""Builds indices in a thread of its own. Queries go on with the last one; the newest base wins.

What an index is made of is imported by that thread, so that a server listens before it knows what 悦悦 knows.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from chatbot.knowledge import KnowledgeBase

if TYPE_CHECKING:
    from chatbot.embedding import Embedding
    from chatbot.index import Index
    from chatbot.suggest import Suggester
    from chatbot.vectors import RememberingEmbedding

_log = logging.getLogger(__name__)


class _Overtaken(Exception):
    """Nobody waits for this index any more."""


class IndexPhase(StrEnum):
    IDLE = "idle"
    BUILDING = "building"
    FAILED = "failed"
    """The last build; what was there before still answers."""


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """``version`` is the base that answers now, ``wanted`` the newest one. ``done`` of ``total`` texts are embedded."""

    phase: IndexPhase
    version: int
    wanted: int
    done: int
    total: int
    with_vectors: bool


@dataclass(frozen=True)
class Ready:
    """What answers: both were made from one base."""

    index: Index
    suggester: Suggester


class Indexer:
    """``start()``; ``offer(base)`` whenever there is a newer one; ``ready`` is read at any time from any
    thread; ``close()`` at the end.

    The first index of a base is of words alone and there at once; the one with vectors follows.
    """

    def __init__(
        self, *, vectors: Path | None = None, load_embedding: Callable[[], Embedding | None] | None = None
    ) -> None:
        self._load = load_embedding
        self._vectors = vectors
        self._ready: Ready | None = None
        self._answering = threading.Event()
        self._embedding: RememberingEmbedding | None = None
        self._condition = threading.Condition()
        self._wanted: KnowledgeBase | None = None
        self._newest = 0
        self._closed = False
        self._phase = IndexPhase.IDLE
        self._done = self._total = 0
        self._thread = threading.Thread(target=self._run, name="assistant-index", daemon=True)
        self._started = False

    @property
    def ready(self) -> Ready:
        if self._ready is None:
            self._ready = _of_words(KnowledgeBase())
        return self._ready

    @property
    def answering(self) -> bool:
        """Whether any base was indexed yet: before that, nothing found says nothing."""
        return self._answering.is_set()

    def await_first(self, timeout_s: float) -> bool:
        """Blocks until ``answering``; its value."""
        return self._answering.wait(timeout_s)

    @property
    def status(self) -> IndexStatus:
        index = self._ready.index if self._ready is not None else None
        version, with_vectors = (index.base.version, index.has_vectors) if index is not None else (0, False)
        return IndexStatus(self._phase, version, self._newest, self._done, self._total, with_vectors)

    def offer(self, base: KnowledgeBase) -> None:
        with self._condition:
            self._wanted, self._newest = base, base.version
            self._phase = IndexPhase.BUILDING
            self._condition.notify_all()

    def start(self) -> None:
        """Begin with what was offered, and whatever will be."""
        if not self._started:
            self._started = True
            self._thread.start()

    def warm(self) -> None:
        """Load what the first question needs, so that nobody waits for it. From any thread, as often as one likes."""
        embedding = self._embedding
        if embedding is None:
            return
        try:
            embedding.warm()
        except (OSError, RuntimeError) as error:
            _log.error("sentence vectors not loaded", extra={"reason": str(error)[:200]})

    def settled(self, timeout_s: float) -> bool:
        """Wait until nothing is to be built. For tests and the benchmark."""
        with self._condition:
            return self._condition.wait_for(
                lambda: self._wanted is None and self._phase is not IndexPhase.BUILDING, timeout_s
            )

    def close(self) -> None:
        with self._condition:
            self._closed, self._wanted = True, None
            self._condition.notify_all()
        if self._started:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._wanted is not None or self._closed)
                if self._closed:
                    return
                base, self._wanted = self._wanted, None
            assert base is not None
            phase = IndexPhase.IDLE
            try:
                self._build(base)
            except _Overtaken:
                phase = IndexPhase.BUILDING
            except Exception as error:  # the thread must outlive a base it cannot index
                phase = IndexPhase.FAILED
                _log.error(
                    "index not built", extra={"error_type": type(error).__name__, "version": base.version}
                )
            with self._condition:
                if self._wanted is None:
                    self._phase = phase
                self._condition.notify_all()

    def _build(self, base: KnowledgeBase) -> None:
        from chatbot.index import Index
        from chatbot.vectors import RememberingEmbedding

        began = time.monotonic()
        ready = _of_words(base)
        if self._ready is None or not self._ready.index.has_vectors:
            self._ready = ready
            self._answering.set()
        if self._embedding is None:
            embedding = (self._load or _packaged)()
            if embedding is not None:
                self._embedding = RememberingEmbedding(embedding, self._vectors)
        if self._embedding is not None:
            ready = Ready(Index.build(base, self._embedding, self._progress), ready.suggester)
            self._embedding.settle()
        self._ready = ready
        _log.info(
            "index built",
            extra={
                "version": base.version,
                "questions": len(base.questions),
                "vectors": ready.index.has_vectors,
                "seconds": round(time.monotonic() - began, 1),
            },
        )

    def _progress(self, done: int, total: int) -> None:
        self._done, self._total = done, total
        if self._closed or self._wanted is not None:
            raise _Overtaken


def _of_words(base: KnowledgeBase) -> Ready:
    from chatbot.index import Index
    from chatbot.suggest import Suggester

    return Ready(Index.build(base, None), Suggester(base))


def _packaged() -> Embedding | None:
    from chatbot.embedding import load

    return load()
