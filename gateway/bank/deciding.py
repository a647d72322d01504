"""What a person decides on a bank entry: which invoices it pays, that it pays none, or that a match was wrong."""

import json
from collections.abc import Mapping, Sequence, Set
from typing import Any

from activities.bank_book import DISMISSED, RETURNED, BankBook, Booking, Share, reference
from activities.ledger import LedgerConflict
from gateway.bank.booking import Delivery, deliver, taken_back
from gateway.errors import InputRefused
from gateway.service import Service
from models import events as e
from models.bank import BankEntry
from models.events import Message
from models.matches import Match
from models.money import Money


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
    left = _waiting(row)
    entry = BankEntry.model_validate_json(row.content)
    if entry.kind != "payment":
        raise InputRefused(
            f"entry {row.key[:8]} takes a payment back: say which (`arrears match {row.key[:8]} --returns ENTRY`)"
        )
    found: list[Share] = []
    buyer = row.buyer_id
    nth = int(book.next_reference(row.key).rpartition("-")[2])
    for name, wanted in shares.items():
        creditor, number = service.resolve(name)
        case = next(iter(service.ledger.find(number, creditor)))
        if creditor != row.creditor:
            raise InputRefused(f"{creditor}/{number} is not an invoice of {row.creditor}, whose account it is")
        if any(share.number == number for share in found):
            raise InputRefused(f"{creditor}/{number} is named twice: name it once, with the whole amount")
        share = _share(case, wanted, left)
        left, buyer = left - share, case.buyer_id
        message = e.PaymentReceived(
            id=reference(row.key, nth + len(found)), amount=share, received_on=entry.received_on, payer=entry.payer,
            by=by, source=f"{row.file} entry {row.entry}"[:200],
        )  # fmt: skip
        found.append(Share(number, message, share, 100, f"assigned by {by}"))
    booking = Booking(
        entry, row.creditor, row.file, row.statement, "matched", f"assigned by {by}", 100, left, buyer,
        shares=tuple(found), by=by,
    )  # fmt: skip
    return booking, await _decided(service, book, booking, row)


def _waiting(row: Any) -> Money:
    """How much of an entry waits for a decision.

    Raises:
        InputRefused: nothing of it.
    """
    left = Money.from_minor(row.unapplied_minor, row.currency)
    if row.status in ("matched", "dismissed") and not left:
        raise InputRefused(f"entry {row.key[:8]} is {row.status}: undo it first (`arrears unmatch`)")
    if row.status == RETURNED:
        raise InputRefused(f"entry {row.key[:8]} was taken back by the bank: there is no money left in it")
    return left


def _share(case: Any, wanted: Money | None, left: Money) -> Money:
    """What an invoice gets: what was said, else what it is owed; as far as there is money left.

    Raises:
        InputRefused: there is not so much, or nothing is owed.
    """
    name, owed = f"{case.creditor}/{case.number}", Money.from_minor(case.outstanding_minor, case.currency)
    foreign = case.currency != left.currency
    if wanted is None and not owed:
        raise InputRefused(f"{name}: nothing is owed of it; give an amount if it is to be kept there as unapplied")
    share = wanted if wanted is not None else left if foreign else min(owed, left)
    if share.amount <= 0 or left < share:
        raise InputRefused(f"{name}: {share} cannot be taken from the {left} that are left of the entry")
    return share


async def _decided(service: Service, book: BankBook, booking: Booking, seen: Any) -> Delivery:
    """Book a decision, and tell the cases."""
    try:
        book.decide(booking, seen)
    except LedgerConflict as conflict:
        raise InputRefused(str(conflict)) from conflict
    return await _tell(service, booking.creditor, {share.number for share in booking.shares})


async def _tell(service: Service, creditor: str, numbers: Set[str]) -> Delivery:
    """Tell these cases all that waits for them, in its order: what is undone may not have reached them yet."""
    waiting = service.ledger.undelivered()
    return await deliver(service, [told for told in waiting if told[0] == creditor and told[1] in numbers])


