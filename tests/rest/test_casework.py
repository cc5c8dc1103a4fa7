"""The personal centre and its staff side over HTTP: every case from its beginning to its end, by who may."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from rtc_server.casework import appointments as rules
from rtc_server.casework.service import CaseworkService
from rtc_server.records import notices
from rtc_server.rest.session import AUTHENTICATOR
from signaling.wire.base import Notification
from signaling.wire.centre_notifications import CaseList, CentreChanged
from tests.rest.conftest import House
from tests.rest.test_files import PDF

T, A, L, AH = "taxpayer01", "agent01", "lead01", "agent11"


async def ask(
    house: House, method: str, path: str, who: str, body: dict[str, Any] | None = None, status: int = 200
) -> Any:
    response = await house.client.request(
        method, path, json=body if body is not None else None, headers=house.headers(who)
    )
    assert response.status == status, (method, path, await response.text())
    return await response.json() if response.status != 204 else None


async def fails(
    house: House, method: str, path: str, who: str, code: str, body: dict[str, Any] | None = None
) -> None:
    response = await house.client.request(method, path, json=body, headers=house.headers(who))
    assert (await response.json())["error"]["code"] == code, await response.text()


async def attached(house: House, who: str = T) -> str:
    begun = await ask(house, "POST", "/api/files", who, {"name": "附件.pdf", "size": len(PDF)}, 201)
    done = await house.patch(begun["file_id"], 0, PDF, who)
    assert done.status == 200, await done.text()
    return str(begun["file_id"])


class Ears:
    """What open pages are told."""

    def __init__(self, house: House, *there: str) -> None:
        self.heard: list[tuple[str, str, int | None, int | None]] = []
        house.desk.casework.tell = self._tell
        house.desk.casework.people_there = lambda: there

    def _tell(self, person_id: str, notification: Notification) -> None:
        assert isinstance(notification, CentreChanged)
        self.heard.append((person_id, notification.changed.value, notification.unread, notification.todos))


async def tomorrow(house: House, method: str = "window", who: str = T) -> list[dict[str, Any]]:
    day = (datetime.now(ZoneInfo("Asia/Shanghai")) + timedelta(days=1)).date().isoformat()
    return list((await ask(house, "GET", f"/api/slots?day={day}&method={method}", who))["slots"])


def booking(slot: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "service": "general",
        "method": "window",
        "subject": "办理登记",
        "starts_at": slot["starts_at"],
        **more,
    }


async def inbox(house: House, who: str = T) -> list[dict[str, Any]]:
    return list((await ask(house, "GET", "/api/centre/notices", who))["items"])


async def test_an_appointment_is_booked_seen_and_cancelled(house: House) -> None:
    ears = Ears(house, T)
    slot = (await tomorrow(house))[3]
    assert slot["free"] == rules.DEFAULT_CAPACITY
    file_id = await attached(house)
    mine = "/api/centre/appointments"
    made = await ask(house, "POST", mine, T, booking(slot, attachments=[file_id]), 201)
    assert made["number"].startswith("YYFW440106")
    assert (made["state_name"], made["progress_name"], made["method_name"]) == (
        "已预约",
        "未开始",
        "办税服务厅窗口",
    )
    assert (T, "appointments", 1, 0) in ears.heard
    assert {person for person, *_ in ears.heard} >= {A, L}, "the staff of the centre"
    assert AH not in {person for person, *_ in ears.heard}
    assert [one["title"] for one in await inbox(house)] == ["预约提示"]
    assert (await tomorrow(house))[3]["free"] == rules.DEFAULT_CAPACITY - 1
    link = made["attachments"][0]["url"]
    assert (await (await house.client.get(link)).read()) == PDF
    await fails(house, "POST", mine, T, "already_booked", booking(slot))
    await fails(house, "POST", mine, T, "slot_gone", booking({"starts_at": slot["starts_at"] + 60_000}))
    await fails(house, "POST", mine, T, "bad_message", booking(slot, method="telephone"))
    await fails(house, "POST", mine, "taxpayer02", "file_not_found", booking(slot, attachments=[file_id]))

    staff = "/api/casework/appointments"
    listed = await ask(house, "GET", f"{staff}?state=booked&method=window", A)
    assert (listed["total"], listed["items"][0]["taxpayer_name"]) == (1, "张*")
    assert (await ask(house, "GET", staff, AH))["total"] == 0
    own = f"{staff}/{made['appointment_id']}"
    assert (await ask(house, "GET", own, A))["attachments"][0]["name"] == "附件.pdf"
    await ask(house, "GET", own, AH, status=404)
    await fails(house, "POST", f"{own}/begin", A, "wrong_phase")
    sheet = await house.client.get(f"{staff}/export.xlsx?state=booked", headers=house.headers(L))
    rows = list(load_workbook(BytesIO(await sheet.read())).active.iter_rows(values_only=True))  # type: ignore[union-attr]
    assert (rows[0][0], rows[1][0]) == ("预约编号", made["number"])
    assert rows[1][rows[0].index("来源")] == "纳税人发起", "as staff read it"

    done = await ask(house, "POST", f"{mine}/{made['appointment_id']}/cancel", T, {"reason": "改天"})
    assert (done["state_name"], done["reason"]) == ("已取消", "改天")
    await fails(house, "POST", f"{mine}/{made['appointment_id']}/cancel", T, "wrong_phase", {})
    assert (await tomorrow(house))[3]["free"] == rules.DEFAULT_CAPACITY


async def test_the_places_of_a_slot_are_set_by_the_supervisor(house: House) -> None:
    path = "/api/casework/appointments/capacities"
    await ask(house, "PUT", f"{path}/window", A, {"capacity": 1}, 403)
    await ask(house, "PUT", f"{path}/moon", L, {"capacity": 1}, 404)
    await ask(house, "PUT", f"{path}/window", L, {"capacity": 1, "centre_id": "ah"}, 404)
    await ask(house, "PUT", f"{path}/window", L, {"capacity": 1})
    slot = (await tomorrow(house))[0]
    await ask(house, "POST", "/api/centre/appointments", T, booking(slot), 201)
    await fails(house, "POST", "/api/centre/appointments", "taxpayer02", "slot_full", booking(slot))
    found = await ask(house, "GET", path, A)
    assert {one["method"]: one["capacity"] for one in found["capacities"]}["window"] == 1


async def test_an_invitation_is_answered_and_an_online_one_begun_at_its_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ask(house, "GET", "/api/centre", T)  # from now on the service knows them
    slot = (await tomorrow(house, "online", A))[0]
    body = booking(slot, method="online", taxpayer_id=T)
    await ask(house, "POST", "/api/casework/appointments", A, body | {"taxpayer_id": "nobody"}, 404)
    made = await ask(house, "POST", "/api/casework/appointments", A, body, 201)
    assert (made["state"], made["origin_name"]) == ("invited", "税局邀请")
    (todo,) = await inbox(house)
    assert todo["todo"]
    mine = f"/api/centre/appointments/{made['appointment_id']}"
    await ask(house, "POST", f"{mine}/accept", "taxpayer02", status=404)
    assert (await ask(house, "POST", f"{mine}/accept", T))["state"] == "booked"
    await fails(house, "POST", f"{mine}/decline", T, "wrong_phase")

    monkeypatch.setattr("rtc_server.rest.appointments.now_ms", lambda: slot["starts_at"])
    staff = f"/api/casework/appointments/{made['appointment_id']}"
    await fails(house, "POST", f"{staff}/fulfil", A, "wrong_phase")
    await fails(house, "POST", f"{staff}/begin", A, "taxpayer_offline")
    assert (await inbox(house))[0]["title"] == "税务人员正在等候您"

    async def begin(taxpayer: str, agent: str, number: str) -> str:
        return f"{taxpayer}.{agent}.{number}"

    house.desk.casework.begin_interaction = begin
    begun = await ask(house, "POST", f"{staff}/begin", A)
    assert (begun["progress_name"], begun["interaction_id"]) == ("进行中", "taxpayer01.agent01.101")
    done = await ask(house, "POST", f"{staff}/fulfil", A)
    assert (done["state_name"], done["progress_name"]) == ("已履约", "已结束")


async def test_the_taxpayer_is_reminded_once_and_a_missed_one_is_told(house: House) -> None:
    slot = (await tomorrow(house))[0]
    await ask(house, "POST", "/api/centre/appointments", T, booking(slot), 201)
    soon = slot["starts_at"] - rules.REMIND_MS
    for at in (soon - 1, soon, soon + 1):
        await house.desk.casework.turn(at)
    assert [one["title"] for one in await inbox(house)].count("预约提醒") == 1
    await house.desk.casework.turn(slot["starts_at"] + rules.SLOT_MS + rules.SETTLE_MS)
    (one,) = (await ask(house, "GET", "/api/centre/appointments", T))["items"]
    assert one["state_name"] == "已失约"
    assert [each["title"] for each in await inbox(house)].count("预约失约提醒") == 1


async def test_an_inquiry_is_written_assigned_answered_and_its_answer_arrives(house: House) -> None:
    ears = Ears(house, T)
    file_id = await attached(house)
    body = {"kind": "consultation", "content": "如何申请退税？", "attachments": [file_id]}
    made = await ask(house, "POST", "/api/centre/inquiries", T, body, 201)
    assert made["number"].startswith("LYZX440106")
    assert made["state_name"] == "处理中"
    staff = f"/api/casework/inquiries/{made['inquiry_id']}"
    assert (await ask(house, "GET", staff, A))["state_name"] == "待分派"
    await ask(house, "POST", f"{staff}/assign", AH, {"agent_id": AH}, 404)
    await ask(house, "POST", f"{staff}/assign", A, {"agent_id": "agent02"}, 403)
    await ask(house, "POST", f"{staff}/assign", L, {"agent_id": AH}, 404)
    given = await ask(house, "POST", f"{staff}/assign", L, {"agent_id": "agent02"})
    assert (given["staff_number"], given["state_name"]) == ("102", "处理中")
    await ask(house, "POST", f"{staff}/answer", A, {"text": "答"}, 403)
    await ask(house, "POST", f"{staff}/assign", L, {"agent_id": A})
    answer_file = await attached(house, A)
    answered = await ask(
        house, "POST", f"{staff}/answer", A, {"text": "请在电子税务局申请。", "attachments": [answer_file]}
    )
    assert answered["state_name"] == "已答复"
    await fails(house, "POST", f"{staff}/close", A, "wrong_phase", {"reason": "x"})
    mine = await ask(house, "GET", f"/api/centre/inquiries/{made['inquiry_id']}", T)
    assert (mine["answer"], mine["agent_id"], mine["staff_number"]) == ("请在电子税务局申请。", None, "101")
    assert len(mine["answer_attachments"]) == 1
    await ask(house, "GET", f"/api/centre/inquiries/{made['inquiry_id']}", "taxpayer02", status=404)
    (told,) = await inbox(house)
    assert told["title"] == "留言答复"
    assert ears.heard[-1][1] == "inquiries"
    assert (T, "inquiries", 1, 0) in ears.heard
    whole = await ask(house, "GET", f"/api/centre/notices/{told['delivery_id']}", T)
    assert "请在电子税务局申请" in whole["body"]
    assert whole["links"] == [{"title": "查看留言", "url": f"/centre/inquiries?number={made['number']}"}]
    assert ears.heard[-1] == (T, "notices", 0, 0), "opening lowers the count"
    assert (await ask(house, "GET", "/api/centre/inquiries?content=退税&state=completed", T))["total"] == 1
    assert (await ask(house, "GET", "/api/centre/inquiries?content=退款", T))["total"] == 0


def pushed(**more: Any) -> dict[str, Any]:
    return {"kind": "policy", "title": "政策提醒", "body": "请查收。", "audience": {}, **more}


async def test_a_notice_is_pushed_to_its_audience_read_kept_and_withdrawn(house: House) -> None:
    for who in (T, "taxpayer02", "company01"):
        await ask(house, "GET", "/api/centre", who)
    path = "/api/casework/notices"
    await ask(house, "POST", path, A, pushed(), 403)
    await ask(house, "POST", path, L, pushed(audience={"authority": "340000"}), 404)
    await ask(house, "POST", path, L, pushed(kind="survey"), 400)
    await ask(house, "POST", path, L, pushed(links=[{"title": "x", "url": "javascript:alert(1)"}]), 400)
    everybody = await ask(house, "POST", path, L, pushed(todo=True), 201)
    assert (everybody["state_name"], everybody["recipients"]) == ("已发送", 3)
    companies = await ask(house, "POST", path, L, pushed(audience={"taxpayer_kind": "company"}), 201)
    assert companies["recipients"] == 1
    named = await ask(
        house, "POST", path, L, pushed(title="名单消息", audience={"people": [T, "unknown"]}), 201
    )
    assert named["recipients"] == 1
    home = await ask(house, "GET", "/api/centre", T)
    assert (home["unread"], home["todos"]) == (2, 1)
    first, second = await inbox(house)
    assert first["title"] == "名单消息"
    ids = [first["delivery_id"], second["delivery_id"]]
    await ask(house, "POST", "/api/centre/notices/read", T, {"delivery_ids": ids}, 204)
    assert (await ask(house, "GET", "/api/centre", T))["unread"] == 0
    assert (await ask(house, "GET", "/api/centre", "taxpayer02"))["unread"] == 1
    kept = f"/api/centre/notices/{first['delivery_id']}"
    await ask(house, "PUT", f"{kept}/favourite", T, {"favourite": True})
    assert (await ask(house, "GET", "/api/centre/notices?favourite=true", T))["total"] == 1
    await ask(house, "POST", f"{kept}/done", T, status=409)
    await ask(house, "POST", f"/api/centre/notices/{second['delivery_id']}/done", T)
    assert (await ask(house, "GET", "/api/centre", T))["todos"] == 0
    for query, total in (("read=unread", 0), ("read=read", 2), ("title=名单", 1), ("todo=true", 1)):
        assert (await ask(house, "GET", f"/api/centre/notices?{query}", T))["total"] == total, query
    await ask(house, "POST", f"{path}/{named['notice_id']}/withdraw", L)
    assert len(await inbox(house)) == 1
    await ask(house, "GET", kept, T, status=404)


async def test_counts_of_another_node_are_told_with_the_next_turn(house: House) -> None:
    ears = Ears(house, T)
    other = CaseworkService(house.desk.recording, house.desk.organisation)
    async with house.desk.recording.write() as connection:
        await other.inform(connection, T, "提醒", "另一节点的消息")
    await other.changed(CaseList.NOTICES, people=[T])
    assert ears.heard == [], "nobody of this node is known there"
    await house.desk.casework.turn(1)
    await house.desk.casework.turn(2)
    assert ears.heard == [(T, "notices", 1, 0)], "once"
    async with house.desk.recording.write() as connection:
        await notices.mark_read(connection, T, None, 3)
    await house.desk.casework.turn(3)
    assert ears.heard[1:] == [(T, "notices", 0, 0)], "read on another node"


async def test_a_scheduled_notice_goes_out_at_its_time_once(house: House) -> None:
    await ask(house, "GET", "/api/centre", T)
    later = time.time_ns() // 1_000_000 + 3_600_000
    made = await ask(house, "POST", "/api/casework/notices", L, pushed(publish_at=later), 201)
    assert made["state_name"] == "待发送"
    async with house.desk.recording.read():
        pass
    await house.desk.casework.turn(later - 1)
    assert await inbox(house) == []
    await house.desk.casework.turn(later)
    await house.desk.casework.turn(later + 1)
    assert len(await inbox(house)) == 1
    async with house.desk.recording.read() as connection:
        counted = await notices.counts(connection, [T])
    assert counted[T].unread == 1


async def test_a_survey_is_answered_once_and_only_as_it_asks(house: House) -> None:
    await ask(house, "GET", "/api/centre", T)
    survey = [
        {"question": "您对服务是否满意？", "options": ["满意", "一般"], "multiple": False},
        {"question": "您常用的渠道？", "options": ["网上", "电话", "窗口"], "multiple": True},
        {"question": "您的建议？"},
    ]
    await ask(house, "POST", "/api/casework/notices", L, pushed(kind="survey", survey=survey), 201)
    (one,) = await inbox(house)
    path = f"/api/centre/notices/{one['delivery_id']}"
    assert (await ask(house, "GET", path, T))["answers"] is None
    good = [{"options": [0]}, {"options": [0, 2]}, {"words": "希望延长服务时间"}]
    for wrong in (
        good[:2],
        [{"options": [0, 1]}, *good[1:]],
        [{"options": [2]}, *good[1:]],
        [good[0], {"options": []}, good[2]],
        [*good[:2], {"words": " "}],
    ):
        await ask(house, "POST", f"{path}/answers", T, {"answers": wrong}, 400)
    done = await ask(house, "POST", f"{path}/answers", T, {"answers": good})
    assert [each["options"] for each in done["answers"]] == [[0], [0, 2], []]
    await ask(house, "POST", f"{path}/answers", T, {"answers": good}, 409)
    await fails(house, "POST", f"{path}/answers", T, "already_rated", {"answers": good})


async def test_a_work_order_is_raised_followed_urged_ended_and_rated(house: House) -> None:
    house.open("i1")
    body = {"interaction_id": "i1", "subject": "发票异常", "detail": "发票状态异常，需核实。"}
    await ask(house, "POST", "/api/casework/work-orders", AH, body, 404)
    made = await ask(house, "POST", "/api/casework/work-orders", A, body, 201)
    assert made["number"].startswith("GDBL")
    mine = f"/api/centre/work-orders/{made['work_order_id']}"
    assert (await ask(house, "POST", f"{mine}/urge", T))["urged"] == 1
    await ask(house, "POST", f"{mine}/urge", T, status=429)
    await ask(house, "POST", f"{mine}/rating", T, {"resolved": True}, 409)
    staff = f"/api/casework/work-orders/{made['work_order_id']}"
    assert (await ask(house, "GET", staff, A))["urged"] == 1
    await ask(house, "POST", f"{staff}/steps", "agent02", {"text": "x"}, 403)
    await ask(house, "POST", f"{staff}/hand-on", A, {"agent_id": "agent02"})
    await ask(house, "POST", f"{staff}/steps", "agent02", {"text": "已核实"})
    await ask(house, "POST", f"{staff}/steps", "agent02", {"text": "已办结", "done": True})
    seen = await ask(house, "GET", mine, T)
    assert seen["state_name"] == "已办结"
    assert [one["text"] for one in seen["steps"]] == [
        "已受理",
        "催办",
        "转交税务人员 102 办理",
        "已核实",
        "已办结",
    ]
    assert seen["steps"][1]["actor"] == "纳税人"
    assert (await ask(house, "POST", f"{mine}/rating", T, {"resolved": True}))["resolved"] is True
    await ask(house, "POST", f"{mine}/rating", T, {"resolved": False}, 409)
    assert {one["title"] for one in await inbox(house)} >= {"工单已受理", "工单有新进度", "工单已办结"}


async def test_a_mediation_is_drafted_changed_submitted_withdrawn_or_refused(house: House) -> None:
    asked = {"subject": "争议", "detail": "核定争议", "expected_at": 1_900_000_000_000}
    draft = await ask(house, "POST", "/api/mediations", T, asked | {"draft": True}, 201)
    assert (draft["phase_name"], draft["expected_at"]) == ("暂存", 1_900_000_000_000)
    mine = f"/api/centre/mediations/{draft['application_id']}"
    assert (await ask(house, "GET", "/api/casework/mediations", L))["total"] == 0
    await ask(house, "GET", mine, "taxpayer02", status=404)
    changed = await ask(house, "PUT", mine, T, {"subject": "争议二", "detail": "说明"})
    assert (changed["subject"], changed["expected_at"]) == ("争议二", None)
    await ask(house, "POST", f"{mine}/withdraw", T, {"reason": "x"}, 409)
    submitted = await ask(house, "POST", f"{mine}/submit", T)
    assert (submitted["phase_name"], submitted["number"]) == ("待分派", draft["number"])
    await ask(house, "PUT", mine, T, {"subject": "x", "detail": "y"}, 409)
    await ask(house, "DELETE", mine, T, status=409)
    assert (await ask(house, "GET", "/api/casework/mediations?phase=applied", L))["total"] == 1
    assert (await ask(house, "POST", f"{mine}/withdraw", T, {"reason": "已协商"}))["phase_name"] == "已撤销"
    await fails(house, "POST", f"{mine}/withdraw", T, "wrong_phase", {"reason": "x"})

    second = await ask(house, "POST", "/api/mediations", T, asked, 201)
    path = f"/api/mediations/{second['application_id']}"
    await ask(house, "POST", f"{path}/refuse", AH, {"reason": "x"}, 404)
    refused = await ask(house, "POST", f"{path}/refuse", L, {"reason": "不属于受理范围"})
    assert (refused["phase_name"], refused["reason"]) == ("不予受理", "不属于受理范围")
    await fails(house, "POST", f"{path}/dispatch", L, "not_found", {"agent_id": A})

    third = await ask(house, "POST", "/api/mediations", T, asked, 201)
    given = await ask(
        house, "POST", f"/api/mediations/{third['application_id']}/dispatch", L, {"agent_id": A}
    )
    told = await inbox(house)
    assert {one["title"] for one in told} == {"调解申请不予受理", "调解申请已受理"}
    newest = await ask(house, "GET", f"/api/centre/notices/{told[0]['delivery_id']}", T)
    assert newest["links"] == [{"title": "进入调解室", "url": f"/meeting/{given['meeting_id']}"}]
    fourth = await ask(house, "POST", "/api/mediations", T, asked | {"draft": True}, 201)
    await ask(house, "DELETE", f"/api/centre/mediations/{fourth['application_id']}", T, status=204)
    assert (await ask(house, "GET", "/api/centre/mediations", T))["total"] == 3


async def test_lists_take_only_what_they_know(house: House) -> None:
    for query in ("page=0", "size=1000", "order=up", "state=none", "surprise=1", "created_from=x"):
        response = await house.client.get(f"/api/centre/inquiries?{query}", headers=house.headers(T))
        assert response.status == 400, query
    found = await ask(house, "GET", "/api/centre/inquiries?page=7&size=20&sort=nothing&order=asc", T)
    assert found == {"items": [], "total": 0, "page": 1, "size": 20, "within": None}


async def test_ones_own_authority_is_another_from_the_next_sign_in_on(house: House) -> None:
    home = await ask(house, "GET", "/api/centre", T)
    assert (home["authority"]["code"], home["centre"]["code"]) == ("440106", "gd")
    await ask(house, "PUT", "/api/centre/authority", T, {"authority": "999999"}, 400)
    chosen = await ask(house, "PUT", "/api/centre/authority", T, {"authority": "442000"})
    assert chosen["chosen"]["code"] == "442000"
    person = await house.client.app[AUTHENTICATOR].authenticate(house.headers(T)["Authorization"][7:])
    served = house.desk.casework.arrived(person)
    assert served.authority == "国家税务总局中山市税务局"
    again = CaseworkService(house.desk.recording, house.desk.organisation)
    await again.turn(1)
    assert again.arrived(person) == served, "another node, or after a restart"
