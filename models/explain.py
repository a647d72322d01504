"""Why a step is planned for its moment: the day of its trigger, every day that was passed over, and what for.

The moment itself comes from the ladder; here it is put into words, such as "day 15 = Sat 3 Oct; Golden Week (Sat 3 Oct
to Wed 7 Oct); moved to Thu 8 Oct 09:00 Asia/Shanghai".
"""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from models import contact
from models.calendar import PinnedCalendar, closed_day
from models.case import Case
from models.days import contact_times, creditor_days, ladder_day, local_date, moment_of, zone_name
from models.ladder import fires, planned
from models.policy import DUNNING, Step
from models.triggers import AfterDue, AfterStep, AllOf, AnyOf, BeforeDue, OnEvent, Trigger


class Passed(NamedTuple):
    """Days that were passed over for one reason, both ends included."""

    first: date
    last: date
    reason: str


class Explanation(NamedTuple):
    """When a step is planned and why.

    `nominal` is the day its trigger names, `at` the moment planned, `zone` where both are read. `passed` are the
    days between them; `why` says it all, phrase by phrase.
    """

    at: datetime
    zone: str
    nominal: date
    passed: tuple[Passed, ...]
    why: tuple[str, ...]

    def __str__(self) -> str:
        """The phrases as one line."""
        return "; ".join(self.why)

    @property
    def moved(self) -> bool:
        """Whether the step is planned for a later day than its trigger names."""
        return bool(self.passed)


class _Floor(NamedTuple):
    """Something before which a step may not be taken."""

    until: datetime
    reason: str


def explain(case: Case, step: Step, occurrence: int = 1) -> Explanation | None:
    """Why an occurrence of a step is planned for its moment as things stand; None while none can be known."""
    at = planned(case, step, occurrence)
    again = step.repeat.every * (occurrence - 1) if step.repeat else 0
    leaf = None if at is None else _leaf(case, step, step.when, again)
    if at is None or leaf is None:
        return None
    nominal, anchor = _anchor(case, leaf, again)
    day, year = local_date(case, at), case.invoice.due.year
    passed = tuple(_passed(case, step, nominal, day))
    zone = zone_name(case)
    why = [f"{anchor} = {_day(nominal, year)}"]
    why += [f"{run.reason} ({_days(run, year)})" for run in passed]
    window = _window(case, step, day)
    if window:
        why.append(window)
    when = f"{_day(day, year)} {_local(case, at):%H:%M} {zone}"
    why.append(f"moved to {when}" if passed else f"at {_local(case, at):%H:%M} {zone}")
    if case.policy.contact is not None:
        why += _doubts(case.calendar, day)
    return Explanation(at, zone, nominal, passed, tuple(why))


# --- the day of the trigger -----------------------------------------------------------------------------------


def _leaf(case: Case, step: Step, trigger: Trigger, again: int) -> Trigger | None:
    """The one trigger that decides: of several the first, or the last, to fire."""
    if not isinstance(trigger, AnyOf | AllOf):
        return trigger if fires(case, step, trigger, again) is not None else None
    inner = trigger.any if isinstance(trigger, AnyOf) else trigger.all
    known = [(moment, one) for one in inner if (moment := fires(case, step, one, again)) is not None]
    if not known:
        return None
    choose = min if isinstance(trigger, AnyOf) else max
    return _leaf(case, step, choose(known, key=lambda pair: pair[0])[1], again)


def _anchor(case: Case, leaf: Trigger, again: int) -> tuple[date, str]:
    """The day a trigger names, and how it comes to it."""
    due, year = case.invoice.due, case.invoice.due.year
    match leaf:
        case AfterStep(after_step=after):
            done = case.last_performed(after.step)
            assert done is not None
            since, days = local_date(case, done.performed_at), after.delay + again
            text = f"{_counted(days)} after {after.step} ({_day(since, year)})"
        case OnEvent():
            happened = case.happened[leaf.on_event]
            day = local_date(case, happened + timedelta(days=again))
            return day, (f"{_counted(again)} after {leaf.on_event}" if again else leaf.on_event)
        case BeforeDue():
            since, days = due, again - leaf.before_due
            text = f"day {days}"
        case AfterDue():
            since, days = due, leaf.after_due + again
            text = f"day {days}"
        case _:
            raise AssertionError("a trigger made of others decides nothing by itself")
    day = ladder_day(case, since, days)
    stood_still = (day - since).days - days
    return day, text + (f" and {_counted(stood_still)} on which the ladder stood still" if stood_still else "")


# --- the days passed over -------------------------------------------------------------------------------------


