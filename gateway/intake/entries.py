"""What comes out of a file: rows that were accepted, and rows that were refused with the reason.

How they are read lives in reading.py (records) and rows.py (their meaning).
"""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from models.faults import shown as shown
from models.invoice import Invoice
from models.money import Money

Original = tuple[str, ...] | dict[str, object] | str
"""A record as it stood in the file: cells, keys and values, or the beginning of what has neither."""


class Fault(ValueError):
    """What is wrong with one field of a row."""

    def __init__(self, field: str, value: str, reason: str) -> None:
        """Keep the parts of the message: the canonical `field`, the `value` as given, the `reason`."""
        super().__init__(reason)
        self.field = field
        self.value = value
        self.reason = reason


class InvoiceRow(NamedTuple):
    """One row: the invoice, and what the file says about its fate (used by simulations only)."""

    invoice: Invoice
    policy: str | None = None
    settled: date | None = None
    disputed: bool = False
    due_from: str = ""
    """How the due date follows, where the row does not give it."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A row that can be pursued. `line` is the physical line on which its record starts.

    `duplicate_of` is the line of an earlier row with the same content, of which this one is a repetition. Who
    refuses the row for reasons of his own makes a `Rejected` with its `original`.
    """

    line: int
    row: InvoiceRow
    original: Original
    duplicate_of: int | None = None

    note: str = ""
    """What a person should know about it: where its due date came from, for instance."""
    corrects: tuple[str, ...] = ()
    """The numbers of earlier invoices in whose place this one comes."""


@dataclass(frozen=True, slots=True)
class Credited:
    """A credit note, and the invoice it reduces."""

    creditor: str
    number: str
    amount: Money
    issued: date | None
    invoice: str | None
    """The number of the invoice; None where the credit note does not say."""
    line: int
    original: Original
    note: str = ""


class Ignored(NamedTuple):
    """What is none of our business, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was refused. `value` is safe to print: shortened, control characters escaped."""

    line: int
    field: str
    value: str
    reason: str
    original: Original

    def __str__(self) -> str:
        """The refusal in one line, without the file's name."""
        what = f"{self.field} {self.value}" if self.value else self.field
        return f"line {self.line}: {what}: {self.reason}" if what else f"line {self.line}: {self.reason}"
