"""The editor's side of 悦悦: questions with filters and versions, parts, the state of the index, a try."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import Field

from chatbot.decision import Verdict
from chatbot.dialogue import Asker, DialogueState, ReplyKind, say
from chatbot.exchange import MAX_DOCUMENTS, BadKnowledgeError, Fault, dump, dump_question, parse_question
from chatbot.indexer import IndexPhase
from chatbot.knowledge import Document, KnowledgeBase, Question
from rtc_server.identity.policy import Permission
from rtc_server.knowledge.service import Conflict, etag_of
from rtc_server.organisation.centres import DEFAULT_TIME_ZONE
from rtc_server.records import knowledge as rows
from rtc_server.records.knowledge import QUESTIONS, Part, Validity
from rtc_server.records.lists import Asked, ListSpec, Scope
from rtc_server.rest.attachments import FileId, own_files
from rtc_server.rest.audit import audit
from rtc_server.rest.knowledge_exchange import faulty
from rtc_server.rest.listing import Listing, ListQuery, ListResource
from rtc_server.rest.resource import Body, Call, Entry, Prose, View, Words
from signaling.errors import BadInput, ErrorCode, Refused
from signaling.wire.base import Identifier

Number = Annotated[int, Field(ge=1, le=100_000)]
ShortText = Annotated[str, Field(max_length=1_000)]
Texts = Annotated[list[ShortText], Field(max_length=200)]


class QuestionsQuery(ListQuery):
    """``words``: all of them in title or aliases, or the id."""

    words: Words = ""
    topic: Identifier | None = None
    pinned: bool | None = None
    validity: Validity | None = None

    def asked(self, spec: ListSpec[Any]) -> Asked:
        return replace(super().asked(spec), scans=bool(self.words.strip()))


class LinkBody(Body):
    title: ShortText
    url: ShortText


class QuestionBody(Body):
    """``revision``: of the version the editor began with; 0 for a new question. Days are ISO 8601."""

    revision: Annotated[int, Field(ge=0, le=2**31 - 1)]
    topic: Identifier
    title: ShortText
    aliases: Texts = Field(default_factory=list)
    answer: Annotated[str, Field(max_length=20_000)]
    keywords: Texts = Field(default_factory=list)
    links: Annotated[list[LinkBody], Field(max_length=50)] = Field(default_factory=list)
    regions: Texts = Field(default_factory=list)
    valid_from: ShortText | None = None
    valid_until: ShortText | None = None
    hot_rank: Number | None = None
    pages: Texts = Field(default_factory=list)
    demonstration: bool = False
    documents: Annotated[list[FileId], Field(max_length=MAX_DOCUMENTS)] = Field(default_factory=list)
    """Files one has uploaded, and those any version of the question had."""


class AliasBody(Body):
    """``turn_id``: of the work list, which it settles."""

    alias: ShortText
    turn_id: Identifier | None = None


class BulkBody(Body):
    """``move`` needs ``topic``; ``limit`` sets ``valid_until`` (None: open)."""

    action: Literal["remove", "move", "limit", "unpin"]
    topic: Identifier | None = None
    valid_until: ShortText | None = None
    question_ids: Annotated[list[Identifier], Field(min_length=1, max_length=1_000)]


class PartBody(Body):
    """``content`` in the form of the JSON export. ``etag``: of what the editor began with, so that nobody's work is
    overwritten unseen; without it whatever stands there is replaced."""

    content: list[Any]
    etag: Annotated[str, Field(max_length=64)] | None = None


class TryBody(Body):
    text: Prose
    region: Words | None = None


class DocumentView(View):
    """``size`` in bytes. A link to it is asked for when it is opened."""

    file_id: str
    name: str
    size: int
    media_type: str


class QuestionView(View):
    question_id: str
    topic: str
    title: str
    aliases: list[str]
    answer: str
    keywords: list[str]
    links: list[dict[str, str]]
    regions: list[str]
    valid_from: str | None
    valid_until: str | None
    hot_rank: int | None
    pages: list[str]
    demonstration: bool
    documents: list[DocumentView] = Field(default_factory=list)
    revision: int
    updated_at: int
    updated_by: str


class VersionView(View):
    """``content`` None: removed with this version."""

    revision: int
    saved_at: int
    saved_by: str
    content: dict[str, Any] | None


class Versions(View):
    versions: list[VersionView]


class RemovedView(View):
    question_id: str
    title: str
    removed_at: int
    removed_by: str


class PartsView(View):
    """``etags``: of each part, to be sent back with what is saved."""

    etags: dict[Part, str]
    topics: list[Any]
    synonyms: list[Any]
    off_subject: list[Any]
    clarifications: list[Any]
    packs: list[Any]
    quick_entries: list[Any]
    rights: list[Any]


class StatusView(View):
    """``answering`` is the version of the knowledge that answers now; it follows ``version`` when the index is built.
    ``done`` of ``total`` texts are embedded. Without ``vectors`` questions are found by their words alone."""

    version: int
    answering: int
    phase: IndexPhase
    done: int
    total: int
    vectors: bool
    questions: int


class Changed(View):
    changed: int


class Candidate(View):
    question_id: str
    title: str
    score: float


class TryView(View):
    kind: ReplyKind
    question_ids: list[str]
    answer: str | None
    prompt: str | None
    offer_human: bool
    verdict: Verdict
    candidates: list[Candidate]


def _view(_call: Call, row: rows.StoredQuestion) -> QuestionView:
    return QuestionView(
        **dump_question(parse_question(row.content)),
        revision=row.revision,
        updated_at=row.updated_at,
        updated_by=row.updated_by,
    )


class _Everything:
    def listed(self, call: Call) -> Scope:
        query = call.query(QuestionsQuery)
        return rows.matching(query.words.replace("\x00", ""), query.validity, _today().isoformat())

    def one(self, _call: Call) -> Scope:
        return ()


_QUESTIONS = ListResource(QUESTIONS, _view, _Everything())


async def _get(call: Call) -> QuestionView:
    return await _read(call, call.id("question_id"))


async def _save(call: Call) -> QuestionView | web.Response:
    body, question_id = call.body(QuestionBody), call.id("question_id")
    item = body.model_dump(exclude={"revision", "documents"}) | {"question_id": question_id}
    documents = await _documents(call, question_id, body.documents)
    try:
        question = replace(parse_question(item), documents=documents)
        await _store(call, question, body.revision, "save_question")
    except BadKnowledgeError as error:
        return faulty(error.faults)
    return await _read(call, question_id)


async def _documents(call: Call, question_id: str, file_ids: Sequence[str]) -> tuple[Document, ...]:
    """What a version of this question had may stay or come back; anything else is the editor's own upload. Raises
    ``Refused`` with ``file_not_found``."""
    if not file_ids:
        return ()
    async with call.desk.recording.read(caught_up=False) as connection:
        versions = await rows.versions(connection, question_id)
    known = {
        document.file_id: document
        for version in versions
        if version.content is not None
        for document in parse_question(version.content).documents
    }
    await own_files(call, [one for one in file_ids if one not in known])
    found = []
    for file_id in dict.fromkeys(file_ids):
        file = await call.desk.files.find(file_id)
        if file is None:
            raise Refused(ErrorCode.FILE_NOT_FOUND)
        found.append(Document(file_id, file.name, file.size, file.media_type))
    return tuple(found)


async def _add_alias(call: Call) -> QuestionView | web.Response:
    """One click of the work list: nobody's open form is overtaken by it, since it only adds."""
    body, question_id = call.body(AliasBody), call.id("question_id")
    known = await _read(call, question_id)
    item = known.model_dump(exclude={"revision", "updated_at", "updated_by"})
    item["aliases"] = [*known.aliases, body.alias]
    if body.alias not in (known.title, *known.aliases):
        try:
            await _store(call, parse_question(item), known.revision, "add_alias")
        except BadKnowledgeError as error:
            return faulty(error.faults)
    if body.turn_id is not None:
        await call.desk.assistant.settle(body.turn_id, call.person.person_id)
    return await _read(call, question_id)


