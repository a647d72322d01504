"""The meaning of single cells: dates, amounts, codes. Readers return a value or raise ValueError.

They are called for every row of large files: what repeats (dates, codes, zones) is remembered.
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from typing import Literal, cast, get_args
from zoneinfo import ZoneInfo

import pycountry

from models.durations import EARLIEST, LATEST
from models.money import Money, UnknownCurrency, minor_unit
from models.parties import Channel

Decimals = Literal["point", "comma"]
ReadDate = Callable[[str], date]
ReadAmount = Callable[[str, str], Money]

"""The years dates may lie in: all else is a slip of the keyboard, and would not survive date arithmetic."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_CONTROL_IN_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def printable(text: str, multiline: bool = False) -> str:
    """The text itself, or ValueError if it has control characters (`multiline` allows tabs and line ends)."""
    if not text.isprintable():
        found = (_CONTROL_IN_LINES if multiline else _CONTROL).search(text)
        if found:
            raise ValueError(f"contains the control character U+{ord(found[0]):04X}")
    return text


# --- dates -----------------------------------------------------------------------------------------------

_DIRECTIVES = {
    "Y": r"(?P<year>\d{4})",
    "y": r"(?P<year>\d{2})",
    "m": r"(?P<month>\d{1,2})",
    "b": r"(?P<month>[A-Za-z]{3})",
    "d": r"(?P<day>\d{1,2})",
    "H": r"\d{1,2}",
    "M": r"\d{2}",
    "S": r"\d{2}(?:\.\d+)?",
}
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()


def date_reader(form: str) -> ReadDate:
    """A reader of dates written in a form such as `%m/%d/%Y`: one or two digits for day and month.

    Raises:
        ValueError: if the form has an unknown directive, or does not determine a day.
    """
    pattern = ""
    for part in re.findall(r"%.?|[^%]+", form, re.DOTALL):
        if part.startswith("%") and part[1:] not in _DIRECTIVES:
            raise ValueError(f"{part!r} is not understood; write %Y or %y, %m or %b, and %d (and %H, %M, %S)")
        pattern += _DIRECTIVES[part[1:]] if part.startswith("%") else re.escape(part)
    try:
        matching = re.compile(pattern, re.ASCII)
    except re.error:
        raise ValueError("a part of the date occurs twice") from None
    if set(matching.groupindex) != {"year", "month", "day"}:
        raise ValueError("a date needs a year (%Y or %y), a month (%m or %b) and a day (%d)")
    return _reader(matching, form)


def _reader(form: re.Pattern[str], written: str) -> ReadDate:
    example = date(2026, 1, 31).strftime(written)

    @lru_cache(maxsize=20_000)
    def read(text: str) -> date:
        match = form.fullmatch(text)
        if match is None:
            raise ValueError(f"not a date of the expected form (such as {example})")
        year, month = int(match["year"]), match["month"].lower()
        if len(match["year"]) == 2:
            # The century of POSIX: 1969 to 2068.
            year += 1900 if year >= 69 else 2000
        try:
            found = date(year, _MONTHS.index(month) + 1 if month.isalpha() else int(month), int(match["day"]))
        except ValueError:
            raise ValueError("there is no such day in the calendar") from None
        if not EARLIEST <= year <= LATEST:
            raise ValueError(f"the year lies outside {EARLIEST} to {LATEST}")
        return found

    return read


iso_date = _reader(re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})", re.ASCII), "%Y-%m-%d")
"""A date written YYYY-MM-DD."""


# --- money -----------------------------------------------------------------------------------------------


_MIL = Decimal("0.001")
_AMBIGUOUS = re.compile(r"-?[1-9]\d{0,2}([.,])\d{3}(?:\1\d{3})*", re.ASCII)


def ambiguous(text: str) -> bool:
    """Whether an amount may be written in thousands, or with three decimals: `1.500`, `1,500`."""
    return _AMBIGUOUS.fullmatch(text) is not None


