"""The only place that knows the ladder: what a case does next, and when.

Pure functions on a `Case` and an instant. A step fires at the first permitted moment its ladder day is reached; how
days are counted is in days.py, how a ladder is entered late in entry.py.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from models.balance import rest, shortfall
from models.case import Case
from models.conditions import answered_since, unmet
from models.days import ladder_day, local_date, moment_of, permitted
from models.deadlines import next_notice, notice_due
from models.events import (
    AnyEvent,
    DisputeUnanswered,
    ExtensionEnded,
    Message,
    Outcome,
    PlanBroken,
    PlanEnded,
    PromiseBroken,
    RestWaived,
    ShortSettled,
    StepSkipped,
)
from models.ids import digest
from models.policy import CORRECTION, DUNNING, DUTY_STEPS, Step
from models.triggers import AfterDue, AfterStep, AllOf, AnyOf, BeforeDue, OnEvent, Trigger


class Wait(NamedTuple):
    """Nothing to do before `until`; None: not before something happens."""

    until: datetime | None


class Perform(NamedTuple):
    """Carry out a step now (a step that proposes has been approved)."""

    step: Step
    occurrence: int
    planned_at: datetime


class Propose(NamedTuple):
    """A step is due and needs a second person's approval."""

    step: Step
    occurrence: int
    planned_at: datetime


class Record(NamedTuple):
    """Time alone made something happen: apply this event."""

    event: AnyEvent


class Tell(NamedTuple):
    """Tell another case something: a payment plan over several invoices is one plan."""

    case_id: str
    message: Message


class Close(NamedTuple):
    """The case is over."""

    outcome: Outcome


Action = Wait | Perform | Propose | Record | Tell | Close


def next_action(case: Case, now: datetime) -> Action:
    """What the case does next, at the business instant `now`."""
    if case.to_tell:
        return Tell(case.to_tell[0], _broken_plan(case))
    outcome = verdict(case)
    if outcome is not None and case.crossed is None:
        return Close(outcome)
    lapse = next_lapse(case)
    if lapse is not None and lapse[0] <= now:
        return Record(lapse[1])
    concession = conceded(case, now)
    if concession is not None:
        return Record(concession)
    limit = lapse[0] if lapse is not None else None
    due = _duty(case)
    if outcome is None and case.paused_since is None and not case.written_off:
        rung = next_step(case)
        if due is None or (rung is not None and rung.planned_at <= due.planned_at):
            due = rung
    if due is None:
        return Wait(limit)
    if due.planned_at > now:
        return Wait(due.planned_at if limit is None else min(due.planned_at, limit))
    reason = falls_away(case, due.step)
    if reason is not None:
        return Record(StepSkipped(step=due.step.id, occurrence=due.occurrence, reason=reason, at=due.planned_at))
    if due.step.mode == "propose" and due.step.id not in case.approved:
        return Propose(*due)
    return due


def verdict(case: Case) -> Outcome | None:
    """The outcome, if nothing is left to pursue."""
    if case.withdrawn:
        return "withdrawn"
    if case.claim_settled:
        return "claim_settled"
    if case.short is not None:
        return "short_settled"
    if not case.outstanding:
        return "paid" if case.paid or not case.credited or _settled_in_kind(case) else "withdrawn"
    if case.written_off and any(d.kind == "limitation" and d.missed for d in case.deadlines):
        return "limitation_expired"
    return None


def _settled_in_kind(case: Case) -> bool:
    """Whether the debtor gave something other than money."""
    return case.rules_version > 3 and any(credit.kind in ("set_off", "goods_in_lieu") for credit in case.credits)


def _broken_plan(case: Case) -> PlanEnded:
    plan = next(settled for settled in reversed(case.settled) if settled.kind == "plan")
    what = "an instalment was missed" if plan.outcome == "broken" else "the plan was ended"
    reason = f"{what} for invoice {case.invoice.number}"
    return PlanEnded(id=f"{plan.id}-{digest(case.id)[:16]}", plan=plan.id, reason=reason, by=case.id)


def conceded(case: Case, at: datetime) -> AnyEvent | None:
    """What the policy lets go, so that the case can end: a few cents, or interest once the invoice is paid."""
    short = shortfall(case)
    if short is not None:
        return ShortSettled(at=at, amount=short)
    left = rest(case)
    return RestWaived(at=at, amount=left) if left is not None else None


def ending(case: Case, at: datetime) -> bool:
    """Whether nothing is left but to close the case."""
    return case.crossed is None and (verdict(case) is not None or conceded(case, at) is not None)


def _duty(case: Case) -> Perform | None:
    """What is done besides the ladder: the letter that a payment crossed, a notice that a hard deadline asks for."""
    if case.crossed is not None:
        floor = max(
            case.happened.get("payment_received", case.opened_at), case.deferred.get(CORRECTION, case.opened_at)
        )
        step = DUTY_STEPS[CORRECTION]
        return Perform(step, case.progress.get(CORRECTION, 0) + 1, permitted(case, floor, step))
    due = notice_due(case)
    return Perform(due[0], 1, due[1]) if due is not None else None


def next_lapse(case: Case) -> tuple[datetime, AnyEvent] | None:
    """The next thing that happens by the clock alone: a pause running out, a hard deadline coming near."""
    ends, deadline = next_end(case), next_notice(case) if case.deadlines else None
    if ends is None or (deadline is not None and deadline[0] < ends[0]):
        return deadline
    return ends


