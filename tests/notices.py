"""Orders, invoices and a creditor for the tests of what is written and sent."""

import email
import email.policy
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml
from pypdf import PdfReader

from models.balance import opening_balance
from models.clock import CaseClock
from models.invoice import Invoice
from models.money import Money
from models.orders import Head, StepOrder
from models.parties import Creditor
from models.policy import Step
from models.records import Credit, DoneStep, Payment

ROOT = Path(__file__).parents[1]
DUE = date(2026, 1, 1)


@lru_cache(maxsize=1)
def acme() -> Creditor:
    """The sample creditor that comes with the project."""
    return Creditor.model_validate(yaml.safe_load((ROOT / "gateway/sample/ACME.yaml").read_text("utf-8")))


def an_invoice(language: str = "en", name: str = "Beispiel GmbH", **fields: Any) -> Invoice:
    """1,000 dollars, due on 1 January 2026, with a late fee."""
    contact = {"email": "kreditoren@buyer.example", "language": language, "phone": "+49 30 23125 000"}
    given = {
        "creditor": "ACME",
        "number": "INV-0007",
        "buyer": {"id": "B-1", "name": name, "country": "DE", "contact": contact},
        "amount": "1000.00 USD",
        "issued": date(2025, 12, 1),
        "due": DUE,
        "late_fee": "0.05%/day",
    }
    return Invoice.model_validate(given | fields)


def _credits(amount: str | None) -> tuple[Credit, ...]:
    if amount is None:
        return ()
    return (Credit(id="CN-1", kind="credit_note", amount=Money.model_validate(amount), on="2026-01-05"),)


def an_order(
    invoice: Invoice,
    kind: str = "reminder",
    day: int = 1,
    *,
    outstanding: str | None = None,
    disputed: str | None = None,
    credited: str | None = None,
    payments: tuple[Payment, ...] = (),
    performed: tuple[DoneStep, ...] = (),
    dispute_reason: str | None = None,
    **step: Any,
) -> StepOrder:
    """An order for a step of `kind`, `day` days after the due date at 09:00 UTC."""
    at = datetime.combine(DUE, datetime.min.time(), UTC) + timedelta(days=day, hours=9)
    zero = Money.zero(invoice.amount.currency)
    owed = Money.model_validate(outstanding) if outstanding else invoice.amount
    return StepOrder(
        case_id=invoice.case_id,
        policy_id="plain",
        policy_digest="0" * 64,
        step=Step.model_validate({"id": f"{kind}_x", "kind": kind, "when": {"after_due": "P1D"}} | step),
        occurrence=1,
        planned_at=at,
        at=at,
        clock=CaseClock.real(at),
        owed=opening_balance(owed),
        outstanding=owed,
        disputed=Money.model_validate(disputed) if disputed else zero,
        credited=Money.model_validate(credited) if credited else zero,
        credits=_credits(credited),
        dispute_reason=dispute_reason,
        payments=payments,
        performed=performed,
        head=Head(
            case_id=invoice.case_id,
            sequence=1,
            stage="not_due",
            outcome=None,
            outstanding=owed,
            on_hold=False,
            closed=False,
        ),
    )


def done(kind: str, day: int, notice: str | None = "<n@arrears.invalid>", task: str | None = None) -> DoneStep:
    """A step of `kind` that was performed `day` days after the due date."""
    at = datetime.combine(DUE, datetime.min.time(), UTC) + timedelta(days=day, hours=9)
    return DoneStep.model_validate(
        {
            "step": f"{kind}_{max(day, 0)}",
            "kind": kind,
            "occurrence": 1,
            "planned_at": at,
            "performed_at": at,
            "notice": notice,
            "task": task,
        }
    )


def paid(amount: str, on: str, reference: str = "BANK-1", reversed: bool = False) -> Payment:
    """A payment as the case holds it."""
    return Payment(id=reference, amount=Money.model_validate(amount), received_on=on, reversed=reversed)


def read(content: bytes) -> EmailMessage:
    """A mail, as any mail program reads it; defects are an error."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    for part in message.walk():
        assert not part.defects, part.defects
        for name, value in part.items():
            assert not value.defects, (name, value.defects)
    return message


def body(content: bytes, kind: str = "plain") -> str:
    """The text or HTML of a mail."""
    part = read(content).get_body((kind,))
    assert part is not None
    text = part.get_content()
    assert isinstance(text, str)
    return text.replace("\r\n", "\n")


def printed(pdf: bytes) -> str:
    """What a PDF says, in the order in which it is set; blanks count for one."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages).split())


def enclosed(content: bytes) -> tuple[str, bytes]:
    """Name and content of the one attachment of a mail."""
    (part,) = read(content).iter_attachments()
    name, file = part.get_filename(), part.get_content()
    assert name is not None and isinstance(file, bytes)
    return name, file
