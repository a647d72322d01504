"""Messages for a case that does not run: closed, unknown, or not started yet. The ledger alone answers for it."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from temporalio.common import WorkflowIDReusePolicy

from activities.ledger import Ledger
from gateway.errors import InputRefused
from gateway.service.case_server import CaseServer
from gateway.service.told import Told
from models import events as e
from models import ids, view
from models.case import Case, Refused
from models.changes import apply, stored
from models.events import Message
from models.orders import CaseStart


class Afterwards:
    """What becomes of a message that no running case can take."""

    def __init__(self, ledger: Ledger, server: CaseServer, business_now: Callable[[Case], datetime]) -> None:
        """`business_now`: the business instant it is in a case."""
        self._ledger, self._server, self._business_now = ledger, server, business_now

    async def take(self, creditor: str, number: str, message: Message, reason: str) -> Told:
        """Book what can be booked without the case; refuse the rest.

        Args:
            creditor: Its code.
            number: The invoice's.
            message: Already in the ledger.
            reason: Why no case took it.

        Raises:
            InputRefused: it cannot be taken, with the reason.
            Unreachable: the case has to be opened again, and the server does not answer.
        """
        case_id = ids.case_id(creditor, number)
        if isinstance(message, e.PaymentReversed):
            return await self._reopen(creditor, number, message)
        if isinstance(message, e.Refunded):
            return self._book_after_close(creditor, number, message)
        if isinstance(message, e.TaskCompleted) and self._ledger.finish_task(case_id, message.task):
            self._ledger.answered(creditor, number, message, "delivered", "done")
            return Told("done", None)
        if isinstance(message, e.PaymentReceived):
            known = bool(self._ledger.known([case_id]))
            why = "the case is closed" if known else "there is no such case yet"
            task = f"{message.amount} received for {creditor}/{number}, but {why}: refund, set off, or start the case"
            self._ledger.answered(creditor, number, message, "unapplied", why, task=task)
            return Told(f"{why}: {message.amount} is kept as unapplied cash, with a task", None, unapplied=True)
        row = next(iter(self._ledger.find(number, creditor)), None)
        reason = f"the case is closed ({row.outcome})" if row is not None and row.closed else reason
        self._ledger.answered(creditor, number, message, "refused", reason)
        raise InputRefused(f"{creditor}/{number}: {reason}")

    async def _reopen(self, creditor: str, number: str, reversal: e.PaymentReversed) -> Told:
        """A reversal after the close: the case is rebuilt from the ledger and pursued again.

        What was paid after the close settles what is owed again.
        """
        case_id = ids.case_id(creditor, number)
        case = self._ledger.rebuild(case_id)
        applied = case is not None and any(payment.id == reversal.payment for payment in case.payments)
        gone = f"taken back ({reversal.id})"
        if not applied and self._leaves(creditor, number, reversal.payment, "reversed", gone):
            self._ledger.answered(creditor, number, reversal, "delivered", "it was never applied")
            return Told(f"payment {reversal.payment} is taken back; it was never applied", None)
        try:
            if case is None:
                raise Refused("there is no such case")
            case = apply(case, reversal.but(at=self._business_now(case), source="ledger"))
        except Refused as refusal:
            self._ledger.answered(creditor, number, reversal, "refused", str(refusal))
            raise InputRefused(f"{creditor}/{number}: {refusal}") from refusal
        case, taken = self._with_late_money(case)
        head = view.head(case)
        # The ledger first: the case that starts takes it to know all of this already.
        self._ledger.answered(creditor, number, reversal, "delivered", "reopened", head, case.journal)
        for message in taken:
            self._ledger.answered(creditor, number, message, "delivered", "taken as the case was opened again")
        if case.closed:
            return Told("the case stays closed", head)
        start = CaseStart(carried=stored(case, case.sequence))
        await self._server.run(case, start, WorkflowIDReusePolicy.ALLOW_DUPLICATE)
        late = "".join(f"; payment {message.id} is applied now" for message in taken)
        return Told(f"the case is open again: {case.outstanding} outstanding{late}", head)

    def _with_late_money(self, case: Case) -> tuple[Case, list[e.PaymentReceived]]:
        """A case that is open again, with the payments that came after its close."""
        creditor, number = ids.split_case_id(case.id)
        taken: list[e.PaymentReceived] = []
        for message in [] if case.closed else self._ledger.told(creditor, number, (*case.applied, *case.declined)):
            if isinstance(message, e.PaymentReceived):
                with suppress(Refused):  # the case says so itself, before its next step
                    case = apply(case, message.but(at=self._business_now(case), source="ledger"))
                    taken.append(message)
        return case, taken

    def _book_after_close(self, creditor: str, number: str, refund: e.Refunded) -> Told:
        """Unapplied money leaves a closed case: booked in the ledger's chain, the case stays closed."""
        case_id = ids.case_id(creditor, number)
        case = self._ledger.rebuild(case_id)
        try:
            if case is None or all(p.id != refund.payment for p in case.payments):
                return self._give_back_unapplied(creditor, number, refund)
            case = apply(case, refund.but(at=self._business_now(case), source="ledger"))
        except Refused as refusal:
            self._ledger.answered(creditor, number, refund, "refused", str(refusal))
            raise InputRefused(f"{creditor}/{number}: {refusal}") from refusal
        self._ledger.answered(creditor, number, refund, "delivered", "booked", view.head(case), case.journal)
        return Told(f"{refund.amount} of payment {refund.payment} left the closed case", view.head(case))

    def _give_back_unapplied(self, creditor: str, number: str, refund: e.Refunded) -> Told:
        """Money that came after the close, or for no case at all, is given back."""
        payment = self._kept(creditor, number, refund.payment)
        if payment is None:
            raise Refused(f"there is no payment {refund.payment!r} that could be paid back")
        if payment.amount != refund.amount:
            raise Refused(f"payment {refund.payment!r} is kept whole: pay back {payment.amount}")
        self._leaves(creditor, number, refund.payment, "refunded", f"paid back ({refund.id})")
        self._ledger.answered(creditor, number, refund, "delivered", "booked")
        return Told(f"{refund.amount} paid back; it was never applied", None)

    def _kept(self, creditor: str, number: str, payment: str) -> e.PaymentReceived | None:
        """A payment that no case has."""
        return next((m for m in self._ledger.unapplied(creditor, number) if m.id == payment), None)

    def _leaves(self, creditor: str, number: str, payment: str, status: str, answer: str) -> bool:
        """Money that no case has leaves, and its task is done; False if there is none such."""
        kept = self._kept(creditor, number, payment)
        if kept is None:
            return False
        self._ledger.answered(creditor, number, kept, status, answer)
        self._ledger.finish_task(ids.case_id(creditor, number), ids.kept_task(kept.type, kept.id))
        return True
