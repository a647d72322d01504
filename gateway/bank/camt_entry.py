"""One entry (Ntry) of a camt message, and the transactions in it: who paid what, and what kind of entry it is.

How the amount of an entry is shared among its transactions, camt_amounts.py decides.
"""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from gateway.bank import texts
from gateway.bank.camt_amounts import Share, original_of, shares
from gateway.bank.camt_node import Node
from gateway.bank.codes import BATCH_CHARGE, ZERO, Codes, kind_of
from gateway.bank.statement import Movement, Refused, Reject
from models import ids
from models.bank import BankEntry, EntryKind
from models.money import Money

_STATUS = {
    "PDNG": "pending: not booked yet",
    "INFO": "for information only: not booked",
    "FUTR": "planned for a later day: not booked yet",
}
MAX_TRANSACTIONS = 100_000


class Entry(NamedTuple):
    """What one Ntry gives: a movement, and entries to be matched, each with the reason to ignore it (empty: none)."""

    movement: Movement
    parts: list[tuple[BankEntry, str]]
    notes: list[str]
    undated: bool


class EntryReader:
    """Reads the entries of one statement."""

    def __init__(self, account: str, fallback_day: str) -> None:
        """For an account; the day (ISO) is that of entries that have none."""
        self._account, self._fallback_day = account, fallback_day

    def read(self, node: Node, place: str) -> Entry:
        """The entry at `place` of the file.

        Raises:
            Refused: if it cannot be read, or if its transactions do not add up to it.
        """
        amount = node.amount("Amt")
        if amount is None:
            raise Refused(Reject("Amt", "", "an entry without an amount", node.line, place))
        credit = _credit(node, place)
        status = node.first("Sts/Cd", "Sts/Prtry") or node.text("Sts") or "BOOK"
        movement = Movement(place, amount if credit else Money.zero(amount.currency) - amount, status == "BOOK")
        booked_on, value_on = _day(node, "BookgDt"), _day(node, "ValDt")
        undated = booked_on is None and value_on is None
        booked_on = booked_on or value_on or self._fallback(node, place)
        found = [*node.all("NtryDtls/TxDtls"), *node.all("TxDtls")]
        if len(found) > MAX_TRANSACTIONS:
            raise Refused(Reject("TxDtls", "", f"more than {MAX_TRANSACTIONS:,} transactions", node.line, place))
        reading = _Parts(node, place, self._account, amount, credit, booked_on, value_on)
        unbooked = "" if movement.booked else _STATUS.get(status, f"status {status}: not booked")
        parts = reading.ignored(found, unbooked) if unbooked or not amount else reading.parts(found)
        notes = [] if unbooked else _batch_note(node, place, len(found), credit)
        return Entry(movement, parts, notes, undated)

    def _fallback(self, node: Node, place: str) -> date:
        try:
            return texts.iso_day(self._fallback_day)
        except ValueError:
            raise Refused(
                Reject("BookgDt", "", "neither the entry nor the message has a date", node.line, place)
            ) from None


def _batch_note(node: Node, place: str, count: int, credit: bool) -> list[str]:
    announced = node.number("NtryDtls/Btch/NbOfTxs")
    if not credit or announced is None or count == announced or not count:
        return []
    return [f"entry {place}: {announced} transactions are announced, the file has {count}; the sum is right"]


def _credit(node: Node, place: str) -> bool:
    sign = node.text("CdtDbtInd")
    if sign not in ("CRDT", "DBIT"):
        raise Refused(Reject("CdtDbtInd", sign, "neither CRDT nor DBIT", node.line, place))
    return sign == "CRDT"


def _day(node: Node, path: str) -> date | None:
    return node.day(f"{path}/Dt") or node.day(f"{path}/DtTm")


