"""When an invoice is due by the words of its payment terms, in English, German, French, Dutch and Chinese.

Pure: text and dates in, a date and its reason out. What it cannot read for certain it does not guess: no date comes
out, and a person decides. The period for a cash discount is never taken for the net day. Words live in terms_words.py.
"""

import calendar
import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from gateway.intake import terms_words as words

MAX_DAYS = 400
"""Longer periods are no terms of payment."""
MAX_TEXT = 4000
"""What comes after so many characters is not read."""
_NEAR = 40
"""So many characters before a date can belong to it."""


class DueDate(NamedTuple):
    """The day on which an invoice is due, and how it follows, in words."""

    due: date
    reason: str


class _Found(NamedTuple):
    due: date
    how: str
    rank: int
    """A date counts before a period, a period called net before any other, and "at once" comes last."""


def due_from_terms(
    text: str, issued: date | None, delivered: date | None = None, strict: bool = False
) -> DueDate | None:
    """The net due date that the terms name, or None if they name none for certain.

    Args:
        text: The terms, as the invoice has them.
        issued: The date of issue, from which periods count.
        delivered: The date of delivery, from which "30 days after delivery" counts.
        strict: For text that is about other things as well: only a clause that speaks of paying counts.
    """
    text = text[:MAX_TEXT]
    if _unreadable(text):
        return None
    found = list(_net_lines(text, issued))
    prose = words.SKONTO_LINE.sub("\n", text)
    found += _in_prose("\n".join(" ".join(line.split()) for line in prose.splitlines()), issued, delivered, strict)
    if not found:
        return None
    best = max(f.rank for f in found)
    days = {f.due: f for f in found if f.rank == best}
    if len(days) != 1:
        return None
    ((due, chosen),) = days.items()
    return DueDate(due, f"by the payment terms “{_clipped(text)}”: {chosen.how}")


def has_discount(text: str) -> bool:
    """Whether the words are about a cash discount."""
    return bool(words.DISCOUNT.search(words.NO_DISCOUNT.sub(" netto ", text[:MAX_TEXT])))


def days_after(issued: date, days: int) -> DueDate:
    """So many days after the date of issue."""
    return DueDate(issued + timedelta(days=days), _days_said(days, False))


