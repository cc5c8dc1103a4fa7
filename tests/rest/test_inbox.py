"""The inbox of taxpayers and staff: who is told what at once, what is read everywhere, and what follows a meeting's end."""

from __future__ import annotations

import asyncio
from typing import Any

from rtc_server.rest.mediations import MEETINGS
from signaling.errors import DomainError
from signaling.rooms.meeting_room import MeetingAsk
from signaling.rooms.ports import Person
from signaling.sessions.states import Role
from signaling.wire import requests
from signaling.wire.base import Request, WireModel
from tests.rest.conftest import House, OpenHouse
from tests.rest.test_casework import AH, A, Ears, L, T, ask, booking, fails, inbox, pushed, tomorrow
from tests.rest.test_mediations import ASKED

NOTICES = "/api/casework/notices"
MINE = "/api/centre/notices"


async def audited(house: House, action: str) -> list[tuple[str, str, str]]:
    found = await ask(house, "GET", f"/api/audit?action={action}", "admin")
    return [(one["actor_id"], one["subject"], one["detail"]) for one in found["items"]]


async def test_only_who_has_it_hears_of_a_notice_and_with_their_own_counts(house: House) -> None:
    for who in (T, "taxpayer02", "company01"):
        await ask(house, "GET", "/api/centre", who)
    ears = Ears(house, T, "taxpayer02", A)
    made = await ask(house, "POST", NOTICES, L, pushed(todo=True, audience={"people": [T]}), 201)
    assert (T, "notices", 1, 1) in ears.heard
    assert "taxpayer02" not in {person for person, *_ in ears.heard}
    assert (A, "notices", None, None) in ears.heard, "the staff of the centre, without counts"
    await ask(house, "POST", NOTICES, L, pushed(audience={"people": [T, "taxpayer02"]}), 201)
    assert (T, "notices", 2, 1) in ears.heard
    assert ("taxpayer02", "notices", 1, 0) in ears.heard
    ears.heard.clear()
    await ask(house, "POST", f"{NOTICES}/{made['notice_id']}/withdraw", L)
    assert [one for one in ears.heard if one[0] == T] == [(T, "notices", 1, 0)]
    assert "taxpayer02" not in {person for person, *_ in ears.heard}


async def test_everything_is_read_at_once_on_all_pages_and_nobody_elses(house: House) -> None:
    for who in (T, "taxpayer02"):
        await ask(house, "GET", "/api/centre", who)
    for number in range(12):
        await ask(house, "POST", NOTICES, L, pushed(title=f"通知{number}"), 201)
    ears = Ears(house, T)
    await ask(house, "POST", f"{MINE}/read", T, {"delivery_ids": None}, 204)
    assert ears.heard == [(T, "notices", 0, 0)]
    assert (await ask(house, "GET", f"{MINE}?read=unread", T))["total"] == 0
    assert (await ask(house, "GET", "/api/centre", "taxpayer02"))["unread"] == 12
    await ask(house, "POST", f"{MINE}/read", T, {}, 400)
    await ask(house, "POST", f"{MINE}/read", "editor01", {"delivery_ids": None}, 403)


async def test_counts_told_last_are_those_read_last(house: House) -> None:
    await ask(house, "GET", "/api/centre", T)
    ears = Ears(house, T)
    await asyncio.gather(
        *(ask(house, "POST", NOTICES, L, pushed(audience={"people": [T]}), 201) for _ in range(8))
    )
    counts = [unread for person, _, unread, _ in ears.heard if person == T]
    assert counts == sorted(counts, key=lambda one: one or 0)
    assert counts[-1] == 8


async def test_what_is_given_to_an_agent_comes_into_their_inbox(house: House) -> None:
    ears = Ears(house, T, A)
    inquiry = await ask(house, "POST", "/api/centre/inquiries", T, {"kind": "other", "content": "问"}, 201)
    path = f"/api/casework/inquiries/{inquiry['inquiry_id']}/assign"
    await ask(house, "POST", path, L, {"agent_id": A})
    assert (A, "inquiries", 1, 0) in ears.heard
    (told,) = await inbox(house, A)
    assert told["title"] == "留言已分派给您"
    whole = await ask(house, "GET", f"{MINE}/{told['delivery_id']}", A)
    assert whole["links"][0]["url"] == f"/desk/records/inquiries?number={inquiry['number']}"
    assert (await ask(house, "GET", "/api/casework", A))["unread"] == 0
    assert await inbox(house, L) == [], "who gives it away knows"
    await ask(house, "GET", f"{MINE}/{told['delivery_id']}", AH, status=404)
    await ask(house, "GET", f"{MINE}/{told['delivery_id']}", T, status=404)


