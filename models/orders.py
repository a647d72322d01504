"""What the workflow orders from the activities, and what they report back: the typed border between the two."""

from datetime import date, datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime, Field

from models.allocation import Owed
from models.base import Value
from models.calendar import PinnedCalendar
from models.case import Case
from models.clock import CaseClock
from models.contact_rules import ContactRules
from models.events import AnyMessage, CaseOpened, DeadlineKind, Outcome, Stage
from models.law import PinnedLaw
from models.money import Money
from models.policy import DUNNING, Step
from models.records import Credit, DoneStep, InterestClaim, Numbered, Payment, Waiver


class CaseStart(Value):
    """The input of a case's workflow: a new case, or one carried over (continue-as-new, reopening)."""

    opened: CaseOpened | None = None
    told: tuple[AnyMessage, ...] = ()
    """Messages that the ledger held before the case began, such as a payment that came early."""
    stored: int = 0
    """Up to which sequence the ledger holds the case's events already."""
    carried: Case | None = None


class OpenTask(Value):
    """A task as lists show it."""

    id: str
    kind: str
    text: str
    opened_at: AwareDatetime


class Head(Value):
    """A case in one line: what lists, searches and answers show."""

    case_id: str
    sequence: int
    stage: Stage
    outcome: Outcome | None
    outstanding: Money
    on_hold: bool
    closed: bool
    next_step: str | None = None
    next_at: AwareDatetime | None = None
    deadline: DeadlineKind | None = None
    """The hard deadline that comes first, and its last day."""
    deadline_day: date | None = None
    tasks: tuple[OpenTask, ...] = ()


class ContactTerms(Value):
    """What whoever speaks to the debtor has to keep to: the rules, and the part of the case's calendar that is near."""

    rules: ContactRules
    calendar: PinnedCalendar | None = None


class StepOrder(Value):
    """One step to carry out. `at` is the business instant of the decision; `known` is the money the case has seen."""

    case_id: str
    policy_id: str
    policy_digest: str
    step: Step
    occurrence: int
    planned_at: AwareDatetime
    at: AwareDatetime
    clock: CaseClock
    law: PinnedLaw | None = None
    owed: Owed
    outstanding: Money
    disputed: Money
    credited: Money
    dispute_reason: str | None = None
    payments: tuple[Payment, ...] = ()
    credits: tuple[Credit, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    claim: InterestClaim | None = None
    claims_interest: bool = False
    """Whether this step claims interest and costs: they are part of what it demands."""
    performed: tuple[DoneStep, ...] = ()
    known: tuple[str, ...] = ()
    approved_by: str | None = None
    contact: ContactTerms | None = Field(default=None, exclude_if=lambda value: value is None)
    journal: tuple[Numbered, ...] = ()
    head: Head

    @property
    def pursued(self) -> Money:
        """The undisputed part of what is outstanding, as booked."""
        return self.outstanding - self.disputed

    @property
    def insured(self) -> Money:
        """The undisputed principal: an insurer covers neither interest nor what is contested."""
        return self.owed.principal - min(self.disputed, self.owed.principal)


class StepReport(Value):
    """What became of a step.

    `unsettled`: the ledger holds messages the case has not seen (`told`); nothing was sent, decide again. With
    `performed`, `told` is what came to light on the way: a contact that is lost.
    `stored`: the sequence up to which the ledger now holds the case's events.
    """

    status: Literal["performed", "skipped", "deferred", "refused", "unsettled"]
    performed_at: AwareDatetime | None = None
    notice: str | None = None
    sha256: str | None = None
    task: str | None = None
    note: str = ""
    until: AwareDatetime | None = None
    told: tuple[AnyMessage, ...] = ()
    law: PinnedLaw | None = None
    """The law of the case, where its tables reach further than those the case knows."""
    stored: int = 0


class RecordOrder(Value):
    """Write to the ledger: a message that did not come through it, or what the case has in its journal."""

    case_id: str
    message: AnyMessage | None = None
    late: bool = False
    """The message is money that came in the moment of the close: the ledger keeps it as unapplied cash."""
    journal: tuple[Numbered, ...] = ()
    head: Head


class RecordReport(Value):
    """Up to which sequence the ledger holds the case's events, and why a message could not be recorded."""

    stored: int = 0
    conflict: str | None = None


class Answer(Value):
    """What a case answers to a message."""

    accepted: bool = True
    duplicate: bool = False
    text: str = ""
    head: Head
    events: tuple[Numbered, ...] = ()


NEAR = timedelta(days=120)
"""How much of a calendar an order carries: longer than any contact can be put off."""


def contact_terms(case: Case, step: Step, at: datetime) -> ContactTerms | None:
    """The terms under which a step speaks to the debtor; None if it does not, or if the policy has no such rules."""
    rules = case.policy.contact
    if rules is None or step.kind not in DUNNING:
        return None
    near = case.calendar.between(at.date() - timedelta(days=2), at.date() + NEAR) if case.calendar else None
    return ContactTerms.model_construct(rules=rules, calendar=near)


def head_of(case: Case, next_step: str | None = None, next_at: datetime | None = None) -> Head:
    """The head of a case."""
    first = None if case.closed else next((d for d in case.deadlines if d.met is None and not d.missed), None)
    return Head(
        case_id=case.id, sequence=case.sequence, stage=case.stage, outcome=case.outcome,
        outstanding=case.outstanding, on_hold=case.on_hold, closed=case.closed, next_step=next_step, next_at=next_at,
        deadline=first.kind if first else None, deadline_day=first.day if first else None,
        tasks=tuple(
            OpenTask(id=t.id, kind=t.kind, text=t.text, opened_at=t.opened_at) for t in case.tasks if t.done_at is None
        ),
    )  # fmt: skip
