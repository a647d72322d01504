"""What is owed: payments, reversals, credits and waivers, and what becomes of money that is too much.

What the entries come to, with interest and costs where they are claimed, is reckoned in books.py.
"""

from datetime import date, datetime, timedelta

from models import events as e
from models import tasks
from models.allocation import COSTS_FIRST, Owed
from models.books import REST, cash_unapplied, debtor_day, designated, late_charges, order_of_receipt
from models.case import Case, Refused
from models.days import local_date, moment_of
from models.deadlines import moved, watched_anew, with_deadlines
from models.entry import entered
from models.money import Money
from models.policy import CORRECTION, DUNNING
from models.records import Credit, InterestClaim, Payment, Settled, SettledKind, SettledOutcome, Waiver


def opening_balance(amount: Money) -> Owed:
    """What is owed when a case opens."""
    zero = Money.zero(amount.currency)
    return Owed.assembled(costs=zero, interest=zero, principal=amount)


def _settled(case: Case) -> Case:
    """The balance from everything that is booked: what is still owed, and which money is applied to nothing."""
    if case.claim is None:
        left, too_much = _principal_only(case)
        owed = opening_balance(left)
    else:
        claim = late_charges(case.invoice, case, case.claim.through)
        owed, too_much = claim.statement.owed, cash_unapplied(claim)
        case = case.but(claim=case.claim.but(left_out_from=claim.left_out_from))
    if case.short is not None:
        owed = opening_balance(Money.zero(case.currency))
    return case.but(owed=owed, outstanding=owed.total, unapplied=_unapplied(case, too_much))


def _principal_only(case: Case) -> tuple[Money, Money]:
    left = case.invoice.amount - case.credited - case.paid
    nothing = Money.zero(case.currency)
    return (left, nothing) if left.amount >= 0 else (nothing, nothing - left)


def _unapplied(case: Case, too_much: Money) -> tuple[Payment, ...]:
    """The payments, or what is left of them, that are applied to nothing: of what is too much, the last ones."""
    found = []
    for payment in reversed(case.payments):
        value = payment.value(case.currency)
        if payment.reversed:
            continue
        if value is None:
            if payment.returned != payment.amount:
                found.append(payment)
        elif too_much and value:
            rest = min(value, too_much)
            too_much = too_much - rest
            found.append(payment.but(amount=rest))
    return tuple(reversed(found))


def _over(case: Case) -> Money:
    """The unapplied money in the invoice's currency."""
    amounts = (p.amount for p in case.unapplied if p.amount.currency == case.currency)
    return sum(amounts, Money.zero(case.currency))


def claimed(case: Case, on: date, at: datetime) -> Case:
    """Interest and costs are claimed, booked up to and including a day; what had been paid by then was principal."""
    if case.claim is None:
        case = case.but(claim=InterestClaim(since=on, through=on))
    return _booked_through(case, on, at)


def _booked_through(case: Case, day: date, at: datetime) -> Case:
    """The balance, interest booked up to a day; a rate that nobody knows leaves it out, with a task."""
    if case.claim is None:
        return _settled(case)
    case = _settled(case.but(claim=case.claim.but(through=max(case.claim.through, day))))
    missing = case.claim.left_out_from if case.claim else None
    for task in [t for t in case.tasks if t.kind == "missing_rate" and t.about != str(missing)]:
        case = tasks.settled(case, "missing_rate", str(task.about), at, "the rate is known")
    if missing is None or any(t.kind == "missing_rate" and t.about == str(missing) for t in case.tasks):
        return case
    where = f"{case.law.code} has no rate" if case.law else "neither the contract nor a jurisdiction gives a rate"
    text = (
        f"{where} for the days from {missing} on: their interest is left out. Add the rate to policies/rates/ in the "
        "data folder, or the contract's rate to the invoice"
    )
    return tasks.opened(case, "missing_rate", text, at, about=str(missing))


def law_updated(case: Case, event: e.LawUpdated, at: datetime) -> Case:
    """The tables reach further: what was left out for want of a rate is booked."""
    case = case.but(law=event.law)
    return with_deadlines(_booked_through(case, case.claim.through, at) if case.claim else case)


# --- money ----------------------------------------------------------------------------------------------------


