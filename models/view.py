"""What a case looks like to programs: its head, and the JSON of `show`. Its page for people is in page.py."""

from datetime import datetime
from typing import Any, get_args

from models.case import Case
from models.events import Stage
from models.explain import explain
from models.ladder import next_step
from models.money import Money
from models.orders import Head, head_of
from models.policy import Step
from models.statement import balance_json, deadlines_json, interest_json

STAGES: tuple[str, ...] = get_args(Stage)
"""The names of the stages."""


def head(case: Case) -> Head:
    """The case in one line, with the step that comes next."""
    upcoming = upcoming_step(case)
    return head_of(case, upcoming[0].id, upcoming[1]) if upcoming else head_of(case)


def upcoming_step(case: Case) -> tuple[Step, datetime] | None:
    """The next step and its instant as things stand; None while the ladder stands still or has ended."""
    if case.closed or case.on_hold or case.written_off:
        return None
    due = next_step(case)
    return (due.step, due.planned_at) if due else None


def money(value: Money) -> dict[str, str]:
    """An amount as JSON: text and currency."""
    return {"amount": str(value.amount), "currency": value.currency}


def show(case: Case, now: datetime) -> dict[str, Any]:
    """The whole case at the business instant `now`, with the stable field names that other programs rely on."""
    upcoming = upcoming_step(case)
    invoice = case.invoice
    return {
        "invoice": invoice.number,
        "creditor": invoice.creditor,
        "buyer": invoice.buyer.id,
        "amount": money(invoice.amount),
        "due": invoice.due.isoformat(),
        "policy": {"id": case.policy.id, "version": case.policy.version, "digest": case.policy.digest},
        "stage": case.stage,
        "outcome": case.outcome,
        "outstanding": money(case.outstanding),
        "balance": balance_json(case),
        "interest": interest_json(case, now),
        "jurisdiction": None if case.law is None else {"code": case.law.code, "named_by": case.law.basis},
        "deadlines": deadlines_json(case, now),
        "on_hold": case.on_hold,
        "next": {"step": upcoming[0].id, "at": upcoming[1].isoformat()} if upcoming else None,
        "next_why": str(explain(case, upcoming[0], _nth(case, upcoming[0])) or "") if upcoming else "",
        "steps": [
            {
                "step": done.step, "kind": done.kind, "occurrence": done.occurrence,
                "planned_at": done.planned_at.isoformat(), "performed_at": done.performed_at.isoformat(),
                "notice": done.notice,
            }
            for done in case.performed
        ],
        "skipped": [{"step": s.step, "occurrence": s.occurrence, "reason": s.reason} for s in case.skipped],
        "payments": [
            {
                "id": p.id, **money(p.amount), "received_on": p.received_on, "reversed": p.reversed,
                "counts_as": None if p.counts_as is None else money(p.counts_as),
                "returned": None if p.returned is None else money(p.returned),
            }
            for p in case.payments
        ],
        "unapplied": [{"id": p.id, **money(p.amount), "received_on": p.received_on} for p in case.unapplied],
        "credited": money(case.credited),
        "dispute": None if case.dispute is None else {
            "id": case.dispute.id, "amount": money(case.disputed), "reason": case.dispute.reason,
            "since": case.dispute.since.isoformat(), "category": case.dispute.category,
            "evidence": list(case.dispute.evidence),
            "answer_by": str(case.dispute.answer_by) if case.dispute.answer_by else None,
        },
        "promise": None if case.promise is None else {
            "id": case.promise.made.id, "amount": money(case.promise.amount),
            "pay_by": case.promise.made.pay_by.isoformat(), "deadline": case.promise.deadline.isoformat(),
            "pauses": case.promise.pauses,
        },
        "settled": [
            {"kind": s.kind, "id": s.id, "outcome": s.outcome, "at": s.at.isoformat(), "amount": money(s.amount)}
            for s in case.settled
        ],
        "write_off": None if case.write_off is None else {
            "by": case.write_off.by, "reason": case.write_off.reason, "evidence": list(case.write_off.evidence),
        },
        "plan": None if case.plan is None else [
            {"due": i.due.isoformat(), **money(i.amount)} for i in case.plan.agreed.instalments
        ],
        "holds": [{"id": h.id, "reason": h.reason, "since": h.since.isoformat()} for h in case.holds],
        "waiting_for_approval": [
            *(s for s in case.proposed if s not in case.approved), *(["write_off"] if case.write_off else []),
        ],
        "deferred": {step: until.isoformat() for step, until in case.deferred.items()},
        "tasks": [
            {
                "id": t.id, "kind": t.kind, "text": t.text, "opened_at": t.opened_at.isoformat(),
                "done": t.done_at is not None, "outcome": t.outcome,
            }
            for t in case.tasks
        ],
        "rejected": [{"message": r.message, "reason": r.reason} for r in case.rejected],
    }  # fmt: skip


def _nth(case: Case, step: Step) -> int:
    """Which occurrence of a step comes next."""
    return case.progress.get(step.id, 0) + 1
