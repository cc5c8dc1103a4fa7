"""What one is told leads where it should: to the case it is about, on the page where that stands; and what asks for an
answer is done when there is one."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.rest.conftest import House
from tests.rest.test_casework import AH, A, L, T, ask, attached, booking, fails, inbox, pushed, tomorrow
from tests.rest.test_inbox import audited

APPOINTMENTS, NOTICES = "/api/casework/appointments", "/api/casework/notices"


async def invited(house: House, slot: int = 4) -> dict[str, Any]:
    await ask(house, "GET", "/api/centre", T)
    body = booking((await tomorrow(house))[slot], taxpayer_id=T)
    return dict(await ask(house, "POST", APPOINTMENTS, A, body, 201))


async def newest(house: House, who: str = T) -> dict[str, Any]:
    return dict(
        await ask(house, "GET", f"/api/centre/notices/{(await inbox(house, who))[0]['delivery_id']}", who)
    )


async def todos(house: House) -> int:
    return int((await ask(house, "GET", "/api/centre", T))["todos"])


async def leads_to(house: House, told: dict[str, Any], who: str = T) -> list[str]:
    """The numbers of the cases on the page the link leads to, as that page asks for them."""
    url = urlsplit(told["links"][0]["url"])
    staff = url.path.startswith("/desk/records/")
    section = url.path.rsplit("/", 1)[1]
    origin = {"invitations": "&origin=authority", "appointments": "" if staff else "&origin=taxpayer"}
    path = {"invitations": "appointments", "work_orders": "work-orders"}.get(section, section)
    number = parse_qs(url.query)["number"][0]
    side = "casework" if staff else "centre"
    found = await ask(house, "GET", f"/api/{side}/{path}?number={number}{origin.get(section, '')}", who)
    return [one["number"] for one in found["items"]]


async def test_an_invitation_is_done_with_its_answer_and_not_before(house: House) -> None:
    made = await invited(house)
    told = await newest(house)
    assert (told["title"], told["todo"], told["done_by_itself"]) == ("税局邀请", True, True)
    assert await todos(house) == 1
    # To press 办理 answers nothing.
    await fails(house, "POST", f"/api/centre/notices/{told['delivery_id']}/done", T, "wrong_phase")
    await ask(house, "POST", f"/api/centre/appointments/{made['appointment_id']}/accept", T)
    assert await todos(house) == 0
    answered = next(one for one in await inbox(house) if one["title"] == "税局邀请")
    assert (answered["done"], answered["read"]) == (True, True)


async def test_an_invitation_that_is_taken_back_or_lapses_is_no_longer_to_be_done(house: House) -> None:
    first, second = await invited(house, 4), await invited(house, 6)
    assert await todos(house) == 2
    await ask(house, "POST", f"{APPOINTMENTS}/{first['appointment_id']}/cancel", A, {"reason": "改期"})
    assert await todos(house) == 1
    await house.desk.casework.turn(second["starts_at"] + 1)
    assert await todos(house) == 0


async def test_who_invited_hears_the_answer(house: House) -> None:
    for slot, action, word in ((4, "accept", "同意"), (6, "decline", "拒绝")):
        made = await invited(house, slot)
        await ask(house, "POST", f"/api/centre/appointments/{made['appointment_id']}/{action}", T)
        told = await newest(house, A)
        assert told["title"] == f"纳税人已{word}邀请"
        assert await leads_to(house, told, A) == [made["number"]]


async def test_what_is_told_of_an_invitation_leads_to_the_invitations(house: House) -> None:
    made = await invited(house)
    assert await leads_to(house, await newest(house)) == [made["number"]]
    await ask(house, "POST", f"/api/centre/appointments/{made['appointment_id']}/accept", T)
    await house.desk.casework.turn(made["starts_at"] - 60_000)
    reminder = await newest(house)
    assert reminder["title"] == "预约提醒"
    assert await leads_to(house, reminder) == [made["number"]]
    await ask(house, "POST", f"{APPOINTMENTS}/{made['appointment_id']}/cancel", L, {"reason": "改期"})
    assert (await newest(house))["title"] == "预约取消提醒"
    assert await leads_to(house, await newest(house)) == [made["number"]]


async def test_what_is_told_of_ones_own_case_leads_to_that_case(house: House) -> None:
    slot = (await tomorrow(house))[3]
    booked = await ask(house, "POST", "/api/centre/appointments", T, booking(slot), 201)
    assert await leads_to(house, await newest(house)) == [booked["number"]]
    inquiry = await ask(
        house, "POST", "/api/centre/inquiries", T, {"kind": "consultation", "content": "问"}, 201
    )
    await ask(house, "POST", f"/api/casework/inquiries/{inquiry['inquiry_id']}/answer", L, {"text": "答"})
    assert await leads_to(house, await newest(house)) == [inquiry["number"]]
    applied = await ask(house, "POST", "/api/mediations", T, {"subject": "争议", "detail": "说明"}, 201)
    await ask(house, "POST", f"/api/mediations/{applied['application_id']}/refuse", L, {"reason": "不属于"})
    assert await leads_to(house, await newest(house)) == [applied["number"]]


async def test_the_agent_hears_that_a_work_order_is_urged_handed_on_or_ended(house: House) -> None:
    house.open("i1")
    body = {"interaction_id": "i1", "subject": "发票异常", "detail": "需核实。"}
    made = await ask(house, "POST", "/api/casework/work-orders", A, body, 201)
    assert await leads_to(house, await newest(house)) == [made["number"]]
    mine = f"/api/centre/work-orders/{made['work_order_id']}"
    await ask(house, "POST", f"{mine}/urge", T)
    told = await newest(house, A)
    assert (told["title"], "已催办 1 次" in told["body"]) == ("工单被催办", True)
    assert await leads_to(house, told, A) == [made["number"]]
    staff = f"/api/casework/work-orders/{made['work_order_id']}"
    await ask(house, "POST", f"{staff}/hand-on", A, {"agent_id": "agent02"})
    assert (await newest(house, "agent02"))["title"] == "工单已转交给您"
    assert len(await inbox(house, A)) == 1, "who hands on knows it"
    await ask(house, "POST", f"{mine}/terminate", T, {"reason": "已解决"})
    assert (await newest(house, "agent02"))["title"] == "工单已被纳税人终止"


async def test_a_survey_to_be_done_is_done_by_answering(house: House) -> None:
    await ask(house, "GET", "/api/centre", T)
    survey = [{"question": "是否满意？", "options": ["是", "否"]}]
    await ask(house, "POST", NOTICES, L, pushed(kind="survey", todo=True, survey=survey), 201)
    own = f"/api/centre/notices/{(await newest(house))['delivery_id']}"
    await fails(house, "POST", f"{own}/done", T, "wrong_phase")
    assert await todos(house) == 1
    await ask(house, "POST", f"{own}/answers", T, {"answers": [{"options": [0]}]})
    assert await todos(house) == 0


async def test_who_pushes_to_a_list_learns_whom_it_does_not_reach(house: House) -> None:
    for who in (T, "company01"):
        await ask(house, "GET", "/api/centre", who)
    people = [T, "nobody", "company01"]
    made = await ask(house, "POST", NOTICES, L, pushed(audience={"people": people}), 201)
    assert (made["recipients"], made["unreached"]) == (2, ["nobody"])
    companies = {"people": people, "taxpayer_kind": "company"}
    later = await ask(
        house, "POST", NOTICES, L, pushed(audience=companies, publish_at=made["publish_at"] + 3_600_000), 201
    )
    assert (later["state"], later["unreached"]) == ("scheduled", [T, "nobody"])
    everybody = await ask(house, "POST", NOTICES, L, pushed(audience={}), 201)
    assert everybody["unreached"] == []


async def test_an_application_for_mediation_carries_a_telephone_and_material(house: House) -> None:
    phone, file_id = "13800001234", await attached(house)
    asked = {"subject": "争议", "detail": "说明", "contact": phone, "attachments": [file_id]}
    await fails(house, "POST", "/api/mediations", T, "bad_message", asked | {"contact": "请来电"})
    await fails(house, "POST", "/api/mediations", "taxpayer02", "file_not_found", asked)
    draft = await ask(house, "POST", "/api/mediations", T, asked | {"draft": True}, 201)
    mine = f"/api/centre/mediations/{draft['application_id']}"
    seen = await ask(house, "GET", mine, T)
    assert (seen["contact"], [one["name"] for one in seen["attachments"]]) == (phone, ["附件.pdf"])
    await ask(house, "PUT", mine, T, asked | {"attachments": []})
    assert (await ask(house, "GET", mine, T))["attachments"] == []
    await ask(house, "PUT", mine, T, asked)
    await ask(house, "POST", f"{mine}/submit", T)
    listed = await house.client.get("/api/casework/mediations", headers=house.headers(A))
    assert phone not in await listed.text()
    own = f"/api/casework/mediations/{draft['application_id']}"
    shown = await ask(house, "GET", own, A)
    assert (shown["contact"], shown["attachments"][0]["name"]) == ("138****1234", "附件.pdf")
    for who, status in ((AH, 404), (T, 403), ("editor01", 403)):
        await ask(house, "POST", f"{own}/reveal", who, status=status)
    assert await audited(house, "reveal_mediation_phone") == []
    assert (await ask(house, "POST", f"{own}/reveal", A))["contact"] == phone
    assert await audited(house, "reveal_mediation_phone") == [(A, T, draft["number"])]
