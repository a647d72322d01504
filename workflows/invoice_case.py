"""The life of an overdue invoice: one loop that asks `next_action` and does what it says.

It decides nothing itself. Whatever happens, from a timer, a message or an activity, is an event for `apply`; both
functions live in `models/` and serve simulation and preview just the same.
"""

import asyncio
from datetime import datetime
from typing import Any, cast

from temporalio import workflow
from temporalio.common import RawValue, SearchAttributeUpdate
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.steps import StepActivities
    from models import events as e
    from models import page, view
    from models.case import Case, Closed, Refused
    from models.changes import apply, open_case, stored
    from models.events import MESSAGES, Message
    from models.ladder import Close, Perform, Propose, Record, Tell, Wait, ending, next_action
    from models.ordering import order_of
    from models.orders import Answer, CaseStart, Head, RecordOrder, StepReport
    from models.tasks import put_off_since
    from workflows import counterparts
    from workflows.attributes import attributes_of
    from workflows.doors import Undecodable, decode, doors


@workflow.defn(name="InvoiceCase")
@doors(MESSAGES)
class InvoiceCase:
    """Pursues one invoice until the money is in or the claim is settled."""

    @workflow.init
    def __init__(self, start: CaseStart) -> None:
        """Restore the case before any message is handled: messages may come first."""
        self._lock = asyncio.Lock()
        self._performing = False
        self._shown: dict[str, Any] = {}
        self._case = _begin(start, workflow.now())

    @workflow.run
    async def run(self, start: CaseStart) -> Head:
        """Climb the ladder."""
        await self._note()  # What was told before the case began, and an opening past the front door.
        while not await self._over():
            action = next_action(self._case, self._now())
            match action:
                case Wait(until):
                    await self._wait(until)
                case Perform():
                    await self._perform(action)
                case Propose():
                    await self._propose(action)
                case Record(event):
                    self._take(event)
                    await self._note()
                case Tell(case_id, message):
                    await self._tell(case_id, message)
                case Close(outcome):
                    await self._close(outcome)
            if workflow.info().is_continue_as_new_suggested() and not self._case.closed:
                await self._continue_as_new()
        return view.head(self._case)

    # --- what the loop does -----------------------------------------------------------------------------------

    async def _over(self) -> bool:
        """Whether the case is closed once nobody speaks any more: a reversal at the last moment reopens it."""
        if self._case.closed:
            await workflow.wait_condition(workflow.all_handlers_finished)
        return self._case.closed

    async def _wait(self, until: datetime | None) -> None:
        """Wait for a deadline or for an event that changes the plan, whichever comes first."""
        self._publish()
        seen = self._case

        def plan_changed() -> bool:
            # An event that leaves the plan as it is must not cost a new timer.
            nonlocal seen
            if self._case is seen:
                return workflow.info().is_continue_as_new_suggested()
            seen = self._case
            return next_action(seen, self._now()) != Wait(until)

        if until is None:
            await workflow.wait_condition(plan_changed)
            return
        delay = self._case.clock.delay(workflow.now(), until)
        if delay.total_seconds() <= 0:
            return
        upcoming = view.upcoming_step(self._case)
        summary = f"{upcoming[0].id} on {until:%Y-%m-%d %H:%M} UTC" if upcoming else f"until {until:%Y-%m-%d %H:%M} UTC"
        try:
            await workflow.wait_condition(plan_changed, timeout=delay, timeout_summary=summary)
        except TimeoutError:
            pass  # The deadline: the loop asks again what to do.

    async def _perform(self, action: Perform) -> None:
        """Carry out one step: a single activity, whose report is an event like any other."""
        order = order_of(self._case, action.step, action.occurrence, action.planned_at, self._now())
        self._performing = True
        try:
            report = await workflow.execute_activity_method(
                StepActivities.perform_step, order, **counterparts.mail(_summary(action))
            )
        except ActivityError as error:
            reason = str(error.cause or error)
            report = StepReport(status="deferred", until=self._put_off(action.step.id), note=reason[:500])
        self._performing = False
        self._case = stored(self._case, report.stored)
        self._report(action, report)
        await self._note()

    def _put_off(self, step: str) -> datetime:
        """Until when a step waits whose counterpart could not be reached."""
        wait, now = counterparts.DEFER_AFTER_FAILURE, self._now()
        if workflow.patched("longer deferrals"):
            wait = counterparts.deferral((now - put_off_since(self._case, step, now)) / self._case.clock.factor)
        return self._case.clock.at(workflow.now() + wait)

    def _report(self, action: Perform, report: StepReport) -> None:
        step, occurrence = action.step, action.occurrence
        match report.status:
            case "unsettled":
                for message in report.told:
                    self._take(message)
            case "performed":
                if report.law is not None:
                    self._take(e.LawUpdated(law=report.law))
                self._take(
                    e.StepPerformed(
                        step=step.id, kind=step.kind, occurrence=occurrence, planned_at=action.planned_at,
                        performed_at=report.performed_at or self._now(), notice=report.notice, sha256=report.sha256,
                        task=report.task,
                        note=report.note,
                    )
                )  # fmt: skip
                for message in report.told:  # a channel has found the contact lost
                    self._take(message)
            case "skipped":
                self._take(e.StepSkipped(step=step.id, occurrence=occurrence, reason=report.note))
            case "deferred":
                until = report.until or self._now()
                self._take(e.StepDeferred(step=step.id, occurrence=occurrence, until=until, reason=report.note))
            case "refused":
                self._take(e.StepRefused(step=step.id, occurrence=occurrence, reason=report.note))

    async def _propose(self, action: Propose) -> None:
        """Put a step before a second person; the case goes on without waiting for the answer."""
        self._take(e.StepProposed(step=action.step.id, occurrence=action.occurrence, planned_at=action.planned_at))
        await self._note()

    async def _tell(self, case_id: str, message: Message) -> None:
        """Tell another case; one that has ended need not hear it."""
        handle: workflow.ExternalWorkflowHandle[Any] = workflow.get_external_workflow_handle(case_id)
        try:
            await handle.signal(message.type, message)
        except ApplicationError:
            pass
        self._take(e.PartnerTold(case=case_id))
        await self._note()

    async def _close(self, outcome: e.Outcome) -> None:
        """End the case once the ledger has all of it. A reversal that comes meanwhile reopens it."""
        self._take(e.CaseClosed(outcome=outcome))
        self._publish()
        await workflow.wait_condition(workflow.all_handlers_finished)
        await self._record(None)

    async def _continue_as_new(self) -> None:
        # A handler that waits for the close must not wait for us while we wait for it: then the loop goes on.
        await workflow.wait_condition(lambda: workflow.all_handlers_finished() or ending(self._case, self._now()))
        if not ending(self._case, self._now()):
            workflow.continue_as_new(CaseStart(carried=self._case))

    # --- behind the doors -------------------------------------------------------------------------------------

    async def signaled(self, name: str, given: Any) -> None:
        """A signal: taken, or recorded as rejected with the reason. It never raises: that would fail the case."""
        async with self._lock:
            message: Message | None = None
            try:
                message = decode(name, given)
                await self._receive(message)
            except (Undecodable, Refused) as refusal:
                if isinstance(refusal, Closed) and isinstance(message, e.PaymentReceived):
                    await self._record(message, late=True)
                content = given.payload.data.decode(errors="replace")[:500] if isinstance(given, RawValue) else ""
                self._take(e.MessageRejected(message=name, reason=str(refusal)[:2000], content=content))
            await self._note()
            self._publish()

    def admit(self, name: str, given: RawValue) -> None:
        """Refuse an update that could not be taken as things stand; a refused one leaves no trace in history."""
        try:
            apply(self._case, decode(name, given).but(at=self._now()))
        except (Undecodable, Refused) as refusal:
            raise _no(refusal) from None

    async def updated(self, name: str, given: RawValue) -> Answer:
        """An update: taken, with an answer for the caller."""
        async with self._lock:
            before = self._case
            try:
                message = decode(name, given)
                await self._receive(message)
            except (Undecodable, Refused) as refusal:
                raise _no(refusal) from None
            if message.source != "ledger":
                await self._note()  # Nobody else hands over what came of it.
            if ending(self._case, self._now()) and not self._performing:
                # The loop closes the case in this same task: let the answer say so.
                await workflow.wait_condition(lambda: self._case.closed)
            self._publish()
            new = tuple(n for n in self._case.journal if n.sequence > before.sequence)
            return Answer(
                duplicate=self._case.sequence == before.sequence, text=_answer(before, self._case),
                head=view.head(self._case), events=new,
            )  # fmt: skip

    @workflow.update
    async def law_updated(self, given: e.LawUpdated) -> bool:
        """Take over rates that were published since the case began; whether they were new to it."""
        async with self._lock:
            if self._case.closed or not self._reaches_further(given):
                return False
            self._take(given.but(at=self._now()))
            await self._note()
            self._publish()
            return True

    @law_updated.validator
    def _admit_law(self, given: e.LawUpdated) -> None:
        """Refuse what a case has no use for: told twice, it leaves no trace in history."""
        if self._case.closed:
            raise _no(Closed(f"the case is closed ({self._case.outcome})"))
        if not self._reaches_further(given):
            raise _no(Refused("the case knows these rates"))

    def _reaches_further(self, given: e.LawUpdated) -> bool:
        known, newer = self._case.law, given.law.known_until
        if known is None or known.code != given.law.code:
            return False
        return bool(known.known_until and newer and newer > known.known_until)

    async def _receive(self, message: Message) -> None:
        """Apply a message; money that did not come through the ledger is written there before it counts."""
        message = message.but(at=self._now())
        if message.MONEY and message.source != "ledger":
            apply(self._case, message)
            conflict = await self._record(message)
            if conflict is not None:
                raise Refused(conflict)
            message = message.but(at=self._now())
        self._case = apply(self._case, message)

    # --- queries ----------------------------------------------------------------------------------------------

    @workflow.query
    def show(self) -> dict[str, Any]:
        """The case as `show --json` prints it."""
        return view.show(self._case, self._now())

    @workflow.query
    def case(self) -> Case:
        """The whole case, as the rules see it."""
        return self._case

    # --- small verbs ------------------------------------------------------------------------------------------

    def _now(self) -> datetime:
        return self._case.clock.at(workflow.now())

    def _take(self, event: e.Event) -> None:
        """Apply an event of the case's own making; one that has become impossible is kept as rejected."""
        event = event if event.at is not None and not isinstance(event, Message) else event.but(at=self._now())
        try:
            self._case = apply(self._case, event)
        except Refused as refusal:
            reference = event.update_id if isinstance(event, Message) else ""
            rejected = e.MessageRejected(message=event.type, reference=reference, reason=str(refusal), at=self._now())
            self._case = apply(self._case, rejected) if not self._case.closed else self._case

    async def _note(self) -> None:
        """Hand the journal to the ledger soon; what cannot be handed over stays for the next time."""
        if not self._case.journal:
            return
        try:
            report = await workflow.execute_local_activity_method(
                StepActivities.record, self._record_order(None), **counterparts.LEDGER_NOTE
            )
        except ActivityError:
            return
        self._case = stored(self._case, report.stored)

    async def _record(self, message: Message | None, late: bool = False) -> str | None:
        """Write to the ledger now, and do not go on before it has it. The answer is a conflict, or None."""
        summary = f"record {message.update_id}" if message else "close the case in the ledger"
        report = await workflow.execute_activity_method(
            StepActivities.record, self._record_order(message, late), **counterparts.ledger(summary)
        )
        self._case = stored(self._case, report.stored)
        return report.conflict

    def _record_order(self, message: Message | None, late: bool = False) -> RecordOrder:
        return RecordOrder.model_construct(
            case_id=self._case.id, message=cast("e.AnyMessage | None", message), late=late,
            journal=self._case.journal, head=view.head(self._case),
        )  # fmt: skip

    def _publish(self) -> None:
        """Show the case: its page in the UI, and its search attributes in one upsert if any changed."""
        workflow.set_current_details(page.page(self._case))
        wanted = attributes_of(self._case)
        shown = self._shown or {
            key.name: workflow.info().typed_search_attributes.get(key) for key, _ in wanted
        }  # fmt: skip
        updates: list[SearchAttributeUpdate[Any]] = [
            key.value_set(value) if value is not None else key.value_unset()
            for key, value in wanted
            if shown.get(key.name) != value
        ]
        if updates:
            workflow.upsert_search_attributes(updates)
        self._shown = {key.name: value for key, value in wanted}


