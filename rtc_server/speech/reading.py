"""Text as it is read aloud in Mandarin: numbers, amounts, dates and letters in words, then syllables with tones.

espeak-ng's own reading of Chinese characters takes tones for English words; given pinyin (its voice ``cmn-latn-pinyin``) it
reads well. Which reading a character has among others (行: xíng, háng) pypinyin decides by phrases.
"""

from __future__ import annotations

import re
from typing import Any

from chatbot.text import plain

MAX_CHARACTERS = 1_500
"""Some five minutes of speech; what is longer is read to the end of a sentence before it."""
_DIGITS = "零一二三四五六七八九"
_UNITS = ("", "十", "百", "千")
_GROUPS = ("", "万", "亿")
_DIGIT_BY_DIGIT = 5
"""So many digits in a row and more are a telephone or a document number, unless a unit follows."""
_MEASURES = "元万亿块个日月天人户年次份张件户倍度吨套平米公里"
# Letters as they are said in Chinese, spelled in pinyin syllables.
_LETTERS = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        (
            "ei1", "bi4", "xi1", "di4", "yi4", "ai2fu5", "ji4", "ei2qi5", "ai4", "zhei4", "kei4", "ai2ou5", "ai2mu5",
            "en1", "ou1", "pi4", "kiu1", "a4er5", "ai2si5", "ti4", "you4", "wei1", "da2bu5liu5", "ai2ke5si5", "wai4", "zei4",
        ),
        strict=True,
    )
)  # fmt: skip
_LINK = re.compile(r"https?://\S+|www\.\S+", re.IGNORECASE)
_LIST_MARK = re.compile(r"^\s*(?:[-*+]|\d+[.)、])\s+", re.MULTILINE)
_MARKS = {"，": ",", "、": ",", "；": ",", "：": ",", "。": ".", "？": "?", "！": "!", ",": ",", ".": ".", "?": "?", "!": "!",
          ";": ",", ":": ",", "\n": "."}  # fmt: skip


def words_of(markdown: str) -> str:
    """What of an answer is read: words without marks of Markdown and without addresses."""
    lines = [_LINK.sub("", plain(line)).strip() for line in _LIST_MARK.sub("", markdown).splitlines()]
    text = "".join(line if line[-1] in "，。？！；：、.?!;:" else f"{line}。" for line in lines if line)
    if len(text) <= MAX_CHARACTERS:
        return text
    head = text[:MAX_CHARACTERS]
    return head[: head.rfind("。") + 1] or head


def spoken(text: str) -> str:
    """Numbers in words: 2026年 as 二零二六年, 3% as 百分之三, 12366 digit by digit, 1,000元 as 一千元."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    text = re.sub(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?!\d)", _date, text)
    text = re.sub(r"(?<=\d)\s*[~～—–-]+\s*(?=\d{1,2}(?!\d))", "至", text)
    text = re.sub(r"(\d{1,2}):(\d{2})(?!\d)", lambda m: _clock(int(m[1]), int(m[2])), text)
    text = re.sub(r"(\d{4})(?=\s*年)", lambda m: _digits(m[1]), text)
    text = re.sub(r"(\d+(?:\.\d+)?)\s*[%％]", lambda m: "百分之" + _number(m[1]), text)
    return re.sub(r"\d+(?:\.\d+)?", lambda m: _plain_number(m[0], text[m.end() : m.end() + 1]), text)


def syllables(text: str) -> str:
    """Pinyin with tone numbers and marks for pauses, as espeak-ng's pinyin voice takes it."""
    # Its dictionaries take some 20 MB: only the process that reads aloud needs them.
    from pypinyin import Style, lazy_pinyin

    out: list[str] = []
    # What has no pinyin comes back character by character.
    apart: Any = list
    for part in lazy_pinyin(spoken(text), style=Style.TONE3, neutral_tone_with_five=True, errors=apart):
        if part in _MARKS:
            if out:
                out[-1] += _MARKS[part]
        elif len(part) == 1 and part.isascii() and part.isalpha():
            out.append(_LETTERS[part.lower()])
        elif part.isalnum():
            out.append(part)
    return " ".join(out)


def number_in_words(value: int) -> str:
    """Of 0 up to 10^12: 105 → 一百零五, 20000 → 两万 is written 二万."""
    if value == 0:
        return _DIGITS[0]
    groups: list[str] = []
    level = 0
    gap = False
    while value:
        value, part = divmod(value, 10_000)
        if part:
            text = _below_ten_thousand(part) + _GROUPS[min(level, len(_GROUPS) - 1)]
            groups.append(text + ("零" if gap and groups else ""))
            gap = part < 1_000
        elif groups:
            gap = True
        level += 1
    text = "".join(reversed(groups))
    return text.removeprefix("一") if text.startswith("一十") else text


def _below_ten_thousand(value: int) -> str:
    text, zero = "", False
    for place in range(3, -1, -1):
        digit = value // 10**place % 10
        if digit:
            text += ("零" if zero and text else "") + _DIGITS[digit] + _UNITS[place]
            zero = False
        else:
            zero = True
    return text


def _plain_number(text: str, following: str) -> str:
    if "." not in text and (
        text.startswith("0")
        or (len(text) >= _DIGIT_BY_DIGIT and (not following or following not in _MEASURES))
    ):
        return _digits(text)
    return _number(text)


def _number(text: str) -> str:
    whole, _, fraction = text.partition(".")
    if len(whole) > 12:
        return _digits(text)
    return number_in_words(int(whole)) + (f"点{_digits(fraction)}" if fraction else "")


def _date(match: re.Match[str]) -> str:
    return f"{match[1]}年{int(match[2])}月{int(match[3])}日"


def _digits(text: str) -> str:
    return "".join("点" if one == "." else _DIGITS[int(one)] for one in text)


def _clock(hours: int, minutes: int) -> str:
    return f"{number_in_words(hours)}点" + (f"{number_in_words(minutes)}分" if minutes else "整")
