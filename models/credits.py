"""Credits and waivers: what reduces the debt besides money.

What they come to is in balance.py.
"""

from datetime import date, datetime

from models import events as e
from models import tasks
from models.balance import balanced, booked_through, in_currency, kept, unapplied_cash
from models.books import REST, debtor_day
from models.case import Case, Refused
from models.money import Money
from models.records import Credit, Waiver


def credit_note_issued(case: Case, event: e.CreditNoteIssued, at: datetime) -> Case:
    """The debt shrinks by a credit note, a set-off, or goods in lieu."""
    if any(payment.id == event.payment and payment.reversed for payment in case.payments):
        raise Refused(f"payment {event.payment!r}, with which it goes, was taken back")
    credit = credited(case, event.id, event.kind, event.amount, event.issued_on, at, event.payment)
    return kept(credit, at)


def credited(
    case: Case, reference: str, kind: e.CreditKind, amount: Money, on: date | None, at: datetime,
    payment: str | None = None,
) -> Case:  # fmt: skip
    """The debt shrinks by `amount`; money that is too much then becomes unapplied."""
    in_currency(case, amount)
    stands_for = case.invoice.amount - case.credited
    if stands_for < amount:
        raise Refused(f"a credit of {amount} is more than the {stands_for} the invoice still stands for")
    before = unapplied_cash(case)
    today = debtor_day(case.invoice, at)
    day = min(on or today, today)
    credit = Credit(id=reference, kind=kind, amount=amount, on=day.isoformat(), payment=payment)
    case = booked_through(case.but(credits=(*case.credits, credit), credited=case.credited + amount), day, at)
    over = unapplied_cash(case)
    if before < over:
        text = f"the credit of {amount} leaves {over - before} paid too much: refund it or set it off"
        case = tasks.opened(case, "unapplied_cash", text, at, about=case.unapplied[-1].id)
    return case


def without_credits_of(case: Case, payment: str) -> Case:
    """What came with a payment (a discount, charges borne) is owed again, as the payment is."""
    left = tuple(credit for credit in case.credits if credit.payment != payment)
    if left == case.credits:
        return case
    return case.but(credits=left, credited=sum((credit.amount for credit in left), Money.zero(case.currency)))


def interest_waived(case: Case, event: e.InterestWaived, at: datetime) -> Case:
    """Claimed interest and costs are given up: a part, or all and what would still accrue."""
    if not event.by.strip():
        raise Refused("a waiver needs a name: who waives?")
    in_currency(case, event.amount)
    # What has accrued since it was last booked is given up with the rest.
    case = booked_through(case, debtor_day(case.invoice, at), at)
    extra = case.owed.interest + case.owed.costs
    if case.claim is None or not extra:
        raise Refused("no interest or costs are claimed that could be waived")
    if event.amount is not None and extra < event.amount:
        raise Refused(f"{event.amount} is more than the {extra} claimed as interest and costs")
    return kept(_waived(case, event.id, event.amount or extra, event.amount is None, event.by, event.reason, at), at)


def rest_waived(case: Case, _: e.RestWaived, at: datetime) -> Case:
    """The policy lets interest and costs go, as much as the invoice was for being paid: all of that was principal."""
    case = booked_through(case, debtor_day(case.invoice, at), at)
    by = f"policy {case.policy.id} version {case.policy.version}"
    why = "as much as the invoice was for is paid"
    nothing = Money.zero(case.currency)
    principal_paid = _waived(case, REST, nothing, True, by, why, at, principal_first=True)
    if unapplied_cash(case) < unapplied_cash(principal_paid):
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
    return balanced(case.but(waivers=(*case.waivers, waiver), claim=claim))


def short_settled(case: Case, event: e.ShortSettled, at: datetime) -> Case:
    """What little is left is let go, booked as a shortfall."""
    return balanced(case.but(short=event.amount))