async def take_back(service: Service, key: str, payment: str | None, by: str) -> tuple[Booking, Delivery]:
    """Say which payment an entry takes back; without one, the likeliest that was found.

    Raises:
        InputRefused: the entry takes nothing back, or the payment cannot be the one.
    """
    row, book = find(service, key), BankBook(service.ledger.engine)
    _waiting(row)
    entry = BankEntry.model_validate_json(row.content)
    if entry.kind != "reversal":
        raise InputRefused(f"entry {row.key[:8]} is money that came in: say which invoices it pays")
    payment = payment or next(iter(json.loads(row.candidates).get("past") or ()), None)
    if payment is None:
        raise InputRefused(f"no payment was found that entry {row.key[:8]} may take back: name it with --returns")
    paid = find(service, payment)
    if paid.kind != "payment" or paid.creditor != row.creditor or paid.status == RETURNED:
        why = "came back before" if paid.status == RETURNED else f"is no payment to {row.creditor}"
        raise InputRefused(f"entry {paid.key[:8]} {why}: it cannot be what {row.key[:8]} takes back")
    if (paid.amount_minor, paid.currency) != (row.amount_minor, row.currency):
        there, back = Money.from_minor(paid.amount_minor, paid.currency), entry.amount
        if paid.currency != row.currency or not entry.charges or there != back - entry.charges:
            raise InputRefused(
                f"entry {paid.key[:8]} was {there}, not {back}: use `arrears unmatch` for that, and set this one aside"
            )
    why = f"said by {by}"
    shares = tuple(taken_back(entry, book.applied(paid.key), 100, why, by))
    booking = Booking(
        entry, row.creditor, row.file, row.statement, "matched", why, 100, Money.zero(row.currency), paid.buyer_id,
        shares=shares, takes_back=paid.key, by=by,
    )  # fmt: skip
    return booking, await _decided(service, book, booking, row)


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
    """Take back what was decided on an entry: its cases are told that the payment is reversed, and it waits again.

    Raises:
        InputRefused: nothing was decided on the entry, or it took a payment back.
    """
    row, book = find(service, key), BankBook(service.ledger.engine)
    applied = book.applied(row.key)
    if row.kind != "payment" and row.status != DISMISSED:
        raise InputRefused(
            f"entry {row.key[:8]} takes a payment back, which cannot be undone here: tell the case of the money "
            "(`arrears pay`) if it has come after all"
        )
    if not applied:
        raise InputRefused(f"nothing of entry {row.key[:8]} is applied to an invoice or set aside")
    why = f"match undone by {by}" + (f": {reason}" if reason else "")
    messages: list[tuple[str, str, Message]] = []
    for one in applied:
        if one.message == "payment_received":
            back = e.PaymentReversed(
                id=f"undo-{one.reference}", payment=one.reference, reason=why[:2000], by=by, source="bank"
            )
            messages.append((row.creditor, one.number, back))
    try:
        book.undo(row, why, by, messages)
    except LedgerConflict as conflict:
        raise InputRefused(str(conflict)) from conflict
    numbers = [number for _, number, _ in messages]
    return numbers, await _tell(service, row.creditor, set(numbers))


def dismiss(service: Service, key: str, reason: str, by: str) -> None:
    """What waits of an entry pays no invoice of ours: it waits no longer.

    Raises:
        InputRefused: nothing of the entry waits.
    """
    row = find(service, key)
    left = _waiting(row)
    entry, nothing = BankEntry.model_validate_json(row.content), Money.zero(row.currency)
    status = "matched" if row.status == "matched" else DISMISSED
    booking = Booking(
        entry, row.creditor, row.file, row.statement, status, reason, row.score, nothing, row.buyer_id,
        set_aside=left, by=by,
    )  # fmt: skip
    try:
        BankBook(service.ledger.engine).decide(booking, row)
    except LedgerConflict as conflict:
        raise InputRefused(str(conflict)) from conflict


def waiting_json(row: Any) -> dict[str, Any]:
    """An entry of the worklist with its candidates."""
    entry, listed = BankEntry.model_validate_json(row.content), json.loads(row.candidates)
    return {
        "entry": row.key, "creditor": row.creditor, "kind": row.kind, "amount": str(entry.amount.amount),
        "left": str(Money.from_minor(row.unapplied_minor, row.currency).amount),
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
        "takes_back": listed.get("past", []),
    }  # fmt: skip
