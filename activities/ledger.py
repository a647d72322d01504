"""The ledger: what is read from it and written to it, each in one transaction.

It owns money and evidence; the order of things is the workflow's. Every write here can be repeated without harm. What
a transaction is made of is in `entries.py`.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from activities import entries
from activities.database import reading, writing
from activities.entries import LedgerConflict as LedgerConflict
from activities.tables import CASES, DEPARTED, MESSAGES, NOTICE_STEPS, NOTICES, POLICIES, TASKS
from activities.tables import EVENTS as EVENTS
from models import events as e
from models import ids, view
from models.case import Case
from models.changes import fold
from models.events import Message
from models.invoice import Invoice
from models.money import Money
from models.orders import Head
from models.policy import Policy
from models.records import Numbered

_GONE = ("refused", "refunded", "reversed")
"""What no case is told: it was never taken, or its money has left."""
_INVOICE = sa.select(CASES.c.content).where(CASES.c.case_id == sa.bindparam("this"))
_TOLD = (
    sa.select(MESSAGES.c.type, MESSAGES.c.reference, MESSAGES.c.content)
    .where(
        MESSAGES.c.creditor == sa.bindparam("its_creditor"), MESSAGES.c.number == sa.bindparam("its_number"),
        MESSAGES.c.status.not_in(_GONE),
    )
    .order_by(MESSAGES.c.id)
)  # fmt: skip
_UNAPPLIED = _TOLD.where(MESSAGES.c.type == "payment_received", MESSAGES.c.status == "unapplied")
_TOLD_MONEY = _TOLD.where(MESSAGES.c.amount_minor.is_not(None) | (MESSAGES.c.type == "payment_reversed"))
_PAYMENTS = sa.select(MESSAGES.c.content).where(
    MESSAGES.c.creditor == sa.bindparam("its_creditor"), MESSAGES.c.number == sa.bindparam("its_number"),
    MESSAGES.c.type == "payment_received", MESSAGES.c.status != "refused",
).order_by(MESSAGES.c.id)  # fmt: skip
_SHARES = (
    sa.select(MESSAGES.c.number, MESSAGES.c.content)
    .join(CASES, (CASES.c.creditor == MESSAGES.c.creditor) & (CASES.c.number == MESSAGES.c.number))
    .where(
        MESSAGES.c.creditor == sa.bindparam("its_creditor"), CASES.c.buyer_id == sa.bindparam("its_buyer"),
        MESSAGES.c.type == "payment_received", MESSAGES.c.reference == sa.bindparam("its_reference"),
    )
    .order_by(MESSAGES.c.id)
)  # fmt: skip


class Ledger:
    """The ledger behind one engine. Thread-safe: every method takes its own connection."""

    def __init__(self, engine: Engine) -> None:
        """Over an engine of `database.open_engine`."""
        self.engine = engine

    # --- cases ------------------------------------------------------------------------------------------------

    def known(self, case_ids: Sequence[str]) -> dict[str, tuple[str, bool]]:
        """Of these cases, those that are here: their invoice's fingerprint, and whether they were started."""
        columns = (CASES.c.case_id, CASES.c.fingerprint, CASES.c.started)
        with reading(self.engine) as connection:
            rows = connection.execute(sa.select(*columns).where(CASES.c.case_id.in_(case_ids)))
            return {row.case_id: (row.fingerprint, row.started) for row in rows}

    def outcomes(self, case_ids: Sequence[str]) -> dict[str, str | None]:
        """Of these cases, those that are here: how they ended; None where they are open."""
        columns = (CASES.c.case_id, CASES.c.closed, CASES.c.outcome)
        with reading(self.engine) as connection:
            rows = connection.execute(sa.select(*columns).where(CASES.c.case_id.in_(case_ids)))
            return {row.case_id: row.outcome if row.closed else None for row in rows}

    def open_cases(self, cases: Sequence[tuple[Case, Head]]) -> set[str]:
        """Write cases that are about to be started, with their opening as the first entry of their chains.

        Returns:
            The ids of those that were not there; somebody else may be starting the same.
        """
        if not cases:
            return set()
        with writing(self.engine) as connection:
            return entries.add_cases(connection, cases)

    def started(self, case_ids: Sequence[str]) -> None:
        """The workflows of these cases exist."""
        if case_ids:
            with writing(self.engine) as connection:
                entries.mark_started(connection, case_ids)

    def invoice(self, case_id: str) -> Invoice | None:
        """The invoice of a case."""
        with reading(self.engine) as connection:
            content = connection.execute(_INVOICE, {"this": case_id}).scalar()
            return Invoice.model_validate_json(content) if content is not None else None

    def find(self, number: str, creditor: str | None = None) -> list[sa.Row[Any]]:
        """The cases with an invoice number, of one creditor or of all."""
        query = sa.select(CASES).where(CASES.c.number == number)
        if creditor is not None:
            query = query.where(CASES.c.creditor == creditor)
        with reading(self.engine) as connection:
            return list(connection.execute(query))

    def heads(
        self, stage: str | None = None, buyer: str | None = None, due_before: datetime | None = None
    ) -> Iterable[sa.Row[Any]]:
        """The cases, filtered, in the order of their due dates."""
        query = sa.select(CASES).order_by(CASES.c.due, CASES.c.case_id)
        if stage is not None:
            query = query.where(CASES.c.stage == stage)
        if buyer is not None:
            query = query.where(CASES.c.buyer_id == buyer)
        if due_before is not None:
            query = query.where(CASES.c.due < due_before.date(), CASES.c.closed.is_(False))
        with reading(self.engine) as connection:
            yield from connection.execution_options(yield_per=1000).execute(query)

    def rebuild(self, case_id: str) -> Case | None:
        """The case from its stored events: `Case = fold(events)`.

        Raises:
            LedgerConflict: if the chain of its entries is broken, or the policy is missing.
        """
        with reading(self.engine) as connection:
            events = self._chain(connection, case_id)
        return fold(events) if events else None

    def chain_lengths(self, case_ids: Sequence[str]) -> dict[str, int]:
        """How many events the ledger has of each case."""
        query = sa.select(EVENTS.c.case_id, sa.func.max(EVENTS.c.sequence)).where(EVENTS.c.case_id.in_(case_ids))
        with reading(self.engine) as connection:
            return {row[0]: row[1] for row in connection.execute(query.group_by(EVENTS.c.case_id))}

    def opening(self, case_id: str) -> e.CaseOpened:
        """How a case began.

        Raises:
            LedgerConflict: if it is not here, the chain of its entries is broken, or the policy is missing.
        """
        with reading(self.engine) as connection:
            events = self._chain(connection, case_id)
        if not events or not isinstance(events[0], e.CaseOpened):
            raise LedgerConflict(f"{case_id}: its opening is missing from its chain")
        return events[0]

    @staticmethod
    def _chain(connection: Connection, case_id: str) -> list[e.Event]:
        invoice = connection.execute(_INVOICE, {"this": case_id}).scalar()
        rows = list(
            connection.execute(sa.select(EVENTS).where(EVENTS.c.case_id == case_id).order_by(EVENTS.c.sequence))
        )
        if invoice is None or not rows:
            return []
        digest = e.StoredOpening.model_validate_json(rows[0].content).policy_digest
        policy = connection.execute(sa.select(POLICIES.c.content).where(POLICIES.c.digest == digest)).scalar()
        if policy is None:
            raise LedgerConflict(f"{case_id}: the policy {digest[:12]} of its opening is missing")
        previous = ""
        for place, row in enumerate(rows, 1):
            if row.sequence != place or row.hash != entries.chained(previous, case_id, place, row.content):
                raise LedgerConflict(f"{case_id}: entry {row.sequence} of its chain is not what was written")
            previous = row.hash
        opening = e.StoredOpening.model_validate_json(rows[0].content)
        opened = opening.restore(Invoice.model_validate_json(invoice), Policy.model_validate_json(policy))
        return [opened, *(e.read_event(row.content) for row in rows[1:])]

    # --- messages ---------------------------------------------------------------------------------------------

    def receive(self, creditor: str, number: str, message: Message) -> str:
        """Store a message before its case is told. The answer is its status so far (`stored` if it is new).

        Raises:
            LedgerConflict: if its reference was used before with other content.
        """
        with writing(self.engine) as connection:
            return entries.add_message(connection, creditor, number, message)

    def receive_all(self, messages: Sequence[tuple[str, str, Message]]) -> None:
        """Store several messages in one transaction: the shares of one payment, all or none.

        Raises:
            LedgerConflict: if a reference was used before with other content.
        """
        with writing(self.engine) as connection:
            for creditor, number, message in messages:
                entries.add_message(connection, creditor, number, message)

    def shares(self, creditor: str, buyer: str, reference: str) -> list[tuple[str, e.PaymentReceived]]:
        """How a payment of a buyer was split before: invoice number and share."""
        with reading(self.engine) as connection:
            its = {"its_creditor": creditor, "its_buyer": buyer, "its_reference": reference}
            return [(row.number, e.read_event(row.content)) for row in connection.execute(_SHARES, its)]

    def open_items(self, creditor: str, buyer: str, currency: str | None = None) -> list[sa.Row[Any]]:
        """The open invoices of a buyer, in a currency or in all, the oldest first."""
        query = (
            sa.select(CASES)
            .where(
                CASES.c.creditor == creditor, CASES.c.buyer_id == buyer, CASES.c.closed.is_(False),
                CASES.c.outstanding_minor > 0,
            )
            .order_by(CASES.c.due, CASES.c.number)
        )  # fmt: skip
        if currency is not None:
            query = query.where(CASES.c.currency == currency)
        with reading(self.engine) as connection:
            return list(connection.execute(query))

    def deadlines(self, until: date | None = None) -> Iterable[sa.Row[Any]]:
        """The open cases with a hard deadline, the most urgent first."""
        query = sa.select(CASES).where(CASES.c.closed.is_(False), CASES.c.deadline.is_not(None))
        if until is not None:
            query = query.where(CASES.c.deadline_day <= until)
        with reading(self.engine) as connection:
            yield from connection.execution_options(yield_per=1000).execute(
                query.order_by(CASES.c.deadline_day, CASES.c.case_id)
            )

    def answered(
        self, creditor: str, number: str, message: Message, answer: str,
        head: Head | None = None, events: Sequence[Numbered] = (),
    ) -> bool:  # fmt: skip
        """A message was taken: with what answer, which events came of it, and the head of its case.

        Returns:
            Whether the chain reaches up to the head. It does not where an earlier answer is still on its way.
        """
        case_id = ids.case_id(creditor, number)
        whole = True
        with writing(self.engine) as connection:
            if head is not None:
                whole = entries.append(connection, case_id, events) >= head.sequence
            entries.mark_delivered(connection, creditor, number, message, answer)
            if head is not None:
                entries.put_head(connection, head)
        return whole

    def amend(
        self, creditor: str, number: str, message: Message, answer: str, change: Callable[[Case], Case]
    ) -> Case | None:  # fmt: skip
        """Book what a message does to a case that no workflow has, with nobody else writing to it meanwhile.

        Args:
            creditor: Its code.
            number: The invoice's.
            message: Already in the ledger.
            answer: What became of it.
            change: What it makes of the case as its chain has it; if it raises, nothing is written.

        Returns:
            The case as it is now; None if the ledger has no such case.
        """
        case_id = ids.case_id(creditor, number)
        with writing(self.engine) as connection:
            entries.lock(connection, case_id)
            events = self._chain(connection, case_id)
            if not events:
                return None
            case = change(fold(events))
            entries.append(connection, case_id, case.journal)
            entries.mark_delivered(connection, creditor, number, message, answer)
            entries.put_head(connection, view.head(case))
        return case

    def told(
        self, creditor: str, number: str, known: Sequence[str] = (), only_money: bool = True
    ) -> list[e.AnyMessage]:
        """Messages that the ledger holds and the case has not seen (`known` are the update ids it has seen)."""
        seen = set(known)
        with reading(self.engine) as connection:
            case = {"its_creditor": creditor, "its_number": number}
            rows = connection.execute(_TOLD_MONEY if only_money else _TOLD, case).all()
        return [e.read_event(r.content) for r in rows if ids.message_id(r.type, r.reference) not in seen]

    def refuse(self, creditor: str, number: str, message: Message, why: str) -> bool:
        """A message is not possible; False if it was told twice at once, and has been taken meanwhile."""
        with writing(self.engine) as connection:
            return entries.moved(connection, creditor, number, message, ("stored",), "refused", why)

    def keep(self, creditor: str, number: str, payment: Message, why: str, task: str) -> bool:
        """Money that no case can take is kept, with a task; False if a case has taken it meanwhile."""
        with writing(self.engine) as connection:
            return entries.keep(connection, creditor, number, payment, why, task)

    def let_go(self, creditor: str, number: str, payment: Message, status: str, by: Message, answer: str) -> bool:
        """Money that no case has leaves by a message, and its task is done; False if it has left already."""
        with writing(self.engine) as connection:
            gone = entries.let_go(connection, creditor, number, payment, status, f"{status} by {by.id}")
            if gone:
                entries.mark_delivered(connection, creditor, number, by, answer)
        return gone

    def claim_back(self, creditor: str, number: str, payment: Message, by: Message, task: str) -> bool:
        """Money that no case has had been paid back, and is taken back now: a task; False if that is not so."""
        with writing(self.engine) as connection:
            twice = entries.moved(
                connection, creditor, number, payment, ("refunded",), "reversed", f"reversed by {by.id}"
            )
            if twice:
                name, at = ids.kept_task(by.type, payment.id), datetime.now(UTC)
                entries.put_task(connection, ids.case_id(creditor, number), name, "paid_back_twice", task, at)
                entries.mark_delivered(connection, creditor, number, by, "it had been paid back before")
        return twice

    def unapplied(self, creditor: str, number: str) -> list[e.PaymentReceived]:
        """Payments that came when there was no running case, and are kept."""
        with reading(self.engine) as connection:
            rows = connection.execute(_UNAPPLIED, {"its_creditor": creditor, "its_number": number})
            return [cast(e.PaymentReceived, e.read_event(row.content)) for row in rows]

    def payments(self, creditor: str, number: str) -> list[e.PaymentReceived]:
        """All that was paid on an invoice, also what has left again."""
        with reading(self.engine) as connection:
            rows = connection.execute(_PAYMENTS, {"its_creditor": creditor, "its_number": number})
            return [cast(e.PaymentReceived, e.read_event(row.content)) for row in rows]

    def told_of(self, case_ids: Sequence[str]) -> dict[str, list[e.AnyMessage]]:
        """Money that came before these cases began."""
        pairs = [ids.split_case_id(case_id) for case_id in case_ids]
        query = (
            sa.select(MESSAGES.c.creditor, MESSAGES.c.number, MESSAGES.c.content)
            .where(
                MESSAGES.c.number.in_([number for _, number in pairs]),
                MESSAGES.c.status.not_in(_GONE),
            )
            .order_by(MESSAGES.c.id)
        )
        found: dict[str, list[e.AnyMessage]] = {}
        with reading(self.engine) as connection:
            for row in connection.execute(query):
                found.setdefault(ids.case_id(row.creditor, row.number), []).append(e.read_event(row.content))
        return {case_id: found[case_id] for case_id in case_ids if case_id in found}

    def undelivered(self) -> list[tuple[str, str, e.AnyMessage]]:
        """Messages that no case has acknowledged, in the order they came: creditor, number, message."""
        columns = (MESSAGES.c.creditor, MESSAGES.c.number, MESSAGES.c.content)
        query = sa.select(*columns).where(MESSAGES.c.status == "stored").order_by(MESSAGES.c.id)
        with reading(self.engine) as connection:
            return [(row.creditor, row.number, e.read_event(row.content)) for row in connection.execute(query)]

    def kept_for_open_cases(self) -> list[tuple[str, str, e.AnyMessage]]:
        """Payments kept because their case did not run just then, though it is open: creditor, number, message."""
        query = (
            sa.select(MESSAGES.c.creditor, MESSAGES.c.number, MESSAGES.c.content)
            .join(CASES, (CASES.c.creditor == MESSAGES.c.creditor) & (CASES.c.number == MESSAGES.c.number))
            .where(MESSAGES.c.status == "unapplied", CASES.c.started, CASES.c.closed.is_(False))
            .order_by(MESSAGES.c.id)
        )
        with reading(self.engine) as connection:
            return [(row.creditor, row.number, e.read_event(row.content)) for row in connection.execute(query)]

    def refusals(self, creditor: str, number: str) -> list[sa.Row[Any]]:
        """Messages the case refused: they left no trace in its history."""
        query = (
            sa.select(MESSAGES.c.type, MESSAGES.c.reference, MESSAGES.c.answer)
            .where(MESSAGES.c.creditor == creditor, MESSAGES.c.number == number, MESSAGES.c.status == "refused")
            .order_by(MESSAGES.c.id)
        )
        with reading(self.engine) as connection:
            return list(connection.execute(query))

    # --- what the workflow hands over -------------------------------------------------------------------------

    def record(
        self, case_id: str, journal: Sequence[Numbered], head: Head, message: Message | None = None, late: bool = False
    ) -> tuple[int, str | None]:
        """Store a case's journal and head, and a message that came by a signal (`late`: after the close).

        Returns:
            Up to which sequence the events are stored, and the conflict if the message contradicts the ledger.
        """
        creditor, number = ids.split_case_id(case_id)
        with writing(self.engine) as connection:
            entries.open_if_missing(connection, journal, head)
            stored = entries.append(connection, case_id, journal)
            entries.put_head(connection, head)
            if message is not None:
                try:
                    status = "unapplied" if late else "delivered"
                    entries.add_message(connection, creditor, number, message, status)
                except LedgerConflict as conflict:
                    return stored, str(conflict)
                if late:
                    why = "the case is closed"
                    task = f"payment {message.id} came for {creditor}/{number}, but {why}: refund or set off"
                    entries.keep(connection, creditor, number, message, why, task)
        return stored, None

    # --- tasks and totals -------------------------------------------------------------------------------------

    def tasks(self, case_id: str | None = None) -> list[sa.Row[Any]]:
        """The open tasks, oldest first."""
        query = sa.select(TASKS).where(TASKS.c.done_at.is_(None)).order_by(TASKS.c.opened_at, TASKS.c.case_id)
        if case_id is not None:
            query = query.where(TASKS.c.case_id == case_id)
        with reading(self.engine) as connection:
            return list(connection.execute(query))

    def finish_task(self, case_id: str, task: str) -> bool:
        """Close a task that belongs to no running case (unapplied cash); False if there is none such."""
        with writing(self.engine) as connection:
            return entries.finish_task(connection, case_id, task)

    def sent_steps(self) -> list[sa.Row[Any]]:
        """The steps whose notices were sent: case and step."""
        query = (
            sa.select(NOTICE_STEPS.c.case_id, NOTICE_STEPS.c.step, NOTICE_STEPS.c.occurrence)
            .join(NOTICES, NOTICES.c.message_id == NOTICE_STEPS.c.message_id)
            .where(NOTICES.c.status.in_(DEPARTED))
        )
        with reading(self.engine) as connection:
            return list(connection.execute(query))

    def totals(self) -> dict[str, Any]:
        """Control totals: cases per stage and outcome, money per currency, notices per step."""
        with reading(self.engine) as connection:
            stages = connection.execute(sa.select(CASES.c.stage, sa.func.count()).group_by(CASES.c.stage)).all()
            outcomes = connection.execute(
                sa.select(CASES.c.outcome, sa.func.count()).where(CASES.c.closed).group_by(CASES.c.outcome)
            ).all()
            owed = connection.execute(
                sa.select(CASES.c.currency, sa.func.sum(CASES.c.amount_minor), sa.func.sum(CASES.c.outstanding_minor))
                .group_by(CASES.c.currency)
            ).all()  # fmt: skip
            paid = connection.execute(
                sa.select(MESSAGES.c.currency, sa.func.sum(MESSAGES.c.amount_minor))
                .where(MESSAGES.c.type == "payment_received", MESSAGES.c.status != "refused")
                .group_by(MESSAGES.c.currency)
            ).all()
            notices = connection.execute(
                sa.select(NOTICE_STEPS.c.step, sa.func.count())
                .join(NOTICES, NOTICES.c.message_id == NOTICE_STEPS.c.message_id)
                .where(NOTICES.c.status.in_(DEPARTED))
                .group_by(NOTICE_STEPS.c.step)
            ).all()
        return {
            "stages": {row[0]: row[1] for row in stages},
            "outcomes": {row[0]: row[1] for row in outcomes},
            "invoiced": {row[0]: Money.from_minor(int(row[1]), row[0]) for row in owed},
            "outstanding": {row[0]: Money.from_minor(int(row[2]), row[0]) for row in owed},
            "received": {row[0]: Money.from_minor(int(row[1]), row[0]) for row in paid},
            "notices": {row[0]: row[1] for row in notices},
        }
