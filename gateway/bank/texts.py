"""Texts and figures as bank files write them, made fit to be kept. Readers return a value or raise ValueError."""

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import lru_cache

from models.durations import EARLIEST, LATEST
from models.money import Money, minor_unit

_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff\s]+")
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:T[\d:.]{5,20})?(?:Z|[+-]\d{2}:\d{2})?", re.ASCII)
_DECIMAL = re.compile(r"\d{1,18}(?:\.\d{0,17})?", re.ASCII)
_NOTHING = frozenset(("NONREF", "NOTPROVIDED", "NOT PROVIDED", "NONE", "KREF+", "EREF", "EREF+"))

MAX_LINES = 200
"""Lines of remittance that are kept of one entry: SWIFT gives six, ISO 20022 any number."""


def clean(text: str | None, limit: int = 200) -> str:
    """Text on one line, without control characters, at most `limit` long."""
    if not text:
        return ""
    if text.isprintable() and "  " not in text:
        return text.strip()[:limit].rstrip()
    return _UNFIT.sub(" ", text).strip()[:limit].rstrip()


def reference(text: str | None) -> str:
    """A reference, or nothing where the bank says that there is none."""
    found = clean(text)
    return "" if found.upper() in _NOTHING or not found.strip("0 -/") else found


def lines(given: Iterable[str | None]) -> tuple[str, ...]:
    """Remittance: its lines without the empty and the repeated ones."""
    found = dict.fromkeys(filter(None, (clean(line, 1000) for line in given)))
    return tuple(found)[:MAX_LINES]


def account(text: str | None) -> str:
    """An account's number as it identifies it: without spaces, in capitals."""
    return "".join(clean(text, 80).split()).upper()[:64]


@lru_cache(maxsize=10_000)
def iso_day(text: str) -> date:
    """The day of an ISO date or date with time, as it stands there."""
    match = _DAY.fullmatch(text.strip())
    if match is None:
        raise ValueError("not a date such as 2026-01-31")
    return day(int(match[1]), int(match[2]), int(match[3]))


def day(year: int, month: int, of_month: int) -> date:
    """A day of the calendar, in a year in which there is business."""
    try:
        found = date(year, month, of_month)
    except ValueError:
        raise ValueError("there is no such day in the calendar") from None
    if not EARLIEST <= year <= LATEST:
        raise ValueError(f"the year lies outside {EARLIEST} to {LATEST}")
    return found


def iso_amount(text: str, currency: str) -> Money:
    """An amount with a decimal point, not less than zero."""
    text = text.strip()
    if not _DECIMAL.fullmatch(text):
        raise ValueError("not an amount such as 1234.50")
    return money(Decimal(text), currency)


def money(amount: Decimal, currency: str) -> Money:
    """An amount of money, which must fit the currency's smallest unit."""
    unit = minor_unit(currency)
    if amount.adjusted() > 13:
        raise ValueError("the amount is larger than any invoice: at most 14 digits before the point")
    exact = amount.quantize(unit)
    if exact != amount:
        raise ValueError(f"{amount} has more decimals than {currency} has (smallest unit {unit})")
    # What a validation of Money would find has been looked at: it takes ten times as long, for each amount of a file.
    return Money.assembled(amount=exact, currency=currency)
