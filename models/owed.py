"""Ways in which an entry is meant that names no invoice: by what the payer owes, and by the amount.

An amount can agree by accident; how often it would is reckoned in combinations.py and bounded by the rules.
"""

from collections.abc import Iterator

from models import findings
from models.citations import BARE
from models.combinations import combinations, has_pair, singles_by_chance
from models.findings import Finding, Part
from models.payers import ACCOUNT, CORE
from models.weighing import MOST_ALIKE, Weighing


class Owed(Weighing):
    """Findings from what the payer owes, the surest first."""

    def findings(self) -> Iterator[Finding]:
        """Every way, certain or not."""
        yield from self._by_amount()
        yield from self._by_sum()
        yield from self._by_amount_alone()

    def _by_amount(self) -> Iterator[Finding]:
        own, evidence = self.evidence.own, self.evidence
        exact = [p for p in own if self.open[p] == self.amount]
        best = max((payer.strength for payer in evidence.payer.values()), default=0)
        score = 93 if best == ACCOUNT else 92 if best >= CORE else 90
        words = findings.paid_by(evidence)
        free = not self._disagrees() and not self._paid_before()
        if len(exact) == 1:
            # People pay the oldest first: only as many accidents count as lie among those no younger than this one.
            older = own[: own.index(exact[0]) + 1]
            by_chance = singles_by_chance((self.open[p] for p in older), self.amount)
            close = not self._of_another() and evidence.near(exact[0])
            told = by_chance < self.rules.chance and (len(own) == 1 or not self.round(self.amount))
            told = told and not has_pair([self.open[p] for p in own], self.amount)
            why = "; the text comes close to its number" if close else ""
            sure = free and (close or told)
            if sure and evidence.names_another(exact[0]):
                sure, why = False, "; but the text gives another number"
            yield self.finding(exact, sure, score, f"{words}, and the amount is that of this invoice alone{why}")
        elif exact:
            near = [] if self._of_another() else [p for p in exact if evidence.near(p)]
            if len(near) == 1:
                sure = free and not evidence.names_another(near[0])
                yield self.finding(
                    near, sure, score, f"{words}, the amount is exact and the text comes close to its number"
                )
            else:
                yield self.finding(
                    exact[:1], False, 75, f"{words}; {len(exact)} invoices have this amount, this is the oldest"
                )
        else:
            taken = [(p, d[p]) for p in own if (d := self.discounted([p], self.amount)) is not None]
            if len(taken) == 1:
                place, amount = taken[0]
                by_chance = singles_by_chance((self.open[p] for p in own), self.amount)
                part = Part(place, amount, self.open[place] - amount, "cash_discount")
                alike = [p for p in own if p != place and self.open[p] == self.open[place]]
                sure = free and not alike and not self.round(self.amount) and by_chance < self.rules.chance
                sure = sure and not evidence.names_another(place)
                yield Finding.of(
                    [part], sure, score - 1, f"{words}, the amount is its own less the cash discount agreed"
                )

    def _by_sum(self) -> Iterator[Finding]:
        own = self.evidence.own
        words = findings.paid_by(self.evidence)
        free = not self._disagrees() and not self._paid_before() and not self.exact_elsewhere(())
        free = free and not self.evidence.names_another()
        if len(own) < 2:
            return
        natural = list(self._natural(own))
        by_chance = singles_by_chance((total for _, _, total in natural), self.amount)
        for what, count, total in natural:
            if total == self.amount:
                places = own[:count]
                sure = free and by_chance < self.rules.chance and self._sets_apart(places, own)
                yield self.finding(places, sure, 91, f"{words}, and the amount is that of {what}")
                break
        fitting = [p for p in own if self.open[p] <= self.amount]
        if sum(self.open[p] for p in fitting) < self.amount:
            return
        found = combinations([self.open[p] for p in fitting], self.amount)
        for way in found.ways:
            places = [fitting[n] for n in way]
            alone = len(found.ways) == 1 and found.by_chance < self.rules.chance
            sure = free and alone and not self.round(self.amount)
            only = (
                "only these add up to the amount"
                if len(found.ways) == 1
                else "these add up to the amount, but so do others"
            )
            yield self.finding(places, sure, 90, f"{words}; of its open invoices {only}")

    def _natural(self, own: list[int]) -> Iterator[tuple[str, int, int]]:
        """What people pay together without saying so: the oldest, how many, and what they come to."""
        due = self.register.due
        total = 0
        for n, place in enumerate(own, 1):
            total += self.open[place]
            if n == len(own):
                yield "all its open invoices", n, total
            elif n > 1 and due[own[n]] > due[place]:
                late = due[place] <= self.day < due[own[n]]
                yield "all that are due" if late else f"its {n} oldest invoices", n, total

    def _sets_apart(self, places: list[int], own: list[int]) -> bool:
        """Whether it is just these: no other of the same amount could stand in for one, no payment on account."""
        if len(places) == len(own):
            return True
        chosen = set(places)
        others = {self.open[p] for p in own if p not in chosen}
        return not self.round(self.amount) and not any(self.open[p] in others for p in places)

    def _by_amount_alone(self) -> Iterator[Finding]:
        evidence = self.evidence
        likely = {payer.buyer: payer.strength for payer in evidence.payers}
        same = self.register.with_amount(self.amount, evidence.currency)
        near = [p for p in same[:MOST_ALIKE] if evidence.near(p)]
        known = [p for p in same if self.register.buyer_of[p] in likely]
        if len(near) == 1:
            yield self.finding(
                near, False, 70, "the amount is exact and the text comes close to its number, but not the payer"
            )
        if len(known) == 1:
            yield self.finding(known, False, 65, "the amount is exact and the payer may be its buyer")

    def _disagrees(self) -> bool:
        """Whether an invoice of the payer or of this amount is named: then no other is meant by its amount alone."""
        return any(
            quality >= BARE and (place in self.fitting or self.open[place] == self.amount)
            for place, quality in self.evidence.hits.items()
        )

    def _of_another(self) -> bool:
        """Whether another buyer's invoice is named: what comes close to one of the payer's then is no slip for sure."""
        return any(quality >= BARE and place not in self.fitting for place, quality in self.evidence.hits.items())

    def _paid_before(self) -> bool:
        """Whether the payer has just paid this amount: it may be a second payment of the same invoice."""
        register = self.register
        since = self.day - self.rules.again_days
        return any(
            register.amounts[p] == self.amount and not self.open[p] and register.settled[p] >= since
            for p in register.of_buyers(self.evidence.payer, self.evidence.currency)
        )
