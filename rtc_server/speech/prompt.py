"""What the model is told beforehand: words and questions as people use them here, so that it expects them.

The prompt also has it write simplified characters with marks between. A model that is given nothing but words goes on listing
them where it hears little, so questions follow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from chatbot.knowledge import KnowledgeBase

_MAX_CHARACTERS = 120
"""The model takes 224 tokens before the sound, and every one of them costs time."""
_WORDS = 14
_QUESTIONS = 2


def prompt_of(base: KnowledgeBase, words: Sequence[str] = ()) -> str:
    """``words`` are the operator's; then the most frequent of the questions, then questions that are pinned."""
    if not base.questions and not words:
        return "以下是普通话的句子。"
    told = list(dict.fromkeys((*words, *_frequent(base))))[: len(words) + _WORDS]
    text = ""
    for word in told:
        if len(text) + len(word) < _MAX_CHARACTERS - 50:
            text += f"、{word}" if text else word
    text = f"以下是普通话的句子，会说到{text}。"
    pinned = sorted(
        (one for one in base.questions if one.hot_rank is not None), key=lambda one: one.hot_rank or 0
    )
    for one in pinned[:_QUESTIONS]:
        sentence = f"{one.title.rstrip('？?。')}？"
        if len(text) + len(sentence) <= _MAX_CHARACTERS:
            text += sentence
    return text


def _frequent(base: KnowledgeBase) -> list[str]:
    """Words of two characters and more, by how many questions they stand in; long ones are rarely guessed without help."""
    import rjieba  # as in chatbot/text.py

    counts: Counter[str] = Counter()
    for one in base.questions:
        counts.update(
            {
                word
                for word in rjieba.cut(one.title)
                if len(word) > 1 and word.isalpha() and not word.isascii()
            }
        )
    ranked = sorted(counts, key=lambda word: (-counts[word] * (len(word) - 1), word))
    return [word for word in ranked if word not in _ORDINARY]


_ORDINARY = frozenset(
    (
        "怎么",
        "怎样",
        "什么",
        "哪些",
        "如何",
        "怎么办",
        "可以",
        "需要",
        "办理",
        "多少",
        "哪里",
        "为什么",
        "是否",
        "能否",
        "什么样",
    )
)
