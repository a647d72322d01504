"""What the commands that read files of invoices have in common: progress, and the tale of refused rows."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.cli.output import err
from gateway.intake.entries import Rejected
from gateway.intake.invoices import Entry, InvoiceFile
from gateway.intake.rejects import RejectsFile, rejects_path

TOLD = 20
"""How many refused rows are named on the terminal; all are in the rejects file."""

_EVERY = 200


def tracked(file: InvoiceFile, label: str) -> Iterator[Entry]:
    """The entries of a file, with a progress bar on stderr where that is a terminal."""
    if not err.is_terminal:
        yield from file
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rows]:,} rows"))
    with Progress(*columns, TimeRemainingColumn(), console=err, transient=True) as progress:
        task = progress.add_task(label, total=file.size, rows=0)
        for rows, entry in enumerate(file, 1):
            if rows % _EVERY == 0:
                progress.update(task, completed=file.position, rows=rows)
            yield entry


class Refusals:
    """The refused rows of a file: the first of them told on stderr, all kept in the rejects file.

    Use it in a `with` block; when that ends well, the rejects file is in place and its name has been told.
    """

    def __init__(self, file: InvoiceFile, data_dir: str | Path) -> None:
        """Nothing is written or told before the first refused row."""
        self._name = str(file.path)
        self._kept = RejectsFile(rejects_path(data_dir, file.path, file.layout, apart=True), file.layout)

    def __enter__(self) -> Self:
        """The refusals themselves."""
        self._kept.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the rejects file in place and say where it is."""
        self._kept.__exit__(kind, error, trace)
        if error is not None or not self.count:
            return
        if self.count > TOLD:
            sys.stderr.write(f"{self._name}: … and {self.count - TOLD:,} more refused rows\n")
        sys.stderr.write(f"{self.count:,} refused; mend them in {self._kept.path} and feed that file again\n")

    def add(self, rejected: Rejected) -> None:
        """A row was refused."""
        self._kept.add(rejected)
        if self.count <= TOLD:
            sys.stderr.write(f"{self._name}: {rejected}\n")

    @property
    def count(self) -> int:
        """How many rows were refused."""
        return self._kept.count

    @property
    def path(self) -> Path | None:
        """The rejects file, if there is one."""
        return self._kept.path if self.count else None
