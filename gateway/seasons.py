"""What the holidays library does not say: seasons, yearly notices, and the main zones of countries.

The facts are in policies/calendars/seasons.yaml; how a calendar is made with them is in calendars.py.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache
from typing import get_args

from pydantic import Field

from gateway.policy_files import PACKAGED
from gateway.yaml_source import parse_source, read_source
from models.base import Value
from models.calendar import PinnedCalendar, Season, SeasonName

FAR_APART = timedelta(days=7)
"""Holidays of one name that are further apart belong to two seasons."""


class SeasonRule(Value):
    """Which holidays make a season, by country."""

    title: str
    source: str
    countries: dict[str, tuple[str, ...]]


class Announced(Value):
    """Countries whose calendar is complete only once the notice for a year is out."""

    countries: tuple[str, ...]
    source: str


class MainZones(Value):
    """The zone that stands for a country which has several."""

    zones: dict[str, str]
    source: str


class Facts(Value):
    """The content of policies/calendars/seasons.yaml."""

    seasons: dict[SeasonName, SeasonRule] = Field(min_length=len(get_args(SeasonName)))
    announced_yearly: Announced
    main_zones: MainZones


@lru_cache(maxsize=1)
def facts() -> Facts:
    """The facts, read once."""
    source = read_source(PACKAGED / "calendars" / "seasons.yaml")
    found: Facts = parse_source(source, Facts.model_validate, Facts)
    return found


def seasons_of(calendar: PinnedCalendar) -> Iterable[Season]:
    """The seasons in the time of a calendar: from the first to the last of their holidays, and the days around them."""
    for name, rule in facts().seasons.items():
        words = rule.countries.get(calendar.country or "", ())
        named = [day for day, text in sorted(calendar.holidays.items()) if any(word in text for word in words)]
        for first, last in _clusters(named):
            while _free(first - timedelta(days=1), calendar):
                first -= timedelta(days=1)
            while _free(last + timedelta(days=1), calendar):
                last += timedelta(days=1)
            yield Season(name=name, title=rule.title, first=first, last=last)


def _clusters(days: list[date]) -> Iterable[tuple[date, date]]:
    first = last = None
    for day in days:
        if first is not None and last is not None and day - last > FAR_APART:
            yield first, last
            first = None
        first, last = first or day, day
    if first is not None and last is not None:
        yield first, last


def _free(day: date, calendar: PinnedCalendar) -> bool:
    return day in calendar.holidays or (calendar.weekend_on(day) and not calendar.made_up(day))
