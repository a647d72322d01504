"""Money: an amount that never leaves its currency. Decimal only, in the currency's minor unit (ISO 4217)."""

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any, Self

import iso4217
from pydantic import ConfigDict, model_validator

from models.base import Value


class UnknownCurrency(ValueError):
    """The code is not a currency of ISO 4217 that money can be owed in."""


@lru_cache(maxsize=256)
def minor_unit(currency: str) -> Decimal:
    """The smallest amount of `currency`, e.g. 0.01 for EUR, 1 for JPY, 0.001 for KWD.

    Raises:
        UnknownCurrency: if ISO 4217 knows no such currency, or gives it no minor unit (gold, test codes).
    """
    try:
        exponent = iso4217.Currency(currency).exponent
    except ValueError:
        exponent = None
    if exponent is None:
        raise UnknownCurrency(f"{currency!r} is not a currency code of ISO 4217 (such as EUR, USD, CNY)")
    return Decimal(1).scaleb(-exponent)


class Money(Value):
    """An amount and its currency. Arithmetic refuses to mix currencies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: Decimal
    currency: str

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, given: Any) -> Any:
        """Accept `"100.00 EUR"`, the form people write."""
        if isinstance(given, str):
            amount, _, currency = given.strip().partition(" ")
            return {"amount": amount, "currency": currency.strip()}
        return given

    @model_validator(mode="after")
    def _in_minor_units(self) -> Self:
        unit = minor_unit(self.currency)
        if not self.amount.is_finite():
            raise ValueError(f"{self.amount} is not an amount of money")
        if self.amount.adjusted() > 13:
            raise ValueError("the amount is larger than any invoice: at most 14 digits before the point")
        exact = self.amount.quantize(unit)
        if exact != self.amount:
            raise ValueError(f"{self.amount} has more decimals than {self.currency} has (smallest unit {unit})")
        object.__setattr__(self, "amount", exact)
        return self

    @classmethod
    def of(cls, amount: Decimal, currency: str) -> "Money":
        """`amount` rounded half-up to the minor unit: the constructor for results of arithmetic."""
        return cls.assembled(amount=amount.quantize(minor_unit(currency), rounding=ROUND_HALF_UP), currency=currency)

    @classmethod
    def zero(cls, currency: str) -> "Money":
        """Nothing, in `currency`."""
        return _zero(currency)

    @classmethod
    def from_minor(cls, units: int, currency: str) -> "Money":
        """From the integer of minor units that the ledger stores."""
        return cls.of(units * minor_unit(currency), currency)

    @property
    def minor(self) -> int:
        """The amount as an integer of minor units, the form the ledger stores."""
        return int(self.amount / minor_unit(self.currency))

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"cannot mix {self.currency} and {other.currency}: convert the amount first")

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money.assembled(amount=self.amount + other.amount, currency=self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money.assembled(amount=self.amount - other.amount, currency=self.currency)

    def __lt__(self, other: "Money") -> bool:
        self._same(other)
        return self.amount < other.amount

    def __le__(self, other: "Money") -> bool:
        self._same(other)
        return self.amount <= other.amount

    def __bool__(self) -> bool:
        return self.amount != 0

    def __str__(self) -> str:
        return f"{self.amount:,} {self.currency}"


@lru_cache(maxsize=256)
def _zero(currency: str) -> Money:
    return Money.of(Decimal(0), currency)
