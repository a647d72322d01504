"""Money stays in its currency and its minor unit; identifiers are text."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models import ids
from models.money import Money, UnknownCurrency, minor_unit


@pytest.mark.parametrize(
    ("text", "amount"), [("100 EUR", "100.00"), ("0.5 EUR", "0.50"), ("1200 JPY", "1200"), ("1.234 KWD", "1.234")]
)
def test_an_amount_is_kept_in_the_minor_unit_of_its_currency(text: str, amount: str) -> None:
    assert str(Money.model_validate(text).amount) == amount


@pytest.mark.parametrize(
    "text",
    ["1.001 EUR", "1.5 JPY", "NaN EUR", "Infinity EUR", "10 XXX", "10 ABC", "10", "EUR", "1e20 EUR", "1,000.00 EUR"],
)
def test_what_is_not_an_amount_of_a_currency_is_refused(text: str) -> None:
    with pytest.raises((ValidationError, UnknownCurrency)):
        Money.model_validate(text)


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="cannot mix EUR and USD"):
        Money.model_validate("1 EUR") + Money.model_validate("1 USD")
    with pytest.raises(ValueError, match="cannot mix"):
        assert Money.model_validate("1 EUR") < Money.model_validate("2 USD")


def test_results_of_arithmetic_are_rounded_half_up() -> None:
    assert Money.of(Decimal("0.125"), "EUR").amount == Decimal("0.13")
    assert Money.of(Decimal("2.5"), "JPY").amount == Decimal("3")


@given(st.integers(min_value=1 - 10**14, max_value=10**14 - 1), st.sampled_from(["EUR", "JPY", "KWD", "USD"]))
def test_the_ledgers_integer_and_back_is_the_same_money(units: int, currency: str) -> None:
    money = Money.from_minor(units, currency)
    assert money.minor == units
    assert money.amount == units * minor_unit(currency)
    assert Money.model_validate_json(money.model_dump_json()) == money


def test_json_carries_the_amount_as_text() -> None:
    assert Money.model_validate("1200.10 EUR").model_dump_json() == '{"amount":"1200.10","currency":"EUR"}'


@pytest.mark.parametrize("number", ["0001", "A/2026/7", "发票 7", "é"])
def test_an_invoice_number_is_text(number: str) -> None:
    assert ids.split_case_id(ids.case_id("ACME", ids.invoice_number(number))) == ("ACME", number)


@pytest.mark.parametrize("number", ["", "  ", "a\nb", "a\x00b", "x" * 201, "发" * 67, "a\u200bb"])
def test_what_cannot_be_an_identifier_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="an invoice number"):
        ids.invoice_number(number)


def test_two_spellings_of_one_number_are_one() -> None:
    assert ids.invoice_number("cafe\u0301") == ids.invoice_number("café")


def test_a_step_keeps_its_message_id_and_no_other_has_it() -> None:
    key = ids.step_key("invoice/ACME/1", "reminder_1", 1)
    assert ids.mail_message_id(key) == ids.mail_message_id(key)
    assert ids.mail_message_id(key) != ids.mail_message_id(ids.step_key("invoice/ACME/1", "reminder_1", 2))