async def _remove(call: Call) -> None:
    question_id = call.id("question_id")
    if not await call.desk.knowledge.remove_questions([question_id], call.person.person_id):
        raise Refused(ErrorCode.NOT_FOUND)
    audit(call, "remove_question", question_id)


async def _bulk(call: Call) -> Changed | web.Response:
    body, knowledge = call.body(BulkBody), call.desk.knowledge
    ids = list(dict.fromkeys(body.question_ids))
    if body.action == "remove":
        changed = await knowledge.remove_questions(ids, call.person.person_id)
    else:
        if body.action == "move" and body.topic is None:
            raise BadInput(ErrorCode.BAD_MESSAGE)
        field, value = {
            "move": ("topic", body.topic),
            "limit": ("valid_until", body.valid_until),
            "unpin": ("hot_rank", None),
        }[body.action]
        try:
            questions = [
                parse_question(dump_question(known) | {field: value})
                for one in ids
                if (known := knowledge.base.by_id.get(one)) is not None
            ]
            _, changed = await knowledge.take_in(questions, {}, call.person.person_id)
        except BadKnowledgeError as error:
            return faulty(error.faults)
    audit(call, f"{body.action}_questions", None, str(changed))
    return Changed(changed=changed)


async def _versions(call: Call) -> Versions:
    async with call.desk.recording.read(caught_up=False) as connection:
        found = await rows.versions(connection, call.id("question_id"))
    if not found:
        raise Refused(ErrorCode.NOT_FOUND)
    return Versions(
        versions=[
            VersionView(revision=v.revision, saved_at=v.saved_at, saved_by=v.saved_by, content=v.content)
            for v in found
        ]
    )


