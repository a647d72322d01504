"""The invoices that a statement is matched against, indexed once: by number, reference, amount and buyer.

Held in columns, since a hundred thousand values of their own would not fit: inside the matching an invoice is its place
here. Who a payer is lies in payers.py, how numbers are found in a text in citations.py, what follows in matching.py.
"""

from array import array
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from sys import intern
from typing import TypeVar

from models import spelling
from models.citations import digit_keys
from models.money import Money
from models.open_invoices import OpenInvoice
from models.payers import Buyers

_Key = TypeVar("_Key", int, str)
Places = int | list[int]
"""What an index holds: almost every key has one place, which then is held bare."""


class Register:
    """Open and settled invoices. Changed by `add`, `settle` and `restate` alone; the order of adding plays no part."""

    def __init__(self, invoices: Iterable[OpenInvoice] = ()) -> None:
        """A register of these; more can be added.

        Raises:
            ValueError: An invoice is given twice.
        """
        self.buyers = Buyers()
        self.numbers: list[str] = []
        self.buyer_of = array("i")
        self.outstanding = array("q")
        """In minor units."""
        self.amounts = array("q")
        self.due = array("i")
        """Days as ordinals; 0 is unknown."""
        self.issued = array("i")
        self.settled = array("i")
        self.discounts: dict[int, tuple[tuple[Decimal, int], ...]] = {}
        """Percent and last day of cash discounts, of invoices that have any."""
        self._currency_of = array("B")
        self._currencies: list[str] = []
        self._by_digits: dict[int, Places] = {}
        self._by_letters: dict[str, Places] = {}
        self._by_reference: dict[str, Places] = {}
        self._by_amount: dict[int, Places] = {}
        self._owed: dict[tuple[frozenset[int], str], list[int]] = {}
        """What buyers owe in order, worked out once and true until an invoice is added."""
        self._terms: dict[tuple[tuple[Decimal, int], ...], tuple[tuple[Decimal, int], ...]] = {}
        for invoice in invoices:
            self.add(invoice)

    def __len__(self) -> int:
        return len(self.numbers)

    def add(self, invoice: OpenInvoice) -> None:
        """One more invoice.

        Raises:
            ValueError: The creditor's invoice of this number is there already.
        """
        place, number = len(self.numbers), invoice.number
        if self._owed:
            self._owed = {}
        keys = digit_keys(number)
        if self._at(keys, invoice.creditor, number) is not None:
            raise ValueError(
                f"invoice {invoice.creditor}/{number} is in the register twice; give it once, as it stands now"
            )
        buyer = self.buyers.place(invoice.creditor, invoice.buyer, invoice.buyer_name, invoice.ibans)
        currency = self._currency(invoice.amount.currency)
        self.numbers.append(number)
        self.buyer_of.append(buyer)
        self.buyers.all[buyer].invoices.append(place)
        amount = invoice.amount.minor
        outstanding = amount if invoice.outstanding is invoice.amount else invoice.outstanding.minor
        self.outstanding.append(outstanding)
        self.amounts.append(amount)
        self.due.append(invoice.due.toordinal())
        self.issued.append(invoice.issued.toordinal() if invoice.issued else 0)
        self.settled.append(invoice.settled_on.toordinal() if invoice.settled_on else 0)
        self._currency_of.append(currency)
        for key in keys:
            _put(self._by_digits, key, place)
        if not keys:
            _put(self._by_letters, spelling.compact(number), place)
        for reference in invoice.references:
            _put(self._by_reference, spelling.compact(reference).lstrip("0"), place)
        for minor in {amount, outstanding} - {0}:
            _put(self._by_amount, minor << 8 | currency, place)
        if invoice.discounts:
            terms = tuple((discount.percent, discount.until.toordinal()) for discount in invoice.discounts)
            self.discounts[place] = self._terms.setdefault(terms, terms)

    def settle(self, creditor: str, number: str, amount: Money, on: date) -> None:
        """Take `amount` off what is outstanding, so that the next entry of the statement sees it.

        Raises:
            ValueError: The invoice is unknown, or less than that is outstanding.
        """
        self.restate(creditor, number, self.standing(creditor, number) - amount, on)

    def reopen(self, creditor: str, number: str, amount: Money) -> None:
        """A payment or what it let go was taken back: so much more is outstanding, at most the whole invoice.

        Raises:
            ValueError: The invoice is unknown.
        """
        place = self._known(creditor, number)
        if amount.currency == self.currency(place):
            more = min(self.outstanding[place] + amount.minor, self.amounts[place])
            self.restate(creditor, number, Money.from_minor(more, amount.currency))

    def restate(self, creditor: str, number: str, outstanding: Money, on: date | None = None) -> None:
        """Say what is outstanding now: after a payment came back, a credit note, or a payment by another way.

        Raises:
            ValueError: The invoice is unknown, or the amount is negative.
        """
        place = self._known(creditor, number)
        if outstanding.amount < 0:
            raise ValueError(
                f"invoice {creditor}/{number}: {outstanding} cannot be outstanding; it would be paid too much"
            )
        if outstanding.currency != self.currency(place):
            raise ValueError(f"invoice {creditor}/{number} is in {self.currency(place)}, not in {outstanding.currency}")
        self.outstanding[place] = outstanding.minor
        self.settled[place] = on.toordinal() if on and not outstanding else 0
        key = outstanding.minor << 8 | self._currency_of[place]
        if outstanding and place not in _get(self._by_amount, key):
            _put(self._by_amount, key, place)

    def standing(self, creditor: str, number: str) -> Money:
        """What is outstanding of an invoice.

        Raises:
            ValueError: The invoice is unknown.
        """
        place = self._known(creditor, number)
        return Money.from_minor(self.outstanding[place], self.currency(place))

    # What the matching asks, by place.

    def find(self, creditor: str, number: str) -> int | None:
        """The place of an invoice, if it is here."""
        return self._at(digit_keys(number), creditor, number)

    def _at(self, keys: tuple[int, ...], creditor: str, number: str) -> int | None:
        found = _get(self._by_digits, keys[0]) if keys else _get(self._by_letters, spelling.compact(number))
        return next((p for p in found if self.numbers[p] == number and self.creditor(p) == creditor), None)

    def creditor(self, place: int) -> str:
        """Whose invoice it is."""
        return self.buyers.all[self.buyer_of[place]].creditor

    def currency(self, place: int) -> str:
        """The currency it is in."""
        return self._currencies[self._currency_of[place]]

    def with_digits(self, key: int) -> tuple[int, ...] | list[int]:
        """Invoices whose number has these digits (see `citations.digit_keys`)."""
        return _get(self._by_digits, key)

    def with_letters(self, key: str) -> tuple[int, ...] | list[int]:
        """Invoices whose number, without digits to speak of, is this one (compact)."""
        return _get(self._by_letters, key)

    def with_reference(self, compact: str) -> tuple[int, ...] | list[int]:
        """Invoices on which this structured reference is printed."""
        return _get(self._by_reference, compact.lstrip("0"))

    @property
    def has_references(self) -> bool:
        """Whether any structured reference was given."""
        return bool(self._by_reference)

    @property
    def has_lettered_numbers(self) -> bool:
        """Whether any number has hardly a digit."""
        return bool(self._by_letters)

    def with_amount(self, minor: int, currency: str) -> list[int]:
        """Invoices of which exactly this much is outstanding, the oldest first."""
        if currency not in self._currencies:
            return []
        places = _get(self._by_amount, minor << 8 | self._currencies.index(currency))
        return self.ordered([place for place in places if self.outstanding[place] == minor])

    def ordered(self, places: Iterable[int]) -> list[int]:
        """Oldest due date first, then by number: an order that does not depend on how the register was filled."""
        # Three stable sorts without a function of our own: this runs over all a buyer owes, entry after entry.
        found = list(set(places))
        if len(found) < 2:
            return found
        if len(self.buyers.creditors) > 1:
            found.sort(key=self.creditor)
        found.sort(key=self.numbers.__getitem__)
        found.sort(key=self.due.__getitem__)
        return found

    def owed_by(self, buyers: Iterable[int], currency: str) -> list[int]:
        """Open invoices of these buyers in this currency, in the order of `ordered`."""
        key = (frozenset(buyers), currency)
        if key not in self._owed:
            self._owed[key] = self.ordered(self.of_buyers(key[0], currency))
        outstanding = self.outstanding
        return [place for place in self._owed[key] if outstanding[place]]

    def of_buyers(self, buyers: Iterable[int], currency: str) -> Iterator[int]:
        """All invoices of these buyers in this currency, settled ones too."""
        if currency in self._currencies:
            wanted, currency_of = self._currencies.index(currency), self._currency_of
            for buyer in buyers:
                for place in self.buyers.all[buyer].invoices:
                    if currency_of[place] == wanted:
                        yield place

    def _known(self, creditor: str, number: str) -> int:
        place = self.find(creditor, number)
        if place is None:
            raise ValueError(f"invoice {creditor}/{number} is not in the register")
        return place

    def _currency(self, code: str) -> int:
        if code not in self._currencies:
            self._currencies.append(intern(code))
        return self._currencies.index(code)


def _put(index: dict[_Key, Places], key: _Key, place: int) -> None:
    known = index.get(key)
    if known is None:
        index[key] = place
    elif isinstance(known, int):
        index[key] = [known, place]
    else:
        known.append(place)


def _get(index: dict[_Key, Places], key: _Key) -> tuple[int, ...] | list[int]:
    known = index.get(key)
    if known is None:
        return ()
    return (known,) if isinstance(known, int) else known
