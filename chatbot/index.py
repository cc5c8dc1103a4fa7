"""The index of a knowledge base: built once, then only read, by any thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chatbot.embedding import Embedding, Vectors
from chatbot.knowledge import KnowledgeBase
from chatbot.lexical import LexicalIndex, ranges
from chatbot.semantic import Space, space_of
from chatbot.text import Tokeniser, plain, without_courtesies

_CANDIDATES = 80
_BATCH = 32
_QUERY_SAMPLE = 300
_SECOND = 0.5
"""What the second best phrasing of a question counts beside the best."""
_VECTOR, _WORDS, _ANSWER_VECTOR, _WHOLE_WORDS = 1.0, 0.55, 0.4, 0.6
"""Weights. Chosen on the development questions of the benchmark."""

Progress = Callable[[int, int], None]
"""Done, of how many."""


@dataclass(frozen=True, slots=True)
class Match:
    """``score`` orders; ``vector`` and ``words`` (0 to about 1) are what it came from. Both are needed to decide."""

    question_id: str
    score: float
    vector: float
    words: float


@dataclass(frozen=True, slots=True)
class Found:
    """``matches`` best first. ``foreign``: how near the query is to what is off the subject; 0 without vectors."""

    matches: tuple[Match, ...]
    foreign: float
    by_vectors: bool


@dataclass(frozen=True)
class _Words:
    whole: LexicalIndex
    """Everything of a question: phrasings, answer, keywords."""
    phrasings: LexicalIndex

    @property
    def nbytes(self) -> int:
        return self.whole.nbytes + self.phrasings.nbytes


@dataclass(frozen=True)
class _Semantic:
    space: Space
    centroids: Vectors
    phrasings: npt.NDArray[np.float16]
    answers: npt.NDArray[np.float16]
    foreign: Vectors


class Index:
    """Use ``Index.build``. ``base`` is what it was built from."""

    def __init__(
        self,
        base: KnowledgeBase,
        tokeniser: Tokeniser,
        offsets: npt.NDArray[np.int64],
        words: _Words,
        *,
        semantic: _Semantic | None,
        embedding: Embedding | None,
    ) -> None:
        self.base = base
        self.tokeniser = tokeniser
        self._offsets = offsets
        self._words = words
        self._semantic = semantic
        self._embedding = embedding if semantic is not None else None

    @classmethod
    def build(
        cls, base: KnowledgeBase, embedding: Embedding | None, progress: Progress = lambda done, of: None
    ) -> Index:
        """Raises what ``progress`` raises."""
        tokeniser = Tokeniser(base.synonyms)
        offsets = np.zeros(len(base.questions) + 1, dtype=np.int64)
        np.cumsum([len(one.phrasings) for one in base.questions], out=offsets[1:])
        tokens = [tokeniser.tokens(text) for one in base.questions for text in one.phrasings]
        answers = [tokeniser.tokens(" ".join((plain(one.answer), *one.keywords))) for one in base.questions]
        whole = [
            [token for part in tokens[offsets[n] : offsets[n + 1]] for token in part] + answers[n]
            for n in range(len(base.questions))
        ]
        words = _Words(
            LexicalIndex(whole, b=0.3, postings=True),
            LexicalIndex(tokens, b=0.5, postings=False),
        )
        semantic = None
        if embedding is not None and base.questions:
            semantic = _semantic(base, offsets, embedding, progress)
        return cls(base, tokeniser, offsets, words, semantic=semantic, embedding=embedding)

    @property
    def has_vectors(self) -> bool:
        return self._semantic is not None

    @property
    def nbytes(self) -> int:
        known = self._semantic
        vectors = (
            known.centroids.nbytes + known.phrasings.nbytes + known.answers.nbytes if known is not None else 0
        )
        return self._words.nbytes + vectors

    def search(self, text: str, limit: int = 10, allowed: Callable[[str], bool] | None = None) -> Found:
        """Best first. ``allowed`` says of a question's id whether it may be found."""
        if not self.base.questions:
            return Found((), 0.0, self.has_vectors)
        asked = without_courtesies(text)
        tokens = self.tokeniser.tokens(asked)
        whole = self._words.whole.all(*self._words.whole.weights_of(tokens))
        chosen = _top(whole, _CANDIDATES)
        query, foreign = None, 0.0
        if self._semantic is not None and (raw := self._vector(asked)) is not None:
            query = self._semantic.space.queries(raw)
            chosen = np.union1d(chosen, _top(self._semantic.centroids @ query, _CANDIDATES))
            if len(self._semantic.foreign):
                foreign = float((self._semantic.foreign @ query).max())
        if allowed is not None:
            ids = self.base.questions
            chosen = np.array([n for n in chosen if allowed(ids[n].question_id)], dtype=np.int64)
        matches = self._ranked(chosen, tokens, whole[chosen], query)[:limit] if len(chosen) else []
        return Found(tuple(matches), foreign, query is not None)

    def _vector(self, text: str) -> Vectors | None:
        """None: by words alone, also when the model fails, which ``Indexer.warm`` says."""
        if self._embedding is None:
            return None
        try:
            vector: Vectors = self._embedding.queries([text])[0]
            return vector
        except (OSError, RuntimeError):
            return None

    def _ranked(
        self,
        chosen: npt.NDArray[np.int64],
        tokens: Sequence[str],
        whole: npt.NDArray[np.float32],
        query: Vectors | None,
    ) -> list[Match]:
        sizes = self._offsets[chosen + 1] - self._offsets[chosen]
        places = ranges(self._offsets[chosen], sizes)
        phrasings = self._words.phrasings
        words, second_words = _best_two(phrasings.some(*phrasings.weights_of(tokens), places), sizes)
        score = _WORDS * (words + _SECOND * second_words) + _WHOLE_WORDS * whole
        vector = np.zeros(len(chosen), dtype=np.float32)
        if query is not None and self._semantic is not None:
            near = self._semantic.phrasings[places].astype(np.float32) @ query
            vector, second = _best_two(near, sizes)
            answers = self._semantic.answers[chosen].astype(np.float32) @ query
            score = score + _VECTOR * (vector + _SECOND * second) + _ANSWER_VECTOR * answers
        order = np.argsort(-score, kind="stable")
        return [
            Match(
                self.base.questions[chosen[n]].question_id, float(score[n]), float(vector[n]), float(words[n])
            )
            for n in order
        ]