# Meetings


def staff(account: str, number: str) -> Person:
    return Person(account, Role.SUPERVISOR if account == L else Role.AGENT, number, None, None, 0)


async def asked_in(house: House, meeting_id: str, person: Person, request: Request) -> Any:
    answered: asyncio.Future[WireModel | DomainError] = asyncio.get_running_loop().create_future()
    room = house.client.app[MEETINGS].knock(meeting_id, person.person_id)  # type: ignore[union-attr]
    room.ask(MeetingAsk(person, request, answered.set_result))
    answer = await asyncio.wait_for(answered, 5)
    assert isinstance(answer, WireModel), answer
    return answer


async def a_meeting(house: House) -> dict[str, Any]:
    """Held by agent01, with lead01 and the applicant; ended."""
    made = await ask(house, "POST", "/api/mediations", T, ASKED, 201)
    own = f"/api/mediations/{made['application_id']}/dispatch"
    given = await ask(house, "POST", own, L, {"agent_id": A})
    meeting_id = given["meeting_id"]
    enter = requests.EnterMeeting(meeting_id=meeting_id)
    host = staff(A, "101")
    await asked_in(house, meeting_id, host, enter)
    for person in (Person(T, Role.TAXPAYER, "张*", None, None, 0), staff(L, "001")):
        await asked_in(house, meeting_id, person, enter)
        admit = requests.AdmitToMeeting(meeting_id=meeting_id, person_id=person.person_id)
        await asked_in(house, meeting_id, host, admit)
    say = requests.SendMessage(interaction_id=meeting_id, client_message_id="c1", text="请说明核定依据。")
    await asked_in(house, meeting_id, host, say)
    await asked_in(house, meeting_id, host, requests.EndMeeting(meeting_id=meeting_id))
    return dict(given)


async def told_of_end(house: House, who: str) -> list[dict[str, Any]]:
    return [one for one in await inbox(house, who) if one["title"] == "调解会议已结束"]


async def settled(house: House) -> None:
    """What follows a meeting by itself has been done."""
    while house.desk.meeting_notices.busy:
        await asyncio.gather(*house.desk.meeting_notices.busy)


async def test_when_a_meeting_ends_everybody_concerned_is_told_once_with_the_way_to_its_record(
    house: House,
) -> None:
    ears = Ears(house, T, A, L)
    given = await a_meeting(house)
    await settled(house)
    number = given["number"]
    for who, page in ((T, "/centre"), (A, "/desk/records"), (L, "/desk/records")):
        (told,) = await told_of_end(house, who)
        whole = await ask(house, "GET", f"{MINE}/{told['delivery_id']}", who)
        assert whole["links"] == [{"title": "查看会议记录", "url": f"{page}/mediations?number={number}"}]
        assert number in whole["body"]
        assert any(person == who and changed == "mediations" for person, changed, *_ in ears.heard)
    assert (A, "mediations", 2, 0) in ears.heard, "that it was dispatched to them, and that it is over"
    assert await told_of_end(house, "agent02") == []
    # After a restart nobody is told again.
    house.desk.meeting_notices.start()
    await settled(house)
    assert len(await told_of_end(house, T)) == 1


async def test_who_was_not_told_before_the_server_stopped_is_told_after(open_house: OpenHouse) -> None:
    house: House = await open_house()
    house.client.app[MEETINGS].on_moved = lambda _application: None  # type: ignore[union-attr]
    await a_meeting(house)
    assert await told_of_end(house, T) == []
    house.desk.meeting_notices.start()
    await settled(house)
    assert len(await told_of_end(house, T)) == 1
    assert len(await told_of_end(house, A)) == 1


async def test_the_record_of_a_mediation_is_shown_and_that_staff_read_it_is_kept(house: House) -> None:
    given = await a_meeting(house)
    await settled(house)
    own = given["application_id"]
    mine = await ask(house, "GET", f"/api/centre/mediations/{own}", T)
    assert mine["phase_name"] == "已办结"
    record = mine["meeting"]
    assert {(one["role_name"], one["display_name"]) for one in record["participants"]} == {
        ("税务人员", "101"),
        ("纳税人", "张*"),
        ("班长", "001"),
    }
    assert record["ended_at"] >= record["started_at"]
    assert "请说明核定依据。" in [one["text"] for one in record["messages"]]
    assert await audited(house, "read_mediation") == [], "one's own is one's own"
    read = await ask(house, "GET", f"/api/casework/mediations/{own}", L)
    assert read["meeting"] == record
    assert read["taxpayer_name"] == "张*"
    assert await audited(house, "read_mediation") == [(L, T, given["number"])]
    await ask(house, "GET", f"/api/casework/mediations/{own}", AH, status=404)
    await ask(house, "GET", f"/api/casework/mediations/{own}", T, status=403)
    await ask(house, "GET", f"/api/centre/mediations/{own}", "taxpayer02", status=404)
    draft = await ask(house, "POST", "/api/mediations", T, ASKED | {"draft": True}, 201)
    await ask(house, "GET", f"/api/casework/mediations/{draft['application_id']}", L, status=404)
    assert len(await audited(house, "read_mediation")) == 1, "what is refused was not read"


