"""The case: one value that holds everything the rules know about an overdue invoice.

It is changed only by `changes.apply` and read by `ladder.next_action`; here live its fields and what can be read off
them directly. What they hold is in records.py.
"""

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, Field, model_validator

from models.allocation import Owed
from models.base import Value
from models.calendar import PinnedCalendar
from models.clock import CaseClock
from models.events import (
    Outcome,
    Skip,
    Stage,
    StepProposed,
)
from models.insurance import InsuranceTerms
from models.invoice import Invoice
from models.law import PinnedLaw
from models.money import Money
from models.policy import DUNNING, DUTY_STEPS, PinnedPolicy, Step, StepKind
from models.records import (
    Credit,
    Deadline,
    Dispute,
    DoneStep,
    Hold,
    InterestClaim,
    Numbered,
    Pause,
    Payment,
    Plan,
    Promise,
    Rejection,
    Restart,
    Settled,
    Task,
    Waiver,
    WriteOffProposal,
)

RULES_VERSION = 4
"""Pinned in every case that opens: pure code cannot ask Temporal which version of itself a history was made with.

1: a write-off acted at once, a dispute had no day to be answered by, a reversed payment gave no time of grace, and a
promise always made the ladder wait.
2: a payment that was taken back left behind what had come with it (the discount, the limitation it had moved, the task
to refund another) and broke the plan that it came before; money dated ahead moved limitation by that day, a letter that
came back went on moving it, a plan did not count as a promise; a step waited for ever for one that had fallen away.
3: a payment of before interest was claimed, told afterwards, settled interest first; a demand moved limitation before
it was posted, and of what moved it only the last was kept; a dispute could be answered after limitation; a dispute
upheld in part gave the rest no fresh cure period; what was settled in kind alone closed as withdrawn.
"""


class Refused(ValueError):
    """The event cannot happen to this case; the text says why and what to do."""


class Closed(Refused):
    """The case has ended; only a reversal of a payment can open it again."""


class Case(Value):
    """An overdue invoice, pursued."""

    rules_version: int = 1
    invoice: Invoice
    policy: PinnedPolicy
    clock: CaseClock
    opened_at: AwareDatetime
    calendar: PinnedCalendar | None = Field(default=None, exclude_if=lambda value: value is None)
    sequence: int = 0

    @model_validator(mode="before")
    @classmethod
    def _lifted(cls, given: Any) -> Any:
        """A case that was carried over before debts had three parts: all of it was principal."""
        if isinstance(given, dict) and "owed" not in given and "outstanding" in given:
            principal = Money.model_validate(given["outstanding"])
            zero = Money.zero(principal.currency)
            return {**given, "owed": Owed(costs=zero, interest=zero, principal=principal)}
        return given

    law: PinnedLaw | None = None
    insurance: InsuranceTerms | None = None
    """The terms of the insurance, if the invoice is insured and they are recorded."""

    owed: Owed
    """What is open, in its three parts, as booked: costs and interest only from the step on that claims them."""
    outstanding: Money
    """The sum of `owed`; never below zero."""
    credits: tuple[Credit, ...] = ()
    credited: Money
    """The sum of `credits`."""
    claim: InterestClaim | None = None
    waivers: tuple[Waiver, ...] = ()
    short: Money | None = None
    """A shortfall that was let go by the policy's tolerance."""
    unapplied: tuple[Payment, ...] = ()
    """Money that is not applied: what was paid too much, and payments in another currency."""
    payments: tuple[Payment, ...] = ()

    progress: dict[str, int] = Field(default_factory=dict)
    """Step id to the number of its occurrences that are over (performed or skipped)."""
    performed: tuple[DoneStep, ...] = ()
    duties: tuple[DoneStep, ...] = ()
    """What hard deadlines had done by themselves; no rungs of the ladder."""
    skipped: tuple[Skip, ...] = ()
    proposed: dict[str, StepProposed] = Field(default_factory=dict)
    approved: dict[str, AwareDatetime] = Field(default_factory=dict)
    approved_by: dict[str, str] = Field(default_factory=dict)
    deferred: dict[str, AwareDatetime] = Field(default_factory=dict)
    refused: dict[str, str] = Field(default_factory=dict)

    dispute: Dispute | None = None
    promise: Promise | None = None
    plan: Plan | None = None
    crossed: str | None = None
    """The payment that crossed a letter of ours, until the debtor is told."""
    to_tell: tuple[str, ...] = ()
    """Cases of the same payment plan that are to hear that it is broken."""
    settled: tuple[Settled, ...] = ()
    """Disputes, promises and plans that are over."""
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
    write_off: WriteOffProposal | None = None
    reopened_at: AwareDatetime | None = None
    """From when on the ladder goes on after a payment was taken back: the debtor may not know of it yet."""
    fresh_at: AwareDatetime | None = None
    """From when on cure periods count anew: after a rejected dispute, or a payment that was taken back."""
    deadlines: tuple[Deadline, ...] = ()
    """The hard deadlines, the earliest first."""
    restarts: tuple[Restart, ...] = ()
    """What moved the limitation date, with its proof."""
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
        """The contested part of what is outstanding; with all of the principal, its interest and costs are, too."""
        if self.dispute is None:
            return Money.zero(self.currency)
        contested = self.dispute.amount
        return self.outstanding if contested is None or contested >= self.owed.principal else contested

    @property
    def pursued(self) -> Money:
        """The undisputed part: what notices demand."""
        return self.outstanding - self.disputed

    @property
    def paid(self) -> Money:
        """What payments brought in, in the invoice's currency; reversed and unconverted ones left out."""
        values = (p.value(self.currency) for p in self.payments if not p.reversed)
        return sum((value for value in values if value is not None), Money.zero(self.currency))

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

    def step(self, name: str) -> Step | None:
        """A step of the policy, or one that a hard deadline asks for."""
        return self.policy.by_id.get(name) or DUTY_STEPS.get(name)

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
