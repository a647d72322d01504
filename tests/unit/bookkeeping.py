"""What must hold for the books of any case: nothing is lost, nothing counted twice, nothing lies idle."""

from models.books import LET_GO, WAIVED, late_charges
from models.case import Case
from models.money import Money


def adds_up(case: Case) -> None:
    """Invoice, interest and costs are what is owed, was applied, credited, waived or let go."""
    zero = Money.zero(case.currency)
    over = sum((p.amount for p in case.unapplied if p.amount.currency == case.currency), zero)
    waived = short = charges = zero
    if case.claim is not None:
        claim = late_charges(case.invoice, case, case.claim.through)
        charges = claim.interest + claim.compensation
        given_up = [a.allocation for a in claim.statement.applied if a.order in (WAIVED, LET_GO)]
        waived = sum((a.costs + a.interest + a.principal for a in given_up), zero)
        short = claim.total if case.short is not None else zero
    elif case.short is not None:
        short = case.short
    applied = case.paid - over
    assert case.invoice.amount + charges == case.outstanding + applied + case.credited + waived + short
    assert case.owed.total == case.outstanding
    for part in (case.owed.costs, case.owed.interest, case.owed.principal, applied, case.credited, case.pursued):
        assert zero <= part
    assert all(p.amount.amount > 0 for p in case.unapplied)
    assert not (case.outstanding and over), "money lies idle while something is owed"
    assert case.owed.principal <= case.invoice.amount
    assert sum((w.amount for w in case.waivers), zero) >= waived
