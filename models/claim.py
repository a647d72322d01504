"""What a trade-credit insurer owes on a defaulted invoice."""

from decimal import Decimal

from models.base import Value
from models.invoice import InsuranceCover
from models.money import Money


class ClaimAmount(Value):
    """The claim with the figures it is made of, so that the claim file can show the sum."""

    insured_debt: Money
    covered: Money
    insured_percentage: Decimal
    deductible: Money
    amount: Money
    note: str = ""


def claim_amount(undisputed: Money, cover: InsuranceCover) -> ClaimAmount:
    """Loss = percentage x min(undisputed debt, credit limit) - deductible, never below zero.

    A *threshold* instead of a deductible: a loss at or below it pays nothing, above it pays in full.
    120,000 debt, 100,000 limit, 90 %, 1,000 deductible: 89,000 (typical terms; each insurance policy sets its own).
    """
    zero = Money.zero(undisputed.currency)
    covered = min(undisputed, cover.credit_limit) if cover.credit_limit else undisputed
    deductible = cover.deductible or zero
    gross = Money.of(covered.amount * cover.insured_percentage / 100, undisputed.currency)
    amount, note = max(gross - deductible, zero), ""
    if cover.threshold and gross <= cover.threshold:
        amount, note = zero, f"at or below the threshold of {cover.threshold}"
    return ClaimAmount(
        insured_debt=undisputed, covered=covered, insured_percentage=cover.insured_percentage,
        deductible=deductible, amount=amount, note=note,
    )  # fmt: skip
