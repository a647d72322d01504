"""An electronic invoice as its file states it, whatever its syntax: texts and figures, nothing judged yet.

The readers are ubl.py and cii.py; what an invoice means for us is decided in judging.py.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from gateway.intake.entries import Fault
from models.durations import EARLIEST, LATEST

Syntax = Literal["ubl", "cii"]


CREDIT_CODES = frozenset(("81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "502", "503", "532"))
"""UNTDID 1001: the codes that make a document a credit note, in EN 16931's list."""


class Identifier(NamedTuple):
    """An identifier and its scheme (ISO 6523, EAS); the scheme may be empty."""

    value: str
    scheme: str = ""


@dataclass(frozen=True, slots=True)
class PartyStated:
    """A party: who it is, where it sits, how it is reached."""

    name: str = ""
    ids: tuple[Identifier, ...] = ()
    vat_id: str = ""
    tax_id: str = ""
    registration: str = ""
    endpoint: Identifier | None = None
    address: tuple[str, ...] = ()
    country: str = ""
    contact: str = ""
    email: str = ""
    phone: str = ""


class TermsStated(NamedTuple):
    """One block of payment terms: its words, its due date, and whether that is the day of a discount."""

    text: str = ""
    due: str = ""
    net_days: str = ""
    discounted: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """An invoice or credit note, as stated. Dates are ISO or YYYYMMDD, amounts as written."""

    syntax: Syntax
    credit: bool
    number: str
    type_code: str
    issued: str
    currency: str
    payable: str
    payable_currency: str
    prepaid: str
    total: str
    seller: PartyStated
    buyer: PartyStated
    terms: tuple[TermsStated, ...] = ()
    delivered: str = ""
    notes: tuple[str, ...] = ()
    contract: str = ""
    order: str = ""
    payment_reference: str = ""
    ibans: tuple[str, ...] = ()
    preceding: tuple[str, ...] = ()
    test: bool = False


_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:Z|[+-]\d{2}:\d{2}|T[0-9:.Z+-]{2,24})?", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)


def day(field: str, text: str) -> date:
    """A date of an e-invoice: YYYY-MM-DD (UBL, a time zone is passed over) or YYYYMMDD (CII, format 102).

    Raises:
        Fault: naming the field.
    """
    match = _ISO.fullmatch(text) or _COMPACT.fullmatch(text)
    if match is None:
        raise Fault(field, text, "not a date of the form YYYY-MM-DD (or YYYYMMDD)")
    try:
        found = date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        raise Fault(field, text, "there is no such day in the calendar") from None
    if not EARLIEST <= found.year <= LATEST:
        raise Fault(field, text, f"the year lies outside {EARLIEST} to {LATEST}")
    return found


def squeezed(text: str | None) -> str:
    """Text on one line: runs of white space become one blank."""
    return " ".join(text.split()) if text else ""
