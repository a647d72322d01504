"""Until when a claim can be enforced: calendar periods, year ends, restarts."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.limitation import Limitation, Months, limitation_date

GERMAN = {"period": "P3Y", "starts": "year_end", "source": "a", "valid_from": "2002-01-01", "verified": True}
CHINESE = {**GERMAN, "starts": "due_date", "longest": "P20Y"}


def rule(**changes: object) -> Limitation:
    return Limitation.model_validate({**GERMAN, **changes})


@pytest.mark.parametrize(
    ("months", "day", "last"),
    [
        (6, "2026-01-31", "2026-07-31"), (6, "2025-08-31", "2026-02-28"), (1, "2024-01-30", "2024-02-29"),
        (12, "2024-02-29", "2025-02-28"), (36, "2026-12-31", "2029-12-31"), (13, "2025-12-15", "2027-01-15"),
    ],
)  # fmt: skip
def test_a_period_of_months_ends_on_the_same_number_or_the_last_of_the_month(months: int, day: str, last: str) -> None:
    assert Months(months).after(date.fromisoformat(day)) == date.fromisoformat(last)


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(1, 240))
def test_a_longer_period_never_ends_earlier(day: date, months: int) -> None:
    assert day < Months(months).after(day) <= Months(months + 1).after(day)


def test_a_period_from_the_end_of_the_year_and_anew_from_an_acknowledgment() -> None:
    assert limitation_date(rule(), date(2025, 1, 1)) == date(2028, 12, 31)
    assert limitation_date(rule(), date(2025, 1, 1), restarted_on=date(2026, 5, 4)) == date(2029, 5, 4)


def test_no_restart_leads_beyond_the_longest_period() -> None:
    chinese = Limitation.model_validate(CHINESE)

    assert limitation_date(chinese, date(2006, 3, 1), restarted_on=date(2025, 3, 1)) == date(2026, 3, 1)


def test_a_special_period_has_its_own_length() -> None:
    special = {"guarantee": {"period": "P6M", "source": "a", "valid_from": "2021-01-01", "verified": True}}

    assert limitation_date(rule(special=special).special["guarantee"], date(2026, 1, 31)) == date(2026, 7, 31)


@pytest.mark.parametrize("period", ["P0Y", "3 years", "P30D", 3, "PT6M", "P"])
def test_a_period_is_written_in_years_and_months(period: object) -> None:
    with pytest.raises(ValidationError, match="is not a period of years or months"):
        rule(period=period)


def test_a_postponement_needs_its_length() -> None:
    move = {"event": "demand", "effect": "postpone", "source": "a", "valid_from": "2021-01-01", "verified": True}
    with pytest.raises(ValidationError, match="`by` says how far"):
        rule(moves=[move])
    assert Limitation.model_validate_json(rule(moves=[{**move, "by": "P6M"}]).model_dump_json()).moves[0].by == Months(
        6
    )
