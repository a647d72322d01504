"""Where a case's calendar comes from: the debtor's country, its jurisdiction file, and the holidays library.

It is resolved once, when a case is opened, and pinned into it: afterwards neither an update of the library nor an
edited file moves a running case. What is done with it is in models/contact.py and models/calendar.py.
"""

import importlib.metadata
import os
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from babel.core import get_global

from gateway.creditor_files import load_creditor
from gateway.errors import InputRefused
from gateway.holiday_library import LIBRARY, library, listed_codes
from gateway.jurisdiction_files import load_jurisdiction
from gateway.seasons import facts, seasons_of
from gateway.yaml_source import SourceRefused
from models.calendar import ORDINARY_WEEKEND, WEEKDAYS, PinnedCalendar, Weekday
from models.invoice import Invoice
from models.parties import Creditor
from models.policy import Policy

BEFORE, AFTER = timedelta(days=30), timedelta(days=400)
"""How far a calendar reaches: before the due date (or the opening), and after the later of the two."""

LANGUAGE = "en_US"
"""In which holidays are named, where the library can: never in that of the machine."""


def pinned(
    invoice: Invoice,
    policy: Policy,
    opened_at: datetime,
    data_dir: str | Path | None = None,
    creditor: Creditor | None = None,
) -> PinnedCalendar | None:
    """The calendar to pin into a case; None if its policy has no rules of contact.

    Args:
        invoice: The invoice; the buyer's country decides.
        policy: The policy that will govern the case.
        opened_at: When the case begins: one that begins late needs a calendar that reaches further.
        data_dir: The data folder, whose jurisdictions and creditors count.
        creditor: Whose closing days are kept; without it the one of the data folder, if it is known.

    Raises:
        InputRefused: A file of the data folder that has to be read has faults.
    """
    if policy.contact is None:
        return None
    creditor = creditor or _creditor(invoice.creditor, data_dir)
    opened = opened_at.date()
    first, last = min(invoice.due, opened) - BEFORE, max(invoice.due, opened) + AFTER
    office = None
    if policy.contact.counterpart_days == "creditor":
        office = calendar_of(creditor.country if creditor else None, "UTC", first, last, data_dir, creditor)
    buyer = invoice.buyer
    zone = zone_of(buyer.country, buyer.contact.timezone)
    calendar = calendar_of(buyer.country, zone, first, last, data_dir, creditor)
    return calendar if office is None else calendar.but(office=office)


def calendar_of(
    country: str | None,
    zone: str,
    first: date,
    last: date,
    data_dir: str | Path | None = None,
    creditor: Creditor | None = None,
) -> PinnedCalendar:
    """The calendar of a country from day to day, with a creditor's closing days in that time.

    Raises:
        InputRefused: A jurisdiction file of the data folder has faults.
    """
    place = _place(country, data_dir)
    calendar = _calendar(place, country, zone, first, last)
    closing = creditor.closing_days if creditor else ()
    within = tuple(c for c in closing if c.last >= first and c.first <= last)
    return calendar.but(closing_days=within) if within else calendar


def zone_of(country: str | None, given: str) -> str:
    """The debtor's time zone: the one given, else that of the country, where one stands for it.

    UTC is what a contact has for whom nobody gave a zone; it stays where a country has several and none is its main
    one.
    """
    if given != "UTC" or country is None:
        return given
    zones = get_global("territory_zones").get(country, [])
    return zones[0] if len(zones) == 1 else facts().main_zones.zones.get(country, given)


class Place(NamedTuple):
    """Where the days of a country come from: its weekend, and the library's code for its holidays, if it has one."""

    weekend: tuple[Weekday, ...]
    code: str | None


def _creditor(code: str, data_dir: str | Path | None) -> Creditor | None:
    """The creditor, if there is one: a preview or simulation needs none."""
    if data_dir is None:
        return None
    try:
        return load_creditor(code, data_dir)
    except SourceRefused:
        raise
    except InputRefused:
        return None


# --- a country's rule -----------------------------------------------------------------------------------------


