"""Homophones: what recognition wrote with the wrong characters, written with the words of the knowledge.

Recognition hears the sound right and writes it as it knows it: 增值税 becomes 曾直说, 上限 becomes 上线. So a spoken question is
also looked for with those of its parts replaced that sound like a word of the knowledge but are written otherwise; which of the
two is meant, retrieval decides. Only for spoken questions; what is typed is never touched.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

import rjieba
from pypinyin import Style, pinyin

from chatbot.index import Found, Index
from chatbot.knowledge import KnowledgeBase
from chatbot.text import normalise, without_courtesies

_HAN = re.compile(r"[\u3400-\u9fff]+")
_LONGEST = 6
_MAX_CHARACTERS = 500
"""What is longer is left as it is."""
_FUZZY, _NEAR = 0.5, 1.0
"""How far a syllable is from one that dialects and recognition confuse with it, and from one that shares its initial or its
final."""
_ALLOWED = {2: 0.0, 3: 1.0, 4: 1.5, 5: 2.0, 6: 2.0}
"""How far all syllables of a word together may be, by its length. Chosen on the development questions of the benchmark."""
_BETTER = 0.5
"""By so much the repaired question must score above what was written: with less, off-subject questions are turned into some
that are not."""

_INITIALS = (
    "zh",
    "ch",
    "sh",
    "b",
    "p",
    "m",
    "f",
    "d",
    "t",
    "n",
    "l",
    "g",
    "k",
    "h",
    "j",
    "q",
    "x",
    "r",
    "z",
    "c",
    "s",
    "y",
    "w",
)
_ALIKE = {"zh": "z", "ch": "c", "sh": "s", "n": "l"}

Sound = tuple[str, str]
"""Initial and final of a syllable, without tone, in the form of ``fuzzy``."""


@lru_cache(maxsize=16_384)
def syllables_of(character: str) -> tuple[str, ...]:
    """All readings, without tones."""
    return tuple(pinyin(character, style=Style.NORMAL, heteronym=True)[0])


def fuzzy(syllable: str) -> Sound:
    """One form for what southern speakers and recognition do not tell apart: zh z, ch c, sh s, n l, -ng -n."""
    initial = next((one for one in _INITIALS if syllable.startswith(one)), "")
    final = syllable[len(initial) :]
    return _ALIKE.get(initial, initial), final.removesuffix("g") if final.endswith("ng") else final


@lru_cache(maxsize=65_536)
def distance(one: str, other: str) -> float:
    """Between two characters by their sound: 0 the same syllable, infinite for sounds that have nothing in common."""
    if one == other:
        return 0.0
    best = float("inf")
    for a in syllables_of(one):
        for b in syllables_of(other):
            if a == b:
                return 0.0
            (initial_a, final_a), (initial_b, final_b) = fuzzy(a), fuzzy(b)
            if (initial_a, final_a) == (initial_b, final_b):
                best = min(best, _FUZZY)
            elif (initial_a and initial_a == initial_b) or final_a == final_b:
                best = min(best, _NEAR)
    return best


class Homophones:
    """The words of one base by their sound. Read by any thread."""

    def __init__(self, texts: Iterable[str]) -> None:
        counts: dict[str, int] = {}
        for text in texts:
            for run in _HAN.findall(normalise(text)):
                words = list(rjieba.cut(run))
                joined = (a + b for a, b in itertools.pairwise(words))
                for word in {*words, *joined}:
                    if 2 <= len(word) <= _LONGEST:
                        counts[word] = counts.get(word, 0) + 1
        self._counts = counts
        self._by_key: defaultdict[tuple[int, int, Sound], list[str]] = defaultdict(list)
        for word in counts:
            # Found by the exact sound of any one place: two of three syllables may be a little off.
            for place, character in enumerate(word):
                for sound in {fuzzy(one) for one in syllables_of(character)}:
                    self._by_key[len(word), place, sound].append(word)

    @classmethod
    def of(cls, base: KnowledgeBase) -> Homophones:
        synonyms = (word for group in base.synonyms for word in group)
        texts = (text for one in base.questions for text in (*one.phrasings, *one.keywords))
        return cls((*synonyms, *texts))

    def repaired(self, text: str) -> str:
        """With words of this knowledge where it says what sounds like them; the longest and nearest first."""
        if len(text) > _MAX_CHARACTERS:
            return text
        characters = list(text)
        found: list[tuple[int, float, int, int, str]] = []
        for match in _HAN.finditer(text):
            run, start = match.group(), match.start()
            for length in range(2, min(_LONGEST, len(run)) + 1):
                for place in range(len(run) - length + 1):
                    best = self._nearest(run[place : place + length])
                    if best is not None:
                        word, far = best
                        found.append((-length, far, -self._counts[word], start + place, word))
        taken: set[int] = set()
        for _, _, _, start, word in sorted(found):
            places = range(start, start + len(word))
            if taken.isdisjoint(places):
                taken.update(places)
                characters[start : start + len(word)] = word
        return "".join(characters)

    def _nearest(self, said: str) -> tuple[str, float] | None:
        """The word itself where it is one: then nothing else takes its place."""
        if said in self._counts:
            return said, 0.0
        length, allowed = len(said), _ALLOWED[len(said)]
        seen: set[str] = set()
        best: tuple[float, int, str] | None = None
        for place, character in enumerate(said):
            for sound in {fuzzy(one) for one in syllables_of(character)}:
                for word in self._by_key.get((length, place, sound), ()):
                    if word in seen:
                        continue
                    seen.add(word)
                    far = sum(map(distance, said, word))
                    if far <= allowed and (best is None or (far, -self._counts[word], word) < best):
                        best = (far, -self._counts[word], word)
        return (best[2], best[0]) if best is not None else None


def meant(text: str, index: Index, homophones: Homophones) -> str:
    """What a spoken question most likely said: as it was written, or repaired where the knowledge knows that clearly better."""
    asked = without_courtesies(text)
    other = homophones.repaired(asked)
    if other == asked:
        return text
    written, repaired = index.search(asked, 1), index.search(other, 1)
    return other if _score(repaired) > _score(written) + _BETTER else text


def _score(found: Found) -> float:
    return found.matches[0].score if found.matches else 0.0
