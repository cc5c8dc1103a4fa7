"""猜你想问: what somebody may want to know before they have said anything. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from chatbot.knowledge import KnowledgeBase, Question
from chatbot.popularity import Heat

_ON_THIS_PAGE = 100.0
_SAME_TOPIC = 10.0


def guesses(
    base: KnowledgeBase,
    allowed: Iterable[Question],
    *,
    place: str,
    asked: Sequence[str],
    heats: Mapping[str, Heat],
    now_ms: int,
    skip: int = 0,
    limit: int = 3,
) -> tuple[Question, ...]:
    """``place``: words of the host page and business. ``asked``: ids of what this person asked lately, the last one last;
    it is not guessed again, what is near it is. ``skip`` leads to the next ones (换一批) and round to the first."""
    topics = {base.by_id[one].topic for one in asked[-3:] if one in base.by_id}
    known = set(asked)
    order = {one.question_id: number for number, one in enumerate(base.questions)}

    def rank(one: Question) -> tuple[float, int]:
        heat = heats[one.question_id].now(now_ms) if one.question_id in heats else 0.0
        here = _ON_THIS_PAGE * any(word in place for word in one.pages) if place else 0.0
        near = _SAME_TOPIC * (one.topic in topics)
        # Heat is limited, or a fashion would cover what fits the page.
        return -(here + near + min(heat, 9.0)), order[one.question_id]

    ranked = sorted((one for one in allowed if one.question_id not in known), key=rank)
    if not ranked:
        return ()
    start = skip % len(ranked)
    return tuple((ranked[start:] + ranked[:start])[:limit])