# Telephones


async def test_the_telephone_of_an_appointment_is_masked_until_it_is_revealed_and_that_is_kept(
    house: House,
) -> None:
    slot = (await tomorrow(house, "telephone"))[0]
    phone = "13800001234"
    made = await ask(
        house, "POST", "/api/centre/appointments", T, booking(slot, method="telephone", contact=phone), 201
    )
    assert made["contact"] == phone, "one's own"
    own = f"/api/casework/appointments/{made['appointment_id']}"
    listed = await house.client.get("/api/casework/appointments", headers=house.headers(A))
    assert phone not in await listed.text()
    masked = (await ask(house, "GET", own, A))["contact"]
    assert masked == "138****1234"
    assert await audited(house, "reveal_appointment_phone") == []
    await ask(house, "POST", f"{own}/reveal", AH, status=404)
    await ask(house, "POST", f"{own}/reveal", T, status=403)
    await ask(house, "POST", f"{own}/reveal", "editor01", status=403)
    assert await audited(house, "reveal_appointment_phone") == []
    assert (await ask(house, "POST", f"{own}/reveal", A))["contact"] == phone
    assert await audited(house, "reveal_appointment_phone") == [(A, T, made["number"])]
    assert (await ask(house, "GET", own, A))["contact"] == masked, "each look is one of its own"


# Surveys


SURVEY = [
    {"question": "您对服务是否满意？", "options": ["满意", "一般"], "multiple": False},
    {"question": "您常用的渠道？", "options": ["网上", "电话", "窗口"], "multiple": True},
    {"question": "您的建议？"},
]


async def test_staff_see_what_was_answered_to_a_survey_without_names(house: House) -> None:
    for who in (T, "taxpayer02", "company01"):
        await ask(house, "GET", "/api/centre", who)
    made = await ask(house, "POST", NOTICES, L, pushed(kind="survey", survey=SURVEY), 201)
    path = f"{NOTICES}/{made['notice_id']}/answers"
    empty = await ask(house, "GET", path, A)
    assert (empty["recipients"], empty["answered"], empty["questions"][0]["counts"]) == (3, 0, [0, 0])
    ears = Ears(house, L)
    given = {
        T: [{"options": [0]}, {"options": [0, 2]}, {"words": "延长服务时间"}],
        "taxpayer02": [{"options": [1]}, {"options": [0]}, {"words": "=1+1"}],
    }
    for who, answers in given.items():
        (one,) = (await ask(house, "GET", f"{MINE}?answered=false", who))["items"]
        assert (one["kind"], one["answered"]) == ("survey", False)
        await ask(house, "POST", f"{MINE}/{one['delivery_id']}/answers", who, {"answers": answers})
        (kept,) = (await ask(house, "GET", f"{MINE}?answered=true", who))["items"]
        assert kept["answered"]
        assert (await ask(house, "GET", f"{MINE}?answered=false", who))["total"] == 0
    heard = [one for one in ears.heard if one[0] == L]
    assert heard == [(L, "notices", None, None)] * 2, "who looks at the results sees them come"
    results = await ask(house, "GET", path, L)
    assert results["answered"] == 2
    assert [one["counts"] for one in results["questions"]] == [[1, 1], [2, 0, 1], []]
    assert sorted(results["questions"][2]["words"]) == ["=1+1", "延长服务时间"]
    assert "张" not in str(results)
    assert T not in str(results)
    sheet = await house.client.get(f"{path}.xlsx", headers=house.headers(L))
    assert sheet.status == 200
    assert await audited(house, "export_survey_answers") == [(L, made["notice_id"], "2")]
    await ask(house, "GET", path, AH, status=404)
    await ask(house, "GET", path, T, status=403)
    plain = await ask(house, "POST", NOTICES, L, pushed(), 201)
    await fails(house, "GET", f"{NOTICES}/{plain['notice_id']}/answers", L, "record_not_found")
