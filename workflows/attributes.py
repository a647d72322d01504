"""The search attributes of a case: what the Temporal UI lists and filters by. No personal data."""

from datetime import UTC, datetime, time
from typing import Any

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from models import view
from models.case import Case

STAGE = SearchAttributeKey.for_keyword("CaseStage")
BUYER = SearchAttributeKey.for_keyword("BuyerId")
CURRENCY = SearchAttributeKey.for_keyword("Currency")
OUTSTANDING = SearchAttributeKey.for_float("Outstanding")
DUE = SearchAttributeKey.for_datetime("DueDate")
NEXT = SearchAttributeKey.for_datetime("NextActionAt")
ON_HOLD = SearchAttributeKey.for_bool("OnHold")


def attributes_of(case: Case) -> list[tuple[SearchAttributeKey[Any], Any]]:
    """Every attribute with its value; None where there is nothing to show."""
    upcoming = view.upcoming_step(case)
    return [
        (STAGE, case.stage),
        (BUYER, case.invoice.buyer.id),
        (CURRENCY, case.currency),
        # A search index knows only floats; no sum is ever computed from it.
        (OUTSTANDING, float(case.outstanding.amount)),
        (DUE, datetime.combine(case.invoice.due, time(0), UTC)),
        (NEXT, upcoming[1] if upcoming else None),
        (ON_HOLD, case.on_hold),
    ]


def initial_attributes(case: Case) -> TypedSearchAttributes:
    """The attributes to start a case with, so that its first task need not set them."""
    return TypedSearchAttributes(
        [SearchAttributePair(key, value) for key, value in attributes_of(case) if value is not None]
    )


SEARCH_ATTRIBUTES: tuple[SearchAttributeKey[Any], ...] = (STAGE, BUYER, CURRENCY, OUTSTANDING, DUE, NEXT, ON_HOLD)
"""What a server must know before cases can run on it."""
