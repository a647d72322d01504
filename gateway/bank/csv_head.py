"""Where the header of a bank's CSV is, and which column has which field, as a profile says. Rows: csv_statement.py."""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stdnum import iban

from gateway.bank import texts
from gateway.bank.csv_profiles import BankProfile, Column
from gateway.intake.reading import Lines, Unreadable, csv_records

DELIMITERS = (";", ",", "\t", "|")
HEADER_WITHIN = 40
"""Lines among which the header is looked for: many banks put the account and the period before it."""

_SUFFIX = re.compile(r"(?P<name>.*?)\s*[(\[]?(?P<currency>[A-Z]{3}|€|￥|元)[)\]]?", re.DOTALL)
# As the csv reader sees lines: other characters that end a line for Python may stand in a cell.
_LINE_END = re.compile(r"\r\n|\r|\n")
_BEGINNING, _LONGEST = 100_000, 5_000
"""So much of a file, and of a line, is looked at to find the header."""
_SIGNS = {"€": "EUR", "￥": "CNY", "元": "CNY"}


@dataclass(frozen=True, slots=True)
class Head:
    """Where the header of a file is, and which column has which field."""

    profile: BankProfile
    text: str
    line: int
    delimiter: str
    places: dict[Column, tuple[int, ...]]
    names: tuple[str, ...]
    currency: str
    account: str


def find_head(data: bytes, profile: BankProfile) -> Head | None:
    """The header of a file, if the profile fits it."""
    for text in _decoded(data, profile.encodings):
        rows = [row[:_LONGEST] for row in _LINE_END.split(text.lstrip("\ufeff")[:_BEGINNING])[:HEADER_WITHIN]]
        for delimiter in DELIMITERS:
            for number, row in enumerate(rows, 1):
                if delimiter not in row:
                    continue
                cells = _cells(row, delimiter)
                places, currency = _matched(cells, profile)
                if places is not None:
                    account = _account_before(rows[: number - 1])
                    whole = text.lstrip("\ufeff")
                    return Head(profile, whole, number, delimiter, places, tuple(cells), currency, account)
    return None


def _decoded(data: bytes, encodings: Sequence[str]) -> Iterator[str]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ("utf-16",)
    for encoding in encodings:
        try:
            yield data.decode(encoding)
        except UnicodeDecodeError:
            continue


def _cells(row: str, delimiter: str) -> list[str]:
    records = csv_records(Lines(io.StringIO(row, newline="")), delimiter)
    cells = next(records, (0, Unreadable("", "")))[1]
    return [] if isinstance(cells, Unreadable) else [cell.strip() for cell in cells]


def _matched(cells: list[str], profile: BankProfile) -> tuple[dict[Column, tuple[int, ...]] | None, str]:
    """The places of the columns, and the currency that a column's name carries (`Betrag (EUR)`)."""
    names = [cell.casefold() for cell in cells]
    bare, currency = list(names), ""
    for place, cell in enumerate(cells):
        match = _SUFFIX.fullmatch(cell[:100])
        if match and match["name"]:
            bare[place] = match["name"].strip().casefold()
    found: dict[Column, tuple[int, ...]] = {}
    for column, wanted in profile.columns.items():
        places: list[int] = []
        for name in wanted:
            places += [p for p, given in enumerate(names) if given == name.casefold()]
        if not places and column in ("amount", "debit", "credit", "balance"):
            places = [p for name in wanted for p, given in enumerate(bare) if given == name.casefold()]
            for place in places[:1]:
                sign = (_SUFFIX.fullmatch(cells[place][:100]) or {"currency": ""})["currency"]
                currency = _SIGNS.get(sign, sign)
        if places:
            found[column] = tuple(dict.fromkeys(places)) if column == "remittance" else (places[0],)
    complete = "booked_on" in found and ("amount" in found or {"debit", "credit"} <= found.keys())
    return (found if complete else None), currency


def _account_before(rows: list[str]) -> str:
    """The account that the lines before the header name, if it is an IBAN."""
    for row in rows:
        for cell in re.split(r"[;,|\t:\"]", row):
            number = texts.account(cell)
            if 15 <= len(number) <= 34 and iban.is_valid(number):
                return number
    return ""
