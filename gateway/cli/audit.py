"""`arrears audit`: whether the evidence is what was written, sealed for later, exported for others, and kept."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress as Bar

from activities.evidence import record
from activities.evidence.export import Export, export
from activities.evidence.replies import ReplyCheck
from activities.evidence.seals import SealCheck, SealError, write_seal
from activities.evidence.verify import Progress, Verification
from activities.histories import History, HistoryArchive
from gateway.cli.output import AsJson, DataDir, emit, err, reporting, say
from gateway.cli.session import day, with_ledger, with_service
from gateway.connection import connect_server
from gateway.errors import InputRefused, Unreachable, WrongUsage
from gateway.history_archive import archive_closed, fetch_histories
from gateway.replies.archive import ReplyFolder
from gateway.service import Service
from gateway.stack.state import running_stack
from models import ids

audit_app = typer.Typer(no_args_is_help=True, add_completion=False, help="Check, seal, export and keep the evidence.")

SEALS = "seals"
"""The folder of the seals, in the data folder."""

_Invoice = Annotated[str, typer.Argument(metavar="INVOICE", help="The number, or CREDITOR/NUMBER.")]
_OneInvoice = Annotated[
    str | None, typer.Argument(metavar="[INVOICE]", help="Only this case: the number, or CREDITOR/NUMBER.")
]


@audit_app.command("verify")
@reporting
def verify(
    invoice: _OneInvoice = None,
    anchor: Annotated[
        str | None, typer.Option("--anchor", metavar="SHA256", help="A seal with this digest must be there.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Check the evidence: every byte, every entry, their order; what stands beside them; and the seals.

    Exit status: 0 if all is as it was written, 1 if something is not (each is listed).
    """

    def work(service: Service) -> dict[str, Any]:
        # Of a case that is gone its entries may be left, or a seal: CREDITOR/NUMBER asks for them.
        case_id = ids.case_id(*service.resolve_or_new(invoice)) if invoice else None
        check = Verification(service.ledger.engine, datetime.now(UTC), case_id)
        seals = SealCheck(service.ledger.engine, _seals(service), case_id, anchor)
        mails = ReplyCheck(service.ledger.engine, ReplyFolder(service.settings.data_dir).archived, case_id)
        with _progress() as progress:
            found = [*check.findings(progress), *mails.findings(), *seals.findings()]
        if not as_json:
            for finding in found:
                say(str(finding))
        if case_id and not check.checked.cases and not found:
            raise InputRefused(f"there is no invoice {invoice!r}; write its number, or CREDITOR/NUMBER")
        counted = check.checked._asdict() | {"replies": mails.replies, "seals": seals.seals}
        return {**counted, "ok": not found, "findings": [finding.as_json() for finding in found]}

    report = with_ledger(data_dir, work)
    if as_json:
        emit(report)
    else:
        looked = ", ".join(f"{report[name]} {name}" for name in ("cases", "entries", "notices", "replies", "seals"))
        faults = len(report["findings"])
        what = "all is as it was written" if report["ok"] else f"{faults} {'fault' if faults == 1 else 'faults'} found"
        say(f"{looked}: {what}")
    if not report["ok"]:
        raise typer.Exit(InputRefused.status)


def _seals(service: Service) -> Path:
    return Path(service.settings.data_dir) / SEALS


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on a terminal; elsewhere nothing."""
    if not err.is_terminal:
        yield lambda *_: None
        return
    with Bar(console=err, transient=True, redirect_stdout=False, redirect_stderr=False) as bar:
        bars: dict[str, Any] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in bars:
                bars[what] = bar.add_task(what, total=total)
            bar.update(bars[what], completed=done, total=total)

        yield show


@audit_app.command("seal")
@reporting
def seal(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Write today's seal: number and hash of the last entry of every case, tied to the seal before.

    Meant to be run every night. Deposit the digest it prints with somebody else: `audit verify --anchor` checks it.
    Exit status: 1 if the ledger contradicts an earlier seal (each is listed; the seal is written all the same).
    """

    def work(service: Service) -> dict[str, Any]:
        try:
            check = SealCheck(service.ledger.engine, _seals(service))
            found = [finding.as_json() | {"shown": str(finding)} for finding in check.findings()]
            written = write_seal(service.ledger.engine, _seals(service), datetime.now(UTC))
        except SealError as error:
            raise InputRefused(str(error)) from error
        return {
            "file": str(written.path), "sha256": written.sha256, "cases": written.cases, "notices": written.notices,
            "findings": found,
        }  # fmt: skip

    report = with_ledger(data_dir, work)
    shown = [finding.pop("shown") for finding in report["findings"]]
    if as_json:
        emit(report)
    else:
        for line in shown:
            say(line)
        say(f"{report['file']}: {report['cases']} cases, {report['notices']} notices")
        say(f"sha256 {report['sha256']}")
    if shown:
        raise typer.Exit(InputRefused.status)


