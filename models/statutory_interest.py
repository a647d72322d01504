"""What a late debt costs by the law of a jurisdiction, or by a contract under it: interest, fixed sum, allocation.

Pure functions over tables that are handed in. The segments themselves are made in interest.py.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache

from models.allocation import COSTS_FIRST, Part
from models.base import Value
from models.interest import DatedRate, InterestStatement, LateFee, Receipt, interest_statement
from models.jurisdiction import Compensation, ContractOnly, FixedInterest, Jurisdiction, ReferenceInterest, points_text
from models.money import Money
from models.rates import Figure, NoRate

_DAY = timedelta(days=1)
_NOTHING = LateFee(percent=Decimal(0), per="day")


class Claim(Value):
    """What is claimed for one late debt on a day.

    `principal`, `interest` and `compensation` are what was owed or accrued in all, paid or not; with `paid` and
    `unapplied` they give `total`, what is open: principal + interest + compensation - (paid - unapplied).
    """

    jurisdiction: str | None
    principal: Money
    interest: Money
    compensation: Money
    paid: Money
    total: Money
    statement: InterestStatement
    left_out_from: date | None = None
    """The first day whose interest is left out, as no rate is known for it."""
    unverified: tuple[str, ...] = ()
    """Figures that went into this and were not checked against a source."""
    warnings: tuple[str, ...] = ()
    """What speaks against the contract's rate."""
    notes: tuple[str, ...] = ()


def late_payment_claim(
    principal: Money,
    due: date,
    as_of: date,
    jurisdiction: Jurisdiction | None,
    contract_rate: LateFee | None = None,
    paid: Iterable[Receipt | tuple[date, Money]] = (),
    order: tuple[Part, ...] | None = None,
    until: date | None = None,
    leave_out: bool = False,
) -> Claim:
    """The claim at the end of `as_of`.

    Args:
        principal: The invoice's amount.
        due: The contractual due date.
        as_of: The last day counted.
        jurisdiction: Whose law holds; None only with a rate of the contract.
        contract_rate: The contract's rate, in place of the statute's.
        paid: Days and amounts received, in any order.
        order: What a payment settles first, if agreed otherwise than the law has it.
        until: The last day that bears interest, where the rest was waived.
        leave_out: Leave days without a known rate out, visibly (`left_out_from`), instead of raising NoRate: a
            missing rate must not stop a case.

    Raises:
        NoRate: The law has no rate for a day of the period, or the table does not know it.
    """
    received = [receipt for receipt in (Receipt(*r) for r in paid) if receipt.on <= as_of]
    law = jurisdiction.late_payment if jurisdiction else None
    free = law.free_days if contract_rate is None and isinstance(law, ReferenceInterest | FixedInterest) else 0
    last_free = due + timedelta(days=free)
    nothing = Money.zero(principal.currency)
    opening = principal - sum((r.amount for r in received if r.on <= last_free), nothing)
    late = as_of > last_free and opening.amount > 0
    last = as_of if until is None else max(min(until, as_of), last_free)
    rates, left_out_from = (
        _rates(jurisdiction, contract_rate, last_free + _DAY, last, leave_out) if late else ((), None)
    )
    if last < as_of:
        rates = (*rates, DatedRate(_NOTHING, last + _DAY, as_of, "waived"))
    used: list[Figure] = []
    costs, notes = nothing, []
    rule = jurisdiction.compensation if jurisdiction else None
    if rule and late and (contract_rate is None or rule.with_contract_rate):
        costs, note = fixed_compensation(rule, opening, last_free + _DAY)
        used.append(rule)
        notes += [note] if note else []
    if jurisdiction and received and order is None:
        used.append(jurisdiction.allocation)
        order = jurisdiction.allocation.order
    compound = contract_rate is None and isinstance(law, ReferenceInterest | FixedInterest) and law.compound == "yearly"
    statement = interest_statement(principal, last_free, as_of, rates, received, order or COSTS_FIRST, costs, compound)
    warnings = contract_warnings(jurisdiction, contract_rate, due + _DAY) if jurisdiction and contract_rate else ()
    unverified = [s.source for s in statement.segments if not s.verified]
    unverified += [figure.source for figure in used if not figure.verified]
    if jurisdiction and jurisdiction.notes:
        notes += jurisdiction.notes
    return Claim.assembled(
        jurisdiction=jurisdiction.code if jurisdiction else None, principal=principal, interest=statement.total,
        compensation=costs, paid=sum((r.amount for r in received), nothing), total=statement.owed.total,
        statement=statement, left_out_from=left_out_from, unverified=tuple(dict.fromkeys(unverified)),
        warnings=warnings, notes=tuple(notes),
    )  # fmt: skip


def _rates(
    jurisdiction: Jurisdiction | None, contract_rate: LateFee | None, first: date, last: date, leave_out: bool
) -> tuple[Sequence[DatedRate], date | None]:
    """The rates, and the first day for which none is known if such days are left out."""
    if last < first:
        return (), None
    if contract_rate is not None:
        return (DatedRate(contract_rate, until=last),), None
    try:
        if jurisdiction is None:
            raise NoRate("neither a jurisdiction nor a rate of the contract is given")
        return _remembered(_TheOne(jurisdiction), first, last), None
    except NoRate as missing:
        if not leave_out:
            raise
        known = _known(jurisdiction, first)
        since = known[-1].until + _DAY if known else first
        return [*known, DatedRate(_NOTHING, since, last, str(missing), False)], since