def next_end(case: Case) -> tuple[datetime, AnyEvent] | None:
    """The next thing that is over by the clock alone: a promise, plan, extension, or the time to answer a dispute."""
    lapses: list[tuple[datetime, AnyEvent]] = []
    if case.promise is not None:
        lapses.append((case.promise.deadline, PromiseBroken(at=case.promise.deadline)))
    if case.plan is not None:
        paid = case.paid.amount - case.plan.paid_before.amount
        for instalment, deadline in zip(case.plan.agreed.instalments, case.plan.deadlines, strict=True):
            paid -= instalment.amount.amount
            if paid < 0:
                lapses.append((deadline, PlanBroken(at=deadline, instalment=instalment.due)))
                break
    if case.extended_until is not None:
        lapses.append((case.extended_until, ExtensionEnded(at=case.extended_until)))
    at = case.dispute.overdue_at if case.dispute is not None and not case.dispute.overdue else None
    if at is not None:
        lapses.append((at, DisputeUnanswered(at=at)))
    return min(lapses, key=lambda lapse: lapse[0], default=None)


def next_step(case: Case) -> Perform | None:
    """The step that fires next, with the instant the rules give for it; None if none can."""
    best: Perform | None = None
    progress = case.progress
    for step in case.policy.steps:
        occurrence = progress.get(step.id, 0) + 1
        if occurrence > step.occurrences or step.id in case.refused:
            continue
        if step.id in case.proposed and step.id not in case.approved:
            continue
        if best is not None and _later(case, step.when, best.planned_at):
            continue
        planned_at = planned(case, step, occurrence)
        if planned_at is not None and (best is None or planned_at < best.planned_at):
            best = Perform(step, occurrence, planned_at)
    return best


def _later(case: Case, trigger: Trigger, at: datetime) -> bool:
    """Whether a trigger fires after an instant, told from the days alone: no zone is more than a day away from UTC."""
    return isinstance(trigger, AfterDue) and (case.invoice.due - at.date()).days + trigger.after_due > 1


def planned(case: Case, step: Step, occurrence: int) -> datetime | None:
    """When an occurrence of a step fires as things stand; None while that cannot be known."""
    floor = case.opened_at
    for required in step.requires:
        done = case.last_performed(required)
        if done is not None:
            cure_period = case.policy.by_id[required].cure_period
            counts_from = done.performed_at if case.fresh_at is None else max(done.performed_at, case.fresh_at)
            cured = moment_of(case, ladder_day(case, local_date(case, counts_from), cure_period), step)
            floor = max(floor, cured, done.performed_at)
        elif case.progress.get(required, 0) < case.policy.by_id[required].occurrences:
            return None
    nominal = fires(case, step, step.when, step.repeat.every * (occurrence - 1) if step.repeat else 0)
    if nominal is None:
        return None
    if step.kind in DUNNING and (case.policy.spacing or case.policy.contact_limit):
        floor = max(floor, _uncrowded(case, step, floor))
    if case.pauses:
        floor = max(floor, case.pauses[-1].until)
    # Where there are hours of contact, what is approved at night waits for the morning; else it counts at once.
    approved = case.approved.get(step.id) if case.policy.contact and step.kind in DUNNING else None
    for later in (case.reopened_at, case.happened.get("policy_changed"), case.deferred.get(step.id), approved):
        if later is not None:
            floor = max(floor, later)
    if nominal >= floor:
        return nominal
    return permitted(case, floor, step)


def _uncrowded(case: Case, step: Step, floor: datetime) -> datetime:
    """The first moment at which the policy allows another contact with the debtor."""
    contacts = [local_date(case, at) for at in case.contacts()]
    spacing, limit = case.policy.spacing, case.policy.contact_limit
    if spacing and contacts:
        floor = max(floor, moment_of(case, contacts[-1] + timedelta(days=spacing), step))
    if limit and len(contacts) >= limit.most:
        floor = max(floor, moment_of(case, contacts[-limit.most] + timedelta(days=limit.within), step))
    return floor


def falls_away(case: Case, step: Step) -> str | None:
    """Why a due step is not to be performed at all, or None."""
    for required in step.requires:
        if case.last_performed(required) is None:
            return f"{required}, which it requires, was not performed"
    if step.kind in DUNNING and case.mandate_held:
        holder = "agency" if case.agency_mandate else "insurer"
        return f"the {holder} holds the mandate: own dunning has stopped"
    return unmet(case, step.only_if) if step.only_if else None


def fires(case: Case, step: Step, trigger: Trigger, again: int) -> datetime | None:
    """When a trigger of a step fires by itself, `again` days on; None while that cannot be known."""
    match trigger:
        case AfterDue():
            return moment_of(case, ladder_day(case, case.invoice.due, trigger.after_due + again), step)
        case BeforeDue():
            return moment_of(case, ladder_day(case, case.invoice.due, again - trigger.before_due), step)
        case AfterStep(after_step=after):
            done = case.last_performed(after.step)
            if done is None or (after.unanswered and answered_since(case, after.step)):
                return None
            return moment_of(case, ladder_day(case, local_date(case, done.performed_at), after.delay + again), step)
        case OnEvent():
            happened = case.happened.get(trigger.on_event)
            if happened is None:
                return None
            return permitted(case, happened + timedelta(days=again), step)
        case AnyOf():
            moments = [fires(case, step, one, again) for one in trigger.any]
            return min((moment for moment in moments if moment is not None), default=None)
        case AllOf():
            all_known = [t for t in (fires(case, step, one, again) for one in trigger.all) if t is not None]
            return max(all_known) if len(all_known) == len(trigger.all) else None
