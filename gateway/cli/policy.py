"""`arrears policy`: checks the files a credit manager writes, and shows what would happen when."""

import asyncio
from datetime import date
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from pydantic import ValidationError

from gateway import migration
from gateway.cli.calendar import as_json_value, as_text
from gateway.cli.output import AsJson, DataDir, emit, fail, reporting, say
from gateway.cli.session import with_ledger, with_service
from gateway.cli.telling import By, Reason
from gateway.environment import load_settings
from gateway.errors import InputRefused, WrongUsage
from gateway.intake.entries import Accepted, Rejected
from gateway.intake.invoices import InvoiceFile
from gateway.intake.profiles import load_profile
from gateway.jurisdiction_files import check_file, known_files
from gateway.migration import Move, moved
from gateway.policy_files import load_policy, policy_names
from gateway.preview import preview
from gateway.service import Service
from gateway.yaml_source import SourceFault
from models.faults import explain
from models.invoice import Invoice

policy_app = typer.Typer(no_args_is_help=True, add_completion=False, help="Check policies, and see what they would do.")

_Files = Annotated[
    list[str], typer.Argument(metavar="FILE...", help="Policies, jurisdictions or rate tables: files, or known names.")
]
_File = Annotated[str, typer.Argument(metavar="FILE", help="A policy file, or the name of a known policy.")]
_InvoiceAt = Annotated[
    str | None,
    typer.Option("--invoice", metavar="FILE[:NUMBER]", help="A CSV or JSON Lines file; its first row, or this one."),
]
_Profile = Annotated[str | None, typer.Option(help="What the columns of the invoice's file mean.")]
_Due = Annotated[str | None, typer.Option(metavar="DATE", help="Instead of a file: the due date.")]
_Issued = Annotated[str | None, typer.Option(metavar="DATE", help="The date of issue.")]
_Amount = Annotated[str, typer.Option(help="The amount with its currency.")]
_Timezone = Annotated[str, typer.Option(help="The debtor's time zone, such as Europe/Berlin.")]
_Country = Annotated[str | None, typer.Option(help="The debtor's country (two letters).")]
_Tier = Annotated[str | None, typer.Option(help="The debtor's risk tier.")]
_Insured = Annotated[bool, typer.Option("--insured", help="As if the invoice were insured.")]
_Guaranteed = Annotated[bool, typer.Option("--guaranteed", help="As if a guarantee stood behind it.")]
_Opened = Annotated[str | None, typer.Option(metavar="DATE", help="The day the case begins (late arrival).")]


