"""The journal: what happened here as double entries, streamed from the ledger, case after case.

What an event means for the books is in models/journal.py. Besides the cases there is money that no case has: bank
entries nobody could match, and payments that came before their case or after its end.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from activities.bank_book import DISMISSED
from activities.database import reading
from activities.evidence.record import CaseRecord, steady
from activities.tables import BANK_ENTRIES, BANK_MATCHES, CASES, EVENTS, MESSAGES, POLICIES, TASKS
from gateway.errors import InputRefused
from models import events as e
from models import ids
from models.bank import BankEntry
from models.journal import Entry, EntryType, JournalLine, entries
from models.money import Money

_AT_ONCE = 200
_SILENT = (
    "case_opened", "step_skipped", "step_deferred", "step_refused", "step_proposed", "deadline_near", "deadline_missed",
    "partner_told", "message_rejected", "debtor_replied", "contact_lost", "hold_placed", "hold_released",
    "extension_granted", "extension_ended", "promise_made", "dispute_raised",
)  # fmt: skip
"""Events that move no money: a case that had no others in the time is not read."""


class Period:
    """From a day to a day, both included, in UTC."""

    def __init__(self, first: date, last: date) -> None:
        """Of two days in their order."""
        self.first, self.last = first, last
        self.begin = datetime.combine(first, time(0), UTC)
        self.end = datetime.combine(last + timedelta(days=1), time(0), UTC)

    def has(self, at: datetime | None) -> bool:
        """Whether an instant lies in it."""
        return at is not None and self.begin <= at < self.end


def journal(engine: Engine, period: Period, creditor: str | None = None) -> Iterator[JournalLine]:
    """The entries of a period: those of the cases in the order of their numbers, then those of money without a case.

    Raises:
        InputRefused: the chain of a case cannot be read.
    """
    with reading(steady(engine)) as connection:
        for record in _cases(connection, period, creditor):
            yield from _of_case(record, period)
        yield from _of_messages(connection, period, creditor)
        yield from _of_bank(connection, period, creditor)


# --- cases ----------------------------------------------------------------------------------------------------


def _cases(connection: Connection, period: Period, creditor: str | None) -> Iterator[CaseRecord]:
    moved = (
        sa.select(EVENTS.c.case_id)
        .where(EVENTS.c.at >= period.begin, EVENTS.c.at < period.end, EVENTS.c.type.not_in(_SILENT))
        .distinct()
    )
    query = sa.select(CASES.c.case_id).where(CASES.c.case_id.in_(moved)).order_by(CASES.c.case_id)
    if creditor is not None:
        query = query.where(CASES.c.creditor == creditor)
    names = list(connection.execute(query).scalars())
    policies: dict[str, Any] = {row.digest: row for row in connection.execute(sa.select(POLICIES))}
    for start in range(0, len(names), _AT_ONCE):
        batch = names[start : start + _AT_ONCE]
        heads = {row.case_id: row for row in connection.execute(sa.select(CASES).where(CASES.c.case_id.in_(batch)))}
        rows = connection.execute(
            sa.select(EVENTS).where(EVENTS.c.case_id.in_(batch)).order_by(EVENTS.c.case_id, EVENTS.c.sequence)
        )
        chains = {name: list(chain) for name, chain in groupby(rows, key=lambda row: row.case_id)}
        for name in batch:
            head = heads[name]
            yield CaseRecord(head, chains.get(name, []), (), (), (), policies.get(head.policy_digest))


def _of_case(record: CaseRecord, period: Period) -> Iterator[JournalLine]:
    head = record.head
    before = None
    try:
        for moment in record.lived():
            at = moment.event.at
            if before is not None and at is not None and period.has(at):
                for nth, entry in enumerate(entries(before, moment.event, moment.case), 1):
                    sequence = int(moment.row.sequence)
                    yield JournalLine(
                        f"{record.case_id}/{sequence}/{nth}", at.astimezone(UTC).date(), head.creditor,
                        head.number, head.buyer_id, entry, sequence,
                    )  # fmt: skip
            before = moment.case
    except ValueError as error:
        reason = str(error).splitlines()[0]
        raise InputRefused(
            f"{head.creditor}/{head.number}: its chain cannot be read ({reason}): see `arrears audit verify`"
        ) from error


# --- money without a case -------------------------------------------------------------------------------------

# The task as `ids.kept_task` names it.
_KEPT = sa.exists().where(
    TASKS.c.case_id == CASES.c.case_id, TASKS.c.task == MESSAGES.c.type + "-" + MESSAGES.c.reference
)


def _of_messages(connection: Connection, period: Period, creditor: str | None) -> Iterator[JournalLine]:
    """Payments that no case had when they came: before its beginning, after its end, or for no case at all."""
    query = (
        sa.select(MESSAGES, CASES.c.created_at, CASES.c.buyer_id)
        .outerjoin(CASES, (CASES.c.creditor == MESSAGES.c.creditor) & (CASES.c.number == MESSAGES.c.number))
        .where(
            MESSAGES.c.type == "payment_received", MESSAGES.c.stored_at < period.end,
            sa.or_(
                MESSAGES.c.status.in_(("unapplied", "refunded", "reversed")),
                # It waits for its case, or was taken at the start of one that began later than the money came.
                sa.and_(
                    MESSAGES.c.status.in_(("stored", "delivered")),
                    sa.or_(CASES.c.created_at.is_(None), CASES.c.created_at > MESSAGES.c.stored_at),
                ),
                # It was kept, and its task is there to tell, until the case took it after all.
                sa.and_(MESSAGES.c.status == "delivered", _KEPT),
            ),
        )
        .order_by(MESSAGES.c.id)
    )  # fmt: skip
    if creditor is not None:
        query = query.where(MESSAGES.c.creditor == creditor)
    for row in connection.execute(query).all():
        message = e.read_event(row.content)
        place = f"{ids.case_id(row.creditor, row.number)}/payment_received:{row.reference}"
        came = Entry(
            "unapplied_cash", "bank_clearing", "unapplied_cash", message.amount, row.reference,
            "money that no running case has",
        )  # fmt: skip
        # What was not known when the money came must not be in a line of that day later.
        buyer = row.buyer_id if row.created_at is not None and row.created_at <= row.stored_at else ""
        yield from _dated(period, row.stored_at, f"{place}/1", row, buyer, came)
        if row.status == "delivered":
            taken = _event_at(connection, row, message)
            back = came._replace(debit="unapplied_cash", credit="bank_clearing", text="taken over by its case")
            yield from _dated(period, taken, f"{place}/2", row, buyer, back)
        elif row.status in ("refunded", "reversed"):
            ways = [(left, way) for way in _LEFT if (left := _left(connection, row, way[1])) is not None]
            for nth, (left, (kind, _, text)) in enumerate(ways, 2):
                back = Entry(kind, "unapplied_cash", "bank_clearing", message.amount, row.reference, text)
                yield from _dated(period, left, f"{place}/{nth}", row, buyer, back)


_LEFT: tuple[tuple[EntryType, str, str], ...] = (
    ("refund", "refunded", "paid back"), ("unapplied_cash", "payment_reversed", "taken back"),
)  # fmt: skip
"""How money that no case had leaves again: the kind of entry, the message that told of it, the words.

