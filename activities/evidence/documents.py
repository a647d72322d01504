"""The tables of an evidence export: timeline, statement of account, interest, correspondence, tasks, notices, replies.

Each as CSV and as a page to read. What is packed, and how it is proved, is in export.py.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from activities.bundle import csv_file
from activities.evidence import words
from activities.evidence.notice import demanded
from activities.evidence.record import CaseRecord
from activities.mime import one_line
from activities.rendering import html_template
from models import events as e
from models import ids, messages
from models.books import late_charges
from models.case import Case
from models.money import Money

_MUCH = 20_000
"""So many characters of a message are shown on a page; messages.json has all of them."""


def timeline(record: CaseRecord) -> dict[str, bytes]:
    """Every entry of the chain in words, with what the case came to."""
    columns = ("number", "at", "event", "what happened", "by", "source", "reference", "stage", "outstanding", "hash")
    rows = [
        (m.row.sequence, instant(m.event.at), m.event.type, words.event(m.event), m.event.by, m.event.source,
         m.event.id, m.case.stage, str(m.case.outstanding), m.row.hash)
        for m in record.moments
    ]  # fmt: skip
    return _table(record, "timeline", "Timeline", columns, rows)


def statement(record: CaseRecord) -> dict[str, bytes]:
    """Whatever changed what is owed, with the balance after it."""
    columns = ("day", "entry", "reference", "debit", "credit", "balance", "unapplied", "currency")
    rows: list[tuple[object, ...]] = []
    for moment, before in zip(record.moments, (None, *record.moments), strict=False):
        event, case = moment.event, moment.case
        unapplied = sum((p.amount.amount for p in case.unapplied if p.amount.currency == case.currency), start=0)
        if before is None:
            change, entry, day = case.invoice.amount.amount, "Invoice", str(case.invoice.issued or "")
            reference = case.invoice.number
        else:
            change = case.outstanding.amount - before.case.outstanding.amount
            if not change and not (isinstance(event, e.Message) and event.MONEY):
                continue
            entry, day, reference = _entry(event), _day(event), event.id
        debit, credit = (str(change), "") if change > 0 else ("", str(-change))
        rows.append((day, entry, reference, debit, credit, case.outstanding.amount, unapplied or "", case.currency))
    return _table(record, "statement", "Statement of account", columns, rows, _sums(record.moments[-1].case))


def _entry(event: e.Event) -> str:
    text = event.type.replace("_", " ").capitalize()
    given = getattr(event, "amount", None)
    return f"{text} ({given})" if isinstance(given, Money) else text


def _day(event: e.Event) -> str:
    own = getattr(event, "received_on", None) or getattr(event, "issued_on", None)
    return str(own) if own else instant(event.at)[:10]


def _sums(case: Case) -> list[str]:
    disputed = f" {case.disputed} of it is in dispute." if case.disputed else ""
    return [f"Outstanding: {case.outstanding}.{disputed}", "A payment that settles nothing is listed under unapplied."]


def interest(record: CaseRecord, as_of: date) -> dict[str, bytes]:
    """The interest of the law or the contract, segment by segment, on the undisputed part."""
    case = record.moments[-1].case
    if case.law is None and case.invoice.late_fee is None:
        notes = [
            "No contractual late fee is agreed for this invoice, and no jurisdiction is recorded.",
            "Statutory interest is reserved as far as the law provides for it; it is not calculated here.",
        ]
        return _table(record, "interest", f"Interest up to {as_of}", ("from", "to"), [], notes)
    claim = late_charges(case.invoice, case, max(as_of, case.invoice.due), without=case.disputed)
    found = claim.statement
    columns = ("from", "to", "days", "balance", "rate", "interest", "currency", "source")
    rows: list[tuple[object, ...]] = [
        (s.start, s.end, s.days, s.balance.amount, s.rate, s.amount.amount, s.amount.currency,
         s.source if s.verified else f"{s.source} (unverified)")
        for s in found.segments
    ]  # fmt: skip
    rows.append(("", as_of, sum(s.days for s in found.segments), "", "total", found.total.amount, case.currency, ""))
    notes = [
        "Balance x rate x days, rounded half up once a segment. The due date bears no interest; the day on which a "
        "payment is received still does. Credit notes and what is disputed are left out from the beginning.",
        f"Fixed compensation: {claim.compensation}. Open: principal {found.owed.principal}, interest "
        f"{found.owed.interest}, costs {found.owed.costs}.",
        "Interest and costs are claimed in this case." if case.claim else "Stated; not claimed in this case so far.",
        *claim.warnings, *claim.notes,
    ]  # fmt: skip
    return _table(record, "interest", f"Interest up to {as_of}", columns, rows, notes)


def correspondence(record: CaseRecord) -> dict[str, bytes]:
    """Every message: what the ledger received (refused ones too), and what reached the case past it."""
    columns = ("received", "message", "reference", "what it said", "by", "source", "became", "answer")
    taken = {m.event.update_id for m in record.moments if isinstance(m.event, e.Message)}
    logged = {ids.message_id(row.type, row.reference) for row in record.messages}
    rows: list[tuple[str, ...]] = []
    for row in record.messages:
        became = "taken by the case" if ids.message_id(row.type, row.reference) in taken else row.status
        rows.append((instant(row.stored_at), row.type, row.reference, _said(row.content), row.by, row.source, became,
                     row.answer))  # fmt: skip
    for moment in record.moments:
        event = moment.event
        if isinstance(event, e.Message) and event.update_id not in logged:
            said = words.event(event)
            rows.append(
                (instant(event.at), event.type, event.id, said, event.by, event.source, "taken by the case", "")
            )
        elif isinstance(event, e.MessageRejected):
            said = event.content or event.reference
            rows.append((instant(event.at), event.message, event.reference, said, event.by, event.source, "rejected",
                         event.reason))  # fmt: skip
    return _table(record, "correspondence", "Correspondence", columns, rows, [
        "Messages that the ledger received carry the time on the wall, the others the time of the case; in a case that "
        "runs in time-lapse these differ.",
    ])  # fmt: skip


def _said(content: str) -> str:
    try:
        message = messages.MESSAGES
        event = e.read_event(content)
        return words.event(event) if event.type in message else content
    except ValueError:
        return content


def tasks(record: CaseRecord) -> dict[str, bytes]:
    """What people had to do, and what came of it."""
    columns = ("task", "kind", "what to do", "opened", "done", "outcome")
    case = record.moments[-1].case
    rows = [(t.id, t.kind, t.text, instant(t.opened_at), instant(t.done_at), t.outcome or "") for t in case.tasks]
    known = {t.id for t in case.tasks}
    rows += [
        (t.task, t.kind, t.text, instant(t.opened_at), instant(t.done_at), "")
        for t in record.tasks
        if t.task not in known
    ]
    return _table(record, "tasks", "Tasks", columns, rows)


def notices(record: CaseRecord, files: dict[str, str]) -> dict[str, bytes]:
    """Every notice with its step, its balance and its proof. `files`: Message-ID to the file's name."""
    columns = ("file", "message_id", "step", "occurrence", "kind", "channel", "recipient", "subject", "language",
               "status", "planned", "performed", "written", "sent", "attempts", "demanded", "currency", "approved_by",
               "policy_digest", "sha256", "proof")  # fmt: skip
    done = {d.notice: d for d in record.moments[-1].case.performed}
    after = {m.event.notice: m.case for m in record.moments if isinstance(m.event, e.StepPerformed)}
    rows = []
    for row in record.notices:
        step, its_case = done.get(row.message_id), after.get(row.message_id)
        asked = Money.from_minor(row.pursued_minor, row.currency)
        if step and its_case:
            asked = demanded(its_case, step.performed_at)
        rows.append((
            files.get(row.message_id, ""), row.message_id, row.step, row.occurrence, row.kind, row.channel,
            row.recipient, row.subject, row.language, row.status, instant(step.planned_at) if step else "",
            instant(step.performed_at) if step else "", instant(row.composed_at), instant(row.sent_at), row.attempts,
            asked.amount, row.currency, row.approved_by or "", row.policy_digest, row.sha256, row.proof,
        ))  # fmt: skip
    return {"notices.csv": csv_file(columns, rows)}


