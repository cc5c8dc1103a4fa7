"""Text to token ids by the unigram vocabulary of XLM-RoBERTa: the likeliest sequence of pieces (Kudo 2018, "Subword
Regularization", the Viterbi path).

Our own few lines, since the libraries that do it take a hundred megabytes for this vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SPACES = re.compile(" {2,}")
_SPACE_MARK = "\u2581"
_UNLIKELIER = 10.0
"""An unknown character is so much less likely than the least likely piece (as in SentencePiece)."""


@dataclass(frozen=True)
class Tokenizer:
    """``ids(text)`` gives the tokens of a text without those of its ends; ``begin`` and ``end`` are these."""

    known: Mapping[str, tuple[int, float]]
    replacements: Mapping[int, str]
    begin: int
    end: int
    unknown: int
    positions: int
    longest: int
    unknown_score: float

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Tokenizer:
        pieces, scores, unknown = kept["pieces"], kept["scores"], int(kept["unknown"])
        known = {
            piece: (one, score)
            for one, (piece, score) in enumerate(zip(pieces, scores, strict=True))
            if piece and one != unknown
        }
        return cls(
            known,
            {int(code): text for code, text in kept["replacements"].items()},
            int(kept["begin"]),
            int(kept["end"]),
            unknown,
            int(kept["positions"]),
            max(map(len, known)),
            min(scores) - _UNLIKELIER,
        )

    def ids(self, text: str) -> list[int]:
        text = _SPACES.sub(" ", text.translate(self.replacements))
        marked = (text if text.startswith(" ") else f" {text}").replace(" ", _SPACE_MARK)
        length = len(marked)
        best = [float("-inf")] * (length + 1)
        best[0] = 0.0
        came: list[tuple[int, int]] = [(0, 0)] * (length + 1)
        for start in range(length):
            here = best[start]
            for end in range(start + 1, min(length, start + self.longest) + 1):
                piece = self.known.get(marked[start:end])
                if piece is not None and here + piece[1] > best[end]:
                    best[end], came[end] = here + piece[1], (start, piece[0])
            if here + self.unknown_score > best[start + 1]:
                best[start + 1], came[start + 1] = here + self.unknown_score, (start, self.unknown)
        found = []
        at = length
        while at > 0:
            at, token = came[at]
            found.append(token)
        return found[::-1]
