"""What an entry tells, side by side: the invoices it names, who paid, and how both agree. It decides nothing.

References and numbers are read in references.py and citations.py, payers in payers.py; matching.py
decides.
"""

from collections.abc import Iterable
from functools import cached_property

from models import citations, deductions, references, spelling
from models.bank import BankEntry
from models.payers import SURE, Payer
from models.register import Register

_NO_REFERENCE = frozenset(("", "NOTPROVIDED", "NONREF", "NONE", "KEINE", "0"))
TELLING = 4
"""Digits at the end of a number that tell it from others of the same buyer and amount."""
_WIDTHS = (27, 35, 65, 70, 140)
"""Characters at which banks break lines (MT940, SEPA, DTA)."""
_MOST_ABBREVIATED = 3_000
"""Invoices of a payer that are compared with abbreviated numbers; who has more gives whole numbers."""


class Evidence:
    """One entry against one register."""

    def __init__(self, entry: BankEntry, register: Register) -> None:
        """Of this entry, against this register."""
        self.entry = entry
        self.register = register
        self.amount = entry.amount.minor
        self.currency = entry.amount.currency
        fields = (entry.creditor_reference, "" if entry.end_to_end.upper() in _NO_REFERENCE else entry.end_to_end)
        self._told: dict[int, set[str]] = {}
        """By which digits of the text an invoice is named."""
        self.texts = tuple(dict.fromkeys((*_wrapped(entry.remittance), *filter(None, fields))))

    @cached_property
    def runs(self) -> tuple[citations.Run, ...]:
        """The digit runs of all texts."""
        return tuple(run for text in self.texts for run in citations.runs_of(text))

    @cached_property
    def ends(self) -> tuple[citations.Run, ...]:
        """The digit runs that may be the end of a number: not those of the payer's own reference."""
        own = frozenset(run.digits for run in citations.runs_of(self.entry.end_to_end))
        return tuple(run for run in self.runs if run.digits not in own)

    @cached_property
    def words(self) -> frozenset[str]:
        """The folded words of all texts."""
        return frozenset(word for text in self.texts for word in spelling.words(text))

    @cached_property
    def deduction(self) -> bool:
        """Whether the text says that something was taken off."""
        return deductions.speaks_of_deduction(self.words)

    @cached_property
    def payers(self) -> list[Payer]:
        """Who may have paid, the likeliest first."""
        runs = frozenset(spelling.compact(word) for word in self.words)
        return self.register.buyers.paying(self.entry.payer, self.entry.payer_iban, runs)

    @cached_property
    def payer(self) -> dict[int, Payer]:
        """Who surely paid; several if a name or an account is shared."""
        return {payer.buyer: payer for payer in self.payers if payer.strength >= SURE}

    @cached_property
    def own(self) -> list[int]:
        """The payer's open invoices in this currency, oldest first."""
        return self.register.owed_by(self.payer, self.currency)

    @cached_property
    def hits(self) -> dict[int, int]:
        """The invoices that are named, open or not, in whatever currency: place and how distinctly."""
        found: dict[int, int] = {}
        register = self.register
        for place, quality in (*self._by_reference(), *self._by_number()):
            found[place] = max(quality, found.get(place, 0))
        ends = self._left(found)
        for place in self._where_abbreviated(found) if ends else ():
            if place not in found and citations.abbreviated(ends, register.numbers[place]):
                found[place] = citations.WEAK
        return {place: found[place] for place in register.ordered(found)}

    @cached_property
    def unexplained(self) -> bool:
        """Whether the text has digits that belong to nothing that was found."""
        return bool(self._left(self.hits))

    def _left(self, found: dict[int, int]) -> list[citations.Run]:
        """The digits that are part of no number found clearly, and of no other sort of number."""
        clear = [place for place, quality in found.items() if quality > citations.WEAK]
        told = {digits for place in clear for digits in self._told.get(place, ())}
        return [run for run in self.ends if run.digits not in told and not run.other and len(run.digits) >= 3]

    def _where_abbreviated(self, found: dict[int, int]) -> list[int]:
        """The invoices of which the end of a number says which: the payer's, else those of whom one is named whole."""
        register = self.register
        clear = [place for place, quality in found.items() if quality > citations.WEAK and self.is_open(place)]
        if clear and sum(register.outstanding[place] for place in clear) == self.amount:
            return []  # nothing is missing
        owners = set(self.payer)
        if not owners:
            owners = {register.buyer_of[place] for place, quality in found.items() if quality >= citations.WHOLE}
            if len(owners) > 1:
                return []
        places = register.owed_by(owners, self.currency)
        return places if len(places) <= _MOST_ABBREVIATED else []

    def _by_reference(self) -> Iterable[tuple[int, int]]:
        register = self.register
        read = [
            references.read(self.entry.creditor_reference),
            *(r for text in self.texts for r in references.in_text(text)),
        ]
        for reference in dict.fromkeys(filter(None, read)):
            printed = register.with_reference(reference.compact)
            yield from ((place, citations.PROVEN) for place in printed)
            if printed:
                continue
            # Not printed on any: it may carry the number itself. Only RF is known to do so letter for letter.
            carried = citations.cited(reference.body, register.with_digits, register.numbers.__getitem__)
            body = reference.body.lstrip("0") if reference.standard == "RF reference" else ""
            whole = [c for c in carried if spelling.compact(register.numbers[c.place]).lstrip("0") == body]
            for citation in carried:
                # Two numbers that differ in their separators alone have one reference: then it proves neither.
                proven = len(whole) == 1 and citation in whole
                yield citation.place, citations.PROVEN if proven else min(citation.quality, citations.BARE)
        if register.has_references:
            # Other standards (KID, OCR …): known only from the invoice that carries them.
            for text in self.texts:
                runs = citations.runs_of(text) if sum(map(str.isdigit, text)) > 5 else ()
                for _, _, digits, _, inner in citations.windows(runs):
                    if not inner and len(digits) >= 6:
                        yield from ((place, citations.WHOLE) for place in register.with_reference(digits))

    def _by_number(self) -> Iterable[tuple[int, int]]:
        register = self.register
        for text in self.texts:
            for citation in citations.cited(text, register.with_digits, register.numbers.__getitem__):
                quality = citation.quality
                told = citations.runs_of(text)[citation.first : citation.last + 1]
                self._told.setdefault(citation.place, set()).update(run.digits for run in told)
                if text == self.entry.end_to_end:  # mostly the payer's own numbering
                    quality = min(quality, citations.BARE if quality == citations.WHOLE else citations.WEAK)
                yield citation.place, quality
        if register.has_lettered_numbers:
            for word in {spelling.compact(part) for text in self.texts for part in text.split()}:
                yield from ((place, citations.BARE) for place in register.with_letters(word) if len(word) > 3)

    @cached_property
    def fitting(self) -> frozenset[int]:
        """The named invoices that are the payer's."""
        return frozenset(place for place in self.hits if self.fits(place))

    def fits(self, place: int) -> bool:
        """Whether the invoice is the payer's, or its buyer is named in the text."""
        buyer = self.register.buyer_of[place]
        return buyer in self.payer or self.register.buyers.named_in(buyer, self.words)

    def near(self, place: int) -> bool:
        """Whether the text gives the invoice's number abbreviated or with one slip.

        Digits that name another invoice which may well be meant (the payer's, or one of this amount) do not count.
        """
        number = self.register.numbers[place]
        return citations.abbreviated(self._spare, number) >= TELLING or citations.resembles(self._spare, number)

    def names_another(self, place: int | None = None) -> bool:
        """Whether the text gives the number of an invoice that is not the payer's, and no slip for this one's.

        A number in which one digit differs may be the next of the series: then it is another.
        """
        written = dict.fromkeys((*_wrapped(self.entry.remittance), self.entry.creditor_reference))
        left = [run for text in written for run in citations.runs_of(text) if run.digits not in self._used]
        if place is not None:
            # Long numbers look like accounts or telephones: here they are compared all the same.
            alike = [run._replace(other=False) for run in left]
            if citations.resembles(alike, self.register.numbers[place], citations.next_door):
                return True
            if self.near(place):
                return False
        return any(run.numbered and not run.other for run in left)

    def slip_for(self, place: int, other: int) -> bool:
        """Whether what seems to name one invoice may be a slip for another: its digits are not there to the letter."""
        if self.to_the_letter(place):
            return False
        told = self._told.get(place, set())
        runs = [run for run in self.runs if run.digits in told] or list(self.ends)
        return citations.resembles(runs, self.register.numbers[other])

    def to_the_letter(self, place: int) -> bool:
        """Whether all digits of the invoice's number are in the text, in their order."""
        return citations.digits_of(self.register.numbers[place]) in self._digits

    @cached_property
    def _digits(self) -> str:
        return " ".join("".join(c for c in text if c.isdigit()) for text in self.texts)

    @cached_property
    def _spare(self) -> tuple[citations.Run, ...]:
        return tuple(run for run in self.ends if run.digits not in self._used)

    @cached_property
    def _used(self) -> frozenset[str]:
        """The digits that name an invoice which may well be meant: the payer's, or one of this amount."""
        outstanding, used = self.register.outstanding, set[str]()
        for place, quality in self.hits.items():
            if quality > citations.WEAK and (place in self.fitting or outstanding[place] == self.amount):
                used |= self._told.get(place, set())
        return frozenset(used)

    def is_open(self, place: int) -> bool:
        """Whether anything is outstanding, in the entry's currency."""
        return self.register.outstanding[place] > 0 and self.register.currency(place) == self.currency


def _wrapped(lines: tuple[str, ...]) -> tuple[str, ...]:
    """The free text as lines that stand alone, and, where a bank cut it at a fixed width, as it was before."""
    if len(lines) < 2:
        return lines
    width = max(map(len, lines[:-1]))
    whole = "".join(line if len(line) == width else f"{line} " for line in lines)
    if width in _WIDTHS and all(len(line) >= width - 1 for line in lines[:-1]):
        return (whole,)
    return (" ".join(lines), whole) if width >= min(_WIDTHS) else (" ".join(lines),)
