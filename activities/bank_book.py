"""The bank's entries in the ledger: each booked once, with the messages that carry its money, in one transaction.

What an entry pays is decided in models/matching.py; the cases are told by the service. Nothing here is told twice, and
nothing is lost: a message that no case acknowledged stays `stored`, and the reconciler delivers it.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlalchemy.engine import Connection, Engine

from activities import entries
from activities.database import reading, writing
from activities.entries import LedgerConflict
from activities.tables import BANK_ENTRIES, BANK_MATCHES, CASES, MESSAGES
from models.bank import BankEntry
from models.events import Message, PaymentReversed
from models.matches import Candidate, Match
from models.money import Money
from models.open_invoices import CashDiscount, OpenInvoice
from models.reversals import PastPayment


class Share(NamedTuple):
    """A part of an entry, for one invoice, and the message that carries it."""

    number: str
    message: Message
    amount: Money
    score: int
    reason: str


class Applied(NamedTuple):
    """What was applied of an entry: to which invoice, and by which message."""

    number: str
    message: str
    reference: str
    amount: Money


class Booking(NamedTuple):
    """An entry with what becomes of it."""

    entry: BankEntry
    creditor: str
    file: str
    statement: str
    status: str
    reason: str
    score: int = 0
    unapplied: Money | None = None
    buyer: str | None = None
    candidates: tuple[Candidate, ...] = ()
    proposed: tuple[Match, ...] = ()
    """What a person is asked to agree to."""
    shares: tuple[Share, ...] = ()
    set_aside: Money | None = None
    """What of it pays no invoice of ours, as a person says."""
    takes_back: str = ""
    """The key of the payment that comes back with it."""
    past: tuple[str, ...] = ()
    """The keys of the payments that may come back with it, where a person has to say which."""
    by: str = ""


RETURNED = "returned"
"""The status of a payment that the bank took back."""
DISMISSED = "dismissed"
"""The kind of match of money that was set aside."""
_WAITING = ("proposed", "unmatched")
WAITS = BANK_ENTRIES.c.status.in_(_WAITING) | (
    (BANK_ENTRIES.c.status == "matched") & (BANK_ENTRIES.c.unapplied_minor > 0)
)
"""What a person has to decide on: whole entries, and what is left over of those that paid too much."""
_LIVE = BANK_MATCHES.c.undone.is_(False)
_KNOWN = sa.select(BANK_ENTRIES.c.key).where(BANK_ENTRIES.c.key.in_(bindparam("keys", expanding=True)))
_GROUPS = sa.select(BANK_ENTRIES.c.entry_group, BANK_ENTRIES.c.statement).where(
    BANK_ENTRIES.c.entry_group.in_(bindparam("groups", expanding=True))
)
_PAID = ("payment_received",)
_LESS = ("payment_received", "credit_note_issued")
"""What makes an invoice less before its case has heard of it."""
_UNDONE = sa.update(BANK_MATCHES).where(BANK_MATCHES.c.key == bindparam("this"), _LIVE)
_APPLIED = sa.select(BANK_MATCHES.c.reference).where(
    BANK_MATCHES.c.key == bindparam("this"), BANK_MATCHES.c.message == "payment_received", _LIVE
)
_NTH = sa.select(sa.func.count()).where(BANK_MATCHES.c.key == bindparam("this"))


class BankBook:
    """The bank entries of a ledger. Thread-safe: every method takes its own connection."""

    def __init__(self, engine: Engine) -> None:
        """Over an engine of `database.open_engine`."""
        self.engine = engine

    # --- what is there ----------------------------------------------------------------------------------------

    def known(self, found: Sequence[tuple[BankEntry, str]]) -> set[str]:
        """The keys of those entries (each with the digest of its statement) that are booked already.

        An entry that another statement held as a whole, or split otherwise, is the same money.
        """
        with reading(self.engine) as connection:
            keys = set(connection.execute(_KNOWN, {"keys": [entry.key for entry, _ in found]}).scalars())
            groups = {entry.group for entry, _ in found if entry.group}
            booked: dict[str, set[str]] = {}
            for row in connection.execute(_GROUPS, {"groups": sorted(groups)}) if groups else ():
                booked.setdefault(row.entry_group, set()).add(row.statement)
        for entry, statement in found:
            if entry.group and booked.get(entry.group, set()) - {statement}:
                keys.add(entry.key)
        return keys

    def booked_for(self, creditor: str, keys: Iterable[str]) -> set[str]:
        """Those of the keys that are booked for this creditor."""
        rows = _KNOWN.where(BANK_ENTRIES.c.creditor == creditor)
        with reading(self.engine) as connection:
            return set(connection.execute(rows, {"keys": list(keys)}).scalars())

    def open_invoices(
        self, creditor: str, discounts: Callable[[str, date | None], tuple[CashDiscount, ...]]
    ) -> Iterator[OpenInvoice]:  # fmt: skip
        """The invoices of a creditor as they stand, with what their cases were not told yet taken off.

        Args:
            creditor: Its code.
            discounts: The cash discounts that terms of payment grant, by their words and the date of issue.
        """
        with reading(self.engine) as connection:
            waiting = dict(self._grouped(connection, creditor, _LESS, sa.func.sum(MESSAGES.c.amount_minor), "stored"))
            paid_on = dict(self._grouped(connection, creditor, _PAID, sa.func.max(MESSAGES.c.received_on)))
            ibans = self._ibans(connection, creditor)
            columns = (
                CASES.c.number, CASES.c.buyer_id, CASES.c.currency, CASES.c.amount_minor, CASES.c.outstanding_minor,
                CASES.c.due, CASES.c.issued, CASES.c.content,
            )  # fmt: skip
            rows = connection.execution_options(yield_per=2000).execute(
                sa.select(*columns).where(CASES.c.creditor == creditor)
            )
            for row in rows:
                content = json.loads(row.content)
                left = max(row.outstanding_minor - int(waiting.get(row.number) or 0), 0)
                settled_on = paid_on.get(row.number) if not left else None
                reference = content.get("payment_reference")
                yield OpenInvoice.assembled(
                    creditor=creditor, number=row.number, buyer=row.buyer_id,
                    buyer_name=content["buyer"].get("name", ""),
                    amount=Money.from_minor(row.amount_minor, row.currency),
                    outstanding=Money.from_minor(left, row.currency), due=row.due, issued=row.issued,
                    ibans=ibans.get(row.buyer_id, ()), references=(reference,) if reference else (),
                    discounts=discounts(content["terms"], _day(row.issued)) if content.get("terms") else (),
                    settled_on=_day(settled_on),
                )  # fmt: skip

    @staticmethod
    def _grouped(
        connection: Connection, creditor: str, types: Sequence[str], figure: Any, status: str | None = None
    ) -> Iterator[tuple[str, Any]]:  # fmt: skip
        query = sa.select(MESSAGES.c.number, figure).where(
            MESSAGES.c.creditor == creditor, MESSAGES.c.type.in_(types), MESSAGES.c.status != "refused"
        )
        if status is not None:
            query = query.where(MESSAGES.c.status == status)
        for row in connection.execute(query.group_by(MESSAGES.c.number)):
            yield row[0], row[1]

    @staticmethod
    def _ibans(connection: Connection, creditor: str) -> dict[str, tuple[str, ...]]:
        """The accounts from which buyers paid before, as matched with certainty or by a person."""
        columns = (BANK_ENTRIES.c.buyer_id, BANK_ENTRIES.c.payer_iban)
        query = sa.select(*columns).distinct().where(
            BANK_ENTRIES.c.creditor == creditor, BANK_ENTRIES.c.status == "matched", BANK_ENTRIES.c.payer_iban != "",
            BANK_ENTRIES.c.buyer_id.is_not(None),
        )  # fmt: skip
        found: dict[str, tuple[str, ...]] = {}
        for row in connection.execute(query):
            found[row.buyer_id] = (*found.get(row.buyer_id, ()), row.payer_iban)
        return found

    def past_payments(self, creditor: str, since: date) -> Iterator[PastPayment]:
        """The payments that could come back, and those that did."""
        columns = (BANK_ENTRIES.c.content, BANK_ENTRIES.c.status)
        query = sa.select(*columns).where(
            BANK_ENTRIES.c.creditor == creditor, BANK_ENTRIES.c.kind == "payment", BANK_ENTRIES.c.received_on >= since
        )
        with reading(self.engine) as connection:
            for content, status in connection.execution_options(yield_per=2000).execute(query):
                yield past_payment(BankEntry.model_validate_json(content), status == RETURNED)

    def applied(self, key: str) -> list[Applied]:
        """What was applied of an entry, or set aside, and not undone."""
        columns = BANK_MATCHES.c
        query = sa.select(BANK_MATCHES).where(columns.key == key, _LIVE).order_by(columns.id)
        with reading(self.engine) as connection:
            return [
                Applied(row.number, row.message, row.reference, Money.from_minor(row.amount_minor, row.currency))
                for row in connection.execute(query)
            ]

    def worklist(self, creditor: str | None = None, buyer: str | None = None) -> list[sa.Row[Any]]:
        """The entries that wait for a person, the oldest first."""
        query = sa.select(BANK_ENTRIES).where(WAITS)
        if creditor is not None:
            query = query.where(BANK_ENTRIES.c.creditor == creditor)
        if buyer is not None:
            query = query.where(BANK_ENTRIES.c.buyer_id == buyer)
        with reading(self.engine) as connection:
            return list(connection.execute(query.order_by(BANK_ENTRIES.c.received_on, BANK_ENTRIES.c.key)))

    def find(self, key: str) -> list[sa.Row[Any]]:
        """The entries whose key begins so."""
        query = sa.select(BANK_ENTRIES).where(BANK_ENTRIES.c.key.startswith(key, autoescape=True)).limit(5)
        with reading(self.engine) as connection:
            return list(connection.execute(query))

    def unmatched_since(self, creditor: str, buyer: str, since: datetime) -> sa.Row[Any] | None:
        """The latest money of a buyer that is not matched yet: its steps wait for a day."""
        query = (
            sa.select(BANK_ENTRIES)
            .where(
                BANK_ENTRIES.c.creditor == creditor, BANK_ENTRIES.c.buyer_id == buyer,
                BANK_ENTRIES.c.kind == "payment", WAITS, BANK_ENTRIES.c.stored_at > since,
            )
            .order_by(BANK_ENTRIES.c.stored_at.desc())
            .limit(1)
        )  # fmt: skip
        with reading(self.engine) as connection:
            return connection.execute(query).first()

    # --- booking ----------------------------------------------------------------------------------------------

    def book(self, bookings: Iterable[Booking]) -> list[Booking]:
        """Store entries with the messages that carry their money, all in one transaction; each entry once.

        Returns:
            Those that were new.

        Raises:
            LedgerConflict: if a message contradicts one that is there.
        """
        new = []
        with writing(self.engine) as connection:
            for booking in bookings:
                if connection.execute(_KNOWN, {"keys": [booking.entry.key]}).first() is not None:
                    continue
                connection.execute(sa.insert(BANK_ENTRIES), _row(booking))
                self._carry(connection, booking)
                new.append(booking)
        return new

    def decide(self, booking: Booking, seen: Any) -> None:
        """A person decided on an entry, having seen it as the row `seen`: its shares, or that it is none of ours.

        Raises:
            LedgerConflict: if it has changed since, as somebody else decided on it, or a message contradicts another.
        """
        kept = ("key", "stored_at", "content", "candidates")
        values = {name: value for name, value in _row(booking).items() if name not in kept}
        with writing(self.engine) as connection:
            self._changed(connection, seen, values)
            self._carry(connection, booking)

    def undo(self, seen: Any, reason: str, by: str, messages: Sequence[tuple[str, str, Message]]) -> None:
        """What was decided on an entry is undone, and it waits again; the messages that tell its cases are stored.

        Raises:
            LedgerConflict: if it has changed since it was seen.
        """
        values = {
            "status": "unmatched", "unapplied_minor": seen.amount_minor, "reason": reason[:2000], "by": by, "score": 0,
        }  # fmt: skip
        with writing(self.engine) as connection:
            self._changed(connection, seen, values)
            connection.execute(_UNDONE, {"this": seen.key, "undone": True, "undone_by": by, "undone_at": _now()})
            for creditor, number, message in messages:
                entries.add_message(connection, creditor, number, message)

    @staticmethod
    def _changed(connection: Connection, seen: Any, values: dict[str, Any]) -> None:
        columns = BANK_ENTRIES.c
        still = (columns.key == seen.key, columns.status == seen.status, columns.reason == seen.reason)
        changed = connection.execute(
            sa.update(BANK_ENTRIES).where(*still, columns.unapplied_minor == seen.unapplied_minor).values(**values)
        )
        if not changed.rowcount:
            raise LedgerConflict(f"entry {seen.key[:8]} has just been decided on by somebody else: look at it again")

    def next_reference(self, key: str) -> str:
        """The reference of the next message that carries money of an entry."""
        with reading(self.engine) as connection:
            return reference(key, int(connection.execute(_NTH, {"this": key}).scalar_one()) + 1)

    @staticmethod
    def _carry(connection: Connection, booking: Booking) -> None:
        def carried(number: str, message: str, name: str, amount: Money, score: int, reason: str) -> None:
            row = {
                "key": booking.entry.key, "creditor": booking.creditor, "number": number, "message": message,
                "reference": name, "amount_minor": amount.minor, "currency": amount.currency, "score": score,
                "reason": reason, "by": booking.by, "undone": False, "stored_at": _now(),
            }  # fmt: skip
            connection.execute(sa.insert(BANK_MATCHES), row)

        for share in booking.shares:
            entries.add_message(connection, booking.creditor, share.number, share.message)
            carried(share.number, share.message.type, share.message.id, share.amount, share.score, share.reason)
        if booking.set_aside is not None:
            nth = int(connection.execute(_NTH, {"this": booking.entry.key}).scalar_one()) + 1
            carried("", DISMISSED, reference(booking.entry.key, nth), booking.set_aside, 100, booking.reason)
        if booking.takes_back:
            _take_back(connection, booking)


def _take_back(connection: Connection, booking: Booking) -> None:
    """What was applied of a payment is no more, and nothing of it waits to be applied: the bank has it again.

    Raises:
        LedgerConflict: if it came back before, or is applied otherwise than the messages of the booking say.
    """
    paid = booking.takes_back
    applied = set(connection.execute(_APPLIED, {"this": paid}).scalars())
    told = {share.message.payment for share in booking.shares if isinstance(share.message, PaymentReversed)}
    returned = connection.execute(
        sa.update(BANK_ENTRIES)
        .where(BANK_ENTRIES.c.key == paid, BANK_ENTRIES.c.status != RETURNED)
        .values(status=RETURNED, unapplied_minor=0, reason=f"taken back by the bank: {booking.reason}"[:2000])
    )
    if not returned.rowcount or applied != told:
        raise LedgerConflict(f"entry {paid[:8]} has just been decided on by somebody else: the same again looks anew")
    connection.execute(_UNDONE, {"this": paid, "undone": True, "undone_by": "", "undone_at": _now()})


def reference(key: str, nth: int) -> str:
    """The reference of the n-th message that carries money of an entry."""
    return f"bank-{key}-{nth}"


def _row(booking: Booking) -> dict[str, Any]:
    entry = booking.entry
    unapplied = entry.amount if booking.unapplied is None else booking.unapplied
    return {
        "key": entry.key, "creditor": booking.creditor, "account": entry.account, "file": booking.file[:300],
        "entry": entry.entry, "statement": booking.statement, "entry_group": entry.group, "kind": entry.kind,
        "amount_minor": entry.amount.minor, "currency": entry.amount.currency, "received_on": entry.received_on,
        "payer": entry.payer, "payer_iban": entry.payer_iban, "buyer_id": booking.buyer, "status": booking.status,
        "unapplied_minor": unapplied.minor, "score": booking.score, "reason": booking.reason[:2000], "by": booking.by,
        "content": entry.model_dump_json(exclude_defaults=True),
        "candidates": json.dumps({
            "proposed": [match.model_dump(mode="json") for match in booking.proposed],
            "candidates": [candidate.model_dump(mode="json") for candidate in booking.candidates],
            "past": list(booking.past),
        }),
        "stored_at": _now(),
    }  # fmt: skip


def past_payment(entry: BankEntry, returned: bool = False) -> PastPayment:
    """A payment as it may be named when it comes back."""
    return PastPayment(
        key=entry.key, amount=entry.amount, received_on=entry.received_on,
        servicer_reference=entry.servicer_reference, end_to_end=entry.end_to_end, payer=entry.payer,
        payer_iban=entry.payer_iban, reversed=returned,
    )  # fmt: skip


def _now() -> datetime:
    return datetime.now(UTC)


def _day(value: Any) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value