def payment_received(case: Case, event: e.PaymentReceived, at: datetime) -> Case:
    """Money came in. What is too much, or in another currency, stays unapplied, with a task."""
    order = order_of_receipt(case.invoice, case, event.designation)
    today = debtor_day(case.invoice, at)
    payment = Payment(
        id=event.id, amount=event.amount, received_on=event.received_on.isoformat(), order=order,
        counts_on=today.isoformat() if event.received_on > today else None,
    )  # fmt: skip
    before = _over(case)
    if event.amount.currency != case.currency:
        case = _settled(case.but(payments=(*case.payments, payment)))
        text = (
            f"{event.amount} received for an invoice in {case.currency} (payment {event.id}): say what it counts for "
            "(`arrears allocate --payment … --rate …`), or refund it"
        )
        return tasks.opened(case, "unapplied_cash", text, at, about=event.id)
    case = _booked_through(case.but(payments=(*case.payments, payment)), payment.day, at)
    over = _over(case)
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
        case = moved(case, "part_payment", event.received_on, f"payment {event.id}")
    if case.agency_mandate:
        text = f"report the direct payment of {event.amount} to the agency within 3 days (payment {event.id})"
        case = tasks.opened(case, "report_to_agency", text, at)
    if case.insurer_mandate:
        text = f"report the payment of {event.amount} to the insurer (payment {event.id})"
        case = tasks.opened(case, "report_to_insurer", text, at)
    return kept(case, at)


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
        found = found.but(counts_as=event.counts_as, order=order_of_receipt(case.invoice, case, None))
    if event.first is not None:
        if case.claim is None:
            raise Refused("no interest or costs are claimed in this case: every payment settles principal")
        law = case.law.jurisdiction.allocation.order if case.law else COSTS_FIRST
        found = found.but(order=designated(event.first, law))
        case = tasks.settled(case, "designation", found.id, at, "decided")
    before = _over(case)
    case = case.but(payments=tuple(found if p.id == found.id else p for p in case.payments))
    case = _booked_through(case, found.day, at)
    if event.counts_as is not None:
        case = tasks.settled(case, "unapplied_cash", found.id, at, f"counts as {event.counts_as}")
        over = _over(case)
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
    case = _settled(case.but(payments=payments))
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
    credits = tuple(c for c in case.credits if c.payment != found.id)
    fallen = sum((c.amount for c in case.credits if c.payment == found.id), Money.zero(case.currency))
    case = case.but(payments=payments, credits=credits, credited=case.credited - fallen)
    case = _settled(case.but(short=None, waivers=waivers, claim=claim))
    case = tasks.settled(case, "unapplied_cash", found.id, at, "reversed")
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


def _payment(case: Case, reference: str, verb: str = "decide on") -> Payment:
    found = next((p for p in case.payments if p.id == reference), None)
    if found is None:
        known = ", ".join(p.id for p in case.payments) or "none"
        raise Refused(f"there is no payment {reference!r} to {verb} (known: {known})")
    if found.reversed:
        raise Refused(f"payment {reference!r} is already reversed")
    return found


# --- credits and waivers --------------------------------------------------------------------------------------


def credit_note_issued(case: Case, event: e.CreditNoteIssued, at: datetime) -> Case:
    """The debt shrinks by a credit note, a set-off, or goods in lieu."""
    if event.payment is not None:
        _payment(case, event.payment, "grant a credit for")
    return kept(credited(case, event.id, event.kind, event.amount, event.issued_on, at, event.payment), at)


def credited(
    case: Case, reference: str, kind: e.CreditKind, amount: Money, on: date | None, at: datetime,
    payment: str | None = None,
) -> Case:  # fmt: skip
    """The debt shrinks by `amount`; money that is too much then becomes unapplied."""
    in_currency(case, amount)
    stands_for = case.invoice.amount - case.credited
    if stands_for < amount:
        raise Refused(f"a credit of {amount} is more than the {stands_for} the invoice still stands for")
    before = _over(case)
    today = debtor_day(case.invoice, at)
    day = min(on or today, today)
    credit = Credit(id=reference, kind=kind, amount=amount, on=day.isoformat(), payment=payment)
    case = _booked_through(case.but(credits=(*case.credits, credit), credited=case.credited + amount), day, at)
    over = _over(case)
    if before < over:
        text = f"the credit of {amount} leaves {over - before} paid too much: refund it or set it off"
        case = tasks.opened(case, "unapplied_cash", text, at, about=case.unapplied[-1].id)
    return case


