"""Writing a debt off in the books: proposed with a reason, approved by a second person. It waives nothing.

The ladder stops; the case stays in recovery until it is paid or the claim is barred (domain: book write-off is not a
waiver).
"""

from datetime import datetime

from models import events as e
from models import tasks
from models.case import Case, Refused
from models.records import WriteOffProposal

WRITE_OFF = "write_off"
"""The name under which the proposal is approved or rejected."""


def proposed(case: Case, event: e.WrittenOff, at: datetime) -> Case:
    """A write-off is proposed."""
    if case.written_off:
        raise Refused("the case is already written off")
    if case.rules_version < 2:
        return case.but(written_off=True, outcome="written_off")
    if case.write_off is not None:
        raise Refused(f"a write-off is already proposed by {case.write_off.by}: approve or reject {WRITE_OFF}")
    if not event.by.strip():
        raise Refused("a write-off needs a name: who proposes it? (a second person approves it)")
    if not event.reason.strip():
        raise Refused("a write-off needs a reason, and if there is one, its evidence")
    proposal = WriteOffProposal(reason=event.reason, evidence=event.evidence, by=event.by.strip())
    evidence = f"; evidence: {', '.join(event.evidence)}" if event.evidence else ""
    text = (
        f"approve or reject {WRITE_OFF}: {event.by} proposes to write off {case.outstanding}, {event.reason}{evidence}"
    )
    return tasks.opened(case.but(write_off=proposal), "approval", text[:2000], at, WRITE_OFF)


def approved(case: Case, by: str, at: datetime) -> Case:
    """A second person approves: the ladder stops, the claim lives on."""
    _second(case, by)
    case = tasks.finished(case, "approval", WRITE_OFF, at, "approved")
    return case.but(write_off=None, written_off=True, outcome="written_off")


def rejected(case: Case, by: str, at: datetime) -> Case:
    """A second person says no: the ladder goes on."""
    _second(case, by)
    return tasks.finished(case.but(write_off=None), "approval", WRITE_OFF, at, "rejected")


def _second(case: Case, by: str) -> None:
    if not by.strip():
        raise Refused("a decision on a write-off needs a name: who decides?")
    if case.write_off is not None and case.write_off.by.casefold() == by.strip().casefold():
        raise Refused(f"{case.write_off.by} proposed the write-off: a second person decides on it")
