"""`arrears start`: files of invoices in, a case for each."""

import re
import sys
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from gateway.cli.intake import Refusals, tracked
from gateway.cli.output import AsJson, DataDir, emit, harmless, reporting, say
from gateway.cli.session import with_service
from gateway.creditor_files import load_creditor
from gateway.environment import load_settings
from gateway.errors import GatewayError, InputRefused, WrongUsage
from gateway.intake.entries import Accepted, Rejected, shown
from gateway.intake.invoices import InvoiceFile
from gateway.intake.profiles import load_profile
from gateway.policy_files import load_policy
from gateway.service import Opening, Service, batches
from gateway.terms import Terms, TermsFinder
from models.clock import CaseClock
from models.invoice import Invoice
from models.policy import Policy

BATCH = 200

MAX_LAPSE = 10_000_000
"""A year in three seconds; a faster clock would run out of calendar."""

_BEGIN = re.compile(r"(?P<anchor>due|issued)(?:(?P<sign>[+-])(?P<days>\d{1,4})d)?")


class Lapse(NamedTuple):
    """A time-lapse: the factor, and where in business time each case begins."""

    factor: float = 1.0
    begin: str = "now"


@reporting
def start(
    files: Annotated[list[str], typer.Argument(metavar="FILES...", help="CSV or JSON Lines.")],
    profile: Annotated[str | None, typer.Option("--profile", help="Which column is what: name or YAML file.")] = None,
    policy: Annotated[str | None, typer.Option("--policy", help="The policy for all rows: name or YAML file.")] = None,
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
    known = load_profile(profile, load_settings(data_dir).data_dir) if profile else None
    failures: dict[str, GatewayError] = {}

    async def work(service: Service) -> list[dict[str, Any]]:
        if lapse.factor != 1 and not service.time_lapse_allowed:
            raise WrongUsage("--time-lapse is for demonstrations: set ARREARS_ALLOW_TIME_LAPSE=1 where it is safe")
        openings = Openings(service.settings.data_dir, policy, lapse)
        if policy:
            openings.policy(policy)
        reports = []
        for name in files:
            try:
                with InvoiceFile(Path(name), known) as file:
                    reports.append(await _start_file(service, file, openings))
            except (WrongUsage, InputRefused) as error:
                # One file that cannot be read must not keep the others from being started.
                failures[name] = error
                sys.stderr.write(f"arrears: {harmless(str(error))}\n")
        return reports

    reports = with_service(data_dir, work)
    totals = {key: sum(r[key] for r in reports) for key in ("accepted", "unchanged", "refused", "ignored")}
    if as_json:
        errors = [{"file": name, "reason": str(failure)} for name, failure in failures.items()]
        emit({"files": reports, "errors": errors, **totals})
    else:
        for report in reports:
            _print(report)
        if len(files) != 1:
            say(_counts(totals))
    if failures or totals["refused"]:
        raise typer.Exit(max((f.status for f in failures.values()), default=InputRefused.status))


class Openings:
    """Turns rows into openings: creditor, policy and clock found for each."""

    def __init__(self, data_dir: str, policy: str | None, lapse: Lapse) -> None:
        """With the policy that overrides all others, and the time-lapse."""
        self._data_dir, self._override, self._lapse = data_dir, policy, lapse
        self.creditor = lru_cache(maxsize=1000)(lambda code: load_creditor(code, data_dir))
        self.policy = lru_cache(maxsize=1000)(lambda name: load_policy(name, data_dir))
        self._terms = TermsFinder(data_dir)

    def of(self, entry: Accepted) -> Opening | Rejected:
        """The opening of a row, or the row refused (unknown creditor or policy)."""
        invoice = entry.row.invoice
        field = "creditor"
        try:
            creditor = self.creditor(invoice.creditor)
            field = "policy"
            policy: Policy = self.policy(self._override or entry.row.policy or creditor.policy)
            field = "jurisdiction"
            terms = self._terms.of(invoice, creditor)
        except GatewayError as error:
            value = {"creditor": invoice.creditor, "policy": entry.row.policy}.get(field, invoice.jurisdiction) or ""
            return Rejected(entry.line, field, shown(value), str(error).splitlines()[0], entry.original)
        return self._opening(invoice, policy, terms)

    def _opening(self, invoice: Invoice, policy: Policy, terms: Terms) -> Opening:
        now = datetime.now(UTC)
        at = begins_at(self._lapse.begin, invoice.due, invoice.issued, now)
        return Opening(invoice, policy, CaseClock(wall=now, business=at, factor=self._lapse.factor), at, terms=terms)


def begins_at(begin: str, due: date, issued: date | None, now: datetime) -> datetime:
    """The business instant at which a case begins.

    Raises:
        WrongUsage: if `begin` is none of now, a day, issued, due, due-4d.
    """
    if begin == "now":
        return now
    match = _BEGIN.fullmatch(begin)
    try:
        day = date.fromisoformat(begin) if match is None else (issued or due) if match["anchor"] == "issued" else due
    except ValueError:
        raise WrongUsage(f"--begin {begin!r}: write now, YYYY-MM-DD, issued, due or due-4d") from None
    if match is not None and match["days"]:
        day += timedelta(days=int(match["days"]) * (-1 if match["sign"] == "-" else 1))
    return datetime.combine(day, time(0), UTC)


async def _start_file(service: Service, file: InvoiceFile, openings: Openings) -> dict[str, Any]:
    report: dict[str, Any] = {
        "file": str(file.path), "format": file.layout.format, "accepted": 0, "unchanged": 0, "refused": 0, "ignored": 0,
        "rejects": [], "rejects_file": None, "notes": [],
    }  # fmt: skip

    def refuse(rejected: Rejected) -> None:
        report["refused"] += 1
        refusals.add(rejected)
        value = rejected.value.removeprefix("'").removesuffix("'")
        report["rejects"].append(
            {"line": rejected.line, "field": rejected.field, "value": value, "reason": rejected.reason}
        )

    with Refusals(file, service.settings.data_dir) as refusals:
        for batch in batches(tracked(file, file.path.name), BATCH):
            pairs: list[tuple[Accepted, Opening]] = []
            for entry in batch:
                if isinstance(entry, Rejected):
                    refuse(entry)
                elif entry.duplicate_of is not None:
                    report["unchanged"] += 1
                else:
                    opening = openings.of(entry)
                    if isinstance(opening, Rejected):
                        refuse(opening)
                    else:
                        pairs.append((entry, opening))
            for (entry, opening), opened in zip(pairs, await service.start([o for _, o in pairs]), strict=True):
                if opened.result == "refused":
                    number = shown(opening.invoice.number)
                    refuse(Rejected(entry.line, "number", number, opened.reason, entry.original))
                else:
                    report[opened.result] += 1
    report["rejects_file"] = str(refusals.path) if refusals.path else None
    if file.note:
        report["notes"].append(file.note)
    return report


def _print(report: dict[str, Any]) -> None:
    say(f"{report['file']}: {_counts(report)}")
    for note in report["notes"]:
        say(f"  note: {note}")


def _counts(report: dict[str, Any]) -> str:
    return f"{report['accepted']} accepted, {report['unchanged']} unchanged, {report['refused']} refused"
