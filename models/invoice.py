"""The invoice, as pursued: its money, its dates, its buyer, and the securities that stand behind it."""

from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from models import ids
from models.base import Value
from models.durations import Day
from models.insurance import InsuranceTerms
from models.interest import LateFee
from models.money import Money
from models.parties import Buyer, JurisdictionCode

MAX_NOTES = 2000
"""Characters."""


class InsuranceCover(Value):
    """What the trade-credit insurance covers for this buyer (domain: typical 60-95 %, R30, R58)."""

    insurer: str | None = None
    insured_percentage: Decimal = Field(default=Decimal(90), ge=0, le=100)
    credit_limit: Money | None = None
    deductible: Money | None = None
    threshold: Money | None = None
    terms: InsuranceTerms | None = Field(default=None, description="the duties; if none, those of the creditor's file")


class Guarantee(Value):
    """A guarantee or other security (R9)."""

    text: str = Field(min_length=1, max_length=500)
    expires: Day | None = None


class Invoice(Value):
    """One invoice. Identity is (creditor, number); numbers are text."""

    creditor: ids.CreditorCode
    number: ids.InvoiceNumber
    buyer: Buyer
    amount: Money
    issued: Day | None = None
    due: Day
    terms: str | None = Field(default=None, max_length=500)
    late_fee: LateFee | None = None
    contract: str | None = Field(default=None, max_length=200)
    order: str | None = Field(default=None, max_length=200)
    payment_reference: str | None = Field(default=None, max_length=200, description="what the debtor is to quote")
    ibans: tuple[str, ...] | None = Field(default=None, max_length=20, description="accounts the invoice names")
    document: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the original, which is archived"
    )
    cover: InsuranceCover | None = None
    agency: str | None = Field(default=None, max_length=200)
    guarantee: Guarantee | None = None
    jurisdiction: JurisdictionCode | None = None
    allocation: Literal["principal_first"] | None = Field(default=None, description="if the contract says so")
    notes: str | None = Field(default=None, max_length=MAX_NOTES)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.amount.amount <= 0:
            raise ValueError("the amount must be more than zero")
        if self.issued and self.due < self.issued:
            raise ValueError(f"due {self.due} lies before issued {self.issued}")
        if self.cover:
            for money in (self.cover.credit_limit, self.cover.deductible, self.cover.threshold):
                if money and money.currency != self.amount.currency:
                    raise ValueError("cover amounts must be in the invoice's currency")
        return self

    @property
    def case_id(self) -> str:
        """The id of the case that pursues this invoice."""
        return ids.case_id(self.creditor, self.number)

    @property
    def fingerprint(self) -> str:
        """Digest of the content: the same number with another fingerprint is a conflict.

        Fields that are not given leave no trace in it, so that it outlives new ones; nor does the original's hash, as
        the same invoice may be written in more than one way.
        """
        return ids.digest(self.model_dump_json(exclude_none=True, exclude={"document"}))
