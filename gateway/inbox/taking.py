"""What becomes of one dropped file: taken in by the same service layer as everything else, then filed.

Everything here can be repeated: a file that was cut off is taken again from its beginning, and moved at the very end.
"""

from pathlib import Path
from typing import Any, Literal, NamedTuple

import structlog
from temporalio.service import RPCError

from activities.database import LedgerUnreachable
from activities.ledger import Ledger
from gateway.bank.booking import Bookkeeper
from gateway.bank.csv_profiles import bank_profiles
from gateway.bank.reading import read_file
from gateway.bank.report import BankReport
from gateway.bank.sources import sources as bank_sources
from gateway.creditor_files import list_creditors
from gateway.errors import GatewayError, Unreachable, WrongUsage
from gateway.inbox.content import Purpose, purpose
from gateway.inbox.folder import DONE, REFUSED, Inbox, Taker, free_name, moved
from gateway.openings import Lapse, Openings
from gateway.receiving import Reception, Wishes
from gateway.reports import COUNTS, Reports, Unwatched
from gateway.service import Service
from models.settings import Settings

Outcome = Literal["done", "refused", "waits"]
TOLD = 1_000
"""How many reasons a reason file has."""


log = structlog.get_logger("arrears.inbox")


class Taken(NamedTuple):
    """What became of a file, and a sentence that says so."""

    file: str
    purpose: Purpose | Literal["unknown"]
    outcome: Outcome
    sentence: str
    counts: dict[str, int]
    moved_to: str | None = None
    reason_file: str | None = None
    rejects_files: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        told = self._asdict()
        counts = told.pop("counts")
        return {**told, **counts, "rejects_files": list(self.rejects_files)}


class _Found(NamedTuple):
    """What the service layer said of a file."""

    counts: dict[str, int]
    reasons: list[str]
    notes: list[str]
    rejects: tuple[Path, ...] = ()


class Takings:
    """Takes files out of an inbox, over a ledger and, where it is there, the server."""

    def __init__(self, settings: Settings, inbox: Inbox, ledger: Ledger) -> None:
        """The server is named file by file, as it comes and goes."""
        self._settings, self._inbox, self._ledger = settings, inbox, ledger

    def purpose_of(self, file: Path) -> Purpose | GatewayError:
        """What a file is for, or why nobody can tell."""
        try:
            return purpose(file, bank_profiles(self._settings.data_dir))
        except GatewayError as error:
            return error

    async def take(self, taker: Taker, file: Path, kind: Purpose | GatewayError, service: Service | None) -> Taken:
        """Take a file that is in the taker's folder, and file it.

        Args:
            taker: Who has it.
            file: Where it lies.
            kind: What it is for.
            service: Connected to the server; None while that is away: then bank files are stored, invoices wait.

        Raises:
            LedgerUnreachable: the ledger does not answer; the file is left to be put back.
        """
        before = taker.looks(file)
        try:
            if isinstance(kind, GatewayError):
                raise kind
            if kind == "bank":
                found = self._book(file)
            elif service is None:
                return self._waits(taker, file, "the server does not answer")
            else:
                found = await self._start(taker, file, service)
        except Unreachable as away:
            return self._waits(taker, file, str(away))
        except RPCError as error:
            return self._waits(taker, file, f"the server does not answer ({error.message[:200]})")
        except LedgerUnreachable:
            raise
        except GatewayError as error:
            found = _Found({**_nothing(), "refused": 1}, [_bare(str(error), file)], [])
        except Exception as error:
            # One file that nobody foresaw must not keep all others waiting for ever.
            log.exception("inbox_file_not_understood", file=file.name)
            reason = f"it could not be read ({type(error).__name__}); the worker's log has the details"
            found = _Found({**_nothing(), "refused": 1}, [reason], [])
        if taker.looks(file) != before:
            return self._waits(taker, file, "it was still being written")
        return self._filed(file, "unknown" if isinstance(kind, GatewayError) else kind, found)

    # --- taking in --------------------------------------------------------------------------------------------

    def _book(self, file: Path) -> _Found:
        profiles = bank_profiles(self._settings.data_dir)
        creditors = [listed.creditor for listed in list_creditors(self._settings.data_dir)]
        keeper, run = Bookkeeper(Service(self._settings, self._ledger), creditors), BankReport()
        for source in bank_sources(file):
            read = read_file(source._replace(name=_bare_name(source.name, file)), None, profiles)
            run.booked(read, keeper, None)
        totals = run.totals()
        reasons = [f"{_where(r, one['file'])}: {r['reason']}" for one in run.files for r in one["rejects"]]
        parts = [f"{totals[name]} {name}" for name in ("matched", "proposed", "unmatched") if totals[name]]
        notes = [note for one in run.files for note in one["notes"]]
        return _Found({name: totals[name] for name in COUNTS}, reasons, [", ".join(parts), *notes])

    async def _start(self, taker: Taker, file: Path, service: Service) -> _Found:
        folder = self._settings.data_dir
        creditors = [listed.creditor for listed in list_creditors(folder)]
        openings = Openings(folder, None, Lapse())
        reception = Reception(
            folder, Wishes(), creditors, openings.of, Reports(Unwatched()), service, rejects_in=str(taker.folder)
        )
        taken = await reception.take([str(file)])
        reasons = [
            f"{_where(reject, _bare_name(report['file'], file))}: "
            + " ".join(filter(None, (reject["field"], repr(reject["value"]) if reject["value"] else "")))
            + (": " if reject["field"] else "")
            + reject["reason"]
            for report in taken.all
            for reject in report["rejects"]
        ]
        failed = [_bare(str(error), file) for error in taken.failures.values() if isinstance(error, WrongUsage)]
        counts = {name: sum(report[name] for report in taken.all) for name in COUNTS}
        counts["refused"] += len(failed)
        rejects = sorted({report["rejects_file"] for report in taken.all if report["rejects_file"]})
        notes = [note for report in taken.all for note in report["notes"]]
        return _Found(counts, [*reasons, *failed], notes, tuple(map(Path, rejects)))

    # --- filing -----------------------------------------------------------------------------------------------

    def _waits(self, taker: Taker, file: Path, why: str) -> Taken:
        taker.put_back(file)
        return Taken(file.name, "unknown", "waits", f"{file.name} waits in the inbox: {why}", _nothing())

    def _filed(self, file: Path, kind: Purpose | Literal["unknown"], found: _Found) -> Taken:
        refused = self._inbox.path / REFUSED
        whole = bool(found.counts["refused"]) and not (found.counts["accepted"] or found.counts["unchanged"])
        place = refused if whole else self._inbox.path / DONE
        name = free_name(place, file.name)
        sentence = _sentence(file.name, kind, found, whole)
        reason: Path | None = None
        rejects: tuple[Path, ...] = ()
        if found.counts["refused"]:
            # The reasons first: a file that is cut off here is taken once more, and they are written anew.
            label = name if whole else free_name(refused, file.name)
            rejects = tuple(_replacing(path, refused) for path in found.rejects)
            reason = refused / f"{label}.reason.txt"
            reason.write_text(
                _reasons(sentence, kind, found, rejects, whole), encoding="utf-8", errors="backslashreplace"
            )
        target = moved(file, place, name)
        return Taken(
            file.name, kind, "refused" if whole else "done", sentence, found.counts, str(target),
            str(reason) if reason else None, tuple(map(str, rejects)),
        )  # fmt: skip


