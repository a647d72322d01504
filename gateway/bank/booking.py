"""Books what the bank says: every entry once, matched to open invoices, and its cases told.

Ledger first: an entry and the messages that carry its money are stored in one transaction before any case is told. With
the server away everything is stored all the same; the reconciler, or the same command again, delivers what waits.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from activities.bank_book import Applied, BankBook, Booking, Share, past_payment, reference
from activities.ledger import LedgerConflict
from gateway.bank.csv_statement import NAMELESS
from gateway.bank.identity import Seen
from gateway.bank.statement import BankFile, Statement
from gateway.errors import GatewayError, InputRefused, Unreachable
from gateway.intake.discounts import cash_discounts
from gateway.service import Service
from models import events as e
from models import ids
from models.bank import BankEntry
from models.events import Message
from models.matches import Match, Matching
from models.matching import apply, match
from models.money import Money
from models.parties import Creditor
from models.register import Register
from models.reversals import PastPayments, reversal_of

BATCH = 200
"""Entries to a transaction: what is matched in it is booked whole or not at all."""

TELL_AT_ONCE = 32
COMES_BACK = timedelta(days=410)
"""How long ago a payment may have come that the bank takes back."""

_PREFIXES = {"bank_charges": "borne bank charges", "cash_discount": "cash discount taken"}


class Booked(NamedTuple):
    """An entry of a file and what became of it; `new` is False for one that was booked before."""

    entry: BankEntry
    new: bool
    status: str
    reason: str
    matches: tuple[Share, ...] = ()
    unapplied: Money | None = None


class Delivery(NamedTuple):
    """How many messages the cases took, and what waits with the reason."""

    told: int
    waiting: tuple[str, ...]


class UnknownAccount(InputRefused):
    """No creditor has this account."""


class Bookkeeper:
    """Books statements for the creditors whose accounts they are."""

    def __init__(self, service: Service, creditors: Sequence[Creditor], chosen: str | None = None) -> None:
        """Over a service, which may be without a server; `chosen` is the creditor where accounts do not say."""
        self._service = service
        self._book = BankBook(service.ledger.engine)
        self._creditors, self._chosen = creditors, chosen
        self._registers: dict[str, Register] = {}
        self._past: dict[str, tuple[date, PastPayments]] = {}
        """From which day on the payments of a creditor were read, and these."""

    def creditor_of(self, statement: Statement) -> str:
        """Whose account a statement is of.

        Raises:
            UnknownAccount: no creditor's file names it, or several do.
        """
        account = _plain(statement.account)
        mine = [c.code for c in self._creditors if account in {_plain(a) for a in (c.bank_account.iban, *c.ibans) if a}]
        if self._chosen is not None:
            if mine and self._chosen not in mine:
                raise UnknownAccount(f"the account {statement.account} is that of {', '.join(mine)}")
            return self._chosen
        if len(mine) == 1:
            return mine[0]
        why = f"belongs to several creditors ({', '.join(mine)})" if mine else "is no creditor's"
        raise UnknownAccount(
            f"the account {statement.account or '(none named)'} {why}: name it in the creditor's file "
            "(bank_account.iban or ibans), or say --creditor CODE"
        )

    def book(self, file: BankFile) -> Iterable[Booked]:
        """Match and book the entries of a file, oldest first and batch by batch; what was booked before is left alone.

        Raises:
            UnknownAccount: before anything of the file is booked.
            InputRefused: the ledger contradicts a message.
        """
        owners = [(statement, self.creditor_of(statement)) for statement in file.statements]
        within = Seen()
        for statement, creditor in sorted(owners, key=lambda owner: _begins(owner[0])):
            within.begin()
            entries = _oldest_first(statement.entries)
            own = [_of_creditor(entry, creditor) for entry in entries] if _nameless(statement) else entries
            said = (statement.account, statement.format, statement.number, statement.page)
            digest = ids.digest("\n".join((*said, *(entry.key for entry in statement.entries))))[:32]
            for start in range(0, len(own), BATCH):
                batch = own[start : start + BATCH]
                known = self._book.known([(entry, digest) for entry in batch])
                if own is not entries:
                    # Booked before the creditor was part of the name.
                    former = {entry.key: one.key for entry, one in zip(entries[start:], batch, strict=False)}
                    known |= {former[key] for key in self._book.booked_for(creditor, former)}
                yield from self._batch(batch, known, within, creditor, file.name, digest)

    def _batch(
        self, batch: Sequence[BankEntry], known: set[str], within: Seen, creditor: str, file: str, statement: str
    ) -> Iterable[Booked]:  # fmt: skip
        bookings: dict[str, Booking] = {}
        for entry in batch:
            if within.is_new(entry) and entry.key not in known:
                bookings[entry.key] = self._decided(entry, creditor, file, statement, bookings)
        try:
            new = {booking.entry.key for booking in self._book.book(bookings.values())}
        except LedgerConflict as conflict:
            raise InputRefused(f"{file}: {conflict}") from conflict
        for entry in batch:
            booking = bookings.get(entry.key)
            if booking is None or entry.key not in new:
                yield Booked(entry, False, "unchanged", "booked before")
                continue
            yield Booked(entry, True, booking.status, booking.reason, booking.shares, booking.unapplied)

    # --- what becomes of an entry -----------------------------------------------------------------------------

    def _decided(
        self, entry: BankEntry, creditor: str, file: str, statement: str, before: Mapping[str, Booking]
    ) -> Booking:  # fmt: skip
        if entry.kind == "reversal":
            return self._returned(entry, creditor, file, statement, before)
        register = self._register(creditor)
        matching = match(entry, register)
        shares: tuple[Share, ...] = ()
        unapplied = entry.amount
        if matching.status == "matched":
            apply(matching, register, entry)
            shares, unapplied = tuple(shares_of(entry, matching, f"{file} entry {entry.entry}")), matching.unapplied
        if creditor in self._past:
            self._past[creditor][1].add(past_payment(entry))
        return Booking(
            entry, creditor, file, statement, matching.status, matching.reason, matching.score, unapplied,
            matching.buyer or self._buyer_of(creditor, matching), candidates=matching.candidates, shares=shares,
            proposed=matching.matches if matching.status == "proposed" else (),
        )  # fmt: skip

    def _buyer_of(self, creditor: str, matching: Matching) -> str | None:
        first = next(iter(matching.matches), None) or next(iter(matching.candidates), None)
        if first is None:
            return None
        row = next(iter(self._service.ledger.find(first.number, creditor)), None)
        return str(row.buyer_id) if row is not None else None

    def _returned(
        self, entry: BankEntry, creditor: str, file: str, statement: str, before: Mapping[str, Booking]
    ) -> Booking:  # fmt: skip
        past = self._payments(creditor, entry, before)
        found = reversal_of(entry, past)
        if found.payment is None:
            return Booking(
                entry, creditor, file, statement, found.status, found.reason, found.score, entry.amount,
                past=found.candidates,
            )  # fmt: skip
        past.came_back(found.payment)
        # The payment may stand in the same file, in what is about to be booked.
        paid = before.get(found.payment)
        applied = [
            Applied(share.number, share.message.type, share.message.id, share.amount)
            for share in (paid.shares if paid is not None else ())
        ] or self._book.applied(found.payment)
        register = self._register(creditor)
        for one in applied:
            if register.find(creditor, one.number) is not None:
                register.reopen(creditor, one.number, one.amount)
        shares = tuple(taken_back(entry, applied, found.score, found.reason))
        return Booking(
            entry, creditor, file, statement, found.status,
            found.reason if shares else f"{found.reason}; it was applied to no invoice", found.score,
            Money.zero(entry.amount.currency), shares=shares, takes_back=found.payment,
        )  # fmt: skip

    def _register(self, creditor: str) -> Register:
        if creditor not in self._registers:
            self._registers[creditor] = Register(self._book.open_invoices(creditor, cash_discounts))
        return self._registers[creditor]

    def _payments(self, creditor: str, entry: BankEntry, before: Mapping[str, Booking]) -> PastPayments:
        since = entry.booked_on - COMES_BACK
        if creditor not in self._past or since < self._past[creditor][0]:
            pending = (past_payment(b.entry) for b in before.values() if b.entry.kind == "payment")
            past = PastPayments((*self._book.past_payments(creditor, since), *pending))
            for booking in before.values():
                past.came_back(booking.takes_back)
            self._past[creditor] = (since, past)
        return self._past[creditor][1]


def taken_back(entry: BankEntry, applied: Iterable[Applied], score: int, why: str, by: str = "") -> Iterable[Share]:
    """The messages that take from cases what was applied of a payment; what it let go falls with it."""
    payments = [one for one in applied if one.message == "payment_received"]
    for nth, one in enumerate(payments, 1):
        message = e.PaymentReversed(
            id=reference(entry.key, nth), payment=one.reference, source="bank", by=by,
            reason=entry.return_reason or "taken back by the bank",
        )  # fmt: skip
        yield Share(one.number, message, one.amount, score, why)


def shares_of(entry: BankEntry, matching: Matching, source: str, by: str = "") -> Iterable[Share]:
    """The messages that carry a matched entry to its cases: the money, and a shortfall that is let go."""
    nth = 0
    for one in matching.matches:
        nth += 1
        payment = reference(entry.key, nth)
        if one.shortfall is not None and one.shortfall_reason is not None:
            # First, as the payment may end the case: a policy's tolerance would let go what has a name of its own.
            nth += 1
            credit = e.CreditNoteIssued(
                id=reference(entry.key, nth), kind=one.shortfall_reason, amount=one.shortfall,
                issued_on=entry.received_on, payment=payment, by=by, source=source[:200],
                reason=f"{_PREFIXES[one.shortfall_reason]} with payment {payment}",
            )  # fmt: skip
            yield Share(one.number, credit, one.shortfall, one.score, _PREFIXES[one.shortfall_reason])
        yield _payment(entry, one, payment, source, by)


def _payment(entry: BankEntry, one: Match, name: str, source: str, by: str) -> Share:
    message = e.PaymentReceived(
        id=name, amount=one.amount, received_on=entry.received_on, payer=entry.payer, source=source[:200], by=by
    )
    return Share(one.number, message, one.amount, one.score, one.reason)


def _begins(statement: Statement) -> date:
    return min((entry.booked_on for entry in statement.entries), default=date.min)


def _nameless(statement: Statement) -> bool:
    """Whether it is of an account that neither the file nor the profile names: every creditor has one of that name."""
    return statement.format == "csv" and statement.account.startswith(NAMELESS)


def _of_creditor(entry: BankEntry, creditor: str) -> BankEntry:
    return entry.but(account=f"{entry.account[: 63 - len(creditor)]}-{creditor}")


def _oldest_first(entries: Sequence[BankEntry]) -> list[BankEntry]:
    """As things happened: many banks list the newest first, and what comes back must have come in before."""
    backwards = bool(entries) and entries[0].booked_on > entries[-1].booked_on
    return sorted(entries[::-1] if backwards else entries, key=lambda entry: entry.booked_on)


def _plain(text: str) -> str:
    return "".join(c for c in text.upper() if c.isalnum())


# --- telling the cases ----------------------------------------------------------------------------------------


async def deliver(
    service: Service, waiting: Sequence[tuple[str, str, Message]], progress: Callable[[int], None] = lambda done: None
) -> Delivery:  # fmt: skip
    """Tell the cases what is stored for them; what cannot be delivered waits in the ledger.

    Messages of one case go in their order.
    """
    by_case: dict[tuple[str, str], list[Message]] = {}
    for creditor, number, message in waiting:
        by_case.setdefault((creditor, number), []).append(message)
    slots = asyncio.Semaphore(TELL_AT_ONCE)
    told, failed = 0, []

    async def tell(creditor: str, number: str, messages: Sequence[Message]) -> None:
        nonlocal told
        async with slots:
            for message in messages:
                try:
                    await service.tell(creditor, number, message)
                    told += 1
                    progress(told)
                except Unreachable as error:
                    failed.append(f"{creditor}/{number}: {error}")
                    return
                except GatewayError as error:
                    failed.append(f"{creditor}/{number}: {error}")

    await asyncio.gather(*(tell(creditor, number, messages) for (creditor, number), messages in by_case.items()))
    return Delivery(told, tuple(failed))