class _TheOne:
    """A jurisdiction as the key of a cache: the very instance, as to compare its content costs more than is saved."""

    __slots__ = ("law",)

    def __init__(self, law: Jurisdiction) -> None:
        self.law = law

    def __hash__(self) -> int:
        return id(self.law)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _TheOne) and other.law is self.law


@lru_cache(maxsize=20_000)
def _remembered(law: _TheOne, first: date, last: date) -> tuple[DatedRate, ...]:
    """The statute's rates; cases are under the same few laws (`models.law.shared`), and asked about again and again."""
    return tuple(statutory_rates(law.law, first, last))


def _known(jurisdiction: Jurisdiction | None, first: date) -> list[DatedRate]:
    """The rates from `first` to the end of the table; none if it does not hold `first`."""
    rule = jurisdiction.late_payment if jurisdiction else None
    end = rule.reference.known_until if isinstance(rule, ReferenceInterest) else None
    if jurisdiction is None or end is None or end < first:
        return []
    try:
        return statutory_rates(jurisdiction, first, end)
    except NoRate:
        return []


def statutory_rates(jurisdiction: Jurisdiction, first: date, last: date) -> list[DatedRate]:
    """The statute's rates for the days from `first`, on which interest starts, to `last`; equal neighbours joined.

    Raises:
        NoRate: The law has no rate of its own, or the table or the rule does not reach over all the days.
    """
    rule = jurisdiction.late_payment
    if isinstance(rule, ContractOnly):
        ways = ", ".join(f"{jurisdiction.code}-{key}" for key in jurisdiction.variants)
        special = f", or name one of its special rules: {ways}" if ways else ""
        raise NoRate(
            f"{jurisdiction.code} ({jurisdiction.name}) has no statutory rate for ordinary debts ({rule.source}): "
            f"give the contract's rate{special}"
        )
    table = rule.reference if isinstance(rule, ReferenceInterest) else rule.table
    margin = rule.margin if isinstance(rule, ReferenceInterest) else None
    known_from = max(rule.valid_from, margin.valid_from if margin else rule.valid_from)
    if first < known_from:
        raise NoRate(f"the rule of {jurisdiction.code} ({rule.source}) is known from {known_from} on, not for {first}")
    rows = table.between(first, last) if rule.fixing == "floating" else [(first, last, table.on(first))]
    found: list[DatedRate] = []
    for start, end, row in rows:
        percent, source = row.percent, f"{rule.source}: {points_text(row.percent)} %"
        if margin is not None:
            percent += margin.points
            source = f"{rule.source}: {table.title} {points_text(row.percent)} % + {points_text(margin.points)} points"
        if isinstance(rule, ReferenceInterest) and rule.round_up_to is not None:
            step = rule.round_up_to
            percent = (percent / step).to_integral_value(ROUND_CEILING) * step
            source += f", rounded up to {points_text(step)}"
        source += f" ({'frozen at the rate ' if rule.fixing == 'frozen' else ''}of {row.valid_from}; {row.source})"
        fee = LateFee(percent=max(percent, Decimal(0)), per=table.per, basis=rule.basis)
        verified = rule.verified and row.verified and (margin is None or margin.verified)
        before = found[-1] if found else None
        if before is not None and before.fee == fee:
            # The same rate goes on: no new segment, and no second rounding.
            both = before.source if before.source == source else f"{before.source}; {source}"
            found[-1] = DatedRate(fee, before.since, end, both, before.verified and verified)
        else:
            found.append(DatedRate(fee, start, end, source, verified))
    return found


def fixed_compensation(rule: Compensation, debt: Money, day: date) -> tuple[Money, str]:
    """The fixed sum for a debt that became late on `day`, in the debt's currency, and a note where there is none.

    A sum in another currency is not converted here; the note says that it is left out.
    """
    nothing = Money.zero(debt.currency)
    if day < rule.valid_from:
        return nothing, f"no fixed compensation: {rule.source} is known from {rule.valid_from} on"
    bounded = next((band for band in rule.bands if band.below is not None), None)
    if bounded is not None and bounded.below is not None and bounded.below.currency != debt.currency:
        return nothing, (
            f"fixed compensation is not included: {rule.source} sets it by the amount of the debt in "
            f"{bounded.below.currency}"
        )
    band = next(band for band in rule.bands if band.below is None or debt < band.below)
    if band.amount.currency != debt.currency:
        return nothing, f"fixed compensation of {band.amount} ({rule.source}) is owed besides; it is not included"
    return band.amount, ""


def contract_warnings(jurisdiction: Jurisdiction, rate: LateFee, day: date) -> tuple[str, ...]:
    """What the law has against the contract's rate for a debt that became late on `day`; empty if nothing."""
    found = []
    for side in ("above", "below"):
        limits = [limit for limit in jurisdiction.contract_limits if limit.side == side]
        there = [li for li in limits if li.valid_from <= day and (li.valid_until is None or day <= li.valid_until)]
        if limits and not there:
            found.append(f"{rate} was not compared with {jurisdiction.code}'s bound: none is known for {day}")
        for limit in there:
            crossed = rate.by_year > limit.rate.by_year if side == "above" else rate.by_year < limit.rate.by_year
            if crossed:
                mark = "" if limit.verified else " (unverified)"
                yearly = f" ({points_text(rate.by_year)} % a year)" if rate.per == "day" else ""
                found.append(f"{rate}{yearly} lies {side} {limit.rate}: {limit.reason} [{limit.source}]{mark}")
    return tuple(found)
