"""Late-fee interest agreed in the contract (R60): simple, by the day or the year, with part payments."""

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, model_validator

from models.base import Value
from models.money import Money

_RATE = re.compile(
    r"\s*(?P<rate>\d+(?:\.\d+)?)\s*%\s*/?\s*(?:per\s+)?(?P<per>day|year|d|y|a)"
    r"\s*(?:\(?act(?:ual)?/(?P<basis>360|365)\)?)?\s*"
)


class LateFee(Value):
    """A contractual late fee, e.g. `0.05%/day`, `12%/year` or `12%/year act/360`."""

    percent: Decimal = Field(ge=0, le=1000)
    per: Literal["day", "year"]
    basis: Literal[360, 365] = 365

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        match = _RATE.fullmatch(given)
        if not match:
            raise ValueError("write a late fee as 0.05%/day, 12%/year or 12%/year act/360")
        per = "day" if match["per"].startswith("d") else "year"
        return {"percent": match["rate"], "per": per, "basis": int(match["basis"] or 365)}

    def __str__(self) -> str:
        basis = f" act/{self.basis}" if self.per == "year" else ""
        return f"{self.percent.normalize():f}%/{self.per}{basis}"

    def on(self, balance: Money, days: int) -> Money:
        """Simple interest on `balance` for `days` calendar days, rounded half-up once."""
        divisor = Decimal(100) if self.per == "day" else Decimal(100) * self.basis
        return Money.of(balance.amount * self.percent * days / divisor, balance.currency)


class Segment(Value):
    """A stretch of days with one balance and one rate. `start` is the first day that bears interest, `end` the last."""

    start: date
    end: date
    days: int
    balance: Money
    rate: str
    amount: Money


class InterestStatement(Value):
    """What accrued, segment by segment; `total` is the sum of the rounded segments."""

    segments: tuple[Segment, ...]
    total: Money


def contract_interest(
    principal: Money, due: date, as_of: date, fee: LateFee, paid: Iterable[tuple[date, Money]] = ()
) -> InterestStatement:
    """Interest from the day after `due` up to and including `as_of`.

    A payment stops the interest on its part from the day after it was received: on the day itself the money is
    still counted as owed, as the creditor had it only in the course of that day.

    Args:
        principal: What was owed on the due date.
        due: The contractual due date; it bears no interest itself.
        as_of: The last day counted.
        fee: The contract's rate.
        paid: Days and amounts that reduced the principal, in any order; those up to `due` count from the start.
    """
    reductions: dict[date, Money] = {}
    for day, amount in paid:
        at = max(day, due)
        reductions[at] = reductions.get(at, Money.zero(principal.currency)) + amount
    segments = []
    balance = principal - reductions.pop(due, Money.zero(principal.currency))
    since = due
    for day in [*sorted(d for d in reductions if d < as_of), as_of]:
        days = (day - since).days
        if days > 0 and balance.amount > 0:
            segments.append(
                Segment(
                    start=date.fromordinal(since.toordinal() + 1), end=day, days=days, balance=balance,
                    rate=str(fee), amount=fee.on(balance, days),
                )
            )  # fmt: skip
        since = day
        if day in reductions:
            balance = balance - reductions[day]
    total = sum((s.amount for s in segments), Money.zero(principal.currency))
    return InterestStatement(segments=tuple(segments), total=total)
