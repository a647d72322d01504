"""The one service layer behind every way in: it starts cases, tells them messages, and shows them.

Ledger first: what comes in is in the ledger before any case hears of it, and what the case answered is in the ledger
after. How invoices are read is in `intake/`; how things are printed is in `cli/`.
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, cast

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

from activities.bank_book import BankBook
from activities.ledger import Ledger, LedgerConflict
from gateway.calendars import pinned
from gateway.errors import InputRefused, Unreachable
from gateway.terms import NO_TERMS, Terms
from models import events as e
from models import ids, view
from models.calendar import PinnedCalendar
from models.case import RULES_VERSION, Case, Refused
from models.changes import apply, open_case, stored
from models.clock import CaseClock
from models.events import Message
from models.invoice import Invoice
from models.ladder import Wait, next_action
from models.money import Money
from models.orders import Answer, CaseStart, Head
from models.policy import Policy
from models.settings import Settings
from workflows.attributes import initial_attributes
from workflows.invoice_case import InvoiceCase

PATIENCE = 30.0
"""Seconds to wait for a worker's answer before saying that none came."""

STARTS_AT_ONCE = 64
CONFLICT = "this number is already pursued with other content"


class Opening(NamedTuple):
    """An invoice to pursue, by which policy, on which clock; `calendar` is one that was pinned before."""

    invoice: Invoice
    policy: Policy
    clock: CaseClock
    at: datetime
    prior_notices: tuple[e.PriorNotice, ...] = ()
    terms: Terms = NO_TERMS
    rules_version: int = RULES_VERSION
    calendar: PinnedCalendar | None = None


class Opened(NamedTuple):
    """What became of an opening: `reason` says why it was refused."""

    result: Literal["accepted", "unchanged", "refused"]
    reason: str = ""


class Told(NamedTuple):
    """What a case answered. `unapplied`: there was no running case; the money waits in the ledger with a task."""

    text: str
    head: Head | None
    duplicate: bool = False
    unapplied: bool = False


