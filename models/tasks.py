"""The tasks of a case: what a person has to do, opened and finished."""

from datetime import datetime

from models.case import Case, Task


def opened(case: Case, kind: str, text: str, at: datetime, step: str | None = None, occurrence: int = 1) -> Case:
    """One more task, numbered within its kind."""
    nth = sum(1 for task in case.tasks if task.kind == kind) + 1
    task = Task(id=f"{kind}-{nth}", kind=kind, text=text, opened_at=at, step=step, occurrence=occurrence)
    return case.but(tasks=(*case.tasks, task))


def finished(case: Case, kind: str, step: str, at: datetime, outcome: str) -> Case:
    """The open tasks of a kind and a step are done."""
    tasks = tuple(
        t.but(done_at=at, outcome=outcome) if t.kind == kind and t.step == step and t.done_at is None else t
        for t in case.tasks
    )
    return case.but(tasks=tasks)


def names(case: Case) -> str:
    """The ids of the open tasks, for messages."""
    return ", ".join(t.id for t in case.tasks if t.done_at is None) or "none"
