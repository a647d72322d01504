"""Everything that can happen to a case: the messages it is told, and what it records by itself.

Events are what the ledger stores and what a case is folded from. Fields are only ever added.
"""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from models.base import Value
from models.calendar import PinnedCalendar
from models.clock import CaseClock
from models.durations import Day
from models.insurance import DutyKind, InsuranceTerms
from models.invoice import Invoice
from models.law import PinnedLaw
from models.messages import *  # noqa: F403  a message is an event, too: this module has all of them
from models.messages import AnyMessage, Event, Text
from models.money import Money
from models.policy import PinnedPolicy, Policy, StepKind
from models.triggers import StepId

Outcome = Literal["paid", "short_settled", "withdrawn", "claim_settled", "written_off", "limitation_expired"]
DeadlineKind = DutyKind | Literal["guarantee_end", "limitation"]
Stage = Literal["not_due", "reminded", "demanded", "lawyer", "referred", "claimed", "recovery", "closed"]


class PriorNotice(Value):
    """A notice that went out before the case was opened here, imported with it."""

    step: StepId
    performed_on: Day


class Skip(Value):
    """A step (one occurrence) that will not be performed, and why."""

    step: StepId
    occurrence: int = 1
    reason: str


class CaseOpened(Event):
    """The first event: what was pursued, by which rules, on which clock, and where the ladder was entered."""

    type: Literal["case_opened"] = "case_opened"
    invoice: Invoice
    policy: PinnedPolicy
    clock: CaseClock
    prior_notices: tuple[PriorNotice, ...] = ()
    law: PinnedLaw | None = None
    insurance: InsuranceTerms | None = None
    rules_version: int = 1
    calendar: PinnedCalendar | None = Field(default=None, exclude_if=lambda value: value is None)


class StepPerformed(Event):
    """A step was carried out. `notice` names what was sent, `task` what was handed to a person."""

    type: Literal["step_performed"] = "step_performed"
    step: StepId
    kind: StepKind
    occurrence: int = 1
    planned_at: AwareDatetime
    performed_at: AwareDatetime
    notice: str | None = None
    sha256: str | None = None
    """The digest of what was sent, so that the chain vouches for its bytes."""
    task: str | None = None
    note: Text = ""


class StepSkipped(Event):
    """A step fell away: its condition did not hold, or what it requires fell away."""

    type: Literal["step_skipped"] = "step_skipped"
    step: StepId
    occurrence: int = 1
    reason: Text


class StepDeferred(Event):
    """A step could not be carried out now (a server down, a rule of contact) and is tried again at `until`."""

    type: Literal["step_deferred"] = "step_deferred"
    step: StepId
    occurrence: int = 1
    until: AwareDatetime
    reason: Text


class StepRefused(Event):
    """A step must not be carried out as things are: an operator has to mend something (a task says what)."""

    type: Literal["step_refused"] = "step_refused"
    step: StepId
    occurrence: int = 1
    reason: Text


class StepProposed(Event):
    """A step is due and waits for a second person's approval."""

    type: Literal["step_proposed"] = "step_proposed"
    step: StepId
    occurrence: int = 1
    planned_at: AwareDatetime


class LawUpdated(Event):
    """The tables of the case's law were continued (a new half-year's rate); what was known before stays."""

    type: Literal["law_updated"] = "law_updated"
    law: PinnedLaw


class ShortSettled(Event):
    """So little is left (bank charges, a few cents) that the policy lets the case go; booked as a shortfall."""

    type: Literal["short_settled"] = "short_settled"
    amount: Money


class RestWaived(Event):
    """As much as the invoice was for is paid; the policy waives the interest and costs that remain."""

    type: Literal["rest_waived"] = "rest_waived"
    amount: Money


class DisputeUnanswered(Event):
    """The day passed by which a dispute was to be answered."""

    type: Literal["dispute_unanswered"] = "dispute_unanswered"


class DeadlineNear(Event):
    """A hard deadline comes near."""

    type: Literal["deadline_near"] = "deadline_near"
    deadline: DeadlineKind
    day: date
    days_left: int


class DeadlineMissed(Event):
    """A hard deadline passed without what it asks for."""

    type: Literal["deadline_missed"] = "deadline_missed"
    deadline: DeadlineKind
    day: date


class PromiseBroken(Event):
    """The promised day and its tolerance passed without the money, or with a part of it only."""

    type: Literal["promise_broken"] = "promise_broken"


class PlanBroken(Event):
    """An instalment and its tolerance passed without the money."""

    type: Literal["plan_broken"] = "plan_broken"
    instalment: date


class PartnerTold(Event):
    """The case of another invoice of the same payment plan was told that the plan is broken."""

    type: Literal["partner_told"] = "partner_told"
    case: str


class ExtensionEnded(Event):
    """The day up to which more time was granted is over."""

    type: Literal["extension_ended"] = "extension_ended"


class MessageRejected(Event):
    """A message that could not be taken: kept with the reason, never dropped.

    `reference` is the update id of one that the ledger holds, so that it is not offered to the case again.
    """

    type: Literal["message_rejected"] = "message_rejected"
    message: str
    reference: str = ""
    reason: Text
    content: Text = ""


class CaseClosed(Event):
    """The end of the case."""

    type: Literal["case_closed"] = "case_closed"
    outcome: Outcome


AnyEvent = Annotated[
    CaseOpened | StepPerformed | StepSkipped | StepDeferred | StepRefused | StepProposed | LawUpdated | ShortSettled
    | RestWaived | DisputeUnanswered | DeadlineNear | DeadlineMissed | PromiseBroken | PlanBroken | PartnerTold
    | ExtensionEnded
    | MessageRejected | CaseClosed | AnyMessage,
    Field(discriminator="type"),
]  # fmt: skip

_EVENT: TypeAdapter[Any] = TypeAdapter(AnyEvent)


def read_event(content: str | bytes) -> Any:
    """An event from its stored JSON."""
    return _EVENT.validate_json(content)


class StoredOpening(Value):
    """The opening of a case as the evidence chain holds it: without the invoice and with it without personal data.

    The fingerprint ties it to the invoice, which lies in a row of its own and can be erased.
    """

    type: Literal["case_opened"] = "case_opened"
    v: int = 1
    at: AwareDatetime
    by: str = ""
    source: str = ""
    invoice_fingerprint: str
    policy_digest: str
    clock: CaseClock
    prior_notices: tuple[PriorNotice, ...] = ()
    law: PinnedLaw | None = None
    insurance: InsuranceTerms | None = None
    rules_version: int = 1
    calendar: PinnedCalendar | None = None

    def restore(self, invoice: Invoice, policy: Policy) -> CaseOpened:
        """The opening again, with the invoice and the policy it speaks of."""
        return CaseOpened(
            at=self.at, by=self.by, source=self.source, invoice=invoice, policy=policy, clock=self.clock,
            prior_notices=self.prior_notices, law=self.law, insurance=self.insurance,
            rules_version=self.rules_version, calendar=self.calendar,
        )  # fmt: skip


def stored_form(event: Event) -> str:
    """The bytes of an event that the ledger keeps and the chain is made over."""
    if isinstance(event, CaseOpened):
        opening = StoredOpening(
            at=event.at or event.clock.business, by=event.by, source=event.source, clock=event.clock,
            invoice_fingerprint=event.invoice.fingerprint, policy_digest=event.policy.digest,
            prior_notices=event.prior_notices, law=event.law, insurance=event.insurance,
            rules_version=event.rules_version, calendar=event.calendar,
        )  # fmt: skip
        return opening.model_dump_json(exclude_none=True)
    return event.model_dump_json(exclude_none=True)
