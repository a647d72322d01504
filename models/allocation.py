"""What a payment settles within one debt: costs, interest and principal, in the order the law or the contract sets.

Across several debts of a buyer the remittance advice decides, else the oldest comes first.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal, NamedTuple

from models.base import Value
from models.money import Money

Part = Literal["costs", "interest", "principal"]

COSTS_FIRST: tuple[Part, ...] = ("costs", "interest", "principal")
"""The order of most laws, e.g. BGB § 367, CN Civil Code art. 561."""
PRINCIPAL_FIRST: tuple[Part, ...] = ("principal", "costs", "interest")
"""Agreed otherwise; also what holds where a policy claims no interest."""


class Owed(Value):
    """What is open of one debt."""

    costs: Money
    interest: Money
    principal: Money

    @property
    def total(self) -> Money:
        """Everything together."""
        return self.costs + self.interest + self.principal


class Allocation(Value):
    """How one payment was used. `unapplied` is what nothing was owed for; `left` is what stays open."""

    costs: Money
    interest: Money
    principal: Money
    unapplied: Money
    left: Owed


def allocate(payment: Money, owed: Owed, order: tuple[Part, ...] = COSTS_FIRST) -> Allocation:
    """Use `payment` for the parts of a debt in their order; each is filled before the next gets anything.

    Raises:
        ValueError: The payment is negative, or in another currency than the debt.
    """
    if payment.amount < 0:
        raise ValueError(f"a payment of {payment} cannot be allocated: it must not be negative")
    open_now: dict[str, Money] = {"costs": owed.costs, "interest": owed.interest, "principal": owed.principal}
    used = dict.fromkeys(open_now, Money.zero(owed.principal.currency))
    rest = payment
    for part in order:
        used[part] = min(rest, open_now[part])
        open_now[part] = open_now[part] - used[part]
        rest = rest - used[part]
    # Our own sums of sound values: built without a second validation, as whole portfolios pass through here.
    left = Owed.assembled(costs=open_now["costs"], interest=open_now["interest"], principal=open_now["principal"])
    return Allocation.assembled(
        costs=used["costs"], interest=used["interest"], principal=used["principal"], unapplied=rest, left=left
    )


class OpenItem(NamedTuple):
    """An open invoice of a buyer."""

    number: str
    outstanding: Money


def split(payment: Money, items: Sequence[OpenItem], named: Mapping[str, Money]) -> dict[str, Money]:
    """How one payment is used for several invoices: as the remittance advice says, the rest for the oldest first.

    What is left when all is paid goes to the last share, where it becomes unapplied.

    Args:
        payment: The whole payment.
        items: The open invoices, the oldest first.
        named: What the remittance advice says for which of them.

    Raises:
        ValueError: the advice names an invoice that is not open, or more than the payment.
    """
    nothing = Money.zero(payment.currency)
    unknown = [number for number in named if all(item.number != number for item in items)]
    if unknown:
        raise ValueError(f"invoice {unknown[0]!r} is not open")
    shares = dict(named)
    rest = payment - sum(named.values(), nothing)
    if rest.amount < 0:
        raise ValueError(f"the remittance adds up to {payment - rest}, but {payment} was paid")
    for item in items:
        wanted = max(item.outstanding - shares.get(item.number, nothing), nothing)
        share = min(wanted, rest)
        if share:
            shares[item.number] = shares.get(item.number, nothing) + share
            rest = rest - share
    if rest and (shares or items):
        last = next(reversed(shares)) if shares else items[-1].number
        shares[last] = shares.get(last, nothing) + rest
    return shares


def split_instalments(
    instalments: Sequence[tuple[date, Money]], items: Sequence[OpenItem]
) -> dict[str, list[tuple[date, Money]]]:
    """The part of a payment plan that each invoice has: instalment by instalment, the oldest invoice first.

    Raises:
        ValueError: the instalments do not add up to what is open.
    """
    nothing = Money.zero(items[0].outstanding.currency)
    total = sum((amount for _, amount in instalments), nothing)
    owed = sum((item.outstanding for item in items), nothing)
    if total != owed:
        raise ValueError(f"the instalments add up to {total}, but {owed} is outstanding")
    parts: dict[str, list[tuple[date, Money]]] = {item.number: [] for item in items}
    left = {item.number: item.outstanding for item in items}
    for day, amount in instalments:
        for item in items:
            share = min(amount, left[item.number])
            if share:
                parts[item.number].append((day, share))
                left[item.number] = left[item.number] - share
                amount = amount - share
    return parts
