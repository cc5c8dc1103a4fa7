"""悦悦 for the taxpayer: asking, type-ahead, what is shown unasked, judging, favourites; and what the human sees of it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, model_validator

from chatbot.dialogue import ReplyKind
from chatbot.knowledge import EntryKind, Question
from rtc_server.assistant.service import DAY_MS, Said
from rtc_server.identity.policy import Permission
from rtc_server.records.assistant import AssistantTurn, Feedback, FeedbackReason, Via
from rtc_server.rest import access
from rtc_server.rest.context import SETTINGS
from rtc_server.rest.limits import SUGGESTIONS_PATH, count
from rtc_server.rest.resource import Body, Call, Entry, Query, View, Words
from signaling.wire.base import Identifier

MAX_ASKED = 500
_PRINTABLE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
Asked = Annotated[str, Field(max_length=MAX_ASKED, pattern=_PRINTABLE)]
_OWN_TURNS = 30
_BEFORE_INTERACTION_MS = DAY_MS
"""So far back the human sees what was asked of 悦悦."""


class AskBody(Body):
    """One of ``text``, ``question_id`` and ``clarification_id`` with ``option`` (its place, from 0). ``page``: words of
    the host page and business."""

    text: Asked | None = None
    question_id: Identifier | None = None
    clarification_id: Identifier | None = None
    option: Annotated[int, Field(ge=0, le=100)] = 0
    page: Words = ""
    spoken: bool = False
    """Of ``text``: dictated, at least in part."""

    @model_validator(mode="after")
    def _one_of_three(self) -> AskBody:
        if [self.text, self.question_id, self.clarification_id].count(None) != 2:
            raise ValueError("one of three")
        if self.text is not None and not self.text.strip():
            raise ValueError("empty")
        return self


class FeedbackBody(Body):
    """``reason`` belongs to ``useless``."""

    feedback: Feedback
    reason: FeedbackReason | None = None


class SuggestQuery(Query):
    text: Annotated[str, Field(max_length=100, pattern=_PRINTABLE)]


class TurnsQuery(Query):
    """``before``: milliseconds since the epoch; only what was asked earlier, however long ago."""

    before: Annotated[int, Field(ge=0, le=2**53)] | None = None


class WelcomeQuery(Query):
    page: Words = ""


class GuessQuery(Query):
    """``skip`` counts what was shown before."""

    page: Words = ""
    skip: Annotated[int, Field(ge=0, le=100_000)] = 0


class PackQuery(Query):
    words: Words = ""


class QuestionRef(View):
    question_id: str
    title: str


class LinkView(View):
    title: str
    url: str


class DocumentView(View):
    """``size`` in bytes. A link to it is asked for when it is opened (``POST /api/files/{file_id}/link``)."""

    file_id: str
    name: str
    size: int
    media_type: str


class AnswerView(View):
    """``text`` is Markdown. ``demonstration``: made up for a demonstration, no ground for a tax matter."""

    question_id: str
    title: str
    text: str
    links: list[LinkView]
    documents: list[DocumentView]
    demonstration: bool


class ClarificationView(View):
    clarification_id: str
    prompt: str
    options: list[str]


class TurnView(View):
    """``answer`` None although ``kind`` is ``answer``: the question is not there any more. ``questions``: choices, or what
    is related to the answer. ``at`` in milliseconds since the epoch."""

    turn_id: str
    at: int
    asked: str
    via: Via
    kind: ReplyKind
    answer: AnswerView | None
    questions: list[QuestionRef]
    clarification: ClarificationView | None
    offer_human: bool
    feedback: Feedback | None
    feedback_reason: FeedbackReason | None


class Turns(View):
    """In their order; at most 30."""

    turns: list[TurnView]


class Questions(View):
    questions: list[QuestionRef]


class PackView(View):
    pack_id: str
    name: str


class EntryView(View):
    """``target``: an address, or the id of a question."""

    entry_id: str
    title: str
    kind: EntryKind
    target: str


class KeptAnswers(View):
    favourites: list[AnswerView]


class Welcome(View):
    """What is shown before anything is asked. ``favourites`` are those that still exist."""

    guesses: list[QuestionRef]
    hot: list[QuestionRef]
    packs: list[PackView]
    entries: list[EntryView]
    favourites: list[QuestionRef]
    turns: list[TurnView]


class Suggestions(View):
    """``text``: what they are for, so that a late answer is recognised."""

    text: str
    questions: list[QuestionRef]


class FavouriteState(View):
    question_id: str
    kept: bool


class FavouriteBody(Body):
    kept: bool


class Feedbacks(View):
    feedback: Feedback
    reason: FeedbackReason | None


async def _ask(call: Call) -> TurnView:
    limits = call.request.app[SETTINGS].limits
    await count(call.request, limits.questions_per_person, "questions", call.person.person_id)
    body = call.body(AskBody)
    said = Said(
        body.text.strip() if body.text is not None else None,
        body.question_id,
        body.clarification_id,
        body.option,
        body.spoken,
    )
    return view(call, await call.desk.assistant.ask(call.person, said, body.page))


async def _turns(call: Call) -> Turns:
    return Turns(turns=await _own(call, call.query(TurnsQuery).before))


async def _own(call: Call, before: int | None = None) -> list[TurnView]:
    now = time.time_ns() // 1_000_000
    since, until = (now - DAY_MS, now + 1) if before is None else (0, before)
    found = await call.desk.assistant.turns(call.person.person_id, _OWN_TURNS, since=since, until=until)
    return [view(call, one) for one in found]


async def _welcome(call: Call) -> Welcome:
    assistant, person, base = call.desk.assistant, call.person, call.desk.knowledge.base
    assistant.expect_questions()
    kept = await assistant.favourites(person.person_id)
    asker = assistant.asker(person)
    return Welcome(
        guesses=_refs(await assistant.guesses(person, call.query(WelcomeQuery).page, 0)),
        hot=_refs(assistant.hot(person)),
        packs=[
            PackView(pack_id=one.pack_id, name=one.name)
            for one in sorted(base.packs, key=lambda pack: (pack.sort_order, pack.pack_id))
            if base.in_force(one.question_ids, asker.region, asker.day)
        ],
        entries=[
            EntryView(entry_id=one.entry_id, title=one.title, kind=one.kind, target=one.target)
            for one in assistant.entries(person)
        ],
        favourites=_refs(base.in_force(kept, asker.region, asker.day)),
        turns=await _own(call),
    )


async def _guesses(call: Call) -> Questions:
    asked = call.query(GuessQuery)
    return Questions(questions=_refs(await call.desk.assistant.guesses(call.person, asked.page, asked.skip)))


async def _pack(call: Call) -> Questions:
    words = call.query(PackQuery).words
    return Questions(questions=_refs(call.desk.assistant.pack(call.person, call.id("pack_id"), words)))


async def _suggest(call: Call) -> Suggestions:
    limits = call.request.app[SETTINGS].limits
    await count(call.request, limits.suggestions_per_person, "suggestions", call.person.person_id)
    text = call.query(SuggestQuery).text
    return Suggestions(text=text, questions=_refs(await call.desk.assistant.suggest(call.person, text)))


async def _judge(call: Call) -> Feedbacks:
    body = call.body(FeedbackBody)
    turn = await call.desk.assistant.judge(call.person, call.id("turn_id"), body.feedback, body.reason)
    return Feedbacks(feedback=body.feedback, reason=turn.feedback_reason)


async def _favourites(call: Call) -> KeptAnswers:
    assistant, base = call.desk.assistant, call.desk.knowledge.base
    asker = assistant.asker(call.person)
    kept = base.in_force(await assistant.favourites(call.person.person_id), asker.region, asker.day)
    return KeptAnswers(favourites=[answer_view(one) for one in kept])


async def _favourite(call: Call) -> FavouriteState:
    question_id, kept = call.id("question_id"), call.body(FavouriteBody).kept
    await call.desk.assistant.keep_favourite(call.person.person_id, question_id, kept)
    return FavouriteState(question_id=question_id, kept=kept)


async def _of_interaction(call: Call) -> Turns:
    """What the taxpayer asked before this interaction, while waiting for it included."""
    found = await access.visible(call.desk, call.person, call.id("interaction_id"))
    turns = await call.desk.assistant.turns(
        found.taxpayer_id,
        _OWN_TURNS,
        since=found.opened_at - _BEFORE_INTERACTION_MS,
        until=found.closed_at if found.closed_at is not None else time.time_ns() // 1_000_000 + 1,
    )
    return Turns(turns=[view(call, one) for one in turns])


def view(call: Call, turn: AssistantTurn) -> TurnView:
    """With the knowledge as it is now."""
    base = call.desk.knowledge.base
    question = base.by_id.get(turn.question_id) if turn.question_id is not None else None
    asked_back = (
        base.clarification(turn.clarification_id)
        if turn.clarification_id is not None and turn.kind is ReplyKind.CLARIFY
        else None
    )
    return TurnView(
        turn_id=turn.turn_id,
        at=turn.at,
        asked=turn.asked,
        via=turn.via,
        kind=turn.kind,
        answer=answer_view(question) if question is not None else None,
        questions=_refs(base.by_id[one] for one in turn.question_ids if one in base.by_id),
        clarification=ClarificationView(
            clarification_id=asked_back.clarification_id,
            prompt=asked_back.prompt,
            options=[option.label for option in asked_back.options],
        )
        if asked_back is not None
        else None,
        offer_human=turn.offer_human,
        feedback=turn.feedback,
        feedback_reason=turn.feedback_reason,
    )


def answer_view(question: Question) -> AnswerView:
    return AnswerView(
        question_id=question.question_id,
        title=question.title,
        text=question.answer,
        links=[LinkView(title=link.title, url=link.url) for link in question.links],
        documents=[
            DocumentView(file_id=one.file_id, name=one.name, size=one.size, media_type=one.media_type)
            for one in question.documents
        ],
        demonstration=question.demonstration,
    )


def _refs(questions: Iterable[Question]) -> list[QuestionRef]:
    return [QuestionRef(question_id=one.question_id, title=one.title) for one in questions]


_P = Permission.ASK_ASSISTANT
_A = "/api/assistant"

ENTRIES = (
    Entry("GET", f"{_A}/welcome", _P, _welcome, "Everything shown before a question", query=WelcomeQuery, answer=Welcome),
    Entry("GET", f"{_A}/guesses", _P, _guesses, "猜你想问: the next three", query=GuessQuery, answer=Questions),
    Entry("GET", f"{_A}/packs/{{pack_id}}", _P, _pack, "Questions of a pack, searched", query=PackQuery, answer=Questions),
    Entry("GET", SUGGESTIONS_PATH, _P, _suggest, "Type-ahead", query=SuggestQuery, answer=Suggestions),
    Entry("POST", f"{_A}/turns", _P, _ask, "Ask 悦悦", body=AskBody, answer=TurnView),
    Entry("GET", f"{_A}/turns", _P, _turns, "What one asked today, or before a time", query=TurnsQuery,
          answer=Turns),
    Entry("PUT", f"{_A}/turns/{{turn_id}}/feedback", _P, _judge, "有用 or 无用", body=FeedbackBody, answer=Feedbacks),
    Entry("GET", f"{_A}/favourites", _P, _favourites, "Answers one has kept, those that still exist",
          answer=KeptAnswers),
    Entry("PUT", f"{_A}/favourites/{{question_id}}", _P, _favourite, "Keep or give up a favourite",
          body=FavouriteBody, answer=FavouriteState),
    Entry("GET", "/api/interactions/{interaction_id}/assistant", Permission.SERVE, _of_interaction,
          "What the taxpayer asked 悦悦", answer=Turns),
)  # fmt: skip
