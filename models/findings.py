"""A way in which an entry can be meant, and how it is told to people: matches, candidates and reasons in words.

Which ways there are, and which is certain, is decided in matching.py.
"""

from array import array
from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from models.citations import BARE, PROVEN, WEAK, WHOLE
from models.evidence import Evidence
from models.matches import Candidate, Match, Matching, Shortfall
from models.money import Money

CERTAIN_FROM = 90
"""Certain findings score at least this, all others less."""
_MOST_CANDIDATES = 5


class Part(NamedTuple):
    """What one invoice gets, in minor units."""

    place: int
    amount: int
    short: int = 0
    why_short: Shortfall | None = None


class Finding(NamedTuple):
    """One way in which an entry can be meant."""

    parts: tuple[Part, ...]
    certain: bool
    score: int
    reason: str
    candidates: tuple[int, ...] = ()

    @classmethod
    def of(
        cls, parts: Sequence[Part], certain: bool, score: int, reason: str, candidates: Sequence[int] = ()
    ) -> "Finding":
        """A finding with a score on its side of `CERTAIN_FROM`."""
        bounded = (
            max(score, CERTAIN_FROM)
            if certain
            else min(score - 10 if score >= CERTAIN_FROM else score, CERTAIN_FROM - 1)
        )
        return cls(tuple(parts), certain, bounded, reason, tuple(candidates))


def naming(quality: int, count: int) -> str:
    """How the invoices are named, as the start of a reason."""
    many = count > 1
    how = {
        PROVEN: "given by {} structured reference with right check digits",
        WHOLE: "named by {} number",
        BARE: "named by the digits of {} number",
        WEAK: "perhaps named by {} number",
    }[quality]
    return how.format("their" if many else "its") + ("s" if many else "")


def paid_by(evidence: Evidence) -> str:
    """Who paid and how one knows, as the start of a reason."""
    strongest = next(iter(evidence.payers), None)
    if strongest is None:
        return "the payer is unknown"
    name = evidence.register.buyers.all[strongest.buyer].name or evidence.register.buyers.all[strongest.buyer].id
    if strongest.why.startswith("paid"):
        return f"paid from an account of {name}"
    why = strongest.why.replace("its", "the buyer's", 1)
    return f"the payer {why} ({name})"


def day(ordinal: int) -> str:
    """A day as people read it in files."""
    return date.fromordinal(ordinal).isoformat()


def less(amount: int, percent: Decimal) -> int:
    """An amount in minor units less some percent, rounded half-up."""
    return int((amount * (100 - percent) / 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def oldest_first(places: Sequence[int], outstanding: "array[int]", amount: int) -> list[Part]:
    """`amount` over these invoices, each filled before the next gets anything."""
    parts = []
    for place in places:
        if amount > 0:
            parts.append(Part(place, min(amount, outstanding[place])))
            amount -= parts[-1].amount
    return parts


def worded(evidence: Evidence, finding: Finding | None) -> Matching:
    """The matching that is handed out."""
    register, entry = evidence.register, evidence.entry
    matches = []
    for place, amount, short, why in finding.parts if finding else ():
        currency = register.currency(place)
        matches.append(
            Match.assembled(
                creditor=register.creditor(place),
                number=register.numbers[place],
                amount=Money.from_minor(amount, currency),
                score=finding.score if finding else 0,
                reason=_reason(evidence, place, finding.reason if finding else ""),
                shortfall=Money.from_minor(short, currency) if short else None,
                shortfall_reason=why,
            )  # fmt: skip
        )
    used = sum(part.amount for part in finding.parts) if finding else 0
    buyer = _buyer(evidence, finding)
    listed = [] if finding and finding.certain and used == evidence.amount else _candidates(evidence, finding)
    return Matching.assembled(
        status="unmatched" if finding is None else "matched" if finding.certain else "proposed",
        matches=tuple(matches), unapplied=Money.from_minor(evidence.amount - used, entry.amount.currency),
        reason=finding.reason if finding else _why_not(evidence), score=finding.score if finding else 0,
        candidates=tuple(listed),
        creditor=None if buyer is None else register.buyers.all[buyer].creditor,
        buyer=None if buyer is None else register.buyers.all[buyer].id,
        buyer_name="" if buyer is None else register.buyers.all[buyer].name,
    )  # fmt: skip


def _reason(evidence: Evidence, place: int, reason: str) -> str:
    payer = evidence.payer.get(evidence.register.buyer_of[place])
    if payer is None or place not in evidence.hits:
        return reason
    return f"{reason}; the payer {payer.why}" if not payer.why.startswith("paid") else f"{reason}; {payer.why}"


def _why_not(evidence: Evidence) -> str:
    register = evidence.register
    paid = [p for p in evidence.hits if not register.outstanding[p] and evidence.hits[p] > WEAK]
    if paid:
        numbers = ", ".join(register.numbers[p] for p in paid[:3])
        return f"already paid: {numbers} is named, but nothing of it is outstanding"
    if evidence.payer:
        return f"{paid_by(evidence)}, but the amount agrees with none of its open invoices"
    return "neither an invoice nor a known payer is named"


def _buyer(evidence: Evidence, finding: Finding | None) -> int | None:
    """Whose the money is: of the matches, else who paid for sure, else of what is named."""
    owner = evidence.register.buyer_of
    if finding and finding.parts:
        owners = {owner[part.place] for part in finding.parts}
        return owners.pop() if len(owners) == 1 else next((p.buyer for p in evidence.payers if p.buyer in owners), None)
    if len(evidence.payer) == 1:
        return next(iter(evidence.payer))
    named = {owner[p] for p, quality in evidence.hits.items() if quality > WEAK or p in evidence.own}
    if evidence.payer:
        named &= evidence.payer.keys()
    return named.pop() if len(named) == 1 else None


def _candidates(evidence: Evidence, finding: Finding | None) -> list[Candidate]:
    """The few best for the worklist: what is named (settled or not), has this amount, or is open longest."""
    register = evidence.register
    taken = {part.place for part in finding.parts} if finding else set()
    scored: dict[int, tuple[int, str]] = {}
    for place in finding.candidates if finding else ():
        scored[place] = (60, f"is named, but is in {register.currency(place)}")
    for place, quality in evidence.hits.items():
        if register.outstanding[place]:
            scored.setdefault(place, (20 + 10 * quality, f"{naming(quality, 1)}"))
        else:
            scored.setdefault(place, (15 + 10 * quality, f"{naming(quality, 1)}, but already paid"))
    for place in register.with_amount(evidence.amount, evidence.currency)[:20]:
        own = register.buyer_of[place] in evidence.payer
        scored.setdefault(place, (45 if own else 15, "has this amount" + (" and is the payer's" if own else "")))
    for place in register.of_buyers(evidence.payer, evidence.currency):
        if not register.outstanding[place] and register.amounts[place] == evidence.amount:
            scored.setdefault(place, (40, "is the payer's and has this amount, but already paid"))
    for place in evidence.own[:3]:
        scored.setdefault(place, (10, "is the payer's, and open longest"))
    order = [p for p in register.ordered(scored) if p not in taken]
    order.sort(key=lambda p: -scored[p][0])
    return [
        Candidate.assembled(
            creditor=register.creditor(p), number=register.numbers[p], score=scored[p][0], reason=scored[p][1],
            outstanding=Money.from_minor(register.outstanding[p], register.currency(p)),
        )
        for p in order[:_MOST_CANDIDATES]
    ]  # fmt: skip
