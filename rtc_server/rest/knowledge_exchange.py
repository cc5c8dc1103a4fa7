"""The editor's knowledge as XLSX or JSON, out and in; and how faults of what was written are told, each with its place."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from chatbot.exchange import BadKnowledgeError, Fault, dump
from chatbot.knowledge import KnowledgeBase, Question
from rtc_server.identity.policy import Permission
from rtc_server.knowledge.service import merged, read_json
from rtc_server.rest.audit import audit
from rtc_server.rest.errors import STATUS
from rtc_server.rest.resource import Call, Entry, View
from rtc_server.rest.sheets import XLSX
from signaling.errors import SENTENCES, BadInput, ErrorCode

MAX_IMPORT_BYTES = 16 * 1024 * 1024
_MAX_FAULTS_TOLD = 200


class Imported(View):
    """``checked``: nothing was changed, it was only looked whether it could be."""

    checked: bool
    questions: int
    added: int | None
    changed: int | None


async def _export_json(call: Call) -> web.Response:
    text = await asyncio.to_thread(
        lambda: json.dumps(dump(call.desk.knowledge.base), ensure_ascii=False, indent=1)
    )
    audit(call, "export_knowledge", "json")
    return _download(text.encode(), "application/json", "knowledge.json")


async def _export_xlsx(call: Call) -> web.Response:
    from rtc_server.knowledge import sheet  # openpyxl alone takes a third of a second of a start

    content = await asyncio.to_thread(sheet.write, call.desk.knowledge.base)
    audit(call, "export_knowledge", "xlsx")
    return _download(content, XLSX, "knowledge.xlsx")


async def _check_import(call: Call) -> Imported | web.Response:
    return await _import(call, apply=False)


async def _apply_import(call: Call) -> Imported | web.Response:
    return await _import(call, apply=True)


async def _import(call: Call, *, apply: bool) -> Imported | web.Response:
    """Read, checked whole, then kept whole: one broken row and nothing is changed."""
    knowledge = call.desk.knowledge
    content = await _content(call.request)
    parts: dict[str, Any] = {}
    try:
        if call.request.content_type == XLSX:
            from rtc_server.knowledge import sheet

            questions = await asyncio.to_thread(sheet.read, content, knowledge.base)
        elif call.request.content_type == "application/json":
            questions, parts = await asyncio.to_thread(read_json, content, knowledge.base)
        else:
            raise BadInput(ErrorCode.BAD_MESSAGE)
        if strange := _strange_documents(questions, knowledge.base):
            return faulty(strange)
        await asyncio.to_thread(merged, knowledge.base, questions, parts)
        if not apply:
            return Imported(checked=True, questions=len(questions), added=None, changed=None)
        added, changed = await knowledge.take_in(questions, parts, call.person.person_id)
    except BadKnowledgeError as error:
        return faulty(error.faults)
    audit(call, "import_knowledge", None, f"{added}+{changed}")
    return Imported(checked=False, questions=len(questions), added=added, changed=changed)


def _strange_documents(questions: Sequence[Question], base: KnowledgeBase) -> list[Fault]:
    """Files come in by upload alone: what another server holds, or another case, is not named into an answer."""
    faults: list[Fault] = []
    for one in questions:
        known = base.by_id.get(one.question_id)
        held = {document.file_id for document in known.documents} if known is not None else set()
        faults.extend(
            Fault(
                f"问题 {one.question_id}",
                f"附件“{document.name}”不在本系统中，请去掉后导入，再到编辑页面上传。",
            )
            for document in one.documents
            if document.file_id not in held
        )
    return faults


async def _content(request: web.Request) -> bytes:
    """Larger than other bodies may be, so it is read here, piece by piece, up to its own limit."""
    parts, size = [], 0
    async for part in request.content.iter_any():
        size += len(part)
        if size > MAX_IMPORT_BYTES:
            raise BadInput(ErrorCode.MESSAGE_TOO_LARGE)
        parts.append(part)
    return b"".join(parts)


def faulty(faults: Sequence[Fault]) -> web.Response:
    """Like every refusal, and each fault with its place beside it."""
    code = ErrorCode.BAD_MESSAGE
    body = {
        "error": {"code": code.value, "message": SENTENCES[code], "retry_after_ms": None},
        "faults": [{"place": one.place, "problem": one.problem} for one in faults[:_MAX_FAULTS_TOLD]],
        "fault_count": len(faults),
    }
    return web.Response(
        text=json.dumps(body, ensure_ascii=False),
        status=STATUS[code],
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _download(content: bytes, content_type: str, name: str) -> web.Response:
    return web.Response(
        body=content,
        content_type=content_type,
        headers={"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'},
    )


_P = Permission.EDIT_KNOWLEDGE

ENTRIES = (
    Entry("GET", "/api/knowledge/export.json", _P, _export_json, "Everything as JSON"),
    Entry("GET", "/api/knowledge/export.xlsx", _P, _export_xlsx, "The questions as a sheet"),
    Entry("POST", "/api/knowledge/import/check", _P, _check_import, "Whether a file could be taken in", answer=Imported),
    Entry("POST", "/api/knowledge/import", _P, _apply_import, "Take a file in, or tell every fault", answer=Imported),
)  # fmt: skip
