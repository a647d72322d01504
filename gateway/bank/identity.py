"""Which entries are the same: numbers those that are alike, and remembers what was seen.

What makes entries alike, models/bank.py says. What the ledger has seen, only the ledger knows.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace

from gateway.bank.checks import content
from gateway.bank.statement import Statement
from models import ids
from models.bank import BankEntry

_INTRADAY = ("camt.052", "mt942")


def numbered(statements: Sequence[Statement]) -> list[Statement]:
    """The statements of one file, with each entry's `nth` set.

    Statements of an account that follow each other hold different entries, so that two that are alike stay apart. A
    statement that is in the file twice holds the same entries, and an intraday report may hold again what an
    earlier one had: they count from the beginning. So do batches, of which one in several statements is the same as
    long as no balances prove that each has its own.
    """
    found: list[Statement] = []
    counts: dict[tuple[str, ...], Counter[str]] = {}
    batches: Counter[str] = Counter()
    known: set[Hashable] = set()
    for statement in statements:
        says = content(statement)
        if says in known or statement.format.startswith(_INTRADAY):
            seen: Counter[str] = Counter()
        else:
            seen = counts.setdefault((statement.format, statement.account), Counter())
        entries = {entry.entry: _nth(entry, seen) for entry in _in_order(statement)}
        if says not in known and _proven(statement):
            entries = {place: _of_batch(entry, batches) for place, entry in entries.items()}
            batches.update({entry.group for entry in _in_order(statement)})
        known.add(says)
        ignored = tuple(item._replace(entry=entries[item.entry.entry]) for item in statement.ignored)
        found.append(replace(statement, entries=tuple(entries[e.entry] for e in statement.entries), ignored=ignored))
    return found


def _in_order(statement: Statement) -> Iterable[BankEntry]:
    return (*statement.entries, *(item.entry for item in statement.ignored))


def _nth(entry: BankEntry, seen: Counter[str]) -> BankEntry:
    likeness = entry.likeness
    seen[likeness] += 1
    return entry if seen[likeness] == 1 else entry.but(nth=seen[likeness])


def _proven(statement: Statement) -> bool:
    """Whether its balances say that all its entries are its own."""
    balances = statement.opening is not None and statement.closing is not None
    return balances and not statement.format.startswith(_INTRADAY)


def _of_batch(entry: BankEntry, batches: Counter[str]) -> BankEntry:
    before = batches[entry.group] if entry.group else 0
    return entry.but(group=ids.digest(f"{entry.group}\n{before + 1}")[:32]) if before else entry


class Seen:
    """The entries seen so far, file after file."""

    def __init__(self) -> None:
        """None yet."""
        self._keys: set[str] = set()
        self._groups: dict[str, int] = {}
        self._statement = 0

    def begin(self) -> None:
        """A new statement begins."""
        self._statement += 1

    def is_new(self, entry: BankEntry) -> bool:
        """Whether the entry was not seen before, be it whole or split otherwise; it counts as seen now."""
        key = entry.key
        if key in self._keys:
            return False
        if entry.group and self._groups.setdefault(entry.group, self._statement) != self._statement:
            return False
        self._keys.add(key)
        return True
