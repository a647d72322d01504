"""Days and moments: how a case counts calendar days, business days and ladder days, in whose zone.

A *ladder day* is a calendar day since an anchor (the contractual due date, the day of a step), not counting the days on
which the ladder stood still. A contact with the debtor keeps to the policy's rules of contact, if it has any; what they
say is in contact.py.
"""

from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from models import ids
from models.calendar import PinnedCalendar, is_business_day, next_business_day
from models.case import Case
from models.contact import ContactTimes, channels_for
from models.policy import DUNNING, Step


def local_date(case: Case, instant: datetime) -> date:
    """The calendar day of an instant where the policy counts days (UTC, or the debtor's zone)."""
    zone = zone_name(case)
    return (instant.astimezone(_zone(zone)) if zone != "UTC" else instant.astimezone(UTC)).date()


def start_of_day(case: Case, day: date) -> datetime:
    """Midnight at which `day` begins where the policy counts days, as UTC."""
    return _instant(day, clock_time(0), zone_name(case), "every")


def permitted(case: Case, instant: datetime, step: Step | None = None) -> datetime:
    """The first moment from `instant` on at which a step may fire: at once if the time of day has passed."""
    day = local_date(case, instant)
    moment = moment_of(case, day, step)
    if moment >= instant:
        return moment
    times = contact_times(case, step)
    if times is not None:
        open_now = times.open_at(instant)
    elif step is not None and creditor_days(case):
        open_now = is_business_day(day, _office(case))
    else:
        open_now = case.policy.schedule.days == "every" or day.weekday() < 5
    return instant if open_now else moment_of(case, day + timedelta(days=1), step)


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


def moment_of(case: Case, day: date, step: Step | None = None) -> datetime:
    """The policy's time of day on `day` (or the next business day), with the case's jitter, as UTC.

    Args:
        case: The case.
        day: The day it is planned for.
        step: What is planned. A step that speaks to the debtor keeps to the rules of contact, any other to the
            creditor's days, where the policy says so.
    """
    schedule, jitter = case.policy.schedule, case.policy.jitter
    days = schedule.days
    if case.policy.contact is not None and step is not None:
        times = contact_times(case, step)
        if times is not None:
            return times.moment(day, schedule.time, jitter, _share(case.id) if jitter else 0.0)
        if creditor_days(case):
            day, days = next_business_day(day, _office(case)), "every"
    moment = _instant(day, schedule.time, zone_name(case), days)
    return moment + jitter * _share(case.id) if jitter else moment


def contact_times(case: Case, step: Step | None) -> ContactTimes | None:
    """When a step may speak to the debtor; None if it does not, or if the policy has no rules of contact."""
    rules = case.policy.contact
    if rules is None or step is None or step.kind not in DUNNING:
        return None
    buyer = case.invoice.buyer
    country = case.calendar.country if case.calendar else None
    channels = channels_for(rules, step.kind, step.channels, buyer.contact, country) or step.channels
    return ContactTimes(rules, case.calendar, zone_name(case), channels[0] if channels else "email")


def creditor_days(case: Case) -> bool:
    """Whether steps that do not speak to the debtor are taken on the creditor's business days."""
    return case.policy.contact is not None and case.policy.contact.counterpart_days == "creditor"


def _office(case: Case) -> PinnedCalendar | None:
    return case.calendar.office if case.calendar else None


def zone_name(case: Case) -> str:
    """Where the policy counts days: UTC, or the debtor's zone (as it is in the calendar, if one is pinned)."""
    if case.policy.schedule.zone == "UTC":
        return "UTC"
    return case.calendar.zone if case.calendar is not None else case.invoice.buyer.contact.timezone


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
