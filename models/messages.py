"""What a case is told: one model per message, and the one table from which both doors of the workflow are made.

A new message is one model here, its place in the table, and one branch of `apply`. Fields are only ever added. What a
case records by itself is in events.py.
"""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import AwareDatetime, Field, field_validator, model_validator

from models import ids
from models.allocation import Part
from models.base import Value
from models.calendar import PinnedCalendar
from models.durations import Day
from models.money import Money
from models.policy import PinnedPolicy
from models.triggers import StepId

Text = Annotated[str, Field(max_length=2000)]
Approver = Annotated[str, Field(max_length=200)]
"""A second person, who approves what `by` enters although it lets a hard deadline pass."""
CreditKind = Literal["credit_note", "set_off", "goods_in_lieu", "cash_discount", "bank_charges"]
WITH_PAYMENT: tuple[CreditKind, ...] = ("cash_discount", "bank_charges")
"""What is let go because a payment came, in time or less a charge."""
DisputeCategory = Literal[
    "quality", "quantity", "price", "delivery", "not_received", "not_ordered", "duplicate", "already_paid",
    "contract", "other",
]  # fmt: skip
"""Why an invoice is contested; the text says the rest."""
Reference = Annotated[str, Field(min_length=1, max_length=200)]


class Event(Value):
    """The envelope. `at` is the business instant from which the event counts; the case sets it on arrival."""

    type: str
    v: int = 1
    id: str = ""
    at: AwareDatetime | None = None
    by: Annotated[str, Field(max_length=200)] = ""
    source: Annotated[str, Field(max_length=200)] = ""


class Message(Event):
    """A message from outside. Its `id` is the sender's reference; the second arrival of one changes nothing."""

    id: Reference

    MONEY: ClassVar[bool] = False
    """Whether it moves money: then the ledger has it before it counts."""

    @field_validator("id")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if any(ord(c) < 32 or ord(c) == 127 for c in value):
            raise ValueError("a reference may not contain control characters")
        return value

    @property
    def update_id(self) -> str:
        """`<message>:<reference>`."""
        return ids.message_id(self.type, self.id)

    @property
    def fingerprint(self) -> str:
        """Digest of what the message says, without when and by whom it was delivered."""
        # Without defaults: a field that is added later must not make an old message another one.
        return ids.digest(self.model_dump_json(exclude={"at", "by", "source", "v"}, exclude_defaults=True))[:16]


class PaymentReceived(Message):
    """Money came in. `received_on` governs interest and allocation, arrival governs the ladder."""

    MONEY = True
    type: Literal["payment_received"] = "payment_received"
    amount: Money
    received_on: Day
    payer: Text = ""
    designation: Part | None = None
    """What the debtor says it is to settle first; honoured where the law of the case lets the debtor say so."""

    @field_validator("amount")
    @classmethod
    def _positive(cls, amount: Money) -> Money:
        if amount.amount <= 0:
            raise ValueError("a payment is more than zero; use payment_reversed to take one back")
        return amount


class PaymentReversed(Message):
    """A payment was taken back (chargeback, returned direct debit, booked in error)."""

    MONEY = True
    type: Literal["payment_reversed"] = "payment_reversed"
    payment: Reference
    reason: Text = ""


class PaymentAllocated(Message):
    """An operator decides on a payment: what it settles first, or what a foreign amount counts for."""

    type: Literal["payment_allocated"] = "payment_allocated"
    payment: Reference
    first: Part | None = None
    counts_as: Money | None = None
    """The amount in the invoice's currency, by the rate of the day it was received."""
    note: Text = ""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.first is None and self.counts_as is None:
            raise ValueError("say what the payment settles first, or what it counts for in the invoice's currency")
        if self.counts_as is not None and self.counts_as.amount <= 0:
            raise ValueError("a payment counts for more than zero")
        return self


