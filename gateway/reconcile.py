"""Makes ledger and cases agree: delivers what was not acknowledged, finds where they differ, and mends what it may.

The ledger owns money and evidence, so nothing here changes what is booked: a case that is missing or ended too early is
rebuilt from the ledger and started again; anything else is reported for an operator.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from temporalio.client import WorkflowExecution, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from activities.ledger import LedgerConflict
from activities.pinned_laws import pinned_laws
from gateway.errors import GatewayError, Unreachable
from gateway.newer_tables import newer_laws
from gateway.service import Service, batches
from gateway.service.case_server import NoRunningCase
from models import ids, view
from models.case import Case
from models.events import Message
from models.money import Money
from workflows.attributes import OUTSTANDING, STAGE

SETTLING = timedelta(seconds=60)
"""What changed so lately is left alone: the server's lists follow with a delay."""

Kind = Literal["not_delivered", "not_started", "missing_case", "closed_too_early", "open_too_long", "behind", "differs"]


class Difference(NamedTuple):
    """Where ledger and case do not agree, and whether it was mended."""

    case_id: str
    kind: Kind
    text: str
    repaired: bool = False


class Report(NamedTuple):
    """What a reconciliation did and found."""

    cases: int
    delivered: int
    waiting: int
    differences: tuple[Difference, ...]
    newer_rates: int = 0
    """How many cases were told of rates that were published since."""

    @property
    def unrepaired(self) -> list[Difference]:
        """What an operator has to look at."""
        return [difference for difference in self.differences if not difference.repaired]


class _Seen(NamedTuple):
    """A case as the server's list shows it."""

    running: bool
    stage: str | None
    outstanding: float | None


async def reconcile(
    service: Service, repair: bool = False, progress: Callable[[int], None] = lambda done: None
) -> Report:
    """Deliver what waits in the ledger, compare every case, and tell those that claim interest of newer rates.

    Args:
        service: With a connected server.
        repair: Whether to start what is missing and take over what the case knows; else it is only reported.
        progress: Told how many cases were compared.

    Raises:
        Unreachable: the server does not answer.
    """
    delivered, waiting = await _deliver(service, service.ledger.undelivered())
    seen = await _listed(service)
    differences = list(waiting)
    count = 0
    for batch in batches(service.ledger.heads(), 500):
        lengths = service.ledger.chain_lengths([row.case_id for row in batch])
        for row in batch:
            whole = lengths.get(row.case_id, 0) >= row.sequence
            found = await _compare(service, row, seen.get(row.case_id), whole, repair)
            if found is not None:
                differences.append(found)
        count += len(batch)
        progress(count)
    # Last, for a case that was missing runs now.
    kept, still_kept = await _deliver(service, service.ledger.kept_for_open_cases())
    newer, untold = await _bring_newer_rates(service, lambda: progress(count))
    differences += [*still_kept, *untold]
    return Report(count, delivered + kept, len(waiting) + len(still_kept), tuple(differences), newer)


async def _deliver(service: Service, messages: Sequence[tuple[str, str, Message]]) -> tuple[int, list[Difference]]:
    """Tell the cases what they were not told, or did not answer."""
    delivered, waiting = 0, []
    for creditor, number, message in messages:
        try:
            told = await service.tell(creditor, number, message)
            delivered += not told.unapplied
        except GatewayError as error:
            text = f"{message.type} {message.id!r}: {error}"
            waiting.append(Difference(ids.case_id(creditor, number), "not_delivered", text))
    return delivered, waiting


async def _bring_newer_rates(service: Service, progress: Callable[[], None]) -> tuple[int, list[Difference]]:
    """Tell the open cases that claim interest of rates that were published since they began."""
    newer_law, told, untold = newer_laws(service.settings.data_dir), 0, []
    for case_id, law in (await asyncio.to_thread(pinned_laws, service.ledger.engine)).items():
        newer = newer_law(law)
        if newer is None:
            continue
        try:
            told += await service.cases.continue_law(case_id, newer)
        except NoRunningCase:
            pass  # it has just ended, or is to be started again: the next time finds it
        except GatewayError as error:
            untold.append(Difference(case_id, "not_delivered", f"newer rates of {law.code}: {error}"))
            if isinstance(error, Unreachable):
                break  # the others would wait as long for nobody; the next time tells them
        progress()
    return told, untold


async def _listed(service: Service) -> dict[str, _Seen]:
    """The cases as the server lists them; the latest run of each counts."""
    seen: dict[str, _Seen] = {}
    executions: AsyncIterator[WorkflowExecution] = service.client.list_workflows('WorkflowType = "InvoiceCase"')
    async for execution in executions:
        running = execution.status == WorkflowExecutionStatus.RUNNING
        known = seen.get(execution.id)
        if known is not None and (known.running or not running):
            continue
        attributes = execution.typed_search_attributes
        seen[execution.id] = _Seen(running, attributes.get(STAGE), attributes.get(OUTSTANDING))
    return seen


