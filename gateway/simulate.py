"""What a policy would have done: cases driven by the rules alone, without server, ledger or mail.

`drive` takes one case through its messages; `Simulation` does so for rows whose profile knows the fate of
each invoice. The workflow makes the same steps at the same instants: it asks the same two functions.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Any

from gateway.calendars import pinned
from gateway.errors import InputRefused
from gateway.intake.entries import InvoiceRow, Rejected
from gateway.intake.invoices import Entry, InvoiceFile
from gateway.intake.profiles import Profile
from gateway.terms import NO_TERMS, Terms, TermsFinder
from models import events as e
from models.case import RULES_VERSION, Case
from models.changes import apply, open_case
from models.clock import CaseClock
from models.faults import shown
from models.ladder import Close, Perform, Propose, Record, Tell, Wait, next_action
from models.policy import Policy
from models.triggers import nominal_day

APPROVER = "simulate"
"""In whose name proposals are approved, at once: a simulation cannot wait for a second person."""

KNOWN_BEFORE_DUE = 30
"""How many days before the due date an invoice is taken to be known, where its date of issue is not given."""


def drive(case: Case, messages: Iterable[e.Message], until: datetime) -> Case:
    """The case after everything that happens to it before the instant `until`.

    Messages come before steps at the same instant, steps are performed at the moment the rules plan them, and
    proposals are approved at once. What reaches a closed case is ignored, save for a reversed payment.

    Args:
        case: A case, open or not.
        messages: What it is told, each with its `at`, in any order.
        until: The end; what happens at this very instant is left out.
    """
    told = sorted((m for m in messages if m.at is not None and m.at < until), key=lambda m: m.at or until)
    now = case.opened_at
    while True:
        while told and (told[0].at or now) <= now:
            message = told.pop(0)
            if not case.closed or isinstance(message, e.PaymentReversed):
                case = apply(case, message)
        action = Wait(None) if case.closed else next_action(case, now)
        if isinstance(action, Wait):
            instants = [i for i in (action.until, told[0].at if told else None) if i is not None]
            now = min(instants, default=until)
            if now >= until:
                return case
        else:
            for event in _carried_out(action, now):
                case = apply(case, event)


def _carried_out(action: Perform | Propose | Record | Tell | Close, now: datetime) -> Iterator[e.Event]:
    match action:
        case Perform(step, occurrence, planned_at):
            yield e.StepPerformed(
                step=step.id,
                kind=step.kind,
                occurrence=occurrence,
                planned_at=planned_at,
                performed_at=planned_at,
                at=now,
            )
        case Propose(step, occurrence, planned_at):
            yield e.StepProposed(step=step.id, occurrence=occurrence, planned_at=planned_at, at=now)
            reference = f"{step.id}-{occurrence}"
            yield e.StepApproved(id=reference, step=step.id, occurrence=occurrence, at=now, by=APPROVER)
        case Record(event):
            yield event
        case Tell(case_id):
            yield e.PartnerTold(case=case_id, at=now)  # each case is simulated by itself
        case Close(outcome):
            yield e.CaseClosed(outcome=outcome, at=now)


# --- rows whose fate is known -----------------------------------------------------------------------------


def opening(
    row: InvoiceRow, policy: Policy, data_dir: str | Path | None = None, terms: Terms = NO_TERMS
) -> e.CaseOpened:
    """How the case of a row begins: at the start of its day of issue, or of the day of payment if earlier."""
    days = [day for day in (row.invoice.issued or _known_since(row, policy), row.settled) if day is not None]
    at = midnight(min(days))
    calendar = pinned(row.invoice, policy, at, data_dir)
    return e.CaseOpened(
        invoice=row.invoice, policy=policy, clock=CaseClock.real(at), at=at, law=terms.law, insurance=terms.insurance,
        rules_version=RULES_VERSION, calendar=calendar,
    )  # fmt: skip


def _known_since(row: InvoiceRow, policy: Policy) -> date:
    nominal = (nominal_day(policy.steps, step.when) for step in policy.steps)
    earliest = min((day for day in nominal if day is not None), default=0)
    return row.invoice.due - timedelta(days=max(KNOWN_BEFORE_DUE, 1 - earliest))


def fate(row: InvoiceRow) -> list[e.Message]:
    """What happened to the invoice of a row, as messages.

    It was paid in full at the start of the day it was settled, and disputed at the start of the day after due
    if it was still open then; the dispute is not resolved.
    """
    told: list[e.Message] = []
    day_after = row.invoice.due + timedelta(days=1)
    if row.settled is not None:
        paid = midnight(row.settled)
        told.append(e.PaymentReceived(id="settled", at=paid, amount=row.invoice.amount, received_on=row.settled))
    if row.disputed and (row.settled is None or row.settled > day_after):
        told.append(e.DisputeRaised(id="disputed", at=midnight(day_after)))
    return told


def midnight(day: date) -> datetime:
    """The start of a day, UTC."""
    return datetime.combine(day, clock_time(0), UTC)


def latest_day(entries: Iterable[Entry]) -> date | None:
    """The last day that the accepted rows speak of (issued, due, settled)."""
    latest = date.min
    for entry in entries:
        if not isinstance(entry, Rejected):
            row = entry.row
            latest = max(latest, row.invoice.due, row.settled or latest)
    return None if latest == date.min else latest


# --- whole files ------------------------------------------------------------------------------------------


class Simulation:
    """Counts over the cases of a file."""

    def __init__(
        self, choose: Callable[[str | None], Policy], as_of: date | None, data_dir: str | Path | None = None
    ) -> None:
        """Start from nothing.

        Args:
            choose: The policy for the name that a row gives, if any; InputRefused if there is none.
            as_of: The last day that is simulated, to its end; None if there are no rows.
            data_dir: The data folder, whose jurisdictions and creditors' closing days count.
        """
        self._choose = choose
        self._data_dir = data_dir
        self._terms = TermsFinder(str(data_dir or "var"))
        self._policies: dict[str, Policy] = {}
        self._until = midnight((as_of or date.min) + timedelta(days=1))
        self.as_of = as_of
        self.invoices = 0
        self.refused = 0
        self.unchanged = 0
        self.notices: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()

    def take(self, entry: Entry) -> Case | Rejected | None:
        """Simulate a row: its case at the end, or why it was refused; None for a repetition."""
        if isinstance(entry, Rejected):
            self.refused += 1
            return entry
        if entry.duplicate_of is not None:
            self.unchanged += 1
            return None
        row = entry.row
        try:
            policy = self._policy(row.policy)
        except InputRefused as error:
            self.refused += 1
            return Rejected(entry.line, "policy", shown(row.policy), str(error), entry.original)
        # The law matters to the steps only where interest is claimed; without it rows are simulated faster.
        terms = self._terms.of(row.invoice) if policy.claim_interest else NO_TERMS
        case = drive(open_case(opening(row, policy, self._data_dir, terms)), fate(row), self._until)
        self.invoices += 1
        for done in case.performed:
            self.notices[done.step] += 1
        self.outcomes[outcome_of(case)] += 1
        return case

    def _policy(self, name: str | None) -> Policy:
        key = name or ""
        if key not in self._policies:
            policy = self._policies[key] = self._choose(name)
            self.notices.update({step.id: 0 for step in policy.steps})
        return self._policies[key]

    @property
    def policies(self) -> list[str]:
        """The ids of the policies that were used."""
        return sorted({policy.id for policy in self._policies.values()})

    def summary(self) -> dict[str, Any]:
        """The counts; each step of every policy used has one."""
        return {
            "invoices": self.invoices,
            "refused": self.refused,
            "unchanged": self.unchanged,
            "policy": ", ".join(self.policies),
            "as_of": None if self.as_of is None else self.as_of.isoformat(),
            "notices": dict(self.notices),
            "outcomes": {**dict(sorted(self.outcomes.items())), "open": self.outcomes["open"]},
        }


def end_of_data(path: Path, profile: Profile | None) -> date | None:
    """The last day that a file speaks of; it is read for this alone."""
    with InvoiceFile(path, profile) as file:
        return latest_day(file)


def outcome_of(case: Case) -> str:
    """The outcome of a closed case; `open` for any other."""
    return str(case.outcome) if case.closed else "open"


def case_line(case: Case) -> dict[str, Any]:
    """A case in the form in which simulated and real ones are compared: its outcome and its steps."""
    return {
        "creditor": case.invoice.creditor,
        "invoice": case.invoice.number,
        "outcome": outcome_of(case),
        "steps": [{"step": d.step, "kind": d.kind, "at": d.planned_at.isoformat()} for d in case.performed],
    }