class Refunded(Message):
    """Unapplied money left the case: paid back, or set off against another invoice (`to`)."""

    MONEY = True
    type: Literal["refunded"] = "refunded"
    payment: Reference
    amount: Money
    on: Day | None = None
    to: Text = ""
    note: Text = ""

    _positive = field_validator("amount")(PaymentReceived._positive.__func__)  # type: ignore[attr-defined]


class CreditNoteIssued(Message):
    """The creditor reduced the invoice: credit note, set-off, goods in lieu (R32).

    A credit note corrects the invoice from the beginning; the others settle principal on the day they were agreed.
    """

    MONEY = True
    type: Literal["credit_note_issued"] = "credit_note_issued"
    kind: CreditKind = "credit_note"
    amount: Money
    issued_on: Day | None = None
    payment: Reference | None = None
    """The payment that a discount or a charge goes with: where that is taken back, so is this."""
    reason: Text = ""

    _positive = field_validator("amount")(PaymentReceived._positive.__func__)  # type: ignore[attr-defined]

    @model_validator(mode="after")
    def _goes_with(self) -> Self:
        if self.payment is not None and self.kind not in WITH_PAYMENT:
            raise ValueError(f"a {self.kind} goes with no payment: only {' and '.join(WITH_PAYMENT)} do")
        return self


class InterestWaived(Message):
    """The creditor gives up claimed interest and costs: an amount of them, or all and what would still accrue."""

    type: Literal["interest_waived"] = "interest_waived"
    amount: Money | None = None
    reason: Text = ""


class DisputeRaised(Message):
    """The debtor contests the invoice, or the part of it that `amount` gives (R32, R71)."""

    type: Literal["dispute_raised"] = "dispute_raised"
    amount: Money | None = None
    category: DisputeCategory = "other"
    reason: Text = ""
    evidence: tuple[Text, ...] = Field(default=(), max_length=50)
    """What the debtor put forward: documents, photographs, references."""
    answer_by: Day | None = None
    """Until when we have to answer; the policy's period if not given."""


class DisputeResolved(Message):
    """The dispute is over. Upheld with an `amount`: the invoice shrinks by it; rejected: the ladder goes on."""

    type: Literal["dispute_resolved"] = "dispute_resolved"
    upheld: bool = False
    amount: Money | None = None
    note: Text = ""


class PromiseMade(Message):
    """The debtor promised to pay (all, unless `amount`) by a date."""

    type: Literal["promise_made"] = "promise_made"
    amount: Money | None = None
    pay_by: Day
    note: Text = ""
    approved_by: Approver = ""


class Instalment(Value):
    """One part of a payment plan."""

    due: Day
    amount: Money


class PlanAgreed(Message):
    """Payment by instalments was agreed (R31, R78): the ladder waits while they come.

    A plan over several invoices of a buyer has one name in all their cases (`plan`, `with_cases`); each has its part of
    the instalments, and where one is missed, the plan ends in all of them.
    """

    type: Literal["plan_agreed"] = "plan_agreed"
    instalments: tuple[Instalment, ...] = Field(min_length=1, max_length=120)
    plan: Text = ""
    with_cases: tuple[Text, ...] = Field(default=(), max_length=200)
    note: Text = ""
    approved_by: Approver = ""


class PlanEnded(Message):
    """A payment plan came to its end before its time: an instalment for another invoice was missed, or we ended it."""

    type: Literal["plan_ended"] = "plan_ended"
    plan: Text = ""
    reason: Text = ""


class ExtensionGranted(Message):
    """More time was granted (R87): the ladder waits until the day. The contractual due date stays."""

    type: Literal["extension_granted"] = "extension_granted"
    until: Day
    note: Text = ""
    approved_by: Approver = ""


class HoldPlaced(Message):
    """An operator stopped the ladder."""

    type: Literal["hold_placed"] = "hold_placed"
    reason: Text = ""


class HoldReleased(Message):
    """An operator let the ladder go on. `hold` names the hold's reference; without it all are released."""

    type: Literal["hold_released"] = "hold_released"
    hold: Reference | None = None
    note: Text = ""


