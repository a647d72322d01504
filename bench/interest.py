"""Interest statements of a portfolio, on one core: segments per second, the way cases make them."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bench.figures import Figure, compared
from gateway.jurisdiction_files import load_jurisdiction
from models import events as e
from models.books import late_charges
from models.case import RULES_VERSION, Case
from models.changes import apply, open_case
from models.clock import CaseClock
from models.invoice import Invoice
from models.law import law_for
from models.policy import Policy

LAWS = ("DE", "FR", "NL", "UK", "AT", None)
"""None: the contract's own daily rate, without a law."""
FIRST_DUE, AS_OF = date(2024, 9, 30), date(2026, 6, 30)
POLICY = Policy.model_validate({
    "id": "bench", "claim_interest": {"from_step": "demand"},
    "steps": [{"id": "demand", "kind": "formal_demand", "when": {"after_due": "P15D"}}],
})  # fmt: skip


def segment_rate(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Statements from the books of cases with part payments, over changes of the rate."""
    size, rounds, repeats = (120, 3, 3) if quick else (600, 5, 5)
    cases = [_case(n) for n in range(size)]
    rates, segments = [], 0
    for _ in range(rounds):
        segments, begun = 0, time.perf_counter()
        for _ in range(repeats):
            for case in cases:
                segments += len(late_charges(case.invoice, case, AS_OF).statement.segments)
        rates.append(segments / (time.perf_counter() - begun))
    say("segment_rate: done")
    note = f"{size} cases, {segments / repeats / size:.1f} segments each: two or three part payments, up to four rates"
    return [compared("segment_rate", "segments/s", rates, [], note)]


def _case(n: int) -> Case:
    """An invoice that falls due on a day of its own, is demanded, and paid in parts."""
    due, code = FIRST_DUE + timedelta(days=n % 200), LAWS[n % len(LAWS)]
    fields: dict[str, Any] = {} if code else {"late_fee": "0.05%/day"}
    invoice = Invoice.model_validate({
        "creditor": "ACME", "number": str(n), "buyer": {"id": "B-1"}, "amount": f"{1000 + n}.00 EUR", "due": due,
        **fields,
    })  # fmt: skip
    opened, demanded = _noon(due), _noon(due + timedelta(days=15))
    law = law_for(load_jurisdiction(code), "invoice", due) if code else None
    case = open_case(
        e.CaseOpened(
            at=opened,
            invoice=invoice,
            policy=POLICY,
            clock=CaseClock.real(opened),
            law=law,
            rules_version=RULES_VERSION,
        )
    )
    case = apply(
        case,
        e.StepPerformed(
            at=demanded, step="demand", kind="formal_demand", planned_at=demanded, performed_at=demanded
        ),
    )  # fmt: skip
    for nth in range(2 + n % 2):
        on = due + timedelta(days=40 + 60 * nth)
        payment = {"id": f"P{nth}", "at": _noon(on), "amount": "200.00 EUR", "received_on": on}
        case = apply(case, e.PaymentReceived.model_validate(payment))
    return case


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
