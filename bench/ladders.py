"""Whole ladders under load: as many cases in flight as it takes to keep the engine busy, and no more.

Steps fall due at absolute instants, so a side that lags behind would skip timers and look better for it. Therefore a
new case is started only while few steps are overdue: both sides work at their limit, and both set (nearly) all their
timers.
"""

import asyncio
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence

from bench.figures import Figure, compared
from bench.ground import Ground, WorkerProcess
from bench.sides import BEGIN, DUE, LADDER, Pace, Side, both, invoice
from gateway.policy_files import load_policy
from models import events as e
from models.changes import open_case
from models.clock import CaseClock
from models.entry import calendar

BACKLOG = 24
"""So many steps may be overdue: as many as the worker has slots for."""
_PATIENCE_S = 180.0


async def ladder_rates(ground: Ground, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Ladders and steps per second, from a window in which the engine is busy throughout."""
    rounds, span = (1, 10.0) if quick else (3, 16.0)
    ladders: dict[str, list[float]] = {"ours": [], "bare": []}
    costs: dict[str, list[float]] = {"ours": [], "bare": []}
    for n in range(rounds):
        for side in both(ground, f"ladders-{n}"):
            async with ground.working(side.kind, side.queue) as worker:
                load = Load(side, span, f"L{n}")
                rate, cost = await load.run(ground, worker)
            ladders[side.kind].append(rate)
            costs[side.kind].append(cost)
            say(f"ladder_rate: round {n + 1} of {rounds}, {side.kind} {rate:.2f}/s")
    steps = {kind: [7 * rate for rate in rates] for kind, rates in ladders.items()}
    mail = "from the same run; every step sends a mail"
    spent = ", ".join(f"{kind} {1000 * sum(seconds) / len(seconds):.0f} ms" for kind, seconds in costs.items())
    note = f"a ladder takes {span:.0f} s; processor time per ladder of server, sink and worker: {spent}"
    return [
        compared("ladder_rate", "ladders/s", ladders["ours"], ladders["bare"], note),
        compared("mail_steps_rate", "steps/s", steps["ours"], steps["bare"], mail),
    ]


def instants(span: float) -> list[float]:
    """When the steps of `plain` fall due if the whole ladder takes `span` seconds."""
    clock = CaseClock(wall=BEGIN, business=BEGIN)
    opened = e.CaseOpened(invoice=invoice("shape", DUE), policy=load_policy("plain"), clock=clock, at=BEGIN)
    return [(rung.at - BEGIN) / LADDER * span for rung in calendar(open_case(opened))]


class Load:
    """Cases kept in flight on one side."""

    def __init__(self, side: Side, span: float, prefix: str) -> None:
        """Nothing is started yet; a ladder will take `span` seconds."""
        self._side, self._span, self._prefix = side, span, prefix
        self._steps = instants(span)
        self._started: list[float] = []
        self._before = side.performed()

    async def run(self, ground: Ground, worker: WorkerProcess) -> tuple[float, float]:
        """Warm up for a ladder's length, then measure for another: ladders per second, processor seconds per ladder."""
        # What comes first (imports, first mails) must not lie in the window.
        await self._begin(2)
        await self._keep_busy(self._span * 1.1)
        begun, done, used = time.monotonic(), self._side.performed(), ground.cpu() + worker.cpu
        await self._keep_busy(self._span)
        steps = (self._side.performed() - done) / len(self._steps)
        seconds, cost = time.monotonic() - begun, ground.cpu() + worker.cpu - used
        await self._run_out()
        return steps / seconds, cost / steps

    async def _keep_busy(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            missing = BACKLOG - self._overdue()
            if missing > 0:
                await self._begin(min(3, missing))
            await asyncio.sleep(0.02)

    async def _begin(self, number: int) -> None:
        names = [f"{self._prefix}-{len(self._started) + i}" for i in range(number)]
        now = time.monotonic()
        await self._side.start(names, Pace.ladder_in(self._span))
        self._started += [now] * number

    def _overdue(self) -> int:
        return due_by(self._started, self._steps, time.monotonic()) - (self._side.performed() - self._before)

    async def _run_out(self) -> None:
        """Let the cases in flight come to their end: the other side gets the server for itself."""
        deadline = time.monotonic() + _PATIENCE_S
        wanted = len(self._started) * len(self._steps)
        while self._side.performed() - self._before < wanted:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{self._side.kind}: {self._side.performed() - self._before} of {wanted} steps were made"
                )
            await asyncio.sleep(0.1)


def due_by(started: Sequence[float], steps: Sequence[float], now: float) -> int:
    """How many steps of these cases have fallen due."""
    return sum(bisect_right(steps, now - begun) for begun in started)
