"""An Excel workbook as a table: its first sheet, written as CSV, so that the rest of the house reads it as one.

Formulas are not evaluated: what Excel stored as their result counts. Dates and numbers come out exactly.
"""

import csv
import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from gateway.errors import InputRefused
from gateway.intake.profiles import Profile

MAX_UNPACKED = 192 * 1024 * 1024
MAX_ROWS = 1_048_576
"""What a sheet can have at most."""
MAX_COLUMNS = 500
DIGITS = 15
"""The significant digits Excel keeps: what a binary fraction shows beyond them was never typed."""

_ZEROS = re.compile(r"0+")
_FORBIDDEN = (b"<!DOCTYPE", b"<!ENTITY")


def first_sheet_as_csv(name: str, content: bytes, out: Path, profile: Profile | None) -> None:
    """Write the first sheet of a workbook to `out`, one line per row, so that line numbers are those of the sheet.

    Args:
        name: The workbook's name, for messages.
        content: Its bytes.
        out: The CSV file to write, UTF-8.
        profile: How the profile that reads it afterwards expects dates and decimals; None for the canonical form.

    Raises:
        InputRefused: if the workbook is damaged, dangerous or beyond the bounds.
    """
    _check(name, content)
    form = "%Y-%m-%d" if profile is None else profile.date_format
    mark = "," if profile is not None and profile.decimal == "comma" else "."
    try:
        with warnings.catch_warnings(), out.open("w", newline="", encoding="utf-8") as target:
            warnings.simplefilter("ignore")
            writer = csv.writer(target, lineterminator="\n")
            width = 0
            for row in _rows(name, content):
                cells = [_text(cell, form, mark) for cell in row]
                if any(cells):
                    width = width or len(cells)
                    writer.writerow(cells + [""] * (width - len(cells)))
                else:
                    target.write("\n")
    except (InputRefused, OSError):
        raise
    except Exception as error:
        # A damaged workbook makes the library fail in any way there is.
        raise InputRefused(
            f"{name}: the workbook is damaged ({type(error).__name__}); save it again, or as CSV"
        ) from None


def _check(name: str, content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            total = sum(member.file_size for member in archive.infolist())
            if total > MAX_UNPACKED:
                raise InputRefused(
                    f"{name}: unpacked, the workbook has {total:,} bytes; at most {MAX_UNPACKED:,} are read"
                )
            for member in archive.infolist():
                if member.filename.endswith((".xml", ".rels")):
                    _check_part(name, archive, member)
    except InputRefused:
        raise
    except Exception as error:
        raise InputRefused(
            f"{name}: the workbook is damaged ({type(error).__name__}); save it again, or as CSV"
        ) from None


def _check_part(name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    with archive.open(member) as file:
        tail = b""
        while chunk := file.read(1 << 20):
            if not tail and (chunk[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in chunk[:4]):
                raise InputRefused(f"{name}: a part of the workbook is not in UTF-8, as Excel writes it")
            if any(word in tail + chunk for word in _FORBIDDEN):
                raise InputRefused(f"{name}: a part of the workbook has a DOCTYPE; such files are not opened")
            tail = chunk[-16:]


def _rows(name: str, content: bytes) -> Iterator[tuple[Any, ...]]:
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    try:
        if not book.worksheets:
            raise InputRefused(f"{name}: the workbook has no sheet with cells")
        sheet: Any = book.worksheets[0]
        sheet.reset_dimensions()
        for number, row in enumerate(sheet.iter_rows(), 1):
            if number > MAX_ROWS:
                raise InputRefused(f"{name}: the sheet has more than {MAX_ROWS:,} rows")
            end = max((n for n, cell in enumerate(row, 1) if cell.value is not None), default=0)
            if end > MAX_COLUMNS:
                raise InputRefused(f"{name}: row {number} of the sheet has more than {MAX_COLUMNS} columns")
            yield row[:end]
    finally:
        book.close()


def _text(cell: Any, form: str, mark: str) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.strftime(form)
    if isinstance(value, int | float | Decimal):
        return _number(value, str(cell.number_format or ""), mark)
    if isinstance(value, time):
        return value.isoformat()
    return " ".join(str(value).split("\n")).replace("\r", "")


def _number(value: int | float | Decimal, shown_as: str, mark: str) -> str:
    """A number as text: what was typed, in plain digits; leading zeros where the cell shows them."""
    number = Decimal(value) if isinstance(value, int) else Decimal(f"{value:.{DIGITS}g}")
    if shown_as.endswith("%"):
        number *= 100
    whole = number == number.to_integral_value()
    text = f"{number.to_integral_value() if whole else number.normalize():f}"
    if whole and _ZEROS.fullmatch(shown_as):
        return text.zfill(len(shown_as))
    return text if mark == "." else text.replace(".", mark)
