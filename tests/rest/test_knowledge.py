"""The editor's side of 悦悦: what is saved answers at once, what is broken changes nothing, every row is told."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook

from chatbot import demo
from rtc_server.identity.accounts import ACCOUNTS, Account
from rtc_server.knowledge.service import KnowledgeService
from rtc_server.records import knowledge as rows
from rtc_server.rest.knowledge_exchange import MAX_IMPORT_BYTES
from rtc_server.rest.sheets import XLSX
from tests.rest.conftest import House
from tests.rest.test_files import PDF

NEW = {
    "revision": 0,
    "topic": "fuwu",
    "title": "大厅里可以充电吗",
    "aliases": ["手机没电了大厅有插座吗"],
    "answer": "可以，请到**自助区**。",
}
URL = "/api/knowledge/questions/own-1"


async def send(
    house: House, method: str, path: str, account: str = "editor01", **more: Any
) -> tuple[int, Any]:
    headers = {**house.headers(account), **more.pop("headers", {})}
    response = await house.client.request(method, path, headers=headers, **more)
    text = await response.text()
    return response.status, json.loads(text) if text else None


async def answering(house: House) -> None:
    """Until the index is that of what was saved last."""
    assert await asyncio.to_thread(house.desk.knowledge.indexer.settled, 100)


async def sheet_of(house: House) -> Any:
    response = await house.client.get("/api/knowledge/export.xlsx", headers=house.headers("editor01"))
    assert response.status == 200
    return load_workbook(BytesIO(await response.read()))


async def take_in(house: House, book: Any, path: str = "/api/knowledge/import") -> tuple[int, Any]:
    out = BytesIO()
    book.save(out)
    return await send(house, "POST", path, data=out.getvalue(), headers={"Content-Type": XLSX})


async def test_only_editors(house: House) -> None:
    for account in ("taxpayer01", "agent01", "lead01"):
        for method, path in (("GET", "/api/knowledge/questions"), ("GET", "/api/knowledge/export.json")):
            status, body = await send(house, method, path, account)
            assert (status, body["error"]["code"]) == (403, "not_allowed")
    assert (await send(house, "GET", "/api/knowledge/questions", "admin"))[0] == 200


async def test_lists_are_filtered_and_paged(house: House) -> None:
    _, all_of_it = await send(house, "GET", "/api/knowledge/questions")
    assert all_of_it["total"] >= 200
    assert len(all_of_it["items"]) == 10
    _, second = await send(house, "GET", "/api/knowledge/questions?page=2&size=10")
    assert not {q["question_id"] for q in second["items"]} & {q["question_id"] for q in all_of_it["items"]}
    _, found = await send(house, "GET", "/api/knowledge/questions?words=契税 退&topic=tuishui")
    assert [q["title"] for q in found["items"]] == ["契税可以退吗"]
    _, pinned = await send(house, "GET", "/api/knowledge/questions?pinned=true")
    assert pinned["total"] == 3
    _, expired = await send(house, "GET", "/api/knowledge/questions?validity=expired")
    assert expired["total"] == 0
    status, _ = await send(house, "GET", "/api/knowledge/questions?words=100%25_")
    assert status == 200


async def test_what_is_saved_answers_without_a_restart(house: House) -> None:
    status, saved = await send(house, "PUT", URL, json=NEW)
    assert (status, saved["revision"], saved["updated_by"]) == (200, 1, "editor01")
    await answering(house)
    _, tried = await send(house, "POST", "/api/knowledge/try", json={"text": "手机没电了大厅有插座吗"})
    assert (tried["kind"], tried["question_ids"][0], tried["answer"]) == ("answer", "own-1", NEW["answer"])
    _, status_of_index = await send(house, "GET", "/api/knowledge/status")
    assert status_of_index["answering"] == status_of_index["version"]
    assert (await send(house, "DELETE", URL))[0] == 204
    await answering(house)
    _, tried = await send(house, "POST", "/api/knowledge/try", json={"text": "手机没电了大厅有插座吗"})
    assert "own-1" not in tried["question_ids"]


async def test_who_saves_over_another_is_told(house: House) -> None:
    await send(house, "PUT", URL, json=NEW)
    assert (await send(house, "PUT", URL, json=NEW | {"revision": 1, "title": "大厅能充电吗"}))[0] == 200
    status, body = await send(house, "PUT", URL, json=NEW | {"revision": 1, "title": "又改"})
    assert (status, body["error"]["code"]) == (409, "conflict")
    _, known = await send(house, "GET", URL)
    assert (known["title"], known["revision"]) == ("大厅能充电吗", 2)
    status, _ = await send(house, "POST", URL + "/aliases", json={"alias": "哪里有插头"})
    assert status == 200
    await send(house, "DELETE", URL)
    _, versions = await send(house, "GET", URL + "/versions")
    assert [v["revision"] for v in versions["versions"]] == [4, 3, 2, 1]
    assert versions["versions"][0]["content"] is None
    assert versions["versions"][1]["content"]["aliases"] == ["手机没电了大厅有插座吗", "哪里有插头"]
    # Back from its history: a new question to the list, a further version of the old one.
    status, again = await send(house, "PUT", URL, json=NEW)
    assert (status, again["revision"]) == (200, 5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"topic": "nothing"},
        {"title": ""},
        {"answer": " "},
        {"regions": ["4"]},
        {"valid_from": "tomorrow"},
        {"links": [{"title": "x", "url": "javascript:alert(1)"}]},
        {"aliases": ["x" * 201]},
    ],
)
async def test_a_wrong_question_changes_nothing(house: House, wrong: dict[str, Any]) -> None:
    version = house.desk.knowledge.base.version
    status, body = await send(house, "PUT", URL, json=NEW | wrong)
    assert (status, body["error"]["code"]) == (400, "bad_message")
    assert body["faults"]
    assert house.desk.knowledge.base.version == version
    assert (await send(house, "GET", URL))[0] == 404


async def test_a_sheet_goes_out_and_comes_back(house: House) -> None:
    book = await sheet_of(house)
    rows = list(book["问题"].iter_rows(values_only=True))
    assert len(rows) == 1 + len(demo.knowledge().questions)
    before = house.desk.knowledge.base
    status, body = await take_in(house, book)
    assert (status, body["added"], body["changed"]) == (200, 0, 0), body
    assert house.desk.knowledge.base.questions == before.questions

    sheet = book["问题"]
    sheet.cell(2, 3).value = "=1+1 怎样填写"
    sheet.cell(2, 3).data_type = "s"  # as a cell of text in a spreadsheet program
    sheet.append(
        [
            "own-1",
            "本服务使用",
            "大厅里可以充电吗",
            "有插座吗\n哪里充电",
            "可以。",
            None,
            "官网 https://a.example/b c",
        ]
    )
    status, body = await take_in(house, book)
    assert (status, body["error"]["code"]) == (400, "bad_message")  # an address with a space in it
    sheet.cell(sheet.max_row, 7).value = "税务 官网 https://a.example/b"
    status, body = await take_in(house, book, "/api/knowledge/import/check")
    assert (status, body["checked"], body["questions"]) == (200, True, len(rows))
    assert "own-1" not in house.desk.knowledge.base.by_id
    status, body = await take_in(house, book)
    assert (status, body["added"], body["changed"]) == (200, 1, 1)
    own = house.desk.knowledge.base.by_id["own-1"]
    assert own.aliases == ("有插座吗", "哪里充电")
    assert (own.links[0].title, own.links[0].url) == ("税务 官网", "https://a.example/b")
    again = await sheet_of(house)
    cell = next(row[2] for row in again["问题"].iter_rows() if row[0].value == sheet.cell(2, 1).value)
    assert (cell.value, cell.data_type) == ("=1+1 怎样填写", "s")


async def test_broken_rows_are_told_each_and_nothing_is_changed(house: House) -> None:
    book = await sheet_of(house)
    sheet = book["问题"]
    sheet.cell(3, 3).value = None
    sheet.cell(5, 9).value = "明年"
    sheet.cell(8, 2).value = "没有的分类"
    sheet.cell(9, 11).value = "第一"
    sheet.cell(11, 1).value = sheet.cell(10, 1).value
    sheet.cell(12, 3).value = "这一行是好的"
    before = house.desk.knowledge.base
    status, body = await take_in(house, book)
    assert status == 400
    assert [one["place"] for one in body["faults"]] == [f"第 {n} 行" for n in (3, 5, 8, 9, 11)]
    assert body["fault_count"] == 5
    assert house.desk.knowledge.base == before


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", XLSX),
        (b"PK\x03\x04 nothing", XLSX),
        (b"\x00" * 1000, XLSX),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"format": "knowledge/1", "questions": [{}]}', "application/json"),
        (b'{"format": "knowledge/1", "topics": [], "questions": []}', "application/json"),
        (b"x", "text/plain"),
    ],
)
async def test_what_is_no_file_of_ours_is_refused(house: House, content: bytes, kind: str) -> None:
    before = house.desk.knowledge.base
    status, body = await send(
        house, "POST", "/api/knowledge/import", data=content, headers={"Content-Type": kind}
    )
    assert (status, body["error"]["code"]) == (400, "bad_message")
    assert house.desk.knowledge.base == before


async def test_a_file_too_large_is_refused(house: House) -> None:
    status, body = await send(
        house,
        "POST",
        "/api/knowledge/import",
        data=b" " * (MAX_IMPORT_BYTES + 1),
        headers={"Content-Type": "application/json"},
    )
    assert (status, body["error"]["code"]) == (413, "message_too_large")


async def test_json_goes_out_and_comes_back_with_its_parts(house: House) -> None:
    status, whole = await send(house, "GET", "/api/knowledge/export.json")
    assert status == 200
    whole["packs"] = whole["packs"][:1]
    whole["questions"] = whole["questions"][:2]
    whole["questions"][0]["title"] = "改过的标题"
    status, body = await send(house, "POST", "/api/knowledge/import", json=whole)
    assert (status, body["added"], body["changed"]) == (200, 0, 1), body
    base = house.desk.knowledge.base
    assert len(base.packs) == 1
    assert len(base.questions) == len(demo.knowledge().questions)
    assert base.by_id[whole["questions"][0]["question_id"]].title == "改过的标题"


async def test_parts_are_replaced_whole_or_not_at_all(house: House) -> None:
    path = "/api/knowledge/parts/quick_entries"
    entry = {"entry_id": "own", "title": "本地公告", "kind": "link", "target": "https://a.example"}
    status, parts = await send(house, "PUT", path, json={"content": [entry]})
    assert (status, [one["entry_id"] for one in parts["quick_entries"]]) == (200, ["own"])
    wrong = entry | {"target": "file:///etc/passwd"}
    status, body = await send(house, "PUT", path, json={"content": [entry, wrong]})
    assert (status, body["faults"][0]["place"]) == (400, "快捷入口第 2 项")
    assert [one.title for one in house.desk.knowledge.base.entries] == ["本地公告"]
    # A topic questions belong to cannot go.
    status, body = await send(house, "PUT", "/api/knowledge/parts/topics", json={"content": []})
    assert (status, body["fault_count"]) == (400, len(house.desk.knowledge.base.topics))
    assert "个问题，请先移到其他分类" in body["faults"][0]["problem"]
    assert (await send(house, "PUT", "/api/knowledge/parts/nothing", json={"content": []}))[0] == 404


async def test_who_saves_a_part_over_another_is_told(house: House) -> None:
    """Two editors have the quick entries open; the second would undo what the first saved."""
    path = "/api/knowledge/parts/quick_entries"
    _, begun = await send(house, "GET", "/api/knowledge/parts")
    etag, first = begun["etags"]["quick_entries"], begun["quick_entries"]
    entry = {"entry_id": "own", "title": "本地公告", "kind": "link", "target": "https://a.example"}
    status, saved = await send(house, "PUT", path, json={"content": [*first, entry], "etag": etag})
    assert status == 200
    status, body = await send(house, "PUT", path, "admin", json={"content": first[:1], "etag": etag})
    assert (status, body["error"]["code"]) == (409, "conflict")
    assert [one.title for one in house.desk.knowledge.base.entries][-1] == "本地公告"
    # Other parts are nobody's business here; and who has looked again may save.
    status, _ = await send(
        house, "PUT", "/api/knowledge/parts/packs", json={"content": [], "etag": begun["etags"]["packs"]}
    )
    assert status == 200
    again = {"content": first[:1], "etag": saved["etags"]["quick_entries"]}
    assert (await send(house, "PUT", path, json=again))[0] == 200


async def test_what_was_removed_is_found_and_brought_back(house: House) -> None:
    await send(house, "PUT", URL, json=NEW)
    await send(house, "DELETE", URL)
    status, gone = await send(house, "GET", "/api/knowledge/removed")
    assert (status, gone["total"]) == (200, 1)
    assert [(one["question_id"], one["title"]) for one in gone["items"]] == [("own-1", NEW["title"])]
    assert gone["items"][0]["removed_by"] == "editor01"
    _, versions = await send(house, "GET", URL + "/versions")
    assert [one["content"] is None for one in versions["versions"]] == [True, False]
    assert (await send(house, "PUT", URL, json=NEW))[0] == 200
    _, gone = await send(house, "GET", "/api/knowledge/removed")
    assert (gone["total"], gone["items"]) == (0, [])


async def test_a_document_of_an_answer_is_for_everybody_who_may_ask(house: House) -> None:
    begun = await house.client.post(
        "/api/files", json={"name": "指引.pdf", "size": len(PDF)}, headers=house.headers("editor01")
    )
    assert begun.status == 201, await begun.text()
    file_id = (await begun.json())["file_id"]
    piece = await house.client.patch(
        f"/api/files/{file_id}",
        data=PDF,
        headers=house.headers("editor01")
        | {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"},
    )
    assert piece.status == 200, await piece.text()
    link = f"/api/files/{file_id}/link"
    assert (await send(house, "POST", link, "taxpayer01"))[0] == 404, "not before it belongs to an answer"
    # Not by somebody who has not sent it, and not what is no file.
    status, body = await send(house, "PUT", URL, "admin", json=NEW | {"documents": [file_id]})
    assert (status, body["error"]["code"]) == (404, "file_not_found")
    status, _ = await send(house, "PUT", URL, json=NEW | {"documents": ["f" + "0" * 32]})
    assert status == 404
    status, saved = await send(house, "PUT", URL, json=NEW | {"documents": [file_id]})
    assert (status, [one["name"] for one in saved["documents"]]) == (200, ["指引.pdf"])

    status, turn = await send(
        house, "POST", "/api/assistant/turns", "taxpayer01", json={"question_id": "own-1"}
    )
    assert status in (200, 404)  # 404: the index is not there yet
    await answering(house)
    _, turn = await send(house, "POST", "/api/assistant/turns", "taxpayer01", json={"question_id": "own-1"})
    assert [(one["name"], one["size"]) for one in turn["answer"]["documents"]] == [("指引.pdf", len(PDF))]
    await send(house, "PUT", "/api/assistant/favourites/own-1", "taxpayer01", json={"kept": True})
    _, kept = await send(house, "GET", "/api/assistant/favourites", "taxpayer01")
    assert kept["favourites"][0]["documents"] == turn["answer"]["documents"]
    status, opened = await send(house, "POST", link, "taxpayer01")
    assert status == 200
    content = await house.client.get(opened["url"])
    assert await content.read() == PDF

    # Another editor changes the words, a sheet comes back, an alias is added: the file stays.
    changed = NEW | {"revision": 1, "title": "大厅能充电吗", "documents": [file_id]}
    assert (await send(house, "PUT", URL, "admin", json=changed))[0] == 200
    book = await sheet_of(house)
    row = next(row for row in book["问题"].iter_rows() if row[0].value == "own-1")
    row[4].value = "新的答案。"
    assert (await take_in(house, book))[0] == 200
    assert (await send(house, "POST", URL + "/aliases", json={"alias": "哪里有插头"}))[0] == 200
    assert [one.file_id for one in house.desk.knowledge.base.by_id["own-1"].documents] == [file_id]
    # A file named by an import only is refused.
    _, whole = await send(house, "GET", "/api/knowledge/export.json")
    stranger = {**next(one for one in whole["questions"] if one["question_id"] == "own-1")}
    stranger["documents"] = [{**stranger["documents"][0], "file_id": "f" + "1" * 32}]
    status, body = await send(house, "POST", "/api/knowledge/import", json=whole | {"questions": [stranger]})
    assert (status, body["faults"][0]["place"]) == (400, "问题 own-1")
    # Taken off the answer it is nobody's; a version that had it may bring it back.
    _, now = await send(house, "GET", URL)
    assert (await send(house, "PUT", URL, json=NEW | {"revision": now["revision"]}))[0] == 200
    assert (await send(house, "POST", link, "taxpayer01"))[0] == 404
    again = NEW | {"revision": now["revision"] + 1, "documents": [file_id]}
    assert (await send(house, "PUT", URL, "admin", json=again))[0] == 200
    async with house.desk.recording.read() as connection:
        assert file_id in await rows.documents(connection)


async def test_faults_are_told_in_words_of_the_form(house: House) -> None:
    _, body = await send(house, "PUT", URL, json=NEW | {"answer": " "})
    assert [one["problem"] for one in body["faults"]] == ["答案不能为空。"]
    book = await sheet_of(house)
    book["问题"].cell(4, 1).value = None
    book["问题"].cell(6, 9).value = "明年"
    _, body = await take_in(house, book)
    assert [(one["place"], one["problem"]) for one in body["faults"]] == [
        ("第 4 行", "问题编号尚未填写。"),
        ("第 6 行", "有效期起应为日期，如 2026-12-31。"),
    ]


async def test_rights_are_shown_to_taxpayers_of_their_region(house: House) -> None:
    elsewhere = replace(ACCOUNTS["taxpayer01"], account="taxpayer11", authority=ACCOUNTS["agent11"].authority)

    async def shown(who: str | Account) -> list[str]:
        answer = await house.client.get("/api/centre/rights", headers=house.headers(who))
        assert answer.status == 200, await answer.text()
        return [one["title"] for one in (await answer.json())["rights"]]

    assert "知情权" in await shown("taxpayer01")
    path = "/api/knowledge/parts/rights"
    right = {"right_id": "all", "title": "全国", "text": "说明", "sort_order": 1}
    local = {
        "right_id": "gd",
        "title": "本省",
        "text": "说明",
        "url": "https://a.example/",
        "regions": ["440000"],
        "sort_order": 0,
    }
    status, parts = await send(house, "PUT", path, json={"content": [right, local]})
    assert (status, [one["right_id"] for one in parts["rights"]]) == (200, ["all", "gd"])
    assert await shown("taxpayer01") == ["本省", "全国"]
    assert await shown(elsewhere) == ["全国"], "of another province"
    for wrong in (
        {"url": "javascript:alert(1)"},
        {"regions": ["<b>"]},
        {"text": ""},
        {"right_id": "all"},
        {"text": "x" * 2_001},
    ):
        status, body = await send(house, "PUT", path, json={"content": [right, local | wrong]})
        assert (status, body["fault_count"]) == (400, 1), wrong
    assert await shown("taxpayer01") == ["本省", "全国"]
    refused = await house.client.get("/api/centre/rights", headers=house.headers("agent01"))
    assert refused.status == 403


async def test_another_node_follows(house: House) -> None:
    node = KnowledgeService(house.desk.recording, house.settings.data / "other.npz")
    try:
        await node.load()
        assert node.base == house.desk.knowledge.base
        assert not await node.catch_up()
        await send(house, "PUT", URL, json=NEW)
        assert await node.catch_up()
        assert node.base.by_id["own-1"].title == NEW["title"]
        assert node.base.version == house.desk.knowledge.base.version
    finally:
        await node.stop()


async def test_many_are_removed_at_once_and_it_is_recorded(house: House) -> None:
    ids = [one.question_id for one in house.desk.knowledge.base.questions[:5]]
    status, body = await send(
        house, "POST", "/api/knowledge/bulk", json={"action": "remove", "question_ids": [*ids, "nothing"]}
    )
    assert (status, body["changed"]) == (200, 5)
    assert not set(ids) & set(house.desk.knowledge.base.by_id)
    _, audit = await send(house, "GET", "/api/audit?action=remove_questions", "admin")
    assert [(one["actor_id"], one["detail"]) for one in audit["items"]] == [("editor01", "5")]
