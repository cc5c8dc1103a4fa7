"""Working hours of an operating centre: a week, and days that differ from it. Local time of the centre throughout."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from types import MappingProxyType

MINUTES_OF_DAY = 24 * 60
_HORIZON_DAYS = 60


@dataclass(frozen=True, slots=True, order=True)
class Shift:
    """From ``start`` until before ``end``, in minutes after midnight; at most until midnight of the same day."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end <= MINUTES_OF_DAY:
            raise ValueError(f"not a shift within one day: {self.start}–{self.end}")

    def __contains__(self, minute: int) -> bool:
        return self.start <= minute < self.end


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A holiday without shifts, or a day with other hours, such as a Sunday worked in exchange (调休)."""

    day: date
    name: str
    shifts: tuple[Shift, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """Shifts by weekday, Monday is 0 (``date.weekday``). Shifts of one day may touch but not overlap."""

    week: Mapping[int, tuple[Shift, ...]]

    def __post_init__(self) -> None:
        for weekday, shifts in self.week.items():
            if weekday not in range(7):
                raise ValueError(f"not a weekday: {weekday}")
            check_shifts(shifts)
        object.__setattr__(
            self, "week", MappingProxyType({day: tuple(sorted(s)) for day, s in self.week.items()})
        )


def check_shifts(shifts: Iterable[Shift]) -> None:
    """Raises ValueError when two overlap."""
    end = 0
    for shift in sorted(shifts):
        if shift.start < end:
            raise ValueError(f"shifts overlap at minute {shift.start}")
        end = shift.end


def weekdays(*shifts: Shift) -> WorkingHours:
    """The same shifts from Monday to Friday."""
    return WorkingHours(dict.fromkeys(range(5), shifts))


def always() -> WorkingHours:
    return WorkingHours({weekday: (Shift(0, MINUTES_OF_DAY),) for weekday in range(7)})


def shifts_on(hours: WorkingHours, holidays: Iterable[SpecialDay], day: date) -> tuple[Shift, ...]:
    """A special day wins over the week."""
    for special in holidays:
        if special.day == day:
            return tuple(sorted(special.shifts))
    return hours.week.get(day.weekday(), ())


def is_open(hours: WorkingHours, holidays: Iterable[SpecialDay], now_local: datetime) -> bool:
    minute = now_local.hour * 60 + now_local.minute
    return any(minute in shift for shift in shifts_on(hours, holidays, now_local.date()))


def next_opening(hours: WorkingHours, holidays: Iterable[SpecialDay], now_local: datetime) -> datetime | None:
    """When it opens next; ``now_local`` itself while it is open; None if not within 60 days."""
    special = tuple(holidays)
    if is_open(hours, special, now_local):
        return now_local
    return next((start for start in _openings(hours, special, now_local) if start > now_local), None)


def next_closing(hours: WorkingHours, holidays: Iterable[SpecialDay], now_local: datetime) -> datetime | None:
    """When the present opening ends, over touching shifts and midnights; None while closed, or if not within 60 days."""
    special = tuple(holidays)
    if not is_open(hours, special, now_local):
        return None
    end: datetime | None = None
    for number in range(_HORIZON_DAYS):
        day = now_local.date() + timedelta(days=number)
        for shift in shifts_on(hours, special, day):
            start, close = _at(day, shift.start, now_local), _at(day, shift.end, now_local)
            if close <= now_local:
                continue
            if end is not None and start > end:
                return end
            end = close
        if end is not None and end <= _at(day, MINUTES_OF_DAY - 1, now_local):
            return end
    return None


def _openings(
    hours: WorkingHours, holidays: tuple[SpecialDay, ...], now_local: datetime
) -> Iterator[datetime]:
    for number in range(_HORIZON_DAYS):
        day = now_local.date() + timedelta(days=number)
        for shift in shifts_on(hours, holidays, day):
            yield _at(day, shift.start, now_local)


def _at(day: date, minute: int, like: datetime) -> datetime:
    return datetime.combine(day, time.min, like.tzinfo) + timedelta(minutes=minute)
