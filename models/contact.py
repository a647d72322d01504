"""The rules of contact: who may be spoken to on which channel, and when.

Pure: everything is computed from the rules of the policy, the calendar pinned into the case, and the buyer's contact.
The ladder asks for the next permitted moment when it plans (days.py), and whatever sends asks `may_contact` once more
just before it sends: between the two there may be an outage, and other cases of the same buyer.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from models.base import Value
from models.calendar import (
    ORDINARY_WEEKEND,
    SEARCH,
    WEEKDAYS,
    PinnedCalendar,
    SeasonName,
    closing_in_words,
    weekend_in_words,
)
from models.durations import Days
from models.faults import Keys, faults_within
from models.parties import Channel, Contact

SPOKEN: frozenset[str] = frozenset({"phone", "visit"})
"""Channels on which a person speaks; the others are written."""

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


# --- channels -------------------------------------------------------------------------------------------------


def channels_for(
    rules: ContactRules, kind: str, channels: Sequence[Channel], contact: Contact, country: str | None
) -> tuple[Channel, ...]:
    """The channels on which a step may reach a debtor, best first; none if the debtor declined them all.

    A written reminder goes where the buyer prefers it, else where people of the region read it (R27), else as the
    step says. What has to be proved (a formal demand, a lawyer's letter) keeps to the channels of its step; so do
    calls and visits. There the buyer's preference only decides which of them comes first.
    """
    own = tuple(channels)
    if kind == "reminder" and own and own[0] not in SPOKEN:
        region = rules.region(country)
        wished = tuple(c for c in (*contact.preferred, *(region.channels if region else ())) if c not in SPOKEN)
    else:
        wished = tuple(c for c in contact.preferred if c in own)
    return tuple(c for c in dict.fromkeys((*wished, *own)) if c not in contact.opt_out)


# --- days -----------------------------------------------------------------------------------------------------


def closed(rules: ContactRules, calendar: PinnedCalendar | None, day: date) -> str | None:
    """Why nobody is contacted on a day, in words; None if contacts are made on it."""
    for quiet in rules.quiet:
        if quiet.holds_on(day, calendar):
            season = calendar.season(day, quiet.season) if calendar and quiet.season else None
            return season.title if season and not quiet.name else str(quiet)
    if calendar is None:
        weekend = rules.days == "business" and WEEKDAYS[day.weekday()] in ORDINARY_WEEKEND
        return "weekend" if weekend else None
    closing = calendar.closing(day) if rules.closing_days else None
    if closing is not None:
        return closing_in_words(closing)
    holiday = calendar.holiday(day) if rules.holidays else None
    if holiday is not None:
        return holiday
    if rules.days == "business" and calendar.weekend_on(day) and not (rules.make_up_days and calendar.made_up(day)):
        return weekend_in_words(day, calendar)
    return None


def next_open(rules: ContactRules, calendar: PinnedCalendar | None, day: date) -> date:
    """`day`, or the first day after it on which contacts are made."""
    for distance in range(SEARCH):
        found = day + timedelta(days=distance)
        if closed(rules, calendar, found) is None:
            return found
    return day


class ContactTimes(NamedTuple):
    """When contacts can be made at all: the rules, the calendar and the zone of a debtor, and the channel."""

    rules: ContactRules
    calendar: PinnedCalendar | None
    zone: str
    channel: Channel

    @property
    def window(self) -> Window:
        """The hours of the channel."""
        return self.rules.window(self.channel, self.calendar.country if self.calendar else None)

    def moment(self, day: date, at: clock_time, jitter: timedelta, share: float) -> datetime:
        """The moment of a contact planned for a day: that day or the next open one, within the hours.

        Args:
            day: The day it is planned for.
            at: The time of day, if it lies within the hours; else they are waited for.
            jitter: Over how long contacts are spread; it ends with the hours.
            share: Which part of the jitter is this contact's, in [0, 1).
        """
        window = self.window
        start = at if window.opens <= at < window.closes else window.opens
        for _ in range(SEARCH):
            day = next_open(self.rules, self.calendar, day)
            moment = _instant(day, start, self.zone)
            if local(moment, self.zone).replace(tzinfo=None) == datetime.combine(day, start):
                break
            day += timedelta(days=1)  # the clocks skip this hour on this day
        if jitter:
            room = _instant(day, window.closes, self.zone) - moment - timedelta(seconds=1)
            moment += max(min(jitter, room), timedelta(0)) * share
        return moment

    def open_at(self, instant: datetime) -> bool:
        """Whether a contact may be made at this very instant."""
        here = local(instant, self.zone)
        window = self.window
        return window.opens <= here.time() < window.closes and closed(self.rules, self.calendar, here.date()) is None

    def why_not(self, instant: datetime) -> str:
        """Why a contact may not be made at an instant, in words."""
        here = local(instant, self.zone)
        reason = closed(self.rules, self.calendar, here.date())
        if reason is not None:
            return f"{here:%a} {here.day} {here:%b}: {reason}"
        return f"{here:%H:%M} {self.zone} lies outside the hours of {self.channel} ({self.window})"

    def opens(self, instant: datetime) -> datetime:
        """The first moment from an instant on at which a contact may be made."""
        if self.open_at(instant):
            return instant
        here = local(instant, self.zone)
        later = here.time() >= self.window.opens
        return self.moment(here.date() + timedelta(days=int(later)), self.window.opens, timedelta(0), 0.0)


def local(instant: datetime, zone: str) -> datetime:
    """An instant as the clocks of a zone show it."""
    return instant.astimezone(_zone(zone))


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=50_000)
def _instant(day: date, at: clock_time, zone: str) -> datetime:
    return datetime.combine(day, at, _zone(zone)).astimezone(UTC)


# --- just before sending --------------------------------------------------------------------------------------


class Permitted(NamedTuple):
    """The contact may be made now."""


class Delayed(NamedTuple):
    """The contact may be made later."""

    until: datetime
    reason: str


class Forbidden(NamedTuple):
    """The contact may not be made on this channel at all."""

    reason: str


Verdict = Permitted | Delayed | Forbidden


def may_contact(
    rules: ContactRules,
    calendar: PinnedCalendar | None,
    contact: Contact,
    channel: Channel,
    now: datetime,
    recent_contacts: Sequence[datetime] = (),
) -> Verdict:
    """Whether a debtor may be contacted at this moment: asked just before something is sent, on every try.

    Args:
        rules: The policy's rules of contact.
        calendar: The calendar pinned into the case.
        contact: Whom it is about.
        channel: The channel on which it is to be sent.
        now: The business instant.
        recent_contacts: When this buyer was contacted lately, in whichever case; needed for `buyer_limit` alone.
    """
    if rules.business_contacts_only and contact.private:
        return Forbidden("the contact is a private one, and only business contacts may be addressed")
    if channel in contact.opt_out:
        return Forbidden(f"the debtor declined to be contacted by {channel}")
    zone = calendar.zone if calendar else contact.timezone
    times = ContactTimes(rules, calendar, zone, channel)
    crowded = uncrowded(rules.buyer_limit, zone, now, recent_contacts)
    if crowded is not None:
        limit = rules.buyer_limit
        assert limit is not None
        reason = f"at most {limit.most} contacts in {limit.within} days with this buyer"
        return Delayed(times.opens(crowded), reason)
    if not times.open_at(now):
        return Delayed(times.opens(now), times.why_not(now))
    return Permitted()


def uncrowded(
    limit: ContactLimit | None, zone: str, now: datetime, contacts: Sequence[datetime]
) -> datetime | None:  # fmt: skip
    """The start of the day on which a limit allows another contact; None if it does now. Days are local ones."""
    if limit is None:
        return None
    today = local(now, zone).date()
    days = sorted(local(at, zone).date() for at in contacts)
    near = [day for day in days if (today - day).days < limit.within]
    if len(near) < limit.most:
        return None
    return _instant(near[-limit.most] + timedelta(days=limit.within), clock_time(0), zone)
