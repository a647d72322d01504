"""What all ways of meaning an entry share: the facts at hand, what discounts and charges explain, round amounts.

The ways themselves are in named.py (invoices are named) and owed.py (none is); matching.py takes the surest.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from models import findings
from models.evidence import Evidence
from models.findings import Finding, Part
from models.matches import Rules
from models.money import minor_unit

_CHARGES_STEP = 50
"""Minor units of which charges are multiples: 0.50 EUR, 50 JPY."""
_ROUNDING = 10
"""Minor units that are short by a slip or by rounding."""
_MOST_NAMED = 60
"""Invoices that one entry can name and be matched by itself; longer lists come as a file."""
MOST_ALIKE = 50
"""Invoices of one amount that are compared with the text; a common amount says nothing anyway."""


class Weighing:
    """One entry's evidence under a creditor's rules."""

    def __init__(self, evidence: Evidence, rules: Rules) -> None:
        """Amounts in minor units, days as ordinals, invoices by their places in the register."""
        self.evidence = evidence
        self.rules = rules
        self.register = evidence.register
        self.open = evidence.register.outstanding
        self.amount = evidence.amount
        self.day = evidence.entry.received_on.toordinal()
        self.named = [place for place in evidence.hits if evidence.is_open(place)][:_MOST_NAMED]
        """Invoices that are named and can be paid."""
        self.fitting = evidence.fitting
        """Of those named the ones that are the payer's."""

    def exact_elsewhere(self, places: Iterable[int]) -> bool:
        """Whether the payer owes just this amount on an invoice other than these."""
        return any(self.open[p] == self.amount for p in self.evidence.own if p not in places)

    def round(self, amount: int) -> bool:
        """Whether it is an amount as people choose them, on account, and not one that invoices come to."""
        return len(str(amount).rstrip("0")) <= 2 or amount % int(50 / minor_unit(self.evidence.currency)) == 0

    def discounted(self, places: Sequence[int], wanted: int | None = None) -> dict[int, int] | None:
        """What each gets with the discounts agreed taken off, a unit of rounding aside; None if that does not fit."""
        wanted = self.amount if wanted is None else wanted
        amounts: dict[int, int] = {}
        for place in places:
            amounts[place] = self.open[place]
            if self.open[place] != self.register.amounts[place]:
                continue
            for percent, until in self.register.discounts.get(place, ()):
                if self.day <= until + self.rules.discount_grace_days:
                    amounts[place] = min(amounts[place], findings.less(self.open[place], percent))
        off = wanted - sum(amounts.values())
        if all(amounts[p] == self.open[p] for p in places) or abs(off) > len(places):
            return None
        largest = max(places, key=lambda p: (self.open[p], -places.index(p)))
        amounts[largest] += off
        return amounts if 0 < amounts[largest] <= self.open[largest] else None

    def late_discount(self, places: Sequence[int]) -> Decimal | None:
        """The percent of a discount that was taken of these although its day had passed."""
        if any(self.open[p] != self.register.amounts[p] for p in places):
            return None
        granted = {percent for p in places for percent, _ in self.register.discounts.get(p, ())}
        for percent in sorted(granted):
            if abs(sum(findings.less(self.open[p], percent) for p in places) - self.amount) <= len(places):
                return percent
        return None

    def may_be_charges(self, places: Sequence[int], short: int, due: int) -> bool:
        """Whether banks may have kept what is missing. Their charges are round amounts; part payments seldom end so.

        What the payer took off, by a discount that was over or by his own words, no bank has kept.
        """
        if self.evidence.deduction or self.late_discount(places) is not None:
            return False
        currency = self.evidence.currency
        most = int(self.rules.charges.get(currency, Decimal(0)) / minor_unit(currency))
        if short > most or short * 100 > due * self.rules.charges_percent:
            return False
        return short % _CHARGES_STEP == 0 or short <= _ROUNDING

    def short(self, places: list[int], short: int) -> list[Part]:
        """All of them in full, but the largest short by what is missing."""
        largest = max(places, key=lambda p: (self.open[p], -places.index(p)))
        return [
            Part(p, self.open[p] - short, short, "bank_charges") if p == largest else Part(p, self.open[p])
            for p in places
        ]

    def finding(self, places: Sequence[int], certain: bool, score: int, reason: str) -> Finding:
        """A finding that pays these in full."""
        return Finding.of([Part(p, self.open[p]) for p in places], certain, score, reason)
