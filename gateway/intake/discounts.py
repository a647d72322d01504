"""The cash discounts that terms of payment grant. Pure, and strict: what could be read in two ways grants none."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from gateway.intake import payment_terms
from gateway.intake import terms_words as words
from models.durations import LATEST
from models.open_invoices import CashDiscount

_MOST = Decimal(10)
"""Per cent; more is no discount for paying early."""


def cash_discounts(text: str, issued: date | None) -> tuple[CashDiscount, ...]:
    """What may be taken off an invoice for paying early.

    Args:
        text: The terms of payment, in prose or as the structured lines of XRechnung.
        issued: The date of issue, from which the days count; without it no discount is known.
    """
    if issued is None:
        return ()
    granted = ((percent, issued + timedelta(days=days)) for percent, days in _granted(text))
    return tuple(CashDiscount(percent=percent, until=until) for percent, until in granted if until.year <= LATEST)


@lru_cache(maxsize=4096)
def _granted(text: str) -> tuple[tuple[Decimal, int], ...]:
    """Percent and days, each once."""
    text = text[: payment_terms.MAX_TEXT]
    lines = [line for line in words.SKONTO_LINE.finditer(text) if Decimal(line["percent"])]
    if lines:
        found = [(Decimal(line["percent"]), int(line["days"])) for line in lines if "BASIS" not in line[0].upper()]
    elif shorthand := words.SHORTHAND.search(text):
        found = [(_number(shorthand["percent"]), int(shorthand["early"]))]
    else:
        found = list(_in_prose(text))
    return tuple(dict.fromkeys(one for one in found if 0 < one[0] <= _MOST and one[1] <= payment_terms.MAX_DAYS))


def _in_prose(text: str) -> Iterator[tuple[Decimal, int]]:
    """Of a sentence with one discount: its per cent, and the only period that is not the net one."""
    for sentence in words.SENTENCES.split(" ".join(text.split())):
        if not words.CASH_DISCOUNT.search(words.NO_DISCOUNT.sub(" ", sentence)) or any(
            other.search(sentence) for other in (words.LATE, words.OTHER_DISCOUNT, words.DEDUCTED)
        ):
            continue
        clauses = [clause for clause in words.CLAUSES.split(sentence) if clause and clause.strip()]
        percents = {_number(found["number"]) for found in words.PERCENT.finditer(sentence)}
        early = [clause for clause in clauses if not words.NET.search(clause) and _of_discount(clause)]
        periods = [found for clause in early for found in words.PERIOD.finditer(clause)]
        if len(percents) == 1 and len(periods) == 1 and words.unit_of(periods[0]["unit"].lower()) == "days":
            days = periods[0]["number"]
            if days.isdecimal():
                yield percents.pop(), int(days)


def _of_discount(clause: str) -> bool:
    """Whether a period in the clause is that of the discount, and not one of paying at all."""
    return bool(words.DISCOUNT.search(clause) or words.IF_PAID.match(clause))


def _number(text: str) -> Decimal:
    return Decimal(text.replace(",", "."))
