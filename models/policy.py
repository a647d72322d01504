"""The policy: a ladder of steps as data. What a credit manager writes, and what a case is pinned to.

What the rules make of it with a case in hand lives in ladder.py.
"""

import json
import re
from collections.abc import Iterator
from datetime import time as clock_time
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args
from weakref import WeakValueDictionary

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, PlainSerializer, Tag, model_validator
from pydantic_core import PydanticCustomError

from models import ids
from models.base import Value
from models.contact_rules import ContactLimit, ContactRules
from models.durations import Days, Span
from models.money import Money
from models.parties import Channel, ChatChannel

MAX_POLICY_BYTES = 8 * 1024

StepId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]

StepKind = Literal[
    "reminder", "call", "visit", "formal_demand", "lawyer_letter", "referral", "guarantee", "insurer_notice",
    "insurance_claim", "legal_action", "write_off",
]  # fmt: skip
DUNNING: frozenset[str] = frozenset({"reminder", "call", "visit", "formal_demand", "lawyer_letter"})
"""What we say to the debtor ourselves; it stops while an agency or insurer holds the mandate."""
IRREVERSIBLE: frozenset[str] = frozenset({"referral", "insurance_claim", "legal_action"})

TriggerEvent = Literal[
    "debtor_insolvent", "contact_lost", "promise_broken", "dispute_resolved", "debtor_replied", "agency_reported",
]  # fmt: skip


class BeforeDue(Value):
    """So many calendar days before the contractual due date."""

    before_due: Days


class AfterDue(Value):
    """On the day that lies so many ladder days after the contractual due date (0: the due date itself)."""

    after_due: Days


class Delay(Value):
    """So many ladder days after another step was performed; `unanswered`: only if the debtor did not reply since."""

    step: StepId
    delay: Days
    unanswered: bool = False


class AfterStep(Value):
    """After another step."""

    after_step: Delay


class OnEvent(Value):
    """As soon as something happened."""

    on_event: TriggerEvent


class AnyOf(Value):
    """The earliest of several triggers (C1)."""

    any: tuple["Trigger", ...] = Field(min_length=1)


class AllOf(Value):
    """The latest of several triggers (C1)."""

    all: tuple["Trigger", ...] = Field(min_length=1)


def _trigger_key(given: Any) -> str | None:
    if isinstance(given, dict):
        return next((key for key in _TRIGGERS if key in given), None)
    return next((key for key in _TRIGGERS if key in getattr(type(given), "model_fields", ())), None)


_TRIGGERS = ("before_due", "after_due", "after_step", "on_event", "any", "all")

