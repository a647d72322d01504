"""The first look at somebody's table: how it is encoded and divided is told by what makes sense of its header."""

import re
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

from gateway.errors import InputRefused
from gateway.intake.opening import Encoding, detect_encoding, open_file
from gateway.intake.reading import Lines, Unreadable, csv_records
from gateway.intake.tables import DELIMITERS

SAMPLE = 5000
"""How many rows are looked at."""
OTHER_ENCODINGS = ("cp1252", "gb18030")
"""What spreadsheets on Windows write where they do not write UTF-8: Western Europe, China."""


def look_at(path: Path, name: str, knows: Callable[[str], bool]) -> tuple[list[str], list[list[str]], str]:
    """The header and the first rows, under the delimiter and the encoding that make most of the header; the encoding.

    Args:
        path: The file.
        name: Its name, for messages.
        knows: Whether a column has a known name.

    Raises:
        InputRefused: the file is in an encoding that cannot be told.
    """
    with open_file(path) as file:
        encodings = _encodings(file, name)
    looks = [_look(path, encoding, delimiter, knows) for encoding in encodings for delimiter in DELIMITERS]
    best = max(looks, key=lambda look: look.known)
    if len(encodings) > 1 and best.encoding == OTHER_ENCODINGS[0] and _in_runs(best):
        raise InputRefused(
            f"{name}: not UTF-8, and nothing in its header tells {' from '.join(OTHER_ENCODINGS)}: save it as UTF-8, "
            "or write a profile that names its `encoding`"
        )
    return best.header, best.rows, best.encoding


class _Look(NamedTuple):
    """What a file looks like under an encoding and a delimiter; `known`: how many of its columns have known names."""

    known: int
    header: list[str]
    rows: list[list[str]]
    encoding: str


def _look(path: Path, encoding: Encoding, delimiter: str, knows: Callable[[str], bool]) -> _Look:
    with open(path, encoding=encoding.name, newline="") as text:
        text.seek(encoding.mark)
        records = (cells for _, cells in csv_records(Lines(text), delimiter))
        found = next(records, None)
        if found is None or isinstance(found, Unreadable):
            return _Look(-1, [], [], encoding.name)
        header = [cell.strip() for cell in found]
        sound = (r for r in records if not isinstance(r, Unreadable) and len(r) == len(header))
        rows = [[cell.strip() for cell in row] for row in islice(sound, SAMPLE)]
    known = sum(1 for cell in header if knows(cell))
    return _Look(known, header, rows, encoding.name)


def _encodings(file: BinaryIO, name: str) -> list[Encoding]:
    """How the file may be encoded: as UTF says, else each of the others that fit.

    Raises:
        InputRefused: none does.
    """
    with suppress(InputRefused):
        return [detect_encoding(file, name)]
    fitting = []
    for other in OTHER_ENCODINGS:
        file.seek(0)
        with suppress(InputRefused):
            fitting.append(detect_encoding(file, name, (other,)))
    file.seek(0)
    return fitting or [detect_encoding(file, name)]


_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")


def _in_runs(look: _Look) -> bool:
    """Whether letters with accents stand together as they do in no Western language: then they are none."""
    texts = (cell for row in (look.header, *look.rows) for cell in row)
    runs = [run for text in texts for run in _BEYOND_ASCII.findall(text)]
    return sum(len(run) > 1 for run in runs) * 2 > len(runs)
