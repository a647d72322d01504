"""Days and moments: how a case counts calendar days, business days and ladder days, in whose zone.

A *ladder day* is a calendar day since an anchor (the contractual due date, the day of a step), not counting the days on
which the ladder stood still.
"""

from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from models import ids
from models.case import Case


def local_date(case: Case, instant: datetime) -> date:
    """The calendar day of an instant where the policy counts days (UTC, or the debtor's zone)."""
    zone = _zone_name(case)
    return (instant.astimezone(_zone(zone)) if zone != "UTC" else instant.astimezone(UTC)).date()


def start_of_day(case: Case, day: date) -> datetime:
    """Midnight at which `day` begins where the policy counts days, as UTC."""
    return _instant(day, clock_time(0), _zone_name(case), "every")


def permitted(case: Case, instant: datetime) -> datetime:
    """The first moment from `instant` on at which a step may fire: at once if the time of day has passed."""
    schedule = case.policy.schedule
    day = local_date(case, instant)
    moment = moment_of(case, day)
    if moment >= instant:
        return moment
    open_day = schedule.days == "every" or day.weekday() < 5
    return instant if open_day else moment_of(case, day + timedelta(days=1))


def ladder_day(case: Case, anchor: date, days: int) -> date:
    """`days` ladder days after `anchor`: days on which the ladder stood still are not counted."""
    day = anchor + timedelta(days=days)
    if not case.pauses or days <= 0:
        return day
    for since, until in _paused_days(case):
        since, until = max(since, anchor), max(until, anchor)
        if since < day:
            day += until - since
    return day


def _paused_days(case: Case) -> list[tuple[date, date]]:
    """The pauses as stretches of local days, in order (apply keeps them disjoint and sorted)."""
    return [(local_date(case, p.since), local_date(case, p.until)) for p in case.pauses]


def moment_of(case: Case, day: date) -> datetime:
    """The policy's time of day on `day` (or the next business day), with the case's jitter, as UTC."""
    schedule = case.policy.schedule
    moment = _instant(day, schedule.time, _zone_name(case), schedule.days)
    jitter = case.policy.jitter
    return moment + jitter * _share(case.id) if jitter else moment


def _zone_name(case: Case) -> str:
    return "UTC" if case.policy.schedule.zone == "UTC" else case.invoice.buyer.contact.timezone


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=50_000)
def _instant(day: date, at: clock_time, zone: str, days: Literal["every", "business"]) -> datetime:
    if days == "business":
        day += timedelta(days=(0, 0, 0, 0, 0, 2, 1)[day.weekday()])
    if zone == "UTC":
        return datetime.combine(day, at, UTC)
    return datetime.combine(day, at, _zone(zone)).astimezone(UTC)


@lru_cache(maxsize=50_000)
def _share(case_id: str) -> float:
    """A number in [0, 1) that is the case's own, the same on every machine."""
    return int(ids.digest(case_id)[:12], 16) / 16**12
