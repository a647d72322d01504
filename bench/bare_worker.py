"""The worker of the bare engine: the plugin and the options of worker.py, and a bare workflow."""

import asyncio
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker

import worker as engine
from bench.bare import Bare
from bench.ground import TALLY
from workflows.plugin import arrears_plugin


def counting(tally: Path) -> Callable[[bool], None]:
    """The activity that does nothing, save for telling the benchmark that it was there."""
    file = os.open(tally, os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    @activity.defn(name="nothing")
    def nothing(last: bool) -> None:
        os.write(file, b"L" if last else b"s")

    return nothing


async def serve() -> None:
    """Run until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    client = await Client.connect(
        os.environ["TEMPORAL_ADDRESS"], namespace=os.environ["TEMPORAL_NAMESPACE"], plugins=[arrears_plugin()]
    )
    worker = Worker(
        client,
        task_queue=os.environ["ARREARS_TASK_QUEUE"],
        workflows=[Bare],
        activities=[counting(Path(os.environ[TALLY]))],
        activity_executor=ThreadPoolExecutor(engine.ACTIVITY_SLOTS),
        max_concurrent_activities=engine.ACTIVITY_SLOTS,
        max_concurrent_local_activities=engine.ACTIVITY_SLOTS,
        max_cached_workflows=2_000,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        graceful_shutdown_timeout=engine.GRACE,
    )
    async with worker:
        Path(os.environ["ARREARS_READY_FILE"]).write_text(str(os.getpid()))
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve())
