"""Who reaches what: a taxpayer nothing of another, staff only whom they serve, and nobody more than their role."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from rtc_server.casework.states import WorkOrderState
from rtc_server.casework.work_orders import WorkOrder
from rtc_server.identity.policy import PERMISSIONS, may
from rtc_server.records import appointments, changes, notices
from rtc_server.records.audit import AUDIT
from rtc_server.records.inquiries import INQUIRY
from rtc_server.records.lists import Asked, find
from rtc_server.records.notices import NOTICE, Delivery
from rtc_server.records.work_orders import WORK_ORDER
from rtc_server.rest.access import AFTERCARE_MS
from rtc_server.rest.resources import resources
from signaling.rooms.kept import KeptRecording
from signaling.sessions.states import Role
from tests.records.test_casework import a_notice, an_appointment, an_inquiry
from tests.rest.conftest import House, OpenHouse
from tests.rest.test_files import PDF

ROLE_ACCOUNTS = {
    Role.TAXPAYER: "taxpayer02",
    Role.AGENT: "agent11",
    Role.SUPERVISOR: "lead01",
    Role.EDITOR: "editor01",
    Role.ADMINISTRATOR: "admin",
}


def filled(path: str, ids: dict[str, str]) -> str:
    for name, value in ids.items():
        path = path.replace(f"{{{name}}}", value)
    return path


BODIES: dict[tuple[str, str], dict[str, object]] = {
    ("POST", "/api/files"): {"interaction_id": "i1", "name": "a.pdf", "size": 10},
    ("POST", "/api/centre/appointments/{appointment_id}/cancel"): {"reason": "不办了"},
    ("POST", "/api/centre/work-orders/{work_order_id}/terminate"): {"reason": "不办了"},
    ("POST", "/api/centre/work-orders/{work_order_id}/rating"): {"resolved": True},
    ("PUT", "/api/centre/notices/{delivery_id}/favourite"): {"favourite": True},
    ("POST", "/api/centre/notices/{delivery_id}/answers"): {"answers": [{"words": "x"}]},
    ("POST", "/api/centre/notices/read"): {"delivery_ids": ["case1.taxpayer01"]},
    ("PUT", "/api/centre/mediations/{application_id}"): {"subject": "x", "detail": "y"},
    ("POST", "/api/centre/mediations/{application_id}/withdraw"): {"reason": "x"},
    ("POST", "/api/interactions/{interaction_id}/reveal"): {"field": "phone"},
    ("POST", "/api/interactions/{interaction_id}/notes"): {"text": "注"},
    ("PUT", "/api/interactions/{interaction_id}/notes/{note_id}"): {"text": "注"},
    ("POST", "/api/interactions/{interaction_id}/tags"): {"name": "重点"},
    ("POST", "/api/recordings/{recording_id}/viewings"): {"file": "composition.webm"},
    ("POST", "/api/assistant/turns"): {"question_id": "none"},
    ("PUT", "/api/assistant/turns/{turn_id}/feedback"): {"feedback": "useful"},
    ("PUT", "/api/assistant/favourites/{question_id}"): {"kept": True},
}

OPEN_TO_ALL = {
    ("GET", "/api/assistant/welcome"),
    ("GET", "/api/assistant/guesses"),
    ("GET", "/api/assistant/suggestions"),
    ("GET", "/api/assistant/voice"),
}
"""What 悦悦 shows to every taxpayer; what is one's own in it is looked at below."""


OWN_LISTS = {
    ("GET", "/api/history"),
    ("GET", "/api/mediations"),
    ("GET", "/api/assistant/turns"),
    ("GET", "/api/assistant/favourites"),
    *(
        ("GET", f"/api/centre/{name}")
        for name in ("appointments", "inquiries", "notices", "work-orders", "mediations")
    ),
}
"""Whose first value is a list of one's own."""
OF_EVERYBODY = {
    ("GET", "/api/centre"),
    ("GET", "/api/centre/rights"),
    ("GET", "/api/choices"),
    ("POST", "/api/centre/notices/read"),
}
"""What has nothing of another in it, or nobody's but one's own to change."""
CASES = {
    "appointment_id": "case1",
    "inquiry_id": "case1",
    "work_order_id": "case1",
    "notice_id": "case1",
    "delivery_id": "case1.taxpayer01",
}


