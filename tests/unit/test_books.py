"""The books of a case: payments, overpayment, refunds, foreign money, tolerance, credits, reversals.

Interest and costs that are claimed are in test_claimed_interest.py.
"""

from typing import Any

import pytest

from models import events as e
from models.case import Closed, Refused
from models.money import Money
from tests.cases import Walk, after_due, day, euros, on, policy, step

QUIET = policy(step("late", after_due(300)))
"""Nothing is sent for three hundred days."""
LENIENT = policy(step("late", after_due(300)), tolerance=["2.50 EUR", "300 JPY"])


def paid(amount: int | str, received: int = 0, **body: Any) -> dict[str, Any]:
    amount = amount if isinstance(amount, str) and " " in amount else f"{amount} EUR"
    return {"amount": amount, "received_on": on(received), **body}


def unapplied(walk: Walk) -> list[str]:
    return [f"{p.id}: {p.amount}" for p in walk.case.unapplied]


# --- too much, and what becomes of it ---------------------------------------------------------------------------


def test_what_was_paid_too_much_is_the_last_that_came_and_can_be_paid_back() -> None:
    # 1,000.00 owed; 700 + 450 = 1,150 came: the last 150.00 are too much.
    walk = Walk(QUIET).tell(day(1), e.PaymentReceived, **paid(700, 1, id="A"))
    walk.tell(day(2), e.PaymentReceived, **paid(450, 2, id="B"))
    assert unapplied(walk) == ["B: 150.00 EUR"]
    (task,) = (t for t in walk.case.tasks if t.kind == "unapplied_cash")
    assert task.text.startswith("150.00 EUR paid too much (payment B)")
    # The case has ended, and the money is still not where it belongs.
    walk.until(day(2))
    assert walk.case.outcome == "paid"

    walk.tell(day(3), e.Refunded, payment="B", amount="100.00 EUR")
    assert unapplied(walk) == ["B: 50.00 EUR"]
    assert walk.case.closed and walk.open_tasks() == [task.id]
    walk.tell(day(4), e.Refunded, payment="B", amount="50.00 EUR", to="0018")
    assert unapplied(walk) == [] and walk.open_tasks() == []
    assert walk.case.tasks[-1].outcome == "set off against 0018"
    assert walk.case.paid == euros(1000)


@pytest.mark.parametrize(
    ("refund", "reason"),
    [
        ({"payment": "A", "amount": "1.00 EUR"}, "nothing of payment 'A' is unapplied: all of it settles this invoice"),
        ({"payment": "B", "amount": "50.01 EUR"}, "50.00 EUR of payment 'B' is unapplied; 50.01 EUR cannot be taken"),
        ({"payment": "B", "amount": "50.00 USD"}, "50.00 USD cannot be taken from it"),
        ({"payment": "C", "amount": "1.00 EUR"}, r"there is no payment 'C' to decide on \(known: A, B, U\)"),
        ({"payment": "U", "amount": "5.00 USD"}, r"of a payment in another currency all is paid back \(7.00 USD\)"),
    ],
)
def test_only_what_is_unapplied_is_paid_back(refund: dict[str, Any], reason: str) -> None:
    walk = Walk(QUIET).tell(day(1), e.PaymentReceived, **paid(800, 1, id="A"))
    walk.tell(day(2), e.PaymentReceived, **paid(250, 2, id="B"))
    walk.tell(day(2), e.PaymentReceived, **paid("7.00 USD", 2, id="U"))

    with pytest.raises(Refused, match=reason):
        walk.tell(day(2), e.Refunded, **refund)


def test_a_closed_case_takes_refunds_and_reversals_only() -> None:
    walk = Walk(QUIET).tell(day(1), e.PaymentReceived, **paid(1010, 1, id="A")).until(day(1))

    with pytest.raises(Closed, match=r"the case is closed \(paid\)"):
        walk.tell(day(2), e.CreditNoteIssued, amount="1.00 EUR")
    assert unapplied(walk.tell(day(2), e.Refunded, payment="A", amount="10.00 EUR")) == []


