"""Files of invoices taken in: recognised, read, judged, kept as evidence, and their cases started. Or all but that.

What is reported and told of it is in reports.py; how formats are read is in `intake/`.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from gateway.errors import InputRefused, WrongUsage
from gateway.intake.entries import Accepted, Credited, Fault, Ignored, Rejected, shown
from gateway.intake.evidence import archive_original
from gateway.intake.facturx_pdf import MAX_BYTES as MAX_PDF
from gateway.intake.facturx_pdf import extract_invoice
from gateway.intake.invoices import Entry, InvoiceFile, Layout
from gateway.intake.judging import judge
from gateway.intake.profiles import Profile
from gateway.intake.recognise import EDIFACT, Stranger, document_format, read_document
from gateway.intake.rejects import RejectsFile, rejects_path
from gateway.intake.sellers import Sellers
from gateway.intake.sources import Source, sources
from gateway.intake.stated import COLUMNS
from gateway.intake.table_files import Table
from gateway.intake.xml_source import MAX_BYTES as MAX_XML
from gateway.reports import Report, Reports
from gateway.service import Opening, Service, batches
from models import ids
from models.messages import CreditNoteIssued
from models.parties import Creditor

BATCH = 200
MOST_DUES = 10
"""So many ways in which due dates of a table follow are told one by one."""
_MENDABLE = frozenset(("due", "creditor", "buyer_id", "policy"))
"""What a person can add to the row of a refused document; all other faults are of the document itself."""


class Wishes(NamedTuple):
    """What the caller wants of all files."""

    profile: Profile | None = None
    creditor: str | None = None
    dry_run: bool = False


Opener = Callable[[Accepted], "Opening | Rejected"]


@dataclass
class Reception:
    """Takes files in, one after another; corrected invoices and credit notes last: they find what they came with."""

    data_dir: str
    wishes: Wishes
    creditors: Sequence[Creditor]
    opening: Opener
    reports: Reports
    service: Service | None = None
    """Starts and tells; not needed in a dry run."""

    rejects_in: str | None = None
    """The folder whose `rejects/` gets the refused rows, if not the data folder."""

    _pending: list[tuple[Report, Accepted, Opening]] = field(default_factory=list)
    _corrections: list[tuple[Report, Accepted, Opening]] = field(default_factory=list)
    _credits: list[tuple[Report, Credited]] = field(default_factory=list)
    _seen: dict[str, tuple[str, str]] = field(default_factory=dict)
    _used: set[Path] = field(default_factory=set)

    async def take(self, names: Sequence[str]) -> Reports:
        """Take in what is named: files, folders, archives.

        Raises:
            Unreachable: if the server or the ledger does not answer; the same call again does what is missing.
        """
        self._sellers = Sellers(self.creditors, self.wishes.creditor, self.wishes.dry_run)
        with ExitStack() as stack:
            kept = None
            if names and self.service is not None and not self.wishes.dry_run:
                beside = Path(names[0])
                more = f"-and-{len(names) - 1}-more" if len(names) > 1 else ""
                known_as = beside.with_name(f"{beside.stem or 'folder'}{more}-documents")
                kept = stack.enter_context(self._rejects(known_as, Layout("csv", header=COLUMNS)))
            for name in names:
                await self._take_named(Path(name), kept)
            await self._flush(kept)
            await self._start_corrections(kept)
        for report, credited in self._credits:
            await self._credit(report, credited)
        if kept is not None and kept.count:
            self.reports.kept(kept)
        return self.reports

    async def _take_named(self, path: Path, kept: RejectsFile | None) -> None:
        before = len(self.reports.all)
        try:
            for source in sources(path):
                await self._take_source(source, kept)
        except (WrongUsage, InputRefused) as error:
            # What cannot be read must not keep the others from being started.
            self.reports.failed(str(path), "unknown", error)
        if len(self.reports.all) == before and str(path) not in self.reports.failures:
            kind = "folder" if path.is_dir() else "archive"
            self.reports.begun(str(path), kind)["notes"].append(f"the {kind} holds no files")

    def _rejects(self, source: Path, layout: Layout) -> RejectsFile:
        """Where refused entries of a file go: two of one name, in different folders or in one archive, get one each."""
        folder, apart, number = self.rejects_in or self.data_dir, self.rejects_in is None, 1
        path = rejects_path(folder, source, layout, apart)
        while path in self._used:
            number += 1
            path = rejects_path(folder, source.with_name(f"{source.stem}~{number}{source.suffix}"), layout, apart)
        self._used.add(path)
        return RejectsFile(path, layout)

    async def _take_source(self, source: Source, kept: RejectsFile | None) -> None:
        found = source.found
        if source.refused:
            self.reports.refuse_whole(self.reports.begun(source.name, found.kind), source.refused)
        elif found.kind in ("xml", "pdf"):
            self._take_document(source, kept)
            if len(self._pending) >= BATCH:
                await self._flush(kept)
        elif found.kind == "edifact":
            self.reports.refuse_whole(self.reports.begun(source.name, "edifact"), EDIFACT)
        elif found.kind in ("table", "xlsx") or (found.kind == "text" and source.named):
            await self._flush(kept)
            try:
                await self._take_table(source)
            except (WrongUsage, InputRefused) as error:
                self.reports.failed(source.name, "xlsx" if found.kind == "xlsx" else "csv", error)
        elif source.named or found.may_hold_invoices:
            self.reports.refuse_whole(self.reports.begun(source.name, "unknown"), f"{found.what}: it is not read")
        else:
            self.reports.ignore(self.reports.begun(source.name, "unknown"), found.what)

    # --- documents --------------------------------------------------------------------------------------------

    def _take_document(self, source: Source, kept: RejectsFile | None) -> None:
        pdf = source.found.kind == "pdf"
        report = self.reports.begun(source.name, "pdf" if pdf else "xml")
        content = source.read(MAX_PDF if pdf else MAX_XML)
        try:
            document = read_document(extract_invoice(content).content if pdf else content)
        except Stranger as stranger:
            (self.reports.refuse_whole if stranger.refused else self.reports.ignore)(report, str(stranger))
            return
        except Fault as fault:
            self.reports.refuse_whole(report, fault.reason)
            return
        report["format"] = document_format(document, pdf)
        entry = judge(document, ids.digest(content), self._sellers, self.wishes.dry_run)
        if isinstance(entry, Ignored):
            self.reports.ignore(report, entry.reason)
            return
        mendable = isinstance(entry, Rejected) and entry.field in _MENDABLE and not document.credit
        if not self.wishes.dry_run and (mendable or not isinstance(entry, Rejected)):
            archive_original(content, "pdf" if pdf else "xml", self.data_dir)
        if isinstance(entry, Rejected):
            self.reports.refuse(report, entry, kept if mendable else None)
        elif isinstance(entry, Credited):
            self._credits.append((report, entry))
        else:
            self._take_invoice(report, entry, kept)

    def _take_invoice(self, report: Report, entry: Accepted, kept: RejectsFile | None) -> None:
        opening = self.opening(entry)
        if isinstance(opening, Rejected):
            self.reports.refuse(report, opening, kept)
            return
        if entry.corrects:
            self._corrections.append((report, entry, opening))
        elif self.service is None or self.wishes.dry_run:
            self._count_dry(report, entry)
        else:
            self._pending.append((report, entry, opening))

    def _count_dry(self, report: Report, entry: Accepted) -> None:
        """What a start would make of it, as far as this run alone can tell."""
        invoice = entry.row.invoice
        fingerprint, where = self._seen.setdefault(invoice.case_id, (invoice.fingerprint, report["file"]))
        note = [entry.note] if entry.note else []
        if where == report["file"] and fingerprint == invoice.fingerprint:
            report["accepted"] += 1
        elif fingerprint == invoice.fingerprint:
            report["unchanged"] += 1
            note = [f"invoice {invoice.number}: the same as in {where}"]
        elif any(creditor.code == invoice.creditor for creditor in self.creditors) or self.wishes.creditor:
            reason = f"{where} has the same number with other content"
            self.reports.refuse(report, Rejected(entry.line, "number", shown(invoice.number), reason, ""), None)
            return
        else:
            # Whose number it is, nobody knows as long as the seller is no creditor.
            report["accepted"] += 1
            note = [*note, f"{where} has the same number with other content"]
        report["notes"] += note

    async def _flush(self, kept: RejectsFile | None) -> None:
        """Start the cases of the documents read so far."""
        pending, self._pending = self._pending, []
        if not pending or self.service is None:
            return
        opened = await self.service.start([opening for _, _, opening in pending])
        for (report, entry, opening), result in zip(pending, opened, strict=True):
            if result.result == "refused":
                number = shown(opening.invoice.number)
                self.reports.refuse(report, Rejected(1, "number", number, result.reason, entry.original), kept)
            else:
                report[result.result] += 1
                report["notes"] += [entry.note] if entry.note else []

    # --- corrected invoices -----------------------------------------------------------------------------------

    async def _start_corrections(self, kept: RejectsFile | None) -> None:
        """Start the corrected invoices, but for those whose original is pursued: both would be wanted in full."""
        corrections, self._corrections = self._corrections, []
        together = {entry.row.invoice.case_id for _, entry, _ in corrections}
        for report, entry, opening in corrections:
            if reason := self._in_the_way(entry, together):
                number = shown(entry.row.invoice.number)
                self.reports.refuse(report, Rejected(1, "number", number, reason, entry.original), kept)
            elif self.service is None or self.wishes.dry_run:
                self._count_dry(report, entry)
            else:
                self._pending.append((report, entry, opening))
        await self._flush(kept)

    def _in_the_way(self, entry: Accepted, together: set[str]) -> str:
        """Why a corrected invoice is for an operator; empty where its original is not here, or was withdrawn."""
        own, creditor = entry.row.invoice.case_id, entry.row.invoice.creditor
        before = {ids.case_id(creditor, number.strip()): number.strip() for number in entry.corrects}
        here = self._outcomes([*before, own])
        if own in here:
            return ""  # It runs already: whether it is the same, the start will tell.
        for case, number in before.items():
            if case in here and (ended := here[case]) != "withdrawn":
                return f"it corrects {number}, " + (
                    f"which was closed here as {ended}: see by hand what is left to pay"
                    if ended
                    else "which is pursued here: withdraw that and feed this again, or credit the difference, by hand"
                )
            if case in together and case != own:
                return f"it corrects {number}, which comes with it: feed this again when that is settled"
        return ""

    def _outcomes(self, cases: Sequence[str]) -> dict[str, str | None]:
        if self.service is None or self.wishes.dry_run:
            return dict.fromkeys(self._seen)
        return self.service.ledger.outcomes(cases)

    # --- credit notes -----------------------------------------------------------------------------------------

    async def _credit(self, report: Report, credited: Credited) -> None:
        number, invoice = shown(credited.number), credited.invoice
        if self.service is None or self.wishes.dry_run:
            report["accepted"] += 1
            report["notes"].append(credited.note)
            return
        try:
            message = CreditNoteIssued(
                id=credited.number, amount=credited.amount, issued_on=credited.issued,
                reason=f"credit note {credited.number}"[:200], source="start",
            )  # fmt: skip
            if invoice is None or not self.service.ledger.known([ids.case_id(credited.creditor, invoice)]):
                raise InputRefused(
                    f"there is no invoice {invoice} of {credited.creditor} here: start that first, then feed this again"
                )
            told = await self.service.tell(credited.creditor, invoice, message)
        except ValidationError as error:
            reason = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
            self.reports.refuse(report, Rejected(1, "number", number, reason, ""), None)
        except InputRefused as refusal:
            self.reports.refuse(report, Rejected(1, "invoice", shown(invoice or ""), str(refusal), ""), None)
        else:
            report["unchanged" if told.duplicate else "accepted"] += 1
            report["notes"].append(f"{credited.note}: {told.said}")

    # --- tables -----------------------------------------------------------------------------------------------

    async def _take_table(self, source: Source) -> None:
        wishes = self.wishes
        currency = next((c.currency for c in self.creditors if c.code == wishes.creditor), None)
        defaults = {c.code: c.default_terms for c in self.creditors if c.default_terms is not None}
        table = Table(source, wishes.profile, wishes.creditor, currency, wishes.dry_run, defaults)
        with table.opened(self.reports.watch.confirmed) as (file, note):
            report = self.reports.begun(source.name, table.format or file.layout.format)
            report["notes"] += [note] if note else []
            await self._take_rows(file, report)

    async def _take_rows(self, file: InvoiceFile, report: Report) -> None:
        kept, dues = self._rejects(file.path, file.layout), Counter[str]()
        with ExitStack() as stack:
            dry = self.wishes.dry_run or self.service is None
            if not dry:
                stack.enter_context(kept)
            for batch in batches(self.reports.watch.follow(file), BATCH):
                await self._take_batch(batch, report, None if dry else kept, dues)
        if kept.count:
            report["rejects_file"] = str(kept.path)
            self.reports.watch.kept(kept.count, kept.path)
        if file.note:
            report["notes"].append(file.note)
        report["notes"] += [f"{n} due date{'s' if n > 1 else ''} {reason}" for reason, n in dues.most_common()]

    async def _take_batch(
        self, batch: list[Entry], report: Report, kept: RejectsFile | None, dues: Counter[str]
    ) -> None:
        """Take the entries; `dues` counts how due dates follow that are not given."""
        pairs: list[tuple[Accepted, Opening]] = []
        for entry in batch:
            if isinstance(entry, Rejected):
                self.reports.refuse(report, entry, kept, row=True)
            elif entry.duplicate_of is not None:
                report["unchanged"] += 1
            else:
                opening = self.opening(entry)
                if isinstance(opening, Rejected):
                    self.reports.refuse(report, opening, kept, row=True)
                elif kept is None:
                    self._count_dry(report, entry)
                    _count_due(entry, dues)
                else:
                    pairs.append((entry, opening))
        if self.service is None or not pairs:
            return
        opened = await self.service.start([opening for _, opening in pairs])
        for (entry, opening), result in zip(pairs, opened, strict=True):
            if result.result == "refused":
                number = shown(opening.invoice.number)
                self.reports.refuse(
                    report, Rejected(entry.line, "number", number, result.reason, entry.original), kept, row=True
                )
            else:
                report[result.result] += 1
                _count_due(entry, dues)


def _count_due(entry: Accepted, dues: Counter[str]) -> None:
    reason = entry.row.due_from
    if reason:
        dues[
            reason if reason in dues or len(dues) < MOST_DUES else "by other terms, as the notes of the cases say"
        ] += 1
