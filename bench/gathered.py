"""A morning on which every buyer owes on many invoices: one letter each, though every case takes its own step."""

import asyncio
import statistics
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from bench.figures import Figure, compared
from bench.ground import Ground
from bench.sides import CREDITOR, Ours
from gateway.receiving import BATCH
from gateway.service import Opening, batches
from models import ids
from models.clock import CaseClock
from models.invoice import Invoice
from models.policy import Policy

EACH = 10
"""Due invoices of a buyer."""
_SAMPLE = 25
_PATIENCE_S = 1200.0
GATHERING = {
    "id": "gathering", "schedule": {"zone": "debtor", "time": "00:00"},
    "contact": {"gather": True, "days": "every", "holidays": False, "hours": {"any": "00:00-24:00"}},
    "steps": [{"id": "first", "kind": "reminder", "when": {"after_due": "P1D"}}],
}  # fmt: skip


async def gathered_run(ground: Ground, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Seconds from a worker's first breath until every case has its step; the cases wait for it, all due."""
    buyers = 50 if quick else 500
    side = Ours(ground, "gathered")
    now = datetime.now(UTC)
    policy, clock = Policy.model_validate(GATHERING), CaseClock.real(now)
    due = now.date() - timedelta(days=3)
    openings = [
        Opening(_invoice(f"G{n}", f"B-{n % buyers}", due), policy, clock, now) for n in range(buyers * EACH)
    ]  # fmt: skip
    for batch in batches(openings, BATCH):
        await side.service.start(batch)
    say(f"gathered_run: {len(openings)} cases of {buyers} buyers wait")
    begun, before = time.perf_counter(), ground.cpu()
    async with ground.working("ours", side.queue) as worker:
        while side.reminded() < len(openings):
            if time.perf_counter() - begun > _PATIENCE_S:
                raise TimeoutError(f"{side.reminded()} of {len(openings)} cases had their step")
            await asyncio.sleep(0.1)
        seconds, busy = time.perf_counter() - begun, worker.cpu + ground.cpu() - before
        cases = [ids.case_id(CREDITOR, f"G{n}") for n in range(0, len(openings), len(openings) // _SAMPLE)]
        described = [await ground.client.get_workflow_handle(case).describe() for case in cases]
    mails = len(list(ground.mail.glob("*.eml")))
    events = statistics.median(one.history_length for one in described)
    note = (
        f"{len(openings)} due letters of {buyers} buyers: {mails} mails, {events:g} history events per case, "
        f"{len(openings) / seconds:.0f} steps/s, {mails / seconds:.1f} mails/s; {busy:.0f} s of processor time in all"
    )
    return [compared("gathered_run", "s", [seconds], [], note, sound=mails == buyers)]


def _invoice(number: str, buyer: str, due: date) -> Invoice:
    content = {
        "creditor": CREDITOR, "number": number, "amount": "1234.50 EUR", "issued": due - timedelta(days=30), "due": due,
        "buyer": {"id": buyer, "name": f"Buyer {buyer}", "country": "DE",
                  "contact": {"email": f"{buyer.lower()}@buyers.example", "language": "en"}},
    }  # fmt: skip
    return Invoice.model_validate(content)
