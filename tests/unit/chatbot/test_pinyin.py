"""Homophones: a spoken question written with the wrong characters is read as the words of the knowledge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.index import Index
from chatbot.knowledge import KnowledgeBase, Question
from chatbot.pinyin import Homophones, distance, fuzzy, meant

TITLES = (
    "增值税怎么申报",
    "个人所得税怎么申报",
    "社保费怎么缴纳",
    "发票额度上限怎么提高",
    "灵活就业人员养老金怎么领",
)
BASE = KnowledgeBase(questions=tuple(Question(f"q{n}", "t", title, (), "") for n, title in enumerate(TITLES)))
INDEX = Index.build(BASE, None)
HOMOPHONES = Homophones.of(BASE)


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ("曾直税怎么申报", "增值税怎么申报"),
        ("个人所得睡怎么申报", "个人所得税怎么申报"),
        ("发票额度上线怎么提高", "发票额度上限怎么提高"),
        ("社保费怎么搅那", "社保费怎么缴纳"),
        ("增值税怎么申报", "增值税怎么申报"),
        ("VAT 2026", "VAT 2026"),
        ("", ""),
    ],
)
def test_words_of_the_knowledge_take_the_place_of_what_sounds_like_them(heard: str, said: str) -> None:
    assert HOMOPHONES.repaired(heard) == said


def test_how_far_syllables_are() -> None:
    assert distance("税", "睡") == 0
    assert 0 < distance("知", "资") < distance("税", "书") < float("inf")
    assert distance("税", "办") == float("inf")
    assert fuzzy("zhang") == fuzzy("zan")


def test_retrieval_decides_which_is_meant() -> None:
    assert meant("曾直税怎么深包", INDEX, HOMOPHONES) == "增值税怎么申报"
    assert meant("增值税怎么申报", INDEX, HOMOPHONES) == "增值税怎么申报"
    # Nothing sounds like it: as it was written.
    assert meant("红烧肉", INDEX, HOMOPHONES) == "红烧肉"


def test_an_empty_base_leaves_everything() -> None:
    empty = KnowledgeBase()
    assert meant("曾直税", Index.build(empty, None), Homophones.of(empty)) == "曾直税"


@given(st.text(max_size=40))
def test_whatever_is_said_keeps_its_length(text: str) -> None:
    assert len(HOMOPHONES.repaired(text)) == len(text)
