"""Invoice numbers in what a payer writes: found however they are spelled, and how distinctly each is meant.

Structured references are in references.py. Whether a number that was found is what is paid is decided in matching.py.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from models import spelling

PROVEN, WHOLE, BARE, WEAK = 4, 3, 2, 1
"""How distinctly: with check digits; letter for letter; its digits alone; perhaps another number, or chance."""

_DIGITS = re.compile(r"[0-9]+")
_RUN = re.compile(r"[0-9]+|[^\W\d_]+")
_MOST_RUNS = 6
_MOST_DIGITS = 30
_MOST_LETTERS = 6
_CUT_FROM = 50
"""From this length on a text may have been cut: the number at its very end then need not be whole."""
_LEAST = 3
_DISTINCT_DIGITS = 5
"""Fewer digits, and nothing else with them, are met by chance."""
_OTHER_NUMBERS = re.compile(
    r"^(?:KD|KDNR|KUNDE|KUNDEN|KUNDENNR|KUNDENNUMMER|CUSTOMER|CUST|CLIENT|CLIENTE|KLANT|KLANTNR|DEBITOR|DEB|ORDER|ORD|PO|"
    r"BESTELLUNG|BESTELLNR|BEST|COMMANDE|ORDINE|PEDIDO|VERTRAG|VERTRAGSNR|CONTRACT|MANDAT|MANDATE|TEL|TELEFON|PHONE|FAX|"
    r"LIEFERSCHEIN|LS|DELIVERY|STNR|ST|STEUERNR|VERS|VERSNR|POLICE|PLZ|KONTO|KTO|BLZ|IBAN|ACCOUNT|OBJEKT|EUR|USD|GBP|CHF)$"
)
_INVOICES = re.compile(
    r"^(?:RE|RG|RGE|RNR|RGNR|RENR|RECHN\w*|INV|INVOICES?|INVNO|INVOICENO|BILL|FACT|FRA|FACTURES?|FACTURA\w*|FATTURA\w*|FATT|"
    r"FACTUUR\w*|FACTUREN|FAKTUR\w*|FAKT|BELEG\w*|发票.*|發票.*|請求書.*)$"
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_DATE = re.compile(r"(?<!\d)(?:\d{1,2}[./]\d{1,2}[./](?:\d{4}|\d{2})|20\d\d-\d\d-\d\d|\d\d[./]20\d\d)(?!\d)")
_MONEY = re.compile(
    r"(?<![\d.,])(?:\d{1,3}(?:[., ']\d{3})+|\d+)[.,]\d{2}(?![\d.,]?\d)|(?:EUR|USD|GBP|CHF|CNY|JPY|€|\$|£)\s?[\d.,']+"
)
_IBAN = re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?![A-Z0-9])")
_PHONE = re.compile(r"(?:TEL\.?|FON|PHONE|FAX|MOBIL)[:.\s]*[+\d][\d\s/()-]{5,18}\d|\+\d{2}[\d\s/()-]{7,16}\d")


class Citation(NamedTuple):
    """An invoice that a text seems to name, and where: the digit runs from `first` to `last`."""

    place: int
    quality: int
    first: int
    last: int


class Run(NamedTuple):
    """Digits of a text, with what stands around them."""

    digits: str
    letters: str
    """The letters right before, over separators; "" if digits are before."""
    after: str
    """The letters glued to its end."""
    glued: bool
    """Whether it follows upon the digits before over a space or line end alone."""
    other: bool
    """Whether it is part of a date, an amount, an account or a telephone, or called another sort of number."""
    series: str
    """The digits to which it is joined by a hyphen, or a year by a slash: with other ones it is another number."""
    numbered: bool
    """Whether it is written as an invoice's number is: called one, or joined to letters or a year by a hyphen."""


def digit_keys(number: str) -> tuple[int, ...]:
    """What a number is found by: its digits, as they are and with the leading zeros of every group dropped.

    Empty for a number with fewer than three digits: those are found by their letters.
    """
    groups = _DIGITS.findall(number if number.isascii() else unicodedata.normalize("NFKC", number))
    digits = "".join(groups)
    if len(digits) < 3:
        return ()
    if len(groups) == 1:
        return (int(digits),)
    whole, stripped = int(digits), int("".join([g.lstrip("0") for g in groups]) or "0")
    return (whole,) if whole == stripped else (whole, stripped)