def _begin(start: CaseStart, now: datetime) -> Case:
    """The case to pursue: a new one with what it was told before it began, or one carried over."""
    if start.carried is not None:
        return start.carried
    if start.opened is None:
        raise ApplicationError("a case starts with its opening or with a carried case", non_retryable=True)
    opened = start.opened if start.opened.at is not None else start.opened.but(at=start.opened.clock.at(now))
    case = stored(open_case(opened), start.stored)
    for message in start.told:
        try:
            case = apply(case, message.but(at=case.opened_at))
        except Refused as refusal:
            rejected = e.MessageRejected(
                message=message.type, reference=message.update_id, reason=str(refusal), at=case.opened_at
            )
            case = apply(case, rejected)
    return case


def _no(refusal: ValueError) -> ApplicationError:
    kind = "Closed" if isinstance(refusal, Closed) else "Refused"
    return ApplicationError(str(refusal), type=kind, non_retryable=True)


def _summary(action: Perform) -> str:
    nth = f" #{action.occurrence}" if action.step.occurrences > 1 else ""
    return f"{action.step.id}{nth} ({action.step.kind}), planned {action.planned_at:%Y-%m-%d %H:%M} UTC"


def _answer(before: Case, after: Case) -> str:
    """What a message did, in a sentence."""
    if before.sequence == after.sequence:
        return "already known; nothing changed"
    parts = [f"{after.outstanding} outstanding"]
    if after.outstanding == before.outstanding == after.invoice.amount and before.on_hold != after.on_hold:
        parts = []
    if after.closed:
        parts.append(f"the case is closed ({after.outcome})")
    elif after.on_hold:
        parts.append("the ladder stands still: " + ", ".join(page.pausing(after)))
    elif before.on_hold:
        parts.append("the ladder goes on")
    new_tasks = [t.text for t in after.tasks if t not in before.tasks and t.done_at is None]
    return "; ".join([*parts, *(f"task: {text}" for text in new_tasks)]) or "taken"
