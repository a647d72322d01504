"""The `contact` block of a policy: hours, regions, working days, quiet seasons and the cap over a buyer's cases.

What a credit manager writes. What follows from it for a case is in contact.py.
"""

import re
from datetime import date, timedelta
from datetime import time as clock_time
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from models.base import Value
from models.calendar import PinnedCalendar, SeasonName
from models.durations import Days
from models.faults import Keys, faults_within
from models.parties import Channel

MAX_QUIET = 120
"""Days of a year that may be quiet in all: a policy that is silent for longer is a mistake."""

_END_OF_DAY = clock_time(23, 59, 59, 999999)


class Window(Value):
    """Hours of a day, local to the debtor: from `opens` until just before `closes`."""

    opens: clock_time
    closes: clock_time

    def __str__(self) -> str:
        """`08:00-18:00`, as it is written in a policy."""
        closes = "24:00" if self.closes == _END_OF_DAY else f"{self.closes:%H:%M}"
        return f"{self.opens:%H:%M}-{closes}"


def _window(given: Any) -> Any:
    if isinstance(given, Window):
        return given
    found = _WINDOW.fullmatch(given) if isinstance(given, str) else None
    if not found:
        raise ValueError(f'{given!r} are not hours of a day: write "08:00-18:00"')
    opens = clock_time.fromisoformat(found[1])
    closes = _END_OF_DAY if found[2] == "24:00" else clock_time.fromisoformat(found[2])
    if (closes.hour * 60 + closes.minute) - (opens.hour * 60 + opens.minute) < 30:
        raise ValueError(f"{given!r}: the hours must end at least half an hour after they begin")
    return Window(opens=opens, closes=closes)


_WINDOW = re.compile(r"((?:[01]\d|2[0-3]):[0-5]\d)\s*-\s*((?:[01]\d|2[0-3]):[0-5]\d|24:00)")

WindowText = Annotated[Window, BeforeValidator(_window), PlainSerializer(str, return_type=str)]

OFFICE_HOURS = Window(opens=clock_time(8), closes=clock_time(18))
"""For a channel for which a policy names no hours."""


class Hours(Value):
    """The hours of each channel; `any` is for those that are not named."""

    any: WindowText | None = None
    email: WindowText | None = None
    post: WindowText | None = None
    sms: WindowText | None = None
    whatsapp: WindowText | None = None
    wecom: WindowText | None = None
    dingtalk: WindowText | None = None
    feishu: WindowText | None = None
    line: WindowText | None = None
    phone: WindowText | None = None
    visit: WindowText | None = None

    def of(self, channel: str) -> Window | None:
        """The hours of a channel, if any are named for it."""
        found: Window | None = getattr(self, channel) or self.any
        return found


Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class Region(Value):
    """Countries with hours, or channels, of their own (R27)."""

    countries: tuple[Country, ...] = Field(min_length=1)
    hours: Hours = Hours()
    channels: tuple[Channel, ...] = Field(default=(), description="for reminders; before those of the step")


class Quiet(Value):
    """A season in which nobody is contacted: days of every year, or a stretch of holidays that has a name."""

    days: str | None = Field(default=None, description="such as 12-23..01-02, month and day, both ends included")
    season: SeasonName | None = None
    name: str = Field(default="", max_length=60)
    countries: tuple[Country, ...] = Field(default=(), description="where it is kept; everywhere, if none is named")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if (self.days is None) == (self.season is None):
            raise faults_within([((), "a quiet season is either `days` (12-23..01-02) or a `season` (golden_week)")])
        if self.days is not None:
            try:
                _month_days(self.days)
            except ValueError as error:
                raise faults_within([(("days",), str(error))]) from None
        return self

    def holds_on(self, day: date, calendar: PinnedCalendar | None) -> bool:
        """Whether a day is quiet."""
        if self.countries and (calendar is None or calendar.country not in self.countries):
            return False
        if self.season is not None:
            return calendar is not None and calendar.season(day, self.season) is not None
        first, last = _month_days(str(self.days))
        this = (day.month, day.day)
        return first <= this <= last if first <= last else this >= first or this <= last

    def __str__(self) -> str:
        """Its name for people."""
        return f"quiet season {self.name or self.days}" if self.days else self.name or str(self.season)


@lru_cache(maxsize=256)
def _month_days(text: str) -> tuple[tuple[int, int], tuple[int, int]]:
    found = _MONTH_DAYS.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a range of days of the year: write 12-23..01-02 (month-day)")
    first, last = (int(found[1]), int(found[2])), (int(found[3]), int(found[4]))
    for month, day in (first, last):
        try:
            date(2024, month, day)
        except ValueError:
            raise ValueError(f"{text!r}: there is no day {month:02}-{day:02}") from None
    return first, last


_MONTH_DAYS = re.compile(r"(\d{2})-(\d{2})\s*\.\.\s*(\d{2})-(\d{2})")


def _quiet(given: Any) -> Any:
    """`12-23..01-02` and `golden_week` for short."""
    if isinstance(given, str):
        return {"days": given} if given[:1].isdigit() else {"season": given}
    return given


class ContactLimit(Value):
    """At most so many contacts with the debtor in any so many days."""

    most: int = Field(ge=1)
    within: Days = Field(ge=1)


class ContactRules(Value):
    """The `contact` block of a policy."""

    hours: Hours = Hours()
    regions: tuple[Region, ...] = ()
    days: Literal["business", "every"] = "business"
    holidays: bool = Field(default=True, description="whether the debtor's holidays are kept")
    make_up_days: bool = Field(default=True, description="whether days of the weekend that are worked on are used")
    closing_days: bool = Field(default=True, description="whether the creditor's closing days are kept")
    quiet: tuple[Annotated[Quiet, BeforeValidator(_quiet)], ...] = ()
    buyer_limit: ContactLimit | None = Field(default=None, description="over all cases of a buyer, when one is sent")
    gather: bool = Field(
        default=False, exclude_if=lambda value: not value, description="a buyer's due letters of a day become one"
    )
    business_contacts_only: bool = True
    counterpart_days: Literal["schedule", "creditor"] = Field(
        default="schedule", description="days of the steps that do not speak to the debtor"
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        found: list[tuple[Keys, str]] = []
        seen: dict[str, int] = {}
        for i, region in enumerate(self.regions):
            for n, country in enumerate(region.countries):
                if country in seen:
                    message = f"{country} is named by region {seen[country]} already: each country has one region"
                    found.append((("regions", i, "countries", n), message))
                seen.setdefault(country, i)
        year = [date(2024, 1, 1) + timedelta(days=n) for n in range(366)]
        yearly = [q for q in self.quiet if q.days is not None]
        silent = sum(any(q.but(countries=()).holds_on(day, None) for q in yearly) for day in year) if yearly else 0
        if silent > MAX_QUIET:
            message = f"the quiet seasons add up to {silent} days of the year; at most {MAX_QUIET} make sense"
            found.append((("quiet",), message))
        if found:
            raise faults_within(found)
        return self

    def region(self, country: str | None) -> Region | None:
        """The region of a country, if it has one."""
        return next((r for r in self.regions if country in r.countries), None)

    def window(self, channel: str, country: str | None) -> Window:
        """The hours of a channel in a country; what is said of the region counts before the rest."""
        region = self.region(country)
        return (region and region.hours.of(channel)) or self.hours.of(channel) or OFFICE_HOURS
