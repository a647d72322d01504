"""The policy: a ladder of steps as data. What a credit manager writes, and what a case is pinned to.

When its steps fire is in triggers.py, what makes a policy sound in soundness.py; what the rules make of it with a case
in hand lives in ladder.py.
"""

import json
import re
from datetime import time as clock_time
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any, Literal, Self
from weakref import WeakValueDictionary

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator
from pydantic_core import PydanticCustomError

from models import ids
from models.base import Value
from models.contact_rules import ContactLimit, ContactRules
from models.durations import Days, Span
from models.money import Money
from models.parties import Channel
from models.soundness import find_faults
from models.triggers import StepId, Trigger, named_steps, nominal_day

StepKind = Literal[
    "reminder", "call", "visit", "formal_demand", "lawyer_letter", "referral", "guarantee", "insurer_notice",
    "insurance_claim", "legal_action", "write_off",
]  # fmt: skip
DUNNING: frozenset[str] = frozenset({"reminder", "call", "visit", "formal_demand", "lawyer_letter"})
"""What we say to the debtor ourselves; it stops while an agency or insurer holds the mandate."""


class Repeat(Value):
    """A step that recurs (C2): every so many ladder days, `times` in all."""

    every: Days = Field(ge=1)
    times: int = Field(ge=2, le=60)


class Conditions(Value):
    """What must hold when the step is due; else the step is skipped, with the reason."""

    min_amount: tuple[Money, ...] = Field(default=(), description="per currency; others are not restricted")
    max_amount: tuple[Money, ...] = ()
    tiers: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    insured: bool | None = None
    guaranteed: bool | None = None
    unanswered_since: StepId | None = None


class Step(Value):
    """One rung of the ladder."""

    id: StepId
    kind: StepKind
    when: Trigger
    mode: Literal["execute", "propose"] = "execute"
    channels: tuple[Channel, ...] = ("email",)
    letter: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]*$", description="template, if not the kind's")
    requires: tuple[StepId, ...] = ()
    cure_period: Days = 0
    repeat: Repeat | None = None
    only_if: Conditions | None = None
    team: Literal["finance", "sales", "legal"] = "finance"
    sources: tuple[str, ...] = ()

    @property
    def occurrences(self) -> int:
        """How often the step is performed, at most."""
        return self.repeat.times if self.repeat else 1


DUTY_STEPS: dict[str, Step] = {
    name: Step.model_validate({"id": name, "when": {"after_due": "P0D"}, **rest})
    for name, rest in (
        ("duty_insurer_notice", {"kind": "insurer_notice"}),
        ("duty_correction", {"kind": "reminder", "letter": "correction"}),
    )
}
"""What is done besides the ladder: a notice that a hard deadline asks for, a letter that a payment crossed.

These are no rungs: no ladder names them, and nothing pauses them.
"""


CORRECTION = "duty_correction"


def _time_of_day(given: Any) -> Any:
    if isinstance(given, clock_time) or (isinstance(given, str) and _TIME.fullmatch(given)):
        return given
    raise ValueError(f'{given!r} is not a time of day; write it as "09:00"')


_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")


class Schedule(Value):
    """At what local time steps fire, in whose zone, and on which days."""

    time: Annotated[clock_time, BeforeValidator(_time_of_day)] = clock_time(9)
    zone: Literal["UTC", "debtor"] = "UTC"
    days: Literal["every", "business"] = "every"


class ClaimInterest(Value):
    """Interest and fixed compensation are claimed, not only stated: by the law of the case, or by the contract."""

    from_step: StepId = Field(description="the first step that claims them; they are booked from then on")
    rest: Literal["pursue", "waive"] = Field(
        default="pursue", description="what becomes of them once as much as the invoice was for has been paid"
    )


def _unless_off(given: Any) -> Any:
    if given is True:
        raise ValueError("say from which step interest is claimed: {from_step: formal_demand_15, rest: waive}")
    return None if given is False else given


class Policy(Value):
    """A ladder with its rules. Pinned whole into each case at its start, with id, version and digest."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")
    version: int = Field(default=1, ge=1)
    title: str = ""
    sources: tuple[str, ...] = ()
    schedule: Schedule = Schedule()
    spacing: Days = Field(default=0, description="least number of days between two contacts with the debtor")
    contact_limit: ContactLimit | None = None
    contact: ContactRules | None = None
    jitter: Span = timedelta(0)
    claim_interest: Annotated[ClaimInterest | None, BeforeValidator(_unless_off)] = None
    tolerance: tuple[Money, ...] = Field(
        default=(), description="per currency: a shortfall up to this (a few cents, bank charges) settles the case"
    )
    corrections: bool = Field(
        default=False, description="whether a letter goes out where a payment had crossed one of ours in the mail"
    )
    promise_tolerance: Days = 0
    max_promises: int = Field(default=3, ge=1, le=100, description="later promises are noted, but no longer pause")
    dispute_answer: Days = Field(default=14, description="within which a dispute is to be answered")
    grace_period: Days = Field(default=7, description="before the next step, after a reversed payment")
    deadline_warnings: tuple[Days, ...] = Field(
        default=(30, 14, 7, 1), description="how far ahead of a hard deadline a person is told", max_length=10
    )
    steps: tuple[Step, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        # Pydantic calls this again wherever a sound policy is put into another value; its content, which the
        # checks look at last, tells that they were made.
        if "content" in self.__dict__:
            return self
        faults = list(find_faults(self))
        if faults:
            raise PydanticCustomError(
                "policy_faults", "{summary}",
                {"summary": "; ".join(f.message for f in faults), "faults": [tuple(f) for f in faults]},
            )  # fmt: skip
        return self

    @cached_property
    def content(self) -> str:
        """The canonical JSON of the policy."""
        return self.model_dump_json(exclude_defaults=True)

    @cached_property
    def brief(self) -> dict[str, Any]:
        """The content, as a value."""
        content: dict[str, Any] = json.loads(self.content)
        return content

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content."""
        return ids.digest(self.content)

    @cached_property
    def first_day(self) -> int | None:
        """The earliest nominal day of a step: before it nothing lies behind a case."""
        days = (nominal_day(self.steps, step.when) for step in self.steps)
        return min((day for day in days if day is not None), default=None)

    @cached_property
    def followers(self) -> tuple[Step, ...]:
        """The steps that follow others, which may leave them behind."""
        return tuple(step for step in self.steps if any(named_steps(step.when, ())))

    @cached_property
    def by_id(self) -> dict[str, Step]:
        """The steps by their ids."""
        return {step.id: step for step in self.steps}


_SHARED: WeakValueDictionary[str, Policy] = WeakValueDictionary()


def shared(policy: Policy) -> Policy:
    """The one instance of equal policies in this process: thousands of open cases are pinned to the same few."""
    return _SHARED.setdefault(policy.digest, policy)


def _brief(policy: Policy) -> dict[str, Any]:
    return policy.brief


PinnedPolicy = Annotated[Policy, AfterValidator(shared), PlainSerializer(_brief)]
"""A policy as a field of what is kept for long."""


def claims_interest(policy: Policy, step: str) -> bool:
    """Whether a step claims interest and costs: the one the policy names, and those below it in the ladder."""
    if policy.claim_interest is None:
        return False
    order = [s.id for s in policy.steps]
    return step in order and order.index(step) >= order.index(policy.claim_interest.from_step)
