"""The engine room: runs the workflows and activities until it is told to stop, and then finishes what it is doing."""

import argparse
import asyncio
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import structlog
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import PollerBehaviorAutoscaling, Worker

from activities.channels.chat import chat_over
from activities.channels.dispatch import Channels
from activities.channels.ports import Channel
from activities.channels.post import PrintFolder, PrintProvider
from activities.ledger import Ledger
from activities.steps import StepActivities
from gateway.connection import connect_server, open_ledger, register_search_attributes
from gateway.creditor_files import load_creditor
from gateway.environment import load_settings
from gateway.errors import GatewayError, Unreachable, WrongUsage
from gateway.jurisdiction_files import load_jurisdiction
from gateway.logs import configure_logging
from gateway.replies.filing import ReplyDesk
from gateway.replies.inbox import watch
from gateway.service import Service
from models.settings import Settings
from workflows.invoice_case import InvoiceCase

ACTIVITY_SLOTS = 24
"""Steps at a time, and threads for them: as many as the ledger's pool has connections for."""

GRACE = timedelta(seconds=20)

log = structlog.get_logger("arrears.worker")


def build_worker(client: Client, ledger: Ledger, settings: Settings) -> Worker:
    """A worker over a client and a ledger: the wiring of the engine.

    Raises:
        WrongUsage: if no mail server is set.
    """
    if settings.smtp is None:
        raise WrongUsage("no mail server is set: give ARREARS_SMTP_HOST and ARREARS_SMTP_PORT")
    steps = StepActivities(
        ledger, settings.smtp, lambda code: load_creditor(code, settings.data_dir),
        lambda code: load_jurisdiction(code, settings.data_dir),
        time_lapse=settings.allow_time_lapse, threads=ACTIVITY_SLOTS, channels=build_channels(ledger, settings),
    )  # fmt: skip
    return Worker(
        client,
        task_queue=settings.task_queue,
        workflows=[InvoiceCase],
        activities=[steps.perform_step, steps.record],
        activity_executor=ThreadPoolExecutor(ACTIVITY_SLOTS, thread_name_prefix="ledger"),
        max_concurrent_activities=ACTIVITY_SLOTS,
        max_concurrent_local_activities=ACTIVITY_SLOTS,
        max_cached_workflows=2_000,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        graceful_shutdown_timeout=GRACE,
    )


def build_channels(ledger: Ledger, settings: Settings) -> Channels:
    """The channels besides e-mail; post lies in the data folder's print queue unless a provider is set."""
    post: Channel = PrintFolder(Path(settings.data_dir) / "print")
    if settings.printing is not None:
        post = PrintProvider(settings.printing)
    chats: dict[str, Channel] = {name: chat_over(provider) for name, provider in settings.chat.items()}
    return Channels(ledger.engine, {"post": post} | chats)


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or Ctrl-C."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    client = await connect_server(settings)
    await register_search_attributes(client)
    ledger = open_ledger(settings)
    worker = build_worker(client, ledger, settings)
    running = asyncio.create_task(worker.run())
    watching = asyncio.create_task(watch(ReplyDesk(Service(settings, ledger, client)), settings.imap))
    ready = os.environ.get("ARREARS_READY_FILE")
    if ready:
        Path(ready).write_text(str(os.getpid()))
    log.info("worker_ready", task_queue=settings.task_queue, namespace=client.namespace)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
    log.info("worker_stopping")
    watching.cancel()
    await worker.shutdown()
    await running


async def health(settings: Settings) -> bool:
    """Whether a worker takes work from the task queue right now."""
    client = await connect_server(settings, wait=2)
    described = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(namespace=client.namespace, task_queue=TaskQueue(name=settings.task_queue))
    )
    return len(described.pollers) > 0


def main() -> None:
    """The command `arrears-worker`."""
    parser = argparse.ArgumentParser(prog="arrears-worker", description="Runs the cases of overdue invoices.")
    parser.add_argument("--data-dir", help="folder that holds everything (default: var, or ARREARS_DATA_DIR)")
    parser.add_argument("--health", action="store_true", help="exit 0 if a worker takes work, 1 if none does")
    arguments = parser.parse_args()
    try:
        settings = load_settings(arguments.data_dir)
        configure_logging(settings)
        if arguments.health:
            sys.exit(0 if asyncio.run(health(settings)) else 1)
        asyncio.run(serve(settings))
    except GatewayError as error:
        sys.stderr.write(f"arrears-worker: {error}\n")
        sys.exit(1 if arguments.health else error.status)
    except RPCError as error:
        sys.stderr.write(f"arrears-worker: the Temporal server went away ({error.message}): check that it runs\n")
        sys.exit(1 if arguments.health else Unreachable.status)


if __name__ == "__main__":
    main()
