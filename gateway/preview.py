"""What a policy will do with an invoice if nobody pays or answers: the case, driven through its own rules.

How the calendar is printed is in cli/policy.py.
"""

from datetime import date, datetime, timedelta
from datetime import time as clock_time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gateway.calendars import pinned, zone_of
from models.calendar import PinnedCalendar
from models.case import RULES_VERSION, Case
from models.changes import apply, open_case
from models.clock import CaseClock
from models.days import local_date
from models.events import CaseOpened, Skip, StepApproved, StepPerformed, StepProposed
from models.explain import Explanation, explain
from models.invoice import Invoice
from models.ladder import Close, Perform, Propose, Record, Wait, next_action
from models.policy import Conditions, Policy, Step
from models.triggers import AfterDue, AfterStep, AllOf, AnyOf, BeforeDue, OnEvent, Trigger, nominal_day


class Planned(NamedTuple):
    """A step on the calendar. `local` is in the zone the policy counts in, `day` counts from the due date.

    `why` says how the day was found.
    """

    step: Step
    occurrence: int
    at: datetime
    local: datetime
    day: int
    why: Explanation | None = None


class Preview(NamedTuple):
    """The calendar, what falls away with the reason, and what waits for something to happen."""

    opened_at: datetime
    zone: str
    planned: list[Planned]
    skipped: tuple[Skip, ...]
    waiting: list[Step]
    calendar: PinnedCalendar | None = None


def preview(
    invoice: Invoice, policy: Policy, opened_on: date | None = None, data_dir: str | None = None
) -> Preview:  # fmt: skip
    """Walk a case to the end of its ladder; what needs approval is approved at once.

    Args:
        invoice: The invoice.
        policy: The policy.
        opened_on: The day at whose first moment the case begins; without it the day of issue, or a day early
            enough for the whole ladder.
        data_dir: The data folder, whose jurisdictions and creditors' closing days count.
    """
    contact = invoice.buyer.contact
    zone = "UTC" if policy.schedule.zone == "UTC" else contact.timezone
    if policy.contact is not None:
        zone = zone_of(invoice.buyer.country, contact.timezone)
    day = opened_on or invoice.issued or invoice.due + timedelta(days=_first_day(policy) - 1)
    opened_at = datetime.combine(day, clock_time(0), ZoneInfo(zone)).astimezone(ZoneInfo("UTC"))
    calendar = pinned(invoice, policy, opened_at, data_dir)
    now = CaseClock.real(opened_at)
    opened = CaseOpened(
        at=opened_at, invoice=invoice, policy=policy, clock=now, calendar=calendar, rules_version=RULES_VERSION
    )
    case, why = _walked(open_case(opened), opened_at)
    planned = [
        Planned(
            step=policy.by_id[done.step],
            occurrence=done.occurrence,
            at=done.planned_at,
            local=done.planned_at.astimezone(ZoneInfo(zone)),
            day=(local_date(case, done.planned_at) - invoice.due).days,
            why=why.get((done.step, done.occurrence)),
        )
        for done in case.performed
    ]
    waiting = [step for step in policy.steps if case.progress.get(step.id, 0) < step.occurrences]
    return Preview(opened_at, zone, planned, case.skipped, waiting, calendar)


def _first_day(policy: Policy) -> int:
    days = (nominal_day(policy.steps, step.when) for step in policy.steps)
    return min([0, *(day for day in days if day is not None)])


def _walked(case: Case, now: datetime) -> tuple[Case, dict[tuple[str, int], Explanation | None]]:
    """The case at the end of its ladder, and why each step was taken when it was."""
    why: dict[tuple[str, int], Explanation | None] = {}
    while True:
        match next_action(case, now):
            case Wait(None) | Close():
                return case, why
            case Wait(datetime() as until):
                now = until
            case Record(event):
                case = apply(case, event)
            case Propose(step, occurrence, planned_at):
                proposed = StepProposed(step=step.id, occurrence=occurrence, planned_at=planned_at, at=now)
                approval = StepApproved(id=f"{step.id}/{occurrence}", step=step.id, by="preview", at=now)
                why[step.id, occurrence] = explain(case, step, occurrence)
                case = apply(apply(case, proposed), approval)
            case Perform(step, occurrence, planned_at):
                why.setdefault((step.id, occurrence), explain(case, step, occurrence))
                performed = StepPerformed(
                    step=step.id, kind=step.kind, occurrence=occurrence, planned_at=planned_at,
                    performed_at=now, at=now,
                )  # fmt: skip
                case = apply(case, performed)


def trigger_in_words(trigger: Trigger) -> str:
    """When a step fires, as a person would say it."""
    match trigger:
        case BeforeDue():
            return f"{_days(trigger.before_due)} before due"
        case AfterDue():
            return f"{_days(trigger.after_due)} after due" if trigger.after_due else "on the due date"
        case AfterStep(after_step=after):
            return f"{_days(after.delay)} after {after.step}" + (" if unanswered" if after.unanswered else "")
        case OnEvent():
            return f"as soon as {trigger.on_event}"
        case AnyOf():
            return "the first of: " + ", ".join(map(_nested, trigger.any))
        case AllOf():
            return "the last of: " + ", ".join(map(_nested, trigger.all))


def _nested(trigger: Trigger) -> str:
    words = trigger_in_words(trigger)
    return f"({words})" if isinstance(trigger, AnyOf | AllOf) else words


def _days(count: int) -> str:
    return f"{count} day" if count == 1 else f"{count} days"


def conditions_in_words(conditions: Conditions | None) -> list[str]:
    """What must hold for a step when it is due, one phrase each."""
    if conditions is None:
        return []
    found = [f"at least {least}" for least in conditions.min_amount]
    found += [f"at most {most}" for most in conditions.max_amount]
    if conditions.tiers:
        found.append(f"tier {' or '.join(conditions.tiers)}")
    if conditions.countries:
        found.append(f"country {' or '.join(conditions.countries)}")
    if conditions.insured is not None:
        found.append("insured" if conditions.insured else "not insured")
    if conditions.guaranteed is not None:
        found.append("guaranteed" if conditions.guaranteed else "not guaranteed")
    if conditions.unanswered_since:
        found.append(f"no answer since {conditions.unanswered_since}")
    return found
