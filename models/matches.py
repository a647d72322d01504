"""What comes of matching an entry: matches, a shortfall that is accepted, candidates for the worklist; and the rules.

How it comes about is in matching.py.
"""

from decimal import Decimal
from typing import Literal

from pydantic import Field

from models import ids
from models.base import Value
from models.money import Money

Status = Literal["matched", "proposed", "unmatched"]
"""May be applied as it is; a person has to agree; nothing worth proposing."""
Shortfall = Literal["cash_discount", "bank_charges"]


class Rules(Value):
    """What a creditor lets pass without a person."""

    charges: dict[str, Decimal] = Field(
        default={
            "EUR": Decimal(30), "USD": Decimal(35), "GBP": Decimal(25), "CHF": Decimal(30), "JPY": Decimal(4000),
            "CNY": Decimal(200), "PLN": Decimal(100), "SEK": Decimal(300),
        },
        description="per currency, the most that banks on the way may have kept; others: nothing",
    )  # fmt: skip
    charges_percent: Decimal = Field(
        default=Decimal(5), ge=0, le=100, description="and at most this share of what was due"
    )
    discount_grace_days: int = Field(
        default=3, ge=0, le=30, description="days a cash discount may come late (bank transit)"
    )
    chance: float = Field(default=0.0003, ge=0, le=1, description="the most accidental hits an amount alone may have")
    again_days: int = Field(
        default=25, ge=0, description="the same amount within these days after payment is a second one"
    )


DEFAULT_RULES = Rules()


class Match(Value):
    """An invoice that gets money of the entry. What of it stays open without being owed is the shortfall."""

    creditor: str
    number: str
    amount: Money
    score: int = Field(ge=0, le=100)
    reason: str
    shortfall: Money | None = None
    shortfall_reason: Shortfall | None = None

    @property
    def case_id(self) -> str:
        """The case that pursues the invoice."""
        return ids.case_id(self.creditor, self.number)

    @property
    def settles(self) -> Money:
        """What is no longer outstanding: the amount, and a shortfall that is accepted."""
        return self.amount + self.shortfall if self.shortfall else self.amount


class Candidate(Value):
    """An invoice for the worklist: what speaks for it, and how much."""

    creditor: str
    number: str
    outstanding: Money
    score: int = Field(ge=0, le=100)
    reason: str

    @property
    def case_id(self) -> str:
        """The case that pursues the invoice."""
        return ids.case_id(self.creditor, self.number)


class Matching(Value):
    """What becomes of an entry. The matches of a proposed one are what a person is asked to agree to."""

    status: Status
    matches: tuple[Match, ...] = ()
    unapplied: Money
    """What no match uses; of an unmatched entry everything."""
    reason: str
    score: int = Field(default=0, ge=0, le=100)
    candidates: tuple[Candidate, ...] = ()
    creditor: str | None = None
    buyer: str | None = None
    """Whose unapplied cash the rest is, as far as one can tell."""
    buyer_name: str = ""
