from __future__ import annotations

from dataclasses import replace

import pytest

from chatbot.knowledge import KnowledgeBase, Question
from chatbot.popularity import HALF_LIFE_MS, Heat, hottest

pytestmark = pytest.mark.unit


def test_it_halves_with_time() -> None:
    heat = Heat(0, 0).asked(0).asked(0)
    assert heat.now(0) == 2
    assert heat.now(HALF_LIFE_MS) == pytest.approx(1)
    assert heat.asked(HALF_LIFE_MS).value == pytest.approx(2)
    assert heat.now(-5) == 2


def test_pins_stand_at_their_places_and_the_rest_by_heat() -> None:
    questions = tuple(Question(name, "t", name, (), "答") for name in "abcde")
    questions = (*questions[:4], replace(questions[4], hot_rank=2))
    base = KnowledgeBase(questions=questions)
    heats = {"c": Heat(5, 0), "b": Heat(9, -10 * HALF_LIFE_MS)}
    found = hottest(base, heats, 0, 4, questions)
    assert [one.question_id for one in found] == ["c", "e", "b", "a"]
    assert len(hottest(base, heats, 0, 50, questions)) == 5
