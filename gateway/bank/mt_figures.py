"""Amounts and days as MT940 writes them. Readers return a value or raise ValueError."""

import re
from calendar import monthrange
from datetime import date
from decimal import Decimal

from gateway.bank import texts

AMOUNT = r"\d{1,20}(?:[.,]\d{0,5})?"


def mt_decimal(text: str) -> Decimal:
    """An amount of SWIFT: a decimal comma, perhaps nothing behind it."""
    if not re.fullmatch(AMOUNT, text, re.ASCII):
        raise ValueError("not an amount such as 1234,50")
    return Decimal(text.replace(",", ".").rstrip("."))


def mt_day(text: str) -> tuple[date, bool]:
    """A day written YYMMDD, and whether it was moved: banks reckon interest up to a 30th of February."""
    year, month, of_month = int(text[:2]), int(text[2:4]), int(text[4:6])
    year += 1900 if year >= 80 else 2000
    last = monthrange(year, 2)[1]
    if month == 2 and last < of_month <= 30:
        return texts.day(year, month, last), True
    return texts.day(year, month, of_month), False


def booking_day(text: str, value_on: date) -> date:
    """A day written MMDD, in the year that brings it nearest to the value date."""
    found = []
    for year in (value_on.year - 1, value_on.year, value_on.year + 1):
        try:
            found.append(mt_day(f"{year % 100:02}{text}")[0])
        except ValueError:
            continue
    if not found:
        raise ValueError("there is no such booking day in the calendar")
    return min(found, key=lambda day: abs((day - value_on).days))
