"""Payments: received, allocated, paid back, taken back by the bank.

What they come to is in balance.py.
"""

from datetime import date, datetime, timedelta

from models import events as e
from models import ids, tasks
from models.allocation import COSTS_FIRST, Part
from models.balance import balanced, booked_through, in_currency, kept, unapplied_cash
from models.books import REST, debtor_day, designated, order_of_receipt
from models.case import Case, Refused
from models.credits import without_credits_of
from models.days import local_date, moment_of
from models.deadlines import moved, moved_back, watched_anew
from models.entry import entered
from models.policy import CORRECTION, DUNNING
from models.records import Payment


def payment_received(case: Case, event: e.PaymentReceived, at: datetime) -> Case:
    """Money came in. What is too much, or in another currency, stays unapplied, with a task."""
    today = debtor_day(case.invoice, at)
    order = _order(case, event.designation, min(event.received_on, today))
    payment = Payment(
        id=event.id, amount=event.amount, received_on=event.received_on.isoformat(), order=order,
        counts_on=today.isoformat() if event.received_on > today else None,
    )  # fmt: skip
    before = unapplied_cash(case)
    if event.amount.currency != case.currency:
        case = balanced(case.but(payments=(*case.payments, payment)))
        text = (
            f"{event.amount} received for an invoice in {case.currency} (payment {event.id}): say what it counts for "
            "(`arrears allocate --payment … --rate …`), or refund it"
        )
        return tasks.opened(case, "unapplied_cash", text, at, about=event.id)
    case = booked_through(case.but(payments=(*case.payments, payment)), payment.day, at)
    over = unapplied_cash(case)
    if before < over:
        text = (
            f"{over - before} paid too much (payment {event.id}): refund it or set it off (`arrears refund`, `set-off`)"
        )
        case = tasks.opened(case, "unapplied_cash", text, at, about=event.id)
    if event.designation is not None and order[0] != event.designation and case.claim is not None:
        text = (
            f"payment {event.id} is designated to {event.designation}, which the law of the case leaves to us: it "
            f"settled {order[0]} first; to accept the designation, use `arrears allocate --first {event.designation}`"
        )
        case = tasks.opened(case, "designation", text, at, about=event.id)
    case = _crossed(case, event, at)
    if case.outstanding:
        day = payment.day if case.rules_version > 2 else event.received_on
        case = moved(case, "part_payment", day, _proof(event.id))
    if case.agency_mandate:
        text = f"report the direct payment of {event.amount} to the agency within 3 days (payment {event.id})"
        case = tasks.opened(case, "report_to_agency", text, at)
    if case.insurer_mandate:
        text = f"report the payment of {event.amount} to the insurer (payment {event.id})"
        case = tasks.opened(case, "report_to_insurer", text, at)
    return kept(case, at)


def _order(case: Case, designation: Part | None, day: date) -> tuple[Part, ...]:
    return order_of_receipt(case.invoice, case, designation, day if case.rules_version > 3 else None)


def _crossed(case: Case, event: e.PaymentReceived, at: datetime) -> Case:
    """A payment that the bank had when we wrote, and that we heard of after: the debtor gets a letter of correction."""
    if not case.policy.corrections:
        return case
    letters = [d for d in case.performed if d.notice is not None and d.kind in DUNNING and d.performed_at <= at]
    crossed = letters and event.received_on <= debtor_day(case.invoice, letters[-1].performed_at)
    told = crossed and any(d.step == CORRECTION and d.performed_at >= letters[-1].performed_at for d in case.duties)
    return case.but(crossed=event.id) if crossed and not told else case


def payment_allocated(case: Case, event: e.PaymentAllocated, at: datetime) -> Case:
    """An operator decided what a payment settles first, or what a foreign amount counts for."""
    found = _payment(case, event.payment)
    if event.counts_as is not None:
        in_currency(case, event.counts_as)
        if found.amount.currency == case.currency:
            raise Refused(f"payment {found.id!r} is in the invoice's currency: it counts for what it is")
        if found.returned is not None:
            raise Refused(f"payment {found.id!r} was paid back: it counts for nothing")
        found = found.but(counts_as=event.counts_as, order=_order(case, None, found.day))
    if event.first is not None:
        if case.claim is None:
            raise Refused("no interest or costs are claimed in this case: every payment settles principal")
        law = case.law.jurisdiction.allocation.order if case.law else COSTS_FIRST
        found = found.but(order=designated(event.first, law))
        case = tasks.settled(case, "designation", found.id, at, "decided")
    before = unapplied_cash(case)
    case = case.but(payments=tuple(found if p.id == found.id else p for p in case.payments))
    case = booked_through(case, found.day, at)
    if event.counts_as is not None:
        case = tasks.settled(case, "unapplied_cash", found.id, at, f"counts as {event.counts_as}")
        over = unapplied_cash(case)
        if before < over:
            text = f"{over - before} paid too much (payment {found.id}): refund it or set it off"
            case = tasks.opened(case, "unapplied_cash", text, at, about=found.id)
    return kept(case, at)