async def _removed(call: Call) -> Listing[RemovedView]:
    query = call.query(ListQuery)
    size = int(query.size)
    async with call.desk.recording.read(caught_up=False) as connection:
        found, total = await rows.removed(connection, (query.page - 1) * size, size)
    items = [
        RemovedView(
            question_id=one.question_id,
            title=one.title,
            removed_at=one.removed_at,
            removed_by=one.removed_by,
        )
        for one in found
    ]
    return Listing(items=items, total=total, page=query.page, size=size)


async def _parts(call: Call) -> PartsView:
    whole = dump(call.desk.knowledge.base)
    etags = {part: etag_of(whole[part.value]) for part in Part}
    return PartsView(etags=etags, **{part.value: whole[part.value] for part in Part})


async def _save_part(call: Call) -> PartsView | web.Response:
    name = call.id("part")
    if name not in set(Part):
        raise Refused(ErrorCode.NOT_FOUND)
    body = call.body(PartBody)
    if name == Part.TOPICS and (faults := _topics_in_use(body.content, call.desk.knowledge.base)):
        return faulty(faults)
    try:
        await call.desk.knowledge.save_part(Part(name), body.content, call.person.person_id, body.etag)
    except BadKnowledgeError as error:
        return faulty(error.faults)
    except Conflict as error:
        raise Refused(ErrorCode.CONFLICT) from error
    audit(call, "save_knowledge_part", name)
    return await _parts(call)


def _topics_in_use(content: list[Any], base: KnowledgeBase) -> list[Fault]:
    """Topics that would go although questions belong to them: one fault each, not one for every question."""
    kept = {one.get("topic_id") for one in content if isinstance(one, dict)}
    counts = Counter(one.topic for one in base.questions)
    return [
        Fault(f"分类“{topic.name}”", f"还有 {counts[topic.topic_id]} 个问题，请先移到其他分类，再删除它。")
        for topic in base.topics
        if topic.topic_id not in kept and counts[topic.topic_id]
    ]


