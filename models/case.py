"""The case: one value that holds everything the rules know about an overdue invoice.

It is changed only by `changes.apply` and read by `ladder.next_action`; here live its fields and what can be read off
them directly.
"""

from datetime import datetime

from pydantic import AwareDatetime, Field

from models.base import Value
from models.calendar import PinnedCalendar
from models.clock import CaseClock
from models.events import AnyEvent, Outcome, PlanAgreed, PromiseMade, Skip, Stage, StepProposed
from models.invoice import Invoice
from models.money import Money
from models.policy import DUNNING, PinnedPolicy, StepKind

RULES_VERSION = 1
"""Pinned in every case: pure code cannot ask Temporal which version of itself a history was made with."""


class Refused(ValueError):
    """The event cannot happen to this case; the text says why and what to do."""


class Closed(Refused):
    """The case has ended; only a reversal of a payment can open it again."""


class DoneStep(Value):
    """A step that was performed."""

    step: str
    kind: StepKind
    occurrence: int
    planned_at: AwareDatetime
    performed_at: AwareDatetime
    notice: str | None = None
    task: str | None = None


class Payment(Value):
    """A payment as received; what it is applied to follows from the balance."""

    id: str
    amount: Money
    received_on: str
    reversed: bool = False


class Dispute(Value):
    """An open dispute; without an amount the whole invoice is contested."""

    id: str
    amount: Money | None
    reason: str
    since: AwareDatetime


class Promise(Value):
    """A promise to pay. `deadline` is its day plus the policy's tolerance, as an instant."""

    made: PromiseMade
    amount: Money
    paid_before: Money
    deadline: AwareDatetime


class Plan(Value):
    """An agreed payment plan with the deadline of each instalment (its day plus tolerance)."""

    agreed: PlanAgreed
    paid_before: Money
    deadlines: tuple[AwareDatetime, ...]


class Hold(Value):
    """An operator's stop."""

    id: str
    reason: str
    since: AwareDatetime


class Pause(Value):
    """A stretch of time in which the ladder stood still."""

    since: AwareDatetime
    until: AwareDatetime


class Task(Value):
    """Something a person has to do."""

    id: str
    kind: str
    text: str
    opened_at: AwareDatetime
    step: str | None = None
    occurrence: int = 1
    done_at: AwareDatetime | None = None
    outcome: str | None = None


class Rejection(Value):
    """A message that could not be taken, with the reason."""

    message: str
    reason: str
    at: AwareDatetime | None = None


class Numbered(Value):
    """An applied event with its place in the case's sequence."""

    sequence: int
    event: AnyEvent


class Case(Value):
    """An overdue invoice, pursued."""

    rules_version: int = RULES_VERSION
    invoice: Invoice
    policy: PinnedPolicy
    clock: CaseClock
    opened_at: AwareDatetime
    calendar: PinnedCalendar | None = Field(default=None, exclude_if=lambda value: value is None)
    sequence: int = 0

    outstanding: Money
    """What is owed on the invoice: its amount less payments and credits; never below zero."""
    credited: Money
    unapplied: tuple[Payment, ...] = ()
    """Money that is not applied: what was paid too much, and payments in another currency."""
    payments: tuple[Payment, ...] = ()

    progress: dict[str, int] = Field(default_factory=dict)
    """Step id to the number of its occurrences that are over (performed or skipped)."""
    performed: tuple[DoneStep, ...] = ()
    skipped: tuple[Skip, ...] = ()
    proposed: dict[str, StepProposed] = Field(default_factory=dict)
    approved: dict[str, AwareDatetime] = Field(default_factory=dict)
    approved_by: dict[str, str] = Field(default_factory=dict)
    deferred: dict[str, AwareDatetime] = Field(default_factory=dict)
    refused: dict[str, str] = Field(default_factory=dict)

    dispute: Dispute | None = None
    promise: Promise | None = None
    plan: Plan | None = None
    extended_until: AwareDatetime | None = None
    holds: tuple[Hold, ...] = ()
    pauses: tuple[Pause, ...] = ()
    paused_since: AwareDatetime | None = None

    happened: dict[str, AwareDatetime] = Field(default_factory=dict)
    """Event type to the instant it last happened, for triggers and unanswered letters."""
    agency_mandate: bool = False
    insurer_mandate: bool = False
    claim_settled: bool = False
    withdrawn: bool = False
    written_off: bool = False
    reopened_at: AwareDatetime | None = None
    outcome: Outcome | None = None
    closed: bool = False

    tasks: tuple[Task, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    applied: dict[str, str] = Field(default_factory=dict)
    """Update id of every message taken, to the digest of its content."""
    declined: tuple[str, ...] = ()
    """Update ids of messages that the ledger holds and that this case could not take."""
    journal: tuple[Numbered, ...] = ()
    """Events that are applied here and not yet known to be in the ledger."""

    @property
    def id(self) -> str:
        """The case id, which is also the workflow id."""
        return self.invoice.case_id

    @property
    def currency(self) -> str:
        """The invoice's currency."""
        return self.invoice.amount.currency

    @property
    def disputed(self) -> Money:
        """The contested part of what is outstanding."""
        if self.dispute is None:
            return Money.zero(self.currency)
        return self.outstanding if self.dispute.amount is None else min(self.dispute.amount, self.outstanding)

    @property
    def pursued(self) -> Money:
        """The undisputed part: what notices demand."""
        return self.outstanding - self.disputed

    @property
    def paid(self) -> Money:
        """What payments in the invoice's currency brought in, reversed ones left out."""
        live = (p.amount for p in self.payments if not p.reversed and p.amount.currency == self.currency)
        return sum(live, Money.zero(self.currency))

    @property
    def on_hold(self) -> bool:
        """Whether the ladder stands still (hold, promise, plan, extension, full dispute)."""
        return self.paused_since is not None and not self.closed

    @property
    def mandate_held(self) -> bool:
        """Whether an agency or the insurer pursues the debt, so that our own dunning stops."""
        return self.agency_mandate or self.insurer_mandate

    @property
    def stage(self) -> Stage:
        """How far the case has climbed."""
        if self.closed:
            return "closed"
        if self.written_off:
            return "recovery"
        stage: Stage = "not_due"
        for done in self.performed:
            reached = _STAGE_OF.get(done.kind, stage)
            if _CLIMB.index(reached) > _CLIMB.index(stage):
                stage = reached
        return stage

    def last_performed(self, step: str) -> DoneStep | None:
        """The latest performance of a step."""
        return next((done for done in reversed(self.performed) if done.step == step), None)

    def contacts(self) -> list[datetime]:
        """When we spoke to the debtor ourselves, in order."""
        return sorted(d.performed_at for d in self.performed if d.kind in DUNNING)


_CLIMB: tuple[Stage, ...] = ("not_due", "reminded", "demanded", "lawyer", "referred", "claimed", "recovery", "closed")
_STAGE_OF: dict[StepKind, Stage] = {
    "reminder": "reminded",
    "call": "reminded",
    "visit": "reminded",
    "formal_demand": "demanded",
    "lawyer_letter": "lawyer",
    "legal_action": "lawyer",
    "referral": "referred",
    "insurance_claim": "claimed",
}
