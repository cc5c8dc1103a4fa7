"""How an answer is read: numbers, dates, letters, and without Markdown and addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtc_server.speech.reading import MAX_CHARACTERS, number_in_words, spoken, syllables, words_of


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("2026年1月15日起", "二零二六年一月十五日起"),
        ("2026-01-15", "二零二六年一月十五日"),
        ("税率为3%，即0.5％", "税率为百分之三，即百分之零点五"),
        ("拨打12366", "拨打一二三六六"),
        ("1,000元以上100000元以下", "一千元以上十万元以下"),
        ("8:30-12:00", "八点三十分至十二点整"),
        ("3-5个工作日", "三至五个工作日"),
        ("第105条", "第一百零五条"),
    ],
)
def test_numbers_in_words(written: str, said: str) -> None:
    assert spoken(written) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "零"), (10, "十"), (20, "二十"), (110, "一百一十"), (1_005, "一千零五"), (10_010, "一万零一十"),
     (100_500, "十万零五百"), (1_000_500, "一百万零五百"), (100_000_000, "一亿"), (2_000_000_001, "二十亿零一")],
)  # fmt: skip
def test_whole_numbers(value: int, said: str) -> None:
    assert number_in_words(value) == said


def test_what_an_answer_says_aloud() -> None:
    answer = "登录**电子税务局**：\n\n1. 点击【我要办税】\n2. 选择 [发票](https://example.gov.cn/a)，详见 https://example.gov.cn\n"
    assert words_of(answer) == "登录电子税务局：点击【我要办税】。选择 发票，详见。"


def test_a_long_answer_ends_with_a_sentence() -> None:
    text = words_of("\n".join("这是一句话" for _ in range(1_000)))
    assert len(text) <= MAX_CHARACTERS
    assert text.endswith("话。")


def test_syllables_with_tones_and_pauses() -> None:
    assert syllables("行业，银行") == "hang2 ye4, yin2 hang2"
    assert syllables("App") == "ei1 pi4 pi4"


@given(st.text(max_size=80))
def test_whatever_is_written_is_plain_when_read(text: str) -> None:
    said = syllables(words_of(text))
    assert "\x00" not in said
    assert all(part for part in said.split(" ")) or said == ""
