"""The engine room: runs the workflows and activities until it is told to stop, and then finishes what it is doing."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import structlog
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)
from temporalio.runtime import Runtime
from temporalio.service import RPCError
from temporalio.worker import PollerBehaviorAutoscaling, Worker

from activities.channels.chat import chat_over
from activities.channels.dispatch import Channels
from activities.channels.ports import Channel
from activities.channels.post import PrintFolder, PrintProvider
from activities.ledger import Ledger
from activities.reconciling import ReconcileActivities, ReconciliationReport
from activities.steps import StepActivities
from gateway.connection import connect_server, open_ledger, register_search_attributes
from gateway.creditor_files import load_creditor
from gateway.environment import load_settings
from gateway.errors import GatewayError, InputRefused, Unreachable, WrongUsage
from gateway.http.hooks import hooks_app
from gateway.http.server import listen
from gateway.inbox.watching import watch_aside
from gateway.jurisdiction_files import load_jurisdiction
from gateway.letter_files import letter_faults, letter_rules
from gateway.logs import configure_logging
from gateway.receipts import ReceiptDesk
from gateway.reconcile import reconcile
from gateway.replies.filing import ReplyDesk
from gateway.replies.inbox import watch
from gateway.service import Service
from models.settings import Settings
from workflows.invoice_case import InvoiceCase
from workflows.reconciliation import Reconciliation

ACTIVITY_SLOTS = 24
"""Steps at a time, and threads for them: as many as the ledger's pool has connections for."""

GRACE = timedelta(seconds=20)
EVERY = timedelta(minutes=10)
"""How often ledger and cases are compared."""

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
        time_lapse=settings.allow_time_lapse, threads=ACTIVITY_SLOTS, find_rules=letter_rules(settings.data_dir),
        channels=build_channels(ledger, settings),
    )  # fmt: skip
    service = Service(settings, ledger, client)
    reconciling = ReconcileActivities(lambda progress: reconciled(service, progress))
    return Worker(
        client,
        task_queue=settings.task_queue,
        workflows=[InvoiceCase, Reconciliation],
        activities=[steps.perform_step, steps.record, reconciling.reconcile],
        activity_executor=ThreadPoolExecutor(ACTIVITY_SLOTS, thread_name_prefix="ledger"),
        max_concurrent_activities=ACTIVITY_SLOTS,
        max_concurrent_local_activities=ACTIVITY_SLOTS,
        max_cached_workflows=2_000,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        graceful_shutdown_timeout=GRACE,
    )


async def reconciled(service: Service, progress: Callable[[int], None]) -> ReconciliationReport:
    """One scheduled reconciliation: what can be mended is."""
    report = await reconcile(service, repair=True, progress=progress)
    left = tuple(f"{difference.case_id}: {difference.text}"[:300] for difference in report.unrepaired[:50])
    if left:
        log.warning("ledger_and_cases_differ", differences=left)
    return ReconciliationReport(
        cases=report.cases, delivered=report.delivered, waiting=report.waiting,
        repaired=len(report.differences) - len(report.unrepaired), unrepaired=left,
    )  # fmt: skip


async def schedule_reconciliation(client: Client, task_queue: str) -> None:
    """Have ledger and cases compared every ten minutes; a schedule that exists is left as it is."""
    action = ScheduleActionStartWorkflow(Reconciliation.run, id="reconciliation", task_queue=task_queue)
    spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=EVERY)])
    policy = SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP)
    try:
        await client.create_schedule(f"reconciliation-{task_queue}", Schedule(action=action, spec=spec, policy=policy))
    except ScheduleAlreadyRunningError:
        pass
    except RPCError as error:
        log.warning("reconciliation_not_scheduled", reason=str(error)[:300])


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
    faults = letter_faults(settings.data_dir)
    if faults:
        raise InputRefused("letters have errors; mend them and start again:\n" + "\n".join(map(str, faults)))
    client = await connect_server(settings, runtime=Runtime.default())
    await register_search_attributes(client)
    ledger = open_ledger(settings)
    worker = build_worker(client, ledger, settings)
    await schedule_reconciliation(client, settings.task_queue)
    running = asyncio.create_task(worker.run())
    service = Service(settings, ledger, client)
    asides = [asyncio.create_task(watch(ReplyDesk(service), settings.imap))]
    if settings.hooks is not None:
        app = hooks_app(ReceiptDesk(service), settings.hooks.secret, settings.data_dir)
        asides.append(asyncio.create_task(listen(app, settings.hooks)))
    ready = os.environ.get("ARREARS_READY_FILE")
    if ready:
        Path(ready).write_text(str(os.getpid()))
    log.info("worker_ready", task_queue=settings.task_queue, namespace=client.namespace)
    stopping = asyncio.create_task(stop.wait())
    inbox = asyncio.create_task(watch_aside(settings, lambda: stop.is_set() or running.done()))
    await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
    log.info("worker_stopping")
    for aside in asides:
        aside.cancel()
    await asyncio.gather(*asides, return_exceptions=True)
    await worker.shutdown()
    stop.set()
    await inbox
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
