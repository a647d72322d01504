"""Whether the entries of a case are the ones that were written: every byte, all of them, in their order.

Pure: it looks at rows that were read. Each hash covers the hash before it, the case, the place and the stored bytes,
so a fault can be told by what still fits. What the entries must agree with (head, notices) is in agreement.py.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from activities.entries import chained
from activities.evidence.findings import Finding


def broken_links(case_id: str, rows: Sequence[Any], head_sequence: int) -> Iterator[Finding]:
    """Every fault of a chain.

    Args:
        case_id: The case.
        rows: Its entries (sequence, type, at, content, previous, hash), in the order of their sequence.
        head_sequence: How many entries the head of the case counts.
    """
    if not rows:
        if head_sequence > 0:
            yield Finding("missing_entry", f"all {head_sequence} entries that its head counts are missing", case_id)
        return
    expected, previous = 1, ""
    for row in rows:
        if row.sequence < 1:
            yield Finding("foreign_entry", "no entry can have this number", case_id, row.sequence)
            continue
        if row.sequence > expected:
            yield Finding("missing_entry", _missing(expected, row.sequence - 1), case_id, expected)
        sound = chained(row.previous, case_id, row.sequence, row.content) == row.hash
        if not sound:
            yield _wrong(case_id, rows, row, follows=row.previous == previous)
        elif row.previous != previous and row.sequence == expected:
            yield Finding("foreign_entry", _does_not_follow(row.sequence), case_id, row.sequence)
        if sound:
            yield from _columns(case_id, row)
        expected, previous = row.sequence + 1, row.hash
    last = expected - 1
    if last < head_sequence:
        text = (
            f"{_missing(expected, head_sequence)}: the head of the case counts {head_sequence} entries, the chain ends "
            f"with number {last} (a running case may still hand them over: then the next check finds them)"
        )
        yield Finding("missing_entry", text, case_id, expected)
    elif last > head_sequence:
        text = f"the head of the case counts {head_sequence} entries; nothing in it knows of number {head_sequence + 1}"
        yield Finding("foreign_entry", text, case_id, head_sequence + 1)


def _missing(first: int, last: int) -> str:
    return f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing"


def _does_not_follow(place: int) -> str:
    if place == 1:
        return "it claims to follow another entry, but the first follows none"
    return f"it does not follow from entry {place - 1} as that stands: one of the two was put there anew"


def _wrong(case_id: str, rows: Sequence[Any], row: Any, follows: bool) -> Finding:
    """An entry that does not have the hash it carries: which fault explains what still fits?"""
    length = max(len(rows), *(other.sequence for other in rows)) + 10
    for place in range(1, min(length, 100_000)):
        if place != row.sequence and chained(row.previous, case_id, place, row.content) == row.hash:
            return Finding("reordered_entry", f"it was written as number {place}", case_id, row.sequence)
    for other in rows:
        if other is not row and chained(other.previous, case_id, other.sequence, row.content) == other.hash:
            text = f"what it says was written as number {other.sequence}"
            return Finding("reordered_entry", text, case_id, row.sequence)
    if not follows:
        text = "neither its hash nor its place in the chain fits this case: it was put here, or rewritten"
        return Finding("foreign_entry", text, case_id, row.sequence)
    return Finding("changed_entry", "its content is not what was written: the hash differs", case_id, row.sequence)


class _Envelope(BaseModel):
    model_config = ConfigDict(extra="ignore")

    type: str
    at: datetime | None = None


def _columns(case_id: str, row: Any) -> Iterator[Finding]:
    """The columns beside the content repeat what it says."""
    try:
        said = _Envelope.model_validate_json(row.content)
    except ValueError:
        yield Finding("impossible_entry", "its content is no event at all", case_id, row.sequence)
        return
    if said.type != row.type:
        text = f"its column `type` says {row.type!r}, its content {said.type!r}"
        yield Finding("changed_entry", text, case_id, row.sequence)
    if said.at is not None and row.at is not None and said.at.astimezone(UTC) != row.at:
        text = f"its column `at` says {row.at.isoformat()}, its content {said.at.isoformat()}"
        yield Finding("changed_entry", text, case_id, row.sequence)
