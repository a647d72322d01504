"""What a dropped file is for, by its content: invoices, or a bank statement. How each is read is not known here."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from gateway.bank import xml
from gateway.bank.csv_head import find_head
from gateway.bank.csv_profiles import BankProfile
from gateway.bank.mt_lines import looks_like_mt
from gateway.bank.sources import sources as bank_sources
from gateway.errors import InputRefused
from gateway.intake.columns import REQUIRED
from gateway.intake.recognise import HEAD, recognise

Purpose = Literal["invoices", "bank"]

_CAMT = re.compile(rb"<(?:\w+:)?(?:BkToCstmr\w*|Document[^>]*camt\.05[234])|urn:iso:std:iso:20022:tech:xsd:camt\.")
_TOLD_BY_PAYERS = frozenset(("remittance", "payer", "payer_iban"))
"""A day and an amount are in lists of invoices, too; what somebody wrote to a payment is not."""
_CELLS = re.compile(r"[;,\t|]")


def purpose(path: Path, profiles: Sequence[BankProfile]) -> Purpose:
    """What a file is for; what is neither is left to the reader of invoices, who says what it is.

    Raises:
        InputRefused: an archive holds both.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    if recognise(head).kind != "zip":
        return _of(path, head, profiles)
    found = {_of(Path(source.name), source.data, profiles) for source in bank_sources(path) if source.refused is None}
    if len(found) > 1:
        raise InputRefused("the archive holds invoices and bank statements: drop them one by one, or in two archives")
    return next(iter(found), "invoices")


def _of(name: Path, data: bytes, profiles: Sequence[BankProfile]) -> Purpose:
    head = data[:HEAD]
    if xml.is_xml(head):
        return "bank" if _CAMT.search(_plain(head)) else "invoices"
    if recognise(head).kind in ("pdf", "zip", "xlsx", "other", "edifact"):
        return "invoices"
    if looks_like_mt(head.decode("latin-1")):
        return "bank"
    return "bank" if _bank_table(head, profiles) else "invoices"


def _bank_table(head: bytes, profiles: Sequence[BankProfile]) -> bool:
    """Whether a table has the columns of a bank and not those of invoices."""
    # Only whole lines and whole letters: the beginning may end in the middle of one.
    whole = head[: head.rfind(b"\n") + 1] or head
    first = whole.split(b"\n", 1)[0].decode("utf-8-sig", "replace")
    if {cell.strip().strip('"').lower() for cell in _CELLS.split(first)} >= set(REQUIRED) - {"creditor"}:
        return False
    heads = (find_head(whole, profile) for profile in profiles)
    return any(head is not None and _TOLD_BY_PAYERS & head.places.keys() for head in heads)


def _plain(head: bytes) -> bytes:
    return head.replace(b"\0", b"") if head[:2] in (b"\xff\xfe", b"\xfe\xff") else head
