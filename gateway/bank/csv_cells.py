"""The cells of a bank's CSV: amounts with signs and thousands, and days whose form the whole file decides."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal

from gateway.intake.cells import Decimals, date_reader
from models.faults import shown

_GROUPS = " '’\u00a0\u202f\u2009"
_CURRENCY = re.compile(r"(?:[A-Z]{3}|[€$£¥￥])")


def amount_reader(decimal: Decimals) -> Callable[[str], Decimal]:
    """A reader of signed amounts: -1.234,56, 1 234,56-, (1,234.56), +12, EUR 5,00."""
    mark, other = (".", ",") if decimal == "point" else (",", ".")
    groups = re.escape(other) + _GROUPS
    form = re.compile(
        rf"(?P<whole>\d{{1,15}}|\d{{1,3}}(?:[{groups}]\d{{3}})+)?(?:{re.escape(mark)}(?P<part>\d{{1,5}})?)?", re.ASCII
    )

    def read(text: str) -> Decimal:
        figure = text.replace("−", "-").replace("–", "-").strip()
        figure = _CURRENCY.sub("", figure).strip()
        negative = False
        if figure.startswith("(") and figure.endswith(")"):
            negative, figure = True, figure[1:-1].strip()
        elif figure[:1] in ("-", "+"):
            negative, figure = figure[0] == "-", figure[1:].strip()
        elif figure[-1:] in ("-", "+"):
            negative, figure = figure[-1] == "-", figure[:-1].strip()
        match = form.fullmatch(figure)
        if match is None or not (match["whole"] or match["part"]):
            raise ValueError(f"not an amount with a decimal {decimal}, such as 1234{mark}50")
        whole = re.sub(rf"[{groups}]", "", match["whole"] or "0")
        value = Decimal(f"{whole}.{match['part'] or 0}")
        return -value if negative else value

    return read


def may_be_thousands(text: str, decimal: Decimals) -> bool:
    """Whether the decimal mark may just as well group thousands: 1.500 with a point, 12,000 with a comma."""
    mark = re.escape("." if decimal == "point" else ",")
    return re.search(rf"(?<![\d.,])(?<!\d[{_GROUPS}])[1-9]\d{{0,2}}{mark}\d{{3}}(?!\d)", text) is not None


def day_reader(texts: Iterable[str], forms: Sequence[str]) -> Callable[[str], date]:
    """A reader of days, in the one form under which every day of the file is one.

    Raises:
        ValueError: if no form fits them all, or several do and they mean different days.
    """
    days = list(dict.fromkeys(texts))
    fitting: dict[tuple[date, ...], Callable[[str], date]] = {}
    names: list[str] = []
    stranger = ""
    for form in forms:
        read = date_reader(form)
        found = []
        for text in days:
            try:
                found.append(read(text))
            except ValueError:
                stranger = stranger or text
                break
        else:
            fitting.setdefault(tuple(found), read)
            names.append(form)
    if not fitting:
        raise ValueError(f"the days are in none of the forms {', '.join(forms)} (such as {shown(stranger)})")
    if len(fitting) > 1:
        raise ValueError(f"the days can be read as {' and as '.join(names)}: write a profile with the right one")
    return next(iter(fitting.values()))
