"""The tasks of a case: what a person has to do, opened and finished."""

from datetime import datetime

from models.case import Case
from models.records import Task


def opened(
    case: Case, kind: str, text: str, at: datetime, step: str | None = None, occurrence: int = 1,
    about: str | None = None,
) -> Case:  # fmt: skip
    """One more task, numbered within its kind."""
    nth = sum(1 for task in case.tasks if task.kind == kind) + 1
    task = Task(id=f"{kind}-{nth}", kind=kind, text=text, opened_at=at, step=step, occurrence=occurrence, about=about)
    return case.but(tasks=(*case.tasks, task))


def finished(case: Case, kind: str, step: str, at: datetime, outcome: str) -> Case:
    """The open tasks of a kind and a step are done."""
    return _finished(case, [t for t in case.tasks if t.kind == kind and t.step == step], at, outcome)


def settled(case: Case, kind: str, about: str, at: datetime, outcome: str) -> Case:
    """The open tasks of a kind about something (a payment, a dispute, a deadline) are done."""
    return _finished(case, [t for t in case.tasks if t.kind == kind and t.about == about], at, outcome)


def _finished(case: Case, which: list[Task], at: datetime, outcome: str) -> Case:
    open_now = {task.id for task in which if task.done_at is None}
    if not open_now:
        return case
    return case.but(tasks=tuple(t.but(done_at=at, outcome=outcome) if t.id in open_now else t for t in case.tasks))


def put_off_since(case: Case, step: str, now: datetime) -> datetime:
    """Since when a step has been put off; `now` if it has not."""
    waiting = (t.opened_at for t in case.tasks if t.kind == "delayed" and t.step == step and t.done_at is None)
    return next(waiting, now)


def names(case: Case) -> str:
    """The ids of the open tasks, for messages."""
    return ", ".join(t.id for t in case.tasks if t.done_at is None) or "none"