def test_money_set_off_against_another_invoice_settles_it() -> None:
    # Both halves of a set-off: 60.00 leave the one case and come into the other as a payment.
    one = Walk(QUIET).tell(day(1), e.PaymentReceived, **paid(1060, 1, id="A"))
    other = Walk(QUIET, number="0018", amount="60.00 EUR")

    one.tell(day(2), e.Refunded, id="S", payment="A", amount="60.00 EUR", to="0018")
    other.tell(day(2), e.PaymentReceived, **paid(60, 1, id="S"))

    assert unapplied(one) == [] and one.case.paid == euros(1000)
    assert other.case.outstanding == euros(0)


# --- foreign money ----------------------------------------------------------------------------------------------


def test_foreign_money_is_kept_until_an_operator_says_what_it_counts_for() -> None:
    walk = Walk(QUIET).tell(day(1), e.PaymentReceived, **paid("500.00 USD", 1, id="U"))
    assert (walk.case.outstanding, unapplied(walk)) == (euros(1000), ["U: 500.00 USD"])
    assert "say what it counts for (`arrears allocate" in walk.case.tasks[0].text

    # 500 USD at 0.92 are 460.00 EUR; 1,000.00 - 460.00 = 540.00.
    walk.tell(day(2), e.PaymentAllocated, payment="U", counts_as="460.00 EUR")

    assert (walk.case.outstanding, unapplied(walk), walk.open_tasks()) == (euros(540), [], [])
    # A wrong rate can be mended: at 0.90 it is 450.00.
    assert walk.tell(day(3), e.PaymentAllocated, payment="U", counts_as="450.00 EUR").case.outstanding == euros(550)


def test_foreign_money_may_also_be_too_much_or_go_back() -> None:
    walk = Walk(QUIET).tell(day(1), e.PaymentReceived, **paid("1200.00 USD", 1, id="U"))
    walk.tell(day(2), e.PaymentAllocated, payment="U", counts_as="1104.00 EUR")
    assert unapplied(walk) == ["U: 104.00 EUR"]
    assert [t.text[:21] for t in walk.case.tasks if t.done_at is None] == ["104.00 EUR paid too m"]

    back = Walk(QUIET).tell(day(1), e.PaymentReceived, **paid("7.00 USD", 1, id="U"))
    back.tell(day(2), e.Refunded, payment="U", amount="7.00 USD")
    assert (unapplied(back), back.open_tasks(), back.case.outstanding) == ([], [], euros(1000))
    with pytest.raises(Refused, match="was paid back: it counts for nothing"):
        back.tell(day(3), e.PaymentAllocated, payment="U", counts_as="6.00 EUR")


@pytest.mark.parametrize(
    ("decision", "reason"),
    [
        ({"payment": "E", "counts_as": "5.00 EUR"}, "payment 'E' is in the invoice's currency: it counts for what it"),
        ({"payment": "U", "counts_as": "5.00 USD"}, "5.00 USD is not in the invoice's currency EUR"),
        ({"payment": "E", "first": "principal"}, "no interest or costs are claimed in this case"),
        ({"payment": "X", "first": "principal"}, r"there is no payment 'X' to decide on \(known: E, U, R\)"),
        ({"payment": "R", "counts_as": "5.00 EUR"}, "payment 'R' is already reversed"),
    ],
)
def test_an_impossible_allocation_is_refused(decision: dict[str, Any], reason: str) -> None:
    walk = Walk(QUIET).tell(day(1), e.PaymentReceived, **paid(100, 1, id="E"))
    walk.tell(day(1), e.PaymentReceived, **paid("7.00 USD", 1, id="U"))
    walk.tell(day(1), e.PaymentReceived, **paid("8.00 USD", 1, id="R"))
    walk.tell(day(1), e.PaymentReversed, payment="R")

    with pytest.raises(Refused, match=reason):
        walk.tell(day(2), e.PaymentAllocated, **decision)


# --- a few cents ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "short"),
    [("997.50", "2.50"), ("999.99", "0.01"), ("997.49", None)],
)
def test_a_shortfall_within_the_tolerance_settles_the_case(amount: str, short: str | None) -> None:
    walk = Walk(LENIENT).tell(day(1), e.PaymentReceived, **paid(amount, 1)).until(day(1))

    assert walk.case.outcome == ("short_settled" if short else None)
    assert walk.case.short == (euros(short) if short else None)
    assert walk.case.outstanding == (euros(0) if short else euros("2.51"))


