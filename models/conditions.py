"""Conditions: what must hold when a step is due."""

from models.case import Case
from models.policy import Conditions


def unmet(case: Case, conditions: Conditions) -> str | None:
    """Which condition does not hold, in words; None if all do."""
    owed, buyer = case.pursued, case.invoice.buyer
    for least in conditions.min_amount:
        if least.currency == owed.currency and owed < least:
            return f"{owed} is less than {least}"
    for most in conditions.max_amount:
        if most.currency == owed.currency and most < owed:
            return f"{owed} is more than {most}"
    if conditions.tiers and buyer.tier not in conditions.tiers:
        return f"the buyer's tier {buyer.tier or '(none)'} is not one of {', '.join(conditions.tiers)}"
    if conditions.countries and buyer.country not in conditions.countries:
        return f"the buyer's country {buyer.country or '(none)'} is not one of {', '.join(conditions.countries)}"
    if conditions.insured is not None and conditions.insured != (case.invoice.cover is not None):
        return "the invoice is not insured" if conditions.insured else "the invoice is insured"
    if conditions.guaranteed is not None and conditions.guaranteed != (case.invoice.guarantee is not None):
        return "there is no guarantee" if conditions.guaranteed else "there is a guarantee"
    if conditions.unanswered_since and answered_since(case, conditions.unanswered_since):
        return f"the debtor replied after {conditions.unanswered_since}"
    return None


def answered_since(case: Case, step: str) -> bool:
    """Whether the debtor replied since a step was last performed."""
    done, reply = case.last_performed(step), case.happened.get("debtor_replied")
    return done is not None and reply is not None and reply >= done.performed_at
