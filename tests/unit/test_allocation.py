"""What a payment settles first within one debt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.allocation import COSTS_FIRST, PRINCIPAL_FIRST, Owed, Part, allocate
from models.money import Money


def eur(text: str) -> Money:
    return Money.model_validate(f"{text} EUR")


GERMAN = Owed(costs=eur("40"), interest=eur("267.08"), principal=eur("10000"))


def test_costs_then_interest_then_principal() -> None:
    used = allocate(eur("5000"), GERMAN)

    assert (used.costs, used.interest, used.principal) == (eur("40"), eur("267.08"), eur("4692.92"))
    assert used.left == Owed(costs=eur("0"), interest=eur("0"), principal=eur("5307.08"))
    assert used.unapplied == eur("0")


def test_principal_first_if_agreed() -> None:
    used = allocate(eur("10100"), GERMAN, PRINCIPAL_FIRST)

    assert (used.principal, used.costs, used.interest) == (eur("10000"), eur("40"), eur("60"))
    assert used.left.total == eur("207.08")


def test_what_nothing_is_owed_for_stays_unapplied() -> None:
    used = allocate(eur("11000"), GERMAN)

    assert used.unapplied == eur("692.92")
    assert used.left.total == eur("0")


def test_a_payment_in_another_currency_or_below_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot mix"):
        allocate(Money.model_validate("1 USD"), GERMAN)
    with pytest.raises(ValueError, match="must not be negative"):
        allocate(eur("-1"), GERMAN)


CENTS = st.integers(min_value=0, max_value=10**8).map(lambda n: Money.from_minor(n, "EUR"))


@given(CENTS, CENTS, CENTS, CENTS, CENTS, st.sampled_from([COSTS_FIRST, PRINCIPAL_FIRST]))
def test_nothing_is_lost_and_one_payment_does_what_two_do(
    costs: Money, interest: Money, principal: Money, first: Money, second: Money, order: tuple[Part, ...]
) -> None:
    owed = Owed(costs=costs, interest=interest, principal=principal)
    once = allocate(first + second, owed, order)
    before = allocate(first, owed, order)
    then = allocate(second, before.left, order)

    assert once.costs + once.interest + once.principal + once.unapplied == first + second
    assert once.left.total + once.costs + once.interest + once.principal == owed.total
    assert (then.left, before.unapplied + then.unapplied) == (once.left, once.unapplied)