@lru_cache(maxsize=4_096)
def runs_of(text: str) -> tuple[Run, ...]:
    """The digit runs of a text."""
    capital = unicodedata.normalize("NFKC", text).upper()
    spans = [m.span() for pattern in (_DATE, _MONEY, _IBAN, _PHONE) for m in pattern.finditer(capital)]
    found: list[Run] = []
    pieces = list(_RUN.finditer(capital))
    for n, piece in enumerate(pieces):
        if not piece.group()[0].isdecimal() or not piece.group().isascii():
            continue
        before = pieces[n - 1] if n else None
        following = pieces[n + 1] if n + 1 < len(pieces) else None
        letters = "" if before is None or before.group()[0].isdecimal() else before.group()
        gap = capital[before.end() : piece.start()] if before else ""
        glued_after = following is not None and following.start() == piece.end()
        called = [p.group() for p in pieces[max(0, n - 2) : n] if not p.group()[0].isdecimal()]
        other = any(start <= piece.start() and piece.end() <= end for start, end in spans) or any(
            _OTHER_NUMBERS.match(word) for word in called
        )
        found.append(
            Run(
                piece.group(),
                letters,
                following.group() if following and glued_after else "",
                bool(before) and not letters and not gap.strip(),
                other,
                before.group() if before and (gap == "-" or (gap == "/" and _YEAR.fullmatch(before.group()))) else "",
                _numbered(piece.group(), called, before.group() if before else "", gap),
            )  # fmt: skip
        )
    return tuple(found)


def _numbered(digits: str, called: Sequence[str], before: str, gap: str) -> bool:
    if len(digits) < _LEAST or _YEAR.fullmatch(digits):
        return False
    joined = gap in ("-", "/") and (not before[0].isdecimal() or _YEAR.fullmatch(before) is not None)
    return joined or any(_INVOICES.match(word) for word in called)


def windows(runs: Sequence[Run]) -> Iterable[tuple[int, int, str, str, str]]:
    """Neighbouring digit runs together: first, last, digits, these without each run's leading zeros, letters inside."""
    for first in range(len(runs)):
        digits, stripped, letters = "", "", ""
        for last in range(first, min(first + _MOST_RUNS, len(runs))):
            run = runs[last]
            digits, stripped = digits + run.digits, stripped + run.digits.lstrip("0")
            if last > first:
                letters += run.letters
            if len(digits) > _MOST_DIGITS or len(letters) > _MOST_LETTERS:
                break
            yield first, last, digits, stripped, letters


def cited(text: str, with_digits: Callable[[int], Iterable[int]], number_of: Callable[[int], str]) -> list[Citation]:
    """The invoices whose numbers a text may contain, each in its surest reading; parts of a surer one are left out."""
    runs = runs_of(text)
    found: dict[int, Citation] = {}
    for first, last, digits, stripped, inner in windows(runs):
        for key in {int(digits), int(stripped or "0")}:
            for place in with_digits(key):
                number = number_of(place)
                quality = _quality(runs, first, last, digits, inner, number)
                if quality > WEAK and _unlike(
                    runs[first : last + 1], number, len(text) > _CUT_FROM and last == len(runs) - 1
                ):
                    quality = WEAK
                known = found.get(place)
                if quality and (known is None or known.quality < quality):
                    found[place] = Citation(place, quality, first, last)
    citations = list(found.values())
    return [c for c in citations if not any(_outshines(other, c) for other in citations)]


def _unlike(runs: Sequence[Run], number: str, cut: bool) -> bool:
    """Whether zeros are missing as people do not leave them out: some of a group's, or where a text was cut."""
    groups = _groups(number)
    if len(groups) != len(runs):
        return False
    return any(
        run.digits != group
        and ((run.digits[0] == "0" and len(run.digits) < len(group)) or (cut and n == len(runs) - 1))
        for n, (run, group) in enumerate(zip(runs, groups, strict=True))
    )


def _outshines(one: Citation, other: Citation) -> bool:
    """Whether `other` is only a part of what `one` reads, or a worse reading of the same."""
    inside = one.first <= other.first and other.last <= one.last
    return inside and one.quality > other.quality


