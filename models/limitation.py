"""Limitation: until when a claim can be enforced, and what moves that day (R20). Calendar days, never paused.

What moves it differs by law: a reminder restarts the period in one country and does nothing in the next.
"""

import re
from datetime import date, timedelta
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from models.interest import years_later
from models.rates import Figure

LimitationEvent = Literal[
    "reminder", "demand", "acknowledgment", "part_payment", "promise", "suit", "court_order", "negotiations",
]  # fmt: skip
Effect = Literal["restart", "suspend", "postpone", "none"]

_ISO = re.compile(r"P(?=\d)(?:(\d{1,2})Y)?(?:(\d{1,2})M)?")


class Months(NamedTuple):
    """A period of calendar months, as statutes count them; twelve to the year."""

    number: int

    def after(self, day: date) -> date:
        """The last day of the period that begins on the day after `day`."""
        years, month = divmod(day.month - 1 + self.number, 12)
        first = years_later(day.replace(day=1), years).replace(month=month + 1)
        following = (first + timedelta(days=31)).replace(day=1)
        return min(first + timedelta(days=day.day - 1), following - timedelta(days=1))

    def __str__(self) -> str:
        years, months = divmod(self.number, 12)
        return "P" + (f"{years}Y" if years else "") + (f"{months}M" if months else "")


def _months(given: Any) -> Months:
    if isinstance(given, Months):
        return given
    match = _ISO.fullmatch(given) if isinstance(given, str) else None
    number = int(match[1] or 0) * 12 + int(match[2] or 0) if match else 0
    if not number:
        raise ValueError(f"{str(given)!r} is not a period of years or months; write it as P3Y or P6M")
    return Months(number)


Period = Annotated[Months, BeforeValidator(_months), PlainSerializer(str, return_type=str)]
Start = Literal["due_date", "year_end"]


class Move(Figure):
    """What an event does to the period: a restart begins it anew, a suspension stops it while it lasts."""

    event: LimitationEvent
    effect: Effect
    by: Period | None = Field(default=None, description="how far a postponement goes")

    @model_validator(mode="after")
    def _length(self) -> Self:
        if (self.by is not None) != (self.effect == "postpone"):
            raise ValueError("`by` says how far a postponement goes: give it with `effect: postpone`, and only there")
        return self


class SpecialPeriod(Figure):
    """A period of its own for certain claims, such as those against a guarantor."""

    period: Period
    starts: Start = "due_date"


class Limitation(Figure):
    """How long a claim can be enforced."""

    period: Period
    starts: Start = Field(description="the day after which the period runs: the due date, or the end of its year")
    longest: Period | None = Field(default=None, description="from the due date, whatever restarts it")
    moves: tuple[Move, ...] = ()
    special: dict[str, SpecialPeriod] = {}

    def move(self, event: LimitationEvent) -> Move | None:
        """What an event does; None if the table does not say."""
        return next((move for move in self.moves if move.event == event), None)


def limitation_date(rule: Limitation | SpecialPeriod, due: date, restarted_on: date | None = None) -> date:
    """The last day on which the claim can be enforced.

    Args:
        rule: The jurisdiction's rule, or one of its special periods.
        due: The contractual due date; no promise, plan or extension moves it.
        restarted_on: The day of the last event that began the period anew. It then runs from that very day,
            also where the first one ran from the end of the year (e.g. DE: BGB § 212); one that has not begun yet
            cannot begin anew.
    """
    begin = date(due.year, 12, 31) if rule.starts == "year_end" else due
    if restarted_on is not None:
        begin = max(begin, restarted_on)
    last = rule.period.after(begin)
    longest = rule.longest if isinstance(rule, Limitation) else None
    return min(last, longest.after(due)) if longest else last
