"""Ways in which an entry is meant that names invoices: paid in full, short by what may be short, one more, in part.

Where none is named, owed.py tells what the payer may have meant.
"""

from collections.abc import Iterable, Iterator, Sequence

from models import citations, findings
from models.citations import BARE, PROVEN, WEAK, WHOLE
from models.combinations import combinations, singles_by_chance
from models.evidence import TELLING
from models.findings import Finding, Part
from models.weighing import MOST_ALIKE, Weighing

_COMMON, _COMMON_SHARE = 20, 0.001
"""An amount that more invoices than this, and more than this share of them, have is no evidence of its own."""


class Named(Weighing):
    """Findings from the invoices that a text or a reference names, the surest first."""

    def findings(self) -> Iterator[Finding]:
        """Every way, certain or not."""
        yield from self._in_full()
        yield from self._one_more()
        yield from self._in_part()
        yield from self._other_currency()

    def _in_full(self) -> Iterator[Finding]:
        for places in self._sets():
            yield from self._paying(places, self._quality(places))
        if 2 < len(self.named) <= 20:
            found = combinations([self.open[p] for p in self.named], self.amount)
            for way in found.ways:
                places = [self.named[n] for n in way]
                sure = len(found.ways) == 1 and found.by_chance < 0.01 and all(p in self.fitting for p in places)
                sure = sure and not self._rivalled(places)
                yield self.finding(places, sure, 94, "several invoices are named, the amount is that of these")

    def _sets(self) -> Iterator[list[int]]:
        """What may be meant together, the likeliest first."""
        hits, named = self.evidence.hits, self.named
        seen: set[tuple[int, ...]] = set()
        for places in (
            [p for p in named if hits[p] == PROVEN],
            [p for p in named if hits[p] >= BARE or p in self.fitting],
            [p for p in named if p in self.fitting],
            [p for p in named if p in self.fitting and hits[p] >= BARE],
            [p for p in named if hits[p] >= WHOLE],
            *self._by_owner(),
            *([p] for p in sorted(named, key=lambda p: (p not in self.fitting, -hits[p]))),
        ):
            if places and tuple(places) not in seen:
                seen.add(tuple(places))
                yield places

    def _by_owner(self) -> list[list[int]]:
        """What is named of one buyer, where one of its numbers is whole: the others may be given by their ends."""
        owners: dict[int, list[int]] = {}
        for place in self.named:
            owners.setdefault(self.register.buyer_of[place], []).append(place)
        return [places for places in owners.values() if any(self.evidence.hits[p] >= WHOLE for p in places)]

    def _paying(self, places: list[int], quality: int) -> Iterator[Finding]:
        due = sum(self.open[p] for p in places)
        fits = all(p in self.fitting for p in places)
        several = len(places) > 1 and any(self.evidence.hits[p] >= WHOLE for p in places)
        distinct = quality >= BARE or (several and due == self.amount)
        if several and any(p in self.fitting for p in places):
            distinct = False  # the payer's and another's together: more likely a slip
        backed = quality == PROVEN or fits or (distinct and not self._contradicted(places))
        how = {PROVEN: 100, WHOLE: 97, BARE: 96, WEAK: 94}[quality] + (2 if fits and quality < PROVEN else 0)
        words = findings.naming(quality, len(places))
        if due == self.amount:
            backed = backed and not self._rivalled(places)
            yield self.finding(places, backed, how, f"{words}, and the amount is exact")
            return
        if self.amount > due:
            return
        discounted = self.discounted(places)
        if discounted is not None:
            parts = [Part(p, discounted[p], self.open[p] - discounted[p], "cash_discount") for p in places]
            yield Finding.of(parts, backed, how - 1, f"{words}; cash discount was taken as agreed")
            return
        short = due - self.amount
        if self.may_be_charges(places, short, due):
            letters = len(places) == 1 or all(self.evidence.to_the_letter(p) for p in places)
            sure = quality == PROVEN or (fits and letters and quality >= BARE)
            sure = sure and not self.exact_elsewhere(places)
            yield Finding.of(
                self.short(places, short), sure, how - 2, f"{words}; bank charges were deducted on the way"
            )

    def _rivalled(self, places: Sequence[int]) -> bool:
        """Whether the text may just as well name another invoice of this amount."""
        evidence, place = self.evidence, places[0]
        owners = {self.register.buyer_of[p] for p in places}
        others = [p for p in self.register.owed_by(owners, evidence.currency) if p not in places]
        amounts = {self.open[p] for p in others}
        for chosen in places:
            if self.open[chosen] in amounts and any(
                self.open[p] == self.open[chosen] and evidence.slip_for(chosen, p) for p in others
            ):
                return True
            if len(places) > 1 and evidence.hits[chosen] == WEAK and self.open[chosen] in amounts:
                return True
        if len(places) > 1:
            return False
        hits, numbers = evidence.hits, self.register.numbers
        others = [p for p in self.named if p != place and self.open[p] == self.amount]
        if any(hits[p] >= hits[place] and (p in self.fitting or place not in self.fitting) for p in others):
            return True
        own = [p for p in evidence.own if p != place and self.open[p] == self.amount] if hits[place] == WEAK else []
        if own and citations.abbreviated(evidence.ends, numbers[place]) < TELLING:
            return True
        return any(citations.resembles(evidence.ends, numbers[p]) for p in own[:MOST_ALIKE])

    def _contradicted(self, places: Sequence[int]) -> bool:
        """Whether others could have been meant: the payer has a debt of just this amount, or a slip leads to one."""
        if any(self.open[p] == self.amount for p in self.evidence.own if p not in places):
            return True
        if len(places) > 1:
            return False
        same = self.register.with_amount(self.amount, self.evidence.currency)
        if len(same) > _COMMON and len(same) > _COMMON_SHARE * len(self.register):
            return True  # so common an amount that it would fit many a wrong number
        return any(p not in places and self.evidence.near(p) for p in same[:MOST_ALIKE])

    def _one_more(self) -> Iterator[Finding]:
        places = [p for p in self.named if p in self.fitting and self.evidence.hits[p] >= BARE]
        rest = self.amount - sum(self.open[p] for p in places)
        others = [p for p in self.evidence.own if p not in places]
        if len(places) > 1 and rest:
            number = self.register.numbers
            wanted = {p: self.open[p] + rest for p in places}
            slips = [
                (p, q)
                for p in places
                for q in others
                if self.open[q] == wanted[p] and citations.one_slip(number[p], number[q])
            ]
            for wrong, right in slips[:1]:
                why = f"{number[wrong]} is a slip for {number[right]}: so the amount is exact"
                meant = [right if p == wrong else p for p in places]
                sure = len(slips) == 1 and not citations.next_door(number[wrong], number[right])
                yield self.finding(meant, sure, 92, f"{findings.naming(WHOLE, len(places))}; {why}")
        if not places or rest <= 0:
            return
        fitting = [p for p in others if self.open[p] == rest]
        near = [p for p in fitting if self.evidence.near(p)]
        for more in (near or fitting)[:1]:
            alone = len(near or fitting) == 1
            by_chance = singles_by_chance((self.open[p] for p in others), rest)
            told = by_chance < self.rules.chance and not self.round(rest) and not self.evidence.unexplained
            sure = alone and ((bool(near) and not self.evidence.names_another(more)) or told)
            why = "its number is given with a slip" if near else "the rest is exactly one more invoice of this buyer"
            yield self.finding([*places, more], sure, 93, f"{findings.naming(WHOLE, len(places))}; {why}")

    def _in_part(self) -> Iterator[Finding]:
        hits = self.evidence.hits
        proven = [p for p in self.named if hits[p] == PROVEN]
        fitting = [p for p in self.named if p in self.fitting]
        distinct = [p for p in fitting if hits[p] >= BARE]
        places = proven or distinct or fitting or self.named
        quality = self._quality(places) if places else 0
        if not places:
            return
        due = sum(self.open[p] for p in places)
        backed = quality == PROVEN or (quality >= BARE and all(p in self.fitting for p in places))
        backed = backed and not self.exact_elsewhere(places) and (quality == PROVEN or not self._confused(places))
        words = findings.naming(quality, len(places))
        score = {PROVEN: 96, WHOLE: 93, BARE: 91, WEAK: 55}[quality] if backed else (45, 50, 60, 70, 85)[quality]
        if self.amount > due:
            sure = backed and not self._slip(places)
            yield self.finding(
                places, sure, score, f"{words}; more was paid than is outstanding, the rest stays unapplied"
            )
        elif self.amount < due and len(places) == 1:
            late = self.late_discount(places)
            why = "a deduction is spoken of, the rest stays open" if self.evidence.deduction else "it is paid in part"
            why = f"cash discount of {late.normalize():f} % was taken too late" if late else why
            yield Finding.of([Part(places[0], self.amount)], backed, score, f"{words}; {why}")
        elif self.amount < due:
            parts = findings.oldest_first(self.register.ordered(places), self.open, self.amount)
            yield Finding.of(
                parts, False, min(score, 70), f"{words}, but less was paid: it may be meant for any of them"
            )

    def _confused(self, places: list[int]) -> bool:
        """Whether a number may be a slip for another of the payer's, with an amount that is no help to tell."""
        if len(places) > 1:
            return False
        number = self.register.numbers
        near = [p for p in self.evidence.own if p != places[0] and citations.one_slip(number[places[0]], number[p])]
        return bool(near) and not self._whole_share(places[0])

    def _whole_share(self, place: int) -> bool:
        """Whether the amount is a whole percentage of what is outstanding, or more by whole units of money."""
        over = self.amount - self.open[place]
        if over > 0:
            return over % 100 == 0
        percent = round(self.amount * 100 / self.open[place])
        return abs(self.open[place] * percent - self.amount * 100) <= 100

    def _slip(self, places: list[int]) -> bool:
        """Whether one number of several may be a slip: not there to the letter, or with a neighbour."""
        if len(places) == 1:
            return False  # told by `_confused`
        number = self.register.numbers
        others = [p for p in self.evidence.own if p not in places]
        over = self.amount - sum(self.open[p] for p in places)
        near = over + self.amount // 20
        return any(
            not self.evidence.to_the_letter(place)
            or any(
                self.open[p] == self.open[place] + over
                or (
                    self.open[place] < self.open[p] <= self.open[place] + near
                    and citations.one_slip(number[place], number[p])
                )
                for p in others
            )
            for place in places
        )

    def _other_currency(self) -> Iterator[Finding]:
        hits = self.evidence.hits
        other = [p for p in hits if self.open[p] and not self.evidence.is_open(p)]
        named = [p for p in other if hits[p] == PROVEN or (hits[p] >= BARE and p in self.fitting)]
        if named:
            currency = self.register.currency(named[0])
            words = findings.naming(hits[named[0]], 1)
            reason = f"{words}, but it is in {currency}: a person gives the rate"
            yield Finding.of([], False, 60, reason, candidates=named)

    def _quality(self, places: Iterable[int]) -> int:
        return min(self.evidence.hits[p] for p in places)
