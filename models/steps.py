"""What became of the steps: performed, skipped, deferred, refused, proposed, and decided by a second person."""

from datetime import datetime
from typing import TypeVar, cast

from models import events as e
from models import tasks, writing_off
from models.balance import claimed
from models.books import debtor_day
from models.case import Case, Refused
from models.days import local_date
from models.deadlines import met, met_by_step, moved
from models.limitation import LimitationEvent
from models.policy import CORRECTION, DUTY_STEPS, StepKind, claims_interest
from models.records import DoneStep, Task
from models.writing_off import WRITE_OFF

_V = TypeVar("_V")


def done(
    case: Case, step: str, kind: StepKind, occurrence: int, planned_at: datetime, performed_at: datetime,
    notice: str | None = None, task: str | None = None,
) -> Case:  # fmt: skip
    """A step was performed: recorded, counted, and the mandate noted if it hands one over."""
    done = DoneStep(
        step=step, kind=kind, occurrence=occurrence, planned_at=planned_at, performed_at=performed_at,
        notice=notice, task=task,
    )  # fmt: skip
    case = over(case, step, occurrence, performed_at)
    if step in DUTY_STEPS:
        return met_by_step(case.but(duties=(*case.duties, done)), kind, notice or task or step)
    case = case.but(
        performed=(*case.performed, done),
        agency_mandate=case.agency_mandate or kind == "referral",
        insurer_mandate=case.insurer_mandate or kind == "insurance_claim",
    )
    if not case.deadlines:
        return case
    handed_over = task is not None and not any(t.id == task and t.done_at is not None for t in case.tasks)
    if case.rules_version < 4 or not handed_over:  # What a person still has to post is proven by the task.
        case = _demanded(case, done)
    return met_by_step(case, kind, notice or task or step)


def _demanded(case: Case, done: DoneStep) -> Case:
    """A demand that went out moves the limitation date where the law lets it."""
    if done.kind not in _LIMITATION:
        return case
    return moved(case, _LIMITATION[done.kind], local_date(case, done.performed_at), proof_of(done))


_LIMITATION: dict[StepKind, LimitationEvent] = {
    "reminder": "reminder",
    "formal_demand": "demand",
    "lawyer_letter": "demand",
}


def proof_of(done: DoneStep) -> str:
    """What proves that a step was performed, as the limitation date names it."""
    return f"{done.step}, {done.notice or done.task or 'done'}"


def over(case: Case, step: str, occurrence: int, at: datetime) -> Case:
    """An occurrence of a step is over, and with it what hung on it."""
    progress = {**case.progress, step: max(occurrence, case.progress.get(step, 0))}
    if step == CORRECTION:
        case = case.but(crossed=None)
    if not (step in case.proposed or step in case.deferred or step in case.refused or step in case.approved):
        return case.but(progress=progress)
    if any(task.kind == "delayed" and task.step == step and task.done_at is None for task in case.tasks):
        case = tasks.finished(case, "delayed", step, at, "over")
    return case.but(
        progress=progress, proposed=_without(case.proposed, step), approved=_without(case.approved, step),
        approved_by=_without(case.approved_by, step),
        deferred=_without(case.deferred, step), refused=_without(case.refused, step),
    )  # fmt: skip


def _without(mapping: dict[str, _V], key: str) -> dict[str, _V]:
    return {k: v for k, v in mapping.items() if k != key}


def _expected(case: Case, step: str, occurrence: int) -> None:
    if case.step(step) is None:
        raise Refused(f"the policy {case.policy.id} has no step {step!r}")
    if occurrence != case.progress.get(step, 0) + 1:
        raise Refused(f"{step} {occurrence} is over already")


def step_performed(case: Case, event: e.StepPerformed, at: datetime) -> Case:
    """What was sent is a fact, even if the policy was changed while it was on its way."""
    done_duty = event.step in DUTY_STEPS and event.occurrence <= case.progress.get(event.step, 0)
    if done_duty or any(d.step == event.step and d.occurrence == event.occurrence for d in case.performed):
        raise Refused(f"{event.step} {event.occurrence} is over already")
    if event.occurrence <= case.progress.get(event.step, 0):
        skipped = tuple(s for s in case.skipped if (s.step, s.occurrence) != (event.step, event.occurrence))
        case = case.but(skipped=skipped)
    kind, notice, task = event.kind, event.notice, event.task
    case = done(case, event.step, kind, event.occurrence, event.planned_at, event.performed_at, notice, task)
    if claims_interest(case.policy, event.step):
        case = claimed(case, debtor_day(case.invoice, event.performed_at), at)
    if task is not None:
        made = Task(id=task, kind=kind, text=event.note, opened_at=at, step=event.step, occurrence=event.occurrence)
        case = case.but(tasks=(*case.tasks, made))
    return case


def step_skipped(case: Case, event: e.StepSkipped, at: datetime) -> Case:
    """A step falls away."""
    _expected(case, event.step, event.occurrence)
    skip = e.Skip(step=event.step, occurrence=event.occurrence, reason=event.reason)
    return over(case, event.step, event.occurrence, at).but(skipped=(*case.skipped, skip))


