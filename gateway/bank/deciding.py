"""What a person decides on a bank entry: which invoices it pays, that it pays none, or that a match was wrong."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from activities.bank_book import BankBook, Booking, Share
from activities.ledger import LedgerConflict
from gateway.bank.booking import Delivery, deliver
from gateway.errors import InputRefused
from gateway.service import Service
from models import events as e
from models.bank import BankEntry
from models.matches import Match
from models.money import Money

DISMISSED = "dismissed"


def find(service: Service, key: str) -> Any:
    """The entry whose key begins so.

    Raises:
        InputRefused: there is none, or several begin so.
    """
    found = BankBook(service.ledger.engine).find(key)
    if len(found) != 1:
        why = "no bank entry has a key that begins so" if not found else "several keys begin so: write more of it"
        raise InputRefused(f"entry {key!r}: {why} (`arrears match` lists those that wait)")
    return found[0]


async def assign(
    service: Service, key: str, shares: Mapping[str, Money | None], by: str
) -> tuple[Booking, Delivery]:  # fmt: skip
    """Apply an entry that waits to invoices; without an amount an invoice gets what it is owed, as far as it goes.

    Raises:
        InputRefused: the entry does not wait, an invoice is unknown, or the amounts do not fit.
    """
    row, book = find(service, key), BankBook(service.ledger.engine)
    if row.status not in ("proposed", "unmatched"):
        raise InputRefused(f"entry {row.key[:8]} is {row.status}: undo it first (`arrears unmatch`)")
    entry = BankEntry.model_validate_json(row.content)
    if entry.kind != "payment":
        raise InputRefused(
            f"entry {row.key[:8]} is a {entry.kind}: use `arrears reverse` for the payment it takes back"
        )
    left, found, buyer = entry.amount, [], row.buyer_id
    nth = int(book.next_reference(row.key).rpartition("-")[2])
    for name, wanted in shares.items():
        creditor, number = service.resolve(name)
        case = next(iter(service.ledger.find(number, creditor)))
        if creditor != row.creditor:
            raise InputRefused(f"{creditor}/{number} is not an invoice of {row.creditor}, whose account it is")
        owed = Money.from_minor(case.outstanding_minor, case.currency)
        if case.currency != entry.amount.currency and wanted is None:
            share = left
        else:
            share = wanted if wanted is not None else min(owed, left)
        if not share or left < share:
            raise InputRefused(
                f"{creditor}/{number}: {share} cannot be taken from the {left} that are left of the entry"
            )
        left, buyer = left - share, case.buyer_id
        reference = f"bank-{row.key}-{nth}"
        nth += 1
        message = e.PaymentReceived(
            id=reference, amount=share, received_on=entry.received_on, payer=entry.payer, by=by,
            source=f"{row.file} entry {row.entry}"[:200],
        )  # fmt: skip
        found.append(Share(number, message, share, 100, f"assigned by {by}"))
    booking = Booking(
        entry, row.creditor, row.file, row.statement, "matched", f"assigned by {by}", 100, left, buyer,
        shares=tuple(found), by=by,
    )  # fmt: skip
    try:
        book.decide(booking)
    except LedgerConflict as conflict:
        raise InputRefused(str(conflict)) from conflict
    told = await deliver(service, [(row.creditor, share.number, share.message) for share in found])
    return booking, told


def proposal(service: Service, key: str) -> dict[str, Money | None]:
    """What is proposed for an entry: invoice to amount.

    Raises:
        InputRefused: nothing is proposed.
    """
    row = find(service, key)
    found = [Match.model_validate(one) for one in json.loads(row.candidates)["proposed"]]
    if not found:
        raise InputRefused(f"nothing is proposed for entry {row.key[:8]}: name the invoices it pays")
    return {f"{one.creditor}/{one.number}": one.amount for one in found}


async def undo(service: Service, key: str, reason: str, by: str) -> tuple[Sequence[str], Delivery]:
    """Take back what was applied of an entry: its cases are told that the payment is reversed, and it waits again.

    Raises:
        InputRefused: nothing of the entry is applied.
    """
    row, book = find(service, key), BankBook(service.ledger.engine)
    shares = book.shares_of(row.key)
    payments = [share for share in shares if share.message == "payment_received"]
    if not payments:
        raise InputRefused(f"nothing of entry {row.key[:8]} is applied to an invoice")
    why = f"match undone by {by}" + (f": {reason}" if reason else "")
    messages = [
        (row.creditor, share.number, e.PaymentReversed(
            id=f"undo-{share.reference}", payment=share.reference, reason=why, by=by, source="bank",
        ))
        for share in payments
    ]  # fmt: skip
    # The reversals first: an entry that waits again while its money still counts could be applied twice.
    service.ledger.receive_all(messages)
    book.undo(row.key, why, by)
    return [share.number for share in payments], await deliver(service, messages)


def dismiss(service: Service, key: str, reason: str, by: str) -> None:
    """An entry pays no invoice of ours: it no longer waits.

    Raises:
        InputRefused: the entry does not wait.
    """
    row = find(service, key)
    if row.status not in ("proposed", "unmatched"):
        raise InputRefused(f"entry {row.key[:8]} is {row.status}: only what waits can be set aside")
    entry = BankEntry.model_validate_json(row.content)
    booking = Booking(entry, row.creditor, row.file, row.statement, DISMISSED, reason, unapplied=entry.amount, by=by)
    BankBook(service.ledger.engine).decide(booking)


def waiting_json(row: Any) -> dict[str, Any]:
    """An entry of the worklist with its candidates."""
    entry, listed = BankEntry.model_validate_json(row.content), json.loads(row.candidates)
    return {
        "entry": row.key, "creditor": row.creditor, "kind": row.kind, "amount": str(entry.amount.amount),
        "currency": row.currency, "date": row.received_on.isoformat(), "status": row.status, "reason": row.reason,
        "buyer": row.buyer_id, "payer": row.payer, "payer_iban": row.payer_iban,
        "remittance": list(entry.remittance), "file": row.file, "file_entry": row.entry,
        "proposed": [
            {"invoice": m["number"], "amount": m["amount"]["amount"], "score": m["score"], "reason": m["reason"]}
            for m in listed["proposed"]
        ],
        "candidates": [
            {
                "invoice": c["number"], "outstanding": c["outstanding"]["amount"], "score": c["score"],
                "reason": c["reason"],
            }
            for c in listed["candidates"]
        ],
    }  # fmt: skip
