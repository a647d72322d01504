"""Which open invoices a bank entry pays: what is certain, what is proposed to a person, and why.

Certainty first: an entry is matched by itself only where two independent facts agree (docs/matching.md has the rules).
The evidence is gathered in evidence.py, the ways it can be meant are in named.py and owed.py, words for people in
findings.py; payments that come back are in reversals.py.
"""

from collections.abc import Iterator

from models import findings
from models.bank import BankEntry
from models.evidence import Evidence
from models.findings import Finding
from models.matches import DEFAULT_RULES, Matching, Rules
from models.named import Named
from models.owed import Owed
from models.register import Register

_NOT_MATCHED = {
    "outgoing": "our own payment or refund: nobody paid an invoice with it",
    "charge": "the bank's charge: nobody paid an invoice with it",
    "reversal": "a payment that came back: it is looked for among past payments, not invoices",
}


def match(entry: BankEntry, register: Register, rules: Rules = DEFAULT_RULES) -> Matching:
    """What the entry pays. The register is read, not changed: `apply` does that, once the match is booked."""
    if entry.kind != "payment":
        return Matching(status="unmatched", unapplied=entry.amount, reason=_NOT_MATCHED[entry.kind])
    evidence = Evidence(entry, register)
    if not evidence.amount:
        return Matching(status="unmatched", unapplied=entry.amount, reason="an amount of zero pays nothing")
    best: Finding | None = None
    for finding in _findings(evidence, rules):
        if finding.certain:
            return findings.worded(evidence, finding)
        if best is None or finding.score > best.score:
            best = finding
    return findings.worded(evidence, best)


def _findings(evidence: Evidence, rules: Rules) -> Iterator[Finding]:
    yield from Named(evidence, rules).findings()
    yield from Owed(evidence, rules).findings()


def apply(matching: Matching, register: Register, entry: BankEntry) -> None:
    """Take what a matching settles off the register, so that the next entry of the statement sees it.

    Raises:
        ValueError: An invoice is unknown, or less is outstanding than the match would settle.
    """
    for one in matching.matches:
        register.settle(one.creditor, one.number, one.settles, entry.received_on)