def _quality(runs: Sequence[Run], first: int, last: int, digits: str, inner: str, number: str) -> int:
    """How distinctly these runs say `number`; 0 if they do not."""
    head, within, tail = _letters(number)
    groups = _groups(number)
    if inner != within or not (
        digits.lstrip("0") == "".join(groups).lstrip("0")
        or [run.digits.lstrip("0") for run in runs[first : last + 1]] == [group.lstrip("0") for group in groups]
    ):
        return 0
    before = runs[first].letters
    whole = before.endswith(head) and (not tail or runs[last].after.startswith(tail)) if head or tail else not before
    if head and not before and not runs[first].glued:
        whole = False
    other = any(run.other for run in runs[first : last + 1])
    if len(digits.lstrip("0")) < 3 and not (whole and head):
        return 0
    # Put together over spaces although the number has no such gap: it may be two numbers side by side.
    stretched = last - first + 1 > len(groups)
    if other and not (whole and len(head) > 1):
        return WEAK
    if (head or tail) and whole:
        return BARE if stretched and last - first > 1 else WHOLE
    # Zeros that were written out, just as they are in the number, make it distinct too.
    told = len(digits) if digits == "".join(groups) else len(digits.lstrip("0"))
    if stretched or told < _DISTINCT_DIGITS:
        return WEAK
    return WHOLE if not head and not tail and (last > first or told > 7) else BARE


def abbreviated(runs: Sequence[Run], number: str) -> int:
    """How many digits at its end the text gives of `number`, if a run of the text is such an end; else 0."""
    # Most numbers are none of those meant: the text's last digits are looked for before anything is taken apart.
    runs = [run for run in runs if run.digits[-3:] in number and not run.other]
    if not runs:
        return 0
    groups = _groups(number)
    runs = _of_its_series(runs, groups)
    # The end of its last group, or whole groups: half a group before the last is some other number.
    whole = {"".join(groups[n:]) for n in range(len(groups))}
    serial = groups[-1].lstrip("0") if groups else ""
    best = 0
    for run in runs:
        given = run.digits.lstrip("0")
        if run.digits in whole:
            best = max(best, len(run.digits))
        elif given == serial or (groups[-1].endswith(run.digits) and len(run.digits) < len(groups[-1])):
            best = max(best, len(given))
    return best if best >= _LEAST else 0


def _of_its_series(runs: Sequence[Run], groups: Sequence[str]) -> Sequence[Run]:
    """The runs that may be the end of a number: in front of them stands nothing else than in the number."""
    lengths = {len(group) for group in groups[:-1]}
    return [run for run in runs if len(run.series) not in lengths or run.series in groups]


def resembles(runs: Sequence[Run], number: str, alike: Callable[[str, str], bool] = spelling.close) -> bool:
    """Whether the text gives `number` with one slip; numbers of fewer than five digits do not tell."""
    groups = _groups(number)
    runs = [run for run in runs if not run.other]
    whole = "".join(groups)
    for digits in {whole, whole.lstrip("0"), groups[-1] if groups else ""}:
        given_by = _of_its_series(runs, groups) if digits not in (whole, whole.lstrip("0")) else runs
        if len(digits) >= _DISTINCT_DIGITS and any(
            len(given) >= _DISTINCT_DIGITS and not inner and alike(given, digits)
            for _, _, given, _, inner in windows(given_by)
        ):
            return True
    return False


def next_door(one: str, other: str) -> bool:
    """Whether one digit differs and no more: a slip, or just as well another number of the same series."""
    return len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) == 1


def digits_of(number: str) -> str:
    """All digits of a number."""
    return "".join(_groups(number))


def one_slip(number: str, other: str) -> bool:
    """Whether two numbers differ by what a finger does: one digit wrong, or two neighbours swapped."""
    return len(number) == len(other) and spelling.close(number, other)


@lru_cache(maxsize=4_096)
def _groups(number: str) -> tuple[str, ...]:
    return tuple(_DIGITS.findall(unicodedata.normalize("NFKC", number)))


@lru_cache(maxsize=8_192)
def _letters(number: str) -> tuple[str, str, str]:
    """The letters of a number before, between and after its digits."""
    text = spelling.compact(number)
    match = re.fullmatch(r"([^0-9]*)(.*?)([^0-9]*)", text)
    assert match
    return match.group(1), re.sub(r"[0-9]", "", match.group(2)), match.group(3)
