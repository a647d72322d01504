"""What is owed: the balance of a case from everything that is booked, and what follows from it.

What the entries come to, with interest and costs where they are claimed, is reckoned in books.py; what changes them is
in payments.py and credits.py.
"""

from datetime import date, datetime

from models import events as e
from models import tasks
from models.allocation import Owed
from models.books import cash_unapplied, late_charges
from models.case import Case, Refused
from models.deadlines import with_deadlines
from models.money import Money
from models.records import InterestClaim, Payment, Settled, SettledKind, SettledOutcome


def opening_balance(amount: Money) -> Owed:
    """What is owed when a case opens."""
    zero = Money.zero(amount.currency)
    return Owed.assembled(costs=zero, interest=zero, principal=amount)


def balanced(case: Case) -> Case:
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


def unapplied_cash(case: Case) -> Money:
    """The unapplied money in the invoice's currency."""
    amounts = (p.amount for p in case.unapplied if p.amount.currency == case.currency)
    return sum(amounts, Money.zero(case.currency))


def claimed(case: Case, on: date, at: datetime) -> Case:
    """Interest and costs are claimed, booked up to and including a day; what had been paid by then was principal."""
    if case.claim is None:
        case = case.but(claim=InterestClaim(since=on, through=on))
    return booked_through(case, on, at)


def booked_through(case: Case, day: date, at: datetime) -> Case:
    """The balance, interest booked up to a day; a rate that nobody knows leaves it out, with a task."""
    if case.claim is None:
        return balanced(case)
    case = balanced(case.but(claim=case.claim.but(through=max(case.claim.through, day))))
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
    return with_deadlines(booked_through(case, case.claim.through, at) if case.claim else case)


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
    small = any(t.currency == case.currency and case.outstanding <= t for t in case.policy.tolerance)
    return case.outstanding if small and case.outstanding and case.paid else None


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
