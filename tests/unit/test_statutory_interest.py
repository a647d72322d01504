"""The claim for one late debt: the published vectors to the cent, part payments, caps, and what holds for all."""

import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.jurisdiction_files import load_jurisdiction
from models.allocation import PRINCIPAL_FIRST, Part
from models.interest import DatedRate, LateFee, interest_statement
from models.jurisdiction import Jurisdiction
from models.money import Money
from models.rates import NoRate
from models.statutory_interest import Claim, contract_warnings, late_payment_claim

LAW = {code: load_jurisdiction(code) for code in ("CN", "CN-SME", "DE", "EU", "FR", "NL", "PL", "UK")}
DE_DUE = date(2025, 5, 31)


def money(text: str) -> Money:
    return Money.model_validate(text)


def day(text: str) -> date:
    return date.fromisoformat(text)


def claim(
    law: Jurisdiction | None,
    debt: str,
    due: str,
    as_of: str,
    rate: str | None = None,
    paid: tuple[tuple[str, str], ...] = (),
    order: tuple[Part, ...] | None = None,
) -> Claim:
    fee = LateFee.model_validate(rate) if rate else None
    received = [(day(on), money(amount)) for on, amount in paid]
    return late_payment_claim(money(debt), day(due), day(as_of), law, fee, received, order)


# --- vectors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "debt", "due", "as_of", "interest", "fixed"),
    [
        ("UK", "2400 GBP", "2026-08-31", "2026-10-08", "29.36 GBP", "70 GBP"),
        ("UK", "12000 GBP", "2025-09-01", "2026-10-08", "1619.01 GBP", "100 GBP"),
        ("DE", "10000 EUR", "2025-05-31", "2025-08-31", "267.08 EUR", "40 EUR"),
        ("CN-SME", "100000 CNY", "2026-01-01", "2026-02-15", "2250.00 CNY", "0 CNY"),
    ],
)
def test_the_vectors_come_out_to_the_cent(
    code: str, debt: str, due: str, as_of: str, interest: str, fixed: str
) -> None:
    found = claim(LAW[code], debt, due, as_of)

    assert (found.interest, found.compensation) == (money(interest), money(fixed))
    assert found.total == money(debt) + money(interest) + money(fixed)


def test_a_part_payment_settles_costs_interest_and_principal_and_cuts_the_segment() -> None:
    found = claim(LAW["DE"], "10000 EUR", "2025-05-31", "2025-09-30", paid=(("2025-08-31", "5000 EUR"),))

    used = found.statement.applied[0].allocation
    assert (used.costs, used.interest, used.principal) == (money("40 EUR"), money("267.08 EUR"), money("4692.92 EUR"))
    # 5,307.08 x 10.27 % x 30 / 365 = 44.7977
    assert [(s.days, s.balance, s.rate, s.amount) for s in found.statement.segments] == [
        (30, money("10000 EUR"), "11.27%/year act/365", money("92.63 EUR")),
        (62, money("10000 EUR"), "10.27%/year act/365", money("174.45 EUR")),
        (30, money("5307.08 EUR"), "10.27%/year act/365", money("44.80 EUR")),
    ]
    assert (found.interest, found.paid, found.total) == (money("311.88 EUR"), money("5000 EUR"), money("5351.88 EUR"))
    assert found.statement.owed.interest == money("44.80 EUR")


def test_principal_first_leaves_interest_and_costs_open() -> None:
    paid = (("2025-08-31", "5000 EUR"),)
    found = claim(LAW["DE"], "10000 EUR", "2025-05-31", "2025-08-31", paid=paid, order=PRINCIPAL_FIRST)

    owed = found.statement.owed
    assert (owed.costs, owed.interest, owed.principal) == (money("40 EUR"), money("267.08 EUR"), money("5000 EUR"))


# --- what the law says about a segment ------------------------------------------------------------------------


