"""The entries of the ledger, one by one: what each transaction of `ledger.py` is made of.

The statements are built once, with their parameters left open: to build one takes five times as long as to run it, and
every step and every payment runs a dozen.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlalchemy.engine import Connection

from activities.tables import CASES, EVENTS, MESSAGES, NOTICE_STEPS, NOTICES, POLICIES, TASKS
from models import events as e
from models import ids
from models.case import Case
from models.events import Message
from models.invoice import Invoice
from models.money import Money
from models.orders import Head, OpenTask
from models.policy import Policy
from models.records import Numbered


class LedgerConflict(Exception):
    """What should be written contradicts what is there; the text says what."""


# --- cases ----------------------------------------------------------------------------------------------------

_POLICY = sa.select(POLICIES.c.digest).where(POLICIES.c.digest == bindparam("digest"))
_THERE = sa.select(CASES.c.case_id).where(CASES.c.case_id.in_(bindparam("these", expanding=True)))
_STARTED = sa.update(CASES).where(CASES.c.case_id.in_(bindparam("these", expanding=True))).values(started=True)
_HEAD = sa.update(CASES).where(CASES.c.case_id == bindparam("this"), CASES.c.sequence <= bindparam("seen"))


_MINE = sa.select(NOTICE_STEPS.c.message_id).where(NOTICE_STEPS.c.case_id == bindparam("this"))
_SHARED = sa.select(NOTICE_STEPS.c.message_id).where(NOTICE_STEPS.c.case_id != bindparam("this"))
_CANCELLED = (
    sa.update(NOTICES)
    .where(NOTICES.c.status == "pending", NOTICES.c.message_id.in_(_MINE), NOTICES.c.message_id.not_in(_SHARED))
    .values(status="cancelled")
)
"""What still waits to leave for a case that has closed, and serves no other, stays."""


def add_policy(connection: Connection, policy: Policy) -> None:
    """The content of a policy, once."""
    if connection.execute(_POLICY, {"digest": policy.digest}).first() is None:
        row = {"digest": policy.digest, "policy_id": policy.id, "version": policy.version, "content": policy.content}
        connection.execute(sa.insert(POLICIES), row)


def add_cases(connection: Connection, cases: Sequence[tuple[Case, Head]]) -> set[str]:
    """New cases, with their openings as the first entries of their chains; those that are there stay as they are.

    Returns:
        The ids of those that are new.
    """
    for policy in {case.policy.digest: case.policy for case, _ in cases}.values():
        add_policy(connection, policy)
    there = set(connection.execute(_THERE, {"these": [case.id for case, _ in cases]}).scalars())
    new = {case.id: (case, head) for case, head in cases if case.id not in there}
    if not new:
        return set()
    now = datetime.now(UTC)
    rows = [_case_row(case.invoice, case.policy.digest, now, head) for case, head in new.values()]
    connection.execute(sa.insert(CASES), rows)
    connection.execute(sa.insert(EVENTS), [_link(case.id, case.journal[0], "") for case, _ in new.values()])
    return set(new)


def open_if_missing(connection: Connection, journal: Sequence[Numbered], head: Head) -> None:
    """A case that was started without the front door brings its opening along."""
    if journal and isinstance(journal[0].event, e.CaseOpened):
        opened = journal[0].event
        add_policy(connection, opened.policy)
        if connection.execute(_THERE, {"these": [head.case_id]}).first() is None:
            row = _case_row(opened.invoice, opened.policy.digest, datetime.now(UTC), head)
            connection.execute(sa.insert(CASES), row)
        mark_started(connection, [head.case_id])


def mark_started(connection: Connection, case_ids: Sequence[str]) -> None:
    """The workflows of these cases exist."""
    connection.execute(_STARTED, {"these": case_ids})


def _case_row(invoice: Invoice, policy_digest: str, now: datetime, head: Head) -> dict[str, Any]:
    return {
        "case_id": invoice.case_id, "creditor": invoice.creditor, "number": invoice.number,
        "buyer_id": invoice.buyer.id, "currency": invoice.amount.currency, "amount_minor": invoice.amount.minor,
        "issued": invoice.issued, "due": invoice.due, "fingerprint": invoice.fingerprint,
        "content": invoice.model_dump_json(exclude_none=True), "policy_digest": policy_digest, "created_at": now,
        "started": False, **_head_row(head),
    }  # fmt: skip


def _head_row(head: Head) -> dict[str, Any]:
    return {
        "sequence": head.sequence, "stage": head.stage, "outcome": head.outcome,
        "outstanding_minor": head.outstanding.minor, "on_hold": head.on_hold, "closed": head.closed,
        "next_step": head.next_step, "next_at": head.next_at, "deadline": head.deadline,
        "deadline_day": head.deadline_day,
    }  # fmt: skip


def put_head(connection: Connection, head: Head) -> None:
    """A newer head replaces an older one; heads may arrive out of order."""
    changed = connection.execute(_HEAD, {"this": head.case_id, "seen": head.sequence, **_head_row(head)})
    if changed.rowcount:
        _put_tasks(connection, head.case_id, head.tasks)
        if head.closed:
            connection.execute(_CANCELLED, {"this": head.case_id})


# --- tasks ----------------------------------------------------------------------------------------------------

_OPEN_TASKS = sa.select(TASKS.c.task).where(TASKS.c.case_id == bindparam("this"), TASKS.c.done_at.is_(None))
_TASK = sa.select(TASKS.c.task).where(TASKS.c.case_id == bindparam("this"), TASKS.c.task == bindparam("name"))
_DONE = sa.update(TASKS).where(
    TASKS.c.case_id == bindparam("this"), TASKS.c.task == bindparam("name"), TASKS.c.done_at.is_(None)
)


def _put_tasks(connection: Connection, case_id: str, tasks: Sequence[OpenTask]) -> None:
    there = set(connection.execute(_OPEN_TASKS, {"this": case_id}).scalars())
    for task in tasks:
        if task.id not in there:
            put_task(connection, case_id, task.id, task.kind, task.text, task.opened_at)
    # What begins so belongs to money that has no running case, and is finished by people.
    for gone in sorted(name for name in there - {task.id for task in tasks} if not name.startswith("payment_")):
        finish_task(connection, case_id, gone)


def put_task(connection: Connection, case_id: str, task: str, kind: str, text: str, at: datetime) -> None:
    """A task, once."""
    if connection.execute(_TASK, {"this": case_id, "name": task}).first() is None:
        row = {"case_id": case_id, "task": task, "kind": kind, "text": text[:2000], "opened_at": at}
        connection.execute(sa.insert(TASKS), row)


def finish_task(connection: Connection, case_id: str, task: str) -> bool:
    """Close an open task; False if there is none such."""
    done = connection.execute(_DONE, {"this": case_id, "name": task, "done_at": datetime.now(UTC)})
    return bool(done.rowcount)


# --- the chain of a case --------------------------------------------------------------------------------------

_LOCK = sa.select(CASES.c.case_id).where(CASES.c.case_id == bindparam("this")).with_for_update()
_LAST = (
    sa.select(EVENTS.c.sequence, EVENTS.c.hash)
    .where(EVENTS.c.case_id == bindparam("this"))
    .order_by(EVENTS.c.sequence.desc())
    .limit(1)
)


def lock(connection: Connection, case_id: str) -> None:
    """Have nobody else write to a case's chain until this transaction ends; SQLite has one writer at a time anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK, {"this": case_id})


