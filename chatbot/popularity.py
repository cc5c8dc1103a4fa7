"""What people really ask: counts that halve with time, so that yesterday's news makes room."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chatbot.knowledge import KnowledgeBase, Question

HALF_LIFE_MS = 3 * 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Heat:
    """``value`` as it was at ``at`` (milliseconds since the epoch)."""

    value: float
    at: int

    def now(self, now_ms: int) -> float:
        return self.value * math.exp2(-max(0, now_ms - self.at) / HALF_LIFE_MS)

    def asked(self, now_ms: int, weight: float = 1.0) -> Heat:
        return Heat(self.now(now_ms) + weight, max(self.at, now_ms))


def hottest(
    base: KnowledgeBase, heats: Mapping[str, Heat], now_ms: int, limit: int, allowed: Iterable[Question]
) -> tuple[Question, ...]:
    """The editor's pins at their places, around them what is asked most; a question nobody asked yet comes last, in the
    order of the base."""
    order = {one.question_id: place for place, one in enumerate(base.questions)}
    known = list(allowed)
    pinned = sorted(
        (one for one in known if one.hot_rank is not None), key=lambda one: (one.hot_rank, one.question_id)
    )
    others = sorted(
        (one for one in known if one.hot_rank is None),
        key=lambda one: (
            -(heats[one.question_id].now(now_ms) if one.question_id in heats else 0.0),
            order[one.question_id],
        ),
    )
    result: list[Question] = []
    for place in range(1, min(limit, len(known)) + 1):
        if pinned and ((pinned[0].hot_rank or 1) <= place or not others):
            result.append(pinned.pop(0))
        else:
            result.append(others.pop(0))
    return tuple(result)
