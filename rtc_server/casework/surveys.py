"""Surveys (问卷): whether answers fit the questions, and what all answers together say. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_WORDS_SHOWN = 200
"""Of a question that asks for words, so many of the newest answers are shown; the sheet has all of them."""

Question = Mapping[str, Any]
"""``question``, ``options`` and ``multiple``, as ``Notice.survey`` keeps them; without options words are asked for."""
Choice = Mapping[str, Any]
"""``options`` by number from 0, or ``words``."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What was answered to one question: how often each option was chosen, or the words, the newest first."""

    question: str
    multiple: bool
    options: tuple[tuple[str, int], ...]
    words: tuple[str, ...]


def fits(survey: Sequence[Question], answers: Sequence[Choice]) -> bool:
    """Every question is answered, and as it asks."""
    if not survey or len(survey) != len(answers):
        return False
    return all(_fits(question, given) for question, given in zip(survey, answers, strict=True))


def _fits(question: Question, given: Choice) -> bool:
    options, words = given["options"], given["words"]
    count = len(question["options"])
    if count == 0:
        return not options and bool(words.strip())
    few = len(options) >= 1 if question["multiple"] else len(options) == 1
    return few and len(set(options)) == len(options) and max(options) < count and not words


def tally(survey: Sequence[Question], given: Iterable[Sequence[Choice]]) -> tuple[Tally, ...]:
    """``given``: the answers of each person, the newest first."""
    counts = [[0] * len(question["options"]) for question in survey]
    words: list[list[str]] = [[] for _ in survey]
    for answers in given:
        for number, one in enumerate(answers[: len(survey)]):
            for option in one["options"]:
                if option < len(counts[number]):
                    counts[number][option] += 1
            if one["words"] and len(words[number]) < MAX_WORDS_SHOWN:
                words[number].append(one["words"])
    return tuple(
        Tally(
            question["question"],
            question["multiple"],
            tuple(zip(question["options"], counts[number], strict=True)),
            tuple(words[number]),
        )
        for number, question in enumerate(survey)
    )


def in_words(question: Question, given: Choice) -> str:
    """One answer as it is read in a sheet."""
    chosen = [question["options"][one] for one in given["options"] if one < len(question["options"])]
    return "；".join(chosen) or given["words"]
