"""Why a step was performed when it was, and why not earlier: the account of one step, from the ledger alone.

The case is rebuilt as it stood before the step, and asked. Words are in words.py.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from activities.evidence import words
from activities.evidence.notice import demanded
from activities.evidence.record import CaseRecord, Moment
from models import events as e
from models import view
from models.books import debtor_day
from models.case import Case
from models.days import ladder_day, local_date, moment_of, permitted, zone_name
from models.ladder import planned
from models.policy import DUNNING, DUTY_STEPS, Step
from models.triggers import AfterDue, AfterStep, AllOf, AnyOf, BeforeDue, OnEvent, Trigger

ON_TIME = timedelta(minutes=1)
"""What is performed so soon after its time counts as punctual."""


class NoSuchStep(LookupError):
    """The case never came to the step; the text says how it stands."""


def account(record: CaseRecord, step_id: str, occurrence: int | None = None) -> dict[str, Any]:
    """Everything that explains a step of a case, with stable field names.

    Args:
        record: The case.
        step_id: The step.
        occurrence: Which time, for one that recurs; the last one that happened if None.

    Raises:
        NoSuchStep: The case has no such step, or has not come to it.
        ValueError: The entries of the case cannot be read.
    """
    moments = record.moments
    place, status = _place(moments, step_id, occurrence)
    here = moments[place]
    before = moments[place - 1].case if place else here.case
    step = before.step(step_id) or here.case.policy.by_id[step_id]
    number = int(getattr(here.event, "occurrence", None) or occurrence or 1)
    performed = here.event if isinstance(here.event, e.StepPerformed) else None
    due = nominal(before, step, number)
    now = here.event.at or before.opened_at
    planned_at = (
        performed.planned_at if performed else _planned_at(here, step_id) or planned(before, step, number) or due
    )
    history = _history(moments[:place], step_id, number)
    return {
        "creditor": before.invoice.creditor, "invoice": before.invoice.number, "buyer": before.invoice.buyer.id,
        "step": step_id, "kind": step.kind, "occurrence": number, "status": status,
        "sequence": here.row.sequence, "hash": here.row.hash, "source": here.event.source, "by": here.event.by,
        "reason": _reason(here, before, step_id, number),
        "policy": {
            "id": before.policy.id, "version": before.policy.version, "digest": before.policy.digest,
            "title": before.policy.title, "rule": step.model_dump(mode="json", exclude_defaults=True),
        },
        "trigger": words.trigger(step.when), "recurrence": words.recurrence(step), "channels": list(step.channels),
        "letter": step.letter or step.kind,
        "deadline": _deadline(before, step),
        "planned_at": planned_at.isoformat() if planned_at else None,
        "planned_because": _planned_because(before, step, number, due, planned_at),
        "performed_at": performed.performed_at.isoformat() if performed else None,
        "clock_factor": before.clock.factor,
        "delay": _delay(due, planned_at, performed, history),
        "conditions": words.conditions(before, step.only_if),
        "requires": _requires(before, step),
        "approval": _approval(moments[:place], step, number),
        "balance": _balance(before, performed.performed_at if performed else now),
        "history": history,
        "demanded": view.money(demanded(here.case, performed.performed_at)) if performed and performed.notice else None,
        "notice": performed.notice if performed else None,
        "task": performed.task if performed else None,
        "note": performed.note if performed else "",
    }  # fmt: skip


def _place(moments: Sequence[Moment], step: str, occurrence: int | None) -> tuple[int, str]:
    """Where in the life of a case a step was decided, and how."""
    case = moments[-1].case
    if case.step(step) is None and not any(getattr(m.event, "step", None) == step for m in moments):
        known = ", ".join(case.policy.by_id)
        raise NoSuchStep(f"the policy {case.policy.id} has no step {step!r} (it has {known})")
    kinds: tuple[tuple[type[Any], str], ...] = (
        (e.StepPerformed, "performed"), (e.StepRejected, "rejected"), (e.StepSkipped, "skipped"),
        (e.StepRefused, "refused"), (e.StepDeferred, "deferred"), (e.StepProposed, "proposed"),
    )  # fmt: skip
    for kind, status in kinds:
        for place in range(len(moments) - 1, -1, -1):
            event: Any = moments[place].event
            if isinstance(event, kind) and event.step == step and occurrence in (None, event.occurrence or 1):
                return place, status
    # Done by hand, or fallen away when the ladder was entered or left: no event of its own says so.
    for place, moment in enumerate(moments):
        if any(d.step == step and occurrence in (None, d.occurrence) for d in moment.case.performed):
            return place, "done before" if place == 0 else "done by hand"
        if any(s.step == step and occurrence in (None, s.occurrence) for s in moment.case.skipped):
            return place, "skipped"
    nth = f" {occurrence}" if occurrence else ""
    if case.closed:
        raise NoSuchStep(f"{step}{nth} was never sent: the case closed before ({case.outcome})")
    upcoming = view.upcoming_step(case)
    following = f"; next is {upcoming[0].id}, planned for {_at(upcoming[1])}" if upcoming else ""
    raise NoSuchStep(f"{step}{nth} has not been sent{following}")


def _reason(here: Moment, before: Case, step: str, occurrence: int) -> str:
    """What is said with a step that was not performed."""
    skipped = [s for s in here.case.skipped if (s.step, s.occurrence) == (step, occurrence)]
    if skipped:
        return skipped[-1].reason
    return str(getattr(here.event, "reason", "") or "")


def _planned_at(here: Moment, step: str) -> datetime | None:
    if isinstance(here.event, e.StepProposed):
        return here.event.planned_at
    return next((done.planned_at for done in reversed(here.case.performed) if done.step == step), None)


def nominal(case: Case, step: Step, occurrence: int) -> datetime | None:
    """When the trigger alone would fire, before anything holds the step back."""
    return _fires(case, step.when, step.repeat.every * (occurrence - 1) if step.repeat else 0)


def _fires(case: Case, when: Trigger, again: int) -> datetime | None:
    match when:
        case AfterDue():
            return moment_of(case, ladder_day(case, case.invoice.due, when.after_due + again))
        case BeforeDue():
            return moment_of(case, ladder_day(case, case.invoice.due, again - when.before_due))
        case AfterStep(after_step=after):
            done = case.last_performed(after.step)
            if done is None:
                return None
            return moment_of(case, ladder_day(case, local_date(case, done.performed_at), after.delay + again))
        case OnEvent():
            happened = case.happened.get(when.on_event)
            return permitted(case, happened + timedelta(days=again)) if happened else None
        case AnyOf():
            return min((t for t in (_fires(case, one, again) for one in when.any) if t is not None), default=None)
        case AllOf():
            moments = [t for t in (_fires(case, one, again) for one in when.all) if t is not None]
            return max(moments) if len(moments) == len(when.all) else None
    return None  # type: ignore[unreachable]


def _planned_because(
    case: Case, step: Step, occurrence: int, due: datetime | None, planned_at: datetime | None
) -> list[str]:
    """Why the step was planned for that moment, fact by fact."""
    schedule = case.policy.schedule
    facts = [f"the rule: {words.trigger(step.when)}"]
    if occurrence > 1 and step.repeat:
        facts.append(f"it recurs: {words.recurrence(step)}; this is number {occurrence}")
    facts.append(f"the contractual due date is {case.invoice.due:%a} {case.invoice.due}")
    paused = [p for p in case.pauses if due is None or p.since < due]
    facts += [f"the ladder stood still from {_at(p.since)} to {_at(p.until)}" for p in paused]
    if due is not None:
        workdays = ", on business days" if schedule.days == "business" else ""
        facts.append(f"so it falls on {_at(due)}; steps fire at {schedule.time:%H:%M} {zone_name(case)}{workdays}")
    if planned_at is not None and (due is None or planned_at > due):
        later = [(at, text) for at, text in _held_back(case, step) if due is None or at > due]
        facts += [f"not before {_at(at)}: {text}" for at, text in sorted(later)]
        facts.append(f"so it was planned for {_at(planned_at)}")
    return facts


def _held_back(case: Case, step: Step) -> list[tuple[datetime, str]]:
    """What keeps a step from being performed before some moment."""
    found = [(case.opened_at, "the case was opened only then (late arrival)")]
    for required in step.requires:
        done = case.last_performed(required)
        if done is not None:
            cure = case.policy.by_id[required].cure_period
            end = moment_of(case, ladder_day(case, local_date(case, done.performed_at), cure))
            found.append(
                (max(end, done.performed_at), f"{required} and its cure period of {words.days(cure)} come first")
            )
    contacts = [local_date(case, at) for at in case.contacts()]
    if step.kind in DUNNING and contacts:
        spacing, limit = case.policy.spacing, case.policy.contact_limit
        if spacing:
            end = moment_of(case, contacts[-1] + timedelta(days=spacing))
            found.append((end, f"at least {words.days(spacing)} lie between two contacts; the last was {contacts[-1]}"))
        if limit and len(contacts) >= limit.most:
            end = moment_of(case, contacts[-limit.most] + timedelta(days=limit.within))
            found.append((end, f"at most {limit.most} contacts in {words.days(limit.within)}"))
    if case.pauses:
        found.append((case.pauses[-1].until, "until then the ladder stood still"))
    if case.reopened_at is not None:
        found.append((case.reopened_at, "the case was opened again then"))
    if "policy_changed" in case.happened:
        found.append((case.happened["policy_changed"], "the case was moved to this policy then"))
    if step.id in case.deferred:
        found.append((case.deferred[step.id], "it was put off until then"))
    return found


def _history(moments: Sequence[Moment], step: str, occurrence: int) -> list[dict[str, Any]]:
    """What happened to this occurrence of the step before: put off, refused, proposed, approved, mended."""
    told = []
    for moment in moments:
        event: Any = moment.event
        mended = isinstance(event, e.TaskCompleted) and any(
            t.id == event.task and t.step == step for t in moment.case.tasks
        )
        if mended or (
            getattr(event, "step", None) == step and (getattr(event, "occurrence", None) or occurrence) == occurrence
        ):
            told.append(
                {"sequence": moment.row.sequence, "at": event.at.isoformat() if event.at else None, "by": event.by,
                 "event": event.type, "text": words.event(event)}
            )  # fmt: skip
    return told


def _delay(
    due: datetime | None, planned_at: datetime | None, performed: e.StepPerformed | None, history: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """How much later than the trigger's moment the step was performed, and why."""
    first = min((at for at in (due, planned_at) if at is not None), default=None)
    if performed is None or first is None or performed.performed_at - first <= ON_TIME:
        return None
    reasons = [entry["text"] for entry in history]
    if planned_at is not None and planned_at - first > ON_TIME:
        reasons.append(f"planned only for {_at(planned_at)}, for the reasons given there")
    elif not reasons:
        reasons.append("nothing is recorded that held it back: the worker or the server was not there, or was busy")
    late = performed.performed_at - first
    return {"seconds": int(late.total_seconds()), "text": str(timedelta(seconds=int(late.total_seconds()))),
            "reasons": reasons}  # fmt: skip