def _passed(case: Case, step: Step, nominal: date, planned_day: date) -> list[Passed]:
    floors = _floors(case, step)
    runs: list[Passed] = []
    for distance in range((planned_day - nominal).days):
        day = nominal + timedelta(days=distance)
        reason = _closed(case, step, day) or _held(case, step, floors, day)
        if runs and runs[-1].reason == reason:
            runs[-1] = runs[-1]._replace(last=day)
        else:
            runs.append(Passed(day, day, reason))
    return runs


def _closed(case: Case, step: Step, day: date) -> str | None:
    """Why the calendar allows no such step on a day."""
    rules = case.policy.contact
    if rules is not None and step.kind in DUNNING:
        return contact.closed(rules, case.calendar, day)
    if creditor_days(case):
        return closed_day(day, case.calendar.office if case.calendar else None)
    return "weekend" if case.policy.schedule.days == "business" and day.weekday() >= 5 else None


def _held(case: Case, step: Step, floors: list[_Floor], day: date) -> str:
    """Why a step was not taken on a day that was open: what held it back longest."""
    longest = max(floors, key=lambda floor: floor.until, default=None)
    if longest is not None and local_date(case, longest.until) >= day:
        return longest.reason
    times = contact_times(case, step)
    if times is not None and times.clocks_skip(day, start := times.start(case.policy.schedule.time)):
        return f"the clocks skip {start:%H:%M}"
    return "the hours of the day were over"


def _floors(case: Case, step: Step) -> list[_Floor]:
    """Everything before which the step may not be taken, as the ladder reckons it."""
    found = [_Floor(case.opened_at, "the case had not begun")]
    for required in step.requires:
        done = case.last_performed(required)
        if done is not None:
            cure_period = case.policy.by_id[required].cure_period
            cured = moment_of(case, ladder_day(case, local_date(case, done.performed_at), cure_period), step)
            name = f"cure period of {required}" if cure_period else f"{required} came first"
            found.append(_Floor(max(cured, done.performed_at), name))
    contacts = [local_date(case, at) for at in case.contacts()] if step.kind in DUNNING else []
    spacing, limit = case.policy.spacing, case.policy.contact_limit
    if spacing and contacts:
        until = moment_of(case, contacts[-1] + timedelta(days=spacing), step)
        found.append(_Floor(until, f"at least {_counted(spacing)} between two contacts"))
    if limit and len(contacts) >= limit.most:
        until = moment_of(case, contacts[-limit.most] + timedelta(days=limit.within), step)
        found.append(
            _Floor(until, f"at most {limit.most} contact{'s' if limit.most > 1 else ''} in {_counted(limit.within)}")
        )
    if case.pauses:
        found.append(_Floor(case.pauses[-1].until, "the ladder stood still"))
    for at, reason in (
        (case.reopened_at, "the case was closed"),
        (case.happened.get("policy_changed"), "the policy was changed"),
        (case.deferred.get(step.id), "put off when it was to be sent"),
        (case.approved.get(step.id), "waited for approval"),
    ):
        if at is not None:
            found.append(_Floor(at, reason))
    return found


def _window(case: Case, step: Step, day: date) -> str | None:
    """That the policy's time of day lies outside the hours of the channel, if it does."""
    times = contact_times(case, step)
    if times is None or times.window.opens <= case.policy.schedule.time < times.window.closes:
        return None
    return f"{case.policy.schedule.time:%H:%M} lies outside the hours of {times.channel} ({times.window})"


def _doubts(calendar: PinnedCalendar | None, day: date) -> list[str]:
    """What the calendar does not know of the day that was found."""
    if calendar is None or not (calendar.holidays or calendar.known_until):
        return ["weekends only: no holidays are known for this debtor"]
    if day > calendar.last:
        return [f"weekends only: the calendar was pinned up to {calendar.last}"]
    if calendar.known_until is None:
        return [f"the holidays of {calendar.country} are not published yet: only those that the law names count"]
    if day > calendar.known_until:
        return [f"the holidays of {calendar.country} are published up to {calendar.known_until} only"]
    return []


# --- words ----------------------------------------------------------------------------------------------------


def _local(case: Case, at: datetime) -> datetime:
    return contact.local(at, zone_name(case))


def _day(day: date, year: int) -> str:
    return f"{day:%a} {day.day} {day:%b}" + (f" {day.year}" if day.year != year else "")


def _days(run: Passed, year: int) -> str:
    return _day(run.first, year) + (f" to {_day(run.last, year)}" if run.last != run.first else "")


def _counted(days: int) -> str:
    return f"{days} day" if days == 1 else f"{days} days"
