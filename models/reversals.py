"""Which past payment comes back when the bank takes one back: a returned direct debit, a chargeback, a recall.

What the return does to the invoices is for the case to say; which invoices a payment is for is decided in matching.py.
"""

from collections.abc import Iterable
from datetime import date, timedelta

from pydantic import Field

from models import spelling
from models.bank import BankEntry
from models.base import Value
from models.durations import Day
from models.matches import Status
from models.money import Money

_LATEST = timedelta(days=13 * 31)
"""A debit that was never authorised can come back for thirteen months (SEPA direct debit rulebooks)."""
_UNNAMED = timedelta(days=70)
"""Without a reference it is looked for as long as an authorised debit can be refunded: eight weeks, and transit."""
_NO_REFERENCE = frozenset(("", "NOTPROVIDED", "NONREF", "NONE"))


class PastPayment(Value):
    """A payment that was booked, as it may be named when it comes back."""

    key: str = Field(min_length=1, description="the identity of its bank entry (`BankEntry.key`)")
    amount: Money
    received_on: Day
    servicer_reference: str = ""
    end_to_end: str = ""
    payer: str = ""
    payer_iban: str = ""
    reversed: bool = Field(default=False, description="whether it came back before: nothing comes back twice")


class Reversal(Value):
    """Which payment an entry takes back. A proposed one has it as the first of the candidates, no `payment`."""

    status: Status
    payment: str | None = None
    """The key of the payment that comes back."""
    score: int = Field(default=0, ge=0, le=100)
    reason: str
    candidates: tuple[str, ...] = ()
    """Keys for the worklist, the likeliest first."""


class PastPayments:
    """Past payments by what a return may name them by."""

    def __init__(self, payments: Iterable[PastPayment] = ()) -> None:
        """An index of these."""
        self._by_reference: dict[str, list[PastPayment]] = {}
        self._by_amount: dict[Money, list[PastPayment]] = {}
        self._back: set[str] = set()
        for payment in payments:
            self.add(payment)

    def add(self, payment: PastPayment) -> None:
        """One more."""
        for name in {payment.key, payment.servicer_reference, payment.end_to_end}:
            if name.upper() not in _NO_REFERENCE:
                self._by_reference.setdefault(spelling.compact(name), []).append(payment)
        self._by_amount.setdefault(payment.amount, []).append(payment)
        if payment.reversed:
            self._back.add(payment.key)

    def came_back(self, key: str) -> None:
        """A payment came back: nothing comes back twice."""
        self._back.add(key)

    def is_back(self, payment: PastPayment) -> bool:
        """Whether it came back before."""
        return payment.key in self._back

    def named(self, *references: str) -> list[PastPayment]:
        """Payments that one of these references names."""
        found = {p.key: p for r in references if r.upper() not in _NO_REFERENCE for p in self._named(r)}
        return list(found.values())

    def of_amount(self, amount: Money) -> list[PastPayment]:
        """Payments of exactly this amount."""
        return self._by_amount.get(amount, [])

    def _named(self, reference: str) -> list[PastPayment]:
        return self._by_reference.get(spelling.compact(reference), [])


def reversal_of(entry: BankEntry, past: PastPayments) -> Reversal:
    """Which of the past payments an entry of kind `reversal` takes back.

    Raises:
        ValueError: The entry is of another kind.
    """
    if entry.kind != "reversal":
        raise ValueError(f"entry {entry.entry} is a {entry.kind}, not a reversal: nothing comes back with it")
    told = past.named(entry.returned_reference, entry.end_to_end)
    named = _possible((p for p in told if not past.is_back(p)), entry, _LATEST)
    whole = [p for p in named if p.amount in _amounts(entry)]
    if len(whole) == 1:
        return _certain(whole[0], 100, "the return names this payment, and the amount is its own")
    if whole:
        return _proposed(whole, 70, f"the return names {len(whole)} payments of this amount")
    if named:
        return _proposed(
            named, 60, f"the return names this payment, but that was {named[0].amount}, not {entry.amount}"
        )
    alike = (p for a in _amounts(entry) for p in past.of_amount(a) if not past.is_back(p))
    candidates = _possible(alike, entry, _UNNAMED)
    same = [p for p in candidates if _same_payer(p, entry)]
    back = [p for p in told if past.is_back(p)]
    if back and not named and candidates:
        return _proposed(same or candidates, 50, "the payment that is named came back before, and this is another")
    if len(same) == 1:
        return _certain(same[0], 92, "the only payment of this amount by this payer in the last ten weeks")
    if same:
        return _proposed(same, 65, f"this payer made {len(same)} payments of this amount")
    if candidates:
        return _proposed(candidates, 40, "of this amount, but nothing else names it")
    if back:
        return Reversal(
            status="unmatched", reason="the payment that is named came back before", candidates=(back[0].key,)
        )
    return Reversal(status="unmatched", reason="no past payment is named by it, none is of this amount")


def _amounts(entry: BankEntry) -> tuple[Money, ...]:
    """What the payment may have been: the bank sometimes takes its charge along."""
    if entry.charges and entry.charges.currency == entry.amount.currency and entry.charges < entry.amount:
        return (entry.amount, entry.amount - entry.charges)
    return (entry.amount,)


def _possible(payments: Iterable[PastPayment], entry: BankEntry, latest: timedelta) -> list[PastPayment]:
    """Those it can still take back, the latest first."""
    day: date = entry.booked_on
    found = [p for p in payments if day - latest <= p.received_on <= day + timedelta(days=1)]
    return sorted(found, key=lambda p: (-p.received_on.toordinal(), p.key))


def _same_payer(payment: PastPayment, entry: BankEntry) -> bool:
    if payment.payer_iban and entry.payer_iban:
        return spelling.compact(payment.payer_iban) == spelling.compact(entry.payer_iban)
    return bool(entry.payer.strip()) and spelling.words(payment.payer) == spelling.words(entry.payer)


def _certain(payment: PastPayment, score: int, reason: str) -> Reversal:
    return Reversal(status="matched", payment=payment.key, score=score, reason=reason, candidates=(payment.key,))


def _proposed(payments: list[PastPayment], score: int, reason: str) -> Reversal:
    return Reversal(status="proposed", score=score, reason=reason, candidates=tuple(p.key for p in payments[:5]))
