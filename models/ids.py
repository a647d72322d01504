"""Every identifier of the house is built here, and nowhere else."""

import hashlib
import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator

CREDITOR_CODE = re.compile(r"[A-Z0-9_-]{1,40}")
MAX_NUMBER_BYTES = 200


def creditor_code(text: str) -> str:
    """A creditor's code as given, or ValueError."""
    if not CREDITOR_CODE.fullmatch(text):
        raise ValueError("a creditor code has 1 to 40 of the characters A-Z 0-9 _ -")
    return text


def invoice_number(text: str) -> str:
    """An invoice number as text (leading zeros count), NFC; ValueError if it cannot be an identifier."""
    number = unicodedata.normalize("NFC", text).strip()
    if not number:
        raise ValueError("an invoice number may not be empty")
    if any(unicodedata.category(c) in ("Cc", "Cs", "Cn", "Zl", "Zp", "Cf") for c in number):
        raise ValueError("an invoice number may not contain control or invisible characters")
    if len(number.encode()) > MAX_NUMBER_BYTES:
        raise ValueError(f"an invoice number has at most {MAX_NUMBER_BYTES} bytes")
    return number


CreditorCode = Annotated[str, AfterValidator(creditor_code)]
InvoiceNumber = Annotated[str, AfterValidator(invoice_number)]


def case_id(creditor: str, number: str) -> str:
    """The workflow id of a case: `invoice/<creditor>/<number>`."""
    return f"invoice/{creditor}/{number}"


def split_case_id(identifier: str) -> tuple[str, str]:
    """The creditor and the number of a case id (the number may contain `/`)."""
    _, creditor, number = identifier.split("/", 2)
    return creditor, number


def message_id(message: str, reference: str) -> str:
    """The update id of a message. Two messages with one bare reference must not answer for each other."""
    return f"{message}:{reference}"


def kept_task(message: str, reference: str) -> str:
    """The task of money that is kept because no running case has it."""
    return f"{message}-{reference}"


def step_key(case: str, step: str, occurrence: int) -> str:
    """The idempotency key of a step: the same over retries, workers and runs."""
    return f"{case}/{step}/{occurrence}"


def mail_message_id(key: str, domain: str = "arrears.invalid") -> str:
    """The Message-ID of what a step sends: derived from its key, so that a repeat carries the same one."""
    return f"<{digest(key)[:40]}@{domain}>"


MAIL_MESSAGE_ID = re.compile(r"<[0-9a-f]{40}@[A-Za-z0-9.-]{1,253}>")
"""What `mail_message_id` gives, to be found in the prose of a mail."""


def digest(text: str | bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()