def append(connection: Connection, case_id: str, events: Sequence[Numbered]) -> int:
    """Append events to a case's chain. Those that are there are left alone; after a gap nothing is written.

    Returns:
        The last sequence of the chain.
    """
    lock(connection, case_id)
    last = connection.execute(_LAST, {"this": case_id}).first()
    sequence, previous = (last.sequence, last.hash) if last else (0, "")
    rows: list[dict[str, Any]] = []
    new: list[Numbered] = []
    for numbered in events:
        if numbered.sequence <= sequence:
            continue
        if numbered.sequence != sequence + 1:
            break
        rows.append(_link(case_id, numbered, previous))
        new.append(numbered)
        sequence, previous = numbered.sequence, rows[-1]["hash"]
    if rows:
        connection.execute(sa.insert(EVENTS), rows)
    _taken(connection, case_id, new)
    return int(sequence)


def _taken(connection: Connection, case_id: str, events: Sequence[Numbered]) -> None:
    """Money that waited, or was kept, has its case now: nobody has to deliver it or to give it back any more."""
    creditor, number = ids.split_case_id(case_id)
    for event in (numbered.event for numbered in events):
        if isinstance(event, e.PaymentReceived):
            let_go(connection, creditor, number, event, "delivered", "taken by the case", _NO_CASE)


def chained(previous: str, case_id: str, sequence: int, content: str) -> str:
    """The hash of an entry: over the entry before it, its place, and its stored bytes."""
    return ids.digest(f"{previous}\n{case_id}\n{sequence}\n{content}")


