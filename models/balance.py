"""What is owed: payments, reversals and credits, and what becomes of money that is too much."""

from datetime import datetime

from models import events as e
from models import tasks
from models.case import Case, Payment, Refused
from models.entry import entered
from models.money import Money


def _settled(case: Case) -> Case:
    """Balance from all payments and credits: payments go to principal in their order, the rest is unapplied."""
    left = case.invoice.amount - case.credited
    unapplied = []
    for payment in case.payments:
        if payment.reversed:
            continue
        if payment.amount.currency != case.currency:
            unapplied.append(payment)
            continue
        used = min(payment.amount, left)
        left = left - used
        if used != payment.amount:
            unapplied.append(payment.but(amount=payment.amount - used))
    return case.but(outstanding=left, unapplied=tuple(unapplied))


def payment_received(case: Case, event: e.PaymentReceived, at: datetime) -> Case:
    """Money came in. What is too much, or in another currency, stays unapplied, with a task."""
    payment = Payment(id=event.id, amount=event.amount, received_on=event.received_on.isoformat())
    before = case.outstanding
    case = _settled(case.but(payments=(*case.payments, payment)))
    if event.amount.currency != case.currency:
        text = f"{event.amount} received for an invoice in {case.currency}: convert or refund (payment {event.id})"
        return tasks.opened(case, "unapplied_cash", text, at)
    if event.amount > before:
        text = f"{event.amount - before} paid too much: refund or set off (payment {event.id})"
        case = tasks.opened(case, "unapplied_cash", text, at)
    if case.agency_mandate:
        text = f"report the direct payment of {event.amount} to the agency within 3 days (payment {event.id})"
        case = tasks.opened(case, "report_to_agency", text, at)
    if case.insurer_mandate:
        text = f"report the payment of {event.amount} to the insurer (payment {event.id})"
        case = tasks.opened(case, "report_to_insurer", text, at)
    return kept(case)


def kept(case: Case) -> Case:
    """A promise or plan that has been fulfilled no longer pauses the ladder."""
    if case.promise is not None and not case.paid < case.promise.paid_before + case.promise.amount:
        case = case.but(promise=None)
    if case.plan is not None:
        agreed = sum((i.amount for i in case.plan.agreed.instalments), Money.zero(case.currency))
        if not case.paid < case.plan.paid_before + agreed:
            case = case.but(plan=None)
    return case


def payment_reversed(case: Case, event: e.PaymentReversed, at: datetime) -> Case:
    """A payment was taken back; a closed case that is owed something again goes on where its age demands."""
    found = next((p for p in case.payments if p.id == event.payment), None)
    if found is None:
        known = ", ".join(p.id for p in case.payments) or "none"
        raise Refused(f"there is no payment {event.payment!r} to reverse (known: {known})")
    if found.reversed:
        raise Refused(f"payment {event.payment!r} is already reversed")
    payments = tuple(p.but(reversed=True) if p is found else p for p in case.payments)
    case = _settled(case.but(payments=payments))
    if case.closed and case.outstanding:
        outcome: e.Outcome | None = "written_off" if case.written_off else None
        case = entered(case.but(closed=False, outcome=outcome, reopened_at=at), at, "was reopened")
    return case


def credit_note_issued(case: Case, event: e.CreditNoteIssued, at: datetime) -> Case:
    """The invoice shrinks by a credit."""
    return kept(credited(case, event.amount, at))


def credited(case: Case, amount: Money, at: datetime) -> Case:
    """The invoice shrinks by `amount`; money that is too much then becomes unapplied."""
    in_currency(case, amount)
    open_before_payments = case.invoice.amount - case.credited
    if open_before_payments < amount:
        raise Refused(f"a credit of {amount} is more than the {open_before_payments} the invoice still stands for")
    before = case.unapplied
    case = _settled(case.but(credited=case.credited + amount))
    if case.unapplied != before:
        text = f"the credit of {amount} leaves money paid too much: refund or set off"
        case = tasks.opened(case, "unapplied_cash", text, at)
    return case


def in_currency(case: Case, amount: Money | None) -> None:
    """Refuse an amount that is not positive or not in the invoice's currency."""
    if amount is not None and amount.currency != case.currency:
        raise Refused(f"{amount} is not in the invoice's currency {case.currency}")
    if amount is not None and amount.amount <= 0:
        raise Refused(f"{amount} is not more than zero")
