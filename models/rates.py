"""Figures of the law with their dates, and rates as tables: what was in force on a day, or an error if nobody knows."""

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from models.base import Value
from models.faults import Keys, faults_within

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _day(given: Any) -> Any:
    # Pydantic would take a bare number for seconds since 1970, and a time of day for a date.
    if type(given) is date or (isinstance(given, str) and _ISO_DAY.fullmatch(given)):
        return given
    raise ValueError(f"{str(given)!r} is not a date such as 2026-01-31")


def _number(given: Any) -> Any:
    if isinstance(given, Decimal) or (isinstance(given, int | str) and not isinstance(given, bool)):
        return given
    raise ValueError(f"{given!r} is not a number such as 2.15")


Day = Annotated[date, BeforeValidator(_day)]
Points = Annotated[Decimal, BeforeValidator(_number), Field(ge=-100, le=1000)]
"""Percent, or percentage points; an amount below nothing is possible (negative base rates)."""


class Figure(Value):
    """A figure of the law: where it comes from, since when it holds, and whether it was checked against a source.

    An unverified figure is our best knowledge, and says so wherever it is printed.
    """

    source: str = Field(min_length=1)
    valid_from: Day
    verified: bool
    note: str = ""


class RateRow(Figure):
    """One rate of a table, from the first to the last day on which it holds."""

    percent: Points
    valid_until: Day | None = Field(default=None, description="only the last row may be open: until the law changes")


class NoRate(ValueError):
    """A table has no rate for a day. It is never answered with an older one."""


class RateTable(Value):
    """A rate over time. Rows follow each other without gap or overlap."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    title: str = Field(min_length=1)
    per: Literal["year", "day"] = "year"
    rates: tuple[RateRow, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _seamless(self) -> Self:
        found = list(continuity_faults([(row.valid_from, row.valid_until) for row in self.rates]))
        if found:
            raise faults_within((("rates", *path), message) for path, message in found)
        return self

    @property
    def known_until(self) -> date | None:
        """The last day with a rate; None if the last rate holds until the law changes."""
        return self.rates[-1].valid_until

    def on(self, day: date) -> RateRow:
        """The row in force on a day.

        Raises:
            NoRate: The table does not reach to that day.
        """
        for row in reversed(self.rates):
            if row.valid_from <= day:
                if row.valid_until is None or day <= row.valid_until:
                    return row
                break
        end = f"until {self.known_until}" if self.known_until else "on"
        raise NoRate(
            f"rate table {self.id!r} ({self.title}) has no rate for {day}: "
            f"it is known from {self.rates[0].valid_from} {end}"
        )

    def between(self, first: date, last: date) -> Iterator[tuple[date, date, RateRow]]:
        """The rows in force from `first` to `last`, each with its first and last day in that period.

        Raises:
            NoRate: A day of the period has no rate.
        """
        day = first
        while day <= last:
            row = self.on(day)
            end = last if row.valid_until is None else min(row.valid_until, last)
            yield day, end, row
            if end == last:
                return
            day = end + timedelta(days=1)


def continuity_faults(rows: Sequence[tuple[date | None, date | None]]) -> Iterator[tuple[Keys, str]]:
    """Gaps and overlaps in rows of (first day, last day), each with the path to the field that is wrong.

    A first day of None is one that could not be read; the row is passed over.
    """
    for i, (start, end) in enumerate(rows):
        if start is None:
            continue
        if end is not None and end < start:
            yield (i, "valid_until"), f"{end} lies before {start}, on which the row begins"
        elif end is None and i + 1 < len(rows):
            yield (i, "valid_until"), "is required: only the last row may be open"
        if i == 0:
            continue
        before_start, before_end = rows[i - 1]
        if before_start is None or before_end is None or before_end < before_start:
            continue
        expected = before_end + timedelta(days=1)
        if start > expected:
            last_missing = start - timedelta(days=1)
            yield (i, "valid_from"), f"leaves a gap: no rate from {expected} to {last_missing}"
        elif start < expected:
            yield (i, "valid_from"), f"overlaps the row before it, which holds until {before_end}"
