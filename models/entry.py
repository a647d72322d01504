"""Entering the ladder: late arrival, reopening, and a change of policy.

An invoice that is already 100 days overdue does not get six letters in a minute: it enters at the latest step that is
due, with what that step requires performed first.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from models.case import Case
from models.conditions import unmet
from models.days import ladder_day, local_date, moment_of, start_of_day
from models.events import Skip
from models.policy import Policy
from models.triggers import AfterStep, AllOf, AnyOf, Trigger, nominal_day


def entered(case: Case, at: datetime, occasion: str) -> Case:
    """The ladder entered (again): what lies behind falls away, so that letters do not come in a burst."""
    skips = tuple(skipped_at_entry(case, at, occasion))
    progress = dict(case.progress)
    for skip in skips:
        progress[skip.step] = progress.get(skip.step, 0) + 1
    return case.but(skipped=(*case.skipped, *skips), progress=progress)


class Rung(NamedTuple):
    """A step of a policy on the calendar of an invoice, if everything happens on time and nobody answers."""

    step: str
    occurrence: int
    day: int
    at: datetime


def calendar(case: Case) -> list[Rung]:
    """The steps with dates that can be known beforehand, in the order in which they fire."""
    rungs = []
    for step in case.policy.steps:
        first = nominal_day(case.policy.steps, step.when)
        if first is None:
            continue
        for n in range(step.occurrences):
            day = first + n * (step.repeat.every if step.repeat else 0)
            at = moment_of(case, ladder_day(case, case.invoice.due, day), step)
            rungs.append(Rung(step=step.id, occurrence=n + 1, day=day, at=at))
    return sorted(rungs, key=lambda rung: rung.at)


def skipped_at_entry(case: Case, at: datetime, occasion: str) -> list[Skip]:
    """Late arrival: the steps that fall away because the ladder is entered at `at`, after their time.

    It is entered at the latest step that is due and whose conditions hold (at all of them, if several fall on one
    day); what that step, or one still to come, requires is performed first. A reminder before the due date
    falls away once that date has passed. What is being proposed or mended is in hand, and left alone.

    Args:
        case: The case; what is over in it is not considered.
        at: The instant of entry; while the ladder stands still, the day it stopped counts.
        occasion: What happened then, for the reason ("opened").
    """
    now = min(at, case.paused_since or at)
    first = case.policy.first_day
    # Rules of contact may put a step earlier in its day than the policy's time.
    earliest = moment_of if case.policy.contact is None else start_of_day
    if first is None or earliest(case, case.invoice.due + timedelta(days=first)) > now:
        return []
    in_hand = {*case.proposed, *case.refused}
    to_come = (r for r in calendar(case) if r.step not in in_hand)
    rungs = [r for r in to_come if r.occurrence > case.progress.get(r.step, 0)]
    behind = [r for r in rungs if r.at <= now]
    if not behind:
        return []
    late = (local_date(case, now) - case.invoice.due).days
    candidates = [r for r in behind if (r.day >= 0 or late <= 0) and _wanted(case, r)]
    targets = [r for r in candidates if r.day == candidates[-1].day]
    needed = _needed(case.policy, {r.step for r in rungs if r.at > now} | {r.step for r in targets}, late)
    when = f"{late} days overdue" if late > 0 else f"due in {-late} days"
    reason = f"late entry: the invoice was {when} when the case {occasion}"
    last = {step.id: step.occurrences for step in case.policy.steps}
    return [
        Skip(step=r.step, occurrence=r.occurrence, reason=reason)
        for r in behind
        if r not in targets and not (r.step in needed and r.occurrence == last[r.step])
    ]


def _wanted(case: Case, rung: Rung) -> bool:
    conditions = case.policy.by_id[rung.step].only_if
    return conditions is None or unmet(case, conditions) is None


def _needed(policy: Policy, steps: set[str], late: int) -> set[str]:
    """What must be performed for `steps` to be possible: what they require or count their days from."""
    needed: set[str] = set()
    todo = list(steps)
    while todo:
        step = policy.by_id[todo.pop()]
        for other in {*step.requires, *_counts_from(policy, step.when, late)}:
            if other not in needed:
                needed.add(other)
                todo.append(other)
    return needed


def _counts_from(policy: Policy, trigger: Trigger, late: int) -> set[str]:
    """The steps without which `trigger` cannot fire; of several ways that are due, the one that asks least."""
    match trigger:
        case AfterStep():
            return {trigger.after_step.step}
        case AllOf():
            return set().union(*(_counts_from(policy, t, late) for t in trigger.all))
        case AnyOf():
            days = [(t, nominal_day(policy.steps, t)) for t in trigger.any]
            due = [t for t, day in days if day is not None and day <= late]
            ways = due or [t for t, day in days if day is not None] or list(trigger.any)
            return min((_counts_from(policy, t, late) for t in ways), key=len)
        case _:
            return set()
