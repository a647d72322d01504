"""Entries for the accounting system: they say what an event did, balance, and add up to what the case is owed."""

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from models import events as e
from models.changes import apply, open_case
from models.journal import Account, Entry, entries, totals
from models.money import Money
from models.policy import Policy
from tests.cases import Walk, after_due, day, euros, on, policy, step
from tests.unit.test_case_properties import LAWS, MONEY_EVENTS, RULES, claiming, told

ASSETS: tuple[Account, ...] = ("receivables", "interest_receivable", "costs_receivable")


def journal(walk: Walk) -> list[Entry]:
    """All entries of a case's life."""
    cases = [open_case(walk.opened)]
    for event in walk.events[1:]:
        cases.append(apply(cases[-1], event))
    return [
        entry
        for (before, after), event in zip(pairwise(cases), walk.events[1:], strict=True)
        for entry in entries(before, event, after)
    ]


def booked(walk: Walk) -> list[tuple[str, str, str, str]]:
    return [(x.type, x.debit, x.credit, str(x.amount.amount)) for x in journal(walk)]


def balance(lines: list[Entry], account: Account, currency: str = "EUR") -> Money:
    """Debits less credits."""
    zero = Money.zero(currency)
    debits, credits = totals(lines).get((account, currency), (zero, zero))
    return debits - credits


def test_a_payment_settles_costs_interest_and_principal_each_in_its_account() -> None:
    walk = Walk(claiming(), law="DE").until(day(5))
    walk.tell(day(30), e.PaymentReceived, id="P", amount="500.00 EUR", received_on=on(30))
    lines = booked(walk)
    assert [line[:3] for line in lines] == [
        ("interest", "interest_receivable", "interest_income"),
        ("costs", "costs_receivable", "costs_income"),
        ("interest", "interest_receivable", "interest_income"),
        ("payment", "bank_clearing", "costs_receivable"),
        ("payment", "bank_clearing", "interest_receivable"),
        ("payment", "bank_clearing", "receivables"),
    ]
    assert lines[1][3] == lines[3][3] == "40.00"
    assert {x.reference for x in journal(walk)[3:]} == {"P"}


def test_a_waiver_gives_up_interest_and_costs() -> None:
    walk = Walk(claiming(), law="DE").until(day(5))
    walk.tell(day(20), e.InterestWaived, reason="goodwill")
    waivers = [x for x in journal(walk) if x.type == "waiver"]
    assert [(x.debit, x.credit) for x in waivers] == [
        ("interest_waived", "interest_receivable"), ("costs_waived", "costs_receivable"),
    ]  # fmt: skip
    assert {x.text for x in waivers} == {"claim given up: goodwill"}


def test_what_reduces_the_invoice_goes_to_the_account_of_its_kind() -> None:
    walk = Walk()
    for kind in ("credit_note", "set_off", "goods_in_lieu", "cash_discount", "bank_charges"):
        walk.tell(day(0), e.CreditNoteIssued, id=kind, kind=kind, amount="10.00 EUR")
    assert booked(walk) == [
        ("credit_note", "credit_notes", "receivables", "10.00"), ("set_off", "set_off", "receivables", "10.00"),
        ("goods_in_lieu", "goods_in_lieu", "receivables", "10.00"),
        ("cash_discount", "cash_discount", "receivables", "10.00"),
        ("bank_charges", "bank_charges", "receivables", "10.00"),
    ]  # fmt: skip


def test_money_too_much_is_unapplied_until_it_is_paid_back() -> None:
    walk = Walk().tell(day(0), e.PaymentReceived, id="P", amount="1200.00 EUR", received_on=on(0))
    walk.tell(day(1), e.Refunded, payment="P", amount="150.00 EUR")
    assert booked(walk) == [
        ("payment", "bank_clearing", "receivables", "1000.00"),
        ("unapplied_cash", "bank_clearing", "unapplied_cash", "200.00"),
        ("refund", "unapplied_cash", "bank_clearing", "150.00"),
    ]


def test_a_foreign_payment_is_unapplied_in_its_currency_and_converted_through_clearing() -> None:
    walk = Walk().tell(day(0), e.PaymentReceived, id="P", amount="100.00 USD", received_on=on(0))
    walk.tell(day(1), e.PaymentAllocated, payment="P", counts_as="90.00 EUR")
    assert [(x.type, x.debit, x.credit, str(x.amount)) for x in journal(walk)] == [
        ("unapplied_cash", "bank_clearing", "unapplied_cash", "100.00 USD"),
        ("conversion", "currency_clearing", "receivables", "90.00 EUR"),
        ("conversion", "unapplied_cash", "currency_clearing", "100.00 USD"),
    ]