def _clipped(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 100 else f"{line[:97]}…"


# --- the structured lines of XRechnung ------------------------------------------------------------------------


def _net_lines(text: str, issued: date | None) -> Iterator[_Found]:
    """`#SKONTO#TAGE=30#PROZENT=0.00#`: a line of no per cent is the net day (XRechnung, BR-DE-18)."""
    days = [int(line["days"]) for line in words.SKONTO_LINE.finditer(text) if not float(line["percent"])]
    if days and issued is not None and max(days) <= MAX_DAYS:
        yield _Found(issued + timedelta(days=max(days)), _days_said(max(days), False), 3)


# --- prose ----------------------------------------------------------------------------------------------------


def _in_prose(text: str, issued: date | None, delivered: date | None, strict: bool) -> Iterator[_Found]:
    text = words.MONTH_END_APART.sub(lambda m: f"{m['end'] or ''} ", words.NO_DISCOUNT.sub(" netto ", text))
    shorthand = words.SHORTHAND.search(text)
    if shorthand is not None and issued is not None:
        yield from _period(int(shorthand["days"]), issued, "days", 3, "")
        return
    for sentence in words.SENTENCES.split(text):
        clauses = [clause for clause in words.CLAUSES.split(sentence) if clause and clause.strip()]
        paying = bool(words.PAYING.search(sentence))
        if strict and not paying:
            continue
        discounted = _discounted(clauses)
        begins = None if any(map(_awaits, clauses)) else issued
        for n, clause in enumerate(clauses):
            if n in discounted:
                if begins is not None and (net := words.NET_PERIOD.search(clause)):
                    yield from _period(int(net["before"] or net["after"]), begins, "days", 3, "")
                continue
            if words.LATE.search(clause):
                continue
            yield from _in_clause(clause, begins, delivered, alone=len(clauses) == 1, paying=paying)


def _unreadable(text: str) -> bool:
    """Whether the terms say something that nobody can reckon with here, other than of those who pay late."""
    clauses = (clause for sentence in words.SENTENCES.split(text) for clause in words.CLAUSES.split(sentence))
    kept = ", ".join(clause for clause in clauses if not words.LATE.search(clause))
    return bool(words.UNREADABLE.search(kept) or words.RANGE.search(text))


def _discounted(clauses: list[str]) -> set[int]:
    """The clauses that are about the discount: "within 14 days, 2 %" is one thought in two clauses."""
    about = {n for n, clause in enumerate(clauses) if words.DISCOUNT.search(clause) and not words.LATE.search(clause)}
    for n in sorted(about):
        if not _has_period(clauses[n]):
            for neighbour in (n - 1, n + 1):
                near = 0 <= neighbour < len(clauses) and neighbour not in about
                if near and _has_period(clauses[neighbour]) and not words.NET.search(clauses[neighbour]):
                    about.add(neighbour)
                    break
    return about


def _has_period(clause: str) -> bool:
    return bool(words.PERIOD.search(clause) or words.ANY_DATE.search(clause))


def _in_clause(clause: str, issued: date | None, delivered: date | None, alone: bool, paying: bool) -> Iterator[_Found]:
    counted = _counted_from_day(clause, issued)
    if counted is None or _ends_with(clause):
        return
    clause, stated = counted
    base_is_delivery = bool(words.AFTER_DELIVERY.search(clause))
    plain = words.AFTER_DELIVERY.sub(" ", clause)
    if words.ELSEWHERE.search(plain) and not words.PAYING.search(plain):
        return
    dates = list(_dates(plain, alone))
    yield from (_Found(day, f"the date {day} in them", 4) for day in dates)
    if dates or issued is None:
        return
    if words.NEXT_MONTH.search(plain):
        yield from _next_month(plain, issued)
        return
    if _from_elsewhere(plain):
        return
    base, told = (delivered, "the date of delivery") if base_is_delivery and delivered else (issued, "")
    if base_is_delivery and not delivered:
        told = "the date of issue, as that of delivery is not given"
    elif stated is not None:
        base, told = stated, f"{stated}"
    elif words.AFTER_RECEIPT.search(plain):
        told = "the date of issue, as that of receipt is not known"
    rank = 3 if words.NET.search(plain) else 2
    periods = [(_number(m["number"]), m["unit"].lower()) for m in words.PERIOD.finditer(plain)]
    known = {(n, words.unit_of(unit)) for n, unit in periods if n is not None}
    if not known and (bare := words.AFTER_MONTH_END.search(plain)):
        yield from _period(int(bare["days"]), base, "days", rank, told, "then count")
        return
    if not known and (bare := words.BARE_NET.search(plain)):
        known = {(int(bare["after"] or bare["before"]), "days")}
    if len(known) == 1:
        ((count, unit),) = known
        if unit in ("days", "business"):
            month_end = words.month_end(plain)
            yield from _period(count, base, unit, rank, told, month_end)
        elif count * (7 if unit == "weeks" else 31) <= MAX_DAYS:
            day = base + timedelta(weeks=count) if unit == "weeks" else _months_later(base, count)
            yield _Found(day, f"{count} {unit[:-1] if count == 1 else unit} from {told or 'the date of issue'}", rank)
    elif not known and words.month_end(plain) and (paying or alone):
        yield _Found(_end_of_month(base), f"the end of the month, counted from {told or 'the date of issue'}", rank)
    elif not known and words.AT_ONCE.search(clause):
        yield _Found(issued, "payable at once, hence on the date of issue", 1)


def _next_month(clause: str, issued: date) -> Iterator[_Found]:
    """A day of the month after that of the invoice: by its number, or the last; anything else is not certain."""
    last = _end_of_month(_end_of_month(issued) + timedelta(days=1))
    named = words.DAY_OF_NEXT.search(clause)
    if named is not None:
        number = int(named["day"] or named["day_zh"])
        if 0 < number <= last.day:
            yield _Found(last.replace(day=number), f"day {number} of the month after the invoice", 3)
    elif words.END_OF_NEXT.search(clause) and not words.PERIOD.search(clause):
        yield _Found(last, "the end of the month after the invoice", 3)


def _ends_with(clause: str) -> bool:
    """Whether a period ends with something, instead of beginning with it: "14 days before arrival"."""
    return any(
        words.BEFORE.match(clause, period.end()) or words.BEFORE_ZH.search(clause[: period.start()])
        for period in words.PERIOD.finditer(clause)
    )


def _counted_from_day(clause: str, issued: date | None) -> tuple[str, date | None] | None:
    """The clause without the date that a period is counted from, and that date; None where it is not certain."""
    counts = list(words.COUNTED_FROM.finditer(clause))
    for match in words.ANY_DATE.finditer(clause):
        if words.COUNTED_AFTER_ZH.match(clause, match.end()) and words.PERIOD.search(clause):
            return None
        counted = next((c for c in reversed(counts) if c.start("what") <= match.start() < c.end("what")), None)
        if counted is None:
            continue
        between = clause[counted.start("what") : match.start()]
        if words.BY.search(between):
            continue
        day = _day(match, clause)
        directly = words.COUNT_ENDS.search(clause[: counted.start()]) and not words.LETTERS.search(between)
        if day is None or (day != issued and not directly):
            return None
        return f"{clause[: counted.start()]} {clause[match.end() :]}", day
    return clause, None


def _from_elsewhere(clause: str) -> bool:
    """Whether a period is counted from a day that nobody here knows: of the order, of acceptance, of something else."""
    if words.THEREAFTER.search(clause) or words.AWAITED_ZH.search(clause):
        return True
    if words.AFTER_RECEIPT.search(clause) and words.GOODS.search(clause):
        return True
    return any(map(_unknown_day, words.COUNTED_FROM.finditer(clause)))


def _unknown_day(counted: re.Match[str]) -> bool:
    what = counted["what"]
    if (period := words.PERIOD.match(what)) is not None:
        return _from_elsewhere(what[period.end() :])
    if words.GOODS.search(what):
        return True
    known, other = words.KNOWN_BASE.search(what), words.OTHER_BASE.search(what)
    if known is None:
        return bool(words.LETTERS.search(what))
    return other is not None and other.start() < known.start()


def _awaits(clause: str) -> bool:
    """Whether the clause has no period itself, but says what one of its neighbours is counted from."""
    if _has_period(clause) or words.LATE.search(clause):
        return False
    counted = words.COUNTED_FROM.finditer(clause)
    return bool(words.AWAITED_ZH.search(clause)) or any(words.AWAITED.search(c["what"]) for c in counted)


def _period(count: int, base: date, unit: str, rank: int, told: str, month_end: str = "") -> Iterator[_Found]:
    if count > MAX_DAYS:
        return
    add = _business_days if unit == "business" else lambda day, n: day + timedelta(days=n)
    if month_end == "then count":
        day, how = add(_end_of_month(base), count), f"{count} days from the end of the month"
    elif month_end:
        day, how = _end_of_month(add(base, count)), f"{count} days, then the end of that month"
    else:
        day, how = add(base, count), _days_said(count, unit == "business", told)
    yield _Found(day, how, rank)


def _days_said(count: int, business: bool, told: str = "") -> str:
    kind = "business days (Monday to Friday)" if business else "day" if count == 1 else "days"
    return f"{count} {kind} from {told or 'the date of issue'}"


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else words.NUMBERS.get(text.lower())


def _business_days(day: date, count: int) -> date:
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day


def _end_of_month(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


# --- dates ----------------------------------------------------------------------------------------------------


def _dates(clause: str, alone: bool) -> Iterator[date]:
    """The dates by which the clause wants the money; dates of other things stand without words of both."""
    if words.CLOSED.search(clause):
        return
    debit = words.DEBIT.search(clause)
    pays = debit or any(about.search(clause) for about in (words.PAYING, words.NET, words.SUM))
    for match in words.ANY_DATE.finditer(clause):
        before, after = clause[: match.start()], clause[match.end() :]
        near = before[-_NEAR:]
        if words.SPAN_BEFORE.search(near) or words.SPAN_AFTER.match(after):
            continue
        by = words.BY.search(near) or (words.ON.search(near) if debit else None)
        bare = not words.LETTERS.search((before[: by.start() - len(near)] if by else before) + after)
        wanted = by or (words.BY_AFTER.match(after) and not words.PERIOD.search(after))
        if (bare and alone) or (wanted and (bare or pays)):
            found = _day(match, clause)
            if found is not None:
                yield found


def _day(match: re.Match[str], clause: str) -> date | None:
    groups = {name: value for name, value in match.groupdict().items() if value is not None}
    year, month, day = (next((v for n, v in groups.items() if n.startswith(part)), "") for part in ("y", "m", "d"))
    number = (
        words.MONTHS.get(month.lower()[:4]) or words.MONTHS.get(month.lower()[:3]) if month.isalpha() else int(month)
    )
    if number is None:
        return None
    if "d_slash" in groups and int(day) <= 12 and number <= 12 and day != month and not words.DAY_FIRST.search(clause):
        return None  # 03/04/2026 is March to some and April to others.
    if "d_slash" in groups and number > 12 >= int(day):
        number, day = int(day), str(number)
    try:
        return date(int(year) + (2000 if len(year) == 2 else 0), number, int(day))
    except ValueError:
        return None
