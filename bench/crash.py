"""The worker killed in the second in which a thousand cases fall due, and what it takes until all of it is done."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time

from bench.figures import Figure, compared
from bench.ground import Ground
from bench.sides import DUE, BareSide, Ours, Pace, both, case_id
from gateway.stack.mailbox import read_mails
from models import ids

_PATIENCE_S = 400.0
_KILLED_AT = 0.1
"""The share of the steps that are done when the worker is killed: it is then in the middle of sending."""


async def recovery_ratio(ground: Ground, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Seconds from SIGKILL until every case has its step, with a new worker started at once."""
    size, rounds = (200, 1) if quick else (1000, 1)
    took: dict[str, list[float]] = {"ours": [], "bare": []}
    most: dict[str, list[float]] = {"ours": [], "bare": []}
    faults = ""
    for n in range(rounds):
        for side in both(ground, f"crash-{n}"):
            whole, nearly = await _crash(ground, side, f"C{n}", size)
            took[side.kind].append(whole)
            most[side.kind].append(nearly)
            say(f"recovery_ratio: {side.kind} {whole:.1f} s, nine tenths after {nearly:.1f} s")
            if isinstance(side, Ours):
                faults = _check(ground, side, [f"C{n}-{i}" for i in range(size)])
    most_of_it = f"nine tenths of them done after {most['ours'][0]:.1f} s (bare {most['bare'][0]:.1f} s)"
    note = f"{size} cases due within a second; {most_of_it}; {faults}"
    return [compared("recovery_ratio", "s", took["ours"], took["bare"], note, sound="none" in faults)]


async def _crash(ground: Ground, side: Ours | BareSide, prefix: str, size: int) -> tuple[float, float]:
    """Seconds until all of them, and until nine tenths of them, were done."""
    worker = await ground.worker(side.kind, side.queue)
    before = _done(side)
    # Enough time for all cases to start and set their timers before the first falls due.
    due = datetime.now(UTC) + timedelta(seconds=15 + size / 25)
    first_step = datetime.combine(DUE - timedelta(days=3), clock_time(9), UTC)
    batch = 50
    for i in range(0, size, batch):
        # Ever later in the one second.
        lead = due + timedelta(seconds=i / size) - datetime.now(UTC)
        await side.start([f"{prefix}-{k}" for k in range(i, min(i + batch, size))], Pace(DUE, first_step - lead))
    await worker.rest()
    if datetime.now(UTC) > due:
        raise TimeoutError("starting took longer than the cases had until they fell due")
    await _until(side, before, size * _KILLED_AT)
    worker.kill()
    killed = time.monotonic()
    async with ground.working(side.kind, side.queue):
        nearly = await _until(side, before, size * 0.9)
        whole = await _until(side, before, size)
    return whole - killed, nearly - killed


async def _until(side: Ours | BareSide, before: int, number: float) -> float:
    deadline = time.monotonic() + _PATIENCE_S
    while _done(side) - before < number:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{side.kind}: {_done(side) - before} of {number:.0f} cases came through")
        await asyncio.sleep(0.05)
    return time.monotonic()


def _done(side: Ours | BareSide) -> int:
    return side.reminded() if isinstance(side, Ours) else side.performed()


def _check(ground: Ground, side: Ours, names: list[str]) -> str:
    """Whether every case has its one reminder: in the ledger by the count above, in the sink by its Message-ID."""
    keys = [ids.step_key(case_id(side, name), "reminder_m3", 1) for name in names]
    wanted = {ids.mail_message_id(key) for key in keys}
    arrived = Counter(mail.message_id for mail in read_mails(ground.mail))
    lost = sum(1 for message_id in wanted if message_id not in arrived)
    doubled = side.performed_twice()
    again = sum(arrived[message_id] - 1 for message_id in wanted if message_id in arrived)
    if lost or doubled:
        return f"{lost} lost, {doubled} doubled"
    return f"none lost, none doubled; {again} mails went out again under the same Message-ID"
