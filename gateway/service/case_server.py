"""The cases as the Temporal server runs them: start one, tell it a message, ask how it stands."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from temporalio.client import (
    Client,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from gateway.errors import InputRefused, Unreachable
from models import events as e
from models import page
from models.case import Case
from models.changes import stored
from models.events import Message
from models.ladder import Wait, next_action
from models.law import CaseLaw
from models.orders import Answer, CaseStart
from workflows.attributes import initial_attributes
from workflows.invoice_case import InvoiceCase

PATIENCE = 30.0
"""Seconds to wait for a worker's answer before saying that none came."""

_JUST_CLOSED = "AcceptedUpdateCompletedWorkflow"
"""What the server says of a message that a case took while it ended."""


class NoRunningCase(Exception):
    """No running workflow takes a message; the text says why."""


class StillClosing(NoRunningCase):
    """The case is closed, though its workflow runs a moment longer."""


class CaseServer:
    """The workflows of the cases on a Temporal server."""

    def __init__(self, client: Client, task_queue: str) -> None:
        """Over a connected client; workers listen on `task_queue`."""
        self.client = client
        self._task_queue = task_queue

    async def open(self, case: Case, told: Sequence[e.AnyMessage]) -> None:
        """Start the workflow of a case that is new in the ledger; nothing where it runs, or ran and ended.

        Args:
            case: As the ledger has it, opened and nothing more.
            told: The messages that the ledger held before the case began.
        """
        opened = cast(e.CaseOpened, case.journal[0].event)
        start = CaseStart.model_construct(opened=opened, told=tuple(told), stored=1, carried=None)
        try:
            await self.run(case, start, WorkflowIDReusePolicy.REJECT_DUPLICATE)
        except WorkflowAlreadyStartedError:
            pass  # It ran and ended: an earlier try got further than the ledger knows.

    async def carry_on(self, case: Case) -> None:
        """Pursue a case from where the ledger has it; one that runs is left alone."""
        start = CaseStart(carried=stored(case, case.sequence))
        await self.run(case, start, WorkflowIDReusePolicy.ALLOW_DUPLICATE)

    async def run(self, case: Case, start: CaseStart, reuse: WorkflowIDReusePolicy) -> None:
        """Start the workflow of a case; one that runs already is left alone."""
        action = next_action(case, case.opened_at)
        invoice = case.invoice
        until = action.until if isinstance(action, Wait) else None
        first = f"; first step at {until:%Y-%m-%d %H:%M} UTC" if until else ""
        try:
            await self.client.start_workflow(
                InvoiceCase.run,
                start,
                id=case.id,
                task_queue=self._task_queue,
                id_reuse_policy=reuse,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                search_attributes=initial_attributes(case),
                static_summary=_clip(f"{invoice.number}: {invoice.amount}, due {invoice.due}", 200),
                static_details=f"Invoice **{page.plain(invoice.number)}** of {page.plain(invoice.creditor)} to buyer "
                f"`{page.plain(invoice.buyer.id)}`: {invoice.amount}, due {invoice.due}. "
                f"Policy `{case.policy.id}` version {case.policy.version}{first}.",
            )
        except RPCError as error:
            raise unreachable(error) from error

    async def tell(self, case_id: str, message: Message) -> Answer:
        """What the case answers to a message.

        Raises:
            InputRefused: the case refuses it, with the reason.
            NoRunningCase: the case is closed, unknown, or not yet started.
            Unreachable: nobody answers.
        """
        handle = self.client.get_workflow_handle(case_id)
        try:
            async with asyncio.timeout(PATIENCE):
                answer: Answer = await handle.execute_update(
                    message.type, message.but(source="ledger"), id=message.update_id, result_type=Answer
                )
                return answer
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            if isinstance(cause, ApplicationError) and cause.type == "Closed":
                raise StillClosing(cause.message) from error
            if isinstance(cause, ApplicationError) and cause.type == _JUST_CLOSED:
                raise NoRunningCase("the case has just closed") from error
            text = cause.message if isinstance(cause, ApplicationError) else str(cause)
            raise InputRefused(text) from error
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
            raise Unreachable(
                f"no worker answered within {PATIENCE:.0f} s: check that one runs (`arrears up`, arrears-worker). "
                f"The message is in the ledger; the same command again, with the reference {message.id}, delivers it"
            ) from error
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                raise NoRunningCase("there is no running case") from error
            raise unreachable(error) from error

    async def continue_law(self, case_id: str, law: CaseLaw) -> bool:
        """Tell a case of rates that reach further than those it knows; False if it knows them, or is closed.

        Raises:
            InputRefused: the case cannot take them, with the reason.
            NoRunningCase: there is none.
            Unreachable: nobody answers.
        """
        handle: WorkflowHandle[Any, Any] = self.client.get_workflow_handle(case_id)
        try:
            async with asyncio.timeout(PATIENCE):
                name = f"law_updated:{law.code}:{law.known_until}"
                return await handle.execute_update(InvoiceCase.law_updated, e.LawUpdated(law=law), id=name)
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            if isinstance(cause, ApplicationError) and cause.type in ("Refused", "Closed", _JUST_CLOSED):
                return False
            raise InputRefused(str(cause)) from error
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
            raise Unreachable("no worker answered: check that one runs (`arrears up`, arrears-worker)") from error
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                raise NoRunningCase("there is no running case") from error
            raise unreachable(error) from error

    async def case(self, case_id: str) -> Case | None:
        """The case as its workflow has it; None if the server does not know it."""
        handle: WorkflowHandle[Any, Any] = self.client.get_workflow_handle(case_id)
        try:
            async with asyncio.timeout(PATIENCE):
                case: Case = await handle.query(InvoiceCase.case)
                return case
        except TimeoutError as error:
            raise Unreachable("no worker answered: check that one runs (`arrears up`, arrears-worker)") from error
        except WorkflowQueryFailedError as error:
            raise Unreachable(f"the case could not be shown: {error}") from error
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return None
            raise unreachable(error) from error


def unreachable(error: RPCError) -> Unreachable:
    """The server's silence, as a message with what to do."""
    return Unreachable(f"the Temporal server did not answer ({error.message[:200]}): check that it runs, then repeat")


def _clip(text: str, size: int) -> str:
    """At most `size` bytes of UTF-8."""
    encoded = text.encode()
    return text if len(encoded) <= size else encoded[: size - 3].decode(errors="ignore") + "…"
