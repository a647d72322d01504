"""Late-fee interest from the contract (R60): simple, by the day or the year, cut by part payments."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.interest import LateFee, contract_interest
from models.money import Money

DUE = date(2026, 1, 31)


def fee(text: str) -> LateFee:
    return LateFee.model_validate(text)


def money(text: str) -> Money:
    return Money.model_validate(text)


@pytest.mark.parametrize(
    ("principal", "rate", "days", "interest"),
    [
        ("100000 CNY", "0.05%/day", 45, "2250.00 CNY"),  # 100,000 x 0.0005 x 45
        ("2400 GBP", "11.75%/year", 38, "29.36 GBP"),  # 2,400 x 0.1175 x 38 / 365 = 29.358...
        ("12000 GBP", "12.25%/year", 402, "1619.01 GBP"),  # 12,000 x 0.1225 x 402 / 365 = 1,619.013...
        ("36000 USD", "10%/year act/360", 90, "900.00 USD"),  # 36,000 x 0.10 x 90 / 360
        ("100000 JPY", "3%/year", 100, "822 JPY"),  # 821.9..., yen have no minor unit
    ],
)
def test_interest_is_simple_and_rounded_half_up(principal: str, rate: str, days: int, interest: str) -> None:
    statement = contract_interest(money(principal), DUE, DUE + timedelta(days=days), fee(rate))
    assert statement.total == money(interest)
    assert [s.days for s in statement.segments] == [days]


def test_the_due_date_itself_bears_no_interest() -> None:
    assert contract_interest(money("1000 EUR"), DUE, DUE, fee("1%/day")).total == money("0 EUR")
    assert contract_interest(money("1000 EUR"), DUE, DUE - timedelta(days=9), fee("1%/day")).segments == ()
    assert contract_interest(money("1000 EUR"), DUE, DUE + timedelta(days=1), fee("1%/day")).total == money("10 EUR")


def test_a_part_payment_cuts_the_period_into_segments() -> None:
    paid = [(date(2026, 2, 10), money("400 EUR"))]
    statement = contract_interest(money("1000 EUR"), DUE, date(2026, 2, 20), fee("1%/day"), paid)
    assert [(s.start, s.end, s.days, s.balance, s.amount) for s in statement.segments] == [
        (date(2026, 2, 1), date(2026, 2, 10), 10, money("1000 EUR"), money("100 EUR")),
        (date(2026, 2, 11), date(2026, 2, 20), 10, money("600 EUR"), money("60 EUR")),
    ]


def test_what_was_paid_by_the_due_date_never_bears_interest() -> None:
    paid = [(DUE - timedelta(days=3), money("400 EUR")), (DUE, money("100 EUR"))]
    assert contract_interest(money("1000 EUR"), DUE, DUE + timedelta(days=10), fee("1%/day"), paid).total == money(
        "50 EUR"
    )


@pytest.mark.parametrize("text", ["5%", "0.05/day", "five%/day", "-1%/day", "5%/month", ""])
def test_a_rate_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        fee(text)


def test_a_rate_prints_as_it_is_written() -> None:
    assert [str(fee(t)) for t in ("0.05%/day", "12%/year act/360")] == ["0.05%/day", "12%/year act/360"]


CENTS = st.integers(min_value=1, max_value=10**9).map(lambda n: Money.from_minor(n, "EUR"))
DAYS = st.integers(min_value=0, max_value=900)


@given(CENTS, DAYS, DAYS)
def test_more_time_never_costs_less(principal: Money, one: int, other: int) -> None:
    less, more = sorted((one, other))
    rate = fee("9.3%/year")
    at = [contract_interest(principal, DUE, DUE + timedelta(days=d), rate).total for d in (less, more)]
    assert at[0] <= at[1]


@given(st.permutations([(5, 100), (5, 250), (40, 300), (-2, 50)]))
def test_the_order_of_payments_does_not_matter(order: list[tuple[int, int]]) -> None:
    paid = [(DUE + timedelta(days=d), Money.from_minor(n * 100, "EUR")) for d, n in order]
    as_of = DUE + timedelta(days=90)
    expected = contract_interest(money("1000 EUR"), DUE, as_of, fee("0.1%/day"), sorted(paid, key=lambda p: p[0]))
    assert contract_interest(money("1000 EUR"), DUE, as_of, fee("0.1%/day"), paid) == expected


@given(CENTS, st.integers(min_value=1, max_value=400), st.integers(min_value=1, max_value=400))
def test_splitting_a_period_changes_nothing_beyond_rounding(principal: Money, first: int, second: int) -> None:
    rate = fee("12%/year")
    whole = rate.on(principal, first + second)
    parts = rate.on(principal, first) + rate.on(principal, second)
    assert abs(whole.amount - parts.amount) <= Decimal("0.01")