async def _compare(
    service: Service, row: Any, seen: _Seen | None, whole: bool, repair: bool
) -> Difference | None:  # fmt: skip
    """A case against its line in the ledger; `whole`: the ledger has all the events that the line tells of."""
    if datetime.now(UTC) - row.created_at < SETTLING:
        return None
    outstanding = Money.from_minor(row.outstanding_minor, row.currency)
    if not row.started:
        return await _start(service, row, repair)
    if seen is None or not seen.running:
        return None if row.closed else await _missing(service, row, repair)
    same = whole and seen.stage == row.stage and seen.outstanding == float(outstanding.amount)
    if same and not row.closed:
        return None
    # Lists are a moment late; the case itself is asked only where they seem to differ.
    case = await service.cases.case(row.case_id)
    if case is None or (case.closed and row.closed):
        return None
    return _against_ledger(service, case, row, repair)


async def _start(service: Service, row: Any, repair: bool) -> Difference:
    text = "it is in the ledger, but was never started"
    if not repair:
        return Difference(row.case_id, "not_started", text)
    try:
        await service.resume(row.case_id)
    except LedgerConflict as conflict:
        return Difference(row.case_id, "not_started", f"{text}; {conflict}")
    return Difference(row.case_id, "not_started", text, repaired=True)


async def _missing(service: Service, row: Any, repair: bool) -> Difference | None:
    """No running workflow is listed for an open case: the server itself is asked before anything is done."""
    kind: Kind = "missing_case"
    try:
        described = await service.client.get_workflow_handle(row.case_id).describe()
        if described.status == WorkflowExecutionStatus.RUNNING:
            return None
        kind = "closed_too_early"
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
    fresh = next(iter(service.ledger.find(row.number, row.creditor)), None)
    if fresh is None or fresh.closed:
        return None  # It closed while we looked.
    text = "the server does not know it" if kind == "missing_case" else "its workflow has ended, though it is open"
    case = service.ledger.rebuild(row.case_id)
    if case is None or case.closed or not repair:
        return Difference(row.case_id, kind, text)
    await service.cases.carry_on(case)
    return Difference(row.case_id, kind, text, repaired=True)


def _against_ledger(service: Service, case: Case, row: Any, repair: bool) -> Difference | None:
    """The case itself against the fold of its events in the ledger."""
    known = service.ledger.rebuild(row.case_id)
    if known is None:
        return Difference(row.case_id, "differs", "the ledger has no chain of events for it")
    if row.closed and not case.closed and known.closed:
        return Difference(row.case_id, "open_too_long", "it is closed in the ledger, but its workflow still runs")
    if case.sequence > known.sequence:
        text = f"the case has {case.sequence} events, the ledger {known.sequence}"
        new = [n for n in case.journal if n.sequence > known.sequence]
        if not repair or not new:
            return Difference(row.case_id, "behind", text)
        service.ledger.record(row.case_id, new, view.head(case))
        return Difference(row.case_id, "behind", text, repaired=True)
    if case.sequence < known.sequence:
        text = f"the ledger has {known.sequence} events, the case only {case.sequence}"
        return Difference(row.case_id, "differs", text)
    if (case.outstanding, case.stage) != (known.outstanding, known.stage):
        text = f"{case.outstanding} and {case.stage} in the case, {known.outstanding} and {known.stage} by the ledger"
        return Difference(row.case_id, "differs", text)
    if (known.outstanding.minor, known.stage) != (row.outstanding_minor, row.stage):
        text = f"the ledger's line shows {row.stage}, its events give {known.stage} with {known.outstanding}"
        if repair:
            service.ledger.record(row.case_id, (), view.head(known))
        return Difference(row.case_id, "behind", text, repaired=repair)
    return None


def as_json(report: Report) -> dict[str, Any]:
    """A report for programs."""
    return {
        "cases": report.cases, "delivered": report.delivered, "waiting": report.waiting,
        "newer_rates": report.newer_rates,
        "differences": [difference._asdict() for difference in report.differences],
        "repaired": sum(difference.repaired for difference in report.differences),
    }  # fmt: skip


def as_text(report: Report) -> Iterable[str]:
    """A report for people."""
    yield f"{report.cases} cases compared; {report.delivered} messages delivered, {report.waiting} wait"
    if report.newer_rates:
        yield f"{report.newer_rates} cases were told of newer rates"
    for d in report.differences:
        creditor, number = ids.split_case_id(d.case_id)
        yield f"{creditor}/{number}: {d.text}" + (" (mended)" if d.repaired else "")
    if not report.differences:
        yield "ledger and cases agree"
