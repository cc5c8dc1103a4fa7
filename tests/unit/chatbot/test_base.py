"""The demonstration base and the questions kept apart from it."""

from __future__ import annotations

import json
from datetime import date
from difflib import SequenceMatcher
from importlib import resources

import pytest

from chatbot.exchange import BadKnowledgeError, dump, parse
from chatbot.knowledge import KnowledgeBase, Question, within

pytestmark = pytest.mark.unit


def test_it_is_large_enough_and_marked(base: KnowledgeBase) -> None:
    assert len(base.questions) >= 200
    assert all(len(one.aliases) >= 3 and one.answer and one.demonstration for one in base.questions)
    phrasings = [text for one in base.questions for text in one.phrasings]
    assert len(set(phrasings)) == len(phrasings)


def test_everything_it_points_to_is_there(base: KnowledgeBase) -> None:
    ids = set(base.by_id)
    asked_back = {one.clarification_id for one in base.clarifications}
    for clarification in base.clarifications:
        for option in clarification.options:
            assert option.question_id in ids or option.clarification_id in asked_back
    assert all(one in ids for pack in base.packs for one in pack.question_ids)
    assert {pack.name for pack in base.packs} == {"综合业务", "税收优惠", "涉外业务", "数电票业务"}
    assert all(entry.target in ids for entry in base.entries if entry.kind == "question")


def test_the_reported_questions_are_no_aliases(base: KnowledgeBase) -> None:
    text = (resources.files("rtc_server.bench") / "retrieval_questions.json").read_text(encoding="utf-8")
    kept = json.loads(text)
    reported, development = kept["reported"], kept["development"]
    assert len(reported["asked"]) >= 100
    assert len(reported["off_subject"]) >= 40
    phrasings = [text for one in base.questions for text in one.phrasings]
    for one in reported["asked"]:
        assert one["question_id"] in base.by_id
        assert max(SequenceMatcher(None, one["text"], known).ratio() for known in phrasings) < 0.8, one
    assert not {one["text"] for one in reported["asked"]} & {one["text"] for one in development["asked"]}
    assert not set(reported["off_subject"]) & {*development["off_subject"], *base.off_subject}


def test_it_survives_export_and_import(base: KnowledgeBase) -> None:
    assert parse(json.loads(json.dumps(dump(base))), base.version) == base


def test_every_fault_of_an_import_is_told() -> None:
    good = {"question_id": "a-1", "topic": "t", "title": "一", "answer": "答"}
    data = {
        "format": "knowledge/1",
        "topics": [{"topic_id": "t", "name": "题"}],
        "questions": [
            good,
            {**good, "question_id": "a 2"},
            {**good, "question_id": "a-3", "valid_from": "2026-02-30"},
            {**good, "question_id": "a-4", "links": [{"title": "x", "url": "javascript:alert(1)"}]},
            {**good, "question_id": "a-5", "title": ""},
            {**good, "question_id": "a-6", "valid_from": "2026-02-02", "valid_until": "2026-02-01"},
            {**good, "question_id": "a-7", "regions": ["44"]},
            {**good, "question_id": "a-8", "topic": "none"},
            good,
            7,
        ],
    }
    with pytest.raises(BadKnowledgeError) as caught:
        parse(data)
    places = [fault.place for fault in caught.value.faults]
    assert places == [
        *(f"问题第 {n} 项“一”" for n in (2, 3, 4)),
        "问题第 5 项",
        *(f"问题第 {n} 项“一”" for n in (6, 7)),
        "问题第 10 项",
        "问题 a-1",
        "问题 a-8",
    ]


@pytest.mark.parametrize("data", [None, [], {}, {"format": "knowledge/2"}, "x"])
def test_what_is_no_knowledge_is_refused(data: object) -> None:
    with pytest.raises(BadKnowledgeError):
        parse(data)


def test_regions_lie_in_one_another() -> None:
    assert within("442000", "440000")
    assert within("442000", "442000")
    assert not within("340100", "440000")
    assert not within("440000", "442000")
    assert within("广东", "广东")
    assert not within("广东", "440000")


def test_a_question_is_in_force_in_its_region_and_days() -> None:
    one = Question(
        "q",
        "t",
        "题",
        (),
        "答",
        regions=("440000",),
        valid_from=date(2026, 1, 1),
        valid_until=date(2026, 12, 31),
    )
    assert one.in_force("442000", date(2026, 1, 1))
    assert one.in_force("442000", date(2026, 12, 31))
    assert not one.in_force("442000", date(2027, 1, 1))
    assert not one.in_force("442000", date(2025, 12, 31))
    assert not one.in_force("340100", date(2026, 6, 1))
    assert not one.in_force(None, date(2026, 6, 1))
