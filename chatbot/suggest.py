"""Type-ahead: phrasings that hold what was typed so far, in order, as a whole or nearly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from chatbot.knowledge import KnowledgeBase
from chatbot.text import normalise

_CONSIDERED = 400
_ENOUGH_OF_PAIRS = 0.5


class Suggester:
    """An inverted index of characters and pairs of them. Built in a moment, also for large bases."""

    def __init__(self, base: KnowledgeBase) -> None:
        self._base = base
        self._texts: list[str] = []
        self._owners: list[int] = []
        self._titles: list[bool] = []
        found: dict[str, list[int]] = defaultdict(list)
        for number, question in enumerate(base.questions):
            for phrasing in question.phrasings:
                text = _letters(phrasing)
                for gram in _grams(text):
                    found[gram].append(len(self._texts))
                self._texts.append(text)
                self._titles.append(phrasing is question.title)
                self._owners.append(number)
        self._places: dict[str, npt.NDArray[np.int32]] = {
            gram: np.array(places, dtype=np.int32) for gram, places in found.items()
        }

    def suggest(
        self,
        typed: str,
        limit: int,
        allowed: Callable[[str], bool],
        weight: Callable[[str], float] = lambda _: 0.0,
    ) -> tuple[str, ...]:
        """Ids of questions. Titles that begin with it first, then titles that hold it, then aliases that do, since a title
        is what is shown; then what holds most of its pairs. Within each by ``weight`` (such as how often it is asked), then
        the shorter."""
        text = _letters(typed)
        if not text:
            return ()
        grams = {text} if len(text) == 1 else {text[n : n + 2] for n in range(len(text) - 1)}
        hits = np.zeros(len(self._texts), dtype=np.int16)
        for gram in grams:
            posted = self._places.get(gram)
            if posted is not None:
                hits[posted] += 1
        least = max(1, int(np.ceil(len(grams) * _ENOUGH_OF_PAIRS)))
        places = np.flatnonzero(hits >= least)
        if len(places) > _CONSIDERED:
            places = places[np.argsort(-hits[places], kind="stable")[:_CONSIDERED]]
        best: dict[str, tuple[float, ...]] = {}
        for place in places.tolist():
            phrasing = self._texts[place]
            question_id = self._base.questions[self._owners[place]].question_id
            if not allowed(question_id):
                continue
            at = phrasing.find(text)
            kind = 4 if at < 0 else (0 if at == 0 else 1) + 2 * (not self._titles[place])
            rank = (kind, -float(hits[place]), -weight(question_id), float(len(phrasing)))
            if question_id not in best or rank < best[question_id]:
                best[question_id] = rank
        return tuple(sorted(best, key=lambda one: (best[one], one))[:limit])


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, normalise(text)))


def _grams(text: str) -> set[str]:
    return set(text) | {text[n : n + 2] for n in range(len(text) - 1)}
