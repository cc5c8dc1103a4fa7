"""BM25 over questions (all their phrasings and the answer) and over single phrasings of chosen questions.

Scores are shares of what a phrasing with every token of the query would get, so that they compare across queries: from 0
to about 1. Okapi BM25: Robertson, Zaragoza, "The Probabilistic Relevance Framework" (2009), section 3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int32]

_K1 = 1.2
_COMMON = 0.25
"""In a large base, tokens of more than this share of the documents find nobody and cost most of the time."""
_LARGE = 2_000


class LexicalIndex:
    """Documents by position. ``weights_of`` first, then ask with what it gave."""

    def __init__(self, documents: Sequence[Sequence[str]], *, b: float, postings: bool) -> None:
        counts = [Counter(tokens) for tokens in documents]
        self._vocabulary: dict[str, int] = {}
        for count in counts:
            for token in count:
                self._vocabulary.setdefault(token, len(self._vocabulary))
        lengths = np.array([sum(count.values()) for count in counts] or [0], dtype=np.float32)
        average = float(lengths.mean()) or 1.0
        self._offsets = np.zeros(len(counts) + 1, dtype=np.int64)
        np.cumsum([len(count) for count in counts], out=self._offsets[1:])
        total = int(self._offsets[-1])
        self._tokens = np.fromiter((self._vocabulary[t] for c in counts for t in c), np.int32, total)
        frequency = np.fromiter((n for c in counts for n in c.values()), np.float32, total)
        length = np.repeat(lengths[: len(counts)], np.diff(self._offsets))
        self._strength = (frequency * (_K1 + 1) / (frequency + _K1 * (1 - b + b * length / average))).astype(
            np.float32
        )
        size = len(self._vocabulary)
        self._n = len(counts)
        document_frequency = np.bincount(self._tokens, minlength=size)
        self._idf = np.log1p((self._n - document_frequency + 0.5) / (document_frequency + 0.5)).astype(
            np.float32
        )
        self._idf_unknown = float(np.log1p((self._n + 0.5) / 0.5))
        self._common = document_frequency > (_COMMON * self._n if self._n > _LARGE else self._n)
        if postings:
            order = np.argsort(self._tokens, kind="stable")
            owner = np.repeat(np.arange(self._n, dtype=np.int32), np.diff(self._offsets))
            self._posted = owner[order]
            self._posted_strength = self._strength[order]
            self._starts = np.zeros(size + 1, dtype=np.int64)
            np.cumsum(document_frequency, out=self._starts[1:])

    def weights_of(self, tokens: Sequence[str]) -> tuple[Indices, Scores]:
        """The known tokens of a query and the weight of each; the weights of all tokens together are 1."""
        distinct = set(tokens)
        known = sorted(self._vocabulary[token] for token in distinct if token in self._vocabulary)
        ids = np.array(known, dtype=np.int32)
        weights = self._idf[ids]
        total = float(weights.sum()) + self._idf_unknown * (len(distinct) - len(known))
        return ids, (weights / total if total else weights).astype(np.float32)

    def all(self, ids: Indices, weights: Scores) -> Scores:
        """Of every document, by postings."""
        scores = np.zeros(self._n, dtype=np.float32)
        for token, weight in zip(ids, weights, strict=True):
            if not self._common[token]:
                part = slice(self._starts[token], self._starts[token + 1])
                scores[self._posted[part]] += weight * self._posted_strength[part]
        return scores

    def some(self, ids: Indices, weights: Scores, documents: npt.NDArray[np.int64]) -> Scores:
        """Of the documents at these positions, in their order."""
        if not len(documents):
            return np.zeros(0, dtype=np.float32)
        weight = np.zeros(len(self._vocabulary), dtype=np.float32)
        weight[ids] = weights
        sizes = self._offsets[documents + 1] - self._offsets[documents]
        places = ranges(self._offsets[documents], sizes)
        owner = np.repeat(np.arange(len(documents)), sizes)
        part = weight[self._tokens[places]] * self._strength[places]
        return np.bincount(owner, weights=part, minlength=len(documents)).astype(np.float32)

    @property
    def nbytes(self) -> int:
        arrays = [value for value in vars(self).values() if isinstance(value, np.ndarray)]
        return sum(array.nbytes for array in arrays)


def ranges(starts: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The numbers start … start+size-1 of each pair, one after the other."""
    total = int(sizes.sum())
    before = np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.arange(total, dtype=np.int64) - before + np.repeat(starts, sizes)