def refunded(case: Case, event: e.Refunded, at: datetime) -> Case:
    """Unapplied money was paid back, or set off against another invoice; it may also leave a closed case."""
    found = _payment(case, event.payment)
    free = next((p.amount for p in case.unapplied if p.id == event.payment), None)
    if free is None:
        raise Refused(f"nothing of payment {event.payment!r} is unapplied: all of it settles this invoice")
    if event.amount.currency != free.currency or free < event.amount:
        raise Refused(f"{free} of payment {event.payment!r} is unapplied; {event.amount} cannot be taken from it")
    if free.currency != case.currency and event.amount != free:
        raise Refused(
            f"of a payment in another currency all is paid back ({free}), or what it counts for is said first"
        )
    returned = event.amount if found.returned is None else found.returned + event.amount
    payments = tuple(p.but(returned=returned) if p is found else p for p in case.payments)
    case = balanced(case.but(payments=payments))
    if any(p.id == event.payment for p in case.unapplied):
        return case
    return tasks.settled(
        case, "unapplied_cash", event.payment, at, f"set off against {event.to}" if event.to else "refunded"
    )


def payment_reversed(case: Case, event: e.PaymentReversed, at: datetime) -> Case:
    """A payment was taken back: what was sent stays credited, and the debtor gets time before the next step.

    A closed case that is owed something again goes on where its age demands.
    """
    found = _payment(case, event.payment, "reverse")
    payments = tuple(p.but(reversed=True) if p is found else p for p in case.payments)
    # What was let go because all seemed paid is owed again.
    waivers = tuple(w for w in case.waivers if w.id != REST)
    claim = case.claim.but(until=None) if case.claim and waivers != case.waivers else case.claim
    case = case.but(payments=payments, short=None, waivers=waivers, claim=claim)
    if case.rules_version > 2:
        case = _agreed_without(case, found)
        case = moved_back(without_credits_of(case, found.id), _proof(found.id), at)
    case = tasks.settled(balanced(case), "unapplied_cash", found.id, at, "reversed")
    if case.rules_version > 2:
        case = _applied_after_all(case, at)
    if found.returned is not None:
        text = (
            f"payment {found.id} was taken back, but {found.returned} of it had been paid back or set off: claim that"
        )
        case = tasks.opened(case, "paid_back_twice", text, at, about=found.id)
    if not case.outstanding:
        return case
    closed = case.closed
    if closed:
        case = watched_anew(case, at)
    outcome: e.Outcome | None = "written_off" if case.written_off else None
    case = case.but(closed=False, outcome=outcome) if closed else case
    if case.rules_version < 2:
        return entered(case.but(reopened_at=at), at, "was reopened") if closed else case
    grace = moment_of(case, local_date(case, at) + timedelta(days=case.policy.grace_period))
    goes_on = max(grace, at) if case.policy.grace_period else at
    return entered(case.but(fresh_at=at, reopened_at=goes_on), goes_on, "went on after a reversed payment")


def _agreed_without(case: Case, payment: Payment) -> Case:
    """Money of before a promise or plan keeps neither; taken back, it must not break them, either."""
    value = payment.value(case.currency)
    if value is None:
        return case
    promise, plan, told = case.promise, case.plan, list(case.applied)

    def before(message: e.Message) -> bool:
        mine = ids.message_id("payment_received", payment.id)
        return mine in told and message.update_id in told and told.index(mine) < told.index(message.update_id)

    if promise is not None and before(promise.made):
        case = case.but(promise=promise.but(paid_before=promise.paid_before - value))
    if plan is not None and before(plan.agreed):
        case = case.but(plan=plan.but(paid_before=plan.paid_before - value))
    return case


def _applied_after_all(case: Case, at: datetime) -> Case:
    """Money that was too much, and is needed now that another payment was taken back, is not to be given back."""
    free = {payment.id for payment in case.unapplied}
    for payment in case.payments:
        if payment.id not in free and not payment.reversed:
            case = tasks.settled(case, "unapplied_cash", payment.id, at, "settles the invoice after all")
    return case


def _proof(payment: str) -> str:
    return f"payment {payment}"


def _payment(case: Case, reference: str, verb: str = "decide on") -> Payment:
    found = next((p for p in case.payments if p.id == reference), None)
    if found is None:
        known = ", ".join(p.id for p in case.payments) or "none"
        raise Refused(f"there is no payment {reference!r} to {verb} (known: {known})")
    if found.reversed:
        raise Refused(f"payment {reference!r} is already reversed")
    return found
