"""`arrears journal`: what happened here, as a file for the accounting system."""

import csv
from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.accounts import Accounts, load_accounts
from gateway.cli.output import AsJson, DataDir, appearing, emit, reporting, say
from gateway.cli.session import day, with_ledger
from gateway.environment import load_settings
from gateway.errors import WrongUsage
from gateway.journal import Period
from gateway.journal import journal as lines_of
from models.journal import Entry, JournalLine, totals
from models.money import Money

COLUMNS = (
    "id", "date", "creditor", "invoice", "buyer", "type", "debit", "credit", "amount", "currency", "reference", "text",
    "sequence",
)  # fmt: skip
"""Their order is part of the format; new ones are only ever added at the end."""


@reporting
def journal(
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="The first day.")],
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="The last day.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.csv", help="The file to write.")],
    creditor: Annotated[str | None, typer.Option("--creditor", metavar="CODE", help="Of this creditor only.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write interest, waivers, write-offs, credits, payments and unapplied cash as double entries.

    The same days give the same lines, each under the same id: what was imported before can be told by it. The accounts
    are those of policies/accounts.yaml.
    """
    period = _period(first, last)
    accounts = load_accounts(load_settings(data_dir).data_dir)
    sums = with_ledger(
        data_dir, lambda service: _write(output, lines_of(service.ledger.engine, period, creditor), accounts)
    )
    if as_json:
        emit(_json(sums, output))
        return
    for (account, currency), (debits, credits) in sorted(sums.accounts.items()):
        say(f"{account:<24} {currency}  debit {debits.amount:>16,}  credit {credits.amount:>16,}")
    for currency, money in sorted(sums.currencies.items()):
        say(f"{'total':<24} {currency}  debit {money.amount:>16,}  credit {money.amount:>16,}")
    say(f"{sums.count} entries written to {output}")


class _Sums:
    """What was written, added up."""

    def __init__(self) -> None:
        self.count = 0
        self.types: Counter[str] = Counter()
        self.accounts: dict[tuple[str, str], tuple[Money, Money]] = {}
        self.currencies: dict[str, Money] = {}

    def add(self, line: JournalLine, entry: Entry, debit: str, credit: str) -> None:
        self.count += 1
        self.types[entry.type] += 1
        nothing = Money.zero(entry.amount.currency)
        self.currencies[nothing.currency] = self.currencies.get(nothing.currency, nothing) + entry.amount
        for (account, currency), (debits, credits) in totals([entry]).items():
            name = debit if account == entry.debit else credit
            there = self.accounts.get((name, currency), (nothing, nothing))
            self.accounts[name, currency] = (there[0] + debits, there[1] + credits)


def _write(output: Path, lines: Iterable[JournalLine], accounts: Accounts) -> _Sums:
    sums = _Sums()
    with appearing("-o", output, newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(COLUMNS)
        for line in lines:
            entry = line.entry
            debit, credit = (accounts.number(line.creditor, account) for account in (entry.debit, entry.credit))
            sums.add(line, entry, debit, credit)
            writer.writerow((
                line.id, line.date.isoformat(), line.creditor, line.invoice, line.buyer, entry.type, debit, credit,
                f"{entry.amount.amount:f}", entry.amount.currency, entry.reference, entry.text,
                "" if line.sequence is None else line.sequence,
            ))  # fmt: skip
    return sums


def _period(first: str, last: str) -> Period:
    begin, end = day(first, "--from"), day(last, "--to")
    assert isinstance(begin, date) and isinstance(end, date)
    if end < begin:
        raise WrongUsage(f"--from {begin} lies after --to {end}")
    return Period(begin, end)


def _json(sums: _Sums, output: Path) -> dict[str, Any]:
    return {
        "file": str(output), "entries": sums.count, "types": dict(sorted(sums.types.items())),
        "totals": {currency: f"{money.amount:f}" for currency, money in sorted(sums.currencies.items())},
        "accounts": [
            {"account": account, "currency": currency, "debit": f"{d.amount:f}", "credit": f"{c.amount:f}"}
            for (account, currency), (d, c) in sorted(sums.accounts.items())
        ],
    }  # fmt: skip
