"""`arrears bank`: bank statements in. With --dry-run read, checked and listed, without server or ledger.

How statements are read is in gateway/bank/; how they are booked, in gateway/bank/booking.py.
"""

import asyncio
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from gateway.bank.csv_profiles import bank_profiles, load_bank_profile
from gateway.bank.reading import read_statements
from gateway.bank.report import COUNTS, STATUSES, BankReport
from gateway.bank.statement import BankFile
from gateway.cli.output import AsJson, DataDir, appearing, emit, err, harmless, reporting, say
from gateway.environment import load_settings
from gateway.errors import GatewayError, InputRefused, Unreachable

TOLD = 20
"""How many reasons are named on the terminal for one file; `--json` has all."""

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
    run = BankReport()
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

    with nullcontext() if entries is None else appearing("--entries", entries) as out:
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
    files: Iterable[BankFile], run: BankReport, out: TextIO | None, creditor: str | None, data_dir: str | None
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
            with err.status("") if err.is_terminal else nullcontext() as status:
                delivery = await deliver(
                    Service(settings, ledger, client), messages,
                    lambda told: status.update(f"{told} of {len(messages)} told") if status else None,
                )  # fmt: skip
            return delivery.waiting

    return asyncio.run(work())


def _print(run: BankReport, dry_run: bool) -> None:
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
    matched = ", ".join(f"{totals[status]} {status}" for status in STATUSES)
    matched = f"{totals['unmatched']} to be matched" if dry_run else matched
    say(_counts(totals) + (f"; {matched} ({amounts})" if amounts else ""))
    if not dry_run and (totals["proposed"] or totals["unmatched"]):
        say("what is not certain waits for a person: `arrears match`")


def _counts(report: dict[str, Any]) -> str:
    return ", ".join(f"{report[name]} {name}" for name in COUNTS)
