"""Fetches the Temporal histories of cases, and archives those of closed ones with their evidence in the ledger."""

import json
from collections.abc import AsyncIterator
from datetime import UTC
from typing import Literal, NamedTuple

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from activities.histories import History, HistoryArchive
from gateway.errors import Unreachable

_FORGOTTEN = (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT)
_NO_LISTS = (RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.PERMISSION_DENIED)


class Kept(NamedTuple):
    """What became of a closed case: how many histories are new, or why none was archived."""

    case_id: str
    histories: int
    state: Literal["archived", "unknown", "running"] = "archived"
    """`unknown`: the server has forgotten it; `running`: its run is just ending, and comes with the next call."""


async def fetch_histories(client: Client, case_id: str) -> list[History]:
    """The histories of all runs of a case that the server has, oldest first; the last run may be under way still.

    Raises:
        Unreachable: The server does not answer.
    """
    found: dict[str, History] = {}
    try:
        for listed in await _runs(client, case_id):
            run_id = listed
            while run_id and run_id not in found:
                history = await _history(client, case_id, run_id)
                if history is None:
                    break
                found[run_id], run_id = history
    except RPCError as error:
        raise Unreachable(
            f"the Temporal server did not answer ({error.message[:200]}): check that it runs, then repeat"
        ) from error
    return sorted(found.values(), key=lambda history: (history.started_at, history.run_id))


async def _history(client: Client, case_id: str, run_id: str) -> tuple[History, str] | None:
    """The history of a run, and the run that it took over from."""
    handle = client.get_workflow_handle(case_id, run_id=run_id)
    try:
        status = (await handle.describe()).status
        history = await handle.fetch_history()
    except RPCError as error:
        if error.status in _FORGOTTEN:
            return None
        raise
    if not history.events:
        return None
    first = history.events[0]
    ended = status != WorkflowExecutionStatus.RUNNING
    before = first.workflow_execution_started_event_attributes.continued_execution_run_id
    # Maps inside have no order of their own: sorted, the same history is the same bytes.
    content = json.dumps(history.to_json_dict(), ensure_ascii=False, indent=1, sort_keys=True).encode()
    return History(run_id, first.event_time.ToDatetime(UTC), content, ended), before


async def _runs(client: Client, case_id: str) -> list[str]:
    """The runs of a case that the server lists, and the latest, which its lists may not have yet."""
    found: list[str] = []
    try:
        described = await client.get_workflow_handle(case_id).describe()
        if described.run_id:
            found.append(described.run_id)
    except RPCError as error:
        if error.status not in _FORGOTTEN:
            raise
    quoted = case_id.replace("\\", "\\\\").replace("'", "\\'")
    try:
        async for run in client.list_workflows(f"WorkflowId = '{quoted}'"):
            if run.run_id not in found:
                found.append(run.run_id)
    except RPCError as error:
        if error.status not in _NO_LISTS:
            raise
    return found


async def archive_closed(client: Client, archive: HistoryArchive) -> AsyncIterator[Kept]:
    """Archive the histories of all closed cases whose end is not in the archive; what was done is not done again.

    Raises:
        Unreachable: The server does not answer; the same call again goes on.
    """
    for case_id, sequence in archive.pending():
        histories = await fetch_histories(client, case_id)
        if not all(history.ended for history in histories):
            yield Kept(case_id, 0, "running")
        elif not histories:
            yield Kept(case_id, 0, "unknown")
        else:
            yield Kept(case_id, archive.put(case_id, sequence, histories))
