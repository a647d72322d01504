"""What a case leaves behind: events and billed actions in its history, bytes in the databases, memory in the worker."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from bench.figures import Figure, compared
from bench.ground import Ground
from bench.sides import Pace, both, case_id

_PATIENCE_S = 180.0
_BILLED = (
    "WORKFLOW_EXECUTION_STARTED", "TIMER_STARTED", "ACTIVITY_TASK_STARTED", "WORKFLOW_EXECUTION_SIGNALED",
    "WORKFLOW_EXECUTION_UPDATE_ACCEPTED", "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES",
)  # fmt: skip
LOCAL = "LOCAL_ACTIVITIES"
"""What local activities are billed as: those of one workflow task are one action."""


async def history(new_ground: Callable[[], Ground], quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Events, actions and bytes of full ladders that nothing hurries: every timer of theirs is set."""
    ladders, span, apart = (10, 20.0, 1.0) if quick else (30, 20.0, 1.0)
    events: dict[str, list[float]] = {}
    actions: dict[str, list[float]] = {}
    held: dict[str, dict[str, float]] = {}
    kinds = ""
    for n in (0, 1):
        # A server of its own for each: what another one's cases leave to be tidied up would blur the bytes.
        async with new_ground() as ground:
            side = both(ground, "history")[n]
            names = [f"H{i}" for i in range(ladders)]
            async with ground.working(side.kind, side.queue) as worker:
                before = ground.database_bytes()
                for name in names:
                    await side.start([name], Pace.ladder_in(span))
                    await asyncio.sleep(apart)
                await _until(lambda: side.performed() >= 7 * ladders)  # noqa: B023  (asked before the next round)
                await worker.rest()
            after = ground.database_bytes()
            held[side.kind] = {name: (after[name] - before[name]) / ladders for name in after}
            counted = [await _history(ground.client, case_id(side, name)) for name in names[:5]]
        events[side.kind] = [(sum(history.values()) - history[LOCAL]) / 7 for history in counted]
        actions[side.kind] = [sum(history[kind] for kind in (*_BILLED, LOCAL)) for history in counted]
        if side.kind == "ours":
            kinds = ", ".join(f"{kind.lower()} {count}" for kind, count in sorted(counted[0].items()) if kind != LOCAL)
        say(f"history: {side.kind} done")
    mine, theirs = held["ours"], held["bare"]["temporal"]
    server, ledger = (f"{mine[name] / 1024:.1f} kB" for name in ("temporal", "ledger"))
    note = f"after a whole ladder: server {server}, ledger {ledger} (every mail kept as it was sent)"
    return [
        compared("events_per_step", "events", events["ours"], events["bare"], f"a whole ladder: {kinds}"),
        compared("actions_per_ladder", "actions", actions["ours"], actions["bare"], "counted from the history"),
        compared("bytes_per_case", "bytes", [sum(mine.values())], [theirs], note),
    ]


async def _history(client: Client, workflow_id: str) -> Counter[str]:
    found: Counter[str] = Counter()
    last_task = None
    async for event in client.get_workflow_handle(workflow_id).fetch_history_events():
        kind = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_")
        found[kind] += 1
        if kind == "MARKER_RECORDED":
            task = event.marker_recorded_event_attributes.workflow_task_completed_event_id
            found[LOCAL] += task != last_task
            last_task = task
    return found


async def memory_per_case(ground: Ground, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """What each open case adds to the worker that has it in its cache."""
    # The first few hundred mostly fill what the process keeps anyway: threads, buffers, the allocator's pools.
    warm, size, rounds = (200, 400, 1) if quick else (300, 700, 3)
    grown: dict[str, list[float]] = {"ours": [], "bare": []}
    for n in range(rounds):
        for side in both(ground, f"memory-{n}"):
            async with ground.working(side.kind, side.queue) as worker:
                await side.start([f"M{n}-w{i}" for i in range(warm)], Pace())
                await worker.rest()
                before = worker.memory
                await side.start([f"M{n}-{i}" for i in range(size)], Pace())
                await worker.rest()
                grown[side.kind].append((worker.memory - before) / size / 1024)
            say(f"memory_per_case: round {n + 1} of {rounds}, {side.kind} {grown[side.kind][-1]:.1f} kB")
    note = f"{size} open cases of `plain` beside {warm} that were there; unshared memory of the process"
    return [compared("memory_per_case", "kB", grown["ours"], grown["bare"], note)]


async def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError("the steps were not made in time")
        await asyncio.sleep(0.1)