async def set_up_cases(house: House) -> None:
    """One of each kind, of taxpayer01."""
    secret = "秘密事项"
    async with house.desk.recording.write() as connection:
        booked = replace(an_appointment(1, "taxpayer01"), appointment_id="case1", subject=secret)
        await appointments.book(connection, booked)
        inquiry = an_inquiry(1, inquiry_id="case1", taxpayer_id="taxpayer01", content=secret)
        await changes.add(connection, INQUIRY, inquiry)
        order = WorkOrder(
            "case1", 1, "n1", "taxpayer01", "张*", "gd", None, None, secret, secret, WorkOrderState.OPEN, "已受理", "agent01",
            1, 1, "agent01",
        )  # fmt: skip
        await changes.add(connection, WORK_ORDER, order)
        pushed = a_notice(notice_id="case1", title=secret, people=("taxpayer01",), authority=None)
        await changes.add(connection, NOTICE, pushed)
        delivery = Delivery("case1.taxpayer01", "case1", "taxpayer01", pushed.kind, secret, "中心", True, 1)
        await notices.hand_over(connection, delivery)


async def test_a_taxpayer_reaches_nothing_of_another_by_any_id(house: House) -> None:
    """Every entry with every id there is, of another's conversation, file, note."""
    house.open("i1")
    await set_up_cases(house)
    file_id = await house.send_file("i1", "a.pdf", PDF)
    house.say("i1", 2, "秘密内容")
    recording = KeptRecording("5f0c1d2e3a4b5c6d7e8f9a0b", "i1", "agent01", 1_000, 2_000)
    house.desk.recording.keep(recording)
    half = await house.client.post(
        "/api/files",
        json={"interaction_id": "i1", "name": "b.pdf", "size": 9},
        headers=house.headers("taxpayer01"),
    )
    half_id = (await half.json())["file_id"]
    note = await house.client.post(
        "/api/interactions/i1/notes", json={"text": "秘密备注"}, headers=house.headers("agent01")
    )
    note_id = (await note.json())["note_id"]
    turn = await house.client.post(
        "/api/assistant/turns", json={"text": "秘密问题"}, headers=house.headers("company01")
    )
    turn_id = (await turn.json())["turn_id"]
    tried = 0
    for entry in resources().entries:
        for found in (file_id, half_id):
            ids = {"interaction_id": "i1", "file_id": found, "note_id": note_id, "reply_id": "demo-1",
                   "code": "other", "centre_id": "gd", "person_id": "agent01",
                   "recording_id": "5f0c1d2e3a4b5c6d7e8f9a0b", "meeting_id": "m1", "stream_id": "s1",
                   "application_id": "none", "question_id": "none", "part": "topics",
                    "pack_id": "none", "turn_id": turn_id, "method": "window"} | CASES  # fmt: skip
            path = filled(entry.path, ids)
            response = await house.client.request(
                entry.method,
                path,
                json=BODIES.get((entry.method, entry.path), {}) if entry.body else None,
                params={"name": "重点"}
                if entry.path.endswith("/tags") and entry.method == "DELETE"
                else None,
                headers=house.headers("taxpayer02")
                | (
                    {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
                    if entry.method == "PATCH"
                    else {}
                ),
            )
            tried += 1
            # A right of every taxpayer, and nobody's secret here.
            text = (await response.text()).replace("商业秘密", "")
            assert "秘密" not in text, path
            assert "张" not in text, path
            if (entry.method, entry.path) in OPEN_TO_ALL:
                body = await response.json() if response.status == 200 else {}
                assert body.get("turns", []) == body.get("favourites", []) == [], path
            elif (entry.method, entry.path) in OWN_LISTS:
                assert next(iter((await response.json()).values())) == [], "nothing of one's own"
            elif (entry.method, entry.path) in OF_EVERYBODY:
                assert response.status in (200, 204), path
            else:
                assert response.status in (400, 403, 404), (entry.method, path, response.status)
    assert tried == 2 * len(resources().entries)
    assert (await house.desk.files.progress(half_id, "taxpayer01")) == (0, 9)


@pytest.mark.parametrize("role", list(Role))
async def test_every_entry_follows_the_table_of_permissions(house: House, role: Role) -> None:
    for entry in resources().entries:
        path = filled(
            entry.path,
            dict.fromkeys(
                (
                    "interaction_id",
                    "file_id",
                    "note_id",
                    "reply_id",
                    "code",
                    "centre_id",
                    "person_id",
                    "application_id",
                    "recording_id",
                    "meeting_id",
                    "stream_id",
                    "question_id",
                    "part",
                    "pack_id",
                    "turn_id",
                    "method",
                    "meeting_id",
                    *CASES,
                ),
                "none",
            ),
        )
        response = await house.client.request(entry.method, path, headers=house.headers(ROLE_ACCOUNTS[role]))
        if not may(role, entry.permission):
            assert response.status == 403, (entry.method, path)
        else:
            assert response.status != 403, (entry.method, path)
    assert set(PERMISSIONS) == set(Role)


async def test_nothing_is_told_without_a_token(house: House) -> None:
    for entry in resources().entries:
        for headers in ({}, {"Authorization": "Bearer no.such.token"}, {"Authorization": "Basic eDp5"}):
            response = await house.client.request(
                entry.method, entry.path.replace("{", "").replace("}", ""), headers=headers
            )
            assert response.status == 401, (entry.method, entry.path)


async def test_another_site_cannot_use_the_session_of_our_pages(house: House) -> None:
    token = house.headers("admin")["Authorization"].removeprefix("Bearer ")
    assert (await house.client.post("/api/session", json={"token": token})).status == 200
    assert (await house.client.get("/api/organisation")).status == 200
    foreign = await house.client.get("/api/organisation", headers={"Origin": "https://evil.example"})
    assert foreign.status == 403


async def test_an_agent_sees_the_taxpayer_while_serving_and_a_while_after(house: House) -> None:
    house.open("old", agent="agent02", opened_at=500)
    house.say("old", 1, "以前说的")
    house.close("old", closed_at=600)
    house.open("i1")
    house.say("i1", 1, "现在说的")
    seen = await house.client.get("/api/interactions/i1/history", headers=house.headers("agent01"))
    assert [item["message"]["text"] for item in (await seen.json())["items"]] == ["现在说的", "以前说的"]
    assert (
        await house.client.get("/api/interactions/old/history", headers=house.headers("agent01"))
    ).status == 200
    assert (
        await house.client.get("/api/interactions/i1/history", headers=house.headers("agent02"))
    ).status == 404
    assert (
        await house.client.get("/api/interactions/i1/history", headers=house.headers("lead01"))
    ).status == 200
    now_ms = time.time_ns() // 1_000_000
    house.close("i1", now_ms)
    assert (
        await house.client.get("/api/interactions/i1/profile", headers=house.headers("agent01"))
    ).status == 200
    assert (
        await house.client.get("/api/interactions/old/profile", headers=house.headers("agent01"))
    ).status == 404
    house.open("i2")
    house.close("i2", now_ms - AFTERCARE_MS - 1)
    assert (
        await house.client.get("/api/interactions/i2/profile", headers=house.headers("agent01"))
    ).status == 404


async def test_history_pages_across_sessions(house: House) -> None:
    for number in range(3):
        house.open(f"i{number}")
        for seq in range(1, 6):
            house.say(f"i{number}", seq, f"{number}-{seq}")
    got: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": "4"} | ({"cursor": cursor} if cursor else {})
        page = await (
            await house.client.get("/api/history", params=query, headers=house.headers("taxpayer01"))
        ).json()
        assert len(page["items"]) <= 4
        got += [item["message"]["text"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(got) == sorted(f"{number}-{seq}" for number in range(3) for seq in range(1, 6))
    for number in range(3):
        of_one = [text for text in got if text.startswith(f"{number}-")]
        assert of_one == sorted(of_one, reverse=True)


async def test_a_reveal_is_recorded_before_it_is_shown(house: House) -> None:
    house.open("i1")
    unknown = await house.client.post(
        "/api/interactions/i1/reveal", json={"field": "phone"}, headers=house.headers("agent01")
    )
    assert unknown.status == 404
    await house.client.get("/api/history", headers=house.headers("taxpayer01"))  # their token tells
    masked = await (
        await house.client.get("/api/interactions/i1/profile", headers=house.headers("agent01"))
    ).json()
    assert (masked["profile"]["name"], masked["profile"]["phone"]) == ("张*", "134****3624")
    shown = await house.client.post(
        "/api/interactions/i1/reveal",
        json={"field": "phone", "reason": "核对"},
        headers=house.headers("agent01"),
    )
    assert (await shown.json())["value"] == "13412343624"
    async with house.desk.recording.read() as connection:
        listed = await find(connection, AUDIT, (), Asked(values={"action": "reveal_phone"}))
    (entry,) = listed.items
    assert (entry.actor_id, entry.subject, entry.origin, entry.detail) == (
        "agent01",
        "taxpayer01",
        "127.0.0.1",
        "i1 核对",
    )
    found = await house.client.get(
        "/api/audit", params={"action": "reveal_phone"}, headers=house.headers("admin")
    )
    assert len((await found.json())["items"]) == 1


async def test_notes_are_their_authors_and_tags_everybodys(house: House) -> None:
    house.open("i1")
    agent, lead = house.headers("agent01"), house.headers("lead01")
    note = await (
        await house.client.post("/api/interactions/i1/notes", json={"text": " 需回访 "}, headers=agent)
    ).json()
    assert (note["text"], note["staff_number"], note["mine"]) == ("需回访", "101", True)
    path = f"/api/interactions/i1/notes/{note['note_id']}"
    assert (await house.client.put(path, json={"text": "改"}, headers=lead)).status == 404
    assert (await house.client.put(path, json={"text": "改"}, headers=agent)).status == 200
    listed = await (await house.client.get("/api/interactions/i1/notes", headers=lead)).json()
    assert [(item["text"], item["mine"]) for item in listed["items"]] == [("改", False)]
    assert (await house.client.delete(path, headers=agent)).status == 204
    assert (await (await house.client.get("/api/interactions/i1/notes", headers=lead)).json())["items"] == []
    tags = "/api/interactions/i1/tags"
    for name in ("重点", "企业", "重点"):
        await house.client.post(tags, json={"name": name}, headers=agent)
    assert sorted((await (await house.client.get(tags, headers=lead)).json())["tags"]) == ["企业", "重点"]
    assert (await house.client.delete(tags, params={"name": "重点"}, headers=lead)).status == 200
    assert (await (await house.client.get(tags, headers=agent)).json())["tags"] == ["企业"]
    await house.client.post(tags, json={"name": "重点"}, headers=agent)  # back again
    assert len((await (await house.client.get(tags, headers=agent)).json())["tags"]) == 2


async def test_canned_replies_are_searched_filled_and_guarded(house: House) -> None:
    house.open("i1")
    agent = house.headers("agent01")
    found = await (
        await house.client.get(
            "/api/canned-replies", params={"words": "服务机关", "interaction_id": "i1"}, headers=agent
        )
    ).json()
    (reply,) = found["replies"]
    assert reply["filled"] == "您的主管税务机关为广东，由广东省税务局服务运营中心受理。"
    assert (
        await house.client.put(
            f"/api/canned-replies/{reply['reply_id']}", json={"title": "x", "text": "y"}, headers=agent
        )
    ).status == 403
    made = await (
        await house.client.post(
            "/api/canned-replies",
            json={"own": True, "title": "我的", "text": "{staff_number} {unknown}"},
            headers=agent,
        )
    ).json()
    listed = await (
        await house.client.get("/api/canned-replies", params={"words": "我的"}, headers=agent)
    ).json()
    assert listed["replies"][0]["filled"] == "101 {unknown}"
    others = await (
        await house.client.get(
            "/api/canned-replies", params={"words": "我的"}, headers=house.headers("agent02")
        )
    ).json()
    assert others["replies"] == []
    path = f"/api/canned-replies/{made['reply_id']}"
    assert (await house.client.delete(path, headers=house.headers("agent02"))).status == 404
    assert (await house.client.delete(path, headers=agent)).status == 204
    lead = house.headers("lead01")
    shared = {"centre_id": "gd", "title": "班组", "text": "t"}
    assert (await house.client.post("/api/canned-replies", json=shared, headers=lead)).status == 201
    assert (
        await house.client.post("/api/canned-replies", json=shared | {"centre_id": "ah"}, headers=lead)
    ).status == 403
    assert (
        await house.client.post(
            "/api/canned-replies", json=shared | {"centre_id": None}, headers=house.headers("editor01")
        )
    ).status == 201


async def test_the_administrator_changes_the_organisation_and_it_is_recorded(house: House) -> None:
    admin = house.headers("admin")
    changed: list[bool] = []
    house.desk.organisation.on_changed = lambda: changed.append(True)
    whole = await (await house.client.get("/api/organisation", headers=admin)).json()
    centre = next(one for one in whole["centres"] if one["centre_id"] == "gd")
    body = {
        name: centre[name] for name in ("name", "time_zone", "authorities", "week", "holidays", "settings")
    }
    body["settings"]["wait_timeout_ms"] = 60_000
    body["settings"]["blocked_file_types"] = ["pdf"]
    body["week"] = [{"weekday": 0, "shifts": [{"start": 540, "end": 720}]}]
    body["holidays"] = [{"day": "2027-01-01", "name": "元旦", "shifts": []}]
    assert (await house.client.put("/api/organisation/centres/gd", json=body, headers=admin)).status == 200
    assert changed == [True]
    assert house.desk.organisation.centre_for("广东").queue.wait_timeout_ms == 60_000  # type: ignore[union-attr]
    house.open("i1")
    refused = await house.client.post(
        "/api/files",
        json={"interaction_id": "i1", "name": "a.pdf", "size": 9},
        headers=house.headers("taxpayer01"),
    )
    assert refused.status == 415
    for wrong in (
        {"time_zone": "Mars/Olympus"},
        {"week": [{"weekday": 0, "shifts": [{"start": 10, "end": 5}]}]},
        {"week": [{"weekday": 0, "shifts": [{"start": 0, "end": 60}, {"start": 30, "end": 90}]}]},
        {"holidays": [{"day": "2027-02-30", "name": "x"}]},
    ):
        assert (
            await house.client.put("/api/organisation/centres/gd", json=body | wrong, headers=admin)
        ).status == 400
    conflict = await house.client.put(
        "/api/organisation/centres/new", json=body | {"authorities": ["440000"]}, headers=admin
    )
    assert (conflict.status, (await conflict.json())["error"]["code"]) == (409, "conflict")
    person = {
        "staff_number": "103",
        "role": "agent",
        "authority": "440000",
        "centres": ["gd"],
        "skills": ["general"],
        "capacity": 5,
    }
    assert (
        await house.client.put("/api/organisation/staff/agent03", json=person, headers=admin)
    ).status == 200
    assert house.desk.organisation.staff("agent03").capacity == 5  # type: ignore[union-attr]
    twice = await house.client.put("/api/organisation/staff/agent04", json=person, headers=admin)
    assert twice.status == 409
    assert (await house.client.delete("/api/organisation/centres/gd-zhongshan", headers=admin)).status == 200
    assert house.desk.organisation.centre_for("442000").centre_id == "gd"  # type: ignore[union-attr]
    assert (await house.client.delete("/api/organisation/staff/agent03", headers=admin)).status == 200
    listed = await (await house.client.get("/api/audit", params={"actor_id": "admin"}, headers=admin)).json()
    assert [item["action"] for item in listed["items"]] == [
        "remove_staff",
        "remove_centre",
        "save_staff",
        "save_centre",
    ]


async def test_the_organisation_outlives_a_restart_and_the_demo_is_loaded_once(open_house: OpenHouse) -> None:
    from rtc_server.service_desk import close_desk, open_desk

    first: House = await open_house()
    await first.client.delete("/api/organisation/centres/ah", headers=first.headers("admin"))
    await close_desk(first.desk)
    again = await open_desk(first.settings, b"k" * 32, first.desk.profiles)
    try:
        assert set(again.organisation.whole.centres) == {"gd", "gd-zhongshan"}
    finally:
        await close_desk(again)
