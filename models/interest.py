"""Interest on a late debt, segment by segment: simple or compounded by the year, with dated rates and part payments.

Which rate the law sets, and when, is in statutory_interest.py; here rates are given, by statute or by contract (R60).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from pydantic import Field, model_validator

from models.allocation import PRINCIPAL_FIRST, Allocation, Owed, Part, allocate
from models.base import Value
from models.money import Money
from models.rates import NoRate

_RATE = re.compile(
    r"\s*(?P<rate>\d+(?:\.\d+)?)\s*%\s*/?\s*(?:per\s+)?(?P<per>day|year|d|y|a)"
    r"\s*(?:\(?act(?:ual)?/(?P<basis>360|365)\)?)?\s*"
)


class LateFee(Value):
    """A rate of interest, e.g. `0.05%/day`, `12%/year` or `12%/year act/360`."""

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

    @property
    def by_year(self) -> Decimal:
        """The percentage for 365 days, by which rates of either kind are compared."""
        return self.percent * 365 if self.per == "day" else self.percent * 365 / self.basis

    def on(self, balance: Money, days: int) -> Money:
        """Simple interest on `balance` for `days` calendar days, rounded half-up once."""
        divisor = Decimal(100) if self.per == "day" else Decimal(100) * self.basis
        return Money.of(balance.amount * self.percent * days / divisor, balance.currency)


@dataclass(frozen=True, slots=True)
class DatedRate:
    """A rate, the first and last day on which it holds, and where it comes from."""

    fee: LateFee
    since: date = date.min
    until: date = date.max
    source: str = "contract"
    verified: bool = True


class Segment(Value):
    """A stretch of days with one balance and one rate. `start` is the first day that bears interest, `end` the last."""

    start: date
    end: date
    days: int
    balance: Money
    fee: LateFee
    amount: Money
    source: str = ""
    verified: bool = True

    @property
    def rate(self) -> str:
        """The rate in words, such as 9.27%/year act/365; `none` where nothing accrues (waived, or no rate known)."""
        return str(self.fee) if self.fee.percent else "none"


class Receipt(NamedTuple):
    """Money received on a day; `order` is what it settles first, where that is not the order of the whole debt."""

    on: date
    amount: Money
    order: tuple[Part, ...] | None = None


class Applied(Value):
    """What was received on one day (for one order of settlement), and what it settled."""

    on: date
    order: tuple[Part, ...]
    allocation: Allocation


class InterestStatement(Value):
    """What accrued, segment by segment; `total` is the sum of the rounded segments, paid or not.

    `owed` is what is open at the end of the last day; `unapplied` is what was paid beyond the debt.
    """

    segments: tuple[Segment, ...]
    total: Money
    applied: tuple[Applied, ...]
    owed: Owed
    unapplied: Money


def contract_interest(
    principal: Money, due: date, as_of: date, fee: LateFee, paid: Iterable[Receipt | tuple[date, Money]] = ()
) -> InterestStatement:
    """Simple interest at the contract's one rate; payments reduce the principal first.

    Arguments are those of `interest_statement`.
    """
    return interest_statement(principal, due, as_of, (DatedRate(fee),), paid)


def interest_statement(
    principal: Money,
    due: date,
    as_of: date,
    rates: Sequence[DatedRate],
    paid: Iterable[Receipt | tuple[date, Money]] = (),
    order: tuple[Part, ...] = PRINCIPAL_FIRST,
    costs: Money | None = None,
    yearly_compound: bool = False,
) -> InterestStatement:
    """Interest from the day after `due` up to and including `as_of`: the one function that makes segments.

    A part payment, a change of the rate and (if compounding) each anniversary end a segment, which is rounded once,
    half-up, in the currency's minor unit. A payment stops the interest on its part from the day after it was
    received: on the day itself the money is still counted as owed, as the creditor had it only in the course of it.
    What comes in on one day is one payment, as far as it settles the same things first.

    Args:
        principal: What was owed on the due date.
        due: The last day that bears no interest; as a rule the contractual due date.
        as_of: The last day counted; payments after it are left out.
        rates: What holds when, in the order of time.
        paid: What was received, in any order; up to `due` it reduces the principal before that bears interest.
        order: What a payment after `due` settles first.
        costs: Fixed compensation and the like, owed from the day after `due`.
        yearly_compound: Whether the interest of each full year is added to what bears interest.

    Raises:
        NoRate: No rate is given for a day on which something is owed.
    """
    nothing = Money.zero(principal.currency)
    received: dict[date, dict[tuple[Part, ...], Money]] = {}
    for day, amount, its_order in (Receipt(*receipt) for receipt in paid):
        if day <= as_of:
            on_day = received.setdefault(max(day, due), {})
            key = its_order or order
            on_day[key] = on_day.get(key, nothing) + amount
    early = sum(received.pop(due, {}).values(), nothing)
    late = as_of > due and early < principal
    walk = _Walk(max(principal - early, nothing), costs if costs is not None and late else nothing, rates)
    walk.unapplied = max(early - principal, nothing)
    anniversaries = _anniversaries(due, as_of) if yearly_compound else set()
    ends = {*received, *anniversaries, *(rate.until for rate in rates if due < rate.until < as_of)}
    since = due
    for day in sorted({*ends, as_of} if late else ends):
        walk.accrue(since, day)
        for its_order, amount in sorted(received.get(day, {}).items()):
            walk.receive(day, amount, its_order)
        if day in anniversaries:
            walk.capitalised = walk.owed.interest
        since = day
    total = sum((s.amount for s in walk.segments), nothing)
    return InterestStatement.assembled(
        segments=tuple(walk.segments), total=total, applied=tuple(walk.applied), owed=walk.owed,
        unapplied=walk.unapplied,
    )  # fmt: skip


class _Walk:
    """The state of a debt on its way through the days."""

    def __init__(self, principal: Money, costs: Money, rates: Sequence[DatedRate]) -> None:
        self.nothing = self.unapplied = self.capitalised = Money.zero(principal.currency)
        self.owed = Owed.assembled(costs=costs, interest=self.nothing, principal=principal)
        self.rates = rates
        self.segments: list[Segment] = []
        self.applied: list[Applied] = []

    def accrue(self, since: date, end: date) -> None:
        """Interest for the days after `since` up to `end`, through which balance and rate are the same."""
        # Interest that was added to what bears interest stays interest, and may be paid meanwhile.
        balance = self.owed.principal + self.capitalised
        days = (end - since).days
        if days <= 0 or balance.amount <= 0:
            return
        start = since + timedelta(days=1)
        rate = next((rate for rate in self.rates if rate.since <= start and end <= rate.until), None)
        if rate is None:
            raise NoRate(f"no rate is known for the days from {start} to {end}")
        amount = rate.fee.on(balance, days)
        # Built from sound values, without a second validation: portfolios have hundreds of thousands of these.
        self.segments.append(
            Segment.assembled(
                start=start, end=end, days=days, balance=balance, fee=rate.fee, amount=amount,
                source=rate.source, verified=rate.verified,
            )
        )  # fmt: skip
        self.owed = self.owed.but(interest=self.owed.interest + amount)

    def receive(self, day: date, amount: Money, order: tuple[Part, ...]) -> None:
        """A payment at the end of `day`."""
        allocation = allocate(amount, self.owed, order)
        self.capitalised = max(self.capitalised - allocation.interest, self.nothing)
        self.applied.append(Applied.assembled(on=day, order=order, allocation=allocation))
        self.unapplied = self.unapplied + allocation.unapplied
        self.owed = allocation.left


def _anniversaries(due: date, as_of: date) -> set[date]:
    """The last day of each full year of interest."""
    return {day for n in range(1, as_of.year - due.year + 1) if (day := years_later(due, n)) <= as_of}


def years_later(day: date, years: int) -> date:
    """The same day so many years later; the 29th of February becomes the 28th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