def _place(country: str | None, data_dir: str | Path | None) -> Place:
    if country is None:
        return Place(ORDINARY_WEEKEND, None)
    return _known_place(country, None if data_dir is None else str(data_dir), _state(data_dir))


def _state(data_dir: str | Path | None) -> float:
    """What changes when the data folder's jurisdictions do: they are read again only then."""
    newest = 0.0
    if data_dir is not None:
        folder = Path(data_dir) / "policies" / "jurisdictions"
        try:
            newest = max([folder.stat().st_mtime, *(entry.stat().st_mtime for entry in os.scandir(folder))])
        except OSError:
            pass  # there is no such folder: the packaged ones count
    return newest


@lru_cache(maxsize=1000)
def _known_place(country: str, data_dir: str | None, state: float) -> Place:
    """The jurisdiction's own word, if it has a file of its own; else the library's; else that of its group."""
    del state
    listed = listed_codes()
    try:
        found = load_jurisdiction(country, data_dir)
    except SourceRefused:
        raise
    except InputRefused:
        found = None
    own = found is not None and (found.code == country or len(found.countries) == 1)
    if found is not None and (own or country not in listed):
        code = found.calendar.holidays
        return Place(found.calendar.weekend, code if code in listed else None)
    if country in listed:
        weekend = library().country_holidays(country).weekend
        return Place(tuple(WEEKDAYS[day] for day in sorted(weekend)), country)
    return Place(ORDINARY_WEEKEND, None)


# --- the library's days ---------------------------------------------------------------------------------------


class Year(NamedTuple):
    """A year of a country as the library knows it."""

    days: dict[date, str]
    make_up: tuple[date, ...]
    known: bool


@lru_cache(maxsize=2000)
def _year(code: str, year: int) -> Year:
    found = _ask(code, year)
    if found is None or not found.start_year <= year <= found.end_year:
        return Year({}, (), False)
    make_up = tuple(sorted(day for day in getattr(found, "weekend_workdays", ()) if day.year == year))
    announced = bool(make_up) or code not in facts().announced_yearly.countries
    return Year({day: str(name) for day, name in sorted(found.items())}, make_up, announced)


def _ask(code: str, year: int) -> Any:
    """The library's holidays of a year: named in English where it can, in the country's own language elsewhere."""
    holidays = library()
    ask = holidays.country_holidays if code in holidays.list_supported_countries() else holidays.financial_holidays
    kind = type(ask(code))
    language = LANGUAGE if LANGUAGE in kind.supported_languages else kind.default_language
    return ask(code, years=year, language=language)


@lru_cache(maxsize=5000)
def _calendar(place: Place, country: str | None, zone: str, first: date, last: date) -> PinnedCalendar:
    whole = _whole_years(place, country, first.year, last.year)
    known = None if whole.known_until is None else min(whole.known_until, last)
    return whole.between(first, last).but(zone=zone, known_until=known)


@lru_cache(maxsize=1000)
def _whole_years(place: Place, country: str | None, first: int, last: int) -> PinnedCalendar:
    """The calendar of whole years, of which cases with different dates take their parts."""
    # A year more on both sides: a season may begin before the calendar does.
    begin, end = date(first - 1, 1, 1), date(last + 1, 12, 31)
    if place.code is None:
        return PinnedCalendar(country=country, weekend=place.weekend, first=begin, last=end)
    years = {year: _year(place.code, year) for year in range(begin.year, end.year + 1)}
    known = None
    for year in range(first, last + 1):
        if not years[year].known:
            break
        known = date(year, 12, 31)
    calendar = PinnedCalendar(
        country=country, weekend=place.weekend, first=begin, last=end,
        holidays={day: name for year in years.values() for day, name in year.days.items()},
        make_up=tuple(day for year in years.values() for day in year.make_up),
        library=LIBRARY, version=importlib.metadata.version(LIBRARY), known_until=known,
    )  # fmt: skip
    return calendar.but(seasons=tuple(seasons_of(calendar)))
