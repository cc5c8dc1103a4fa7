"""What of a guess is shown, when a window is cut, what is thrown away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtc_server.speech.dictation import (
    MAX_WINDOW,
    MIN_PAUSE,
    RATE,
    Dictation,
    Heard,
    agreed,
    continuation,
    cut_at,
    guessed,
    joined,
    settled,
    tidy,
    token_limit,
)


def heard(text: str | None) -> Heard:
    return Heard(text, ((0, RATE),))


def test_what_two_guesses_agree_on_stays() -> None:
    state = guessed(Dictation(), heard("个人所"))
    assert (state.partial.stable, state.partial.rest) == ("", "个人所")
    state = guessed(state, heard("个人所得睡怎"))
    assert (state.partial.stable, state.partial.rest) == ("个人所", "得睡怎")
    state = guessed(state, heard("个人所得税怎么申"))
    assert (state.partial.stable, state.partial.rest) == ("个人所得", "税怎么申")
    # Nobody spoke since.
    assert guessed(state, heard(None)) == state
    # A guess that tells the beginning differently does not change what is stable.
    state = guessed(state, heard("各人所得税怎么申报"))
    assert state.text == "个人所得税怎么申报"
    assert settled(state, heard("个人所得税怎么申报？")).text == "个人所得税怎么申报？"


def test_a_careful_look_that_finds_nothing_keeps_what_was_shown() -> None:
    state = guessed(Dictation(settled="发票丢了。"), heard("怎么办"))
    assert settled(state, heard("")).text == "发票丢了。怎么办"


def test_marks_at_the_end_are_never_stable() -> None:
    assert agreed("", "发票丢了。", "发票丢了。怎么办") == "发票丢了"


TEXTS = st.text(alphabet="税个人发票，。怎么办", max_size=12)


@given(st.lists(TEXTS, max_size=8))
def test_what_is_stable_only_grows(guesses: list[str]) -> None:
    state = Dictation()
    for text in guesses:
        before = state.partial.stable
        state = guessed(state, heard(text))
        assert state.partial.stable.startswith(before)
        assert state.text.startswith(before)


@given(TEXTS, TEXTS)
def test_a_continuation_is_the_end_of_the_guess(stable: str, guess: str) -> None:
    assert guess.endswith(continuation(stable, guess))


def test_a_window_is_cut_at_its_last_pause() -> None:
    spans = ((0, 3 * RATE), (4 * RATE, 7 * RATE))
    assert cut_at(spans, 7 * RATE) == int(3.5 * RATE)
    assert cut_at(spans, 5 * RATE) is None
    trailing = (*spans[:1], (4 * RATE, 6 * RATE))
    assert cut_at(trailing, 8 * RATE) == 7 * RATE


def test_a_window_without_a_pause_grows_until_it_is_too_long() -> None:
    assert cut_at(((0, 10 * RATE),), 10 * RATE) is None
    assert cut_at(((0, MAX_WINDOW),), MAX_WINDOW) == MAX_WINDOW
    short = MIN_PAUSE // 2
    spans = ((0, 12 * RATE), (12 * RATE + short, MAX_WINDOW))
    assert cut_at(spans, MAX_WINDOW) == 12 * RATE + short // 2


def test_silence_is_thrown_away() -> None:
    assert cut_at((), 7 * RATE) == 7 * RATE


@given(st.lists(st.integers(0, 25 * RATE), max_size=8, unique=True), st.integers(0, 25 * RATE))
def test_a_cut_lies_in_the_window_and_never_in_a_word(places: list[int], more: int) -> None:
    ordered = sorted(places[: len(places) // 2 * 2])
    spans = tuple(zip(ordered[::2], ordered[1::2], strict=True))
    length = (ordered[-1] if ordered else 0) + more
    cut = cut_at(spans, length)
    if cut is not None:
        assert 0 <= cut <= length
        assert cut > 0 or length == 0
        if length < MAX_WINDOW:
            assert not any(start < cut < end for start, end in spans)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("增值税，票票票票票票票票", "增值税，票"),
        ("申报，申报，申报，申报，申报，", "申报，"),
        ("发票丢了怎么办？请不吝点赞订阅转发打赏支持明镜与点点栏目", "发票丢了怎么办？"),
        ("字幕by索兰娅", ""),
        ("  发票  丢了 ", "发票 丢了"),
        ("要不要不要紧", "要不要不要紧"),
    ],
)
def test_what_models_invent_is_dropped(said: str, kept: str) -> None:
    assert tidy(said) == kept


def test_windows_are_joined_with_a_comma_where_none_is() -> None:
    assert joined("发票丢了", "怎么办") == "发票丢了，怎么办"
    assert joined("发票丢了。", "怎么办") == "发票丢了。怎么办"
    assert joined("", "怎么办") == "怎么办"


def test_the_time_of_a_guess_is_bounded() -> None:
    assert token_limit(MAX_WINDOW) < 200
