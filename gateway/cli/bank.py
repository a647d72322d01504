"""`arrears bank`: bank statements in; with --dry-run read, checked and listed, without server or ledger."""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from gateway.bank.csv_profiles import bank_profiles, load_bank_profile
from gateway.bank.identity import Seen
from gateway.bank.reading import read_statements
from gateway.bank.statement import BankFile
from gateway.cli.output import AsJson, DataDir, emit, harmless, reporting, say
from gateway.environment import load_settings
from gateway.errors import GatewayError, InputRefused, WrongUsage
from models.bank import BankEntry
from models.money import Money

TOLD = 20
"""How many reasons are named on the terminal for one file; `--json` has all."""

_COUNTS = ("accepted", "unchanged", "refused", "ignored")

_Files = Annotated[list[str], typer.Argument(metavar="FILES...", help="camt, MT940, MT942 or CSV; folders and zips.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Read, check sums and list, without server or ledger.")]
_Entries = Annotated[Path | None, typer.Option("--entries", help="Write each entry, as JSON Lines.")]
_Profile = Annotated[str | None, typer.Option("--profile", help="What the columns of CSV mean: name or YAML file.")]


@reporting
def bank(
    files: _Files,
    dry_run: _DryRun = False,
    entries: _Entries = None,
    profile: _Profile = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Read bank statements: payments and what came back. A file that does not add up is refused whole.

    Exit status: 0 done; 1 a file was refused; 2 wrong usage.
    """
    if not dry_run:
        raise WrongUsage("bank reads and checks so far, and books nothing: add --dry-run")
    folder = load_settings(data_dir).data_dir
    chosen = load_bank_profile(profile, folder) if profile else None
    known = [] if chosen else bank_profiles(folder)
    run = _DryRunReport()
    failures: dict[str, GatewayError] = {}
    with _lines(entries) as out:
        for name in files:
            try:
                for file in read_statements(Path(name), chosen, known):
                    run.take(file, out)
            except GatewayError as error:
                # One path that cannot be read must not keep the others from being looked at.
                failures[name] = error
                sys.stderr.write(f"arrears: {harmless(str(error))}\n")
    if as_json:
        errors = [{"file": name, "reason": str(failure)} for name, failure in failures.items()]
        emit({"files": run.files, "errors": errors, **run.totals()})
    else:
        _print(run)
    if failures or run.totals()["refused"]:
        raise typer.Exit(max((f.status for f in failures.values()), default=InputRefused.status))


class _DryRunReport:
    """What was found, file after file: counted, and written out entry by entry."""

    def __init__(self) -> None:
        self.files: list[dict[str, Any]] = []
        self._seen = Seen()
        self._sums: dict[str, Money] = {}
        self._payments = 0

    def take(self, file: BankFile, out: TextIO | None) -> None:
        """Count a file; its entries go to `out`."""
        report: dict[str, Any] = {"file": file.name, "format": file.format, **dict.fromkeys(_COUNTS, 0)}
        reasons: Counter[str] = Counter()
        report["refused"] = len(file.rejects)
        for statement in file.statements:
            self._seen.begin()
            for entry in statement.entries:
                new = self._seen.is_new(entry)
                report["accepted" if new else "unchanged"] += 1
                if new and entry.kind == "payment":
                    self._payments += 1
                    self._add(entry.amount)
                _write(out, file, entry, "accepted" if new else "unchanged")
            for entry, reason in statement.ignored:
                report["ignored"] += 1
                reasons[reason] += 1
                _write(out, file, entry, "ignored", reason)
        notes = list(file.notes)
        if not file.rejects and not sum(report[name] for name in _COUNTS):
            notes.append("nothing to take: the file has no entries")
        notes += [f"{count} ignored: {reason}" for reason, count in reasons.items()]
        report["rejects"] = [reject.as_json() for reject in file.rejects]
        report["notes"] = notes
        self.files.append(report)

    def _add(self, amount: Money) -> None:
        so_far = self._sums.get(amount.currency, Money.zero(amount.currency))
        self._sums[amount.currency] = so_far + amount

    def totals(self) -> dict[str, Any]:
        """The counts of all files; without the ledger there is nothing to match payments with."""
        counts = {name: sum(file[name] for file in self.files) for name in _COUNTS}
        amounts = {currency: _text(sum_.amount) for currency, sum_ in sorted(self._sums.items())}
        return {**counts, "matched": 0, "proposed": 0, "unmatched": self._payments, "amounts": amounts}


def _write(out: TextIO | None, file: BankFile, entry: BankEntry, status: str, reason: str = "") -> None:
    if out is None:
        return
    line = {
        "file": file.name,
        "entry": entry.entry,
        "status": status,
        "kind": entry.kind,
        "amount": _text(entry.amount.amount),
        "currency": entry.amount.currency,
        "date": entry.received_on.isoformat(),
        "booked_on": entry.booked_on.isoformat(),
        "account": entry.account,
        "payer": entry.payer,
        "payer_iban": entry.payer_iban,
        "remittance": list(entry.remittance),
        "reference": entry.creditor_reference,
        "end_to_end": entry.end_to_end,
        "servicer_reference": entry.servicer_reference,
        "charges": _text(entry.charges.amount) if entry.charges else None,
        "original": {"amount": _text(entry.original.amount), "currency": entry.original.currency}
        if entry.original
        else None,
        "return_reason": entry.return_reason,
        "key": entry.key,
        "reason": reason,
        "matches": [],
    }
    out.write(json.dumps(line, ensure_ascii=False) + "\n")


def _text(amount: Decimal) -> str:
    return f"{amount:f}"


def _print(run: _DryRunReport) -> None:
    for report in run.files:
        say(f"{report['file']}: {report['format']}: {_counts(report)}")
        for reject in report["rejects"][:TOLD]:
            where = f"line {reject['line']}" if "line" in reject else f"entry {reject['entry']}"
            what = f"{reject['field'].strip(':')}: " if reject["field"] else ""
            say(f"  refused, {where}: {what}{reject['reason']}")
        if len(report["rejects"]) > TOLD:
            say(f"  … and {len(report['rejects']) - TOLD} more reasons")
        for note in report["notes"]:
            say(f"  note: {note}")
    totals = run.totals()
    amounts = ", ".join(f"{amount} {currency}" for currency, amount in totals["amounts"].items())
    to_match = f"; {totals['unmatched']} to be matched ({amounts})" if amounts else ""
    say(_counts(totals) + to_match)


def _counts(report: dict[str, Any]) -> str:
    return ", ".join(f"{report[name]} {name}" for name in _COUNTS)


@contextmanager
def _lines(path: Path | None) -> Iterator[TextIO | None]:
    """The file for the entries; it appears under its name when all of them are in it."""
    if path is None:
        yield None
        return
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if path.is_dir():
            raise WrongUsage(f"--entries {path} is a directory; name a file")
        with part.open("w", encoding="utf-8") as file:
            yield file
        os.replace(part, path)
    except OSError as error:
        raise WrongUsage(f"--entries {path} cannot be written: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)
