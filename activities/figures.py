"""The figures of a case on one day, as every letter, statement and claim shows them.

What they come to is reckoned in models/books.py; what they look like on paper is in wording.py.
"""

from dataclasses import dataclass
from datetime import date, datetime

from models.books import cash_unapplied, debtor_day, late_charges
from models.interest import InterestStatement, contract_interest
from models.invoice import Invoice
from models.money import Money
from models.orders import StepOrder
from models.records import Payment


@dataclass(frozen=True, slots=True)
class Figures:
    """What is owed, since when, and what it cost so far.

    `demanded` is the undisputed part of what is outstanding, with the interest and costs that are claimed.
    """

    today: date
    days_overdue: int
    """Calendar days since the contractual due date; negative before it."""
    original: Money
    credited: Money
    paid: Money
    outstanding: Money
    disputed: Money
    demanded: Money
    interest: InterestStatement | None
    """The interest on the undisputed part, today included; None where none is agreed or claimed."""
    per_day: Money | None
    """What the interest grows by each further day."""
    costs: Money | None = None
    """What is open of the fixed compensation that is claimed; None if nothing is."""
    compensation: Money | None = None
    """All of the fixed compensation that is claimed, paid or not."""
    claims_interest: bool = False
    """Whether interest and costs are part of `demanded`; else the late fee is stated, not included."""
    unverified: tuple[str, ...] = ()
    """The sources of figures of the law that were not checked."""
    notes: tuple[str, ...] = ()
    """What has to be said about the interest, e.g. which days are left out as nobody knows the rate."""


def figures_on(order: StepOrder, invoice: Invoice, at: datetime) -> Figures:
    """The figures at the instant `at`, on the calendar day it is where the debtor is."""
    today = debtor_day(invoice, at)
    if order.claims_interest or order.claim is not None:
        return _claimed(order, invoice, today)
    nothing = Money.zero(invoice.amount.currency)
    interest = per_day = None
    if invoice.late_fee is not None:
        received = [(p.day, p.amount) for p in applied(order, invoice)]
        undisputed = invoice.amount - order.credited - order.disputed
        interest = contract_interest(undisputed, invoice.due, today, invoice.late_fee, received)
        per_day = invoice.late_fee.on(order.pursued, 1)
    return Figures(
        today=today, days_overdue=(today - invoice.due).days, original=invoice.amount, credited=order.credited,
        paid=max(invoice.amount - order.credited - order.outstanding, nothing), outstanding=order.outstanding,
        disputed=order.disputed, demanded=order.pursued, interest=interest, per_day=per_day,
    )  # fmt: skip


def _claimed(order: StepOrder, invoice: Invoice, today: date) -> Figures:
    """With interest and costs claimed: on the undisputed part, up to today."""
    whole = late_charges(invoice, order, today)
    claim = late_charges(invoice, order, today, without=order.disputed) if order.disputed else whole
    nothing = Money.zero(invoice.amount.currency)
    received = sum((payment.amount for payment in applied(order, invoice)), nothing)
    statement = claim.statement
    bearing = statement.but(segments=tuple(segment for segment in statement.segments if segment.fee.percent))
    accruing = [segment for segment in claim.statement.segments if segment.end == today and segment.amount]
    left_out = claim.left_out_from
    return Figures(
        today=today, days_overdue=(today - invoice.due).days, original=invoice.amount, credited=order.credited,
        paid=received - cash_unapplied(whole), outstanding=whole.total, disputed=whole.total - claim.total,
        demanded=claim.total, interest=bearing,
        per_day=accruing[-1].fee.on(claim.statement.owed.principal, 1) if accruing else None,
        costs=statement.owed.costs or None, compensation=claim.compensation or None, claims_interest=True,
        unverified=claim.unverified,
        notes=(f"Interest from {left_out} on is reserved; it is not included.",) if left_out else (),
    )  # fmt: skip


def applied(order: StepOrder, invoice: Invoice) -> list[Payment]:
    """The payments that count, each with what it brings in the invoice's currency: not reversed, and converted."""
    found = []
    for payment in order.payments:
        value = None if payment.reversed else payment.value(invoice.amount.currency)
        if value:
            found.append(payment.but(amount=value))
    return found
