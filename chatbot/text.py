"""Text to tokens: words, single Chinese characters, and concepts of the editor's synonyms."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_CONCEPT = "§"
_HAN = re.compile(r"[\u3400-\u9fff]")
_MARKDOWN = re.compile(r"[*_`#>|]+|!?\[([^\]]*)\]\([^)]*\)")
_SPACE = re.compile(r"\s+")
_TALK = re.compile(
    r"^(你好|您好|请问|麻烦|想问一下|我想问|咨询一下|问一下|老师|帮我看看|请教)[，,。！!\s]*|[？?。！!，,~～\s]+$"
)


def normalise(text: str) -> str:
    """One form for what looks or means the same: NFKC, lower case, single spaces."""
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text).lower()).strip()


def without_courtesies(text: str) -> str:
    """The question without 你好，请问 and closing marks; the whole when nothing else is there."""
    before, stripped = "", text
    while stripped != before:
        before, stripped = stripped, _TALK.sub("", stripped)
    return stripped or text


def plain(markdown: str) -> str:
    """Markdown as plain text, for indexing."""
    return _SPACE.sub(" ", _MARKDOWN.sub(lambda match: match.group(1) or "", markdown)).strip()


class Tokeniser:
    """Words by dictionary, each Chinese character alone, and one token for every group of synonyms that occurs.

    Characters catch what the dictionary cuts differently; concepts join 税局 and 税务机关.
    """

    def __init__(self, synonyms: Iterable[tuple[str, ...]] = ()) -> None:
        self._concepts: dict[str, list[str]] = {}
        for group in synonyms:
            for word in group:
                name = _CONCEPT + group[0]
                known = self._concepts.setdefault(normalise(word), [])
                if name not in known:
                    known.append(name)
        longest_first = sorted(filter(None, self._concepts), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def tokens(self, text: str) -> list[str]:
        import rjieba  # its dictionary takes a tenth of a second, which a server that starts has not to spare

        clean = normalise(text)
        found = [word for word in rjieba.cut(clean) if word[0].isalnum()]
        found.extend(_HAN.findall(clean))
        if self._pattern is not None:
            for word in self._pattern.findall(clean):
                found.extend(self._concepts[word])
        return found