class Service:
    """Everything the outside can do. `client` may be missing where only the ledger is asked."""

    def __init__(
        self, settings: Settings, ledger: Ledger, client: Client | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:  # fmt: skip
        """Over a ledger and a connected client; `now` is the server's clock, where that is not the machine's."""
        self._now = now
        self.settings = settings
        self.ledger = ledger
        self._client = client

    @property
    def client(self) -> Client:
        """The connected client."""
        if self._client is None:
            raise Unreachable("this command needs the Temporal server")
        return self._client

    @property
    def time_lapse_allowed(self) -> bool:
        """Whether cases may run in time-lapse: by setting, or on the embedded stack, which sends no mail out."""
        return self.settings.allow_time_lapse or not os.environ.get("TEMPORAL_ADDRESS")

    def business_now(self, case: Case) -> datetime:
        """The business instant it is in a case."""
        return case.clock.at(self._now())

    # --- starting ---------------------------------------------------------------------------------------------

    async def start(self, openings: Sequence[Opening]) -> list[Opened]:
        """Start a case for each invoice; those that run already are unchanged. Safe to repeat after any crash.

        Raises:
            Unreachable: if the server does not answer; what was written is taken up by the next try.
        """
        known = self.ledger.known([o.invoice.case_id for o in openings])
        results: list[Opened | None] = [None] * len(openings)
        cases: dict[int, Case] = {}
        seen: dict[str, str] = {}
        for i, opening in enumerate(openings):
            case_id, fingerprint = opening.invoice.case_id, opening.invoice.fingerprint
            there = known.get(case_id) or ((seen[case_id], True) if case_id in seen else None)
            if there is not None and there[0] != fingerprint:
                results[i] = Opened("refused", CONFLICT)
            elif there is not None and there[1]:
                results[i] = Opened("unchanged")
            else:
                seen[case_id] = fingerprint
                cases[i] = self.opened(opening if there is None else self._as_written(opening))
        new = {i: case for i, case in cases.items() if case.id not in known}
        written = self.ledger.open_cases([(case, view.head(case)) for case in new.values()])
        for i in [i for i, case in new.items() if case.id not in written]:
            # Another starter was faster: what it wrote counts.
            if self.ledger.known([cases[i].id])[cases[i].id][0] != openings[i].invoice.fingerprint:
                results[i] = Opened("refused", CONFLICT)
                del cases[i]
            else:
                cases[i] = self.opened(self._as_written(openings[i]))
        told = self.ledger.told_of([case.id for case in cases.values()])
        slots = asyncio.Semaphore(STARTS_AT_ONCE)

        async def run(case: Case) -> None:
            async with slots:
                await self._start(case, told.get(case.id, ()))

        await asyncio.gather(*(run(case) for case in cases.values()))
        self.ledger.started([case.id for case in cases.values()])
        for case in cases.values():
            for message in told.get(case.id, ()):
                creditor, number = ids.split_case_id(case.id)
                self.ledger.answered(creditor, number, message, "delivered", "taken at the start of the case")
                self.ledger.finish_task(case.id, f"{message.type}-{message.id}")
        for i in cases:
            results[i] = Opened("accepted")
        return [result for result in results if result is not None]

    def _as_written(self, opening: Opening) -> Opening:
        """The opening as the ledger has it from a try that was cut off: the case must begin as its evidence says."""
        case = self.ledger.rebuild(opening.invoice.case_id)
        if case is None:
            return opening
        terms = Terms(case.law, case.insurance)
        return Opening(
            case.invoice, case.policy, case.clock, case.opened_at, opening.prior_notices, terms, case.rules_version,
            case.calendar,
        )  # fmt: skip

    def opened(self, opening: Opening) -> Case:
        """The case of an opening, as it is written into the ledger; nothing is started."""
        calendar = opening.calendar or pinned(opening.invoice, opening.policy, opening.at, self.settings.data_dir)
        opened = e.CaseOpened(
            at=opening.at, invoice=opening.invoice, policy=opening.policy, clock=opening.clock,
            prior_notices=opening.prior_notices, source="starter", law=opening.terms.law,
            insurance=opening.terms.insurance, rules_version=opening.rules_version, calendar=calendar,
        )  # fmt: skip
        return open_case(opened)

    async def _start(self, case: Case, told: Sequence[e.AnyMessage]) -> None:
        opened = cast(e.CaseOpened, case.journal[0].event)
        start = CaseStart.model_construct(opened=opened, told=tuple(told), stored=1, carried=None)
        try:
            await self.run_case(case, start, WorkflowIDReusePolicy.REJECT_DUPLICATE)
        except WorkflowAlreadyStartedError:
            pass  # It ran and ended: an earlier try got further than the ledger knows.

    async def run_case(self, case: Case, start: CaseStart, reuse: WorkflowIDReusePolicy) -> None:
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
                task_queue=self.settings.task_queue,
                id_reuse_policy=reuse,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                search_attributes=initial_attributes(case),
                static_summary=_clip(f"{invoice.number}: {invoice.amount}, due {invoice.due}", 200),
                static_details=f"Invoice **{view.plain(invoice.number)}** of {view.plain(invoice.creditor)} to buyer "
                f"`{view.plain(invoice.buyer.id)}`: {invoice.amount}, due {invoice.due}. "
                f"Policy `{case.policy.id}` version {case.policy.version}{first}.",
            )
        except RPCError as error:
            raise _unreachable(error) from error

    # --- telling ----------------------------------------------------------------------------------------------

    def resolve(self, invoice: str) -> tuple[str, str]:
        """Creditor and number of INVOICE as written on the command line: the number, or CREDITOR/NUMBER.

        Raises:
            InputRefused: if no case has it, or several creditors have such a number.
        """
        found = self._candidates(invoice)
        if len(found) == 1:
            return found[0]
        if found:
            choices = ", ".join(f"{creditor}/{number}" for creditor, number in found)
            raise InputRefused(f"invoice {invoice!r} is ambiguous; name one of: {choices}")
        raise InputRefused(f"there is no invoice {invoice!r}; write its number, or CREDITOR/NUMBER")

    def resolve_or_new(self, invoice: str) -> tuple[str, str]:
        """As `resolve`, but an invoice that is not here yet is taken as CREDITOR/NUMBER: money may come first."""
        found = self._candidates(invoice)
        if not found and "/" in invoice:
            creditor, number = invoice.split("/", 1)
            try:
                return ids.creditor_code(creditor), ids.invoice_number(number)
            except ValueError as error:
                raise InputRefused(f"invoice {invoice!r}: {error}") from error
        return self.resolve(invoice)

    def _candidates(self, invoice: str) -> list[tuple[str, str]]:
        readings: list[tuple[str | None, str]] = [(None, invoice)]
        if "/" in invoice:
            before, after = invoice.split("/", 1)
            readings.append((before, after))
        found: set[tuple[str, str]] = set()
        for code, text in readings:
            with suppress(ValueError):  # what cannot be an invoice's number, or a creditor's code, names none
                number, creditor = ids.invoice_number(text), None if code is None else ids.creditor_code(code)
                found |= {(row.creditor, row.number) for row in self.ledger.find(number, creditor)}
        return sorted(found)

    async def tell(self, creditor: str, number: str, message: Message) -> Told:
        """Tell a case a message: ledger, case, ledger.

        Raises:
            InputRefused: if the case or the ledger refuses it, with the reason.
            Unreachable: if nobody answers; the message is in the ledger, and the same call again delivers it.
        """
        message = message.but(source=message.source or "service")
        try:
            known = await asyncio.to_thread(self.ledger.receive, creditor, number, message) == "delivered"
        except LedgerConflict as conflict:
            raise InputRefused(str(conflict)) from conflict
        try:
            answer = await self._update(ids.case_id(creditor, number), message)
        except _NoRunningCase as gone:
            return await self._without_case(creditor, number, message, str(gone))
        except InputRefused as refusal:
            self.ledger.answered(creditor, number, message, "refused", str(refusal))
            raise
        await asyncio.to_thread(
            self.ledger.answered, creditor, number, message, "delivered", answer.text, answer.head, answer.events
        )
        return Told(answer.text, answer.head, duplicate=known or answer.duplicate)

    async def _update(self, case_id: str, message: Message) -> Answer:
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
                raise _NoRunningCase(cause.message) from error
            if isinstance(cause, ApplicationError) and cause.type == "AcceptedUpdateCompletedWorkflow":
                raise _NoRunningCase("the case has just closed") from error
            text = cause.message if isinstance(cause, ApplicationError) else str(cause)
            raise InputRefused(text) from error
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
            raise Unreachable(
                f"no worker answered within {PATIENCE:.0f} s: check that one runs (`arrears up`, arrears-worker). "
                f"The message is in the ledger; the same command again, with the reference {message.id}, delivers it"
            ) from error
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                raise _NoRunningCase("there is no running case") from error
            raise _unreachable(error) from error

    async def _without_case(self, creditor: str, number: str, message: Message, reason: str) -> Told:
        """A message for a case that is closed, unknown, or not yet started."""
        case_id = ids.case_id(creditor, number)
        if isinstance(message, e.PaymentReversed):
            return await self._reopen(creditor, number, message)
        if isinstance(message, e.Refunded):
            return self._book_after_close(creditor, number, message)
        if isinstance(message, e.TaskCompleted) and self.ledger.finish_task(case_id, message.task):
            self.ledger.answered(creditor, number, message, "delivered", "done")
            return Told("done", None)
        if isinstance(message, e.PaymentReceived):
            known = bool(self.ledger.known([case_id]))
            why = "the case is closed" if known else "there is no such case yet"
            task = f"{message.amount} received for {creditor}/{number}, but {why}: refund, set off, or start the case"
            self.ledger.answered(creditor, number, message, "unapplied", why, task=task)
            return Told(f"{why}: {message.amount} is kept as unapplied cash, with a task", None, unapplied=True)
        row = next(iter(self.ledger.find(number, creditor)), None)
        reason = f"the case is closed ({row.outcome})" if row is not None and row.closed else reason
        self.ledger.answered(creditor, number, message, "refused", reason)
        raise InputRefused(f"{creditor}/{number}: {reason}")

    async def _reopen(self, creditor: str, number: str, reversal: e.PaymentReversed) -> Told:
        """A reversal after the close: the case is rebuilt from the ledger and pursued again."""
        case_id = ids.case_id(creditor, number)
        case = self.ledger.rebuild(case_id)
        had = case is not None and any(p.id == reversal.payment for p in case.payments)
        answer = f"taken back ({reversal.id})"
        if not had and self._never_applied(creditor, number, reversal.payment, "reversed", answer):
            self.ledger.answered(creditor, number, reversal, "delivered", "it was never applied")
            return Told(f"payment {reversal.payment} is taken back; it was never applied", None)
        try:
            if case is None:
                raise Refused("there is no such case")
            case = apply(case, reversal.but(at=self.business_now(case), source="ledger"))
        except Refused as refusal:
            self.ledger.answered(creditor, number, reversal, "refused", str(refusal))
            raise InputRefused(f"{creditor}/{number}: {refusal}") from refusal
        head = view.head(case)
        if not case.closed:
            start = CaseStart(carried=stored(case, case.sequence))
            await self.run_case(case, start, WorkflowIDReusePolicy.ALLOW_DUPLICATE)
        self.ledger.answered(creditor, number, reversal, "delivered", "reopened", head, case.journal)
        text = "the case stays closed" if case.closed else f"the case is open again: {case.outstanding} outstanding"
        return Told(text, head)

    def _book_after_close(self, creditor: str, number: str, refund: e.Refunded) -> Told:
        """Unapplied money leaves a closed case: booked in the ledger's chain, the case stays closed."""
        case_id = ids.case_id(creditor, number)
        case = self.ledger.rebuild(case_id)
        try:
            if case is None or all(p.id != refund.payment for p in case.payments):
                return self._give_back_unapplied(creditor, number, refund)
            case = apply(case, refund.but(at=self.business_now(case), source="ledger"))
        except Refused as refusal:
            self.ledger.answered(creditor, number, refund, "refused", str(refusal))
            raise InputRefused(f"{creditor}/{number}: {refusal}") from refusal
        self.ledger.answered(creditor, number, refund, "delivered", "booked", view.head(case), case.journal)
        return Told(f"{refund.amount} of payment {refund.payment} left the closed case", view.head(case))

    def _give_back_unapplied(self, creditor: str, number: str, refund: e.Refunded) -> Told:
        """Money that came after the close, or for no case at all, is given back."""
        payment = self._kept(creditor, number, refund.payment)
        if payment is None:
            raise Refused(f"there is no payment {refund.payment!r} that could be paid back")
        if payment.amount != refund.amount:
            raise Refused(f"payment {refund.payment!r} is kept whole: pay back {payment.amount}")
        self._never_applied(creditor, number, refund.payment, "refunded", f"paid back ({refund.id})")
        self.ledger.answered(creditor, number, refund, "delivered", "booked")
        return Told(f"{refund.amount} paid back; it was never applied", None)

    def _kept(self, creditor: str, number: str, payment: str) -> e.PaymentReceived | None:
        """A payment that no case has."""
        waiting = self.ledger.unapplied(creditor, number)
        return next((m for m in waiting if m.id == payment), None)

    def _never_applied(self, creditor: str, number: str, payment: str, status: str, answer: str) -> bool:
        """Money that no case has leaves, and its task is done; False if there is none such."""
        kept = self._kept(creditor, number, payment)
        if kept is None:
            return False
        self.ledger.answered(creditor, number, kept, status, answer)
        self.ledger.finish_task(ids.case_id(creditor, number), f"{kept.type}-{kept.id}")
        return True

    # --- showing ----------------------------------------------------------------------------------------------

    async def show(self, creditor: str, number: str) -> dict[str, Any]:
        """The case as it stands, with what the ledger alone knows (refused messages, unapplied cash)."""
        case_id = ids.case_id(creditor, number)
        case = await self.running_case(case_id)
        if case is None or case.closed:
            # What came after the close is in the ledger alone.
            case = self.ledger.rebuild(case_id) or case
        if case is None:
            raise InputRefused(f"there is no case {creditor}/{number}")
        shown = view.show(case, self.business_now(case))
        shown["rejected"] += [
            {"message": row.type, "reason": row.answer} for row in self.ledger.refusals(creditor, number)
        ]
        waiting = self.ledger.tasks(case_id)
        listed = {task["id"] for task in shown["tasks"]}
        if shown["stage"] == "closed":
            # What is left to do for a closed case is done in the ledger alone.
            for task in shown["tasks"]:
                task["done"] = task["id"] not in {row.task for row in waiting}
        shown["tasks"] += [
            {"id": row.task, "kind": row.kind, "text": row.text, "opened_at": row.opened_at.isoformat(),
             "done": False, "outcome": None}
            for row in waiting if row.task not in listed
        ]  # fmt: skip
        cash = BankBook(self.ledger.engine).worklist(creditor, case.invoice.buyer.id)
        shown["buyer_cash"] = [
            {"entry": row.key, **view.money(Money.from_minor(row.unapplied_minor, row.currency)),
             "received_on": row.received_on.isoformat(), "payer": row.payer, "reason": row.reason}
            for row in cash
            if row.kind == "payment"
        ]  # fmt: skip
        known = {payment["id"] for payment in shown["payments"]}
        for message in self.ledger.told(creditor, number):
            if isinstance(message, e.PaymentReceived) and message.id not in known:
                received_on = message.received_on.isoformat()
                shown["unapplied"].append({"id": message.id, **view.money(message.amount), "received_on": received_on})
        return shown

    async def running_case(self, case_id: str) -> Case | None:
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
            raise _unreachable(error) from error


def listed(row: Any) -> dict[str, Any]:
    """A case as lists show it, from its row in the ledger."""
    return {
        "invoice": row.number, "creditor": row.creditor, "buyer": row.buyer_id, "due": row.due.isoformat(),
        "stage": row.stage, "outcome": row.outcome,
        "outstanding": view.money(Money.from_minor(row.outstanding_minor, row.currency)), "on_hold": row.on_hold,
        "next": {"step": row.next_step, "at": row.next_at.isoformat()} if row.next_step else None,
    }  # fmt: skip


class _NoRunningCase(Exception):
    """The server knows no running workflow for the case."""


def _unreachable(error: RPCError) -> Unreachable:
    return Unreachable(f"the Temporal server did not answer ({error.message[:200]}): check that it runs, then repeat")


def _clip(text: str, size: int) -> str:
    """At most `size` bytes of UTF-8."""
    encoded = text.encode()
    return text if len(encoded) <= size else encoded[: size - 3].decode(errors="ignore") + "…"


def batches(openings: Iterable[Any], size: int) -> Iterable[list[Any]]:
    """The stream in lists of at most `size`."""
    batch: list[Any] = []
    for opening in openings:
        batch.append(opening)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch
