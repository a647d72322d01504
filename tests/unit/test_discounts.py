"""What terms of payment grant for paying early: read where it is certain, else not at all."""

from datetime import date
from decimal import Decimal

import pytest

from gateway.intake.discounts import cash_discounts

ISSUED = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("text", "percent", "until"),
    [
        ("2% Skonto bei Zahlung innerhalb von 10 Tagen, 30 Tage netto", "2", 11),
        ("Zahlbar innerhalb 30 Tagen netto, bei Zahlung innerhalb 8 Tagen 2,5 % Skonto", "2.5", 9),
        ("2% Skonto 10 Tage, netto 30 Tage", "2", 11),
        ("14 Tage 3% Skonto", "3", 15),
        ("2% Skonto, bei Zahlung innerhalb von 10 Tagen", "2", 11),
        ("2/10 net 30", "2", 11),
        ("2 % discount if paid within 10 days, otherwise net 30 days", "2", 11),
        ("1,5 % d'escompte pour paiement sous 8 jours, 30 jours net", "1.5", 9),
        ("2% korting bij betaling binnen 10 dagen, netto 30 dagen", "2", 11),
        ("#SKONTO#TAGE=7#PROZENT=3.00#\n#SKONTO#TAGE=30#PROZENT=0.00#", "3", 8),
    ],
)
def test_a_discount_is_read(text: str, percent: str, until: int) -> None:
    (found,) = cash_discounts(text, ISSUED)
    assert (found.percent, found.until) == (Decimal(percent), date(2026, 3, until))


def test_two_steps_of_a_discount_are_read_from_the_structured_lines() -> None:
    found = cash_discounts("#SKONTO#TAGE=7#PROZENT=3.00#\n#SKONTO#TAGE=14#PROZENT=2.00#", ISSUED)
    assert [(str(d.percent), d.until.day) for d in found] == [("3.00", 8), ("2.00", 15)]


@pytest.mark.parametrize(
    "text",
    [
        "30 Tage netto",
        "30 Tage ohne Skonto",
        "Verzugszinsen 5 % nach 30 Tagen",
        "2% late fee per month after 10 days",
        "3% Skonto bei 7 Tagen, 2% Skonto bei 14 Tagen",  # which goes with which is not certain
        "Skonto nach Vereinbarung, 10 Tage",
        "2% Skonto",
        "2% Skonto innerhalb eines Monats",
        "Rabatt 20% in 10 Tagen",
        "50 % discount within 10 days",
        "#SKONTO#TAGE=7#PROZENT=3.00#BASISBETRAG=100.00#",  # of a part of the invoice only
        "19 % MwSt., zahlbar in 14 Tagen",
        "Abzüglich 2% Skonto wurde bereits berücksichtigt, zahlbar in 14 Tagen",
        "Already deducted: 2% discount, payable in 30 days",
        "2% Skonto ist im Betrag enthalten, Zahlung innerhalb 10 Tagen",
        "3% discount for volume, payment within 30 days",
        "3% discount for volume if paid within 30 days",
        "2% Skonto, zahlbar in 14 Tagen",  # it may be those days, or the net ones
        "",
    ],
)
def test_what_is_not_certain_grants_none(text: str) -> None:
    assert cash_discounts(text, ISSUED) == ()


def test_without_a_date_of_issue_no_discount_is_known() -> None:
    assert cash_discounts("2% Skonto 10 Tage", None) == ()


def test_a_discount_beyond_all_calendars_is_none() -> None:
    assert cash_discounts("2% Skonto 10 Tage", date(2199, 12, 31)) == ()