@policy_app.command("check")
@reporting
def check(files: _Files, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Name every error of policies, jurisdictions and rate tables, with file, line and field.

    Exit status: 0 if all are sound, 1 if one has errors, 2 if one cannot be read.
    """
    faults: list[SourceFault] = []
    unread: WrongUsage | None = None
    folder = load_settings(data_dir).data_dir
    known = {**known_files(folder), **policy_names(folder)}
    for file in files:
        try:
            found = check_file(file if Path(file).exists() or file not in known else known[file], folder)
        except WrongUsage as error:
            unread = WrongUsage(f"{unread}\narrears: {error}" if unread else str(error))
            continue
        faults += found
        if not as_json:
            say("\n".join(map(str, found)) if found else f"{file}: ok")
    if as_json:
        emit([fault._asdict() for fault in faults])
    if unread:
        fail(unread)
    if faults:
        raise typer.Exit(InputRefused.status)


@policy_app.command("migrate")
@reporting
def migrate(
    file: _File,
    invoices: Annotated[list[str], typer.Argument(metavar="INVOICE...", help="The numbers, or CREDITOR/NUMBER.")],
    by: By = "",
    reason: Reason = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would do; change nothing.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Move running cases to another policy, or another version of theirs: with --dry-run to see it first.

    What was performed stays; what lies behind on the new ladder falls away, so that no letters come in a burst.
    """
    if not by.strip() and not dry_run:
        raise WrongUsage("a decision needs a name: --by NAME")
    policy = load_policy(file, load_settings(data_dir).data_dir)

    async def work(service: Service) -> list[Move]:
        return [await moved(service, name, policy, by, reason, dry_run) for name in dict.fromkeys(invoices)]

    if dry_run:
        found = with_ledger(data_dir, lambda service: asyncio.run(work(service)))
    else:
        found = with_service(data_dir, work)
    if as_json:
        emit([migration.as_json(move) for move in found])
    for line in () if as_json else (line for move in found for line in migration.as_lines(move)):
        say(line)
    if any(move.result == "refused" for move in found):
        raise typer.Exit(InputRefused.status)


@policy_app.command("preview")
@reporting
def show_preview(
    file: _File,
    invoice: _InvoiceAt = None,
    profile: _Profile = None,
    due: _Due = None,
    issued: _Issued = None,
    amount: _Amount = "1000.00 EUR",
    timezone: _Timezone = "UTC",
    country: _Country = None,
    tier: _Tier = None,
    insured: _Insured = False,
    guaranteed: _Guaranteed = False,
    opened: _Opened = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Print the calendar of an invoice: what would happen when, if nobody paid or answered.

    Steps that need approval are shown as if approved at once. What falls away, and what waits for something
    to happen, is listed apart.
    """
    folder = load_settings(data_dir).data_dir
    policy = load_policy(file, folder)
    if (invoice is None) == (due is None):
        raise WrongUsage("give the invoice either with --invoice FILE[:NUMBER] or with --due DATE")
    if invoice is not None:
        subject = _read(invoice, profile)
    else:
        cover: dict[str, Any] | None = {} if insured else None
        guarantee = {"text": "a guarantee"} if guaranteed else None
        contact = {"timezone": timezone}
        buyer = {"id": "PREVIEW", "country": country, "tier": tier, "contact": contact}
        subject = _made(
            {
                "creditor": "PREVIEW", "number": "PREVIEW", "buyer": buyer, "amount": amount, "due": due,
                "issued": issued, "cover": cover, "guarantee": guarantee,
            }
        )  # fmt: skip
    _known_zone(subject.buyer.contact.timezone)
    plan = preview(subject, policy, _date(opened) if opened else None, folder)
    if as_json:
        emit(as_json_value(subject, policy, plan))
    else:
        for line in as_text(subject, policy, plan):
            say(line)


def _texts(cells: tuple[str, ...] | dict[str, object] | str) -> list[str]:
    if isinstance(cells, str):
        return []
    return [str(cell).strip() for cell in (cells.values() if isinstance(cells, dict) else cells)]


def _made(content: dict[str, Any]) -> Invoice:
    try:
        return Invoice.model_validate(content)
    except ValidationError as error:
        found = (f"--{path[-1] if path else 'due'}: {message}" for path, message in explain(error, Invoice))
        raise WrongUsage("; ".join(found)) from None


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WrongUsage(f"{text!r} is not a date such as 2026-01-31") from None


def _known_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise WrongUsage(f"{name!r} is not a time zone such as Europe/Berlin or Asia/Shanghai") from None


def _read(where: str, profile: str | None) -> Invoice:
    """The invoice of `FILE` or `FILE:NUMBER` (both may contain colons)."""
    parts = where.split(":")
    splits = [(":".join(parts[:n]), ":".join(parts[n:])) for n in range(len(parts), 0, -1)]
    file, number = next(((f, n) for f, n in splits if Path(f).is_file()), splits[-1])
    with InvoiceFile(Path(file), load_profile(profile) if profile else None) as entries:
        for entry in entries:
            match entry:
                case Accepted(row=row) if number in ("", row.invoice.number):
                    return row.invoice
                case Rejected(original=cells) if not number or number in _texts(cells):
                    raise InputRefused(f"{file}: {entry}")
    raise InputRefused(f"{file}: there is no invoice {number!r} in it" if number else f"{file}: no invoice in it")
