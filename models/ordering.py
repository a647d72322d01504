"""How a case orders one of its steps: everything the activity needs to know of it, and no more.

What an order is, is in orders.py.
"""

from datetime import datetime

from models.case import Case
from models.orders import StepOrder, contact_terms
from models.policy import Step, claims_interest
from models.view import head


def order_of(case: Case, step: Step, occurrence: int, planned_at: datetime, at: datetime) -> StepOrder:
    """The order to carry out a step of a case, decided at `at`."""
    claims = claims_interest(case.policy, step.id)
    # The law is long, and goes into the history: it goes along only where it is reckoned with.
    law = case.law if claims or case.claim is not None else None
    return StepOrder.model_construct(
        case_id=case.id, policy_id=case.policy.id, policy_digest=case.policy.digest, step=step, occurrence=occurrence,
        planned_at=planned_at, at=at, clock=case.clock, law=law, owed=case.owed, outstanding=case.outstanding,
        disputed=case.disputed, credited=case.credited, dispute_reason=case.dispute.reason if case.dispute else None,
        payments=case.payments, credits=case.credits, waivers=case.waivers, claim=case.claim,
        claims_interest=claims, contact=contact_terms(case, step, at),
        performed=case.performed, approved_by=case.approved_by.get(step.id), known=(*case.applied, *case.declined),
        journal=case.journal, head=head(case),
    )  # fmt: skip
