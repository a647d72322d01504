"""What makes a step fire: so many days before or after the due date, after another step, or as something happens.

When a trigger fires in a case with a history is in ladder.py.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, Protocol

from pydantic import Discriminator, Field, Tag

from models.base import Value
from models.durations import Days

StepId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]

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


class Triggered(Protocol):
    """A step, as far as its trigger goes."""

    @property
    def id(self) -> str:
        """Its name."""

    @property
    def when(self) -> Trigger:
        """Its trigger."""


def nominal_day(steps: Sequence[Triggered], trigger: Trigger, seen: tuple[str, ...] = ()) -> int | None:
    """The ladder day on which `trigger` fires if everything before it happened on time and nobody answered.

    Days count from the contractual due date; None where no date can be known (events, or a cycle).
    """
    match trigger:
        case BeforeDue():
            return -trigger.before_due
        case AfterDue():
            return trigger.after_due
        case AfterStep(after_step=after):
            step = next((s for s in steps if s.id == after.step), None)
            if step is None or step.id in seen:
                return None
            day = nominal_day(steps, step.when, (*seen, step.id))
            return None if day is None else day + after.delay
        case OnEvent():
            return None
        case AnyOf():
            days = [nominal_day(steps, t, seen) for t in trigger.any]
            return min((d for d in days if d is not None), default=None)
        case AllOf():
            days = [nominal_day(steps, t, seen) for t in trigger.all]
            return None if any(d is None for d in days) else max(d for d in days if d is not None)


def named_steps(trigger: Trigger, path: tuple[str | int, ...]) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Every step that a trigger names, with the place where it does."""
    match trigger:
        case AfterStep():
            yield trigger.after_step.step, (*path, "after_step", "step")
        case AnyOf():
            for i, inner in enumerate(trigger.any):
                yield from named_steps(inner, (*path, "any", i))
        case AllOf():
            for i, inner in enumerate(trigger.all):
                yield from named_steps(inner, (*path, "all", i))
        case _:
            pass
