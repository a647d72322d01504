"""What the ledger holds on one notice: where it went, what it said it demanded, and the proof that it arrived."""

import email
from collections.abc import Sequence
from datetime import datetime
from email.header import decode_header, make_header
from typing import Any

from models import ids, view
from models.books import debtor_day, late_charges
from models.case import Case
from models.money import Money


def demanded(case: Case, at: datetime) -> Money:
    """What a letter of `at` demanded for a case, as it stood after it: interest up to that day, where it is claimed."""
    if case.claim is None:
        return case.pursued
    return late_charges(case.invoice, case, debtor_day(case.invoice, at), without=case.disputed).total


def described(row: Any, content: bytes | None, receipts: Sequence[Any] = ()) -> dict[str, Any]:
    """A notice with stable field names; `intact` says whether the bytes are those of which the digest was taken."""
    return {
        "message_id": row.message_id, "kind": row.kind, "channel": row.channel, "recipient": row.recipient,
        "subject": row.subject, "language": row.language, "status": row.status, "attempts": row.attempts,
        "composed_at": row.composed_at.isoformat(), "sent_at": row.sent_at.isoformat() if row.sent_at else None,
        "proof": row.proof, "approved_by": row.approved_by, "policy_digest": row.policy_digest,
        "pursued": view.money(Money.from_minor(row.pursued_minor, row.currency)), "sha256": row.sha256,
        "bytes": None if content is None else len(content),
        "intact": None if content is None else ids.digest(content) == row.sha256,
        "receipts": [{"kind": one.kind, "at": one.at.isoformat(), "text": one.text} for one in receipts],
    }  # fmt: skip


_HEADERS = {"recipient": "To", "subject": "Subject", "language": "Content-Language"}


def unlike_its_mail(row: Any, content: bytes) -> dict[str, tuple[str, str]]:
    """The columns of a notice that say something else than its mail: what they say, and what the mail says."""
    head = email.message_from_bytes(content.partition(b"\r\n\r\n")[0])
    found = {}
    for column, header in _HEADERS.items():
        if head[header] is not None:
            said, stored = _decoded(str(head[header])), str(getattr(row, column))
            # How a long header was folded is no difference.
            if "".join(said.split()) != "".join(stored.split()):
                found[column] = (stored, " ".join(said.split()))
    return found


def _decoded(header: str) -> str:
    try:
        return str(make_header(decode_header(header)))
    except (ValueError, LookupError):  # a mail that was tampered with
        return header