What was paid back can be taken back afterwards: then the payer owes it.
"""


def _event_at(connection: Connection, row: Any, message: e.Message) -> datetime | None:
    """When the case took a payment."""
    query = sa.select(EVENTS.c.at, EVENTS.c.content).where(
        EVENTS.c.case_id == ids.case_id(row.creditor, row.number), EVENTS.c.type == message.type
    )
    found = (at for at, content in connection.execute(query) if e.read_event(content).id == message.id)
    return next(found, None)


def _left(connection: Connection, row: Any, by: str) -> datetime | None:
    """When a payment that no case had left, by a message of this type."""
    query = sa.select(MESSAGES.c.stored_at, MESSAGES.c.content).where(
        MESSAGES.c.creditor == row.creditor, MESSAGES.c.number == row.number, MESSAGES.c.type == by,
        MESSAGES.c.status == "delivered",
    )  # fmt: skip
    found = (at for at, content in connection.execute(query) if e.read_event(content).payment == row.reference)
    return next(found, None)


def _dated(
    period: Period, at: datetime | None, name: str, row: Any, buyer: str, entry: Entry
) -> Iterator[JournalLine]:  # fmt: skip
    if at is not None and period.has(at):
        number = getattr(row, "number", "")
        yield JournalLine(name, at.astimezone(UTC).date(), row.creditor, number, buyer, entry, None)


def _of_bank(connection: Connection, period: Period, creditor: str | None) -> Iterator[JournalLine]:
    """What the bank booked and no invoice has: in as it came, out as a person assigned it, in again as that is undone.

    Told from what does not change any more, so that the same period gives the same lines whenever it is asked for.
    """
    query = sa.select(BANK_ENTRIES).where(BANK_ENTRIES.c.stored_at < period.end).order_by(BANK_ENTRIES.c.key)
    if creditor is not None:
        query = query.where(BANK_ENTRIES.c.creditor == creditor)
    last = ""
    while rows := connection.execute(query.where(BANK_ENTRIES.c.key > last).limit(_AT_ONCE)).all():
        last = rows[-1].key
        matches = connection.execute(
            sa.select(BANK_MATCHES).where(BANK_MATCHES.c.key.in_([row.key for row in rows])).order_by(BANK_MATCHES.c.id)
        ).all()
        by_entry: dict[str, list[Any]] = {}
        for match in matches:
            by_entry.setdefault(match.key, []).append(match)
        for row in rows:
            yield from _of_entry(row, by_entry.get(row.key, ()), period)


def _of_entry(row: Any, matches: Sequence[Any], period: Period) -> Iterator[JournalLine]:
    money = Money.from_minor(row.amount_minor, row.currency)
    carried = [m for m in matches if m.message in ("payment_received", "payment_reversed", DISMISSED)]
    at_once = sum((Money.from_minor(m.amount_minor, m.currency) for m in carried if not m.by), money - money)
    text = f"bank entry {row.entry} of {row.file}, from {row.payer or 'nobody named'}: applied to no invoice"
    rest = money - at_once
    buyer = ""  # whose it is, a person may find out later
    reference = BankEntry.model_validate_json(row.content).servicer_reference or row.key
    came = Entry("unapplied_cash", "bank_clearing", "unapplied_cash", rest, reference, text)
    if row.kind == "reversal":
        came = came._replace(debit="unapplied_cash", credit="bank_clearing", text=f"{text}, taken back by the bank")
    if rest.amount > 0:
        yield from _dated(period, row.stored_at, f"bank/{row.key}/1", row, buyer, came)
    for match in carried:
        share = came._replace(amount=Money.from_minor(match.amount_minor, match.currency))
        aside = match.message == DISMISSED
        if match.by:
            what = f"set aside: {match.reason}" if aside else f"assigned to {match.number}"
            given = share._replace(debit=came.credit, credit=came.debit, text=what)
            yield from _dated(period, match.stored_at, f"bank/{match.reference}/assigned", row, buyer, given)
        if match.undone_by or (match.undone and aside):
            # Where the bank took back what a case had, the entries of the case say so.
            what = "set aside no longer" if aside else f"not for {match.number} after all"
            yield from _dated(
                period, match.undone_at, f"bank/{match.reference}/undone", row, buyer, share._replace(text=what)
            )
