"""A knowledge base as JSON and back. Every fault of what comes in is reported with its place; nothing is half taken."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from chatbot.knowledge import (
    Clarification,
    Document,
    EntryKind,
    KnowledgeBase,
    Link,
    Option,
    Pack,
    Question,
    QuickEntry,
    Right,
    Topic,
)

FORMAT = "knowledge/1"
_NAMES = {
    "topics": "分类",
    "questions": "问题",
    "synonyms": "同义词",
    "off_subject": "不受理的说法",
    "clarifications": "反问",
    "packs": "套餐",
    "quick_entries": "快捷入口",
    "rights": "权益",
    "topic_id": "分类编号",
    "question_id": "问题编号",
    "clarification_id": "反问编号",
    "pack_id": "套餐编号",
    "entry_id": "入口编号",
    "right_id": "权益编号",
    "question_ids": "套餐中的问题",
    "topic": "分类",
    "title": "标题",
    "name": "名称",
    "aliases": "相似问",
    "answer": "答案",
    "keywords": "关键词",
    "links": "链接",
    "url": "地址",
    "regions": "适用地区",
    "valid_from": "有效期起",
    "valid_until": "有效期止",
    "pages": "推荐页面",
    "prompt": "反问的话",
    "triggers": "触发词",
    "label": "选项",
    "target": "地址或问题",
    "text": "说明",
    "documents": "附件",
    "file_id": "附件编号",
    "media_type": "附件类型",
}
"""What an editor reads for a key of the JSON form."""
_ID = re.compile(r"^[A-Za-z0-9_.:-]{1,64}$")
_REGION = re.compile(r"^([0-9]{6}|[\u4e00-\u9fff]{2,20})$")
_FILE_ID = re.compile(r"^f[0-9a-f]{32}$")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
MAX_TITLE = 200
MAX_ANSWER = 20_000
MAX_ALIASES = 200
MAX_RIGHT = 2_000
MAX_ITEMS = 50
MAX_DOCUMENTS = 10
MAX_QUESTIONS = 50_000


@dataclass(frozen=True, slots=True)
class Fault:
    """``place``: such as 套餐第 3 项, or a row of a sheet. ``problem`` is a Chinese sentence for the editor."""

    place: str
    problem: str


class BadKnowledgeError(Exception):
    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = faults


class _Wrong(Exception):
    """One fault of one item; the text is for the editor."""


def dump(base: KnowledgeBase) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "topics": [{"topic_id": one.topic_id, "name": one.name} for one in base.topics],
        "synonyms": [list(group) for group in base.synonyms],
        "off_subject": list(base.off_subject),
        "packs": [
            {
                "pack_id": p.pack_id,
                "name": p.name,
                "sort_order": p.sort_order,
                "question_ids": list(p.question_ids),
            }
            for p in base.packs
        ],
        "quick_entries": [
            {
                "entry_id": e.entry_id,
                "title": e.title,
                "kind": e.kind.value,
                "target": e.target,
                "regions": list(e.regions),
                "sort_order": e.sort_order,
            }
            for e in base.entries
        ],
        "rights": [
            {
                "right_id": r.right_id,
                "title": r.title,
                "text": r.text,
                "url": r.url,
                "regions": list(r.regions),
                "sort_order": r.sort_order,
            }
            for r in base.rights
        ],
        "clarifications": [dump_clarification(one) for one in base.clarifications],
        "questions": [dump_question(one) for one in base.questions],
    }


def dump_clarification(one: Clarification) -> dict[str, Any]:
    return {
        "clarification_id": one.clarification_id,
        "prompt": one.prompt,
        "triggers": list(one.triggers),
        "options": [
            {"label": o.label, "question_id": o.question_id, "clarification_id": o.clarification_id}
            for o in one.options
        ],
    }


def dump_question(one: Question) -> dict[str, Any]:
    documents = [
        {"file_id": d.file_id, "name": d.name, "size": d.size, "media_type": d.media_type}
        for d in one.documents
    ]
    return {
        "question_id": one.question_id,
        "topic": one.topic,
        "title": one.title,
        "aliases": list(one.aliases),
        "answer": one.answer,
        "keywords": list(one.keywords),
        "links": [{"title": link.title, "url": link.url} for link in one.links],
        "regions": list(one.regions),
        "valid_from": one.valid_from.isoformat() if one.valid_from else None,
        "valid_until": one.valid_until.isoformat() if one.valid_until else None,
        "hot_rank": one.hot_rank,
        "pages": list(one.pages),
        "demonstration": one.demonstration,
        # Only where there are any: what was stored before there were is the same as before.
        **({"documents": documents} if documents else {}),
    }


def parse(data: object, version: int = 0) -> KnowledgeBase:
    """Raises ``BadKnowledgeError`` with every fault there is."""
    faults: list[Fault] = []
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise BadKnowledgeError([Fault("文件", f"不是知识库文件，应含有 format: {FORMAT}。")])

    def each(name: str, read: Any) -> tuple[Any, ...]:
        items = data.get(name, [])
        if not isinstance(items, list) or len(items) > MAX_QUESTIONS:
            faults.append(Fault(_NAMES[name], "应为列表，且条数不超过上限。"))
            return ()
        result = []
        for number, item in enumerate(items):
            try:
                result.append(read(item))
            except _Wrong as wrong:
                faults.append(Fault(_place(name, number, item), str(wrong)))
        return tuple(result)

    base = KnowledgeBase(
        version=version,
        topics=each("topics", lambda item: Topic(_id(item, "topic_id"), _text(item, "name", 50))),
        questions=each("questions", _question),
        synonyms=each("synonyms", _synonyms),
        off_subject=each("off_subject", lambda item: _phrase(item, MAX_TITLE)),
        clarifications=each("clarifications", _clarification),
        packs=each("packs", _pack),
        entries=each("quick_entries", _entry),
        rights=each("rights", _right),
    )
    faults.extend(_twice("questions", [one.question_id for one in base.questions]))
    faults.extend(_twice("rights", [one.right_id for one in base.rights]))
    topics = {one.topic_id for one in base.topics}
    faults.extend(
        Fault(f"问题 {one.question_id}", f"没有编号为 {one.topic} 的分类，请先添加分类。")
        for one in base.questions
        if one.topic not in topics
    )
    if faults:
        raise BadKnowledgeError(faults)
    return base


def _place(name: str, number: int, item: object) -> str:
    """Of a question its title too: a file of thousands is searched by it."""
    title = item.get("title") if name == "questions" and isinstance(item, dict) else None
    told = f"“{title[:30]}”" if isinstance(title, str) and title.strip() else ""
    return f"{_NAMES[name]}第 {number + 1} 项{told}"


def parse_question(item: object) -> Question:
    """Raises ``BadKnowledgeError`` with the one fault."""
    try:
        return _question(item)
    except _Wrong as wrong:
        raise BadKnowledgeError([Fault("question", str(wrong))]) from None


def _question(item: object) -> Question:
    aliases = _strings(item, "aliases", MAX_TITLE, MAX_ALIASES)
    title = _text(item, "title", MAX_TITLE)
    first, last = _day(item, "valid_from"), _day(item, "valid_until")
    if first is not None and last is not None and last < first:
        raise _Wrong("有效期的截止日期早于开始日期。")
    regions = _regions(item)
    rank = _get(item, "hot_rank")
    if rank is not None and (not isinstance(rank, int) or isinstance(rank, bool) or not 1 <= rank <= 100):
        raise _Wrong("热点位次应为 1 到 100 的整数，或留空。")
    return Question(
        question_id=_id(item, "question_id"),
        topic=_id(item, "topic"),
        title=title,
        aliases=tuple(dict.fromkeys(one for one in aliases if one != title)),
        answer=_text(item, "answer", MAX_ANSWER),
        keywords=_strings(item, "keywords", 50, MAX_ITEMS),
        links=_links(item),
        regions=regions,
        valid_from=first,
        valid_until=last,
        hot_rank=rank,
        pages=_strings(item, "pages", 50, MAX_ITEMS),
        demonstration=_get(item, "demonstration") is True,
        documents=_documents(item),
    )


def _clarification(item: object) -> Clarification:
    options = _get(item, "options")
    if not isinstance(options, list) or not 1 <= len(options) <= 12:
        raise _Wrong("反问应有 1 到 12 个选项。")
    return Clarification(
        _id(item, "clarification_id"),
        _text(item, "prompt", MAX_TITLE),
        _strings(item, "triggers", 50, MAX_ITEMS),
        tuple(
            Option(
                _text(one, "label", 50),
                _id(one, "question_id") if _get(one, "question_id") else None,
                _id(one, "clarification_id") if _get(one, "clarification_id") else None,
            )
            for one in options
        ),
    )


def _pack(item: object) -> Pack:
    return Pack(
        _id(item, "pack_id"), _text(item, "name", 50), _strings(item, "question_ids", 64, 2_000), _order(item)
    )


def _entry(item: object) -> QuickEntry:
    kind = _get(item, "kind")
    if kind not in set(EntryKind):
        raise _Wrong("快捷入口的类型应为链接（link）或问题（question）。")
    target = _text(item, "target", 1_000)
    if kind == EntryKind.LINK:
        _web(target)
    return QuickEntry(
        _id(item, "entry_id"),
        _text(item, "title", 50),
        EntryKind(kind),
        target,
        _strings(item, "regions", 20, MAX_ITEMS),
        _order(item),
    )


def _right(item: object) -> Right:
    url = _get(item, "url")
    return Right(
        _id(item, "right_id"),
        _text(item, "title", 50),
        _text(item, "text", MAX_RIGHT),
        _web(_text(item, "url", 1_000)) if url not in (None, "") else None,
        _regions(item),
        _order(item),
    )


def _regions(item: object) -> tuple[str, ...]:
    regions = _strings(item, "regions", 20, MAX_ITEMS)
    if not all(_REGION.match(one) for one in regions):
        raise _Wrong("适用地区应为六位行政区划代码或名称，如 442000、广东。")
    return regions


def _links(item: object) -> tuple[Link, ...]:
    found = _get(item, "links") or []
    if not isinstance(found, list) or len(found) > MAX_ITEMS:
        raise _Wrong("链接应为列表。")
    return tuple(Link(_text(one, "title", 100), _web(_text(one, "url", 1_000))) for one in found)


def _documents(item: object) -> tuple[Document, ...]:
    found = _get(item, "documents") or []
    if not isinstance(found, list) or len(found) > MAX_DOCUMENTS:
        raise _Wrong(f"附件最多 {MAX_DOCUMENTS} 个。")
    documents = []
    for one in found:
        file_id, size = _get(one, "file_id"), _get(one, "size")
        if not isinstance(file_id, str) or not _FILE_ID.match(file_id):
            raise _Wrong("附件编号无法识别，请在编辑页面重新上传。")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise _Wrong("附件大小应为字节数。")
        documents.append(Document(file_id, _text(one, "name", 255), size, _text(one, "media_type", 100)))
    return tuple(documents)


def _web(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        raise _Wrong("链接地址无法识别。") from None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise _Wrong("链接地址应以 http:// 或 https:// 开头。")
    return address


def _synonyms(item: object) -> tuple[str, ...]:
    if not isinstance(item, list) or not 2 <= len(item) <= MAX_ITEMS:
        raise _Wrong("一组同义词应有 2 到 50 个词。")
    return tuple(_phrase(one, 30) for one in item)


def _get(item: object, name: str) -> Any:
    if not isinstance(item, Mapping):
        raise _Wrong("内容格式不正确。")
    return item.get(name)


def _id(item: object, name: str) -> str:
    value = _get(item, name)
    if not isinstance(value, str) or not _ID.match(value):
        raise _Wrong(
            f"{_NAMES[name]}尚未填写。"
            if value in (None, "")
            else f"{_NAMES[name]}应为 1 到 64 位字母、数字或 _ . : -。"
        )
    return value


def _text(item: object, name: str, longest: int) -> str:
    value = _get(item, name)
    if not isinstance(value, str) or not value.strip():
        raise _Wrong(f"{_NAMES[name]}不能为空。")
    return _phrase(value, longest, _NAMES[name])


def _phrase(value: object, longest: int, what: str = "文字") -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > longest or _CONTROL.search(value):
        raise _Wrong(f"{what}不能为空，不超过 {longest} 字，且不含控制字符。")
    return value.strip()


def _strings(item: object, name: str, longest: int, most: int) -> tuple[str, ...]:
    value = _get(item, name) or []
    if not isinstance(value, list) or len(value) > most:
        raise _Wrong(f"{_NAMES[name]}应为列表，最多 {most} 项。")
    return tuple(_phrase(one, longest, _NAMES[name]) for one in value)


def _order(item: object) -> int:
    value = _get(item, "sort_order")
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100_000 else 0


def _day(item: object, name: str) -> date | None:
    value = _get(item, name)
    if value in (None, ""):
        return None
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise _Wrong(f"{_NAMES[name]}应为日期，如 2026-12-31。") from None


def _twice(name: str, ids: list[str]) -> list[Fault]:
    seen: set[str] = set()
    result = []
    for one in ids:
        if one in seen:
            result.append(Fault(f"{_NAMES[name]} {one}", "编号重复。"))
        seen.add(one)
    return result