def _link(case_id: str, numbered: Numbered, previous: str) -> dict[str, Any]:
    content = e.stored_form(numbered.event)
    return {
        "case_id": case_id, "sequence": numbered.sequence, "type": numbered.event.type, "at": numbered.event.at,
        "content": content, "previous": previous,
        "hash": chained(previous, case_id, numbered.sequence, content),
    }  # fmt: skip


# --- messages -------------------------------------------------------------------------------------------------


def _the_message(columns: sa.Table) -> sa.ColumnElement[bool]:
    return (
        (columns.c.creditor == bindparam("its_creditor"))
        & (columns.c.number == bindparam("its_number"))
        & (columns.c.type == bindparam("its_type"))
        & (columns.c.reference == bindparam("its_reference"))
    )


_MESSAGE = sa.select(MESSAGES.c.fingerprint, MESSAGES.c.status).where(_the_message(MESSAGES))
_MESSAGE_CHANGED = sa.update(MESSAGES).where(_the_message(MESSAGES))

_NO_CASE = ("stored", "unapplied")
"""Money that waits for its case, or is kept as none could take it."""
_MOVED = _MESSAGE_CHANGED.where(MESSAGES.c.status.in_(bindparam("its_statuses", expanding=True)))


def _key(creditor: str, number: str, message: Message) -> dict[str, str]:
    return {"its_creditor": creditor, "its_number": number, "its_type": message.type, "its_reference": message.id}


def add_message(
    connection: Connection, creditor: str, number: str, message: Message, status: str = "stored"
) -> str:  # fmt: skip
    """Store a message, once. The answer is its status so far (`stored` if it is new).

    Raises:
        LedgerConflict: if its reference was used before with other content.
    """
    key = _key(creditor, number, message)
    there = connection.execute(_MESSAGE, key).first()
    if there is not None and there.status != "refused":
        if there.fingerprint != message.fingerprint:
            raise LedgerConflict(
                f"{message.type} {message.id!r} of {creditor}/{number} is in the ledger with other content; "
                "use a new reference for a new message"
            )
        return str(there.status)
    amount: Money | None = getattr(message, "amount", None)
    row = {
        "creditor": creditor, "number": number, "type": message.type, "reference": message.id,
        "fingerprint": message.fingerprint, "content": message.model_dump_json(exclude_none=True),
        "amount_minor": amount.minor if message.MONEY and amount else None,
        "currency": amount.currency if message.MONEY and amount else None,
        "received_on": getattr(message, "received_on", None), "by": message.by, "source": message.source,
        "status": status, "answer": "", "stored_at": datetime.now(UTC),
    }  # fmt: skip
    if there is not None:
        # What was refused before may be possible now: it is told again, with its new content.
        connection.execute(_MESSAGE_CHANGED, {**key, **row})
    else:
        connection.execute(sa.insert(MESSAGES), row)
    return "stored"


def mark_delivered(connection: Connection, creditor: str, number: str, message: Message, answer: str) -> None:
    """A message was taken: what it did."""
    taken = {"status": "delivered", "answer": answer[:2000]}
    connection.execute(_MESSAGE_CHANGED, {**_key(creditor, number, message), **taken})


def moved(
    connection: Connection, creditor: str, number: str, message: Message, statuses: Sequence[str], to: str, answer: str
) -> bool:  # fmt: skip
    """Whether a message had one of these statuses, and has another now."""
    values = {"its_statuses": list(statuses), "status": to, "answer": answer[:2000]}
    return bool(connection.execute(_MOVED, {**_key(creditor, number, message), **values}).rowcount)


def keep(
    connection: Connection, creditor: str, number: str, payment: Message, why: str, task: str
) -> bool:  # fmt: skip
    """Money that no case can take is kept, with a task; False if a case has it, or it has gone."""
    if not moved(connection, creditor, number, payment, _NO_CASE, "unapplied", why):
        return False
    name = ids.kept_task(payment.type, payment.id)
    put_task(connection, ids.case_id(creditor, number), name, "unapplied_cash", task, datetime.now(UTC))
    return True


def let_go(
    connection: Connection, creditor: str, number: str, payment: Message, status: str, answer: str,
    statuses: Sequence[str] = ("unapplied",),
) -> bool:  # fmt: skip
    """Money that no case has (by these statuses) goes elsewhere, and its task is done; False if it has gone."""
    if not moved(connection, creditor, number, payment, statuses, status, answer):
        return False
    finish_task(connection, ids.case_id(creditor, number), ids.kept_task(payment.type, payment.id))
    return True
