"""Rates of what comes in: starts and payments."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

from bench.figures import Figure, compared
from bench.ground import Ground
from bench.sides import Pace, Side, both, write_file

AT_ONCE = 16
"""Payments that are under way at a time: a bank statement being booked."""


async def start_rate(ground: Ground, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Cases started per second from a file, through intake, ledger and server; bare: `start_workflow`, nobody polls."""
    rounds, size = (2, 150) if quick else (5, 400)
    sides = both(ground, "starts")
    rates: dict[str, list[float]] = {side.kind: [] for side in sides}
    for n in range(rounds + 1):
        for side in sides:
            file = ground.scratch / f"starts-{n}.csv"
            write_file(file, [f"S{n}-{i}" for i in range(size if n else 40)])
            begun = time.perf_counter()
            await side.start_file(file)
            if n:  # the first is for warming up
                rates[side.kind].append(size / (time.perf_counter() - begun))
        say(f"start_rate: round {n} of {rounds}")
    note = f"{size} invoices a round, file to server; no worker on either side"
    return [compared("start_rate", "cases/s", rates["ours"], rates["bare"], note)]


async def payment_rate(ground: Ground, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Part payments per second, each to another open case; bare is an empty update on a polled workflow."""
    rounds, size = (3, 100) if quick else (5, 250)
    sides = both(ground, "payments")
    names = [f"P{i}" for i in range(size)]
    rates: dict[str, list[float]] = {side.kind: [] for side in sides}
    async with AsyncExitStack() as stack:
        for side in sides:
            worker = await stack.enter_async_context(ground.working(side.kind, side.queue))
            await side.start(names, Pace())
            await worker.rest()
        for n in range(rounds + 1):
            for side in sides:
                begun = time.perf_counter()
                await _tell_all(side, names, n)
                if n:
                    rates[side.kind].append(size / (time.perf_counter() - begun))
            say(f"payment_rate: round {n} of {rounds}")
    note = f"{size} payments a round, {AT_ONCE} at once; ledger, update, ledger"
    return [compared("payment_rate", "payments/s", rates["ours"], rates["bare"], note)]


async def _tell_all(side: Side, names: list[str], nth: int) -> None:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> None:
        async with slots:
            await side.tell(name, nth)

    await asyncio.gather(*(one(name) for name in names))
