"""What a payment can be matched with: invoices as the ledger knows them, and what their buyers are known by.

How they are found is in register.py; how an entry is matched is in matching.py.
"""

from datetime import date
from decimal import Decimal
from typing import Self

from pydantic import Field, model_validator

from models import ids
from models.base import Value
from models.durations import Day
from models.money import Money


class CashDiscount(Value):
    """What may be taken off for paying early, such as 2 % until a day."""

    percent: Decimal = Field(gt=0, lt=100)
    until: Day


class OpenInvoice(Value):
    """One invoice as it stands: `outstanding` of `amount` is still to be paid.

    Settled ones (`outstanding` zero) belong into the register too: only with them a second payment is seen as one.
    """

    creditor: ids.CreditorCode
    number: ids.InvoiceNumber
    buyer: str = Field(min_length=1, max_length=100, description="the buyer's id, unique per creditor")
    buyer_name: str = Field(default="", max_length=300)
    amount: Money
    outstanding: Money
    due: Day
    issued: Day | None = None
    ibans: tuple[str, ...] = Field(default=(), description="accounts the buyer is known to pay from")
    references: tuple[str, ...] = Field(
        default=(), description="structured references printed on it: RF, QR, OGM, KID …"
    )
    discounts: tuple[CashDiscount, ...] = ()
    settled_on: date | None = Field(default=None, description="if settled: when the last payment came")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.amount.currency != self.outstanding.currency:
            raise ValueError(f"invoice {self.number}: outstanding must be in {self.amount.currency}, as the invoice is")
        if self.outstanding.amount < 0:
            raise ValueError(f"invoice {self.number}: outstanding is {self.outstanding}; it cannot be less than zero")
        return self

    @property
    def case_id(self) -> str:
        """The id of the case that pursues it."""
        return ids.case_id(self.creditor, self.number)
