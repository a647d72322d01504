"""A table of invoices, wherever it lies: a file of its own, a member of an archive, a sheet of a workbook."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import InputRefused
from gateway.intake.guess import Guess, guess_columns
from gateway.intake.invoices import InvoiceFile
from gateway.intake.profiles import Profile
from gateway.intake.sources import MAX_MEMBER, Source
from gateway.intake.xlsx import first_sheet_as_csv


@dataclass(frozen=True, slots=True)
class Table:
    """A table, and what is known about its columns beforehand."""

    source: Source
    profile: Profile | None
    creditor: str | None
    currency: str | None
    """That of the creditor, where the table names none."""
    dry_run: bool
    default_terms: Mapping[str, int]
    """The days to pay of the creditors that have some, for rows without a due date."""

    @property
    def format(self) -> str:
        """xlsx, or empty where the file itself tells."""
        return "xlsx" if self.source.found.kind == "xlsx" else ""

    @contextmanager
    def opened(self, confirmed: Callable[[str, Guess], bool]) -> Iterator[tuple[InvoiceFile, str]]:
        """The file with its columns understood, and a note if that took a guess.

        Args:
            confirmed: Asks a person whether a guess is right.

        Raises:
            WrongUsage: if it cannot be read.
            InputRefused: if its columns do not fit, or a guess was not confirmed.
        """
        with tempfile.TemporaryDirectory(prefix="arrears-") as folder:
            file, note = self._understood(self._at_hand(Path(folder)), confirmed)
            with file:
                yield file, note

    def _at_hand(self, folder: Path) -> Path:
        """Where it can be read row by row; what comes out of an archive or a workbook is put into the folder."""
        if self.source.path is not None and not self.format:
            return self.source.path
        path, name = folder / "table", self.source.name
        content = self.source.read(MAX_MEMBER)
        if len(content) > MAX_MEMBER:
            raise InputRefused(f"{name}: at most {MAX_MEMBER:,} bytes are read")
        if self.format:
            first_sheet_as_csv(name, content, path, self.profile)
        else:
            path.write_bytes(content)
        return path

    def _understood(self, path: Path, confirmed: Callable[[str, Guess], bool]) -> tuple[InvoiceFile, str]:
        name = self.source.name
        try:
            return self._file(path, self.profile), ""
        except InputRefused as error:
            guess = None
            if self.profile is None:
                guess = guess_columns(path, name, self.creditor, self.currency, self.dry_run)
            if guess is None:
                raise error from None
        if not guess.certain and not self.dry_run and not confirmed(name, guess):
            raise InputRefused(
                f"{name}: the columns are not ours; guessed: {guess.shown}. If that is right, repeat with "
                "--accept-guess; else write a profile (--profile)"
            )
        return self._file(path, guess.profile), "" if guess.certain else f"columns guessed: {guess.shown}"

    def _file(self, path: Path, profile: Profile | None) -> InvoiceFile:
        return InvoiceFile(path, profile, Path(self.source.name), self.default_terms)
