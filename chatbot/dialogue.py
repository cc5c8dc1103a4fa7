"""The rules of one conversation with 悦悦: answer, offer choices, ask back, refuse, hand over. Pure: no clock, no I/O.

Whoever talks is asked back at most ``MAX_ROUNDS`` times; after that, and after two turns without an answer, a person
(人工) is offered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from chatbot.decision import Verdict, choices, judge, related
from chatbot.knowledge import Clarification, Option
from chatbot.text import normalise, without_courtesies

if TYPE_CHECKING:
    from chatbot.index import Found, Index

MAX_ROUNDS = 3
_PATIENCE = 2

_HUMAN_WHOLE = frozenset(
    (
        "人工",
        "转人工",
        "人工客服",
        "人工服务",
        "转接人工",
        "找人工",
        "要人工",
        "真人",
        "真人客服",
        "转客服",
        "客服",
    )
)
_HUMAN_PARTS = ("转人工", "转接人工", "人工客服", "找人工", "要人工", "接人工", "真人客服")
_ABOUT_HUMAN = (
    "怎么",
    "怎样",
    "如何",
    "几点",
    "时间",
    "哪里",
    "上班",
    "吗",
    "不要",
    "不用",
    "别",
    "不想",
    "不需要",
)


_GREETINGS = frozenset(
    (
        "你好",
        "您好",
        "你好呀",
        "您好呀",
        "你好啊",
        "您好啊",
        "在吗",
        "在不在",
        "在么",
        "你好在吗",
        "您好在吗",
        "有人吗",
        "有人在吗",
        "早上好",
        "上午好",
        "中午好",
        "下午好",
        "晚上好",
        "哈喽",
        "嗨",
        "hi",
        "hello",
        "请问",
        "请问一下",
        "咨询一下",
        "问一下",
        "老师好",
        "老师您好",
    )
)
_THANKS = frozenset(
    (
        "谢谢",
        "谢谢你",
        "谢谢您",
        "谢谢啦",
        "谢谢了",
        "多谢",
        "多谢了",
        "感谢",
        "非常感谢",
        "太感谢了",
        "谢谢老师",
        "好的谢谢",
        "好的谢谢您",
        "谢谢再见",
        "再见",
        "拜拜",
        "好的",
        "好",
        "嗯好的",
        "ok",
        "知道了",
        "明白了",
        "懂了",
        "好的知道了",
        "没有了",
        "没有了谢谢",
        "没事了",
        "没问题了",
    )
)
_PLACE = re.compile(r"(?:选|选择|要|第)?第?([1-9一二三四五六七八九])(?:个|项|条|题)?")
_PLACES = "一二三四五六七八九"


class ReplyKind(StrEnum):
    GREETING = "greeting"
    """They greeted, and asked nothing yet."""
    THANKS = "thanks"
    """They thanked, or took their leave."""
    ANSWER = "answer"
    CHOICES = "choices"
    """Unsure: questions to choose from."""
    CLARIFY = "clarify"
    OFF_SUBJECT = "off_subject"
    HUMAN = "human"
    """They asked for a person."""


@dataclass(frozen=True, slots=True)
class DialogueState:
    """``clarification_id``: which question back is open. ``misses``: turns in a row that brought no answer. ``offered``: the
    questions to choose from that stand last, so that one may say 第二个."""

    clarification_id: str | None = None
    rounds: int = 0
    misses: int = 0
    offered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """``question_ids``: for ``CHOICES`` the choices, for ``ANSWER`` the answered one first and then the related ones.
    ``offer_human``: show the way to 人工."""

    kind: ReplyKind
    question_ids: tuple[str, ...] = ()
    clarification_id: str | None = None
    offer_human: bool = False


@dataclass(frozen=True, slots=True)
class Asker:
    """From where and on which day: what is not in force for them is not found."""

    region: str | None
    day: date


def wants_human(text: str) -> bool:
    """【人工】, "转人工" and the like; not "人工几点上班", which is a question."""
    clean = normalise(without_courtesies(text)).strip("【】[]！!。.，, ")
    if clean in _HUMAN_WHOLE:
        return True
    return any(part in clean for part in _HUMAN_PARTS) and not any(part in clean for part in _ABOUT_HUMAN)


def courtesy(text: str) -> ReplyKind | None:
    """你好 or 谢谢 and nothing else, which is no question: neither looked for nor counted as one."""
    clean = _letters(text)
    if clean in _GREETINGS:
        return ReplyKind.GREETING
    return ReplyKind.THANKS if clean in _THANKS else None


def place_named(text: str) -> int | None:
    """第二个, 选2 and the like: the place, from 0."""
    found = _PLACE.fullmatch(_letters(text))
    if found is None:
        return None
    named = found[1]
    return _PLACES.index(named) if named in _PLACES else int(named) - 1


def say(state: DialogueState, text: str, index: Index, asker: Asker) -> tuple[DialogueState, Reply]:
    """What a person typed."""
    if wants_human(text):
        return DialogueState(), Reply(ReplyKind.HUMAN, offer_human=True)
    if (polite := courtesy(text)) is not None:
        return state, Reply(polite)
    base = index.base
    open_one = base.clarification(state.clarification_id) if state.clarification_id is not None else None
    if open_one is not None:
        for option in open_one.options:
            if _same(option.label, text):
                return _follow(state, option, index, asker)
    place = place_named(text)
    if place is not None:
        if open_one is not None and place < len(open_one.options):
            return _follow(state, open_one.options[place], index, asker)
        if place < len(state.offered) and _in_force(state.offered[place], index, asker):
            return pick(state.offered[place], index, asker)
    triggered = next((one for one in base.clarifications if any(_same(t, text) for t in one.triggers)), None)
    if triggered is not None:
        return _ask_back(state, triggered)
    return _retrieve(state, text, index, asker, open_one)


def choose(
    state: DialogueState, clarification_id: str, place: int, index: Index, asker: Asker
) -> tuple[DialogueState, Reply]:
    """A click on an option. Raises LookupError when there is none such (any more)."""
    clarification = index.base.clarification(clarification_id)
    if clarification is None or not 0 <= place < len(clarification.options):
        raise LookupError(clarification_id)
    return _follow(
        replace(state, clarification_id=clarification_id), clarification.options[place], index, asker
    )


def pick(question_id: str, index: Index, asker: Asker) -> tuple[DialogueState, Reply]:
    """A click on a question. Raises LookupError when it is not there (any more)."""
    question = index.base.by_id.get(question_id)
    if question is None or not question.in_force(asker.region, asker.day):
        raise LookupError(question_id)
    found = _search(index, question.title, asker)
    near = tuple(m.question_id for m in found.matches if m.question_id != question_id)[:3]
    return DialogueState(), Reply(ReplyKind.ANSWER, (question_id, *near))


def _retrieve(
    state: DialogueState, text: str, index: Index, asker: Asker, open_one: Clarification | None
) -> tuple[DialogueState, Reply]:
    found = _search(index, text, asker)
    exact = bool(found.matches) and any(
        _same(phrasing, text) for phrasing in index.base.by_id[found.matches[0].question_id].phrasings
    )
    verdict = judge(found, exact=exact)
    if verdict is Verdict.SURE:
        return DialogueState(), Reply(
            ReplyKind.ANSWER, (found.matches[0].question_id, *related(found)), offer_human=False
        )
    if open_one is not None and (meant := _meant(open_one, text)) is not None:
        return _follow(state, meant, index, asker)
    misses = state.misses + 1
    offer = misses >= _PATIENCE
    if verdict is Verdict.UNSURE:
        # Also while a question back is open: what is near is more than the same options again.
        near = choices(found)
        open_id = open_one.clarification_id if open_one is not None else None
        return DialogueState(open_id, state.rounds, misses, near), Reply(
            ReplyKind.CHOICES, near, offer_human=offer
        )
    if open_one is not None:
        # Still unclear: asked again with the same options, as long as there is patience.
        return _ask_back(state, open_one)
    return DialogueState(misses=misses), Reply(ReplyKind.OFF_SUBJECT, offer_human=True)


def _meant(clarification: Clarification, text: str) -> Option | None:
    """The one option whose label stands in what was said, or of which it is a part: 要年度汇算的 for 年度汇算."""
    said = _letters(without_courtesies(text))
    if len(said) < 2:
        return None
    labels = [(_letters(option.label), option) for option in clarification.options]
    found = [option for label, option in labels if label and (label in said or said in label)]
    return found[0] if len(found) == 1 else None


def _in_force(question_id: str, index: Index, asker: Asker) -> bool:
    question = index.base.by_id.get(question_id)
    return question is not None and question.in_force(asker.region, asker.day)


def _follow(state: DialogueState, option: Option, index: Index, asker: Asker) -> tuple[DialogueState, Reply]:
    if option.question_id is not None:
        try:
            return pick(option.question_id, index, asker)
        except LookupError:
            return _give_up(state)
    following = (
        index.base.clarification(option.clarification_id) if option.clarification_id is not None else None
    )
    return _give_up(state) if following is None else _ask_back(state, following)


def _ask_back(state: DialogueState, clarification: Clarification) -> tuple[DialogueState, Reply]:
    if state.rounds >= MAX_ROUNDS:
        return _give_up(state)
    again = DialogueState(clarification.clarification_id, state.rounds + 1, state.misses)
    return again, Reply(
        ReplyKind.CLARIFY,
        clarification_id=clarification.clarification_id,
        offer_human=state.rounds + 1 >= _PATIENCE,
    )


def _give_up(state: DialogueState) -> tuple[DialogueState, Reply]:
    return DialogueState(misses=state.misses + 1), Reply(ReplyKind.OFF_SUBJECT, offer_human=True)


def _search(index: Index, text: str, asker: Asker) -> Found:
    by_id = index.base.by_id
    return index.search(text, 8, lambda one: by_id[one].in_force(asker.region, asker.day))


def _same(phrasing: str, text: str) -> bool:
    return _letters(phrasing) == _letters(text) or _letters(phrasing) == _letters(without_courtesies(text))


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, normalise(text)))
