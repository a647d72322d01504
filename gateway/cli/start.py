"""`arrears start`: files of invoices in, a case for each."""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.intake import TOLD, tracked
from gateway.cli.output import AsJson, DataDir, emit, harmless, reporting, say
from gateway.cli.session import with_service
from gateway.creditor_files import list_creditors, load_creditor
from gateway.environment import load_settings
from gateway.errors import InputRefused, WrongUsage
from gateway.intake.entries import Rejected
from gateway.intake.guess import Guess
from gateway.intake.invoices import Entry, InvoiceFile
from gateway.intake.profiles import load_profile
from gateway.openings import Lapse, Openings, begins_at
from gateway.receiving import Reception, Wishes
from gateway.reports import COUNTS, Reports
from gateway.service import Service
from models.ids import CREDITOR_CODE

MAX_LAPSE = 10_000_000
"""A year in three seconds; a faster clock would run out of calendar."""


@reporting
def start(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILES...",
            help="Invoices: UBL, CII, Factur-X PDF, CSV, JSON Lines, XLSX; folders and zips of them.",
        ),
    ],
    profile: Annotated[str | None, typer.Option("--profile", help="Which column is what: name or YAML file.")] = None,
    creditor: Annotated[
        str | None, typer.Option("--creditor", help="The creditor of all e-invoices, and of tables that name none.")
    ] = None,
    policy: Annotated[str | None, typer.Option("--policy", help="The policy for all rows: name or YAML file.")] = None,
    accept_guess: Annotated[
        bool, typer.Option("--accept-guess", help="Take guessed columns without asking; --dry-run shows them.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and judge everything; store and start nothing. Needs no server.")
    ] = False,
    time_lapse: Annotated[
        float, typer.Option("--time-lapse", min=1, max=MAX_LAPSE, help="Business time runs this much faster.")
    ] = 1,
    begin: Annotated[
        str, typer.Option("--begin", help="Business time at which cases begin: now, YYYY-MM-DD, issued, due, due-4d.")
    ] = "now",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Start a case for every invoice of the files. The same command again starts only what is missing."""
    lapse = Lapse(time_lapse, begin)
    begins_at(lapse.begin, date(2000, 1, 1), None, datetime.now(UTC))
    folder = load_settings(data_dir).data_dir
    wishes = Wishes(load_profile(profile, folder) if profile else None, creditor, dry_run)
    if creditor is not None:
        _check_creditor(creditor, folder, dry_run)
    openings = Openings(folder, policy, lapse, dry_run)
    watch = _Terminal(accept_guess)

    async def work(service: Service | None) -> Reports:
        if lapse.factor != 1 and service is not None and not service.time_lapse_allowed:
            raise WrongUsage("--time-lapse is for demonstrations: set ARREARS_ALLOW_TIME_LAPSE=1 where it is safe")
        if policy:
            openings.policy(policy)
        creditors = [listed.creditor for listed in list_creditors(folder)]
        return await Reception(folder, wishes, creditors, openings.of, Reports(watch), service).take(files)

    taken = asyncio.run(work(None)) if dry_run else with_service(data_dir, work)
    reports, failures = taken.all, taken.failures
    for error in failures.values():
        sys.stderr.write(f"arrears: {harmless(str(error))}\n")
    totals = {key: sum(r[key] for r in reports) for key in COUNTS}
    if as_json:
        errors = [{"file": name, "reason": str(failure)} for name, failure in failures.items()]
        emit({"files": reports, "errors": errors, **totals})
    else:
        for report in reports:
            if report["file"] not in failures:
                _print(report)
        if len(reports) != 1 or len(files) != 1:
            say(_counts(totals))
    if failures or totals["refused"]:
        raise typer.Exit(max((f.status for f in failures.values()), default=InputRefused.status))


def _check_creditor(code: str, folder: str, dry_run: bool) -> None:
    if not CREDITOR_CODE.fullmatch(code):
        raise WrongUsage(f"--creditor {code!r}: a creditor code has 1 to 40 of the characters A-Z 0-9 _ -")
    if not dry_run:
        load_creditor(code, folder)


class _Terminal:
    """Who started the command looks on: a bar, the first refusals of each file, and a question about guesses."""

    def __init__(self, accept_guess: bool) -> None:
        self._accept_guess = accept_guess
        self._told: Counter[str] = Counter()

    def follow(self, file: InvoiceFile) -> Iterator[Entry]:
        yield from tracked(file, file.path.name)
        if (more := self._told[str(file.path)] - TOLD) > 0:
            sys.stderr.write(f"{file.path}: … and {more:,} more refused rows\n")

    def refused(self, name: str, rejected: Rejected, document: bool) -> None:
        self._told[name] += 1
        if self._told[name] > TOLD:
            return
        said = str(rejected).removeprefix(f"line {rejected.line}: ") if document else str(rejected)
        sys.stderr.write(f"{harmless(name)}: {harmless(said)}\n")

    def kept(self, count: int, path: Path) -> None:
        sys.stderr.write(f"{count:,} refused; mend them in {path} and feed that file again\n")

    def confirmed(self, name: str, guess: Guess) -> bool:
        if self._accept_guess:
            return True
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            return False
        listed = harmless(guess.shown.replace(", ", "\n  ").replace("; ", "\n  "))
        sys.stderr.write(f"{harmless(name)}: the columns are not ours. This is the guess:\n  {listed}\n")
        return typer.confirm("Is that right?", err=True)


def _print(report: dict[str, Any]) -> None:
    say(f"{report['file']}: {_counts(report)}")
    for note in report["notes"]:
        say(f"  note: {note}")


def _counts(report: dict[str, Any]) -> str:
    ignored = f", {report['ignored']} ignored" if report["ignored"] else ""
    return f"{report['accepted']} accepted, {report['unchanged']} unchanged, {report['refused']} refused{ignored}"
