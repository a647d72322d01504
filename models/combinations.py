"""Which of several amounts add up to a given one: bounded subset-sum over integers of minor units.

How likely a solution is chance is reckoned here too; what follows from a solution is decided in matching.py.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from math import gcd

from models.base import Value

MOST_AMOUNTS = 20
"""Above this many amounts only pairs are looked for: more subsets than any amount could single out."""


class Combinations(Value):
    """What adds up: at most two ways (places in the given order), and how many would do so by chance alone."""

    ways: tuple[tuple[int, ...], ...]
    by_chance: float


def combinations(amounts: Sequence[int], target: int) -> Combinations:
    """Two or more of `amounts` (positive, in minor units) that add up to `target`.

    Two equal amounts are two different invoices, hence two ways. `by_chance` is the number of sums that lie near the
    target, spread evenly over that neighbourhood: how many would hit it had it nothing to do with these invoices.
    """
    window = max(target // 20, 1)
    if len(amounts) > MOST_AMOUNTS:
        ways, near = _pairs(amounts, target, window)
    else:
        ways, near = _any_size(amounts, target, window)
    by_chance = _spread(near - len(ways), window, amounts)
    return Combinations.assembled(ways=tuple(sorted(ways)[:2]), by_chance=by_chance)


def singles_by_chance(amounts: Iterable[int], target: int) -> float:
    """How many single `amounts` would equal `target` by chance, by their number in its neighbourhood."""
    window = max(target // 5, 1)
    near = [amount for amount in amounts if abs(amount - target) <= window and amount != target]
    return _spread(len(near), window, near)


def has_pair(amounts: Sequence[int], target: int) -> bool:
    """Whether any two of `amounts` add up to `target`."""
    seen: set[int] = set()
    for amount in amounts:
        if target - amount in seen:
            return True
        seen.add(amount)
    return False


def _spread(near: int, window: int, amounts: Sequence[int]) -> float:
    # Where all amounts are multiples of a step (whole hundreds), only every so manieth sum can be hit.
    step = gcd(*amounts) if len(amounts) > 2 else 1
    # What hits is left out of the count, or it would speak against itself; half a sum stands for what was not seen.
    return (max(near, 0) + 0.5) * step / (2 * window + 1)


def _any_size(amounts: Sequence[int], target: int, window: int) -> tuple[list[tuple[int, ...]], int]:
    # Meet in the middle: every sum of the left half looks for its complement among those of the right.
    middle, most = len(amounts) // 2, target + window
    left, right = _sums(amounts, range(middle), most), _sums(amounts, range(middle, len(amounts)), most)
    by_sum: dict[int, list[int]] = {}
    for total, way in right:
        by_sum.setdefault(total, []).append(way)
    ordered = sorted(total for total, _ in right)
    ways: list[tuple[int, ...]] = []
    near = 0
    for total, way in left:
        near += bisect_right(ordered, target + window - total) - bisect_left(ordered, target - window - total)
        if len(ways) < 8:
            ways += [_places(way | other) for other in by_sum.get(target - total, ())]
    return [way for way in ways if len(way) > 1], near


def _sums(amounts: Sequence[int], places: range, most: int) -> list[tuple[int, int]]:
    """All subsets of `places` as sum and bit set, those above `most` left out."""
    sums = [(0, 0)]
    for place in places:
        amount, bit = amounts[place], 1 << place
        sums += [(total + amount, way | bit) for total, way in sums if total + amount <= most]
    return sums


def _places(bits: int) -> tuple[int, ...]:
    return tuple(place for place in range(bits.bit_length()) if bits >> place & 1)


def _pairs(amounts: Sequence[int], target: int, window: int) -> tuple[list[tuple[int, ...]], int]:
    ordered = sorted((amount, place) for place, amount in enumerate(amounts))
    values = [amount for amount, _ in ordered]
    ways: list[tuple[int, ...]] = []
    near = 0
    for at, (amount, place) in enumerate(ordered):
        low = max(bisect_left(values, target - window - amount), at + 1)
        near += max(0, bisect_right(values, target + window - amount) - low)
        exact = range(max(bisect_left(values, target - amount), at + 1), bisect_right(values, target - amount))
        ways += [(min(place, ordered[other][1]), max(place, ordered[other][1])) for other in exact[:2]]
    return ways, near
