"""The books of a case: what its invoice, payments, credits and waivers come to, with interest where that is claimed.

One function gives the statement that letters, dossiers, claims, `show` and the API print, and from which the case
takes what is owed (balance.py). What messages change is in payments.py and credits.py.
"""

from datetime import date, datetime
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from models.allocation import COSTS_FIRST, PRINCIPAL_FIRST, Part
from models.interest import Receipt
from models.invoice import Invoice
from models.law import CaseLaw
from models.money import Money
from models.records import Credit, InterestClaim, Payment, Waiver
from models.statutory_interest import Claim, late_payment_claim

REST = "rest"
"""The id of the waiver that a policy makes by itself, once as much as the invoice was for is paid."""
WAIVED: tuple[Part, ...] = ("interest", "costs")
LET_GO: tuple[Part, ...] = ("principal",)
"""What a policy lets go besides, where payments of as much as the invoice was for settled interest and costs first."""


class Entries(Protocol):
    """What is booked in a case."""

    @property
    def law(self) -> CaseLaw | None:
        """Whose law holds."""

    @property
    def payments(self) -> tuple[Payment, ...]:
        """The payments, reversed ones included."""

    @property
    def credits(self) -> tuple[Credit, ...]:
        """Credit notes, set-off, goods in lieu."""

    @property
    def waivers(self) -> tuple[Waiver, ...]:
        """Interest and costs given up."""

    @property
    def claim(self) -> InterestClaim | None:
        """Whether interest and costs are claimed."""


def debtor_day(invoice: Invoice, at: datetime) -> date:
    """The calendar day of an instant where the debtor is (in UTC if nobody knows the zone); interest counts by it."""
    return at.astimezone(_zone(invoice.buyer.contact.timezone)).date()


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def corrected(invoice: Invoice, entries: Entries) -> Money:
    """What the invoice was for once its credit notes are taken off: they correct it from the beginning."""
    notes = (credit.amount for credit in entries.credits if credit.kind == "credit_note")
    return invoice.amount - sum(notes, Money.zero(invoice.amount.currency))


def receipts(invoice: Invoice, entries: Entries) -> list[Receipt]:
    """Everything that settles the debt, each with what it settles first."""
    currency = invoice.amount.currency
    let_go = any(waiver.principal_first for waiver in entries.waivers)
    found = []
    for payment in entries.payments:
        value = None if payment.reversed else payment.value(currency)
        if value:
            order = PRINCIPAL_FIRST if let_go else payment.order
            found.append(Receipt(payment.day, value, order))
    found += [
        Receipt(date.fromisoformat(credit.on), credit.amount, PRINCIPAL_FIRST)
        for credit in entries.credits
        if credit.kind != "credit_note"
    ]
    for waiver in entries.waivers:
        day, principal = date.fromisoformat(waiver.on), waiver.principal or Money.zero(currency)
        found += [Receipt(day, waiver.amount - principal, WAIVED), Receipt(day, principal, LET_GO)]
    return [receipt for receipt in found if receipt.amount]


def late_charges(invoice: Invoice, entries: Entries, as_of: date, without: Money | None = None) -> Claim:
    """What is owed on a day, with the interest and costs of the law or the contract: the statement of the case.

    Args:
        invoice: The invoice; its contractual due date counts, and its late fee before the law's rate.
        entries: What is booked.
        as_of: The last day counted. Days without a known rate are left out, visibly.
        without: A part of the principal that is left aside, as it is disputed.
    """
    principal = corrected(invoice, entries)
    if without is not None:
        principal = principal - min(without, principal)
    return late_payment_claim(
        principal, invoice.due, as_of, entries.law.jurisdiction if entries.law else None, invoice.late_fee,
        receipts(invoice, entries), until=entries.claim.until if entries.claim else None, leave_out=True,
    )  # fmt: skip


def cash_unapplied(claim: Claim) -> Money:
    """What was paid beyond the debt; a waiver of more than was owed is no money."""
    waived = (a.allocation.unapplied for a in claim.statement.applied if a.order in (WAIVED, LET_GO))
    return claim.statement.unapplied - sum(waived, Money.zero(claim.principal.currency))


def order_of_receipt(
    invoice: Invoice, entries: Entries, designation: Part | None, day: date | None = None
) -> tuple[Part, ...]:
    """What a payment settles first: the contract's order, else the law's (e.g. BGB § 367).

    Nothing but principal is owed while no interest is claimed; what came on a `day` before the claim settled principal,
    whenever we hear of it. The debtor's designation counts where the law lets the debtor say so
    (`debtor_may_designate`).
    """
    claim = entries.claim
    if claim is None or claim.until is not None or invoice.allocation == "principal_first":
        return PRINCIPAL_FIRST
    if day is not None and day < claim.since:
        return PRINCIPAL_FIRST
    if entries.law is None:
        return COSTS_FIRST
    rule = entries.law.jurisdiction.allocation
    if designation is not None and rule.debtor_may_designate:
        return designated(designation, rule.order)
    return rule.order


def designated(first: Part, order: tuple[Part, ...]) -> tuple[Part, ...]:
    """An order with one part moved to its front."""
    return (first, *(part for part in order if part != first))
