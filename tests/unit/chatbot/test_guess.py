"""猜你想问: by page, then by what was asked, then by what others ask; round and round."""

from __future__ import annotations

from chatbot.guess import guesses
from chatbot.knowledge import KnowledgeBase, Question
from chatbot.popularity import Heat


def q(number: int, topic: str = "t", *pages: str) -> Question:
    return Question(f"q{number}", topic, f"问题{number}", (), "答", pages=pages)


BASE = KnowledgeBase(questions=(q(1), q(2, "u"), q(3, "t", "发票"), q(4, "u"), q(5, "v")))


def guess(
    place: str = "", asked: tuple[str, ...] = (), heats: dict[str, Heat] | None = None, skip: int = 0
) -> str:
    found = guesses(BASE, BASE.questions, place=place, asked=asked, heats=heats or {}, now_ms=0, skip=skip)
    return " ".join(one.question_id for one in found)


def test_the_page_comes_first_then_history_then_heat() -> None:
    assert guess() == "q1 q2 q3"
    assert guess("发票开具") == "q3 q1 q2"
    assert guess("发票开具", asked=("q2",)) == "q3 q4 q1"
    assert guess("发票开具", heats={"q5": Heat(1000.0, 0)}) == "q3 q5 q1"
    assert guess(asked=("q2",), heats={"q5": Heat(1000.0, 0)}) == "q4 q5 q1"


def test_others_until_the_first_come_again() -> None:
    assert [guess(skip=skip) for skip in (0, 3, 6)] == ["q1 q2 q3", "q4 q5 q1", "q2 q3 q4"]


def test_nothing_left_to_guess() -> None:
    assert guess(asked=("q1", "q2", "q3", "q4", "q5")) == ""
