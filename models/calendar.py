"""Working days: a country's calendar, pinned into a case, and the days on which business is done.

Where calendars come from is in gateway/calendars.py; who may be contacted when is in contact.py. A contact is moved
forward to a working day, a deadline backward (`previous_business_day`).
"""

import re
from datetime import date, timedelta
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from models.base import Value
from models.durations import Day
from models.faults import faults_within

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

SeasonName = Literal["golden_week", "spring_festival", "eid_al_fitr", "eid_al_adha"]
"""Stretches of holidays that have a name of their own; policies/calendars/seasons.yaml says which days they are."""

ORDINARY_WEEKEND: tuple[Weekday, ...] = ("saturday", "sunday")
"""Where no calendar is pinned."""

MAX_CLOSING = 92
SEARCH = 500
"""Days after which the search for a working day ends: a calendar that knows none is no reason to wait for ever."""


class Closing(Value):
    """Days on which the creditor's house is closed, both ends included."""

    first: Day
    last: Day
    name: str = Field(default="", max_length=100)

    @model_validator(mode="after")
    def _sound(self) -> "Closing":
        if self.last < self.first:
            raise faults_within([(("last",), f"{self.last} lies before {self.first}, on which it begins")])
        if (self.last - self.first).days >= MAX_CLOSING:
            raise faults_within([((), f"{self.first} to {self.last} is more than {MAX_CLOSING} days")])
        return self


def _closing(given: Any) -> Any:
    """`2026-12-24`, `2026-12-24..2027-01-01`, or `{days: …, name: …}`."""
    if isinstance(given, date):
        return {"first": given, "last": given}
    if isinstance(given, str):
        found = _RANGE.fullmatch(given.strip())
        if not found:
            raise ValueError(f"{given!r} is not a day or a range: write 2026-12-24 or 2026-12-24..2027-01-01")
        return {"first": found[1], "last": found[2] or found[1]}
    if isinstance(given, dict) and "days" in given:
        return {**_closing(given["days"]), **{key: value for key, value in given.items() if key != "days"}}
    return given


_RANGE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\s*\.\.\s*(\d{4}-\d{2}-\d{2}))?")

ClosingDays = Annotated[Closing, BeforeValidator(_closing)]


class Season(Value):
    """A named stretch of holidays with the days between them, both ends included."""

    name: SeasonName
    title: str
    first: date
    last: date


class PinnedCalendar(Value):
    """The working days of a place over the time of a case, as they were known when the case began.

    It holds every holiday by its date, so that an update of the library moves no running case. After `known_until`
    not all of them were published yet: those that are listed hold, others may come. Outside of `first` to `last`
    nothing is listed, and only the weekend counts.
    """

    country: str | None = None
    zone: str = "UTC"
    weekend: tuple[Weekday, ...] = Field(default=ORDINARY_WEEKEND, max_length=6)
    first: date
    last: date
    holidays: dict[date, str] = Field(default_factory=dict)
    make_up: tuple[date, ...] = Field(default=(), description="days of the weekend on which work is done")
    seasons: tuple[Season, ...] = ()
    closing_days: tuple[Closing, ...] = Field(default=(), description="the creditor's own")
    library: str = ""
    version: str = ""
    known_until: date | None = Field(default=None, description="None: not even the first year is published")
    office: "PinnedCalendar | None" = Field(
        default=None, exclude_if=lambda value: value is None, description="the creditor's own calendar, where it counts"
    )

    def holiday(self, day: date) -> str | None:
        """The holiday of a day, with the name of its season if it has one."""
        name = self.holidays.get(day)
        season = self.season(day) if name is not None else None
        return name if season is None else season.title

    def season(self, day: date, name: SeasonName | None = None) -> Season | None:
        """The season in which a day lies, of any name or of one."""
        found = (s for s in self.seasons if s.first <= day <= s.last and name in (None, s.name))
        return next(found, None)

    def weekend_on(self, day: date) -> bool:
        """Whether a day is of the weekend, leaving aside that work may be done on it."""
        return day.weekday() in self._weekend

    def made_up(self, day: date) -> bool:
        """Whether work is done on a day of the weekend."""
        return day in self._make_up

    def closing(self, day: date) -> Closing | None:
        """The creditor's closing days in which a day lies."""
        return next((c for c in self.closing_days if c.first <= day <= c.last), None)

    def between(self, first: date, last: date) -> "PinnedCalendar":
        """This calendar over a shorter time: what an order carries."""
        return self.but(
            first=max(first, self.first), last=min(last, self.last),
            holidays={day: name for day, name in self.holidays.items() if first <= day <= last},
            make_up=tuple(day for day in self.make_up if first <= day <= last),
            seasons=tuple(s for s in self.seasons if s.last >= first and s.first <= last),
            closing_days=tuple(c for c in self.closing_days if c.last >= first and c.first <= last),
            office=None,
        )  # fmt: skip

    def but(self, **changes: Any) -> "PinnedCalendar":
        """A copy with `changes`, without what was worked out from the fields before."""
        copy = super().but(**changes)
        for worked_out in ("_weekend", "_make_up"):
            copy.__dict__.pop(worked_out, None)
        return copy

    @cached_property
    def _weekend(self) -> frozenset[int]:
        return frozenset(WEEKDAYS.index(day) for day in self.weekend)

    @cached_property
    def _make_up(self) -> frozenset[date]:
        return frozenset(self.make_up)


_PLAIN = PinnedCalendar(first=date.min, last=date.min)
"""The calendar of those who have none: Saturday and Sunday."""


def closed_day(day: date, calendar: PinnedCalendar | None) -> str | None:
    """Why a day is no business day, in words; None if it is one."""
    calendar = calendar or _PLAIN
    closing = calendar.closing(day)
    if closing is not None:
        return closing_in_words(closing)
    holiday = calendar.holiday(day)
    if holiday is not None:
        return holiday
    return weekend_in_words(day, calendar) if calendar.weekend_on(day) and not calendar.made_up(day) else None


def weekend_in_words(day: date, calendar: PinnedCalendar) -> str:
    """A day of the weekend; within a season it is a part of that."""
    season = calendar.season(day)
    return "weekend" if season is None else season.title


def closing_in_words(closing: Closing) -> str:
    """That the creditor's house is closed."""
    return f"the creditor is closed ({closing.name})" if closing.name else "the creditor is closed"


def is_business_day(day: date, calendar: PinnedCalendar | None) -> bool:
    """Whether business is done on a day: no weekend, no holiday, the creditor not closed."""
    return closed_day(day, calendar) is None


def previous_business_day(day: date, calendar: PinnedCalendar | None) -> date:
    """`day`, or the last business day before it: a deadline that falls on a closed day is met before, not after.

    Args:
        day: The last day of the deadline.
        calendar: The calendar of whoever has to act; without one Saturday and Sunday are closed.
    """
    return _searched(day, calendar, -1)


def next_business_day(day: date, calendar: PinnedCalendar | None) -> date:
    """`day`, or the first business day after it."""
    return _searched(day, calendar, 1)


def _searched(day: date, calendar: PinnedCalendar | None, step: int) -> date:
    for distance in range(SEARCH):
        found = day + timedelta(days=step * distance)
        if closed_day(found, calendar) is None:
            return found
    return day
