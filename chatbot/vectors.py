"""Keeps vectors of texts that were embedded before, so that an edit costs its own vectors alone and a restart none."""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from threading import Lock

import numpy as np

from chatbot.embedding import Embedding, Vectors

_log = logging.getLogger(__name__)


_ASKED = 2_000
"""Queries remembered; 3 MB."""


class RememberingEmbedding:
    """An ``Embedding`` before another. Passages are kept by a digest of the text; of queries only the last ones.
    For one thread that builds; queries may come from any."""

    def __init__(self, inner: Embedding, path: Path | None) -> None:
        self._inner = inner
        self._path = path
        self._kept: dict[bytes, Vectors] = {}
        self._used: set[bytes] = set()
        self._made = 0
        self._asked: OrderedDict[str, Vectors] = OrderedDict()
        self._asking = Lock()
        self._kept.update(_packaged(inner.name))
        if path is not None:
            self._kept.update(_read(path, inner.name))

    @property
    def name(self) -> str:
        return self._inner.name

    def passages(self, texts: Sequence[str]) -> Vectors:
        return self._known(texts, b"p", self._inner.passages)

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self._one(texts[0]) if len(texts) == 1 else self._known(texts, b"q", self._inner.queries)

    def warm(self) -> None:
        self._inner.warm()

    def _one(self, text: str) -> Vectors:
        """A person asks. What many ask, and every question that is asked by a click, is embedded once."""
        with self._asking:
            known = self._asked.get(text)
            if known is not None:
                self._asked.move_to_end(text)
                return known
        made = self._inner.queries([text])
        with self._asking:
            self._asked[text] = made
            if len(self._asked) > _ASKED:
                self._asked.popitem(last=False)
        return made

    def _known(self, texts: Sequence[str], kind: bytes, embed: Callable[[Sequence[str]], Vectors]) -> Vectors:
        keys = [_key(text, kind) for text in texts]
        missing = [n for n, key in enumerate(keys) if key not in self._kept]
        if missing:
            self._made += len(missing)
            for n, vector in zip(missing, embed([texts[n] for n in missing]), strict=True):
                self._kept[keys[n]] = vector
        self._used.update(keys)
        return np.stack([self._kept[key] for key in keys]).astype(np.float32)

    def settle(self) -> None:
        """Forget what the last build did not use, and write the rest."""
        before = len(self._kept)
        self._kept = {key: self._kept[key] for key in self._used if key in self._kept}
        self._used = set()
        changed = self._made or len(self._kept) != before
        if changed:
            self.keep()

    def missing(self, texts: Sequence[str]) -> list[str]:
        """Those whose vectors as passages are not kept."""
        return [text for text in dict.fromkeys(texts) if _key(text, b"p") not in self._kept]

    def learn(self, texts: Sequence[str], vectors: Vectors) -> None:
        """Passages that were embedded elsewhere, by the same model."""
        self._kept.update(zip((_key(text, b"p") for text in texts), vectors, strict=True))
        self._made += len(texts)

    def keep(self) -> None:
        """Write all there is."""
        self._made = 0
        if self._path is None or not self._kept:
            return
        partial = self._path.with_suffix(f".{secrets.token_hex(4)}.tmp")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                np.savez(
                    file,
                    name=np.array(self.name),
                    keys=np.frombuffer(b"".join(self._kept), dtype=np.uint8),
                    vectors=np.stack(list(self._kept.values())).astype(np.float16),
                )
            os.replace(partial, self._path)
        except OSError:
            _log.warning("vectors could not be kept; they are made anew at the next start")
            partial.unlink(missing_ok=True)


def _key(text: str, kind: bytes) -> bytes:
    return hashlib.blake2b(kind + text.encode(), digest_size=16).digest()


def _packaged(name: str) -> dict[bytes, Vectors]:
    """Those of the demonstration base, so that a demonstration answers by meaning at once."""
    with resources.as_file(resources.files("chatbot") / "data" / "demo_vectors.npz") as path:
        return _read(path, name)


def _read(path: Path, name: str) -> dict[bytes, Vectors]:
    try:
        with np.load(path, allow_pickle=False) as kept:
            if str(kept["name"]) != name:
                return {}
            keys, vectors = kept["keys"].tobytes(), kept["vectors"].astype(np.float32)
            return {keys[16 * n : 16 * n + 16]: vectors[n] for n in range(len(vectors))}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return {}