def receipts(record: CaseRecord, files: dict[str, str]) -> dict[str, bytes]:
    """What became of the notices after they left. `files`: Message-ID to the file's name."""
    columns = ("notice", "message_id", "at", "became", "what was reported")
    rows = [
        (files.get(row.message_id, ""), row.message_id, instant(row.at), row.kind.replace("_", " "), row.text)
        for row in record.receipts
    ]
    return _table(record, "receipts", "What became of the notices", columns, rows, [
        "As the mail servers, the readers' programs and the providers reported it, by the clock on the wall.",
    ])  # fmt: skip


def replies(record: CaseRecord, files: dict[str, str], notices: dict[str, str]) -> dict[str, bytes]:
    """The mails that came in. `files`: digest to the file's name; `notices`: Message-ID to the file's name."""
    columns = ("file", "filed", "written", "from", "subject", "taken for", "answers", "status", "reason", "sha256")
    rows = [
        (files.get(row.sha256, "not here"), instant(row.filed_at), instant(row.at), row.sender, row.subject, row.kind,
         notices.get(row.notice, row.notice or ""), row.status, row.reason, row.sha256)
        for row in record.replies
    ]  # fmt: skip
    return {"replies.csv": csv_file(columns, rows)}


def _table(
    record: CaseRecord, name: str, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]],
    notes: Sequence[str] = (),
) -> dict[str, bytes]:  # fmt: skip
    invoice = record.moments[-1].case.invoice
    heads = [
        ("Creditor", invoice.creditor), ("Invoice", invoice.number), ("Amount", str(invoice.amount)),
        ("Due", str(invoice.due)), ("Buyer", one_line(f"{invoice.buyer.name} ({invoice.buyer.id})")),
    ]  # fmt: skip
    shown = [[_shown(cell) for cell in row] for row in rows]
    page = html_template("evidence.html").render(title=title, heads=heads, columns=columns, rows=shown, notes=notes)
    return {f"{name}.csv": csv_file(columns, rows), f"{name}.html": page.encode("utf-8", "replace")}


def _shown(cell: object) -> str:
    text = "" if cell is None else str(cell)
    return text if len(text) <= _MUCH else text[:_MUCH] + " … (see messages.json)"


def instant(at: Any) -> str:
    """An instant in UTC, to the second; empty if there is none."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(at, datetime) else ""