def step_deferred(case: Case, event: e.StepDeferred, at: datetime) -> Case:
    """A step is tried again later; the first time, a task tells an operator."""
    _expected(case, event.step, event.occurrence)
    first = event.step not in case.deferred
    case = case.but(deferred={**case.deferred, event.step: event.until})
    if not first:
        return case
    return tasks.opened(case, "delayed", f"{event.step}: {event.reason}", at, event.step, event.occurrence)


def step_refused(case: Case, event: e.StepRefused, at: datetime) -> Case:
    """A step waits for somebody to mend what is wrong."""
    _expected(case, event.step, event.occurrence)
    if event.step == CORRECTION:
        # It must not keep a paid case open: a person may still write.
        case = tasks.opened(case, "correction", f"tell the debtor that the payment crossed: {event.reason}", at)
        return over(case, event.step, event.occurrence, at)
    case = case.but(refused={**case.refused, event.step: event.reason}, deferred=_without(case.deferred, event.step))
    return tasks.opened(case, "refused_step", f"{event.step}: {event.reason}", at, event.step, event.occurrence)


def step_proposed(case: Case, event: e.StepProposed, at: datetime) -> Case:
    """A step waits for a second person."""
    _expected(case, event.step, event.occurrence)
    case = case.but(proposed={**case.proposed, event.step: event})
    return tasks.opened(case, "approval", f"approve or reject {event.step}", at, event.step, event.occurrence)


def step_approved(case: Case, event: e.StepApproved, at: datetime) -> Case:
    """A second person approved a step: it is due. A write-off that was proposed takes effect."""
    if event.step == WRITE_OFF and case.write_off is not None and WRITE_OFF not in case.proposed:
        return writing_off.approved(case, event.by, at)
    _proposal(case, event.step, event.occurrence)
    if not event.by:
        raise Refused("an approval needs a name: who approves?")
    case = case.but(approved={**case.approved, event.step: at}, approved_by={**case.approved_by, event.step: event.by})
    return tasks.finished(case, "approval", event.step, at, "approved")


def step_rejected(case: Case, event: e.StepRejected, at: datetime) -> Case:
    """A second person rejected a step, or a proposed write-off: it falls away."""
    if event.step == WRITE_OFF and case.write_off is not None and WRITE_OFF not in case.proposed:
        return writing_off.rejected(case, event.by, at)
    proposal = _proposal(case, event.step, event.occurrence)
    if not event.by:
        raise Refused("a rejection needs a name: who rejects?")
    reason = f"rejected by {event.by}" + (f": {event.reason}" if event.reason else "")
    skip = e.Skip(step=event.step, occurrence=proposal.occurrence, reason=reason)
    case = over(case, event.step, proposal.occurrence, at).but(skipped=(*case.skipped, skip))
    return tasks.finished(case, "approval", event.step, at, "rejected")


def _proposal(case: Case, step: str, occurrence: int | None) -> e.StepProposed:
    proposal = case.proposed.get(step)
    if proposal is None or step in case.approved or occurrence not in (None, proposal.occurrence):
        waiting = ", ".join(s for s in case.proposed if s not in case.approved) or "none"
        raise Refused(f"no proposal of {step!r} waits for a decision (waiting: {waiting})")
    return proposal


def task_completed(case: Case, event: e.TaskCompleted, at: datetime) -> Case:
    """A person finished a task; for a refused step the outcome says how it goes on."""
    found = next((t for t in case.tasks if t.id == event.task), None)
    if found is None:
        raise Refused(f"there is no task {event.task!r} (open: {tasks.names(case)})")
    if found.done_at is not None:
        raise Refused(f"task {event.task!r} is already done")
    if found.kind == "approval":
        raise Refused(f"{event.task!r} is an approval: use approve or reject with the step {found.step}")
    case = case.but(tasks=tuple(t.but(done_at=at, outcome=event.outcome) if t is found else t for t in case.tasks))
    if found.kind in ("deadline", "deadline_missed") and event.outcome == "done":
        # A task about a day that has moved since meets nothing.
        if not any(d.kind == found.about and (d.missed or d.warned is not None) for d in case.deadlines):
            return case
        return met(case, cast("e.DeadlineKind", found.about), f"task {found.id}, done by {event.by or 'an operator'}")
    if found.kind == "legal_action" and event.outcome == "done":
        return moved(case, "suit", local_date(case, at), f"task {found.id}")
    if found.kind == "refused_step" and found.step in case.refused:
        return _mended(case, found, event, at)
    posted = next((done for done in case.performed if done.task == found.id), None)
    if case.rules_version > 3 and posted is not None and event.outcome == "done":
        return _demanded(case, posted)
    return case


def _mended(case: Case, task: Task, event: e.TaskCompleted, at: datetime) -> Case:
    """A refused step after a person looked at it: tried again, done by hand, or dropped."""
    step = case.step(str(task.step))
    if step is None:
        return case
    if event.outcome == "retry":
        return case.but(refused=_without(case.refused, step.id))
    if event.outcome == "done":
        return done(case, step.id, step.kind, task.occurrence, task.opened_at, at, task=task.id)
    reason = f"dropped by {event.by or 'an operator'}: {case.refused[step.id]}"
    skip = e.Skip(step=step.id, occurrence=task.occurrence, reason=reason)
    return over(case, step.id, task.occurrence, at).but(skipped=(*case.skipped, skip))
