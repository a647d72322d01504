"""Messages for a case that does not run: closed, unknown, or not started yet. The ledger alone answers for it."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from activities.ledger import Ledger
from gateway.errors import InputRefused
from gateway.service.case_server import CaseServer, NoRunningCase, StillClosing
from gateway.service.told import KNOWN, Told
from models import events as e
from models import ids, view
from models.case import Case, Refused
from models.changes import apply
from models.events import Message


class RunsAgain(Exception):
    """The case is open, and its workflow runs again: it can be told itself."""


class Afterwards:
    """What becomes of a message that no running case can take."""

    def __init__(self, ledger: Ledger, server: CaseServer, business_now: Callable[[Case], datetime]) -> None:
        """`business_now`: the business instant it is in a case."""
        self._ledger, self._server, self._business_now = ledger, server, business_now

    async def take(self, creditor: str, number: str, message: Message, gone: NoRunningCase) -> Told:
        """Book what can be booked without the case; refuse the rest.

        Args:
            creditor: Its code.
            number: The invoice's.
            message: Already in the ledger.
            gone: Why no case took it.

        Raises:
            InputRefused: it cannot be taken, with the reason.
            RunsAgain: the case is open by the ledger, and was started again; nothing was booked.
            Unreachable: the case has to be opened again, and the server does not answer.
        """
        case_id, reason = ids.case_id(creditor, number), str(gone)
        if not isinstance(gone, StillClosing):
            await self._carry_on_if_open(creditor, number)
        try:
            if isinstance(message, e.PaymentReversed):
                return await self._reopen(creditor, number, message)
            if isinstance(message, e.Refunded):
                return self._book_after_close(creditor, number, message)
        except Refused as refusal:
            return self._refused(creditor, number, message, str(refusal))
        if isinstance(message, e.TaskCompleted) and self._ledger.finish_task(case_id, message.task):
            self._ledger.answered(creditor, number, message, "done")
            return Told("done", None)
        if isinstance(message, e.PaymentReceived):
            known = bool(self._ledger.known([case_id]))
            why = "the case is closed" if known else "there is no such case yet"
            task = f"{message.amount} received for {creditor}/{number}, but {why}: refund, set off, or start the case"
            if not self._ledger.keep(creditor, number, message, why, task):
                return KNOWN
            return Told(f"{why}: {message.amount} is kept as unapplied cash, with a task", None, unapplied=True)
        row = next(iter(self._ledger.find(number, creditor)), None)
        reason = f"the case is closed ({row.outcome})" if row is not None and row.closed else reason
        return self._refused(creditor, number, message, reason)

    def _refused(self, creditor: str, number: str, message: Message, reason: str) -> Told:
        if self._ledger.refuse(creditor, number, message, reason):
            raise InputRefused(f"{creditor}/{number}: {reason}")
        return KNOWN

    async def _carry_on_if_open(self, creditor: str, number: str) -> None:
        """A case that was reopened this moment, or whose workflow was ended from outside, is pursued again."""
        row = next(iter(self._ledger.find(number, creditor)), None)
        if row is None or row.closed or not row.started:
            return
        case = self._ledger.rebuild(row.case_id)
        if case is not None and not case.closed:
            await self._server.carry_on(case)
            raise RunsAgain

    async def _reopen(self, creditor: str, number: str, reversal: e.PaymentReversed) -> Told:
        """A reversal after the close: the case is rebuilt from the ledger and pursued again.

        What was paid after the close settles what is owed again.
        """
        case = self._ledger.rebuild(ids.case_id(creditor, number))
        applied = case is not None and any(payment.id == reversal.payment for payment in case.payments)
        if not applied and self._leaves(creditor, number, reversal, "reversed"):
            return Told(f"payment {reversal.payment} is taken back; it was never applied", None)
        if not applied and (twice := self._paid_back_twice(creditor, number, reversal)):
            return Told(f"task: {twice}", None)
        late: list[str] = []

        def reopened(closed: Case) -> Case:
            case = self._after_close(closed, reversal)
            case, taken = self._with_late_money(case)
            late.extend(f"; payment {payment.id} is applied now" for payment in taken)
            return case

        # The ledger first: the case that starts takes it to know all of this already.
        case = self._amended(creditor, number, reversal, "reopened", reopened)
        if case.closed:
            return Told("the case stays closed", view.head(case))
        await self._server.carry_on(case)
        return Told(f"the case is open again: {case.outstanding} outstanding{''.join(late)}", view.head(case))

    def _amended(
        self, creditor: str, number: str, message: Message, answer: str, change: Callable[[Case], Case]
    ) -> Case:  # fmt: skip
        """A case with what the rules make of a message after its close, as it is booked now."""
        case = self._ledger.amend(creditor, number, message, answer, change)
        if case is None:
            raise Refused("there is no such case")
        return case

    def _after_close(self, case: Case, message: Message) -> Case:
        if not case.closed:
            raise RunsAgain  # somebody else was faster, and opened it again
        return apply(case, message.but(at=self._business_now(case), source="ledger"))

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
        case = self._ledger.rebuild(ids.case_id(creditor, number))
        if case is None or all(payment.id != refund.payment for payment in case.payments):
            return self._give_back_unapplied(creditor, number, refund)
        case = self._amended(creditor, number, refund, "booked", lambda closed: self._after_close(closed, refund))
        return Told(f"{refund.amount} of payment {refund.payment} left the closed case", view.head(case))

    def _give_back_unapplied(self, creditor: str, number: str, refund: e.Refunded) -> Told:
        """Money that came after the close, or for no case at all, is given back."""
        payment = self._kept(creditor, number, refund.payment)
        if payment is not None and payment.amount != refund.amount:
            raise Refused(
                f"payment {refund.payment!r} came when no case ran, and is kept whole: {payment.amount} can be "
                "paid back or set off, no part of it (what is too much for another invoice stays unapplied there)"
            )
        if not self._leaves(creditor, number, refund, "refunded"):
            raise Refused(f"there is no payment {refund.payment!r} that could be paid back")
        what = (
            f"set off against {refund.to}; it was never applied here"
            if refund.to
            else "paid back; it was never applied"
        )
        return Told(f"{refund.amount} {what}", None)

    def _paid_back_twice(self, creditor: str, number: str, reversal: e.PaymentReversed) -> str | None:
        """The task if money that no case has is taken back after it left; a case with such money says it likewise."""
        found = next((p for p in self._ledger.payments(creditor, number) if p.id == reversal.payment), None)
        if found is None:
            return None
        task = f"payment {found.id} was taken back, but {found.amount} of it had been paid back or set off: claim that"
        return task if self._ledger.claim_back(creditor, number, found, reversal, task) else None

    def _kept(self, creditor: str, number: str, payment: str) -> e.PaymentReceived | None:
        """A payment that no case has."""
        return next((m for m in self._ledger.unapplied(creditor, number) if m.id == payment), None)

    def _leaves(self, creditor: str, number: str, by: e.PaymentReversed | e.Refunded, status: str) -> bool:
        """Money that no case has leaves; False if there is none such."""
        kept = self._kept(creditor, number, by.payment)
        return kept is not None and self._ledger.let_go(creditor, number, kept, status, by, "it was never applied")
