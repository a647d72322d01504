"""Which payment comes back."""

from datetime import date
from typing import Any

import pytest

from models.bank import BankEntry, EntryKind
from models.money import Money
from models.reversals import PastPayment, PastPayments, reversal_of


def payment(key: str, amount: str = "100.00 EUR", **given: Any) -> PastPayment:
    fields: dict[str, Any] = {"payer": "Meyer GmbH", "received_on": date(2026, 10, 1)}
    return PastPayment(key=key, amount=Money.model_validate(amount), **{**fields, **given})


def returned(amount: str = "100.00 EUR", kind: EntryKind = "reversal", **given: Any) -> BankEntry:
    fields: dict[str, Any] = {"account": "DE1", "entry": "7", "booked_on": date(2026, 10, 9), "payer": "Meyer GmbH"}
    return BankEntry(kind=kind, amount=Money.model_validate(amount), **{**fields, **given})


PAST = PastPayments([
    payment("a", end_to_end="E2E-1", servicer_reference="S-1"),
    payment("b", end_to_end="E2E-2", servicer_reference="S-2"),
    payment("c", "77.00 EUR", payer="Koch KG", payer_iban="DE02500105170137075030"),
])  # fmt: skip


@pytest.mark.parametrize(
    "given",
    [
        {"returned_reference": "S-1"},
        {"returned_reference": "E2E-1"},
        {"end_to_end": "e2e 1"},
        {"returned_reference": "a"},
    ],
)
def test_the_payment_that_is_named_comes_back(given: dict[str, Any]) -> None:
    found = reversal_of(returned(**given), PAST)
    assert (found.status, found.payment, found.score) == ("matched", "a", 100)


def test_the_banks_charge_may_be_on_top() -> None:
    entry = returned("103.00 EUR", returned_reference="S-1", charges=Money.model_validate("3.00 EUR"))
    assert reversal_of(entry, PAST).payment == "a"


def test_a_named_payment_of_another_amount_is_only_proposed() -> None:
    found = reversal_of(returned("60.00 EUR", returned_reference="S-1"), PAST)
    assert (found.status, found.payment, found.candidates) == ("proposed", None, ("a",))
    assert "100.00 EUR" in found.reason


def test_the_only_one_of_payer_and_amount_comes_back() -> None:
    entry = returned("77.00 EUR", payer="", payer_iban="DE02 5001 0517 0137 0750 30")
    assert reversal_of(entry, PAST).payment == "c"


def test_of_two_alike_a_person_chooses() -> None:
    found = reversal_of(returned(), PAST)
    assert (found.status, found.candidates) == ("proposed", ("a", "b"))


def test_the_amount_alone_is_only_proposed() -> None:
    assert reversal_of(returned("77.00 EUR", payer="Somebody"), PAST).status == "proposed"


def test_nothing_comes_back_twice_nor_before_it_came() -> None:
    past = PastPayments(
        [payment("a", end_to_end="E", reversed=True), payment("b", "5.00 EUR", received_on=date(2026, 12, 1))]
    )
    again = reversal_of(returned(end_to_end="E"), past)
    assert (again.status, again.candidates) == ("unmatched", ("a",)) and "before" in again.reason
    assert reversal_of(returned("5.00 EUR"), past).status == "unmatched"


def test_a_return_that_names_what_came_back_before_takes_no_other_by_itself() -> None:
    past = PastPayments([payment("a", end_to_end="E", reversed=True), payment("b")])
    found = reversal_of(returned(end_to_end="E"), past)
    assert (found.status, found.payment, found.candidates) == ("proposed", None, ("b",))


def test_only_reversals_take_something_back() -> None:
    with pytest.raises(ValueError, match="not a reversal"):
        reversal_of(returned(kind="payment"), PAST)
