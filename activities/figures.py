"""The figures of a case on one day, as every letter, statement and claim shows them.

What they look like on paper is in wording.py.
"""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from models.case import Payment
from models.interest import InterestStatement, contract_interest
from models.invoice import Invoice
from models.money import Money
from models.orders import StepOrder


@dataclass(frozen=True, slots=True)
class Figures:
    """What is owed, since when, and what it cost so far.

    `demanded` is the undisputed part of what is outstanding.
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
    """The contract's late fee on the undisputed part, today included; None where none is agreed."""
    per_day: Money | None
    """What the late fee grows by each further day."""
    costs: Money | None = None
    """The fixed compensation claimed, if any."""
    claims_interest: bool = False
    """Whether interest and costs are part of `demanded`; otherwise they are stated, not included."""


def figures_on(order: StepOrder, invoice: Invoice, at: datetime) -> Figures:
    """The figures at the instant `at`, on the calendar day it is where the debtor is."""
    today = local_day(at, invoice.buyer.contact.timezone)
    nothing = Money.zero(invoice.amount.currency)
    interest = per_day = None
    if invoice.late_fee is not None:
        received = [(date.fromisoformat(p.received_on), p.amount) for p in applied(order, invoice)]
        undisputed = invoice.amount - order.credited - order.disputed
        interest = contract_interest(undisputed, invoice.due, today, invoice.late_fee, received)
        per_day = invoice.late_fee.on(order.pursued, 1)
    return Figures(
        today=today, days_overdue=(today - invoice.due).days, original=invoice.amount,
        credited=order.credited,
        paid=max(invoice.amount - order.credited - order.outstanding, nothing), outstanding=order.outstanding,
        disputed=order.disputed, demanded=order.pursued, interest=interest, per_day=per_day,
    )  # fmt: skip


def applied(order: StepOrder, invoice: Invoice) -> list[Payment]:
    """The payments that count: not reversed, and in the invoice's currency."""
    return [p for p in order.payments if not p.reversed and p.amount.currency == invoice.amount.currency]


def local_day(at: datetime, zone: str) -> date:
    """The calendar day of an instant in a time zone; in UTC if nobody knows the zone."""
    return at.astimezone(_zone(zone)).date()


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")