def _requires(case: Case, step: Step) -> list[dict[str, Any]]:
    """What had to come first, and when it was done."""
    found = []
    for required in step.requires:
        done, cure = case.last_performed(required), case.policy.by_id[required].cure_period
        end = moment_of(case, ladder_day(case, local_date(case, done.performed_at), cure)) if done else None
        found.append(
            {"step": required, "performed_at": done.performed_at.isoformat() if done else None,
             "notice": done.notice if done else None, "cure_period_days": cure,
             "cured_at": end.isoformat() if end else None}
        )  # fmt: skip
    return found


def _approval(moments: Sequence[Moment], step: Step, occurrence: int) -> dict[str, Any] | None:
    """Who approved, where the policy asks for a second person."""
    if step.mode != "propose":
        return None
    found: dict[str, Any] = {"proposed_at": None, "approved_at": None, "approved_by": None, "note": ""}
    for moment in moments:
        event = moment.event
        if isinstance(event, e.StepProposed) and (event.step, event.occurrence) == (step.id, occurrence):
            found |= {"proposed_at": _iso(event.at)}
        if isinstance(event, e.StepApproved) and event.step == step.id and event.occurrence in (None, occurrence):
            found |= {"approved_at": _iso(event.at), "approved_by": event.by, "note": event.note}
    return found


def _balance(case: Case, at: datetime) -> dict[str, Any]:
    """What was owed at that moment."""
    today = debtor_day(case.invoice, at)
    return {
        "amount": view.money(case.invoice.amount), "credited": view.money(case.credited), "paid": view.money(case.paid),
        "outstanding": view.money(case.outstanding), "disputed": view.money(case.disputed),
        "pursued": view.money(case.pursued), "due": case.invoice.due.isoformat(),
        "days_overdue": (today - case.invoice.due).days, "stage": case.stage,
    }  # fmt: skip


def _deadline(case: Case, step: Step) -> str | None:
    """The hard deadline that had a step done, if it is no rung of the ladder."""
    if step.id not in DUTY_STEPS:
        return None
    found = next((d for d in case.deadlines if d.kind == step.kind), None)
    return f"{found.day}: {found.why} ({found.source})" if found else None


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _at(instant: datetime) -> str:
    return f"{instant:%a %Y-%m-%d %H:%M} UTC"
