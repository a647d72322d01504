"""Words by which payers say that they took something off: what is missing then is no charge of a bank."""

from collections.abc import Iterable

_BEGINNINGS = ( # folded: "descuento" is "descunto"
    # German
    "skont", "abz", "gutschr", "mangel", "reklam", "beanstand", "minderung", "gemindert", "kurzung", "gekurzt",
    "einbehalt", "nachlass", "rabat", "verrechn", "aufrechn", "preisdiff", "retour", "storn",
    # English
    "discount", "deduct", "disput", "rebate", "withh", "retention", "setoff", "offset", "shortage", "damage", "defect",
    "creditnot", "allowance",
    # French, Dutch, Spanish, Italian, Portuguese
    "escompt", "deduit", "rabais", "remise", "ristourne", "retenu", "litige", "korting", "aftrek", "inhoud",
    "klacht", "descunt", "deduc", "retenc", "reclamacion", "scont", "detra", "trattenut", "descont", "kreditnot",
)  # fmt: skip
_WORDS = frozenset("ruge rugen less minus moins menos meno avoir avoirs".split())
_CREDIT_NOTE = (frozenset(("credit", "note")), frozenset(("nota", "credito")))
_CJK = ("折扣", "扣款", "扣除", "扣减", "扣減", "抵扣", "减免", "減免", "贷项", "贷记", "値引", "相殺")


def speaks_of_deduction(words: Iterable[str]) -> bool:
    """Whether folded words (`spelling.words`) say that something was taken off, in whatever language."""
    said = frozenset(words)
    return (
        bool(said & _WORDS)
        or any(both <= said for both in _CREDIT_NOTE)
        or any(word.startswith(_BEGINNINGS) or any(part in word for part in _CJK) for word in said)
    )
