"""`arrears bank`: bank statements in. With --dry-run read, checked and listed, without server or ledger.

How statements are read is in gateway/bank/; how they are booked, in gateway/bank/booking.py.
"""

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from gateway.bank.csv_profiles import bank_profiles, load_bank_profile
from gateway.bank.identity import Seen
from gateway.bank.reading import read_statements
from gateway.bank.statement import BankFile
from gateway.cli.output import AsJson, DataDir, emit, err, harmless, reporting, say
from gateway.environment import load_settings
from gateway.errors import GatewayError, InputRefused, Unreachable, WrongUsage
from models.bank import BankEntry
from models.money import Money

TOLD = 20
"""How many reasons are named on the terminal for one file; `--json` has all."""

_COUNTS = ("accepted", "unchanged", "refused", "ignored")
_STATUSES = ("matched", "proposed", "unmatched")

_Files = Annotated[list[str], typer.Argument(metavar="FILES...", help="camt, MT940, MT942 or CSV; folders and zips.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Read, check sums and list, without server or ledger.")]
_Entries = Annotated[Path | None, typer.Option("--entries", help="Write each entry, as JSON Lines.")]
_Profile = Annotated[str | None, typer.Option("--profile", help="What the columns of CSV mean: name or YAML file.")]
_Creditor = Annotated[
    str | None, typer.Option("--creditor", metavar="CODE", help="Whose account it is, where its file does not name it.")
]


