"""Structured references: what a payer copies whole from the invoice, proven by check digits.

RF (ISO 11649), the Swiss QR reference (27 digits, mod 10 recursive) and the Belgian OGM (12 digits, mod 97); others
(KID, OCR, viitenumero …) are recognised where the invoice carries them. Numbers in prose are in citations.py.
"""

import re
from typing import Literal, NamedTuple

from stdnum import iso11649
from stdnum.be import ogm_vcs
from stdnum.ch import esr
from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_97_10

from models import spelling

Standard = Literal["RF reference", "Swiss QR reference", "Belgian structured communication", "structured reference"]

_RF = re.compile(r"(?<![A-Z0-9])RF\d\d(?: ?[A-Z0-9]){1,21}(?![A-Z0-9])")
_OGM = re.compile(r"(?:\+{3}|\*{3})\s?(\d{3}/?\d{4}/?\d{5})\s?(?:\+{3}|\*{3})|(?<!\d)(\d{3}/\d{4}/\d{5})(?!\d)")
_QR = re.compile(r"(?<!\d)(?:\d ?){26}\d(?!\d)")


class Reference(NamedTuple):
    """A reference as it compares: compact, with what it carries between its check digits."""

    standard: Standard
    compact: str
    body: str
    """The creditor's own part; for the numeric standards without leading zeros."""


def rf_reference(number: str) -> str:
    """The RF reference that carries an invoice number; "" if none can (over 21 letters and digits, or others)."""
    body = spelling.compact(number)
    if not re.fullmatch(r"[A-Z0-9]{1,21}", body):
        return ""
    return f"RF{mod_97_10.calc_check_digits(f'{body}RF')}{body}"


def read(field: str) -> Reference | None:
    """The content of a field that is meant for a structured reference; None if its check digits are wrong."""
    text = spelling.compact(field)
    if text.startswith("RF"):
        return _proven("RF reference", text, text[4:]) if iso11649.is_valid(text) else None
    if not text.isdigit() or not text.isascii():
        return None
    if len(text) == 12 and _is_ogm(text):
        return _proven("Belgian structured communication", text, text[:10].lstrip("0"))
    if 16 <= len(text) <= 27 and esr.is_valid(text):
        return _proven("Swiss QR reference", text, text[:-1].lstrip("0"))
    return None


def in_text(text: str) -> list[Reference]:
    """Structured references within free text, those with right check digits."""
    capital = text.upper()
    found: list[Reference] = []
    digits = sum(map(str.isdigit, capital))
    if "RF" in capital:
        for match in _RF.finditer(capital):
            found += _rf_starts(match.group())
    if digits >= 12:
        for match in _OGM.finditer(capital):
            found += filter(None, [read(match.group(1) or match.group(2))])
    if digits >= 27:
        for match in _QR.finditer(capital):
            found += filter(None, [read(match.group())])
    return list(dict.fromkeys(found))


def _rf_starts(text: str) -> list[Reference]:
    """Every part from the start that is one: words may follow it after a space, and their letters may fit by chance."""
    words = text.split(" ")
    return list(filter(None, (read("".join(words[:end])) for end in range(len(words), 0, -1))))


def _is_ogm(text: str) -> bool:
    try:
        ogm_vcs.validate(text)
    except ValidationError:
        return False
    return True


def _proven(standard: Standard, text: str, body: str) -> Reference | None:
    return Reference(standard, text, body) if body.strip("0") else None