def test_a_segment_names_its_source_and_an_unchecked_rate_says_so() -> None:
    first, second = claim(LAW["DE"], "10000 EUR", "2025-05-31", "2025-08-31").statement.segments

    assert first.source.startswith("BGB § 288 (2): German base rate 2.27 % + 9 points (of 2025-01-01; ")
    assert (first.verified, second.verified) == (False, True)


def test_unverified_figures_are_listed() -> None:
    paid = (("2026-09-30", "100 GBP"),)

    assert claim(LAW["UK"], "2400 GBP", "2026-08-31", "2026-10-08").unverified == ()
    assert claim(LAW["UK"], "2400 GBP", "2026-08-31", "2026-10-08", paid=paid).unverified == (
        "common law, where the debtor designates nothing",
    )


def test_a_debt_before_the_rule_has_no_rate() -> None:
    with pytest.raises(NoRate, match=r"the rule of DE \(.*\) is known from 2014-07-29 on, not for 2014-07-28"):
        claim(LAW["DE"], "100 EUR", "2014-07-27", "2015-01-31")


def test_on_the_due_date_nothing_is_late() -> None:
    found = claim(LAW["UK"], "2400 GBP", "2026-08-31", "2026-08-31")

    assert (found.interest, found.compensation, found.total) == (money("0 GBP"), money("0 GBP"), money("2400 GBP"))


def test_what_was_paid_in_time_sets_the_band_of_the_fixed_sum() -> None:
    found = claim(LAW["UK"], "1500 GBP", "2026-08-31", "2026-09-30", paid=(("2026-08-31", "500.01 GBP"),))

    assert found.compensation == money("40 GBP")


def test_a_debt_that_was_paid_in_time_costs_nothing() -> None:
    found = claim(LAW["UK"], "1500 GBP", "2026-08-31", "2026-09-30", paid=(("2026-08-30", "1600 GBP"),))

    assert (found.interest, found.compensation, found.total) == (money("0 GBP"), money("0 GBP"), money("0 GBP"))
    assert found.statement.unapplied == money("100 GBP")


def test_an_overpayment_is_kept_apart() -> None:
    found = claim(LAW["UK"], "2400 GBP", "2026-08-31", "2026-12-31", paid=(("2026-10-08", "2500 GBP"),))

    # 2,400 + 29.36 + 70 = 2,499.36 were owed that day
    assert (found.total, found.statement.unapplied) == (money("0 GBP"), money("0.64 GBP"))


def test_a_fixed_sum_in_another_currency_is_a_note_and_no_figure() -> None:
    poland = claim(LAW["PL"], "10000 PLN", "2026-01-15", "2026-02-14")
    britain = claim(LAW["UK"], "2400 EUR", "2026-08-31", "2026-10-08")

    assert poland.compensation == money("0 PLN")
    assert poland.notes[0].startswith("fixed compensation of 70.00 EUR (act of 8 March 2013")
    assert "sets it by the amount of the debt in GBP" in britain.notes[0]


# --- the contract's rate --------------------------------------------------------------------------------------


def test_the_contract_overrides_the_statute() -> None:
    # 12,000 x 12 % x 402 / 365 = 1,585.9726
    britain = claim(LAW["UK"], "12000 GBP", "2025-09-01", "2026-10-08", "12%/year")
    germany = claim(LAW["DE"], "10000 EUR", "2026-07-01", "2026-07-11", "0.05%/day")

    assert (britain.interest, britain.compensation) == (money("1585.97 GBP"), money("0 GBP"))
    assert (germany.interest, germany.compensation) == (money("50 EUR"), money("40 EUR"))
    assert britain.statement.segments[0].source == "contract"


def test_without_a_jurisdiction_the_contract_alone_counts() -> None:
    found = claim(None, "1000 EUR", "2026-01-31", "2026-02-10", "1%/day", paid=(("2026-02-05", "150 EUR"),))

    # 5 d on 1,000 = 50; 150 pays these 50 and 100 of the principal; 5 d on 900 = 45
    assert (found.interest, found.total) == (money("95 EUR"), money("945 EUR"))


