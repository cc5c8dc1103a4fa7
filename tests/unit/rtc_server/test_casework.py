"""Rules of casework: slots from working hours, and every state of a case with what may follow."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtc_server.casework import appointments as rules
from rtc_server.casework import inquiries, work_orders
from rtc_server.casework.states import (
    WORDS,
    AppointmentProgress,
    AppointmentState,
    InquiryState,
    WorkOrderState,
)
from rtc_server.casework.work_orders import WorkOrder
from rtc_server.organisation.centres import OperatingCentre
from rtc_server.organisation.hours import Shift, SpecialDay, weekdays
from signaling.errors import DomainError, RateLimited, Refused
from tests.records.test_casework import NOON, an_appointment, an_inquiry

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = date(2026, 11, 23)
CENTRE = OperatingCentre(
    "c",
    "中心",
    weekdays(Shift(9 * 60 + 10, 12 * 60), Shift(13 * 60 + 30, 17 * 60)),
    frozenset(),
    holidays=(SpecialDay(date(2026, 11, 24), "休"),),
)


def at(day: date, hour: int, minute: int = 0) -> int:
    return int(datetime(day.year, day.month, day.day, hour, minute, tzinfo=SHANGHAI).timestamp() * 1000)


def test_slots_are_whole_half_hours_within_working_hours() -> None:
    now = at(date(2026, 11, 22), 8)
    slots = [one.starts_at for one in rules.slots_on(CENTRE, MONDAY, now)]
    assert slots[0] == at(MONDAY, 9, 30), "what begins before the shift is none"
    assert slots[-1] == at(MONDAY, 16, 30)
    assert at(MONDAY, 12) not in slots
    assert len(slots) == 5 + 7
    assert not list(rules.slots_on(CENTRE, date(2026, 11, 24), now)), "a holiday"
    assert not list(rules.slots_on(CENTRE, date(2026, 11, 22), now)), "a Sunday"
    assert not list(rules.slots_on(CENTRE, date(2026, 12, 7), now)), "too far ahead"
    assert not list(rules.slots_on(CENTRE, date(2026, 11, 20), now)), "the past"
    later = [one.starts_at for one in rules.slots_on(CENTRE, MONDAY, at(MONDAY, 15, 1))]
    assert later == [at(MONDAY, 16), at(MONDAY, 16, 30)]
    assert rules.is_slot(CENTRE, at(MONDAY, 16), now)
    assert not rules.is_slot(CENTRE, at(MONDAY, 16) + 60_000, now)


BOOKED = an_appointment(1)
Deed = st.sampled_from(["cancel", "agree", "decline", "begin", "fulfil", "miss", "settle"])


@given(st.lists(st.tuples(Deed, st.integers(-3, 60)), max_size=8), st.booleans())
def test_an_appointment_is_decided_once(deeds: list[tuple[str, int]], invited: bool) -> None:
    known = replace(BOOKED, state=AppointmentState.INVITED) if invited else BOOKED
    now = NOON - 2 * 60 * 60_000
    for deed, half_hours in deeds:
        now = max(now, NOON + half_hours * rules.SLOT_MS)
        before = known
        try:
            known = carry_out(known, deed, now)
        except Refused:
            continue
        if not before.holds_slot:
            assert known == before, "what is decided stays"
        if known.state is AppointmentState.FULFILLED:
            assert before.progress is AppointmentProgress.STARTED
        if known.state is AppointmentState.MISSED:
            assert before.progress is AppointmentProgress.NOT_STARTED
            assert now >= known.starts_at


def carry_out(known: rules.Appointment, deed: str, now: int) -> rules.Appointment:
    match deed:
        case "cancel":
            return rules.cancel(known, "r", now)
        case "agree":
            return rules.answer(known, agreed=True, now_ms=now)
        case "decline":
            return rules.answer(known, agreed=False, now_ms=now)
        case "begin":
            return rules.begin(known, "agent01", None, now)
        case "fulfil":
            return rules.fulfil(known, now)
        case "miss":
            return rules.miss(known, now)
        case _:
            return rules.settle(known, now) or known


def test_reminders_and_what_settles_by_itself() -> None:
    assert not rules.is_due_for_reminder(BOOKED, NOON - rules.REMIND_MS - 1)
    assert rules.is_due_for_reminder(BOOKED, NOON - rules.REMIND_MS)
    assert not rules.is_due_for_reminder(replace(BOOKED, reminded_at=1), NOON - 1)
    assert not rules.is_due_for_reminder(BOOKED, NOON)
    assert rules.settle(BOOKED, BOOKED.ends_at) is None
    late = BOOKED.ends_at + rules.SETTLE_MS
    missed = rules.settle(BOOKED, late)
    assert missed is not None
    assert missed.state is AppointmentState.MISSED
    begun = rules.begin(BOOKED, "agent01", "i1", NOON)
    kept = rules.settle(begun, late)
    assert kept is not None
    assert kept.state is AppointmentState.FULFILLED
    unanswered = rules.settle(replace(BOOKED, state=AppointmentState.INVITED), NOON)
    assert unanswered is not None
    assert unanswered.state is AppointmentState.DECLINED


def test_an_inquiry_is_answered_or_closed_once() -> None:
    given_away = inquiries.assign(an_inquiry(1), "agent01", "lead01", 5)
    assert (given_away.state, given_away.agent_id) == (InquiryState.ASSIGNED, "agent01")
    again = inquiries.assign(given_away, "agent02", "lead01", 6)
    answered = inquiries.answer(again, "答", (), "agent02", 7)
    assert (answered.state, answered.agent_id, answered.answer) == (InquiryState.ANSWERED, "agent02", "答")
    direct = inquiries.answer(an_inquiry(1), "答", (), "agent02", 7)
    assert (direct.agent_id, direct.assigned_at) == ("agent02", 7)
    for decided in (answered, inquiries.close(an_inquiry(1), "重复", "agent01", 8)):
        for deed in (
            lambda one=decided: inquiries.answer(one, "x", (), "a", 9),
            lambda one=decided: inquiries.close(one, "x", "a", 9),
            lambda one=decided: inquiries.assign(one, "x", "a", 9),
        ):
            with pytest.raises(Refused, match="wrong_phase"):
                deed()


def test_a_work_order_is_urged_once_an_hour_and_rated_once_after_its_end() -> None:
    order = WorkOrder(
        "w1", 1, "n", "t1", "张*", "gd", None, "i1", "事项", "详情", WorkOrderState.OPEN, "已受理", "agent01", 1, 1, "agent01"
    )  # fmt: skip
    urged = work_orders.urge(order, 10)
    assert urged.urged == 1
    with pytest.raises(RateLimited):
        work_orders.urge(urged, 10 + work_orders.URGE_EVERY_MS - 1)
    assert work_orders.urge(urged, 10 + work_orders.URGE_EVERY_MS).urged == 2
    moved = work_orders.advance(order, "核实中", 20)
    assert moved.state is WorkOrderState.PROCESSING
    with pytest.raises(Refused, match="wrong_phase"):
        work_orders.rate(moved, True, 30)
    for ended in (work_orders.finish(moved, "完成", 40), work_orders.terminate(order, "不再需要", 40)):
        with pytest.raises(Refused, match="wrong_phase"):
            work_orders.advance(ended, "x", 50)
        rated = work_orders.rate(ended, False, 50)
        assert rated.resolved is False
        with pytest.raises(DomainError, match="already_rated"):
            work_orders.rate(rated, True, 60)


def test_every_code_has_its_word() -> None:
    for kind, words in WORDS.items():
        (enum,) = {type(code) for code in words}
        missing = set(enum) - set(words)
        assert {one.value for one in missing} <= {"discarded"}, kind
