"""Columns of a bank's CSV that no profile mentions, but that decide whether a row is money received.

A column of directions (`S`, `H`, `Dr`, `Cr`) may do no more than repeat the signs of the amounts; then it does no harm.
"""

import re
from collections.abc import Sequence

from gateway.bank import texts
from gateway.bank.csv_head import Head
from gateway.bank.statement import Reject

_CREDIT = frozenset(
    "c cr h + credit crédit credito crédito haben gutschrift eingang in incoming received entrée bij haber abono "
    "ingreso 贷 贷方 收入 收 貸".split()
)
_DEBIT = frozenset(
    "d dr db s - debit débit debito débito debet soll lastschrift belastung ausgang out outgoing sent sortie af debe "
    "cargo 借 借方 支出 支".split()
)
_STATUS = frozenset(
    "status statut statuts state état etat estado situación situacion 状态 狀態 交易状态 交易狀態".split()
)
"""Words in the name of a column that says whether an entry is booked."""
_NOT_BOOKED = frozenset(
    "pending failed declined rejected cancelled canceled reverted vorgemerkt offen abgelehnt storniert fehlgeschlagen "
    "pendiente rechazado rechazada fallido anulado cancelado refusé rejeté échoué annulé afgewezen geweigerd mislukt "
    "geannuleerd 失败 待处理 处理中 已撤销".split()
)
_MOST_WORDS = 20
_WORD = re.compile(r"[^\W_]+")


def nameless_direction(head: Head, rows: Sequence[Sequence[str]]) -> int | None:
    """The column without a name that says `S` or `H` of every row in the profile's own words."""
    told = head.profile.directions
    if told is None or "direction" in head.places or "amount" not in head.places:
        return None
    words = {word.casefold() for word in (*told.credit, *told.debit)}
    for place, name in enumerate(head.names):
        if not name and rows and all(_said(row, place) in words for row in rows):
            return place
    return None


def overlooked(head: Head, rows: Sequence[Sequence[str]], received: Sequence[bool | None]) -> Reject | None:
    """A column that was not understood although it tells debits from credits, or what is booked from what is not.

    Args:
        head: The header, with what is understood of it.
        rows: The cells.
        received: For each row whether it was read as money received; None for an amount of zero.
    """
    read = {place for column in ("direction", "status") for place in head.places.get(column, ())}
    for place, name in enumerate(head.names):
        words = _words(rows, place)
        if place in read or not words:
            continue
        what, shown = f"the column {name!r}" if name else f"column {place + 1}, which has no name,", _shown(words)
        if words <= _CREDIT | _DEBIT and any(
            way is not None and (word := _said(row, place)) and (word in _CREDIT) != way
            for row, way in zip(rows, received, strict=True)
        ):
            reason = (
                f"{what} seems to tell money received from money paid ({shown}), and the bank profile "
                f"{head.profile.id} does not read it: write a profile that names it as direction, with the words "
                "that mean credit and debit as directions"
            )
            return Reject("direction", name, reason, head.line)
        if place in _understood(head) or words <= {word.casefold() for word in head.profile.booked}:
            continue
        if words & _NOT_BOOKED or _STATUS & set(_WORD.findall(name.casefold())):
            reason = (
                f"{what} seems to tell which entries are booked ({shown}), and the bank profile {head.profile.id} "
                "does not read it: write a profile that names it as status, with the words of booked entries as booked"
            )
            return Reject("status", name, reason, head.line)
    return None


def _understood(head: Head) -> set[int]:
    return {place for places in head.places.values() for place in places}


def _words(rows: Sequence[Sequence[str]], place: int) -> set[str]:
    """What the cells of a column say; nothing if it is too much for directions or states."""
    found: set[str] = set()
    for row in rows:
        found.add(_said(row, place))
        if len(found) > _MOST_WORDS:
            return set()
    return found - {""}


def _said(row: Sequence[str], place: int) -> str:
    return row[place].strip().casefold() if place < len(row) else ""


def _shown(words: set[str]) -> str:
    return texts.clean(", ".join(sorted(words)[:4]), 60)