def interest_waived(case: Case, event: e.InterestWaived, at: datetime) -> Case:
    """Claimed interest and costs are given up: a part, or all and what would still accrue."""
    if not event.by.strip():
        raise Refused("a waiver needs a name: who waives?")
    in_currency(case, event.amount)
    # What has accrued since it was last booked is given up with the rest.
    case = _booked_through(case, debtor_day(case.invoice, at), at)
    extra = case.owed.interest + case.owed.costs
    if case.claim is None or not extra:
        raise Refused("no interest or costs are claimed that could be waived")
    if event.amount is not None and extra < event.amount:
        raise Refused(f"{event.amount} is more than the {extra} claimed as interest and costs")
    return kept(_waived(case, event.id, event.amount or extra, event.amount is None, event.by, event.reason, at), at)


def rest_waived(case: Case, _: e.RestWaived, at: datetime) -> Case:
    """The policy lets interest and costs go, as much as the invoice was for being paid: all of that was principal."""
    case = _booked_through(case, debtor_day(case.invoice, at), at)
    by = f"policy {case.policy.id} version {case.policy.version}"
    why = "as much as the invoice was for is paid"
    nothing = Money.zero(case.currency)
    principal_paid = _waived(case, REST, nothing, True, by, why, at, principal_first=True)
    if _over(case) < _over(principal_paid):
        # More came in than principal, interest and costs would have been so: nothing is given back for it.
        return _waived(case, REST, case.outstanding, True, by, why, at, principal=case.owed.principal)
    return _waived(case, REST, principal_paid.outstanding, True, by, why, at, principal_first=True)


def _waived(
    case: Case, reference: str, amount: Money, all_of_it: bool, by: str, reason: str, at: datetime,
    principal_first: bool = False, principal: Money | None = None,
) -> Case:  # fmt: skip
    today = debtor_day(case.invoice, at)
    waiver = Waiver(
        id=reference, amount=amount, on=today.isoformat(), by=by, reason=reason, principal_first=principal_first,
        principal=principal,
    )  # fmt: skip
    claim = case.claim
    if claim is not None and all_of_it:
        claim = claim.but(until=today, through=max(claim.through, today))
    return _settled(case.but(waivers=(*case.waivers, waiver), claim=claim))


def short_settled(case: Case, event: e.ShortSettled, at: datetime) -> Case:
    """What little is left is let go, booked as a shortfall."""
    return _settled(case.but(short=event.amount))


# --- what follows ---------------------------------------------------------------------------------------------


def kept(case: Case, at: datetime) -> Case:
    """A promise or plan that has been fulfilled no longer pauses the ladder."""
    promise, plan = case.promise, case.plan
    if promise is not None and not case.paid < promise.paid_before + promise.amount:
        case = over(case.but(promise=None), "promise", promise.made.id, "kept", promise.amount, at)
    if plan is not None:
        agreed = sum((i.amount for i in plan.agreed.instalments), Money.zero(case.currency))
        if not case.paid < plan.paid_before + agreed or not case.outstanding:
            case = over(case.but(plan=None), "plan", plan.name, "kept", agreed, at)
    return case


def over(case: Case, kind: SettledKind, reference: str, outcome: SettledOutcome, amount: Money, at: datetime) -> Case:
    """A dispute, promise or plan is over; how it ended is kept."""
    settled = Settled(kind=kind, id=reference, outcome=outcome, at=at, amount=amount)
    return case.but(settled=(*case.settled, settled))


def shortfall(case: Case) -> Money | None:
    """What little is left, if the policy's tolerance lets it go: something must have been paid."""
    if not case.outstanding or not case.paid:
        return None
    small = any(t.currency == case.currency and case.outstanding <= t for t in case.policy.tolerance)
    return case.outstanding if small else None


def rest(case: Case) -> Money | None:
    """Interest and costs that the policy waives, as much as the invoice was for being paid or credited."""
    policy = case.policy.claim_interest
    if case.claim is None or policy is None or policy.rest != "waive" or not case.outstanding:
        return None
    return case.outstanding if not case.paid + case.credited < case.invoice.amount else None


def in_currency(case: Case, amount: Money | None) -> None:
    """Refuse an amount that is not positive or not in the invoice's currency."""
    if amount is not None and amount.currency != case.currency:
        raise Refused(f"{amount} is not in the invoice's currency {case.currency}")
    if amount is not None and amount.amount <= 0:
        raise Refused(f"{amount} is not more than zero")
