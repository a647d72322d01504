"""What the insurer owes: percentage x min(undisputed debt, credit limit) - deductible; or a threshold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.claim import claim_amount
from models.invoice import InsuranceCover
from models.money import Money


def cover(**fields: str) -> InsuranceCover:
    return InsuranceCover.model_validate(fields)


@pytest.mark.parametrize(
    ("debt", "terms", "amount"),
    [
        # 120 k debt, 100 k limit, 90 %, 1 k deductible: 0.9 x 100,000 - 1,000
        (
            "120000 EUR",
            {"credit_limit": "100000 EUR", "insured_percentage": "90", "deductible": "1000 EUR"},
            "89000 EUR",
        ),
        ("80000 EUR", {"credit_limit": "100000 EUR", "insured_percentage": "90"}, "72000 EUR"),
        ("500 EUR", {"insured_percentage": "90", "deductible": "1000 EUR"}, "0 EUR"),
        ("1000 EUR", {"insured_percentage": "90", "threshold": "900 EUR"}, "0 EUR"),
        ("1001 EUR", {"insured_percentage": "90", "threshold": "900 EUR"}, "900.90 EUR"),
    ],
)
def test_a_claim_is_computed_as_the_policy_has_it(debt: str, terms: dict[str, str], amount: str) -> None:
    assert claim_amount(Money.model_validate(debt), cover(**terms)).amount == Money.model_validate(amount)


@given(st.integers(min_value=0, max_value=10**9), st.integers(min_value=0, max_value=100))
def test_a_claim_is_never_negative_and_never_more_than_the_debt(units: int, percentage: int) -> None:
    debt = Money.from_minor(units, "EUR")
    claim = claim_amount(debt, cover(insured_percentage=str(percentage), deductible="10 EUR"))
    assert Money.zero("EUR") <= claim.amount <= debt
