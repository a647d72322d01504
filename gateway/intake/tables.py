"""A file as a table: its head understood, then each record as canonical texts, whatever the format."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from gateway.errors import InputRefused
from gateway.intake.columns import FIELDS, is_own, match_header
from gateway.intake.entries import Fault, Original
from gateway.intake.reading import Lines, Unreadable, csv_records, json_records
from models.faults import nearest, shown

Texts = dict[str, str]
"""Canonical field to its text; stripped, and without the empty ones."""

DELIMITERS = (",", ";", "\t")


class Record(NamedTuple):
    """A record with the line it starts on; a fault in its place where it could not be taken apart."""

    line: int
    texts: Texts | Fault
    original: Original


class CsvTable:
    """A CSV file: the delimiter is the one under which the header makes most sense."""

    def __init__(self, file: str, lines: Lines, mapping: Mapping[str, str] | None, given: Iterable[str] = ()) -> None:
        """Read the header from `lines` and match its columns (see `match_header`)."""
        expected = FIELDS if mapping is None else frozenset(mapping.values())
        headers = {delimiter: _header(lines, delimiter) for delimiter in DELIMITERS}
        self.delimiter, found = max(headers.items(), key=lambda item: _familiarity(item[1], expected))
        if isinstance(found, Unreadable):
            raise InputRefused(f"{file}: the header (line {lines.number + 1}) cannot be read: {found.reason}")
        names = [name.strip() for name in found]
        self.header = tuple(name for name in names if not is_own(name))
        """The columns, without those that a rejects file adds."""
        self._places = list(match_header(file, names, mapping, given).items())
        self._own = frozenset(place for place, name in enumerate(names) if is_own(name))
        self._width = len(names)
        self._lines = lines
        self._records = csv_records(lines, self.delimiter)
        next(self._records)

    def __iter__(self) -> Iterator[Record]:
        """The records below the header."""
        own, places, width = self._own, self._places, self._width
        for line, cells in self._records:
            if isinstance(cells, Unreadable):
                yield Record(line, Fault("", "", cells.reason), cells.raw)
                continue
            if not any(cells) or not "".join(cells).strip():
                continue
            original = tuple(cells) if not own else tuple(c for n, c in enumerate(cells) if n not in own)
            if len(cells) != width:
                which = "few" if len(cells) < width else "many"
                reason = f"too {which} cells: {len(original)} where the header has {len(self.header)}"
                if self._lines.number > line:
                    reason += f"; the row reaches to line {self._lines.number}: is a quotation mark left open?"
                yield Record(line, Fault("", "", reason), original)
                continue
            texts = {field: text for field, place in places if (text := cells[place].strip())}
            yield Record(line, texts, original)


def _header(lines: Lines, delimiter: str) -> list[str] | Unreadable:
    """The first record, taken apart at `delimiter`; it is read again afterwards."""
    _, cells = next(csv_records(lines, delimiter))
    lines.take_back(0)
    return cells


def _familiarity(header: list[str] | Unreadable, expected: frozenset[str]) -> tuple[int, int]:
    if isinstance(header, Unreadable):
        return (-1, 0)
    return sum(1 for name in header if name.strip() in expected), len(header)


class JsonTable:
    """A JSON Lines file: an object per line, its keys in place of columns."""

    def __init__(self, lines: Lines, mapping: Mapping[str, str] | None) -> None:
        """Read objects from `lines`; without a mapping their keys are the canonical names."""
        self._lines = lines
        self._mapping = mapping

    def __iter__(self) -> Iterator[Record]:
        """The records."""
        for line, found in json_records(self._lines):
            if isinstance(found, Unreadable):
                yield Record(line, Fault("", "", found.reason), found.raw)
                continue
            original = {key: value for key, value in found.items() if not is_own(key)}
            try:
                texts: Texts | Fault = self._texts(original)
            except Fault as fault:
                texts = fault
            yield Record(line, texts, original)

    def _texts(self, record: dict[str, object]) -> Texts:
        wanted = self._mapping
        if wanted is None:
            unknown = next((key for key in record if key not in FIELDS), None)
            if unknown is not None:
                raise Fault(shown(unknown), "", f"unknown key{nearest(unknown, FIELDS)}")
            wanted = {key: key for key in record}
        texts: Texts = {}
        for field, key in wanted.items():
            value = record.get(key)
            if value is None:
                continue
            if not isinstance(value, str):
                raise Fault(field, str(value), "must be text or a number")
            if text := value.strip():
                texts[field] = text
        return texts
