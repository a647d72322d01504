"""Whether what stands beside the chain agrees with it: the head, the invoice, the policy, messages and notices.

Pure: it looks at a record that was read, whose chain holds.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from activities.evidence.findings import Finding
from activities.evidence.record import CaseRecord
from activities.tables import DEPARTED
from models import events as e
from models import ids
from models.case import Case
from models.money import Money
from models.records import DoneStep

IN_FLIGHT = timedelta(minutes=15)
"""A notice that left so recently may not be in its case's chain yet."""


def disagreements(record: CaseRecord, now: datetime) -> Iterator[Finding]:
    """Every contradiction between the chain of a case and the rows beside it."""
    head = record.head
    if ids.digest(head.content) != head.fingerprint:
        yield Finding("changed_invoice", "its content is not what its fingerprint was made of", record.case_id)
    opening = e.StoredOpening.model_validate_json(record.entries[0].content)
    if opening.invoice_fingerprint != head.fingerprint:
        yield Finding("changed_invoice", "it is not the invoice with which the case was opened", record.case_id, 1)
    if record.policy is None or record.policy.digest != opening.policy_digest:
        text = f"the policy {opening.policy_digest[:12]} with which the case was opened is missing"
        yield Finding("changed_policy", text, record.case_id, 1)
        return
    if ids.digest(record.policy.content) != record.policy.digest:
        text = f"the content of {record.policy.policy_id} version {record.policy.version} is not what its digest says"
        yield Finding("changed_policy", text, record.case_id, 1)
        return
    try:
        case = record.moments[-1].case
    except ValueError as error:
        where = _where_it_ends(record)
        yield Finding("impossible_entry", f"it cannot have happened: {_brief(error)}", record.case_id, where)
        return
    yield from _head(record, case)
    yield from _messages(record, case)
    yield from _notices(record, case, now)


def _where_it_ends(record: CaseRecord) -> int | None:
    """The entry at which the story breaks off."""
    good = 0
    try:
        for moment in record.lived():
            good = moment.row.sequence
    except ValueError:
        pass
    return good + 1


def _brief(error: ValueError) -> str:
    return " ".join(str(error).split())[:200]


def _head(record: CaseRecord, case: Case) -> Iterator[Finding]:
    """What lists and totals show, against the fold of the events."""
    head = record.head
    if head.sequence != case.sequence:
        return  # chain.py has said so
    expected: dict[str, Any] = {
        "stage": case.stage, "outcome": case.outcome, "outstanding": case.outstanding, "closed": case.closed,
        "on_hold": case.on_hold, "amount": case.invoice.amount, "buyer_id": case.invoice.buyer.id,
        "due": case.invoice.due, "case_id": ids.case_id(head.creditor, head.number),
    }  # fmt: skip
    stored: dict[str, Any] = {
        "stage": head.stage, "outcome": head.outcome, "closed": bool(head.closed), "on_hold": bool(head.on_hold),
        "outstanding": _money(head.outstanding_minor, head.currency), "buyer_id": head.buyer_id, "due": head.due,
        "amount": _money(head.amount_minor, head.currency), "case_id": head.case_id,
    }  # fmt: skip
    for name, value in expected.items():
        if stored[name] != value:
            text = f"its head says {name} {stored[name]}, the events give {value}"
            yield Finding("changed_head", text, record.case_id, case.sequence)


def _money(minor: int, currency: str) -> Money | str:
    try:
        return Money.from_minor(minor, currency)
    except ValueError:
        return f"{minor} {currency}"


def _messages(record: CaseRecord, case: Case) -> Iterator[Finding]:
    """A message that the case took says the same in the ledger's message log."""
    for row in record.messages:
        taken = case.applied.get(ids.message_id(row.type, row.reference))
        if taken is None or row.status == "refused":
            continue
        try:
            message = e.read_event(row.content)
        except ValueError:
            message = None
        amount = getattr(message, "amount", None)
        if message is None or message.fingerprint != taken:
            text = f"{row.type} {row.reference!r} says something else in the message log than the case was told"
            yield Finding("changed_message", text, record.case_id)
        elif message.MONEY and amount is not None and (row.amount_minor, row.currency) != (
            amount.minor, amount.currency
        ):  # fmt: skip
            text = f"{row.type} {row.reference!r}: the log's column is {row.amount_minor} {row.currency}, not {amount}"
            yield Finding("changed_message", text, record.case_id)


def _notices(record: CaseRecord, case: Case, now: datetime) -> Iterator[Finding]:
    """Every step that says it sent a notice has it, sent; and every notice that was sent has its step."""
    performed: dict[tuple[str, int], DoneStep] = {(d.step, d.occurrence): d for d in (*case.performed, *case.duties)}
    at = {
        (m.event.step, m.event.occurrence): m.row.sequence
        for m in record.moments
        if isinstance(m.event, e.StepPerformed)
    }
    sealed = {
        (m.event.step, m.event.occurrence): m.event.sha256
        for m in record.moments
        if isinstance(m.event, e.StepPerformed)
    }
    for key, done in performed.items():
        if done.notice is None:
            continue
        row = next((row for row in record.notices if row.message_id == done.notice and _key(row) == key), None)
        step = f"{done.step} {done.occurrence}"
        if row is None:
            text = f"{step} was performed with the notice {done.notice}, which is not there"
            yield Finding("missing_notice", text, record.case_id, at.get(key), done.notice)
        elif sealed.get(key) not in (None, row.sha256):
            text = f"its bytes are not those that {step} sent: their digest is in the chain"
            yield Finding("changed_notice", text, record.case_id, at.get(key), done.notice)
        elif row.status not in DEPARTED:
            text = f"{step} was performed, but its notice {done.notice} is marked as {row.status}"
            yield Finding("changed_notice", text, record.case_id, at.get(key), done.notice)
    approvals = {(m.event.step, m.event.by) for m in record.moments if isinstance(m.event, e.StepApproved)}
    for row in record.notices:
        key = _key(row)
        own = ids.step_key(record.case_id, row.step, row.occurrence)
        by_mail = row.channel == "email"
        # A letter that another case wrote names who approved it there, and served this step whether it came or not.
        gathered = by_mail and row.message_id != ids.mail_message_id(row.key)
        if not gathered and row.approved_by is not None and (row.step, row.approved_by) not in approvals:
            text = f"it names {row.approved_by!r} as the one who approved {row.step}; the chain knows no such approval"
            yield Finding("changed_notice", text, record.case_id, at.get(key), row.message_id)
        found = performed.get(key)
        sent = row.status in DEPARTED and (row.sent_at is None or row.sent_at < now - IN_FLIGHT)
        strange = by_mail and found.notice != row.message_id if found is not None else not gathered
        if sent and strange:
            text = (
                f"the notice {row.message_id} was sent for {row.step} {row.occurrence}; the chain knows nothing of it"
            )
            yield Finding("step_without_notice", text, record.case_id, None, row.message_id)
        if row.key != (own if by_mail else f"{own}/{row.channel}"):
            text = f"its key {row.key!r} is not that of {row.step} {row.occurrence} by {row.channel}"
            yield Finding("changed_notice", text, record.case_id, None, row.message_id)


def _key(row: Any) -> tuple[str, int]:
    return row.step, row.occurrence
