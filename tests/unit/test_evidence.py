"""The parts of the evidence that need no ledger: words, links of a chain, and the check that travels with an export."""

import json
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from activities.entries import chained
from activities.evidence import words
from activities.evidence.chain import broken_links
from activities.evidence.export import _attached_pdfs
from activities.evidence.verify_export import canonical, check
from models import events as e
from models import ids
from models.clock import CaseClock
from models.policy import Step
from tests.cases import after_due, after_step, day, invoice, on, policy, step
from tests.evidence import with_pdf

CASE = "invoice/ACME/0017"


class Row(NamedTuple):
    sequence: int
    type: str
    at: Any
    content: str
    previous: str
    hash: str


def links(count: int) -> list[Row]:
    found: list[Row] = []
    for n in range(1, count + 1):
        content, previous = f'{{"type":"withdrawn","id":"{n}"}}', found[-1].hash if found else ""
        found.append(Row(n, "withdrawn", None, content, previous, chained(previous, CASE, n, content)))
    return found


def faults(rows: list[Row], head: int) -> list[tuple[str, int | None]]:
    return [(finding.what, finding.sequence) for finding in broken_links(CASE, rows, head)]


def test_a_chain_as_it_was_written_has_no_fault() -> None:
    assert faults(links(5), 5) == faults([], 0) == []


def test_each_fault_of_a_chain_is_told_from_the_others() -> None:
    rows = links(5)
    assert faults([], 3) == [("missing_entry", None)]
    assert faults(rows[:4], 5) == [("missing_entry", 5)]
    assert faults(rows, 4) == [("foreign_entry", 5)]
    assert faults(rows[1:], 5) == [("missing_entry", 1)]
    assert faults([*rows[:2], *rows[4:]], 5) == [("missing_entry", 3)]
    assert faults([rows[0]._replace(sequence=0), *rows], 5) == [("foreign_entry", 0)]
    assert faults([*rows[:2], rows[2]._replace(content=rows[2].content + " "), *rows[3:]], 5) == [("changed_entry", 3)]
    assert faults([*rows[:4], rows[4]._replace(sequence=9)], 9)[1] == ("reordered_entry", 9)
    assert ("foreign_entry", 3) in faults([*rows[:2], rows[2]._replace(previous="0" * 64), *rows[3:]], 5)
    assert faults([*rows[:4], rows[4]._replace(type="hold_placed")], 5) == [("changed_entry", 5)]
    nonsense = chained(rows[3].hash, CASE, 5, "nonsense")
    assert faults([*rows[:4], rows[4]._replace(content="nonsense", hash=nonsense)], 5) == [("impossible_entry", 5)]


SAID: dict[str, dict[str, Any]] = {
    "payment_received": {"amount": "7.00 EUR", "received_on": on(1)}, "payment_reversed": {"payment": "P"},
    "credit_note_issued": {"amount": "7.00 EUR"}, "promise_made": {"pay_by": on(9), "amount": "5.00 EUR"},
    "plan_agreed": {"instalments": [{"due": on(5), "amount": "5.00 EUR"}]}, "extension_granted": {"until": on(9)},
    "step_approved": {"step": "demand"}, "step_rejected": {"step": "demand"}, "task_completed": {"task": "call-1"},
    "payment_allocated": {"payment": "P", "counts_as": "5.00 EUR"},
    "refunded": {"payment": "P", "amount": "7.00 EUR"}, "interest_waived": {"amount": "5.00 EUR"},
    "insurer_decided": {"accepted": False}, "policy_changed": {"policy": policy(step("demand", after_due(1)))},
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(e.MESSAGES))
def test_every_message_has_words_on_one_line(name: str) -> None:
    said = words.event(e.MESSAGES[name].model_validate({"id": "X-1", "at": day(1), **SAID.get(name, {})}))
    assert said and "\n" not in said and "Money" not in said and "{" not in said
    for value in ("7.00 EUR", "5.00 EUR"):
        assert (value in said) == (value in json.dumps(SAID.get(name, {}), default=str))


def test_what_a_case_records_by_itself_has_words() -> None:
    opened = e.CaseOpened(
        at=day(0), invoice=invoice(), policy=policy(step("demand", after_due(1))), clock=CaseClock.real(day(0)),
        prior_notices=(e.PriorNotice(step="demand", performed_on=date(2026, 1, 2)),),
    )  # fmt: skip
    assert words.event(opened) == (
        "case opened for 1,000.00 EUR, due 2026-03-02, under policy test version 1; notices before: demand"
    )
    deferred = e.StepDeferred(step="demand", occurrence=2, until=day(3), reason="451 try later")
    assert words.event(deferred) == "demand, number 2 put off until 2026-03-05 09:00 UTC: 451 try later"
    assert words.event(e.CaseClosed(outcome="short_settled")) == "case closed: short settled"


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ({"before_due": "P3D"}, "3 days before the contractual due date"),
        ({"after_due": "P0D"}, "on the contractual due date"),
        (after_due(1), "1 day after the contractual due date (days on which the ladder stood still excluded)"),
        (after_step("first", 7, unanswered=True),
         "7 days after first was performed, if the debtor has not replied since"),
        ({"on_event": "promise_broken"}, "as soon as promise broken is reported"),
        ({"any": [{"before_due": "P1D"}, {"on_event": "contact_lost"}]},
         "the earliest of: 1 day before the contractual due date; as soon as contact lost is reported"),
        ({"all": [{"after_due": "P0D"}]}, "the latest of: on the contractual due date"),
    ],
)  # fmt: skip
def test_triggers_in_words(when: dict[str, Any], said: str) -> None:
    given = Step.model_validate({"id": "x", "kind": "reminder", "when": when})
    assert words.trigger(given.when) == said


def test_attached_letters_get_names_that_stay_in_their_folder() -> None:
    ((name, content),) = _attached_pdfs(with_pdf("<a@b>"))
    assert name.startswith("1-Mahnung_二-") and name.endswith(".pdf") and "/" not in name
    assert content == b"%PDF-1.7 a letter"
    assert _attached_pdfs(b"\x00\xff no mail at all") == []


def test_a_manifest_that_was_touched_is_found(tmp_path: Path) -> None:
    content = {"case_id": CASE, "files": {}, "sequence": 0}
    whole = canonical({**content, "digest": ids.digest(canonical(content))})
    manifest = tmp_path / "manifest.json"

    manifest.write_bytes(whole.replace(b"0017", b"0018"))
    assert "manifest.json: it was changed" in check(tmp_path)
    manifest.write_bytes(whole.replace(b"\n", b"\r\n"))
    assert "manifest.json: it was changed" in check(tmp_path)
    for nonsense in (b"", b"[]", b"{}", b"\xff"):
        manifest.write_bytes(nonsense)
        (fault,) = check(tmp_path)
        assert fault.startswith("manifest.json: it cannot be read")
    manifest.write_bytes(whole)
    assert [fault.split(":")[0] for fault in check(tmp_path)] == ["chain.jsonl"]
