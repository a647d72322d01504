"""Who a payer is: the buyers, known by account, name and customer number, and how surely a payment comes from one.

Which of a buyer's invoices a payment is for is decided in matching.py.
"""

from array import array
from heapq import nsmallest
from math import log
from typing import NamedTuple

from models import spelling

ACCOUNT, NAME, CORE, ALIKE, NUMBER = 100, 95, 90, 80, 60
"""How surely: a known account, the full name, the name but for its legal form, a similar one, a customer number (which
may just be some number)."""
SURE = 80
"""From here on a buyer counts as the payer."""
_LIKENESS = 0.8
_MOST_BUYERS_PER_WORD = 300
_MOST_COMPARED = 24
_FINDING_WORDS = 4


class Buyer:
    """A buyer as the register knows it; its invoices by their places."""

    __slots__ = ("creditor", "ibans", "id", "invoices", "names")

    def __init__(self, creditor: str, identity: str) -> None:
        """One of whom nothing is known yet."""
        self.creditor = creditor
        self.id = identity
        self.names: tuple[str, ...] = ()
        self.ibans: tuple[str, ...] = ()
        self.invoices = array("i")

    @property
    def name(self) -> str:
        """The name it is listed under: the first by the alphabet, were there several."""
        return min(self.names, default="")


class Payer(NamedTuple):
    """A buyer that may have paid, how surely (0..100), and by what one knows."""

    buyer: int
    strength: int
    why: str


class Buyers:
    """All buyers of a register, found by account, name and number."""

    def __init__(self) -> None:
        """None yet."""
        self.all: list[Buyer] = []
        self.creditors: set[str] = set()
        self._places: dict[tuple[str, str], int] = {}
        self._by_iban: dict[str, tuple[int, ...]] = {}
        self._by_name: dict[str, tuple[int, ...]] = {}
        self._by_core: dict[str, tuple[int, ...]] = {}
        self._by_word: dict[str, tuple[int, ...]] = {}
        self._by_number: dict[str, tuple[int, ...]] = {}
        # Worked out before and still true, until another buyer comes in.
        self._weights: dict[str, float] = {}
        self._known: dict[str, list[Payer]] = {}

    def place(self, creditor: str, identity: str, name: str, ibans: tuple[str, ...]) -> int:
        """The place of a buyer; what is new of it is learned."""
        place = self._places.get((creditor, identity))
        if place is None:
            place = self._places[creditor, identity] = len(self.all)
            self.all.append(Buyer(creditor, identity))
            self.creditors.add(creditor)
            _add(self._by_number, spelling.compact(identity), place)
            self._forget()
        buyer = self.all[place]
        if name and name not in buyer.names:
            buyer.names += (name,)
            self._forget()
            _add(self._by_name, _full(name), place)
            _add(self._by_core, _sorted_core(name), place)
            for word in _index_words(spelling.core(name)):
                _add(self._by_word, word, place)
        for iban in ibans:
            if iban not in buyer.ibans:
                buyer.ibans += (iban,)
                _add(self._by_iban, spelling.compact(iban), place)
        return place

    def paying(self, name: str, iban: str, runs: frozenset[str]) -> list[Payer]:
        """Buyers that this may come from, the likeliest first; `runs` are the words and numbers of the text."""
        by_account, by_name = self._of_account(iban), self._of_name(name)
        named = {payer.buyer for payer in by_name if payer.strength >= SURE}
        both = named & {payer.buyer for payer in by_account}
        found: dict[int, Payer] = {}
        for payer in (*by_account, *by_name, *self._of_number(runs)):
            if both and payer.buyer not in both:
                # Of sisters that share an account or a name, it is the one for which both speak.
                payer = payer._replace(strength=min(payer.strength, SURE - 10))
            known = found.get(payer.buyer)
            if known is None or known.strength < payer.strength:
                found[payer.buyer] = payer
        return sorted(found.values(), key=lambda p: (-p.strength, self.all[p.buyer].creditor, self.all[p.buyer].id))

    def named_in(self, place: int, text: frozenset[str]) -> bool:
        """Whether the text names this buyer: every word of its name but the legal form, at least two or a long one."""
        for name in self.all[place].names:
            core = spelling.core(name)
            if (len(core) > 1 or len(core[0]) > 7 or spelling.is_cjk(core[0])) and all(word in text for word in core):
                return True
        return False

    def _of_account(self, iban: str) -> list[Payer]:
        account = spelling.compact(iban)
        return [Payer(b, ACCOUNT, "paid from its account") for b in self._by_iban.get(account, ())] if account else []

    def _of_number(self, runs: frozenset[str]) -> list[Payer]:
        found = []
        for run in runs:
            if len(run) >= 5:
                found += [Payer(b, NUMBER, "gives its customer number") for b in self._by_number.get(run, ())]
        return found

    def _forget(self) -> None:
        if self._known or self._weights:
            self._known, self._weights = {}, {}

    def _of_name(self, name: str) -> list[Payer]:
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = self._by_this_name(name)
        return found

    def _by_this_name(self, name: str) -> list[Payer]:
        if not name.strip():
            return []
        exact = self._by_name.get(_full(name), ())
        if exact:
            return [Payer(b, NAME, "has its name") for b in exact]
        core = spelling.core(name)
        same = self._by_core.get(_sorted_core(name), ()) if core else ()
        # "Schmidt Bau" may be any of the firms that go on from there.
        found = {b: Payer(b, CORE, "has its name, legal form aside") for b in same}
        for place, likeness in self._alike(core):
            found.setdefault(
                place, Payer(place, ALIKE if likeness >= _LIKENESS else int(70 * likeness), "has nearly its name")
            )
        return list(found.values())

    def _alike(self, core: tuple[str, ...]) -> list[tuple[int, float]]:
        """Buyers with a similar name: their likeness from 0 to 1, rare words counting more."""
        given = _index_words(core)
        counted: dict[int, float] = {}
        known = [spelled for word in given for spelled in self._spellings(word)]
        # The rarest words find them; the others only tell them apart.
        for word in sorted(set(known), key=lambda word: (len(self._by_word[word]), word))[:_FINDING_WORDS]:
            places = self._by_word[word]
            if len(places) <= _MOST_BUYERS_PER_WORD:
                for place in places:
                    counted[place] = counted.get(place, 0.0) + self._weight(word)
        best = nsmallest(_MOST_COMPARED, counted, key=lambda place: (-counted[place], self.all[place].id))
        likeness = (
            (place, max(self._likeness(core, spelling.core(n)) for n in self.all[place].names)) for place in best
        )
        return [(place, alike) for place, alike in likeness if alike > 0.5]

    def _spellings(self, word: str) -> list[str]:
        """The words of the index that this one may be: itself, else those one slip away."""
        if word in self._by_word:
            return [word]
        if len(word) < 4 or spelling.is_cjk(word):
            return []
        return [near for near in _one_slip(word) if near in self._by_word]

    def _weight(self, word: str) -> float:
        """The rarer a word, the more it says."""
        weight = self._weights.get(word)
        if weight is None:
            weight = self._weights[word] = log(2 + len(self.all) / len(self._by_word.get(word, (0,))))
        return weight

    def _likeness(self, given: tuple[str, ...], known: tuple[str, ...]) -> float:
        """The weighted share of words in common. A name that only stops early, or goes on with an address, is alike."""
        if given and known and any(spelling.is_cjk(word) for word in (*given, *known)):
            return _shared_pairs("".join(given), "".join(known))
        left = list(known)
        common, missing = 0.0, 0.0
        for n, word in enumerate(given):
            other = next((o for o in left if _same_word(word, o, cut=n == len(given) - 1)), None)
            if other is None:
                missing += self._weight(word)
            else:
                left.remove(other)
                common += self._weight(other) * (1 if other == word else 0.9)
        unnamed = sum(self._weight(word) for word in left)
        whole = 2 * common + missing + unnamed
        alike = 2 * common / whole if whole else 0.0
        matched = len(known) - len(left)
        if matched >= 2 and (missing == 0 or not left):
            return max(alike, _LIKENESS)
        return alike