class _Parts:
    """The parts of one entry."""

    def __init__(
        self, entry: Node, place: str, account: str, amount: Money, credit: bool, booked: date, value: date | None
    ) -> None:
        self._entry, self._place, self._account = entry, place, account
        self._amount, self._credit, self._booked, self._value = amount, credit, booked, value
        self._reversed = entry.text("RvslInd") in ("true", "1")
        self._codes = _codes(entry)
        self._reference = texts.reference(entry.text("AcctSvcrRef"))
        self._group = ""
        if self._reference:
            direction = "credit" if credit else "debit"
            content = (account, direction, str(amount.amount), amount.currency, booked.isoformat(), self._reference)
            self._group = ids.digest("\n".join(content))[:32]

    def ignored(self, transactions: list[Node], reason: str) -> list[tuple[BankEntry, str]]:
        """The entry as one, ignored: it is not booked, or of no amount."""
        one = transactions[0] if transactions else None
        kind, _ = self._kind(one, self._credit)
        original = original_of(one, self._amount.currency) if one is not None else None
        share = Share(one, self._amount, original=original)
        return [(self._part(self._place, share, kind, transactions), reason or ZERO)]

    def parts(self, transactions: list[Node]) -> list[tuple[BankEntry, str]]:
        """The entry, or its transactions, each with the reason why it is ignored."""
        kind, reason = self._kind(transactions[0] if transactions else None, self._credit)
        directions = {transaction.text("CdtDbtInd") for transaction in transactions}
        if len(transactions) > 1 and not self._credit and kind != "reversal" and len(directions) == 1:
            # How our own payments add up is not our business: batches of nothing else are not taken apart.
            return [(self._part(self._place, Share(None, self._amount), kind, transactions), reason)]
        shared, batch_charge = shares(self._entry, transactions, self._amount, self._credit, self._place)
        if len(shared) == 1:
            kind, reason = self._kind(shared[0].transaction, self._credit)
            return [(self._part(self._place, shared[0], kind, transactions), reason)]
        return list(self._several(shared, batch_charge))

    def _several(self, shared: list[Share], batch_charge: Money | None) -> Iterator[tuple[BankEntry, str]]:
        for number, share in enumerate(shared, 1):
            place = f"{self._place}.{number}"
            kind, reason = self._kind(share.transaction, self._credit is not share.opposite)
            yield self._part(place, share, kind, []), reason or ("" if share.amount else ZERO)
        if batch_charge is not None:
            charge = Share(None, batch_charge)
            yield self._part(f"{self._place}.{len(shared) + 1}", charge, "charge", []), BATCH_CHARGE

    def _kind(self, transaction: Node | None, credit: bool) -> tuple[EntryKind, str]:
        codes, returned = self._codes, False
        if transaction is not None:
            own = _codes(transaction)
            codes = Codes(*(mine or theirs for mine, theirs in zip(own, codes, strict=True)))
            returned = transaction.one("RtrInf") is not None
        return kind_of(credit, self._reversed, returned, codes)

    def _part(self, place: str, share: Share, kind: EntryKind, all_of_them: list[Node]) -> BankEntry:
        """One part; where the transactions cannot be told apart, it has the texts of all of them."""
        one = share.transaction
        told = [one] if one is not None else all_of_them
        first = told[0] if told else None
        name, iban = _payer(first, self._account, kind) if first else ("", "")
        references = list(dict.fromkeys(filter(None, (ref for node in told for ref in _structured(node)))))
        remittance = [line for node in told for line in _remittance(node)]
        remittance += references[1:]
        if not remittance and not references:
            remittance = [self._entry.text("AddtlNtryInf", 1000)]
        end_to_end = texts.reference(first.text("Refs/EndToEndId")) if first and len(told) == 1 else ""
        own = texts.reference(first.text("Refs/AcctSvcrRef")) if first and len(told) == 1 else ""
        return BankEntry(
            account=self._account,
            entry=place,
            kind=kind,
            amount=share.amount,
            charges=share.charges,
            original=share.original,
            booked_on=self._booked,
            value_on=self._value,
            servicer_reference=own or self._reference,
            end_to_end=end_to_end,
            creditor_reference=references[0] if references else "",
            remittance=texts.lines(remittance),
            payer=name,
            payer_iban=iban,
            returned_reference=_returned(first) if kind == "reversal" and first else "",
            return_reason=_return_reason(first) if first else "",
            group=self._group,
        )


def _codes(node: Node) -> Codes:
    code = node.one("BkTxCd")
    if code is None:
        return Codes()
    return Codes(code.text("Domn/Fmly/Cd"), code.text("Domn/Fmly/SubFmlyCd"), code.text("Prtry/Cd"))


def _payer(transaction: Node, own: str, kind: EntryKind) -> tuple[str, str]:
    """Name and account of the other side: of whom paid us, or of whom we paid."""
    parties = transaction.one("RltdPties")
    if parties is None:
        return "", ""
    debtor, creditor = _party(parties, "Dbtr"), _party(parties, "Cdtr")
    if kind == "payment" or kind == "reversal":
        # Some banks turn the parties of a return around: we are never our own debtor.
        return creditor if debtor[1] and debtor[1] == own and creditor[1] != own else debtor
    return creditor if any(creditor) else debtor


def _party(parties: Node, role: str) -> tuple[str, str]:
    institution = f"{role}/Agt/FinInstnId/Nm"
    ultimate = f"Ultmt{role}"
    name = parties.first(f"{role}/Nm", f"{role}/Pty/Nm", institution, f"{ultimate}/Nm", f"{ultimate}/Pty/Nm", limit=300)
    account = f"{role}Acct/Id"
    number = parties.first(f"{account}/IBAN", f"{account}/Othr/Id", f"{account}/BBAN", f"{account}/PrtryAcct/Id")
    return name, texts.account(number)


def _structured(transaction: Node) -> Iterator[str]:
    for structured in transaction.all("RmtInf/Strd"):
        yield texts.reference(structured.first("CdtrRefInf/Ref", "CdtrRefInf/CdtrRef"))


def _remittance(transaction: Node) -> Iterator[str]:
    """Free text, and what structured remittance names besides the creditor's reference: invoice numbers, remarks."""
    said = False
    for free in transaction.all("RmtInf/Ustrd"):
        said = True
        yield free.inner(1000)
    for structured in transaction.all("RmtInf/Strd"):
        said = True
        for document in structured.all("RfrdDocInf"):
            yield document.first("Nb", "RfrdDocNb")
        for remark in structured.all("AddtlRmtInf"):
            yield remark.inner(1000)
    if not said:
        yield transaction.text("AddtlTxInf", 1000)


def _returned(transaction: Node) -> str:
    """Which payment came back: the reference under which it was sent."""
    references = ("EndToEndId", "InstrId", "TxId", "MndtId")
    return next(filter(None, (texts.reference(transaction.text(f"Refs/{name}")) for name in references)), "")


def _return_reason(transaction: Node) -> str:
    returned = transaction.one("RtrInf")
    if returned is None:
        return ""
    told = (returned.first("Rsn/Cd", "Rsn/Prtry", "RtrRsn/Cd", "RtrRsn/Prtry"), *_inner(returned, "AddtlInf"))
    return texts.clean(": ".join(filter(None, told)))


def _inner(node: Node, path: str) -> Iterator[str]:
    return (found.inner() for found in node.all(path))
