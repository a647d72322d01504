"""One voice per buyer: which letter a case owes on a day, and what may be told of it beside another case's letter.

Pure. Who asks, and what becomes of it, is in activities/gathering.py.
"""

from datetime import datetime

from models.case import Case
from models.days import local_date
from models.ladder import Perform, next_action, next_step


def due_on_the_day(case: Case, at: datetime) -> Perform | None:
    """The step that a case takes on the calendar day of `at`, now or later that day; None if it takes none.

    Only a step that would be carried out as things stand counts: nothing pauses the ladder, every condition is met,
    and where a second person has to approve, they did.
    """
    if case.closed or case.written_off or case.paused_since is not None:
        return None
    rung = next_step(case)
    if rung is None or local_date(case, rung.planned_at) > local_date(case, at):
        return None
    action = next_action(case, max(at, rung.planned_at))
    return action if isinstance(action, Perform) else None


def may_be_told(case: Case, at: datetime) -> bool:
    """Whether a letter about other invoices may list this one as open: it is overdue, and nothing was agreed on it."""
    agreed = case.holds or case.promise or case.plan or case.extended_until
    ended = case.closed or case.written_off or case.mandate_held
    return not agreed and not ended and case.invoice.due < local_date(case, at)