def _semantic(
    base: KnowledgeBase, offsets: npt.NDArray[np.int64], embedding: Embedding, progress: Progress
) -> _Semantic:
    texts = [text for one in base.questions for text in one.phrasings]
    answers = [f"{one.title}。{plain(one.answer)}" for one in base.questions if one.answer]
    step = max(1, len(texts) // _QUERY_SAMPLE)
    sample = texts[::step][:_QUERY_SAMPLE]
    total, done = len(texts) + len(answers) + len(sample) + len(base.off_subject), 0

    def embed(kind: Callable[[Sequence[str]], Vectors], what: list[str]) -> Vectors:
        nonlocal done
        parts = []
        for start in range(0, len(what), _BATCH):
            parts.append(kind(what[start : start + _BATCH]))
            done += len(parts[-1])
            progress(done, total)
        return np.concatenate(parts) if parts else np.zeros((0, 1), dtype=np.float32)

    raw = embed(embedding.passages, texts)
    owners = np.repeat(np.arange(len(base.questions)), np.diff(offsets))
    space = space_of(raw, owners, embed(embedding.queries, sample))
    phrasings = space.passages(raw)
    centroids = np.zeros((len(base.questions), phrasings.shape[1]), dtype=np.float32)
    np.add.at(centroids, owners, phrasings)
    centroids /= np.linalg.norm(centroids, axis=1, keepdims=True) + 1e-9
    # A question without an answer of its own (documents alone) is compared by its phrasings in that place.
    answered = centroids.astype(np.float16)
    if answers:
        raw_answers = embed(embedding.passages, answers)
        answer_space = Space(raw_answers.mean(axis=0), space.query_centre, space.transform)
        places = [n for n, one in enumerate(base.questions) if one.answer]
        if len(answers) > 1:
            answered[places] = answer_space.passages(raw_answers).astype(np.float16)
    foreign = embed(embedding.passages, list(base.off_subject))
    return _Semantic(
        space,
        centroids,
        phrasings.astype(np.float16),
        answered,
        space.passages(foreign) if len(foreign) else np.zeros((0, phrasings.shape[1]), dtype=np.float32),
    )


def _top(scores: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
    if len(scores) <= count:
        return np.arange(len(scores), dtype=np.int64)
    return np.sort(np.argpartition(scores, -count)[-count:]).astype(np.int64)


def _best_two(
    values: npt.NDArray[np.float32], sizes: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The best and the second best value of each group; a group of one has its best twice."""
    starts = np.cumsum(sizes) - sizes
    best = np.maximum.reduceat(values, starts)
    group = np.repeat(np.arange(len(sizes)), sizes)
    first = np.full(len(sizes), len(values), dtype=np.int64)
    at_best = np.flatnonzero(values == best[group])
    np.minimum.at(first, group[at_best], at_best)
    rest = values.copy()
    rest[first] = -np.inf
    second = np.maximum.reduceat(rest, starts)
    return best, np.where(sizes > 1, second, best).astype(np.float32)
