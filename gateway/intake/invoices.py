"""A file of invoices: opened, recognised, and read row by row into what was accepted and what was refused."""

import io
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from gateway.errors import InputRefused, WrongUsage
from gateway.intake import reading
from gateway.intake.columns import FIELDS
from gateway.intake.entries import Accepted, Fault, Rejected
from gateway.intake.opening import detect_encoding, open_file
from gateway.intake.profiles import Profile
from gateway.intake.rows import RowReader
from gateway.intake.tables import DELIMITERS, CsvTable, JsonTable, Record
from models.faults import shown

Entry = Accepted | Rejected
Format = Literal["csv", "jsonl"]

_JSON_LINES = frozenset((".jsonl", ".ndjson", ".json"))
_DIGEST = 24
"""Hexadecimal digits that are kept of a row's digest: enough to tell a hundred million rows apart."""


def _kind(first: str, suffix: str) -> Format:
    """What the first line shows; the name of the file settles only what a damaged line leaves open."""
    if first[:1] in ("{", "["):
        return "jsonl"
    header = any(len(FIELDS.intersection(map(str.strip, first.split(mark)))) > 1 for mark in DELIMITERS)
    return "jsonl" if suffix in _JSON_LINES and not header else "csv"


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is written, as far as a second file of the same kind needs to know."""

    format: Format
    delimiter: str = ","
    header: tuple[str, ...] = ()
    mark: bool = False
    """Whether a byte order mark comes first."""


class InvoiceFile:
    """A file of invoices. Iterate it once, inside `with`: each record comes out accepted or rejected.

    One record is held at a time, and of each number seen only its line and a digest.
    """

    def __init__(
        self,
        path: Path,
        profile: Profile | None = None,
        known_as: Path | None = None,
        default_terms: Mapping[str, int] | None = None,
    ) -> None:
        """Open the file and understand its head.

        Args:
            path: A regular file: CSV or JSON Lines, in UTF-8 or UTF-16.
            profile: What its columns mean; None for the canonical names.
            known_as: What people call it, where `path` holds what was unpacked or converted.
            default_terms: The days to pay of the creditors that have some, for rows without a due date.

        Raises:
            WrongUsage: if the file is missing or cannot be read.
            InputRefused: if it is in a wrong encoding, or its columns do not fit.
        """
        self.path = known_as or path
        self.note = ""
        """What a person should know about the file as a whole: that it holds no rows."""
        self._rows = RowReader(profile, default_terms)
        self._seen: dict[str, tuple[int, str]] = {}
        self._binary = open_file(path)
        try:
            encoding = detect_encoding(self._binary, str(self.path), () if profile is None else (profile.encoding,))
            self.size = os.fstat(self._binary.fileno()).st_size
            # Held here, as a text that nobody holds closes the file under it.
            self._text = io.TextIOWrapper(self._binary, encoding.name, newline="")
            lines = reading.Lines(self._text)
            self.layout, self._table = self._recognised(lines, profile, bool(encoding.mark))
        except OSError as error:
            self._binary.close()
            raise self._unreadable(error) from None
        except BaseException:
            self._binary.close()
            raise

    def __enter__(self) -> Self:
        """The file itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._text.close()

    @property
    def position(self) -> int:
        """How many bytes have been read; with `size`, how far we are."""
        return self._binary.tell()

    def __iter__(self) -> Iterator[Entry]:
        """The records, each accepted or rejected."""
        empty = True
        try:
            for record in self._table:
                empty = False
                yield self._judged(record)
        except UnicodeDecodeError as error:
            raise InputRefused(f"{self.path}: changed while it was read ({error.reason}); try again") from None
        except OSError as error:
            raise self._unreadable(error) from None
        if empty and not self.note:
            self.note = "the file has a header and no rows"

    def _unreadable(self, error: OSError) -> WrongUsage:
        return WrongUsage(f"{self.path} cannot be read: {error.strerror or error}")

    def _recognised(
        self, lines: reading.Lines, profile: Profile | None, mark: bool
    ) -> tuple[Layout, CsvTable | JsonTable | tuple[Record, ...]]:
        """The layout and the table, from the extension and the first line."""
        first = reading.beginning(lines)
        kind = _kind(first, self.path.suffix.lower())
        mapping = None if profile is None else profile.mapping
        if not first:
            self.note = "the file is empty"
            return Layout(kind, mark=mark), ()
        if kind == "csv":
            table = CsvTable(str(self.path), lines, mapping, () if profile is None else profile.constants)
            return Layout(kind, table.delimiter, table.header, mark), table
        if first.startswith("["):
            raise InputRefused(f"{self.path}: a JSON array; write JSON Lines: one object per line, no brackets")
        return Layout(kind, mark=mark), JsonTable(lines, mapping)

    def _judged(self, record: Record) -> Entry:
        try:
            if isinstance(record.texts, Fault):
                raise record.texts
            row = self._rows.read(record.texts)
            content = f"{row.invoice.fingerprint[:_DIGEST]}{row.policy or ''}"
            line, earlier = self._seen.setdefault(row.invoice.case_id, (record.line, content))
            if earlier != content:
                reason = f"line {line} has the same number with other content"
                raise Fault("number", row.invoice.number, reason)
        except Fault as fault:
            value = shown(fault.value) if fault.value else ""
            return Rejected(record.line, fault.field, value, fault.reason, record.original)
        return Accepted(record.line, row, record.original, None if line == record.line else line)