Trigger = Annotated[
    Annotated[BeforeDue, Tag("before_due")]
    | Annotated[AfterDue, Tag("after_due")]
    | Annotated[AfterStep, Tag("after_step")]
    | Annotated[OnEvent, Tag("on_event")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[AllOf, Tag("all")],
    Discriminator(
        _trigger_key,
        custom_error_type="unknown_trigger",
        custom_error_message="a trigger is one of before_due, after_due, after_step, on_event, any, all",
    ),
]

for _nested in (AnyOf, AllOf):
    _nested.model_rebuild(force=True)  # their fields name Trigger, which only exists now


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


class PolicyFault(NamedTuple):
    """An error of a policy: where (keys and indexes from the top) and what."""

    path: tuple[str | int, ...]
    message: str


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
        days = (nominal_day(self, step.when) for step in self.steps)
        return min((day for day in days if day is not None), default=None)

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


def nominal_day(policy: Policy, trigger: Trigger, seen: tuple[str, ...] = ()) -> int | None:
    """The ladder day on which `trigger` fires if everything before it happened on time and nobody answered.

    Days count from the contractual due date; None where no date can be known (events, or a cycle).
    """
    match trigger:
        case BeforeDue():
            return -trigger.before_due
        case AfterDue():
            return trigger.after_due
        case AfterStep(after_step=after):
            step = next((s for s in policy.steps if s.id == after.step), None)
            if step is None or step.id in seen:
                return None
            day = nominal_day(policy, step.when, (*seen, step.id))
            return None if day is None else day + after.delay
        case OnEvent():
            return None
        case AnyOf():
            days = [nominal_day(policy, t, seen) for t in trigger.any]
            return min((d for d in days if d is not None), default=None)
        case AllOf():
            days = [nominal_day(policy, t, seen) for t in trigger.all]
            return None if any(d is None for d in days) else max(d for d in days if d is not None)


def _references(trigger: Trigger, path: tuple[str | int, ...]) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Every step that a trigger names, with the place where it does."""
    match trigger:
        case AfterStep():
            yield trigger.after_step.step, (*path, "after_step", "step")
        case AnyOf():
            for i, inner in enumerate(trigger.any):
                yield from _references(inner, (*path, "any", i))
        case AllOf():
            for i, inner in enumerate(trigger.all):
                yield from _references(inner, (*path, "all", i))
        case _:
            pass


def find_faults(policy: Policy) -> Iterator[PolicyFault]:
    """What is wrong with a policy whose fields are each valid: the checks that need the whole ladder."""
    position: dict[str, int] = {}
    for i, step in enumerate(policy.steps):
        if step.id in position:
            yield PolicyFault(("steps", i, "id"), f"step id {step.id!r} is used twice")
        if step.id.startswith("duty_") or (step.id == "write_off" and step.kind != "write_off"):
            yield PolicyFault(("steps", i, "id"), f"the id {step.id!r} has a meaning of its own: choose another one")
        position.setdefault(step.id, i)
    claim = policy.claim_interest
    if claim and claim.from_step not in position:
        yield PolicyFault(("claim_interest", "from_step"), f"the ladder has no step {claim.from_step!r}")
    currencies = [money.currency for money in policy.tolerance]
    for n, money in enumerate(policy.tolerance):
        if money.amount <= 0 or currencies.index(money.currency) != n:
            yield PolicyFault(("tolerance", n), f"{money}: give one amount above zero per currency")
    above: tuple[str, int] | None = None
    for i, step in enumerate(policy.steps):
        named: list[tuple[str, tuple[str | int, ...]]] = [
            (reference, ("steps", i, "requires", n)) for n, reference in enumerate(step.requires)
        ]
        named += _references(step.when, ("steps", i, "when"))
        if step.only_if and step.only_if.unanswered_since:
            named.append((step.only_if.unanswered_since, ("steps", i, "only_if", "unanswered_since")))
        for reference, path in named:
            if reference not in position:
                yield PolicyFault(path, f"step {step.id!r} names {reference!r}, but the ladder has no such step")
            elif position[reference] >= i:
                yield PolicyFault(path, f"step {step.id!r} names {reference!r}, which does not come before it")
        day = nominal_day(policy, step.when)
        if day is not None:
            if above and day < above[1]:
                yield PolicyFault(
                    ("steps", i, "when"),
                    f"step {step.id!r} is triggered on day {day}, before {above[0]!r} (day {above[1]}), "
                    "which stands above it: write the steps in the order of their days",
                )
            above = (step.id, day) if above is None or day > above[1] else above
        for n, reference in enumerate(step.requires):
            before = policy.steps[position[reference]] if position.get(reference, i) < i else None
            before_day = nominal_day(policy, before.when) if before else None
            if before and before_day is not None and day is not None and day < before_day + before.cure_period:
                yield PolicyFault(
                    ("steps", i, "requires", n),
                    f"step {step.id!r} is triggered on day {day}, before {reference!r} "
                    f"(day {before_day}, cure period {before.cure_period} days) has run",
                )
        if step.kind in IRREVERSIBLE and not step.requires and any(
            s.kind == "formal_demand" for s in policy.steps
        ):  # fmt: skip
            yield PolicyFault(("steps", i), f"step {step.id!r} ({step.kind}) must name the formal demand in `requires`")
        chats = [channel for channel in step.channels if channel in get_args(ChatChannel)]
        if step.kind in ("formal_demand", "lawyer_letter") and chats and len(chats) == len(step.channels):
            yield PolicyFault(
                ("steps", i, "channels"),
                f"step {step.id!r} ({step.kind}) must be served as a letter: add email or post to its channels",
            )
        if step.repeat and step.kind in IRREVERSIBLE:
            yield PolicyFault(("steps", i, "repeat"), f"a {step.kind} cannot be repeated")
    if policy.contact is not None and policy.schedule.zone != "debtor":
        yield PolicyFault(("contact",), "hours of contact are the debtor's: set `zone: debtor` in `schedule`")
    size = len(policy.content.encode())
    if size > MAX_POLICY_BYTES:
        yield PolicyFault((), f"the policy has {size} bytes; at most {MAX_POLICY_BYTES} can be pinned into a case")
