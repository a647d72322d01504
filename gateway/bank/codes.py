"""What an entry is, from the codes banks give it: payment, reversal, our own payment, or a charge of the bank.

Codes of ISO 20022 (external code set, bank transaction codes) and of the German banks (Geschäftsvorfallcodes).
"""

import re
from typing import NamedTuple

from models.bank import EntryKind

_CAME_BACK = "our own payment came back"
_OWN = "our own payment"
_CHARGE = "charges or interest of the bank"
_REFUND = "charges that the bank paid back"
ZERO = "amount zero"
BATCH_CHARGE = "charges the bank took out of the batch"

_ISSUED_DEBITS = frozenset(("IDDT",))
_RECEIVED = frozenset(("RCDT", "RRCT", "RCHQ"))
_RETURNS = frozenset(("RRTN", "RPCR", "UPDD", "PRDD", "RCDD", "UPCQ", "CQRV", "RRCT"))
_CHARGES = frozenset(("CHRG", "FEES", "COMM", "COMI", "COME", "COMT", "INTR"))

# Geschäftsvorfallcodes: the debtor's bank or the debtor took a direct debit back.
_GVC_RETURNED = frozenset(("009", "108", "109", "193"))
_GVC_CAME_BACK = frozenset(("059", "159", "181", "184"))
_GVC_CHARGES = frozenset(("805", "808", "809", "810"))
_GERMAN = re.compile(r"[A-Z]{4}\+(\d{3})\+")


class Codes(NamedTuple):
    """The codes of an entry or a transaction; empty where the bank gives none."""

    family: str = ""
    sub_family: str = ""
    proprietary: str = ""

    @property
    def gvc(self) -> str:
        """The German code, if the proprietary code holds one (`NTRF+166+00931`)."""
        match = _GERMAN.match(self.proprietary)
        return match[1] if match else ""


def kind_of(credit: bool, reversed_: bool, returned: bool, codes: Codes) -> tuple[EntryKind, str]:
    """The kind of an entry, and why it is ignored (empty: it is not).

    Args:
        credit: Whether the account was credited.
        reversed_: Whether the bank says that it takes back an earlier entry of the other direction.
        returned: Whether the bank gives a reason for a return.
        codes: The bank transaction codes.
    """
    if credit:
        if codes.sub_family in _CHARGES - {"INTR"}:
            return "charge", _REFUND
        back = codes.sub_family in _RETURNS or codes.gvc in _GVC_CAME_BACK
        return ("outgoing", _CAME_BACK) if reversed_ or returned or back else ("payment", "")
    if reversed_ or returned or codes.gvc in _GVC_RETURNED:
        return "reversal", ""
    if codes.sub_family in _CHARGES or codes.gvc in _GVC_CHARGES:
        return "charge", _CHARGE
    if codes.family in _ISSUED_DEBITS or (codes.family in _RECEIVED and codes.sub_family in _RETURNS):
        return "reversal", ""
    return "outgoing", _OWN
