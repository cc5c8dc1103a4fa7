"""Sure, unsure, or off the subject: a calibrated reading of what retrieval found.

The constants are logistic regressions on the development questions of the benchmark (205 paraphrases, 92 off the subject, each
of these judged without itself among the examples); the reported questions took no part in it. Whether she is sure is learnt from
the paraphrases twice: as they are, and with the right question taken out of the base. So a question nobody has answered yet
does not get the answer of its neighbour: 40 of 205 do, of those that are known 185 are answered at once.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatbot.index import Found


_CHOICES = 5
_RELATED = 3
_OFF = -0.3
"""Below it the log-odds of belonging to the subject refuse."""
_SURE = -1.0
"""Above it the log-odds of the first match being right let it answer: right 97 times of 100 on the development questions, and
half as often wrong as a rule of score and margin alone where the base has no answer."""
_SURE_BY_WORDS = 2.0


class Verdict(StrEnum):
    SURE = "sure"
    UNSURE = "unsure"
    OFF_SUBJECT = "off_subject"


def judge(found: Found, *, exact: bool = False) -> Verdict:
    """``exact``: the query is, letter for letter, a phrasing of the first match."""
    if exact:
        return Verdict.SURE
    if not found.matches:
        return Verdict.OFF_SUBJECT
    first = found.matches[0]
    margin = first.score - found.matches[1].score if len(found.matches) > 1 else first.score
    if not found.by_vectors:
        if 9.12 * first.score - 4.59 < 0.5:
            return Verdict.OFF_SUBJECT
        return Verdict.SURE if 0.38 * first.score + 11.73 * margin - 0.39 > _SURE_BY_WORDS else Verdict.UNSURE
    if found.foreign:
        subject = 19.27 * first.vector + 6.58 * first.words - 23.07 * found.foreign - 1.75
    else:
        subject = 20.78 * first.vector + 4.38 * first.words - 9.86
    if subject < _OFF:
        return Verdict.OFF_SUBJECT
    right = 1.99 * first.score + 4.69 * margin + 5.35 * first.vector - 1.22 * first.words - 6.81
    return Verdict.SURE if right > _SURE else Verdict.UNSURE


def choices(found: Found) -> tuple[str, ...]:
    return tuple(match.question_id for match in found.matches[:_CHOICES])


def related(found: Found) -> tuple[str, ...]:
    """Beside the answer itself."""
    return tuple(match.question_id for match in found.matches[1 : 1 + _RELATED])
