"""A case as it is shown: what the case knows, with what the ledger alone knows."""

from datetime import datetime
from typing import Any

from activities.bank_book import BankBook
from activities.ledger import Ledger
from models import events as e
from models import view
from models.case import Case
from models.money import Money


def shown(case: Case, now: datetime, ledger: Ledger) -> dict[str, Any]:
    """The case as `show --json` prints it.

    Args:
        case: As its workflow has it, or as the ledger has it once it is closed.
        now: The business instant.
        ledger: Holds refused messages, tasks of closed cases, and money that no case has.
    """
    creditor, number = case.invoice.creditor, case.invoice.number
    result = view.show(case, now)
    result["rejected"] += [{"message": row.type, "reason": row.answer} for row in ledger.refusals(creditor, number)]
    _add_tasks(result, ledger, case.id)
    result["buyer_cash"] = [
        {"entry": row.key, **view.money(Money.from_minor(row.unapplied_minor, row.currency)),
         "received_on": row.received_on.isoformat(), "payer": row.payer, "reason": row.reason}
        for row in BankBook(ledger.engine).worklist(creditor, case.invoice.buyer.id)
        if row.kind == "payment"
    ]  # fmt: skip
    known = {payment["id"] for payment in result["payments"]}
    result["unapplied"] += [
        {"id": message.id, **view.money(message.amount), "received_on": message.received_on.isoformat()}
        for message in ledger.told(creditor, number)
        if isinstance(message, e.PaymentReceived) and message.id not in known
    ]
    return result


def _add_tasks(result: dict[str, Any], ledger: Ledger, case_id: str) -> None:
    """The ledger's tasks; for a closed case they alone say what is left to do."""
    waiting = ledger.tasks(case_id)
    listed = {task["id"] for task in result["tasks"]}
    if result["stage"] == "closed":
        for task in result["tasks"]:
            task["done"] = task["id"] not in {row.task for row in waiting}
    result["tasks"] += [
        {"id": row.task, "kind": row.kind, "text": row.text, "opened_at": row.opened_at.isoformat(),
         "done": False, "outcome": None}
        for row in waiting if row.task not in listed
    ]  # fmt: skip


def listed(row: Any) -> dict[str, Any]:
    """A case as lists show it, from its row in the ledger."""
    return {
        "invoice": row.number, "creditor": row.creditor, "buyer": row.buyer_id, "due": row.due.isoformat(),
        "stage": row.stage, "outcome": row.outcome,
        "outstanding": view.money(Money.from_minor(row.outstanding_minor, row.currency)), "on_hold": row.on_hold,
        "next": {"step": row.next_step, "at": row.next_at.isoformat()} if row.next_step else None,
    }  # fmt: skip
