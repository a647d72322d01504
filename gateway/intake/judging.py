"""What a document means for us: an invoice to pursue, a credit note, refused with a sentence, or not our business."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import ValidationError
from stdnum import iban

from gateway.intake import cells
from gateway.intake.document import Document, day
from gateway.intake.entries import Accepted, Credited, Fault, Ignored, InvoiceRow, Rejected
from gateway.intake.payment_terms import MAX_DAYS, DueDate, days_after, due_from_terms
from gateway.intake.rows import fault_of
from gateway.intake.sellers import NotOurs, Seller, Sellers
from gateway.intake.stated import as_row, buyer_of, clean, clip
from models import ids
from models.faults import shown
from models.invoice import Invoice
from models.money import Money, minor_unit

Judged = Accepted | Credited | Rejected | Ignored

_INVOICES = frozenset(
    "71 80 82 84 102 130 202 203 204 211 218 219 295 326 331 380 382 383 384 385 386 387 388 389 390 393 394 395 "
    "456 457 527 553 575 623 633 751 780 817 870 875 876 877 935".split()
)
"""UNTDID 1001: the codes of claims, as EN 16931 lists them."""
MAX_ACCOUNTS, MAX_NOTES = 20, 50
"""How many of them are looked at."""
_SELF_BILLED = frozenset(("261", "389", "527"))
_CORRECTED = "384"
_PROFORMA = "325"
_DECIMAL = re.compile(r"[+-]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})", re.ASCII)
_PAID = re.compile(
    r"bereits\s+(?:beglichen|bezahlt|gezahlt)|already\s+(?:been\s+)?paid|déjà\s+(?:payée?|réglée?)|reeds\s+(?:betaald|voldaan)|已(?:付|支付)",
    re.I,
)


@dataclass
class _Reading:
    """A document on its way to an invoice, with what was noticed underway."""

    document: Document
    digest: str
    notes: list[str]


def judge(document: Document, digest: str, sellers: Sellers, dry_run: bool) -> Judged:
    """The document as an entry of its file.

    Args:
        document: What the file states.
        digest: SHA-256 of the original file.
        sellers: Finds the creditor.
        dry_run: Whether test documents, and credit notes that name no invoice, may pass.
    """
    reading = _Reading(document, digest, [])
    try:
        return _judged(reading, sellers, dry_run)
    except NotOurs as reason:
        return Ignored(1, f"{_called(document)}: {reason}")
    except Fault as fault:
        value = shown(fault.value) if fault.value else ""
        return Rejected(1, fault.field, value, fault.reason, as_row(document, digest, _code(document, sellers)))


def _judged(reading: _Reading, sellers: Sellers, dry_run: bool) -> Judged:
    document = reading.document
    number = _number(document.number)
    _check_kind(document)
    currency = _checked("currency", document.currency, cells.currency)
    payable = _payable(document, currency)
    if document.test:
        if not dry_run:
            raise Fault("number", number, "it is marked as a test document; only a dry run takes those")
        reading.notes.append("it is marked as a test document: a start refuses it")
    seller = sellers.of(document)
    if seller.note:
        reading.notes.append(seller.note)
    if document.type_code in _SELF_BILLED:
        reading.notes.append("it is self-billed: the buyer issued it in the seller's name")
    issued = day("issued", document.issued) if document.issued else None
    if document.credit or (payable < 0 and len(document.preceding) == 1):
        return _credit(reading, seller, number, currency, payable, issued, dry_run)
    if payable <= 0:
        return _nothing_to_pursue(document, number, currency, payable)
    return _invoice(reading, seller, number, Money(amount=payable, currency=currency), issued)


# --- kinds ----------------------------------------------------------------------------------------------------


def _check_kind(document: Document) -> None:
    code = document.type_code
    if code == _PROFORMA:
        raise Fault("type", code, "a pro-forma invoice (type 325) is no claim")
    if not document.credit and code and code not in _INVOICES:
        raise Fault(
            "type", code, f"the document type {code[:20]} (UNTDID 1001) is not that of an invoice or credit note"
        )


def _nothing_to_pursue(document: Document, number: str, currency: str, payable: Decimal) -> Judged:
    if payable < 0:
        raise Fault(
            "amount", f"{payable}", f"the payable amount is negative: {-payable} {currency} in favour of the buyer, "
            "and the document does not name the one invoice that it reduces",
        )  # fmt: skip
    prepaid = _decimal("amount", document.prepaid) if document.prepaid else Decimal(0)
    why = f"it was prepaid in full ({prepaid} {currency})" if prepaid > 0 else f"the payable amount is 0 {currency}"
    return Ignored(1, f"invoice {number}: nothing to pursue, {why}")


def _payable(document: Document, currency: str) -> Decimal:
    """BT-115: prepaid amounts and rounding are in it. ZUGFeRD 1 may leave it out where nothing was prepaid."""
    if document.payable_currency and document.payable_currency != currency:
        raise Fault("currency", document.payable_currency, f"the payable amount is not in the invoice's {currency}")
    if document.payable:
        amount = _decimal("amount", document.payable)
    elif document.syntax == "cii" and document.total:
        amount = _decimal("amount", document.total) - _decimal("amount", document.prepaid or "0")
    else:
        raise Fault("amount", "", "there is no payable amount (BT-115)")
    exact = amount.quantize(minor_unit(currency))
    if exact != amount:
        raise Fault(
            "amount", document.payable, f"more decimals than {currency} has (smallest unit {minor_unit(currency)})"
        )
    return exact


def _decimal(field: str, text: str) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise Fault(field, text, "not an amount: plain digits with a decimal point, such as 1234.50")
    amount = Decimal(text)
    if amount and amount.adjusted() > 13:
        raise Fault(field, text, "the amount is larger than any invoice: at most 14 digits before the point")
    return amount


def _credit(
    reading: _Reading, seller: Seller, number: str, currency: str, payable: Decimal, issued: date | None, dry_run: bool
) -> Judged:
    """A credit note, or an invoice below zero that says which invoice it reduces."""
    document = reading.document
    if document.credit and payable < 0:
        raise Fault(
            "amount", document.payable, "the payable amount of the credit note is negative: it would be a claim"
        )
    if payable == 0:
        return Ignored(1, f"credit note {number}: its payable amount is 0 {currency}, nothing is left to credit")
    money = Money(amount=abs(payable), currency=currency)
    named = tuple(dict.fromkeys(document.preceding))
    said = ""
    if not named:
        said = "the credit note does not name the invoice that it reduces (BT-25)"
    elif len(named) > 1:
        listed = ", ".join(named[:5])
        said = f"the credit note names several invoices ({listed}): what falls on each is not in it"
    if said and not dry_run:
        raise Fault("number", number, f"{said}; enter it by hand")
    if said:
        reading.notes.append(f"{said}: a start refuses it")
    invoice = _number(named[0]) if len(named) == 1 else None
    told = f"credit note {number} of {seller.code}: {money.amount} {currency}" + (
        f", reduces invoice {invoice}" if invoice else ""
    )
    return Credited(
        seller.code, number, money, issued, invoice, 1, as_row(document, reading.digest, seller.code),
        _sentence(told, reading.notes),
    )  # fmt: skip


# --- the invoice ----------------------------------------------------------------------------------------------


def _invoice(reading: _Reading, seller: Seller, number: str, amount: Money, issued: date | None) -> Accepted:
    document = reading.document
    due = _due(document, issued, seller)
    if issued is not None and due.due < issued:
        raise Fault("due", str(due.due), f"lies before the date of issue {issued}")
    if document.type_code == _CORRECTED:
        of = f" {', '.join(document.preceding[:5])}" if document.preceding else ""
        reading.notes.append(f"it corrects an earlier invoice{of}: where that one is pursued, withdraw it")
    terms = "\n".join(filter(None, (block.text for block in document.terms)))
    if _PAID.search(terms):
        reading.notes.append("its terms say that it has been paid already: check that")
    for account in document.ibans[:MAX_ACCOUNTS]:
        if account[:2].isalpha() and not iban.is_valid(account):
            reading.notes.append(f"the check digits of the IBAN {account[:40]} are wrong")
    reason = due.reason
    told = f"invoice {number} of {seller.code}: {amount.amount} {amount.currency}, due {due.due}" + (
        f" ({reason})" if reason else ""
    )
    try:
        invoice = Invoice(
            creditor=seller.code, number=number, buyer=buyer_of(document.buyer, reading.notes),
            amount=amount, issued=issued, due=due.due,
            terms=clip(terms, 500) or None, contract=clip(document.contract, 200) or None,
            order=clip(document.order, 200) or None,
            payment_reference=clip(document.payment_reference, 200) or None,
            ibans=tuple(clip(account, 40) for account in dict.fromkeys(document.ibans))[:MAX_ACCOUNTS] or None,
            document=reading.digest, notes=f"Due {reason}." if reason else None,
        )  # fmt: skip
    except ValidationError as error:
        raise fault_of(error) from None
    original = as_row(document, reading.digest, seller.code)
    corrects = document.preceding if document.type_code == _CORRECTED else ()
    return Accepted(1, InvoiceRow(invoice), original, note=_sentence(told, reading.notes), corrects=corrects)


def _due(document: Document, issued: date | None, seller: Seller) -> DueDate:
    """The due date, else what the terms say, else the creditor's default; never the date of issue in silence."""
    given = {day("due", block.due) for block in document.terms if block.due and not block.discounted}
    given = given or {day("due", block.due) for block in document.terms if block.due}
    if len(given) == 1:
        return DueDate(given.pop(), "")
    if given:
        listed = ", ".join(map(str, sorted(given)))
        return DueDate(max(given), f"as the last of several due dates ({listed})")
    net = [int(b.net_days) for b in document.terms if b.net_days.isdigit() and int(b.net_days) <= MAX_DAYS]
    if net and issued is not None:
        due = days_after(issued, max(net))
        return DueDate(due.due, f"by the structured payment terms: {due.reason}")
    delivered = day("delivered", document.delivered) if document.delivered else None
    terms = "\n".join(block.text for block in document.terms if not block.discounted)
    found = due_from_terms(terms, issued, delivered)
    if found is None:
        found = next(
            (d for n in document.notes[:MAX_NOTES] if (d := due_from_terms(n, issued, delivered, strict=True))), None
        )
    if found is not None:
        return found
    default = seller.creditor.default_terms if seller.creditor else None
    if default is not None and issued is not None:
        return DueDate(
            days_after(issued, default).due,
            f"by the default terms of {seller.code}, {default} days from the date of issue",
        )
    said = (
        f"its payment terms “{clip(' '.join(terms.split()), 100)}” do not settle one"
        if terms.strip()
        else "no payment terms"
    )
    raise Fault(
        "due", "", f"there is no due date, {said}, and {seller.code} has no default terms: add the due date to the "
        "rejects file and feed that, or give the creditor default_terms",
    )  # fmt: skip


# --- texts ----------------------------------------------------------------------------------------------------


def _number(text: str) -> str:
    if not text:
        raise Fault("number", "", "the document has no number")
    return _checked("number", text, ids.invoice_number)


def _checked(field: str, text: str, check: Any) -> str:
    try:
        return str(check(text))
    except ValueError as error:
        raise Fault(field, text, str(error)) from None


def _code(document: Document, sellers: Sellers) -> str:
    try:
        return sellers.of(document).code
    except (Fault, NotOurs):
        return ""


def _called(document: Document) -> str:
    kind = "credit note" if document.credit else "invoice"
    return f"{kind} {clip(clean(document.number), 60)}" if document.number else kind


def _sentence(told: str, notes: list[str]) -> str:
    return "; ".join((told, *notes))