async def _status(call: Call) -> StatusView:
    knowledge = call.desk.knowledge
    status = knowledge.indexer.status
    return StatusView(
        version=knowledge.base.version,
        answering=status.version,
        phase=status.phase,
        done=status.done,
        total=status.total,
        vectors=status.with_vectors,
        questions=len(knowledge.base.questions),
    )


async def _try(call: Call) -> TryView:
    """What 悦悦 would say to somebody who begins, and how she came to it."""
    body = call.body(TryBody)
    index = await call.desk.assistant.index()
    asker = Asker(body.region, _today())

    def think() -> TryView:
        from chatbot.decision import judge

        _, reply = say(DialogueState(), body.text, index, asker)
        found = index.search(body.text, 5)
        first = index.base.by_id.get(reply.question_ids[0]) if reply.kind is ReplyKind.ANSWER else None
        asked_back = (
            index.base.clarification(reply.clarification_id) if reply.clarification_id is not None else None
        )
        return TryView(
            kind=reply.kind,
            question_ids=list(reply.question_ids),
            answer=first.answer if first is not None else None,
            prompt=asked_back.prompt if asked_back is not None else None,
            offer_human=reply.offer_human,
            verdict=judge(found),
            candidates=[
                Candidate(
                    question_id=match.question_id,
                    title=index.base.by_id[match.question_id].title,
                    score=round(match.score, 4),
                )
                for match in found.matches
            ],
        )

    return await asyncio.to_thread(think)


async def _store(call: Call, question: Question, revision: int, action: str) -> None:
    """Raises ``BadKnowledgeError``, and ``Refused`` with ``conflict``."""
    try:
        await call.desk.knowledge.save_question(question, revision, call.person.person_id)
    except Conflict as error:
        raise Refused(ErrorCode.CONFLICT) from error
    audit(call, action, question.question_id)


async def _read(call: Call, question_id: str) -> QuestionView:
    async with call.desk.recording.read(caught_up=False) as connection:
        found = await rows.get(connection, question_id)
    if found is None:
        raise Refused(ErrorCode.NOT_FOUND)
    return _view(call, found)


def _today() -> Any:
    return datetime.now(ZoneInfo(DEFAULT_TIME_ZONE)).date()


_P = Permission.EDIT_KNOWLEDGE
_ONE = "/api/knowledge/questions/{question_id}"

ENTRIES = (
    Entry("GET", "/api/knowledge/questions", _P, _QUESTIONS.page, "Questions, filtered",
          query=QuestionsQuery, answer=Listing[QuestionView]),
    Entry("GET", _ONE, _P, _get, "One question", answer=QuestionView),
    Entry("PUT", _ONE, _P, _save, "Add or change a question", body=QuestionBody, answer=QuestionView),
    Entry("DELETE", _ONE, _P, _remove, "Remove a question"),
    Entry("POST", _ONE + "/aliases", _P, _add_alias, "One more phrasing", body=AliasBody, answer=QuestionView),
    Entry("GET", _ONE + "/versions", _P, _versions, "Every version of a question", answer=Versions),
    Entry("GET", "/api/knowledge/removed", _P, _removed, "Questions that were removed",
          query=ListQuery, answer=Listing[RemovedView]),
    Entry("POST", "/api/knowledge/bulk", _P, _bulk, "The same with many questions", body=BulkBody, answer=Changed),
    Entry("GET", "/api/knowledge/parts", _P, _parts, "Topics, synonyms, packs and the like", answer=PartsView),
    Entry("PUT", "/api/knowledge/parts/{part}", _P, _save_part, "Replace a part", body=PartBody, answer=PartsView),
    Entry("GET", "/api/knowledge/status", _P, _status, "What answers now, and the index", answer=StatusView),
    Entry("POST", "/api/knowledge/try", _P, _try, "What 悦悦 would answer", body=TryBody, answer=TryView),
)  # fmt: skip