@pytest.mark.parametrize(
    ("code", "rate", "on", "said"),
    [
        ("CN", "0.05%/day", "2026-01-02", None),
        ("CN", "0.1%/day", "2026-01-02", r"36.5 % a year\) lies above 0.05%/day: .* 1.3 times the creditor's loss"),
        ("CN", "19%/year", "2026-01-02", "lies above 0.05%/day"),
        ("FR", "8.28%/year", "2025-07-02", None),
        ("FR", "8%/year", "2025-07-02", "lies below 8.28%/year act/365: .* three times the legal rate"),
        ("FR", "8%/year", "2026-01-02", None),
        ("FR", "8%/year", "2026-07-02", "was not compared with FR's bound: none is known for 2026-07-02"),
        ("DE", "0.1%/day", "2026-01-02", None),
    ],
)
def test_the_contract_rate_is_compared_with_the_law(code: str, rate: str, on: str, said: str | None) -> None:
    found = contract_warnings(LAW[code], LateFee.model_validate(rate), day(on))

    assert len(found) == (1 if said else 0)
    if said:
        assert re.search(said, found[0])


# --- what holds for all ---------------------------------------------------------------------------------------

CENTS = st.integers(min_value=1, max_value=10**9).map(lambda n: Money.from_minor(n, "EUR"))
DAYS = st.integers(min_value=0, max_value=394)
LAWS = st.sampled_from([LAW["DE"], LAW["EU"], LAW["NL"], LAW["FR"]])


@given(LAWS, CENTS, DAYS, DAYS)
def test_more_time_never_costs_less(law: Jurisdiction, debt: Money, one: int, other: int) -> None:
    totals = [
        late_payment_claim(debt, DE_DUE, DE_DUE + timedelta(days=n), law).total for n in sorted((one, other))
    ]  # fmt: skip

    assert totals[0] <= totals[1]


@given(LAWS, st.permutations([(5, 100), (5, 250), (40, 300), (-2, 50), (40, 1), (366, 9)]))
def test_the_order_of_payments_does_not_matter(law: Jurisdiction, order: list[tuple[int, int]]) -> None:
    def with_payments(payments: list[tuple[int, int]]) -> Claim:
        paid = [(DE_DUE + timedelta(days=n), Money.from_minor(units * 100, "EUR")) for n, units in payments]
        return late_payment_claim(money("1000 EUR"), DE_DUE, DE_DUE + timedelta(days=390), law, paid=paid)

    assert with_payments(order) == with_payments(sorted(order))


@given(CENTS, DAYS, DAYS)
def test_splitting_a_period_changes_nothing_beyond_rounding(debt: Money, first: int, second: int) -> None:
    fee = LateFee.model_validate("9.3%/year")
    middle, end = DE_DUE + timedelta(days=first), DE_DUE + timedelta(days=first + second)
    whole = interest_statement(debt, DE_DUE, end, [DatedRate(fee)])
    rates = [DatedRate(fee, until=middle), DatedRate(fee, since=middle + timedelta(days=1))]
    split = interest_statement(debt, DE_DUE, end, rates)

    assert abs(whole.total.amount - split.total.amount) <= Decimal("0.01")
    assert [s.days for s in split.segments] == [n for n in (first, second) if n]


@given(LAWS, CENTS, st.lists(st.tuples(DAYS, CENTS), max_size=6), DAYS)
def test_the_books_balance(law: Jurisdiction, debt: Money, paid: list[tuple[int, Money]], days: int) -> None:
    received = [(DE_DUE + timedelta(days=n), amount) for n, amount in paid]
    found = late_payment_claim(debt, DE_DUE, DE_DUE + timedelta(days=days), law, paid=received)

    assert found.total == found.principal + found.interest + found.compensation - found.paid + found.statement.unapplied
    assert min(found.total, found.statement.unapplied).amount == 0
    segments = found.statement.segments
    assert all(a.end < b.start for a, b in zip(segments, segments[1:], strict=False))
    assert sum(s.days for s in segments) <= days
