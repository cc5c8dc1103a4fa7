"""Opening hours: ordinary weeks, holidays, worked Sundays, midnights."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtc_server.organisation.centres import OperatingCentre
from rtc_server.organisation.hours import (
    Shift,
    SpecialDay,
    WorkingHours,
    always,
    is_open,
    next_closing,
    next_opening,
    weekdays,
)

OFFICE = weekdays(Shift(9 * 60, 12 * 60), Shift(13 * 60 + 30, 17 * 60))
MONDAY = datetime(2026, 11, 23)  # noqa: DTZ001 - local time of the centre


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return MONDAY + timedelta(days=day, hours=hour, minutes=minute)


@pytest.mark.parametrize(
    ("now", "open_now", "opens", "closes"),
    [
        (at(0, 9), True, at(0, 9), at(0, 12)),
        (at(0, 8, 59), False, at(0, 9), None),
        (at(0, 12), False, at(0, 13, 30), None),
        (at(0, 16, 59), True, at(0, 16, 59), at(0, 17)),
        (at(0, 17), False, at(1, 9), None),
        (at(4, 18), False, at(7, 9), None),
        (at(6, 10), False, at(7, 9), None),
    ],
)
def test_an_ordinary_week(now: datetime, open_now: bool, opens: datetime, closes: datetime | None) -> None:
    assert is_open(OFFICE, (), now) is open_now
    assert next_opening(OFFICE, (), now) == opens
    assert next_closing(OFFICE, (), now) == closes


def test_holidays_and_worked_sundays() -> None:
    special = (
        SpecialDay(date(2026, 11, 23), "假日"),
        SpecialDay(date(2026, 11, 29), "调休", (Shift(9 * 60, 17 * 60),)),
    )
    assert not is_open(OFFICE, special, at(0, 10))
    assert next_opening(OFFICE, special, at(0, 10)) == at(1, 9)
    assert is_open(OFFICE, special, at(6, 12, 30))
    assert next_opening(OFFICE, special, at(5, 10)) == at(6, 9)


def test_never_and_always() -> None:
    never = WorkingHours({})
    assert next_opening(never, (), at(0, 10)) is None
    assert next_opening(always(), (), at(0, 10)) == at(0, 10)
    assert next_closing(always(), (), at(0, 10)) is None


def test_shifts_over_midnight_are_two_that_touch() -> None:
    night = WorkingHours({0: (Shift(22 * 60, 24 * 60),), 1: (Shift(0, 6 * 60),)})
    assert is_open(night, (), at(0, 23, 59))
    assert is_open(night, (), at(1, 0))
    assert next_closing(night, (), at(0, 23)) == at(1, 6)


def test_contradictions_are_refused() -> None:
    for start, end in ((60, 60), (120, 60), (-1, 5), (0, 1_441)):
        with pytest.raises(ValueError, match="not a shift"):
            Shift(start, end)
    with pytest.raises(ValueError, match="overlap"):
        WorkingHours({0: (Shift(0, 60), Shift(59, 120))})
    with pytest.raises(ValueError, match="weekday"):
        WorkingHours({7: ()})


def test_a_centre_goes_by_its_own_clock() -> None:
    centre = OperatingCentre("c", "c", OFFICE, frozenset())
    assert centre.is_open(datetime(2026, 11, 23, 1, 30, tzinfo=UTC))
    assert not centre.is_open(datetime(2026, 11, 23, 9, 30, tzinfo=UTC))
    opening = centre.next_opening(datetime(2026, 11, 23, 9, 30, tzinfo=UTC))
    assert opening == datetime(2026, 11, 24, 1, 0, tzinfo=UTC)


SHIFTS = st.lists(st.integers(0, 1_440), max_size=6, unique=True).map(
    lambda cuts: tuple(Shift(a, b) for a, b in zip(sorted(cuts)[::2], sorted(cuts)[1::2], strict=False))
)


@given(week=st.dictionaries(st.integers(0, 6), SHIFTS), minutes=st.integers(0, 14 * 1_440))
def test_next_opening_is_the_first_open_minute(week: dict[int, tuple[Shift, ...]], minutes: int) -> None:
    hours, now = WorkingHours(week), MONDAY + timedelta(minutes=minutes)
    found = next_opening(hours, (), now)
    if found is None:
        assert not any(week.values())
        return
    assert is_open(hours, (), found)
    assert found == now or not is_open(hours, (), now)
    step = now
    while step < found:
        assert not is_open(hours, (), step)
        step += timedelta(minutes=7)
    assert (
        found == now
        or not is_open(hours, (), found - timedelta(minutes=1))
        or found - timedelta(minutes=1) < now
    )
