"""Questions as a sheet (XLSX) and back: one row each; what is several stands in lines of one cell."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from io import BytesIO
from typing import Any
from xml.etree.ElementTree import ParseError

from openpyxl import Workbook, load_workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from chatbot.exchange import MAX_QUESTIONS, BadKnowledgeError, Fault, dump_question, parse_question
from chatbot.knowledge import KnowledgeBase, Question

_SHEET = "问题"
_COLUMNS: tuple[tuple[str, str, int], ...] = (
    ("编号", "question_id", 16),
    ("分类", "topic", 16),
    ("标准问题", "title", 36),
    ("相似问", "aliases", 48),
    ("答案", "answer", 72),
    ("关键词", "keywords", 20),
    ("链接", "links", 36),
    ("适用地区", "regions", 14),
    ("有效期起", "valid_from", 14),
    ("有效期止", "valid_until", 14),
    ("热点位次", "hot_rank", 10),
    ("推荐页面", "pages", 16),
    ("示例", "demonstration", 8),
)
_LISTS = frozenset({"aliases", "keywords", "regions", "pages"})
_REQUIRED = frozenset({"question_id", "topic", "title", "answer"})
_MAX_UNPACKED = 200 * 1024 * 1024
_MAX_FAULTS = 1_000
_YES = "是"


def write(base: KnowledgeBase) -> bytes:
    """Cells are text whatever they begin with, so that nothing runs as a formula where it is opened."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_SHEET)
    names = {one.topic_id: one.name for one in base.topics}
    for number, (_, _, width) in enumerate(_COLUMNS):
        sheet.column_dimensions[chr(ord("A") + number)].width = width
    sheet.freeze_panes = "A2"
    sheet.append([_cell(sheet, heading, bold=True) for heading, _, _ in _COLUMNS])
    for question in base.questions:
        item = dump_question(question)
        item["topic"] = names.get(question.topic, question.topic)
        sheet.append([_cell(sheet, _shown(field, item[field])) for _, field, _ in _COLUMNS])
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def read(content: bytes, base: KnowledgeBase) -> tuple[Question, ...]:
    """Topics are those of ``base``, by name or id. Raises ``BadKnowledgeError`` with every row that is wrong."""
    try:
        rows = _rows(content)
        return _questions(rows, base)
    except BadKnowledgeError:
        raise
    except (
        InvalidFileException,
        zipfile.BadZipFile,
        ParseError,
        KeyError,
        ValueError,
        OSError,
        EOFError,
        TypeError,
    ):
        raise BadKnowledgeError(
            [Fault("文件", "不是有效的 XLSX 表格，请使用导出的表格修改后重新导入。")]
        ) from None


def _questions(rows: Iterable[Sequence[Any]], base: KnowledgeBase) -> tuple[Question, ...]:
    each = iter(rows)
    headings = [str(value).strip() if value is not None else "" for value in next(each, ())]
    known = {heading: field for heading, field, _ in _COLUMNS}
    fields = [known.get(heading) for heading in headings]
    missing = [heading for heading, field, _ in _COLUMNS if field in _REQUIRED and field not in fields]
    if missing:
        raise BadKnowledgeError([Fault("第 1 行", f"缺少列：{'、'.join(missing)}。")])
    topics = {one.topic_id: one.topic_id for one in base.topics} | {
        one.name: one.topic_id for one in base.topics
    }
    faults: list[Fault] = []
    found: dict[str, Question] = {}
    for number, row in enumerate(each, start=2):
        if number > MAX_QUESTIONS + 1:
            faults.append(Fault(f"第 {number} 行", f"最多导入 {MAX_QUESTIONS} 个问题。"))
            break
        item = {field: value for field, value in zip(fields, row, strict=False) if field is not None}
        if all(value in (None, "") for value in item.values()):
            continue
        place = f"第 {number} 行"
        try:
            question = parse_question(_item(item, topics))
            if (before := base.by_id.get(question.question_id)) is not None:
                # Files have no column: who changes the words keeps them.
                question = replace(question, documents=before.documents)
            if question.question_id in found:
                faults.append(Fault(place, "编号与前面的行重复。"))
            found[question.question_id] = question
        except BadKnowledgeError as error:
            faults.extend(Fault(place, fault.problem) for fault in error.faults)
        if len(faults) >= _MAX_FAULTS:
            break
    if faults:
        raise BadKnowledgeError(faults)
    return tuple(found.values())


def _item(row: dict[str, Any], topics: dict[str, str]) -> dict[str, Any]:
    """Raises ``BadKnowledgeError``."""
    item: dict[str, Any] = {}
    for field, value in row.items():
        text = _text(value)
        if field in _LISTS:
            item[field] = [line.strip() for line in text.splitlines() if line.strip()]
        elif field == "links":
            item[field] = [_link(line) for line in text.splitlines() if line.strip()]
        elif field == "hot_rank":
            item[field] = _rank(text)
        elif field == "demonstration":
            item[field] = text == _YES
        else:
            item[field] = text or None
    topic = topics.get(item.get("topic") or "")
    if topic is None:
        raise BadKnowledgeError(
            [Fault("", f"没有名为“{(item.get('topic') or '')[:50]}”的分类，请先添加分类。")]
        )
    item["topic"] = topic
    return item


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _link(line: str) -> dict[str, str]:
    title, _, url = line.strip().rpartition(" ")
    return {"title": title.strip() or url, "url": url}


def _rank(text: str) -> int | str | None:
    if not text:
        return None
    # What is no number stays a text, and is told as a fault of the row.
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else text


def _rows(content: bytes) -> Iterable[Sequence[Any]]:
    with zipfile.ZipFile(BytesIO(content)) as packed:
        if sum(entry.file_size for entry in packed.infolist()) > _MAX_UNPACKED:
            raise BadKnowledgeError([Fault("文件", "表格解压后过大，请分批导入。")])
    book = load_workbook(BytesIO(content), read_only=True, data_only=True)
    sheet = book[_SHEET] if _SHEET in book.sheetnames else book.worksheets[0]
    return sheet.iter_rows(values_only=True, max_col=50)


def _shown(field: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return _YES
    if field in _LISTS:
        return "\n".join(value)
    if field == "links":
        return "\n".join(f"{link['title']} {link['url']}" for link in value)
    return str(value)


def _cell(sheet: WriteOnlyWorksheet, text: str, *, bold: bool = False) -> Cell:
    cell: Cell = WriteOnlyCell(sheet)
    cell.value = text
    cell.data_type = "s"
    cell.alignment = Alignment(vertical="top", wrap_text=True)
    if bold:
        cell.font = Font(bold=True)
    return cell