def _nothing() -> dict[str, int]:
    return dict.fromkeys(COUNTS, 0)


def _replacing(rejects: Path, folder: Path) -> Path:
    """The rejects file in `refused/`; one with the same content is there from a time that was cut off."""
    there = folder / rejects.name
    if there.is_file() and not there.is_symlink() and there.read_bytes() == rejects.read_bytes():
        rejects.unlink()
        return there
    return moved(rejects, folder)


def _sentence(name: str, kind: str, found: _Found, whole: bool) -> str:
    why = f": {found.reasons[0].removeprefix(f'{name}, ')}" if found.reasons else ""
    if whole:
        more = f" (and {len(found.reasons) - 1} more reasons)" if len(found.reasons) > 1 else ""
        return f"{name} refused{why}{more}"
    counts = ", ".join(f"{found.counts[what]} {what}" for what in COUNTS if found.counts[what]) or "nothing in it"
    matched = f" ({found.notes[0]})" if kind == "bank" and found.notes and found.notes[0] else ""
    return f"{name} taken as {'a bank statement' if kind == 'bank' else 'invoices'}: {counts}{matched}{why}"


def _reasons(sentence: str, kind: str, found: _Found, rejects: tuple[Path, ...], whole: bool) -> str:
    lines = [sentence, ""]
    lines += found.reasons[:TOLD]
    if len(found.reasons) > TOLD:
        lines.append(f"... and {len(found.reasons) - TOLD:,} more")
    lines += ["", *(f"note: {note}" for note in found.notes[:TOLD] if note)] if found.notes else []
    mend = [f"Mend the rows in {path.name} and drop that file into the inbox again." for path in rejects]
    if whole and kind == "invoices":
        lines.append("It was read as invoices: it does not look like a bank statement (camt, MT940, or CSV of a bank).")
    if whole and not mend:
        mend = ["Nothing of the file was taken. Mend it, or have it sent anew, and drop it into the inbox again."]
    return "\n".join([*lines, "", *mend, ""])


def _where(reject: dict[str, Any], name: str) -> str:
    place = f"line {reject['line']}" if "line" in reject else f"entry {reject['entry']}"
    return f"{name}, {place}"


def _bare_name(name: str, file: Path) -> str:
    """A file's name without the folder in which it lies while it is taken; members of archives keep theirs."""
    return file.name + name.removeprefix(str(file)) if name.startswith(str(file)) else name


def _bare(text: str, file: Path) -> str:
    return text.replace(str(file), file.name)
