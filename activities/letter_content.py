"""What a letter is about, as plain values: the seam between whoever has something to say and how it is said.

The sentences are in `templates/`; the parts they are set into, in letter_document.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from activities.figures import Figures
from models.interest import LateFee
from models.jurisdiction import LetterRule
from models.messages import Instalment
from models.money import Money
from models.parties import Buyer, Creditor, Party

__all__ = [
    "KINDS", "Instalment", "InvoiceLine", "Letter", "LetterContent", "LetterKind", "Received", "kind_of",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class LetterKind:
    """What sets one kind of letter apart from the others."""

    name: str
    demand: bool = False
    """Whether it sets a final date, names the law firm, and states or reserves the interest (R25)."""
    overdue: bool = True
    """Whether it is about what is overdue: with days overdue, late fee, a way to dispute."""
    late_fee: bool = True
    payment: bool = True
    third_party: bool = False
    """Whether it names the third party that the debt goes to."""
    instalments: bool = False
    receipts: bool = False


_REMINDER = LetterKind("reminder")
KINDS: dict[str, LetterKind] = {
    kind.name: kind
    for kind in (
        LetterKind("reminder_before_due", overdue=False, late_fee=False),
        _REMINDER,
        LetterKind("reminder_firm"),
        LetterKind("formal_demand", demand=True),
        LetterKind("lawyer_letter", demand=True),
        LetterKind("final_notice", demand=True, third_party=True),
        LetterKind("referral_notice", payment=False, third_party=True),
        LetterKind("plan_confirmation", overdue=False, late_fee=False, instalments=True),
        LetterKind("statement_of_account", overdue=False, receipts=True),
        LetterKind("correction", overdue=False, late_fee=False, receipts=True),
    )
}
"""The letters there are."""


def kind_of(name: str, otherwise: str = "reminder") -> LetterKind:
    """The kind of a letter; one that a creditor named itself has the rules of `otherwise`."""
    return KINDS.get(name) or KINDS.get(otherwise, _REMINDER)


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One invoice of a letter, with its figures on the letter's day."""

    number: str
    due: date
    figures: Figures
    issued: date | None = None
    contract: str | None = None
    order: str | None = None
    late_fee: LateFee | None = None
    """The contract's rate; None if there is none, or the interest is the law's."""


@dataclass(frozen=True, slots=True)
class Received:
    """A payment that came in."""

    on: date
    amount: Money
    reference: str = ""


@dataclass(frozen=True, slots=True)
class LetterContent:
    """Everything a letter says, apart from its words. All money is of one currency.

    `today` is the letter's day where the debtor is. `sent` are earlier letters about these invoices: their kind (that
    of the step) and day, in the order of time.
    """

    creditor: Creditor
    buyer: Buyer
    invoices: tuple[InvoiceLine, ...]
    today: date
    deadline: date | None = None
    """The final date for payment; the kinds that set one need it."""
    sent: tuple[tuple[str, date], ...] = ()
    instalments: tuple[Instalment, ...] = ()
    received: tuple[Received, ...] = ()
    third_party: Party | None = None
    """To whom the debt goes, or went; without it the creditor's agency."""
    reference: str = ""
    """What the debtor quotes with a payment; without it the invoice number, of several the customer number."""
    also_open: tuple[InvoiceLine, ...] = ()
    """What else the buyer has open: told, not demanded."""
    contested: tuple[InvoiceLine, ...] = ()
    """Other invoices of the buyer of which something is disputed."""
    rules: Sequence[LetterRule] = ()
    """What the debtor's jurisdiction asks of letters."""
    addressee: Literal["company", "individual"] = "company"

    @property
    def many(self) -> bool:
        """Whether it is about several invoices."""
        return len(self.invoices) > 1

    @property
    def demanded(self) -> Money:
        """What is asked for in all."""
        return self.total("demanded")

    @property
    def claimed(self) -> bool:
        """Whether interest and costs are part of what is asked for."""
        return any(line.figures.claims_interest for line in self.invoices)

    def total(self, field: str) -> Money:
        """The sum of one figure over the invoices; what an invoice has not counts as nothing."""
        nothing = Money.zero(self.invoices[0].figures.demanded.currency)
        values = (getattr(line.figures, field) for line in self.invoices)
        return sum((value for value in values if value is not None), nothing)


@dataclass(frozen=True, slots=True)
class Letter:
    """A finished letter. `template` says which one it is, `note` what is worth recording about it.

    Text, HTML and PDF say the same in the same words. A mail to a counterpart has text alone.
    """

    template: str
    language: str
    subject: str
    text: str
    html: str | None
    note: str = ""
    pdf: bytes | None = None
    file_name: str = ""
    """The PDF's."""
