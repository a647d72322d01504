"""Days and durations (ISO 8601) as invoices, messages and policies use them."""

import re
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

_ISO = re.compile(r"P(?:(\d+)W|(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?)")


def parse_duration(text: str) -> timedelta:
    """An ISO 8601 duration of weeks, days, hours, minutes or seconds; ValueError for anything else."""
    if text.startswith("-"):
        raise ValueError(f"{text!r} is negative; a duration is at least P0D")
    match = _ISO.fullmatch(text)
    if not match or text in ("P", "PT") or text.endswith("T"):
        raise ValueError(f"{text!r} is not a duration; write ISO 8601 such as P7D, P2W or PT24H (no months or years)")
    weeks, days, hours, minutes, seconds = (int(g or 0) for g in match.groups())
    if weeks > 1_000 or days > 10_000:
        raise ValueError(f"{text!r} is longer than any case lives")
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def _days(given: Any) -> int:
    if isinstance(given, int) and not isinstance(given, bool):
        raise ValueError(f"write {given} days as P{given}D")
    duration = parse_duration(str(given))
    if duration % timedelta(days=1):
        raise ValueError(f"{given!r} is not a whole number of days")
    return duration.days


def _span(given: Any) -> timedelta:
    return given if isinstance(given, timedelta) else parse_duration(str(given))


def _iso(span: timedelta) -> str:
    return f"PT{int(span.total_seconds())}S"


EARLIEST, LATEST = 1900, 2199
"""The years a business date can lie in; later ones would run out of calendar when days are added."""


def _business_day(day: date) -> date:
    if not EARLIEST <= day.year <= LATEST:
        raise ValueError(f"{day} is not a date of business: the year must be from {EARLIEST} to {LATEST}")
    return day


Day = Annotated[date, AfterValidator(_business_day)]
Days = Annotated[int, BeforeValidator(_days), PlainSerializer(lambda n: f"P{n}D", return_type=str)]
Span = Annotated[timedelta, BeforeValidator(_span), PlainSerializer(_iso, return_type=str)]
