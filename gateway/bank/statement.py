"""What comes out of a bank file: statements with their entries, or the reasons why the whole file was refused.

What an entry is, models/bank.py says; whether a statement adds up, checks.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from models.bank import BankEntry
from models.faults import shown
from models.money import Money


class Reject(NamedTuple):
    """One reason why a file was refused. `line` or `entry` says where; both may be missing."""

    field: str
    value: str
    reason: str
    line: int | None = None
    entry: str | None = None

    def __str__(self) -> str:
        """The refusal in one line, without the file's name."""
        where = f"line {self.line}: " if self.line else f"entry {self.entry}: " if self.entry else ""
        what = " ".join(part for part in (self.field, shown(self.value) if self.value else "") if part)
        return f"{where}{what}: {self.reason}" if what else f"{where}{self.reason}"

    def as_json(self) -> dict[str, Any]:
        """The form in which commands print it."""
        where = {"entry": self.entry} if self.entry and not self.line else {"line": self.line or 1}
        return {**where, "field": self.field, "value": self.value, "reason": self.reason}


class Refused(Exception):
    """A bank file is refused whole, for these reasons."""

    def __init__(self, *rejects: Reject, form: str = "") -> None:
        """Takes the reasons, of which there is at least one, and the format as far as it is known."""
        super().__init__("; ".join(map(str, rejects)))
        self.rejects = rejects
        self.form = form


class Balance(NamedTuple):
    """A balance of the account: less than zero where the account is overdrawn."""

    amount: Money
    on: date | None
    line: int | None = None


class Movement(NamedTuple):
    """What one entry of the bank does to the account: more than zero for a credit.

    Control sums are made of these: an entry that pays several invoices is one movement.
    """

    entry: str
    amount: Money
    booked: bool = True
    line: int | None = None


class Total(NamedTuple):
    """What the bank announces about its entries: how many, and their sum, each where it is given."""

    name: str
    number: int | None
    amount: Money | None
    line: int | None = None


class Ignored(NamedTuple):
    """An entry that is none of our business, and why."""

    entry: BankEntry
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement, report or notification of one account.

    `entries` are payments and reversals, to be matched; `opening` and `closing` are missing where the format has none.
    """

    file: str
    format: str
    account: str
    currency: str
    number: str = ""
    """The statement's own number; pages of it are told apart by `page`."""
    page: str = ""
    opening: Balance | None = None
    closing: Balance | None = None
    movements: tuple[Movement, ...] = ()
    totals: tuple[Total, ...] = ()
    entries: tuple[BankEntry, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    notes: tuple[str, ...] = ()
    line: int | None = None


@dataclass(frozen=True, slots=True)
class BankFile:
    """A file as it was read. With `rejects` it was refused whole, and there are no statements."""

    name: str
    format: str
    statements: tuple[Statement, ...] = ()
    rejects: tuple[Reject, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def entries(self) -> Iterable[BankEntry]:
        """The payments and reversals of all its statements."""
        return (entry for statement in self.statements for entry in statement.entries)
