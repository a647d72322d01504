"""From text to records: physical lines, CSV and JSON Lines. What a record means lives in rows.py.

Everything streams and everything is bounded: no file, line or open quote can make this hold more than about a
mebibyte at a time.
"""

import csv
import json
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple, TextIO

MAX_RECORD = 1024 * 1024
"""The longest record, in characters."""
MAX_LINES = 500
"""The most physical lines one CSV record may span; more means a quote that was never closed."""
KEPT = 1000
"""How much of a record that could not be taken apart is kept for the rejects file."""

_CHUNK = 1 << 20
_OPEN_QUOTE = "a quotation mark is opened and not closed"


class Unreadable(NamedTuple):
    """A record that could not be taken apart: why, and how it begins."""

    reason: str
    raw: str


class Overlong(ValueError):
    """A record exceeds the bounds."""


class Lines:
    """The physical lines of a file, numbered and bounded, which can be taken back within one record."""

    def __init__(self, text: TextIO) -> None:
        """Read from `text`, which must not translate line ends."""
        self._text = text
        self._ahead: deque[str] = deque()
        self._size = 0
        self.number = 0
        self.record: list[str] = []
        """The lines of the record being read."""

    def __iter__(self) -> Iterator[str]:
        """The lines are their own iterator."""
        return self

    def __next__(self) -> str:
        """The next physical line, with its end.

        Raises:
            Overlong: if the line, or the record it belongs to, exceeds the bounds.
        """
        line = self._ahead.popleft() if self._ahead else self._read()
        if not line:
            raise StopIteration
        self.number += 1
        self.record.append(line)
        self._size += len(line)
        if self._size > MAX_RECORD or len(self.record) > MAX_LINES:
            if len(self.record) > 1:
                raise Overlong(_OPEN_QUOTE)
            raise Overlong(f"the line is longer than {MAX_RECORD:,} characters")
        return line

    def begin(self) -> int:
        """Begin a record; the number of its first line."""
        self.record = []
        self._size = 0
        return self.number + 1

    def take_back(self, keep: int) -> None:
        """Give back all lines of the record but the first `keep`; they are read again."""
        given_back = self.record[keep:]
        self._ahead.extendleft(reversed(given_back))
        self.number -= len(given_back)
        del self.record[keep:]

    def _read(self) -> str:
        line = self._text.readline(MAX_RECORD + 1)
        if len(line) > MAX_RECORD:
            rest = line
            while rest and not rest.endswith(("\n", "\r")):
                rest = self._text.readline(_CHUNK)
        return line


def beginning(lines: Lines) -> str:
    """How the first line that is not blank begins; it is read again afterwards. Empty: there is none."""
    while True:
        lines.begin()
        try:
            line = next(lines, "")
        except Overlong:
            line = lines.record[0]
        if not line or line.strip():
            lines.take_back(0)
            return line.lstrip()[:KEPT]


def csv_records(lines: Lines, delimiter: str) -> Iterator[tuple[int, list[str] | Unreadable]]:
    """The records of a CSV file (RFC 4180), each with the line it starts on; blank lines are passed over.

    A record that breaks the rules is refused with its first line alone, and reading goes on with the next
    line: one stray quotation mark cannot swallow the rest of the file.
    """
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except Overlong as error:
            yield line, _refused(lines, str(error))
            continue
        except csv.Error as error:
            yield line, _refused(lines, _csv_reason(str(error)))
            continue
        if any("\0" in part for part in lines.record):
            yield line, _refused(lines, "the row contains a NUL byte", keep=len(lines.record))
        elif cells:
            yield line, cells


def _csv_reason(error: str) -> str:
    if "unexpected end of data" in error:
        return _OPEN_QUOTE
    if "field limit" in error:
        return f"a cell is longer than {csv.field_size_limit():,} characters"
    if "expected after" in error:
        return "text follows a closing quotation mark: double the quotation marks inside a quoted cell"
    return f"not a row of CSV ({error})"


def _refused(lines: Lines, reason: str, keep: int = 1) -> Unreadable:
    raw = "".join(lines.record[:keep])[:KEPT]
    lines.take_back(keep)
    return Unreadable(reason, raw.rstrip("\r\n"))


class _RepeatedKey(ValueError):
    pass


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise _RepeatedKey(f"the key {next(k for k in keys if keys.count(k) > 1)[:40]!r} occurs twice")
    return found


# Numbers stay the text they were written as: no digit of an amount may pass through a float.
_JSON = json.JSONDecoder(object_pairs_hook=_unique_keys, parse_float=str, parse_int=str, parse_constant=str)


def json_records(lines: Lines) -> Iterator[tuple[int, dict[str, object] | Unreadable]]:
    """The objects of a JSON Lines file, each with its line; numbers come as text, blank lines are skipped."""
    while True:
        line = lines.begin()
        try:
            text = next(lines)
        except StopIteration:
            return
        except Overlong as error:
            yield line, _refused(lines, str(error))
            continue
        text = text.strip()
        if not text:
            continue
        try:
            found = _JSON.decode(text)
        except _RepeatedKey as error:
            yield line, _refused(lines, str(error))
        except json.JSONDecodeError as error:
            reason = f"not a JSON object on one line ({error.msg} at column {error.colno})"
            yield line, _refused(lines, reason)
        except RecursionError:
            yield line, _refused(lines, "the JSON is nested too deeply")
        else:
            if isinstance(found, dict):
                yield line, found
            else:
                yield line, _refused(lines, "not a JSON object: write one {…} per line")
