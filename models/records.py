"""What a case is made of: the payments, disputes, promises, deadlines and tasks that are written down in it.

The case itself is in case.py; what changes these is with its subject (balance.py, standstill.py, deadlines.py, …).
"""

from datetime import date
from typing import Literal

from pydantic import AwareDatetime

from models.allocation import PRINCIPAL_FIRST, Part
from models.base import Value
from models.events import AnyEvent, CreditKind, DeadlineKind, DisputeCategory, PlanAgreed, PromiseMade
from models.limitation import LimitationEvent
from models.money import Money
from models.policy import StepKind


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
    counts_on: str | None = None
    """The day from which it counts, where `received_on` lies ahead: what has come is not owed any more."""
    reversed: bool = False
    order: tuple[Part, ...] = PRINCIPAL_FIRST
    """What it settles first, as things stood when it came: interest that was not claimed yet is not settled."""
    counts_as: Money | None = None
    """Of a foreign amount: what it counts for in the invoice's currency, as an operator decided."""
    returned: Money | None = None
    """What of it left the case again, in the invoice's currency: paid back, or set off elsewhere."""

    @property
    def day(self) -> date:
        """The day on which it settles the debt."""
        return date.fromisoformat(self.counts_on or self.received_on)

    def value(self, currency: str) -> Money | None:
        """What it brings the case, in `currency`; None while nobody said what a foreign amount counts for."""
        counted = self.amount if self.amount.currency == currency else self.counts_as
        if counted is None or counted.currency != currency:
            return None
        return counted if self.returned is None else counted - self.returned


class Credit(Value):
    """Something other than money that reduced the debt."""

    id: str
    kind: CreditKind
    amount: Money
    on: str
    payment: str | None = None
    """The payment with which it was let go, and with which it falls."""


class Waiver(Value):
    """Interest and costs that were given up, by whom."""

    id: str
    amount: Money
    on: str
    by: str
    reason: str = ""
    principal_first: bool = False
    """Whether, while it stands, all that was paid counts as principal: the rest alone is given up."""
    principal: Money | None = None
    """What of it is principal, as payments had settled interest and costs before it."""


class InterestClaim(Value):
    """Interest and costs are claimed: since when, booked up to which day, and until when they accrue."""

    since: date
    through: date
    until: date | None = None
    """The last day that bears interest, once the rest was waived."""
    left_out_from: date | None = None
    """The first day that is left out, as no rate is known for it."""


class Dispute(Value):
    """An open dispute; without an amount the whole invoice is contested."""

    id: str
    amount: Money | None
    category: DisputeCategory = "other"
    reason: str
    evidence: tuple[str, ...] = ()
    since: AwareDatetime
    answer_by: date | None = None
    overdue_at: AwareDatetime | None = None
    """The instant at which `answer_by` is over."""
    overdue: bool = False


SettledKind = Literal["dispute", "promise", "plan"]
SettledOutcome = Literal["upheld", "rejected", "kept", "partly_kept", "broken", "ended"]


class Settled(Value):
    """A dispute, promise or plan that is over, and how it ended."""

    kind: SettledKind
    id: str
    outcome: SettledOutcome
    at: AwareDatetime
    amount: Money


class Promise(Value):
    """A promise to pay. `deadline` is its day plus the policy's tolerance, as an instant."""

    made: PromiseMade
    amount: Money
    paid_before: Money
    deadline: AwareDatetime
    pauses: bool = True
    """Whether the ladder waits for it: one promise too many is only noted."""


class Deadline(Value):
    """A hard deadline: nothing pauses it. `day` is the last day, rolled back to a business day."""

    kind: DeadlineKind
    day: date
    legal_day: date
    """The last day as the law or the contract counts it, before it was rolled back."""
    why: str
    source: str
    verified: bool = True
    met: str | None = None
    """What met it: a notice, a task, a step."""
    missed: bool = False
    warned: int | None = None
    """The number of days ahead of the last warning."""
    since: AwareDatetime | None = None
    """From when on it is watched, where that is later than the case: nobody is warned of days that were past."""


class WriteOffProposal(Value):
    """A write-off that waits for a second person."""

    reason: str
    evidence: tuple[str, ...]
    by: str


class Plan(Value):
    """An agreed payment plan with the deadline of each instalment (its day plus tolerance)."""

    agreed: PlanAgreed
    paid_before: Money
    deadlines: tuple[AwareDatetime, ...]

    @property
    def name(self) -> str:
        """The plan's name, the same in the cases of all invoices it covers."""
        return self.agreed.plan or self.agreed.id


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
    about: str | None = None
    """The payment, dispute or deadline it is about."""
    done_at: AwareDatetime | None = None
    outcome: str | None = None


class Rejection(Value):
    """A message that could not be taken, with the reason."""

    message: str
    reason: str
    at: AwareDatetime | None = None


class Restart(Value):
    """Something that moved the limitation date by law: what, when, and what proves it."""

    event: LimitationEvent
    on: date
    proof: str = ""


class Numbered(Value):
    """An applied event with its place in the case's sequence."""

    sequence: int
    event: AnyEvent