@audit_app.command("export")
@reporting
def export_case(
    invoice: _Invoice,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.zip", help="Where the zip goes.")],
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="DATE", help="Interest up to this day (default: the last entry).")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Pack the evidence of a case for a lawyer, an insurer or an auditor: a zip that proves itself."""
    until = day(as_of, "--as-of")
    if output.is_dir() or not output.parent.is_dir():
        raise WrongUsage(f"-o {output}: name a file in a folder that exists")

    def work(service: Service) -> tuple[Export, dict[str, Any]]:
        creditor, number = service.resolve(invoice)
        case_id = ids.case_id(creditor, number)
        check = Verification(service.ledger.engine, datetime.now(UTC), case_id)
        folder = ReplyFolder(service.settings.data_dir)
        mails = ReplyCheck(service.ledger.engine, folder.archived, case_id)
        found = [*check.findings(), *(finding for finding in mails.findings() if finding.what != "missing_reply")]
        broken = [str(finding) for finding in found]
        held = None if broken else record.load(service.ledger.engine, case_id)
        if held is None:
            listed = "\n".join(f"  {line}" for line in broken)
            raise InputRefused(f"{creditor}/{number}: nothing was written, for its evidence does not hold:\n{listed}")
        histories, source, missing = _histories(service, case_id, closed=bool(held.head.closed))
        answers = {row.sha256: content for row in held.replies if (content := folder.archived(row.sha256)) is not None}
        packed = export(held, service.ledger.engine, histories, missing, until, answers)
        return packed, {
            "file": str(output), "sha256": ids.digest(packed.content), "files": packed.files,
            "entries": packed.sequence, "replies": len(answers), "replies_missing": len(held.replies) - len(answers),
            "head_hash": packed.head_hash, "manifest_sha256": packed.manifest_sha256,
            "histories": [{"run": h.run_id, "source": source[h.run_id]} for h in histories],
            "missing": missing or None,
        }  # fmt: skip

    packed, report = with_ledger(data_dir, work)
    _write(output, packed.content)
    if as_json:
        emit(report)
        return
    say(f"{output}: {report['files']} files, {report['entries']} entries, {len(report['histories'])} histories")
    say(f"sha256 {report['sha256']}")
    if missing := report["missing"]:
        say(missing)
    if gone := report["replies_missing"]:
        say(f"{gone} of the mails that came in are not in this data folder: replies.csv names them")


def _histories(service: Service, case_id: str, closed: bool) -> tuple[list[History], dict[str, str], str]:
    """The histories of a case from the server and the archive, where each is from, and what is missing."""
    missing = ""
    archived = {history.run_id: history for history in HistoryArchive(service.ledger.engine).of(case_id)}
    live: dict[str, History] = {}
    try:
        live = {history.run_id: history for history in asyncio.run(_fetched(service, case_id))}
        if not live and not archived:
            missing = "The Temporal server has no history of this case, and none was archived."
    except Unreachable as error:
        if not (closed and archived):
            missing = f"The Temporal history is not here, or not all of it: {error}"
    # What was archived when a run ended is what the server had, and does not depend on it.
    found = {**live, **archived}
    source = {run: "archive" if run in archived else "server" for run in found}
    return sorted(found.values(), key=lambda h: (h.started_at, h.run_id)), source, missing


async def _fetched(service: Service, case_id: str) -> list[History]:
    if not os.environ.get("TEMPORAL_ADDRESS") and running_stack(Path(service.settings.data_dir)) is None:
        raise Unreachable("no Temporal server runs here")
    client = await connect_server(service.settings, wait=2.0)
    return await fetch_histories(client, case_id)


def _write(path: Path, content: bytes) -> None:
    """The whole file or nothing."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise WrongUsage(f"{path} cannot be written: {error.strerror}") from error


@audit_app.command("archive")
@reporting
def archive(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Keep the Temporal histories of closed cases in the ledger; the same command again does only what is missing."""

    async def work(service: Service) -> dict[str, Any]:
        report: dict[str, Any] = {"cases": 0, "histories": 0, "unknown": [], "running": []}
        with _progress() as progress:
            async for kept in archive_closed(service.client, HistoryArchive(service.ledger.engine)):
                if kept.state == "archived":
                    report["cases"] += 1
                    report["histories"] += kept.histories
                else:
                    report[kept.state].append("/".join(ids.split_case_id(kept.case_id)))
                progress("closed cases", report["cases"], report["cases"])
        return report

    report = with_service(data_dir, work)
    if as_json:
        emit(report)
        return
    say(f"{report['cases']} cases archived, {report['histories']} histories")
    for name in report["unknown"]:
        say(f"{name}: the server has no history of it any more")
    for name in report["running"]:
        say(f"{name}: its workflow is just ending; the same command again archives it")
