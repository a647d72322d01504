"""What a payment settles within one debt: costs, interest and principal, in the order the law or the contract sets.

Across several debts remittance advice and the oldest due date decide; that is not here.
"""

from typing import Literal

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