def _add(index: dict[str, tuple[int, ...]], key: str, place: int) -> None:
    known = index.get(key, ())
    if key and place not in known:
        index[key] = (*known, place)


def _full(name: str) -> str:
    return " ".join(spelling.words(name))


def _sorted_core(name: str) -> str:
    return " ".join(sorted(spelling.core(name)))


def _index_words(core: tuple[str, ...]) -> list[str]:
    """What a name is found by: its words; of CJK names every two neighbouring characters."""
    found = []
    for word in core:
        found += [word[n : n + 2] for n in range(len(word) - 1)] if spelling.is_cjk(word) and len(word) > 2 else [word]
    return found


def _same_word(word: str, known: str, cut: bool) -> bool:
    if word == known or (min(len(word), len(known)) >= 4 and spelling.close(word, known)):
        return True
    # Cut by the bank, or abbreviated as people do.
    return (cut and len(word) >= 2 and known.startswith(word)) or (len(word) >= 3 and known.startswith(word))


def _shared_pairs(one: str, other: str) -> float:
    if one == other:
        return 1.0
    mine, theirs = ({text[n : n + 2] for n in range(len(text) - 1)} for text in (one, other))
    shorter = min(len(mine), len(theirs))
    if shorter >= 3 and (mine <= theirs or theirs <= mine):
        return max(_LIKENESS, 2 * shorter / (len(mine) + len(theirs)))
    return 2 * len(mine & theirs) / (len(mine) + len(theirs)) if mine and theirs else 0.0


def _one_slip(word: str) -> set[str]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    cuts = [(word[:n], word[n:]) for n in range(len(word) + 1)]
    return {
        *(a + b[1:] for a, b in cuts if b),
        *(a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1),
        *(a + c + b[1:] for a, b in cuts if b for c in letters),
        *(a + c + b for a, b in cuts for c in letters),
    }
