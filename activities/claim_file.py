"""The claim file for the trade-credit insurer: the dossier's documents and what an insurer wants besides.

The amount is models/claim.py's; filing deadlines and waiting periods are the policy's.
"""

from collections.abc import Sequence
from datetime import datetime

from activities.bundle import bundle, safe_name, text_file
from activities.dossier import ABOUT, EarlierNotice, documents
from activities.figures import figures_on
from activities.mime import one_line
from activities.wording import ENGLISH
from models.claim import ClaimAmount, claim_amount
from models.invoice import InsuranceCover, Invoice
from models.orders import StepOrder
from models.parties import Creditor

_ABOUT = ABOUT | {
    "claim_calculation.txt": "the amount claimed, and how it comes about",
    "limit_evidence.txt": "what is covered, as recorded",
    "securities.txt": "guarantees and other securities",
    "dispute_statement.txt": "what the debtor contests",
    "to_follow.txt": "documents that are not in this file",
}


def claim_of(order: StepOrder, invoice: Invoice) -> ClaimAmount:
    """The claim on the undisputed principal; on usual terms where the cover is not recorded."""
    return claim_amount(order.insured, invoice.cover or InsuranceCover())


def to_follow(invoice: Invoice) -> list[str]:
    """The documents of a complete claim file that nobody gave to this engine."""
    cover = invoice.cover
    wanted = [
        "copy of the invoice as issued",
        "contract" + (f" {one_line(invoice.contract)}" if invoice.contract else ""),
        "order" + (f" {one_line(invoice.order)}" if invoice.order else ""),
        "proof of delivery",
    ]
    if cover is None:
        wanted.append("limit evidence: no cover is recorded for this buyer, usual terms are assumed")
    elif cover.credit_limit is None:
        wanted.append("limit evidence: the credit limit is not recorded")
    if invoice.guarantee is not None:
        wanted.append("the guarantee or security itself")
    return wanted


def claim_file(
    order: StepOrder, invoice: Invoice, creditor: Creditor, at: datetime, earlier: Sequence[EarlierNotice]
) -> bytes:
    """The claim file as a zip; the same arguments give the same bytes."""
    files = {
        **documents(order, invoice, creditor, at, earlier),
        "claim_calculation.txt": _calculation(order, invoice, at),
        "limit_evidence.txt": _limit(invoice),
        "securities.txt": _securities(invoice),
        "dispute_statement.txt": _dispute(order),
        "to_follow.txt": text_file(
            "Not in this file, to follow on request:", "", *(f"- {d}" for d in to_follow(invoice))
        ),
    }
    title = f"Claim file on invoice {invoice.number} of {one_line(creditor.name)}"
    return bundle(f"claim-{safe_name(invoice.number)}", title, files, _ABOUT, at)


def calculation_lines(claim: ClaimAmount) -> list[str]:
    """The claim's arithmetic, line by line."""
    money = ENGLISH.money
    lines = [
        f"Undisputed debt: {money(claim.insured_debt)}",
        f"Of it within the credit limit: {money(claim.covered)}",
        f"Insured percentage: {claim.insured_percentage.normalize():f}%",
        f"Deductible: {money(claim.deductible)}",
        f"Amount claimed: {money(claim.amount)}",
    ]
    return [*lines, f"Note: {claim.note}"] if claim.note else lines


def _calculation(order: StepOrder, invoice: Invoice, at: datetime) -> bytes:
    figures, money = figures_on(order, invoice, at), ENGLISH.money
    assumed = [] if invoice.cover else ["The cover is not recorded; the percentage is the usual one, to be confirmed."]
    return text_file(
        f"Claim calculation, as of {figures.today}",
        "",
        f"Invoice amount: {money(figures.original)}, due on {invoice.due} (contractual due date)",
        f"Credited: {money(figures.credited)}",
        f"Paid: {money(figures.paid)}",
        f"Outstanding: {money(figures.outstanding)}",
        f"In dispute, not claimed: {money(figures.disputed)}",
        *calculation_lines(claim_of(order, invoice)),
        "",
        "Amount claimed = insured percentage x the undisputed debt within the credit limit - deductible.",
        "Late fees and other costs are not included.",
        *assumed,
    )


def _limit(invoice: Invoice) -> bytes:
    cover, money = invoice.cover, ENGLISH.money
    if cover is None:
        return text_file("No cover is recorded for this buyer. Limit evidence is to follow.")
    return text_file(
        "Cover as recorded by the creditor; the insurer's own limit decision is to follow.",
        "",
        f"Insurer: {one_line(cover.insurer or 'not recorded')}",
        f"Insured percentage: {cover.insured_percentage.normalize():f}%",
        f"Credit limit: {money(cover.credit_limit) if cover.credit_limit else 'not recorded'}",
        f"Deductible: {money(cover.deductible) if cover.deductible else 'none recorded'}",
        f"Threshold: {money(cover.threshold) if cover.threshold else 'none recorded'}",
    )


def _securities(invoice: Invoice) -> bytes:
    guarantee = invoice.guarantee
    if guarantee is None:
        return text_file("No guarantee, collateral or other security is recorded for this invoice.")
    expires = f"Expires on {guarantee.expires}." if guarantee.expires else "No expiry is recorded."
    return text_file("Recorded guarantee or security:", "", one_line(guarantee.text), expires)


def _dispute(order: StepOrder) -> bytes:
    money = ENGLISH.money
    if not order.disputed:
        return text_file("The debtor has not disputed this invoice, as far as is recorded.")
    return text_file(
        f"The debtor disputes {money(order.disputed)} of {money(order.outstanding)} outstanding.",
        f"Reason given: {one_line(order.dispute_reason or '') or 'none recorded'}",
        "The disputed part is not claimed.",
    )
