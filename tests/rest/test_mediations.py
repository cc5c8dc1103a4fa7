"""Mediation applications over REST: who sees them, who dispatches them, what a restart finds."""

from __future__ import annotations

import re
from typing import Any

from tests.rest.conftest import House

ASKED = {"subject": "核定税额争议", "detail": "对核定结果有异议，申请调解。"}


async def post(house: House, path: str, account: str, body: dict[str, Any], status: int = 201) -> Any:
    response = await house.client.post(path, json=body, headers=house.headers(account))
    assert response.status == status, await response.text()
    return await response.json()


async def listed(house: House, account: str) -> list[dict[str, Any]]:
    response = await house.client.get("/api/mediations", headers=house.headers(account))
    assert response.status == 200, await response.text()
    return list((await response.json())["applications"])


async def test_applied_dispatched_and_found_by_those_concerned(house: House) -> None:
    made = await post(house, "/api/mediations", "taxpayer01", ASKED)
    assert re.fullmatch(r"TJSQ440106\d{8}0001", made["number"])
    assert (made["phase"], made["meeting_id"]) == ("applied", None)
    assert "张三" not in str(made)
    own = made["application_id"]
    for account, sees in (
        ("taxpayer01", 1),
        ("taxpayer02", 0),
        ("agent01", 1),
        ("agent11", 0),
        ("lead01", 1),
    ):
        assert len(await listed(house, account)) == sees, account
    path = f"/api/mediations/{own}/dispatch"
    await post(house, path, "taxpayer01", {"agent_id": "agent01"}, 403)
    await post(house, path, "agent11", {"agent_id": "agent11"}, 404)
    await post(house, path, "lead01", {"agent_id": "nobody"}, 404)
    given = await post(house, path, "lead01", {"agent_id": "agent02"}, 200)
    assert (given["phase"], given["agent_number"]) == ("dispatched", "102")
    assert given["meeting_id"]
    for account, sees in (("taxpayer01", 1), ("agent01", 0), ("agent02", 1), ("lead01", 1)):
        assert len(await listed(house, account)) == sees, account
    again = await post(house, path, "lead01", {"agent_id": "agent01"}, 200)
    assert (again["meeting_id"], again["agent_number"]) == (given["meeting_id"], "101")
    (mine,) = await listed(house, "taxpayer01")
    assert mine["agent_id"] == "agent01"


async def test_numbers_count_within_a_day_and_a_region(house: House) -> None:
    numbers = [(await post(house, "/api/mediations", "taxpayer01", ASKED))["number"] for _ in range(3)]
    other = (await post(house, "/api/mediations", "taxpayer02", ASKED))["number"]
    assert [number[-4:] for number in numbers] == ["0001", "0002", "0003"]
    assert other.startswith("TJSQ440000")
    assert other.endswith("0001")


async def test_nobody_applies_without_end(house: House) -> None:
    for _ in range(5):
        await post(house, "/api/mediations", "taxpayer01", ASKED)
    refused = await post(house, "/api/mediations", "taxpayer01", ASKED, 429)
    assert refused["error"]["code"] == "too_many_open"
    await post(house, "/api/mediations", "agent01", ASKED, 403)
    for body in ({}, {"subject": "x"}, {**ASKED, "detail": "x" * 2_001}, {**ASKED, "phase": "done"}):
        await post(house, "/api/mediations", "taxpayer02", body, 400)