class DebtorReplied(Message):
    """The debtor answered (R7)."""

    type: Literal["debtor_replied"] = "debtor_replied"
    channel: Text = ""
    text: Text = ""


class ContactLost(Message):
    """The contact cannot be reached any more (R23)."""

    type: Literal["contact_lost"] = "contact_lost"
    notice: Text = ""
    """The notice that came back, if one did: it demanded nothing."""
    note: Text = ""


class DebtorInsolvent(Message):
    """Insolvency proceedings were opened against the debtor."""

    type: Literal["debtor_insolvent"] = "debtor_insolvent"
    opened_on: Day | None = None
    note: Text = ""


class StepApproved(Message):
    """A second person approved a proposed step."""

    type: Literal["step_approved"] = "step_approved"
    step: StepId
    occurrence: int | None = None
    note: Text = ""


class StepRejected(Message):
    """A second person rejected a proposed step; the ladder goes on without it."""

    type: Literal["step_rejected"] = "step_rejected"
    step: StepId
    occurrence: int | None = None
    reason: Text = ""


class TaskCompleted(Message):
    """A person finished a task of the case. `outcome` decides what becomes of a refused step."""

    type: Literal["task_completed"] = "task_completed"
    task: Reference
    outcome: Literal["done", "retry", "drop"] = "done"
    note: Text = ""


class AgencyReported(Message):
    """The agency or law firm reported on the debt handed to it (closing it returns the mandate)."""

    type: Literal["agency_reported"] = "agency_reported"
    status: Literal["active", "paused", "closed"] = "active"
    code: Text = ""
    note: Text = ""


class InsurerDecided(Message):
    """The insurer decided on the claim."""

    type: Literal["insurer_decided"] = "insurer_decided"
    accepted: bool
    amount: Money | None = None
    note: Text = ""


class Withdrawn(Message):
    """The creditor gives the claim up in this engine: the case closes."""

    type: Literal["withdrawn"] = "withdrawn"
    reason: Text = ""


class WrittenOff(Message):
    """A book write-off is proposed; once a second person approves (`write_off`) the ladder stops.

    It is not a waiver: the case stays in recovery until it is paid or the claim is barred.
    """

    type: Literal["written_off"] = "written_off"
    reason: Text = ""
    evidence: tuple[Text, ...] = Field(default=(), max_length=50)


class PolicyChanged(Message):
    """The case moves to another policy or version, explicitly."""

    type: Literal["policy_changed"] = "policy_changed"
    policy: PinnedPolicy
    calendar: PinnedCalendar | None = Field(default=None, exclude_if=lambda value: value is None)
    """The calendar that the new policy's rules of contact need."""
    reason: Text = ""


MESSAGES: dict[str, type[Message]] = {
    model.model_fields["type"].default: model
    for model in (
        PaymentReceived, PaymentReversed, PaymentAllocated, Refunded, CreditNoteIssued, InterestWaived, DisputeRaised,
        DisputeResolved, PromiseMade, PlanAgreed, PlanEnded, ExtensionGranted, HoldPlaced, HoldReleased, DebtorReplied,
        ContactLost, DebtorInsolvent, StepApproved, StepRejected, TaskCompleted, AgencyReported, InsurerDecided,
        Withdrawn, WrittenOff, PolicyChanged,
    )
}  # fmt: skip
"""The one table of messages: name to model."""

AnyMessage = Annotated[
    PaymentReceived | PaymentReversed | PaymentAllocated | Refunded | CreditNoteIssued | InterestWaived | DisputeRaised
    | DisputeResolved | PromiseMade | PlanAgreed | PlanEnded | ExtensionGranted | HoldPlaced | HoldReleased
    | DebtorReplied | ContactLost | DebtorInsolvent | StepApproved | StepRejected | TaskCompleted | AgencyReported
    | InsurerDecided | Withdrawn | WrittenOff | PolicyChanged,
    Field(discriminator="type"),
]  # fmt: skip
