"""How the amount of an entry is shared among its transactions, and what of it the bank kept as charges.

The amount on the account is certain; what the details say is believed where it adds up to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from gateway.bank.camt_node import Node
from gateway.bank.statement import Refused, Reject
from models.money import Money

# Where a transaction says its amount; in which of them in the account's currency, banks differ.
_AMOUNTS = ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/CntrValAmt/Amt", "AmtDtls/InstdAmt/Amt", "AmtDtls/AnncdPstngAmt/Amt")
_INSTRUCTED = ("AmtDtls/InstdAmt/Amt", "AmtDtls/TxAmt/Amt", "Amt")


@dataclass(frozen=True, slots=True)
class Share:
    """The part of an entry that is one transaction's; `opposite` where it goes the other way than the entry."""

    transaction: Node | None
    amount: Money
    charges: Money | None = None
    original: Money | None = None
    opposite: bool = False


def shares(
    entry: Node, transactions: list[Node], amount: Money, credit: bool, place: str
) -> tuple[list[Share], Money | None]:
    """The shares of an entry, and the charges that were taken from all of them together.

    Transactions without amounts cannot be told apart: the entry is one share then, without a transaction.

    Raises:
        Refused: if the transactions have amounts that do not add up to the entry.
    """
    if len(transactions) <= 1:
        return [_single(entry, transactions[0] if transactions else None, amount, credit)], None
    told = [transaction.text("CdtDbtInd") for transaction in transactions]
    own = "CRDT" if credit else "DBIT"
    opposite = [sign not in ("", own) for sign in told]
    columns = [c for c in (_column(transactions, path, amount.currency) for path in _AMOUNTS) if c]
    if not columns:
        return [Share(None, amount)], None
    kept = [_charges([transaction], amount.currency)[0] for transaction in transactions]
    at_entry = _charges([entry], amount.currency)[0]
    for column in columns:
        for signs in (opposite, [False] * len(opposite)):
            found = _fitting(column, signs, kept, at_entry, amount, credit, transactions)
            if found is not None:
                return found
    total = sum(columns[0], Decimal(0))
    reason = (
        f"its {len(transactions)} transactions make {total} {amount.currency}, the entry says "
        f"{amount.amount} {amount.currency}: difference {amount.amount - total} {amount.currency}"
    )
    raise Refused(Reject("TxDtls", str(total), reason, entry.line, place))


def _column(transactions: list[Node], path: str, currency: str) -> list[Decimal] | None:
    """The amounts all transactions have at a path, if all have one in the currency."""
    found = []
    for transaction in transactions:
        amount = transaction.amount(path)
        if amount is None or amount.currency != currency:
            return None
        found.append(amount.amount)
    return found


def _fitting(
    column: list[Decimal],
    opposite: list[bool],
    kept: list[Decimal],
    at_entry: Decimal,
    amount: Money,
    credit: bool,
    transactions: list[Node],
) -> tuple[list[Share], Money | None] | None:
    """The shares under one reading of the details, if they add up to the entry under it."""
    currency = amount.currency
    signed = [-value if other else value for value, other in zip(column, opposite, strict=True)]
    total = sum(signed, Decimal(0))
    toll = sum(kept, Decimal(0))
    less = -1 if credit else 1
    gross: list[Decimal] | None = None
    batch: Money | None = None
    if total == amount.amount:
        included = [_charges([transaction], currency)[1] for transaction in transactions]
        gross = [value - less * inner for value, inner in zip(column, included, strict=True)]
        kept = included
    elif toll and total + less * toll == amount.amount:
        gross = column
    elif at_entry and total + less * at_entry == amount.amount:
        gross, kept, batch = column, [Decimal(0)] * len(column), Money.of(at_entry, currency)
    if gross is None or min(gross) < 0:
        return None
    rows = zip(transactions, gross, kept, opposite, strict=True)
    found = [
        Share(one, Money.of(value, currency), _money(toll, currency), original_of(one, currency), other)
        for one, value, toll, other in rows
    ]
    return found, batch


def _single(entry: Node, transaction: Node | None, amount: Money, credit: bool) -> Share:
    """An entry that is one transaction: the amount booked, and what was paid before charges."""
    currency = amount.currency
    nodes = [transaction] if transaction is not None else []
    original = original_of(transaction, currency) if transaction is not None else None
    # Banks repeat charges on both levels: those of the transaction count, else those of the entry.
    total, included = _charges(nodes, currency)
    if not total:
        total, included = _charges([entry], currency)
    told = set(_instructed(nodes, currency))
    less = -1 if credit else 1
    before = amount.amount - less * total
    if total and before > 0 and before in told:
        return Share(transaction, Money.of(before, currency), Money.of(total, currency), original)
    before = amount.amount - less * included
    if included and before > 0 and amount.amount not in set(_instructed(nodes, currency, ("AmtDtls/InstdAmt/Amt",))):
        return Share(transaction, Money.of(before, currency), Money.of(included, currency), original)
    return Share(transaction, amount, None, original)


def _instructed(nodes: list[Node], currency: str, paths: tuple[str, ...] = _INSTRUCTED) -> Iterator[Decimal]:
    for node in nodes:
        for path in paths:
            amount = node.amount(path)
            if amount is not None and amount.currency == currency:
                yield amount.amount


def original_of(transaction: Node, currency: str) -> Money | None:
    """What a transaction was instructed as, where that was in another currency than the account's."""
    for path in _INSTRUCTED:
        amount = transaction.amount(path)
        if amount is not None and amount.currency != currency and amount:
            return amount
    return None


def _charges(nodes: list[Node], currency: str) -> tuple[Decimal, Decimal]:
    """The charges in the account's currency: all of them, and those the bank says are in the amount booked.

    A charge that was credited (paid back) is not counted; without a sign it is what the bank took.
    """
    total = included = Decimal(0)
    for node in nodes:
        for charges in node.all("Chrgs"):
            records = [*charges.all("Rcrd")] or [charges]
            for record in records:
                amount = record.amount("Amt") or record.amount("TtlChrgsAndTaxAmt")
                if amount is None or amount.currency != currency or record.text("CdtDbtInd") == "CRDT":
                    continue
                total += amount.amount
                if record.text("ChrgInclInd") in ("true", "1"):
                    included += amount.amount
    return total, included


def _money(amount: Decimal, currency: str) -> Money | None:
    return Money.of(amount, currency) if amount else None
