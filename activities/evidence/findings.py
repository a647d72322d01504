"""What a check of the evidence found: one fault, with its case, its place in the chain, and what is wrong."""

from typing import Any, Literal, NamedTuple

from models import ids

What = Literal[
    "changed_entry", "missing_entry", "reordered_entry", "foreign_entry", "changed_head", "changed_invoice",
    "changed_policy", "changed_message", "changed_notice", "missing_notice", "notice_without_step",
    "step_without_notice", "missing_case", "impossible_entry", "broken_seal", "unlike_its_seal", "changed_history",
    "changed_reply", "missing_reply",
]  # fmt: skip


class Finding(NamedTuple):
    """A fault of the evidence. `sequence` is the entry it concerns, `notice` the Message-ID, where there is one."""

    what: What
    text: str
    case_id: str | None = None
    sequence: int | None = None
    notice: str | None = None

    def as_json(self) -> dict[str, Any]:
        """With the field names that other programs rely on."""
        creditor, number = _named(self.case_id)
        return {
            "what": self.what, "creditor": creditor, "invoice": number, "sequence": self.sequence,
            "notice": self.notice, "text": self.text,
        }  # fmt: skip

    def __str__(self) -> str:
        creditor, number = _named(self.case_id)
        case = f"{creditor}/{number}" if number is not None else ""
        entry = f"entry {self.sequence}" if self.sequence is not None else ""
        where = ", ".join(part for part in (case, entry) if part) or self.notice or "the ledger"
        return f"{where}: {self.what.replace('_', ' ')}: {self.text}"


def _named(case_id: str | None) -> tuple[str | None, str | None]:
    if case_id is None:
        return None, None
    try:
        return ids.split_case_id(case_id)
    except ValueError:  # a case id that was tampered with
        return None, case_id
