"""The terms of a trade-credit insurance policy: what has to be done by when, so that cover is not lost.

They are each insurer's own: nothing here has a default that could pass for a term. What dates they give is in
deadlines.py; what the insurer pays, in claim.py.
"""

from typing import Literal

from pydantic import Field

from models.base import Value
from models.durations import Days

DutyKind = Literal["insurer_notice", "adverse_information", "collection_mandate", "claim_filing"]


class Duty(Value):
    """Something that is to be done within so many days of a day."""

    within: Days
    of: Literal["due", "extension", "knowledge"] = Field(
        default="due",
        description="the contractual due date, the end of the maximum extension, or the day bad news became known",
    )
    business_days: bool = False


class InsuranceTerms(Value):
    """The deadlines of one insurance policy, counted from the contractual due date (domain: typical terms differ)."""

    source: str = Field(min_length=1, max_length=300, description="policy number and clause")
    maximum_extension: Days | None = Field(default=None, description="from the original due date")
    duties: dict[DutyKind, Duty] = {}
    notice: Literal["execute", "propose", "task"] = Field(
        default="task", description="whether the notice of overdue is sent by itself, after approval, or by a person"
    )
    notice_ahead: Days = Field(default=7, description="so long before its deadline the notice is sent or proposed")
