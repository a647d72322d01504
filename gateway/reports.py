"""What became of files that were taken in: a report for each, and what is told of them meanwhile."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from gateway.errors import GatewayError, InputRefused
from gateway.intake.entries import Rejected
from gateway.intake.guess import Guess
from gateway.intake.invoices import Entry, InvoiceFile
from gateway.intake.rejects import RejectsFile
from gateway.intake.stated import COLUMNS

COUNTS = ("accepted", "unchanged", "refused", "ignored")

Report = dict[str, Any]


class Watch(Protocol):
    """Who looks on while files are taken in."""

    def follow(self, file: InvoiceFile) -> Iterator[Entry]:
        """The entries of a table, with a bar for the progress where one can be seen."""

    def refused(self, name: str, rejected: Rejected, document: bool) -> None:
        """An entry was refused."""

    def kept(self, count: int, path: Path) -> None:
        """The refused entries of a file were kept, to be mended and fed again."""

    def confirmed(self, name: str, guess: Guess) -> bool:
        """Whether a person says that the columns were guessed right."""


class Unwatched:
    """Nobody looks on: everything is in the reports. A guess of columns is accepted beforehand, or not at all."""

    def __init__(self, accept_guess: bool = False) -> None:
        """With what a person would have said of a guess."""
        self._accept_guess = accept_guess

    def follow(self, file: InvoiceFile) -> Iterator[Entry]:
        """The entries."""
        return iter(file)

    def refused(self, name: str, rejected: Rejected, document: bool) -> None:
        """Not told to anybody."""

    def kept(self, count: int, path: Path) -> None:
        """Not told to anybody."""

    def confirmed(self, name: str, guess: Guess) -> bool:
        """What was said beforehand."""
        return self._accept_guess


@dataclass
class Reports:
    """The reports in the order of the files, and the files that could not be taken at all, with the reason."""

    watch: Watch
    all: list[Report] = field(default_factory=list)
    failures: dict[str, GatewayError] = field(default_factory=dict)
    _mendable: set[str] = field(default_factory=set)

    def begun(self, name: str, form: str) -> Report:
        """A new report, of a file of that name and format."""
        report: Report = {
            "file": name, "format": form, **dict.fromkeys(COUNTS, 0), "rejects": [], "rejects_file": None, "notes": [],
        }  # fmt: skip
        self.all.append(report)
        return report

    def refuse(self, report: Report, rejected: Rejected, kept: RejectsFile | None, row: bool = False) -> None:
        """An entry was refused; it goes into the rejects file where it can be mended there.

        Args:
            report: That of its file.
            rejected: The entry and the reason.
            kept: The rejects file; None where there is nothing to mend.
            row: Whether it is a row of a table, and no document.
        """
        report["refused"] += 1
        value = rejected.value.removeprefix("'").removesuffix("'")
        place = "line" if row else "entry"
        told = {"field": rejected.field, "value": value, "reason": rejected.reason}
        report["rejects"].append({place: rejected.line, **told})
        self.watch.refused(report["file"], rejected, document=not row)
        if kept is None or (not row and not isinstance(rejected.original, dict)):
            return
        if not row and isinstance(rejected.original, dict):
            cells = tuple(str(rejected.original.get(column, "")) for column in COLUMNS)
            reason = f"{report['file']}: {rejected.reason}"
            rejected = Rejected(rejected.line, rejected.field, rejected.value, reason, cells)
            self._mendable.add(report["file"])
        kept.add(rejected)

    def refuse_whole(self, report: Report, reason: str) -> None:
        """A file was opened and refused as it is."""
        self.refuse(report, Rejected(1, "", "", reason, ""), None)

    def ignore(self, report: Report, reason: str) -> None:
        """A file is none of our business."""
        report["ignored"] += 1
        report["notes"].append(f"ignored: {reason}")

    def kept(self, kept: RejectsFile) -> None:
        """The refused documents were kept in one file."""
        self.watch.kept(kept.count, kept.path)
        for report in self.all:
            if report["file"] in self._mendable:
                report["rejects_file"] = str(kept.path)

    def failed(self, name: str, form: str, error: GatewayError) -> None:
        """A file that could not be read at all: told as an error, and as refused in its report."""
        self.failures[name] = error
        if isinstance(error, InputRefused):
            report = next((r for r in self.all if r["file"] == name and not r["refused"]), None)
            report = report or self.begun(name, form)
            reason = str(error).removeprefix(f"{name}: ")
            report["refused"] += 1
            report["rejects"].append({"line": 1, "field": "", "value": "", "reason": reason})
