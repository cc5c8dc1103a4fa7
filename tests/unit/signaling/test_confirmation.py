"""The service confirmation form: its rules under any order of deeds, and over the wire between those it concerns (H9)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.errors import ErrorCode, Refused
from signaling.rooms.confirmation_memory import MemoryConfirmations
from signaling.rooms.memory import MemoryRecords
from signaling.sessions import confirmation as c
from signaling.sessions.confirmation import ConfirmationPhase as P
from signaling.sessions.confirmation import Delivery, Filling
from signaling.sessions.model import FileRef
from tests.unit.signaling.bureau import Bureau, Conversation, open_bureau, serve
from tests.unit.signaling.service import Client, Service

GUEST = "agent11"
HANDLER = "agent12"
NOW = 1_000_000
FILE = FileRef("f1", "营业执照.pdf", "application/pdf", 10)
WHOLE = Filling("变更经营范围", "13800000000", (FILE,))
PEOPLE = ("taxpayer01", "agent01", GUEST, HANDLER, "agent02", "taxpayer02")


def form(**changes: Any) -> c.ConfirmationForm:
    given: dict[str, Any] = {
        "confirmation_id": "c1",
        "number": "1",
        "interaction_id": "i",
        "sender_id": GUEST,
        "sender_number": "11",
        "sender_authority": "合肥市税务局",
        "receiver_id": "agent01",
        "receiver_number": "01",
        "taxpayer_id": "taxpayer01",
        "taxpayer_name": "王*",
        "business": "变更登记",
        "request": "",
        "required": ("营业执照",),
        "sent_at": NOW,
        **changes,
    }
    return c.opened(c.ConfirmationForm(**given))


def refusal(known: c.ConfirmationForm, command: c.Command) -> ErrorCode | None:
    try:
        c.handle(known, command, NOW)
    except Refused as error:
        return error.code
    return None


PERSON = st.sampled_from(PEOPLE)
FILLING = st.sampled_from((Filling(), WHOLE, Filling("内容", "电话", (FILE,), Delivery.MAIL)))
REASONS = st.sampled_from(((), ("缺少材料",), ("缺少材料", "印章不清"), ("  ",)))
COMMAND = st.one_of(
    st.builds(c.Fill, PERSON, FILLING, st.booleans()),
    st.builds(c.Withdraw, PERSON),
    st.builds(c.Complete, PERSON, st.sampled_from(("", "已变更"))),
    st.builds(c.PassOn, PERSON, PERSON, st.just("12"), st.sampled_from((NOW - 1, NOW + 5))),
    st.builds(c.AskSupplement, PERSON, REASONS, st.booleans()),
    st.builds(c.RefuseBusiness, PERSON, REASONS),
    st.just(c.ConversationOver()),
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(COMMAND, max_size=12))
def test_whatever_is_done_in_any_order(commands: list[c.Command]) -> None:
    known = form()
    for command in commands:
        actor = getattr(command, "actor_id", None)
        before = known
        try:
            known = c.handle(known, command, NOW)
        except Refused as error:
            refused: ErrorCode | None = error.code
        else:
            refused = None
        if refused is not None:
            stranger = actor is not None and not c.seats_of(before, actor)
            assert (refused is ErrorCode.NOT_FOUND) == stranger
            continue
        if known is before:
            continue
        assert not before.ended, "what is over stays as it is"
        assert actor is None or actor in before.concerned
        assert [step.number for step in known.steps] == list(range(1, len(known.steps) + 1))
        assert known.steps[:-1] == before.steps
        assert known.steps[-1].actor_id == actor
        assert known.ended == (known.ended_at is not None)
        assert (known.phase is P.PASSED_ON) <= (known.handler_id is not None and known.due_at is not None)
        if known.phase in (P.REFUSED, P.SUPPLEMENT):
            assert known.reasons
        if known.phase in (P.CONFIRMED, P.PASSED_ON, P.DONE):
            assert known.filling.content
            assert known.filling.contact
            assert known.filling.materials
            assert known.filling.delivery is not Delivery.MAIL or known.filling.mailable
        if known.phase is P.DONE:
            assert known.result


def test_each_way_to_an_end() -> None:
    confirmed = c.handle(form(), c.Fill("agent01", WHOLE, True), NOW)
    assert refusal(confirmed, c.Fill("taxpayer01", WHOLE, False)) is ErrorCode.WRONG_PHASE
    assert refusal(confirmed, c.Complete("agent01", "好")) is ErrorCode.NOT_ALLOWED
    assert refusal(confirmed, c.Complete("agent02", "好")) is ErrorCode.NOT_FOUND
    assert c.handle(confirmed, c.Complete(GUEST, "已变更"), NOW).phase is P.DONE
    passed = c.handle(confirmed, c.PassOn(GUEST, HANDLER, "12", NOW + 1), NOW)
    assert refusal(passed, c.Complete(GUEST, "好")) is ErrorCode.WRONG_PHASE
    assert refusal(passed, c.AskSupplement(HANDLER, ("缺",), False)) is ErrorCode.INTERACTION_CLOSED
    back = c.handle(passed, c.AskSupplement(HANDLER, ("缺",), True), NOW)
    assert (back.phase, back.handler_id) == (P.SUPPLEMENT, None)
    assert HANDLER not in back.concerned
    assert c.handle(passed, c.RefuseBusiness(HANDLER, ("不符合条件",)), NOW).phase is P.REFUSED
    assert c.handle(form(), c.ConversationOver(), NOW).phase is P.LAPSED
    assert c.handle(passed, c.ConversationOver(), NOW) is passed


# Over the wire


@pytest.fixture
async def bureau() -> Bureau:
    return Bureau()


@pytest.fixture
async def service(bureau: Bureau) -> AsyncIterator[Service]:
    async with open_bureau(bureau) as service:
        yield service


async def three(service: Service) -> tuple[Conversation, Client]:
    talk = await serve(service)
    guest = await service.sign_in(GUEST)
    await guest.do("agent.sign_in")
    await talk.agent.do("invitation.offer", interaction_id=talk.id, to_agent=GUEST, authority="340100")
    await guest.wait_for("invitation.rang")
    await guest.do("invitation.accept", interaction_id=talk.id)
    return talk, guest


async def sent(talk: Conversation, guest: Client) -> str:
    body = {"business": "变更税务登记", "request": "请填写变更内容", "required": ["营业执照"]}
    made = await guest.do("confirmation.send", interaction_id=talk.id, **body)
    await talk.taxpayer.wait_for("confirmation.changed", lambda m: m["confirmation"]["phase"] == "sent")
    return str(made["confirmation"]["confirmation_id"])


FILLED = {"content": "地址变更", "contact": "13800000000", "materials": ["f1"], "delivery": "mail",
          "recipient": "王五", "address": "合肥市蜀山区1号", "address_phone": "13800000000"}  # fmt: skip


async def test_from_the_card_to_the_result(service: Service, bureau: Bureau) -> None:
    talk, guest = await three(service)
    for stranger in (talk.agent, talk.taxpayer):
        refused = await stranger.fails("confirmation.send", interaction_id=talk.id, business="x")
        assert refused == ErrorCode.NOT_ALLOWED
    own = await sent(talk, guest)
    card = await talk.taxpayer.wait_for("message.posted", lambda m: m["message"]["card"] == "confirmation")
    assert card["message"]["client_message_id"] == own
    again = await guest.fails("confirmation.send", interaction_id=talk.id, business="又一份")
    assert again == ErrorCode.WRONG_PHASE
    bureau.files["f1"] = (talk.id, "taxpayer01", FILE)
    filling = {"confirmation_id": own, "filling": FILLED}
    assert await talk.agent.fails("confirmation.save", **filling) == ErrorCode.FILE_NOT_FOUND
    lacking = {"confirmation_id": own, "filling": {**FILLED, "address": ""}}
    saved = (await talk.taxpayer.do("confirmation.save", **lacking))["confirmation"]
    assert (saved["phase"], saved["may"]) == ("saved", ["confirm", "save"])
    assert await talk.taxpayer.fails("confirmation.confirm", **lacking) == "confirmation_incomplete"
    # What the taxpayer gave stays in the form when the agent fills in the rest.
    await talk.agent.do("confirmation.confirm", **filling)
    told = await guest.wait_for("confirmation.changed", lambda m: m["confirmation"]["phase"] == "confirmed")
    assert told["confirmation"]["filling"]["materials"][0]["file_id"] == "f1"
    assert told["confirmation"]["may"] == ["complete", "pass_on", "refuse", "supplement"]
    review = {"confirmation_id": own}
    reasons = ["缺少委托书", "印章不清晰"]
    await guest.do("confirmation.review", decision="supplement", reasons=reasons, **review)
    await talk.taxpayer.wait_for(
        "message.posted", lambda m: "1. 缺少委托书；2. 印章不清晰" in m["message"]["text"]
    )
    await talk.taxpayer.do("confirmation.confirm", **filling)
    await guest.do("confirmation.review", decision="complete", result="变更已生效", **review)
    await talk.taxpayer.wait_for("message.posted", lambda m: "已办结：变更已生效" in m["message"]["text"])
    done = (await talk.taxpayer.do("confirmation.get", **review))["confirmation"]
    assert (done["phase"], done["result"], done["may"]) == ("done", "变更已生效", [])
    actions = [step["action"] for step in done["steps"]]
    assert actions == ["send", "save", "confirm", "supplement", "confirm", "complete"]


async def test_passed_on_it_outlives_the_conversation(service: Service, bureau: Bureau) -> None:
    talk, guest = await three(service)
    own = await sent(talk, guest)
    bureau.files["f1"] = (talk.id, "taxpayer01", FILE)
    await talk.taxpayer.do("confirmation.confirm", confirmation_id=own, filling=FILLED)
    handlers = (await guest.do("confirmation.handlers", confirmation_id=own))["handlers"]
    assert [one["agent_id"] for one in handlers] == ["agent12", "agent13"]
    due_at = service.clock.now_ms() + 5 * 86_400_000
    review = {"confirmation_id": own, "decision": "pass_on", "due_at": due_at}
    assert await guest.fails("confirmation.review", handler="agent02", **review) == ErrorCode.NOT_FOUND
    handler = await service.sign_in(HANDLER)
    assert await handler.fails("confirmation.get", confirmation_id=own) == ErrorCode.NOT_FOUND
    await guest.do("confirmation.review", handler=HANDLER, **review)
    await handler.wait_for("confirmation.changed", lambda m: m["confirmation"]["phase"] == "passed_on")
    await talk.taxpayer.do("interaction.close", interaction_id=talk.id)
    done = {"confirmation_id": own, "decision": "complete", "result": "已办结，文书已寄出"}
    assert await guest.fails("confirmation.review", **done) == ErrorCode.WRONG_PHASE
    await handler.do("confirmation.review", **done)
    await talk.taxpayer.wait_for("confirmation.changed", lambda m: m["confirmation"]["phase"] == "done")
    listed = (await talk.taxpayer.do("confirmation.list"))["confirmations"]
    assert [one["result"] for one in listed] == ["已办结，文书已寄出"]


async def test_what_nobody_confirmed_ends_with_the_conversation(service: Service) -> None:
    talk, guest = await three(service)
    own = await sent(talk, guest)
    await talk.agent.do("interaction.close", interaction_id=talk.id)
    await guest.wait_for("confirmation.changed", lambda m: m["confirmation"]["phase"] == "lapsed")
    refused = await talk.taxpayer.fails("confirmation.save", confirmation_id=own, filling=FILLED)
    assert refused == ErrorCode.WRONG_PHASE


async def test_nobody_else_learns_of_it_by_any_way(service: Service, bureau: Bureau) -> None:
    talk, guest = await three(service)
    own = await sent(talk, guest)
    bureau.files["f1"] = (talk.id, "taxpayer01", FILE)
    await talk.taxpayer.do("confirmation.save", confirmation_id=own, filling=FILLED)
    lead = await service.sign_in("lead01")
    await lead.do("supervise.join", interaction_id=talk.id, mode="listen")
    strangers = [lead]
    for name in ("taxpayer02", "agent02", HANDLER, "agent13", "lead11"):
        strangers.append(await service.sign_in(name))
    for stranger in strangers:
        for event, body in (
            ("confirmation.get", {}),
            ("confirmation.save", {"filling": {}}),
            ("confirmation.confirm", {"filling": {}}),
            ("confirmation.withdraw", {}),
            ("confirmation.handlers", {}),
            ("confirmation.review", {"decision": "complete", "result": "x"}),
            ("confirmation.review", {"decision": "refuse", "reasons": ["x"]}),
            ("confirmation.review", {"decision": "supplement", "reasons": ["x"]}),
            ("confirmation.review", {"decision": "pass_on", "handler": HANDLER, "due_at": 2**50}),
        ):
            assert await stranger.fails(event, confirmation_id=own, **body) == ErrorCode.NOT_FOUND, event
        assert (await stranger.do("confirmation.list"))["confirmations"] == []
        assert "蜀山区" not in json.dumps(stranger.told, ensure_ascii=False)
    assert not await service.gateway.confirmations.may_read_file("agent02", talk.id, "f1")
    assert await service.gateway.confirmations.may_read_file(GUEST, talk.id, "f1")


async def test_the_agent_who_takes_over_fills_in(service: Service) -> None:
    talk, guest = await three(service)
    own = await sent(talk, guest)
    second = await service.sign_in("agent02")
    await second.do("agent.sign_in")
    await talk.agent.do("transfer.offer", interaction_id=talk.id, to_agent="agent02")
    await second.wait_for("offer.rang")
    await second.do("offer.accept", ticket_id=talk.id)
    await second.wait_for("interaction.changed")
    saved = await second.do("confirmation.save", confirmation_id=own, filling={"content": "代填"})
    assert saved["confirmation"]["filling"]["content"] == "代填"
    assert await talk.agent.fails("confirmation.get", confirmation_id=own) == ErrorCode.NOT_FOUND


async def test_a_restart_brings_the_forms_back_and_ends_what_has_no_conversation() -> None:
    forms, records = MemoryConfirmations(), MemoryRecords()
    passed = c.handle(form(), c.Fill("taxpayer01", WHOLE, True), NOW)
    forms.keep_confirmation(passed, passed.steps)
    lost = form(confirmation_id="c2")
    forms.keep_confirmation(lost, lost.steps)
    async with open_bureau(records=records, confirmation_records=forms) as service:
        guest = service.client(GUEST)
        welcome = await guest.connect()
        assert [one["confirmation_id"] for one in welcome["confirmations"]] == ["c1"]
        got = await guest.do("confirmation.get", confirmation_id="c2")
        assert got["confirmation"]["phase"] == "lapsed"
    assert ("c2", c.ConfirmationAction.LAPSE) in [(own, step.action) for own, step in forms.steps]