@reporting
def bank(
    files: _Files,
    dry_run: _DryRun = False,
    entries: _Entries = None,
    profile: _Profile = None,
    creditor: _Creditor = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Book bank statements: payments are matched to invoices and their cases told, returns taken back.

    A file that does not add up is refused whole. What is certain is applied; the rest waits in `arrears match`. The
    same file again changes nothing. Without the server everything is stored, and delivered later (`reconcile`).

    Exit status: 0 done; 1 a file was refused; 2 wrong usage; 3 stored, but the server could not be reached.
    """
    folder = load_settings(data_dir).data_dir
    chosen = load_bank_profile(profile, folder) if profile else None
    known = [] if chosen else bank_profiles(folder)
    run = _Report()
    failures: dict[str, GatewayError] = {}
    waiting: tuple[str, ...] = ()

    def read() -> Iterator[BankFile]:
        for name in files:
            try:
                yield from read_statements(Path(name), chosen, known)
            except GatewayError as error:
                # One path that cannot be read must not keep the others from being looked at.
                failures[name] = error
                sys.stderr.write(f"arrears: {harmless(str(error))}\n")

    with _lines(entries) as out:
        if dry_run:
            for file in read():
                run.looked_at(file, out)
        else:
            waiting = _book(read(), run, out, creditor, data_dir)
    if as_json:
        errors = [{"file": name, "reason": str(failure)} for name, failure in failures.items()]
        told = {} if dry_run else {"waiting": len(waiting)}
        emit({"files": run.files, "errors": errors, **run.totals(), **told})
    else:
        _print(run, dry_run)
    if waiting:
        sys.stderr.write(
            f"arrears: {len(waiting)} messages wait in the ledger ({harmless(waiting[0])}): the same command again, "
            "`arrears reconcile`, or the worker within ten minutes delivers them\n"
        )
        raise typer.Exit(Unreachable.status)
    if failures or run.totals()["refused"]:
        raise typer.Exit(max((f.status for f in failures.values()), default=InputRefused.status))


def _book(
    files: Iterable[BankFile], run: "_Report", out: TextIO | None, creditor: str | None, data_dir: str | None
) -> tuple[str, ...]:  # fmt: skip
    """Book the files, then tell the cases; what could not be delivered."""
    from gateway.bank.booking import Bookkeeper, deliver
    from gateway.cli.session import closing
    from gateway.connection import connect_server, open_ledger
    from gateway.creditor_files import list_creditors, load_creditor
    from gateway.service import Service

    settings = load_settings(data_dir)
    if creditor is not None:
        load_creditor(creditor, settings.data_dir)
    creditors = [listed.creditor for listed in list_creditors(settings.data_dir)]

    async def work() -> tuple[str, ...]:
        with closing(open_ledger(settings)) as ledger:
            keeper = Bookkeeper(Service(settings, ledger), creditors, creditor)
            for file in files:
                run.booked(file, keeper, out)
            messages = ledger.undelivered()
            if not messages:
                return ()
            try:
                client = await connect_server(settings, wait=5)
            except Unreachable as error:
                return tuple(f"{creditor}/{number}: {error}" for creditor, number, _ in messages)
            with err.status("") if err.is_terminal else _quiet() as status:
                delivery = await deliver(
                    Service(settings, ledger, client), messages,
                    lambda told: status.update(f"{told} of {len(messages)} told") if status else None,
                )  # fmt: skip
            return delivery.waiting

    return asyncio.run(work())


@contextmanager
def _quiet() -> Iterator[None]:
    yield None


class _Report:
    """What was found, file after file: counted, and written out entry by entry."""

    def __init__(self) -> None:
        self.files: list[dict[str, Any]] = []
        self._seen = Seen()
        self._sums: dict[str, Money] = {}
        self._statuses: Counter[str] = Counter()

    def looked_at(self, file: BankFile, out: TextIO | None) -> None:
        """Count a file that is not booked; its entries go to `out`. Without the ledger nothing can be matched."""
        report = self._begun(file)
        for statement in file.statements:
            self._seen.begin()
            for entry in statement.entries:
                new = self._seen.is_new(entry)
                self._count(report, entry, "unmatched" if new else "unchanged")
                _write(out, file, entry, "accepted" if new else "unchanged")
        self._end(report, file, out)

    def booked(self, file: BankFile, keeper: Any, out: TextIO | None) -> None:
        """Book a file and count it."""
        report = self._begun(file)
        try:
            for one in keeper.book(file):
                self._count(report, one.entry, one.status if one.new else "unchanged")
                shares = [
                    {"invoice": s.number, "amount": _text(s.amount.amount), "score": s.score, "reason": s.reason}
                    for s in one.matches
                ]
                _write(out, file, one.entry, one.status, one.reason, shares)
        except InputRefused as refusal:
            report["refused"] += 1
            report["rejects"].append({"line": 1, "field": "account", "value": "", "reason": str(refusal)})
            self.files.append(report)
            return
        self._end(report, file, out)

    def _begun(self, file: BankFile) -> dict[str, Any]:
        report: dict[str, Any] = {"file": file.name, "format": file.format, **dict.fromkeys(_COUNTS, 0)}
        report["refused"] = len(file.rejects)
        report["rejects"] = [reject.as_json() for reject in file.rejects]
        report["notes"] = list(file.notes)
        return report

    def _count(self, report: dict[str, Any], entry: BankEntry, status: str) -> None:
        report["unchanged" if status == "unchanged" else "accepted"] += 1
        if status == "unchanged" or entry.kind != "payment":
            return
        self._statuses[status] += 1
        so_far = self._sums.get(entry.amount.currency, Money.zero(entry.amount.currency))
        self._sums[entry.amount.currency] = so_far + entry.amount

    def _end(self, report: dict[str, Any], file: BankFile, out: TextIO | None) -> None:
        reasons: Counter[str] = Counter()
        for statement in file.statements:
            for entry, reason in statement.ignored:
                report["ignored"] += 1
                reasons[reason] += 1
                _write(out, file, entry, "ignored", reason)
        if not file.rejects and not sum(report[name] for name in _COUNTS):
            report["notes"].append("nothing to take: the file has no entries")
        report["notes"] += [f"{count} ignored: {reason}" for reason, count in reasons.items()]
        self.files.append(report)

    def totals(self) -> dict[str, Any]:
        """The counts of all files."""
        counts = {name: sum(file[name] for file in self.files) for name in _COUNTS}
        amounts = {currency: _text(sum_.amount) for currency, sum_ in sorted(self._sums.items())}
        return {**counts, **{status: self._statuses[status] for status in _STATUSES}, "amounts": amounts}


def _write(
    out: TextIO | None, file: BankFile, entry: BankEntry, status: str, reason: str = "",
    matches: Iterable[dict[str, Any]] = (),
) -> None:  # fmt: skip
    if out is None:
        return
    original = entry.original
    line = {
        "file": file.name, "entry": entry.entry, "status": status, "kind": entry.kind,
        "amount": _text(entry.amount.amount), "currency": entry.amount.currency, "date": entry.received_on.isoformat(),
        "booked_on": entry.booked_on.isoformat(), "account": entry.account, "payer": entry.payer,
        "payer_iban": entry.payer_iban, "remittance": list(entry.remittance), "reference": entry.creditor_reference,
        "end_to_end": entry.end_to_end, "servicer_reference": entry.servicer_reference,
        "charges": _text(entry.charges.amount) if entry.charges else None,
        "original": {"amount": _text(original.amount), "currency": original.currency} if original else None,
        "return_reason": entry.return_reason, "key": entry.key, "reason": reason, "matches": list(matches),
    }  # fmt: skip
    out.write(json.dumps(line, ensure_ascii=False) + "\n")


def _text(amount: Decimal) -> str:
    return f"{amount:f}"


def _print(run: _Report, dry_run: bool) -> None:
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
    matched = ", ".join(f"{totals[status]} {status}" for status in _STATUSES)
    matched = f"{totals['unmatched']} to be matched" if dry_run else matched
    say(_counts(totals) + (f"; {matched} ({amounts})" if amounts else ""))
    if not dry_run and (totals["proposed"] or totals["unmatched"]):
        say("what is not certain waits for a person: `arrears match`")


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
