"""The audit log as the administrator searches it: filters, pages, a sheet; and that every recorded action has its words."""

from __future__ import annotations

import ast
import re
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook

import rtc_server
from rtc_server.records.audit import AuditEntry
from rtc_server.rest.audit import ACTIONS, AuditKind
from rtc_server.rest.listing import ListResource
from rtc_server.rest.resources import resources
from tests.rest.conftest import House

NOON = 1_795_233_600_000


def _some(house: House) -> None:
    actions = ("read_inquiry", "reveal_phone", "export_inquiry", "save_staff")
    house.desk.recording.keep_rows(
        *(
            AuditEntry(
                f"e{number:03}",
                NOON + number,
                "agent01" if number % 2 else "lead01",
                actions[number % 4],
                f"t{number % 5}",
                "192.0.2.1",
                "=1+1",
            )
            for number in range(48)
        )
    )


async def test_it_is_searched_by_person_action_kind_object_and_time(house: House) -> None:
    _some(house)
    admin = house.headers("admin")

    async def found(**wanted: str | int) -> tuple[int, list[dict[str, object]]]:
        answer = await house.client.get("/api/audit", params=wanted, headers=admin)
        assert answer.status == 200, await answer.text()
        body = await answer.json()
        return body["total"], body["items"]

    total, items = await found()
    assert (total, len(items), items[0]["entry_id"]) == (48, 10, "e047")
    assert (await found(page=5))[1][-1]["entry_id"] == "e000"
    assert (await found(actor_id="agent01"))[0] == 24
    total, items = await found(actor_id="101")
    assert (total, items[0]["staff_number"]) == (24, "101")
    total, items = await found(kind="revealed")
    assert (total, items[0]["action_name"], items[0]["kind_name"]) == (12, "查看手机号", "查看完整信息")
    assert (await found(kind="removed_by_age"))[0] == 0
    assert (await found(action="save_staff", subject="t3"))[0] == 3
    assert (await found(at_from=NOON + 40, at_before=NOON + 44))[0] == 4
    for wrong in ({"kind": "x"}, {"page": "0"}, {"at_from": "-1"}, {"unknown": "1"}):
        assert (await house.client.get("/api/audit", params=wrong, headers=admin)).status == 400


async def test_taking_it_out_is_recorded_itself(house: House) -> None:
    _some(house)
    admin = house.headers("admin")
    sheet = await house.client.get("/api/audit/export.xlsx", params={"kind": "exported"}, headers=admin)
    assert sheet.status == 200
    rows = list(load_workbook(BytesIO(await sheet.read())).active.iter_rows(values_only=True))  # type: ignore[union-attr]
    assert rows[0][:3] == ("时间", "操作人", "工号")
    assert len(rows) == 13
    assert rows[1][6] == "=1+1"
    listed = await (
        await house.client.get("/api/audit", params={"action": "export_audit_log"}, headers=admin)
    ).json()
    assert [(one["actor_id"], one["detail"]) for one in listed["items"]] == [("admin", "12")]


@pytest.mark.parametrize("account", ["taxpayer01", "agent01", "lead01", "editor01"])
async def test_nobody_else_sees_it(house: House, account: str) -> None:
    for path in ("/api/audit", "/api/audit/actions", "/api/audit/export.xlsx"):
        assert (await house.client.get(path, headers=house.headers(account))).status == 403


def test_every_recorded_action_has_its_words() -> None:
    """Actions stand as text where they are recorded: ``audit(call, "…")``, ``_edit(call, "…")``, ``action="…"``."""
    recorded: set[str] = set()
    for path in Path(rtc_server.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            texts = [str(one.value) for one in node.args if isinstance(one, ast.Constant)]
            if name in {"audit", "_edit", "_store"}:
                recorded.update(one for one in texts[:1] if re.fullmatch("[a-z_]+", one))
            if name == "AuditEntry":
                recorded.update(
                    str(one.value.value)
                    for one in node.keywords
                    if one.arg == "action" and isinstance(one.value, ast.Constant)
                )
    assert len(recorded) > 15
    assert recorded - {"json", "xlsx"} <= set(ACTIONS)
    assert {kind for kind, _ in ACTIONS.values()} == set(AuditKind)


def test_every_list_that_can_be_taken_out_has_words_for_it() -> None:
    lists = [
        getattr(entry.handler, "__self__", None)
        for entry in resources().entries
        if entry.path.endswith("/export.xlsx")
    ]
    kinds = {one.spec.kind.name for one in lists if isinstance(one, ListResource)}
    assert {"inquiry", "audit_log"} <= kinds
    assert all(ACTIONS[f"export_{kind}"][0] is AuditKind.EXPORTED for kind in kinds)