def test_a_tolerance_is_of_its_currency_and_no_gift_to_those_who_pay_nothing() -> None:
    yen = Walk(LENIENT, amount="10000 JPY").tell(day(1), e.PaymentReceived, **paid("9700 JPY", 1)).until(day(1))
    assert yen.case.outcome == "short_settled"
    dollars = Walk(LENIENT, amount="100.00 USD").tell(day(1), e.PaymentReceived, **paid("99.00 USD", 1)).until(day(1))
    assert dollars.case.outcome is None
    small = Walk(LENIENT, amount="2.00 EUR").until(day(20))
    assert small.case.outcome is None and small.case.outstanding == euros(2)


def test_a_reversal_takes_the_tolerance_back() -> None:
    walk = Walk(LENIENT).tell(day(1), e.PaymentReceived, **paid(998, 1, id="A")).until(day(1))
    assert walk.case.outcome == "short_settled"

    walk.tell(day(9), e.PaymentReversed, payment="A", reason="returned direct debit")

    assert (walk.case.outstanding, walk.case.short, walk.case.closed) == (euros(1000), None, False)


# --- credits ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["credit_note", "set_off", "goods_in_lieu"])
def test_every_credit_reduces_what_is_owed_and_never_by_more_than_the_invoice(kind: str) -> None:
    walk = Walk(QUIET).tell(day(1), e.CreditNoteIssued, kind=kind, amount="400.00 EUR", issued_on=on(0))

    assert walk.case.outstanding == euros(600)
    assert [(c.kind, c.on) for c in walk.case.credits] == [(kind, str(on(0)))]
    with pytest.raises(Refused, match="a credit of 600.01 EUR is more than the 600.00 EUR the invoice still stands"):
        walk.tell(day(2), e.CreditNoteIssued, kind=kind, amount="600.01 EUR")


def test_a_credit_of_what_was_paid_already_leaves_money_to_give_back() -> None:
    walk = Walk(QUIET).tell(day(1), e.PaymentReceived, **paid(900, 1, id="A"))
    walk.tell(day(2), e.CreditNoteIssued, amount="300.00 EUR")

    # 1,000 - 300 = 700 owed, 900 paid.
    assert unapplied(walk) == ["A: 200.00 EUR"]
    assert [t.text[:38] for t in walk.case.tasks] == ["the credit of 300.00 EUR leaves 200.00"]


# --- reversals --------------------------------------------------------------------------------------------------


def test_a_reversed_payment_gives_a_week_of_grace_and_what_was_sent_counts() -> None:
    rules = policy(
        step("letter", after_due(1), cure_period="P5D"),
        step("demand", after_due(7), "formal_demand", requires=["letter"]),
    )
    walk = Walk(rules).tell(day(2), e.PaymentReceived, **paid(1000, 2, id="A")).until(day(2))
    assert walk.case.closed

    walk.tell(day(30), e.PaymentReversed, payment="A").until(day(60))

    # The letter of day 1 is not sent again; seven days of grace from day 30.
    assert walk.steps == [("letter", 1), ("demand", 37)]


def test_a_reversed_payment_was_never_too_much() -> None:
    walk = Walk(QUIET).tell(day(1), e.PaymentReceived, **paid(1000, 1, id="A"))
    walk.tell(day(1), e.PaymentReceived, **paid(200, 1, id="B"))

    walk.tell(day(1), e.PaymentReversed, payment="B")

    assert (unapplied(walk), walk.open_tasks(), walk.case.outstanding) == ([], [], euros(0))


def test_a_payment_that_is_taken_back_after_a_refund_cost_us_twice() -> None:
    walk = Walk(QUIET).tell(day(1), e.PaymentReceived, **paid(1100, 1, id="A")).until(day(1))
    walk.tell(day(2), e.Refunded, payment="A", amount="100.00 EUR")
    walk.tell(day(3), e.PaymentReversed, payment="A")

    assert (walk.case.outstanding, unapplied(walk), walk.open_tasks()) == (euros(1000), [], ["paid_back_twice-1"])
    assert "100.00 EUR of it had been paid back or set off: claim that" in walk.case.tasks[-1].text


def test_currencies_without_a_minor_unit_are_kept_whole() -> None:
    walk = Walk(QUIET, amount="120000 JPY").tell(day(1), e.PaymentReceived, **paid("50001 JPY", 1))

    assert walk.case.outstanding == Money.model_validate("69999 JPY")
    assert str(walk.case.outstanding.amount) == "69999"