def amount_reader(decimal: Decimals, grouping: bool = False, guessed: bool = False) -> ReadAmount:
    """A reader of amounts of money, of (text, currency): plain digits with a decimal point or comma.

    With `grouping`, thousands may be grouped where decimals follow (`1.234,50`), which can be read in one way only.
    Where the decimal mark is `guessed`, `1.500` is refused in a currency that has no three decimals.
    """
    mark, other = (".", ",") if decimal == "point" else (",", ".")
    plain = re.compile(rf"-?\d{{1,20}}(?:{re.escape(mark)}\d{{1,20}})?", re.ASCII)
    groups = rf"(?:[{re.escape(other)}'’ \u00a0\u202f]\d{{3}})+"
    grouped = re.compile(rf"-?\d{{1,3}}{groups}(?:{re.escape(mark)}\d*)?", re.ASCII)
    separators = rf"(?P<by>[{re.escape(other)}'’ \u00a0\u202f])\d{{3}}(?:(?P=by)\d{{3}})*"
    told_apart = re.compile(rf"-?\d{{1,3}}{separators}{re.escape(mark)}\d{{1,4}}", re.ASCII)

    def read(text: str, currency: str) -> Money:
        if grouping and (match := told_apart.fullmatch(text)):
            text = text.replace(match["by"], "")
        if not plain.fullmatch(text):
            if grouped.fullmatch(text):
                raise ValueError(f"write the amount without thousands separators (decimal {decimal})")
            raise ValueError(f"not an amount: plain digits with a decimal {decimal}, such as 1234{mark}50")
        if guessed and ambiguous(text) and minor_unit(currency) != _MIL:
            raise ValueError("could be thousands or three decimals: write the amount without thousands separators")
        amount = Decimal(text.replace(mark, ".") if mark != "." else text)
        if amount <= 0:
            raise ValueError("the amount must be more than zero")
        if amount.adjusted() > 13:
            raise ValueError("the amount is larger than any invoice: at most 14 digits before the point")
        exact = amount.quantize(minor_unit(currency))
        if exact != amount:
            raise ValueError(f"more decimals than {currency} has (smallest unit {minor_unit(currency)})")
        return Money.model_construct(amount=exact, currency=currency)

    return read


@cache
def _hinted_currency(text: str) -> str:
    try:
        minor_unit(text.upper())
    except UnknownCurrency:
        return ""
    return f" (did you mean {text.upper()}?)"


def currency(text: str) -> str:
    """A currency code of ISO 4217, in capitals."""
    try:
        minor_unit(text)
    except UnknownCurrency:
        hint = _hinted_currency(text) if len(text) == 3 else ""
        raise ValueError(f"not a currency code of ISO 4217, such as EUR, USD, CNY{hint}") from None
    return text


# --- codes -----------------------------------------------------------------------------------------------


@cache
def _countries() -> frozenset[str]:
    return frozenset(country.alpha_2 for country in pycountry.countries)


def country(text: str) -> str:
    """A country code of ISO 3166-1 alpha-2, in capitals."""
    if text not in _countries():
        hint = f" (did you mean {text.upper()}?)" if text.upper() in _countries() else ""
        raise ValueError(f"not a country code of ISO 3166, two capitals such as DE, US, CN{hint}")
    return text


@lru_cache(maxsize=1000)
def timezone(text: str) -> str:
    """The name of a time zone that the IANA database knows."""
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError("not a time zone of the IANA database, such as Europe/Berlin") from None
    return text


def channels(text: str) -> tuple[Channel, ...]:
    """Channels of contact, best first, with spaces or semicolons between them: `whatsapp email`."""
    known = get_args(Channel)
    found = re.split(r"[\s;|]+", text.strip())
    for name in found:
        if name not in known:
            raise ValueError(f"{name!r} is not one of {', '.join(known)}")
    return cast("tuple[Channel, ...]", tuple(dict.fromkeys(found)))


_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{1,8})*")


def language(text: str) -> str:
    """A language tag such as `de`, `en-GB`, `zh-Hans`."""
    if not _LANGUAGE.fullmatch(text) or len(text) > 35:
        raise ValueError("not a language tag, such as de, en-GB, zh-Hans")
    return text
