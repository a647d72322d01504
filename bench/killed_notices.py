"""The worker killed twenty times while five hundred notices go out: what arrives, what is missing, what comes twice.

The worker is a process of its own; a new one is started after each kill, as a service manager would.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bench.figures import Figure, compared
from bench.ground import Ground
from bench.sides import Ours, invoice
from gateway.receiving import BATCH
from gateway.service import Opening, batches
from gateway.stack.mailbox import read_mails
from models import ids
from models.clock import CaseClock
from models.policy import Policy

KILLS = 20
_PATIENCE_S = 600.0
_SEED = 20
DEMAND = {
    "id": "demand", "schedule": {"zone": "debtor", "time": "00:00"},
    "steps": [{"id": "demand", "kind": "formal_demand", "when": {"after_due": "P1D"}}],
}  # fmt: skip
"""A letter with its PDF, due at once."""


async def killed_notices(ground: Ground, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Mails that came again; sound if none is missing, none is strange and no step was taken twice."""
    size, kills = (100, 4) if quick else (500, KILLS)
    side, chance = Ours(ground, "killed"), random.Random(_SEED)
    wanted = await _waiting(side, size)
    say(f"killed_notices: {size} notices wait")
    begun, took = time.perf_counter(), ""
    for n in range(kills):
        worker = await ground.worker("ours", side.queue)
        # Somewhere in the n-th part of the notices, so that every kill falls while some go out.
        await _until(lambda: len(list(ground.mail.glob("*.eml"))), size * (n + chance.random()) / (kills + 1))
        worker.kill()
        took = f"{time.perf_counter() - begun:.0f} s"
        say(f"killed_notices: kill {n + 1} after {took}, {len(list(ground.mail.glob('*.eml')))} mails are there")
    async with ground.working("ours", side.queue):
        await _until(lambda: side.reached("demanded"), size)
    seconds = time.perf_counter() - begun
    arrived = Counter(mail.message_id for mail in read_mails(ground.mail))
    missing, strange = len(wanted - arrived.keys()), len(arrived.keys() - wanted)
    again, doubled = arrived.total() - len(arrived), side.performed_twice()
    note = (
        f"{size} notices, {kills} x SIGKILL within {took}, all done after {seconds:.0f} s: {missing} missing, "
        f"{strange} under another Message-ID, {doubled} steps recorded twice; {again} mails came again under the same "
        "Message-ID"
    )
    return [compared("killed_notices", "repeats", [again], [], note, sound=not (missing or strange or doubled))]


async def _waiting(side: Ours, size: int) -> set[str]:
    """Start cases that all owe their notice, with nobody there to send it; the Message-IDs that should arrive."""
    now = datetime.now(UTC)
    policy, clock = Policy.model_validate(DEMAND), CaseClock.real(now)
    due = now.date() - timedelta(days=3)
    openings = [Opening(invoice(f"K{n}", due), policy, clock, now) for n in range(size)]
    for batch in batches(openings, BATCH):
        await side.service.start(batch)
    return {ids.mail_message_id(ids.step_key(opening.invoice.case_id, "demand", 1)) for opening in openings}


async def _until(count: Callable[[], int], number: float) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while count() < number:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{count()} of {number:.0f} notices went out")
        await asyncio.sleep(0.02)