def test_a_small_rest_that_is_let_go_is_a_shortfall() -> None:
    rules = policy(step("one", after_due(5)), tolerance=["3.00 EUR"])
    walk = Walk(rules).tell(day(0), e.PaymentReceived, amount="998.00 EUR", received_on=on(0)).until(day(1))
    assert walk.case.outcome == "short_settled"
    assert booked(walk)[-1] == ("short_settlement", "short_settlement", "receivables", "2.00")


def test_a_write_off_counts_once_approved_and_what_comes_later_is_recovered() -> None:
    walk = Walk().tell(day(50), e.WrittenOff, reason="insolvent")
    assert booked(walk) == []
    walk.tell(day(51), e.StepApproved, step="write_off", by="berta")
    walk.tell(day(60), e.PaymentReceived, amount="120.00 EUR", received_on=on(60))
    assert booked(walk) == [
        ("write_off", "bad_debt", "receivables", "1000.00"),
        ("recovery", "bank_clearing", "bad_debt_recovered", "120.00"),
    ]  # fmt: skip


def test_a_payment_taken_back_is_owed_again() -> None:
    walk = Walk().tell(day(0), e.PaymentReceived, id="P", amount="300.00 EUR", received_on=on(0))
    walk.tell(day(3), e.PaymentReversed, payment="P", reason="no cover")
    assert booked(walk)[-1] == ("payment_reversed", "receivables", "bank_clearing", "300.00")


def test_a_payment_taken_back_takes_its_discount_along() -> None:
    walk = Walk().tell(day(0), e.CreditNoteIssued, kind="cash_discount", amount="20.00 EUR", payment="P")
    walk.tell(day(0), e.PaymentReceived, id="P", amount="980.00 EUR", received_on=on(0)).until(day(1))
    walk.tell(day(3), e.PaymentReversed, payment="P", reason="no cover")
    assert sorted(booked(walk)[-2:]) == [
        ("cash_discount", "receivables", "cash_discount", "20.00"),
        ("payment_reversed", "receivables", "bank_clearing", "980.00"),
    ]


def test_a_payment_that_was_paid_back_and_is_taken_back_is_owed_by_the_payer() -> None:
    walk = Walk().tell(day(0), e.PaymentReceived, id="P", amount="1000.00 EUR", received_on=on(0))
    walk.tell(day(0), e.PaymentReceived, id="Q", amount="300.00 EUR", received_on=on(0)).until(day(1))
    assert walk.case.closed
    walk.tell(day(2), e.Refunded, payment="Q", amount="300.00 EUR").tell(day(3), e.PaymentReversed, payment="Q")
    assert (walk.case.closed, walk.open_tasks()) == (True, ["paid_back_twice-1"])
    assert booked(walk)[-1] == ("refund", "unapplied_cash", "bank_clearing", "300.00")


WRITTEN_OFF: list[tuple[type[e.Message], dict[str, Any]]] = [
    (e.WrittenOff, {"reason": "insolvent"}), (e.StepApproved, {"step": "write_off", "by": "berta"}),
]  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(LAWS, RULES, st.lists(st.tuples(st.integers(0, 12), MONEY_EVENTS | st.sampled_from(WRITTEN_OFF)), max_size=10))
def test_the_journal_adds_up_to_what_is_owed_and_unapplied(
    law: str | None, rules: Policy, story: list[tuple[int, tuple[Any, Any]]]
) -> None:
    walk, at = Walk(rules, law=law), 0
    for later, (kind, body) in story:
        at += later
        told(walk, at, kind, body)
    lines, case, zero = journal(walk), walk.case, euros(0)

    assert all(line.amount.amount > 0 and line.debit != line.credit for line in lines)
    owed = sum((balance(lines, account) for account in ASSETS), walk.opened.invoice.amount)
    assert owed == (zero if case.written_off else case.owed.total)
    for currency in ("EUR", "USD"):
        free = sum((p.amount for p in case.unapplied if p.amount.currency == currency), Money.zero(currency))
        gone = [p.returned for p in case.payments if p.reversed and p.returned is not None]
        owed_back = sum((m for m in gone if m.currency == currency), Money.zero(currency))
        assert balance(lines, "unapplied_cash", currency) == owed_back - free
    came = sum((p.amount for p in case.payments if not p.reversed and p.amount.currency == "EUR"), zero)
    left = sum((p.returned for p in case.payments if p.returned is not None and p.returned.currency == "EUR"), zero)
    assert balance(lines, "bank_clearing") == came - left
