"""What a case is told: one model per message, and the one table from which both doors of the workflow are made.

A new message is one model here, its place in the table, and one branch of `apply`. Fields are only ever added. What a
case records by itself is in events.py.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field, field_validator

from models import ids
from models.base import Value
from models.durations import Day
from models.money import Money
from models.policy import PinnedPolicy, StepId

Text = Annotated[str, Field(max_length=2000)]
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
        return ids.digest(self.model_dump_json(exclude={"at", "by", "source", "v"}))[:16]


class PaymentReceived(Message):
    """Money came in. `received_on` governs interest and allocation, arrival governs the ladder."""

    MONEY = True
    type: Literal["payment_received"] = "payment_received"
    amount: Money
    received_on: Day
    payer: Text = ""

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


class CreditNoteIssued(Message):
    """The creditor reduced the invoice: credit note, set-off, goods in lieu (R32)."""

    MONEY = True
    type: Literal["credit_note_issued"] = "credit_note_issued"
    amount: Money
    issued_on: Day | None = None
    reason: Text = ""

    _positive = field_validator("amount")(PaymentReceived._positive.__func__)  # type: ignore[attr-defined]


class DisputeRaised(Message):
    """The debtor contests the invoice, or the part of it that `amount` gives."""

    type: Literal["dispute_raised"] = "dispute_raised"
    amount: Money | None = None
    reason: Text = ""


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


class Instalment(Value):
    """One part of a payment plan."""

    due: Day
    amount: Money


class PlanAgreed(Message):
    """Payment by instalments was agreed (R31, R78): the ladder waits while they come."""

    type: Literal["plan_agreed"] = "plan_agreed"
    instalments: tuple[Instalment, ...] = Field(min_length=1, max_length=120)
    note: Text = ""


class ExtensionGranted(Message):
    """More time was granted (R87): the ladder waits until the day. The contractual due date stays."""

    type: Literal["extension_granted"] = "extension_granted"
    until: Day
    note: Text = ""


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
    """Book write-off: the ladder stops. It is not a waiver; the case stays in recovery until paid."""

    type: Literal["written_off"] = "written_off"
    reason: Text = ""


class PolicyChanged(Message):
    """The case moves to another policy or version, explicitly."""

    type: Literal["policy_changed"] = "policy_changed"
    policy: PinnedPolicy
    reason: Text = ""


MESSAGES: dict[str, type[Message]] = {
    model.model_fields["type"].default: model
    for model in (
        PaymentReceived, PaymentReversed, CreditNoteIssued, DisputeRaised, DisputeResolved, PromiseMade, PlanAgreed,
        ExtensionGranted, HoldPlaced, HoldReleased, DebtorReplied, ContactLost, DebtorInsolvent, StepApproved,
        StepRejected, TaskCompleted, AgencyReported, InsurerDecided, Withdrawn, WrittenOff, PolicyChanged,
    )
}  # fmt: skip
"""The one table of messages: name to model."""

AnyMessage = Annotated[
    PaymentReceived | PaymentReversed | CreditNoteIssued | DisputeRaised | DisputeResolved | PromiseMade
    | PlanAgreed | ExtensionGranted | HoldPlaced | HoldReleased | DebtorReplied | ContactLost | DebtorInsolvent
    | StepApproved | StepRejected | TaskCompleted | AgencyReported | InsurerDecided | Withdrawn | WrittenOff
    | PolicyChanged,
    Field(discriminator="type"),
]  # fmt: skip
